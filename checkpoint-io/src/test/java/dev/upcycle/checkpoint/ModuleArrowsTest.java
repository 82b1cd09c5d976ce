package dev.upcycle.checkpoint;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.upcycle.checkpoint", importOptions = DoNotIncludeTests.class)
class ModuleArrowsTest {
  @ArchTest
  static final ArchRule DEPENDS_ON_JACKSON_COMPRESS_AND_THE_PLATFORM_ONLY =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideOutsideOfPackages(
              "dev.upcycle.checkpoint..",
              "java..",
              "tools.jackson..",
              "org.apache.commons.compress..",
              "org.apache.commons.io..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule KNOWS_NEITHER_LIBTORCH_NOR_THE_TERMINAL =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bytedeco..", "picocli..", "dev.upcycle.cli..");

  @ArchTest
  static final ArchRule READER_DOES_NOT_KNOW_THE_WRITER =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.upcycle.checkpoint.write..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.upcycle.checkpoint.write..");
}
