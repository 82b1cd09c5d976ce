package dev.upcycle.kernels;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.codeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.stream.Stream;

@AnalyzeClasses(
    packages = "dev.upcycle.kernels",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final DescribedPredicate<JavaClass> NATIVE =
      DescribedPredicate.describe(
          "native types", type -> type.getPackageName().startsWith("org.bytedeco"));

  @ArchTest
  static final ArchRule onlyTheTensorPackageTouchesNativeTypes =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.upcycle.kernels.tensor")
          .should()
          .dependOnClassesThat(NATIVE);

  @ArchTest
  static final ArchRule noPublicSignatureShowsANativeType =
      codeUnits()
          .that()
          .arePublic()
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .should(hideNativeTypes());

  @ArchTest
  static final ArchRule noPublicFieldShowsANativeType =
      fields()
          .that()
          .doNotHaveModifier(JavaModifier.PRIVATE)
          .and()
          .areDeclaredInClassesThat()
          .arePublic()
          .should()
          .notHaveRawType(NATIVE);

  @ArchTest
  static final ArchRule packagesAreFreeOfCycles =
      slices().matching("dev.upcycle.kernels.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule nothingPrintsOrExits =
      noClasses()
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err")
          .orShould()
          .callMethod(System.class, "exit", int.class);

  private static ArchCondition<JavaCodeUnit> hideNativeTypes() {
    return new ArchCondition<>("hide native types") {
      @Override
      public void check(JavaCodeUnit unit, ConditionEvents events) {
        boolean shows =
            Stream.concat(unit.getRawParameterTypes().stream(), Stream.of(unit.getRawReturnType()))
                .anyMatch(NATIVE);
        if (shows) {
          events.add(SimpleConditionEvent.violated(unit, unit.getFullName()));
        }
      }
    };
  }
}
