package dev.upcycle.verify;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.upcycle.convert.PlanExecutor;
import org.junit.jupiter.api.Test;

class VerifyIndependenceTest {
  @Test
  void verificationSharesNothingWithWhatPlansCastsOrWrites() {
    noClasses()
        .that()
        .resideInAPackage("dev.upcycle.verify..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.upcycle.plan..", "dev.upcycle.checkpoint.write..")
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(PlanExecutor.class)
        .check(
            new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.upcycle"));
  }
}
