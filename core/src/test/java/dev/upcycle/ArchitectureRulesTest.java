package dev.upcycle;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/// The arrows between modules and packages, as ARCHITECTURE.md draws them.
class ArchitectureRulesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.upcycle");

  @Test
  void theFieldNeverKnowsTheTerminal() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.upcycle.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.upcycle.cli..", "picocli..")
        .check(CLASSES);
  }

  @Test
  void theLowerModulesDependOnNoModuleOfOurs() {
    noClasses()
        .that()
        .resideInAPackage("dev.upcycle.checkpoint..")
        .should()
        .dependOnClassesThat(otherThan("dev.upcycle.checkpoint.."))
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAPackage("dev.upcycle.recipe..")
        .should()
        .dependOnClassesThat(otherThan("dev.upcycle.recipe.."))
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAPackage("dev.upcycle.kernels..")
        .should()
        .dependOnClassesThat(otherThan("dev.upcycle.kernels.."))
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  @Test
  void planningAndConvertingNeverTouchLibTorch() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "dev.upcycle.arch..",
            "dev.upcycle.plan..",
            "dev.upcycle.convert..",
            "dev.upcycle.inspect..",
            "dev.upcycle.estimate..",
            "dev.upcycle.verify..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.upcycle.kernels..", "org.bytedeco..")
        .check(CLASSES);
  }

  @Test
  void onlyKernelsImportsBytedeco() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.upcycle.kernels..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco..")
        .check(CLASSES);
  }

  @Test
  void theVerifierNeverKnowsThePlanner() {
    noClasses()
        .that()
        .resideInAPackage("dev.upcycle.verify..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.upcycle.plan..")
        .check(CLASSES);
  }

  @Test
  void nothingOutsideTheCommandLinePrintsOrExits() {
    noClasses()
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Throwable.class, "printStackTrace")
        .check(CLASSES);
  }

  @Test
  void packagesAreFreeOfCycles() {
    slices().matching("dev.upcycle.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  private static DescribedPredicate<JavaClass> otherThan(String own) {
    return JavaClass.Predicates.resideInAPackage("dev.upcycle..")
        .and(DescribedPredicate.not(JavaClass.Predicates.resideInAPackage(own)))
        .as("classes of ours outside %s", own);
  }
}
