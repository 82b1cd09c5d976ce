package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.TensorEntry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Fuzz target: whatever a pickle says, it is refused by a named fault, or it names tensors whose
/// elements all lie within one storage, each at bytes of its own.
public final class PickleFuzz {
  private static final Path FILE = Path.of("fuzzed.bin");

  // Sizes that few views fit into, so that most hostile ones pass an end.
  private static final List<Member> STORAGES =
      List.of(
          new Member("data/0", 100, 200, 16, 0),
          new Member("data/1", 300, 400, 64, 0),
          new Member("data/2", 500, 600, 24, 0),
          new Member("data/3", 700, 800, 0, 0));

  private static final Map<String, Member> MEMBERS =
      STORAGES.stream().collect(Collectors.toUnmodifiableMap(Member::name, member -> member));

  private PickleFuzz() {}

  /// What the fuzzer calls.
  public static void fuzzerTestOneInput(byte[] pickle) {
    check(pickle);
  }

  /// What refused the pickle; empty when it was read.
  static Optional<CheckpointFault> check(byte[] pickle) {
    ArchiveFaults faults = new ArchiveFaults(FILE);
    StateDict state;
    List<TensorEntry> tensors;
    try {
      state = StateDict.of(PickleReader.read(pickle, faults), faults);
      tensors = new TensorPlaces(FILE, MEMBERS, faults).of(state);
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageStartingWith(FILE + ": ");
      return Optional.of(e.fault());
    }
    assertThat(tensors).isNotEmpty().hasSameSizeAs(state.tensors().entrySet());
    tensors.forEach(PickleFuzz::requireInStorage);
    return Optional.empty();
  }

  private static void requireInStorage(TensorEntry tensor) {
    assertThat(tensor.file()).isEqualTo(FILE);
    Stream<Member> around =
        STORAGES.stream()
            .filter(
                member -> member.offset() <= tensor.offset() && tensor.offset() <= member.end());
    List<Member> storages = around.toList();
    assertThat(storages).as(tensor.name()).hasSize(1);
    ElementBytes.of(tensor, storages.getFirst().offset(), storages.getFirst().end());
  }
}
