package dev.upcycle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("process")
class LauncherTest {
  @TempDir private static Path installed;
  private static Distribution distribution;

  @TempDir private Path folder;

  @BeforeAll
  static void unpack() throws Exception {
    distribution = Distribution.unpack(installed.resolve("a folder with blanks"));
  }

  @Test
  void startsSilentlyFromAnyDirectory() throws Exception {
    Distribution.Outcome outcome = distribution.run(folder, "--version");

    assertThat(outcome.out()).startsWith("upcycle ");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
  }

  @Test
  void startsThroughARelativeSymlinkToASymlink() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("first"), distribution.launcher());
    Path second = Files.createSymbolicLink(folder.resolve("second"), link.getFileName());

    assertThat(new Distribution(second).run(folder, "--version").code()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"two  blanks", "it's \"quoted\"", "*", "$HOME `id` \\", "two\nlines", "", "ä€"})
  void argumentsArriveUntouched(String argument) throws Exception {
    Distribution.Outcome outcome = distribution.run(folder, "recipe", "show", argument);

    assertThat(outcome.code()).isEqualTo(3);
    assertThat(outcome.err()).contains("upcycle: " + argument + ": ");
  }

  @Test
  void doubleDashEndsTheOptions() throws Exception {
    Distribution.Outcome outcome = distribution.run(folder, "recipe", "show", "--", "--resolved");

    assertThat(outcome.err()).contains("upcycle: --resolved: ");
  }

  @Test
  void exitCodesPass() throws Exception {
    assertThat(distribution.run(folder, "nonsense").code()).isEqualTo(2);
    assertThat(distribution.run(folder, "plan", "llama-4x2", "--model", "./no").code())
        .isEqualTo(4);
  }

  @Test
  void olderJavaHomeIsPassedOver() throws Exception {
    Path old = jdk("old", "17.0.15");

    assertThat(run(Map.of("JAVA_HOME", old.toString()), "--version").code()).isZero();
  }

  @Test
  void explicitJavaThatIsTooOldIsRefused() throws Exception {
    Path old = jdk("old", "17.0.15");

    Distribution.Outcome outcome = run(Map.of("UPCYCLE_JAVA", old.toString()), "--version");

    assertThat(outcome.code()).isEqualTo(6);
    assertThat(outcome.err()).contains(old.toString()).contains("17");
  }

  @Test
  void withoutAnyJdkItSaysWhatToInstall() throws Exception {
    Path old = jdk("old", "1.8.0_402");

    Distribution.Outcome outcome =
        run(
            Map.of(
                "JAVA_HOME", old.toString(),
                "PATH", withoutJava().toString(),
                "UPCYCLE_JVM_FOLDERS", folder.toString()),
            "--version");

    assertThat(outcome.code()).isEqualTo(6);
    assertThat(outcome.err()).contains("no JDK 25").contains("install");
  }

  @Test
  void jdkIsFoundInTheFoldersGiven() throws Exception {
    Path jvms = Files.createDirectories(folder.resolve("jvms"));
    Files.createSymbolicLink(jvms.resolve("newest"), Path.of(System.getProperty("java.home")));

    Distribution.Outcome outcome =
        run(
            Map.of(
                "JAVA_HOME", "",
                "PATH", withoutJava().toString(),
                "UPCYCLE_JVM_FOLDERS", jvms.toString()),
            "doctor");

    assertThat(outcome.code()).describedAs(outcome.err()).isZero();
    assertThat(outcome.out()).contains(System.getProperty("java.home"));
  }

  @Test
  void readOnlyInstallationStartsSilently() throws Exception {
    Distribution other = Distribution.unpack(folder.resolve("read-only"));
    Path lib = folder.resolve("read-only/lib");
    assertThat(lib.toFile().setWritable(false)).isTrue();

    Distribution.Outcome outcome = other.run(folder, "--version");

    assertThat(lib.toFile().setWritable(true)).isTrue();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void spoiltArchiveOfClassesIsPassedOverSilently() throws Exception {
    Distribution other = Distribution.unpack(folder.resolve("spoilt"));
    other.run(folder, "--version");
    try (var files = Files.newDirectoryStream(folder.resolve("spoilt/lib"), "*.jsa")) {
      for (Path archive : files) {
        Files.writeString(archive, "spoilt");
      }
    }

    Distribution.Outcome outcome = other.run(folder, "--version");

    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).isEmpty();
  }

  private Distribution.Outcome run(Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    return distribution.run(folder, environment, List.of(arguments));
  }

  // A folder that looks like a JDK of this version and fails when it is started.
  private Path jdk(String name, String version) throws IOException {
    Path home = folder.resolve(name);
    Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\nexit 99\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return home;
  }

  // What the launcher calls, without a java beside it.
  private Path withoutJava() throws IOException {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    for (String tool : List.of("sh", "readlink", "mkdir", "mv", "rm")) {
      Path there = Path.of("/bin", tool);
      Files.createSymbolicLink(
          bin.resolve(tool), Files.exists(there) ? there : Path.of("/usr/bin", tool));
    }
    return bin;
  }
}
