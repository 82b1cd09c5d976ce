package dev.upcycle.densify;

import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.ModelConfig;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.checkpoint.TensorSpec;
import dev.upcycle.checkpoint.write.ShardLayout;
import dev.upcycle.convert.Manifest;
import dev.upcycle.convert.Manifest.TensorOrigin;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// The dense model inside a model of experts: the manifest read backwards.
///
/// Names, config and order are the dense model's own, since the manifest kept them; so this needs
/// no knowledge of families.
///
/// @param mixture the model of experts
/// @param config the dense model's, with the dtype of the weights as they are now
/// @param tensors in the order in which the manifest first tells of them
/// @param leftOut tensors of the dense model that its conversion dropped, with the reason
public record DensePlan(
    Checkpoint mixture,
    ModelConfig config,
    List<DenseTensor> tensors,
    List<Manifest.LeftOut> leftOut) {
  private static final String COPIED = "copy_to_expert";

  /// Takes copies.
  public DensePlan {
    tensors = List.copyOf(tensors);
    leftOut = List.copyOf(leftOut);
  }

  /// Reads the manifest of a model against its weights.
  ///
  /// @throws dev.upcycle.checkpoint.CheckpointFormatException when there is no manifest
  /// @throws DensifyException when the manifest and the weights do not tell of the same tensors, or
  ///   when the manifest does not say what the dense model was
  public static DensePlan of(Checkpoint mixture) {
    Manifest manifest = Manifest.read(mixture.directory());
    ModelConfig dense =
        manifest
            .sourceConfig()
            .orElseThrow(() ->
                new DensifyException(
                    mixture.directory().resolve(Manifest.FILE_NAME)
                        + " was written by upcycle "
                        + manifest.toolVersion()
                        + ", which did not record the dense model's config; convert again with this"
                        + " version"));
    Map<String, List<TensorEntry>> copies = new LinkedHashMap<>();
    Set<String> experts = new HashSet<>();
    Set<String> told = new HashSet<>();
    for (TensorOrigin origin : manifest.tensors()) {
      TensorEntry entry = require(mixture, origin);
      told.add(origin.name());
      origin
          .from()
          .ifPresent(from -> {
            copies.computeIfAbsent(from, name -> new ArrayList<>()).add(entry);
            if (origin.kind().equals(COPIED)) {
              experts.add(from);
            }
          });
    }
    refuseStrangers(mixture, told);
    List<DenseTensor> tensors = new ArrayList<>();
    copies.forEach((name, all) -> tensors.add(tensor(name, all, experts.contains(name))));
    if (tensors.isEmpty()) {
      throw new DensifyException(
          mixture.directory().resolve(Manifest.FILE_NAME)
              + " tells of no tensor that came from a dense model; convert again");
    }
    boolean sameDType = dense.dtype().isPresent() && dense.dtype().equals(mixture.config().dtype());
    ModelConfig config =
        sameDType ? dense : mixture.config().dtype().map(dense::withDType).orElse(dense);
    return new DensePlan(mixture, config, tensors, manifest.discarded());
  }

  private static TensorEntry require(Checkpoint mixture, TensorOrigin origin) {
    return mixture
        .find(origin.name())
        .orElseThrow(() ->
            new DensifyException(
                String.format(
                    Locale.ROOT,
                    "%s: %s tells of it, the weights do not hold it; is the directory whole?"
                        + " upcycle verify names everything that is wrong",
                    origin.name(),
                    Manifest.FILE_NAME)));
  }

  private static void refuseStrangers(Checkpoint mixture, Set<String> told) {
    mixture.tensors().keySet().stream()
        .filter(name -> !told.contains(name))
        .findFirst()
        .ifPresent(name -> {
          throw new DensifyException(
              String.format(
                  Locale.ROOT,
                  "%s: the weights hold it, %s does not say where it comes from, so leaving it out"
                      + " might change the model; upcycle verify names everything that is wrong",
                  name,
                  Manifest.FILE_NAME));
        });
  }

  private static DenseTensor tensor(String name, List<TensorEntry> copies, boolean experts) {
    TensorEntry first = copies.getFirst();
    for (TensorEntry copy : copies) {
      if (!copy.shape().equals(first.shape()) || copy.dtype() != first.dtype()) {
        throw new DensifyException(
            String.format(
                Locale.ROOT,
                "%s is %s %s and %s is %s %s, though both come from %s; convert again",
                first.name(),
                first.dtype(),
                first.shape(),
                copy.name(),
                copy.dtype(),
                copy.shape(),
                name));
      }
    }
    return new DenseTensor(new TensorSpec(name, first.dtype(), first.shape()), copies, experts);
  }

  /// How the dense model falls into files.
  ///
  /// @param maxShardBytes limit of the tensor bytes of one file
  public ShardLayout layout(long maxShardBytes) {
    return ShardLayout.of(tensors.stream().map(DenseTensor::target).toList(), maxShardBytes);
  }

  /// Bytes of the dense model's tensors.
  public long bytes() {
    return tensors.stream().mapToLong(tensor -> tensor.target().bytes()).sum();
  }

  /// Elements of the dense model's tensors.
  public long parameters() {
    return tensors.stream().mapToLong(tensor -> tensor.target().shape().elements()).sum();
  }
}
