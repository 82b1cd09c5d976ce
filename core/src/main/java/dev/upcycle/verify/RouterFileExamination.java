package dev.upcycle.verify;

import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.Sha256;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.safetensors.SafetensorsHeader;
import dev.upcycle.convert.Manifest;
import dev.upcycle.recipe.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Are routers that were taken from a file still that file's, and is the file still the one that
/// was taken?
///
/// As with the source, nothing is compared where only the target was given and the file is gone.
final class RouterFileExamination implements Examination {
  @Override
  public void examine(Subject subject, Findings findings) {
    Map<Part, Path> files = subject.routerFiles();
    files.forEach((part, path) -> file(part, path, subject, findings));
    if (files.isEmpty()
        && subject.recipe().isPresent()
        && !subject.manifest().routerFiles().isEmpty()) {
      findings.failed(
          CheckKind.ROUTERS,
          Manifest.FILE_NAME,
          "tells of a file that routers were taken from, recipe.yaml of none");
    }
  }

  private static void file(Part part, Path path, Subject subject, Findings findings) {
    if (!Files.exists(path) && subject.source().isEmpty()) {
      findings.remark("routers were not compared with " + path + ", which is not there");
      return;
    }
    findings.covered(CheckKind.ROUTERS);
    try {
      same(path, subject.manifest(), findings);
      SafetensorsHeader header = SafetensorsHeader.read(path);
      Map<String, TensorEntry> taken = new HashMap<>();
      header.tensors().forEach(tensor -> taken.put(tensor.name(), tensor));
      List<ExpectedTensor> routers =
          subject.expected().all().stream()
              .filter(expected -> expected.newRouter())
              .filter(expected -> expected.part().equals(Optional.of(part)))
              .toList();
      tensors(taken, routers, subject, findings);
    } catch (IOException | CheckpointFormatException e) {
      findings.failed(
          CheckKind.ROUTERS,
          path.toString(),
          "cannot be read to compare the routers with it: " + e + "; put it back");
    }
  }

  private static void same(Path path, Manifest manifest, Findings findings) throws IOException {
    Manifest.RouterSource actual =
        new Manifest.RouterSource(
            String.valueOf(path.getFileName()), Files.size(path), Sha256.hex(path));
    if (!manifest.routerFiles().contains(actual)) {
      findings.failed(
          CheckKind.ROUTERS,
          path.toString(),
          "not the file that the routers were taken from: it has %d bytes, sha256 %s; %s says %s"
              .formatted(
                  actual.bytes(),
                  actual.sha256(),
                  Manifest.FILE_NAME,
                  manifest.routerFiles().stream()
                      .map(said -> said.name() + ", " + said.bytes() + " bytes, " + said.sha256())
                      .findFirst()
                      .orElse("none")));
    }
  }

  private static void tensors(
      Map<String, TensorEntry> taken,
      List<ExpectedTensor> routers,
      Subject subject,
      Findings findings) {
    try (ByteComparison comparison = new ByteComparison()) {
      for (ExpectedTensor expected : routers) {
        Optional<TensorEntry> router = subject.target().find(expected.name());
        if (router.isPresent()) {
          objection(Optional.ofNullable(taken.get(expected.name())), router.get(), comparison)
              .ifPresent(text -> findings.failed(CheckKind.ROUTERS, expected.name(), text));
        }
      }
    }
  }

  private static Optional<String> objection(
      Optional<TensorEntry> taken, TensorEntry router, ByteComparison comparison) {
    if (taken.isEmpty()) {
      return Optional.of("the file that routers were taken from does not hold it");
    }
    TensorEntry source = taken.get();
    if (!source.shape().equals(router.shape())
        || !RoundToNearestEven.isFloat(source.dtype())
        || !RoundToNearestEven.isFloat(router.dtype())) {
      return Optional.of(
          "%s of %s, in %s %s of %s"
              .formatted(
                  router.shape(), router.dtype(), source.file(), source.shape(), source.dtype()));
    }
    return comparison
        .compare(source, List.of(router), ByteComparison.UNWATCHED)
        .getFirst()
        .map(difference -> difference.in(source));
  }
}
