package dev.upcycle.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.upcycle", importOptions = DoNotIncludeTests.class)
class ModuleRulesTest {
  @ArchTest
  static final ArchRule cliKnowsNoKernels =
      noClasses()
          .that()
          .resideInAPackage("dev.upcycle.cli..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(
                      "dev.upcycle.kernels..", "dev.upcycle.fixtures..", "org.bytedeco..")
                  .and(not(resideInAPackage("dev.upcycle.kernels.bench")))
                  .as("belong to kernels, but for what a bench measured"));

  @ArchTest
  static final ArchRule nothingKnowsTheCommandLine =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.upcycle.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.upcycle.cli..", "picocli..");

  @ArchTest
  static final ArchRule onlyTheCommandLinePrints =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.upcycle.cli..")
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err");

  @ArchTest
  static final ArchRule onlyTheProcessEntryExits =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.upcycle.cli")
          .should()
          .callMethod(System.class, "exit", int.class)
          .orShould()
          .callMethod(Runtime.class, "exit", int.class)
          .orShould()
          .callMethod(Runtime.class, "halt", int.class);
}
