package dev.upcycle.verify;

import dev.upcycle.arch.Role;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.SourceFile;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.Manifest.SourceShard;
import dev.upcycle.convert.Manifest.TensorOrigin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Does the manifest tell the truth about the directory, the tensors and the source?
final class ManifestExamination implements Examination {
  @Override
  public void examine(Subject subject, Findings findings) {
    files(subject, findings);
    origins(subject, findings);
    subject.source().ifPresent(source -> sourceFiles(source, subject.manifest(), findings));
  }

  private static void files(Subject subject, Findings findings) {
    Path directory = subject.target().directory();
    Set<String> listed = new HashSet<>();
    for (String name : subject.manifest().files()) {
      findings.covered(CheckKind.FILES);
      if (!listed.add(name)) {
        findings.failed(CheckKind.FILES, name, "listed twice by " + Manifest.FILE_NAME);
      } else if (!isPlainName(name)) {
        findings.failed(
            CheckKind.FILES, name, Manifest.FILE_NAME + " may list names of files here only");
      } else if (!Files.isRegularFile(directory.resolve(name))) {
        findings.failed(CheckKind.FILES, name, "missing: " + Manifest.FILE_NAME + " lists it");
      }
    }
    for (String name : namesIn(directory)) {
      if (!listed.contains(name)) {
        stranger(name, findings);
      }
    }
    for (String needed : List.of(Manifest.FILE_NAME, RecipeBeside.FILE_NAME, "config.json")) {
      findings.covered(CheckKind.FILES);
      if (!listed.contains(needed)) {
        findings.failed(CheckKind.FILES, needed, "not listed by " + Manifest.FILE_NAME);
      }
    }
  }

  /// Loaders take whatever `*.safetensors` lies there, so a stranger of that kind changes the
  /// model.
  private static void stranger(String name, Findings findings) {
    if (name.endsWith(".safetensors") || name.endsWith(".bin") || name.contains(".index.json")) {
      findings.covered(CheckKind.FILES);
      findings.failed(
          CheckKind.FILES,
          name,
          String.format(
              Locale.ROOT,
              "stranger: %s does not list it, and some loaders would read it",
              Manifest.FILE_NAME));
    } else {
      findings.remark(name + " lies beside the model; " + Manifest.FILE_NAME + " does not list it");
    }
  }

  private static boolean isPlainName(String name) {
    return !name.isEmpty()
        && name.indexOf('/') < 0
        && name.indexOf('\\') < 0
        && name.indexOf('\0') < 0
        && !name.equals(".")
        && !name.equals("..");
  }

  private static List<String> namesIn(Path directory) {
    try (Stream<Path> paths = Files.list(directory)) {
      return paths
          .filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
          .map(path -> String.valueOf(path.getFileName()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(directory + ": " + e.getMessage(), e);
    }
  }

  private static void origins(Subject subject, Findings findings) {
    Set<String> told = new HashSet<>();
    for (TensorOrigin origin : subject.manifest().tensors()) {
      findings.covered(CheckKind.ORIGINS);
      if (!told.add(origin.name())) {
        findings.failed(CheckKind.ORIGINS, origin.name(), "told twice");
        continue;
      }
      Optional<ExpectedTensor> expected = subject.expected().find(origin.name());
      if (expected.isEmpty()) {
        findings.failed(
            CheckKind.ORIGINS, origin.name(), "told of, yet config.json calls for no such tensor");
      } else {
        origin(expected.get(), origin, subject, findings);
      }
    }
    for (ExpectedTensor expected : subject.expected().all()) {
      if (!told.contains(expected.name())) {
        findings.covered(CheckKind.ORIGINS);
        findings.failed(
            CheckKind.ORIGINS,
            expected.name(),
            Manifest.FILE_NAME + " does not say where it comes from");
      }
    }
  }

  private static String kind(ExpectedTensor expected, Subject subject) {
    boolean taken =
        expected.role() == Role.ROUTER
            && expected.part().filter(subject.routerFiles()::containsKey).isPresent();
    return taken ? "router_from_file" : expected.kind();
  }

  private static void origin(
      ExpectedTensor expected, TensorOrigin actual, Subject subject, Findings findings) {
    String role = expected.role().name().toLowerCase(Locale.ROOT);
    String kind = kind(expected, subject);
    if (!actual.from().equals(expected.source())) {
      findings.failed(
          CheckKind.ORIGINS,
          expected.name(),
          String.format(
              Locale.ROOT,
              "%s should come from %s, %s says %s",
              role,
              expected.source().orElse("nowhere"),
              Manifest.FILE_NAME,
              actual.from().orElse("nowhere")));
    } else if (!actual.role().equals(role) || !actual.kind().equals(kind)) {
      findings.failed(
          CheckKind.ORIGINS,
          expected.name(),
          String.format(
              Locale.ROOT,
              "expected %s by %s, %s says %s by %s",
              role,
              kind,
              Manifest.FILE_NAME,
              actual.role(),
              actual.kind()));
    }
  }

  private static void sourceFiles(Checkpoint source, Manifest manifest, Findings findings) {
    if (!manifest.sourceFamily().equals(source.config().modelType())) {
      findings.failed(
          CheckKind.SOURCE,
          "config.json",
          String.format(
              Locale.ROOT,
              "%s says a %s went in, the source is a %s",
              Manifest.FILE_NAME,
              manifest.sourceFamily(),
              source.config().modelType()));
    }
    manifest
        .sourceConfig()
        .filter(config -> !Arrays.equals(config.toJson(), source.config().toJson()))
        .ifPresent(config ->
            findings.failed(
                CheckKind.SOURCE,
                "config.json",
                "not the config that went in: source_config in "
                    + Manifest.FILE_NAME
                    + " differs from it"));
    Set<String> present = new HashSet<>();
    for (SourceFile file : source.files()) {
      findings.covered(CheckKind.SOURCE);
      String name = source.label(file);
      present.add(name);
      SourceShard actual = new SourceShard(name, file.bytes(), file.headerSha256());
      Optional<SourceShard> said =
          manifest.sourceFiles().stream().filter(shard -> shard.name().equals(name)).findFirst();
      if (said.isEmpty() || !said.get().equals(actual)) {
        findings.failed(
            CheckKind.SOURCE,
            name,
            String.format(
                Locale.ROOT,
                "not the file that went in: %s says %s, the source has %d bytes, header %s",
                Manifest.FILE_NAME,
                said.map(s -> s.bytes() + " bytes, header " + s.headerSha256()).orElse("none"),
                actual.bytes(),
                actual.headerSha256()));
      }
    }
    for (SourceShard shard : manifest.sourceFiles()) {
      if (!present.contains(shard.name())) {
        findings.covered(CheckKind.SOURCE);
        findings.failed(CheckKind.SOURCE, shard.name(), "went in, and the source lacks it");
      }
    }
  }
}
