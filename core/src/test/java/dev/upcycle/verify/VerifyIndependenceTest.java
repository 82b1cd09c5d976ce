package dev.upcycle.verify;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.upcycle.convert.PlanExecutor;
import org.junit.jupiter.api.Test;

/// What the verifier does share with the planner: the families' templates and defaults
/// (`Architecture`, its slots and `complete`), `Dimensions`, and the reading of configs with the
/// two spellings of the rotary embedding (`ModelConfig`). A mistake there would pass here; logits
/// and layer outputs of transformers itself hold those against an outside witness.
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
