package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A pickle that asks for more than weights ever need is refused while it is read.
class PickleLimitTest {
  private static final String PROTO = "\u0080\u0002";

  private static PickleValue read(String opcodes) {
    return PickleReader.read(
        opcodes.getBytes(StandardCharsets.ISO_8859_1), new ArchiveFaults(Path.of("a.bin")));
  }

  private static void assertRefused(String opcodes, String what) {
    CheckpointFormatException refusal =
        catchThrowableOfType(CheckpointFormatException.class, () -> read(opcodes));
    assertThat(refusal).isNotNull();
    assertThat(refusal.fault()).isEqualTo(CheckpointFault.PICKLE_LIMIT);
    assertThat(refusal).hasMessageContaining(what);
  }

  @Test
  void stackIsBounded() {
    assertThat(read(PROTO + "(" + "N".repeat(Limits.STACK - 1) + "t."))
        .isInstanceOf(PickleValue.Tuple.class);
    assertRefused(PROTO + "(" + "N".repeat(Limits.STACK) + "t.", "values on the stack");
  }

  @Test
  void nestingIsBounded() {
    read(PROTO + "(".repeat(Limits.MARKS) + "t".repeat(Limits.MARKS) + ".");
    assertRefused(PROTO + "(".repeat(Limits.MARKS + 1), "levels of nesting");
  }

  @Test
  void valuesAreBounded() {
    String lists = "(" + "]".repeat(50_000) + "e";
    assertRefused(PROTO + "]" + lists.repeat(Limits.VALUES / 100_000 + 1) + ".", "values");
  }

  @Test
  void itemsThatRepeatOneValueAreBounded() {
    String items = "(" + "h\0h\0".repeat(40_000) + "u";
    assertRefused(
        PROTO + "X\1\0\0\0aq\0" + "}" + items.repeat(Limits.VALUES / 40_000 + 1), "values");
  }

  /// A dictionary of a million attributes costs three bytes each time it is set.
  @Test
  void attributesAreOneEntryAtMost() {
    String metadata = "X\11\0\0\0_metadataN";
    String object = PROTO + "}q\0" + "}q\1";
    assertThat(read(object + metadata + "s" + "b.")).isInstanceOf(PickleValue.Dictionary.class);
    assertThatThrownBy(() -> read(object + metadata + "s" + metadata + "s" + "b."))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("sets attributes of a dictionary of 0 by a dictionary of 2");
  }

  /// Each view that is rebuilt from one tuple of 64 sizes and 64 strides holds them all.
  @Test
  void viewsOfManyDimensionsAreBounded() {
    String sizes = "(" + "K\1".repeat(Limits.DIMENSIONS) + "t";
    String storage = "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" + "0X\3\0\0\0cpuK\1tQ";
    String begin =
        PROTO
            + "]ctorch._utils\n_rebuild_tensor_v2\nq\0"
            + "("
            + storage
            + "K\0"
            + sizes
            + sizes
            + "\u0089}tq\1"
            + "\u0086a";
    String views = "(" + "h\0h\1R".repeat(20_000) + "e";
    assertThat(read(begin + views + ".")).isInstanceOf(PickleValue.Sequence.class);
    assertRefused(begin + views + views, "values");
  }

  @Test
  void memoIsBounded() {
    String growing = "Nq\0" + "r\1\0\0\0";
    read(PROTO + growing + ".");
    assertRefused(PROTO + "Nr\u0080\u0084\u001e\0", "places in the memo");
  }

  @Test
  void deepTuplesAreReadWithoutRecursion() {
    assertThatThrownBy(() ->
            StateDict.of(
                read(PROTO + "N" + "\u0085".repeat(1_000_000) + "."),
                new ArchiveFaults(Path.of("a.bin"))))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("something else than a dictionary");
  }

  @Test
  void prefixesThatFillALongNameAreDroppedWithoutRecursion() {
    String name = "module.".repeat(Limits.TEXT_BYTES / "module.".length()) + "w";
    PickleValue.View view =
        new PickleValue.View(
            new PickleValue.Storage(DType.F32, "0", 1), DType.F32, 0, List.of(), List.of());
    PickleValue.Dictionary root = new PickleValue.Dictionary();
    root.items.add(new PickleValue.Dictionary.Item(new PickleValue.Text(name), view));
    StateDict state = StateDict.of(root, new ArchiveFaults(Path.of("a.bin")));
    assertThat(state.tensors()).containsOnlyKeys("w");
    assertThat(state.notes())
        .containsExactly("every name in the pickle begins with 'module.', which is dropped");
  }

  @Test
  void numbersOfEveryWidthAreRead() {
    assertThat(read(PROTO + "\u008a\0.")).isEqualTo(new PickleValue.Whole(0));
    assertThat(read(PROTO + "\u008a\1\u00ff.")).isEqualTo(new PickleValue.Whole(-1));
    assertThat(read(PROTO + "\u008a\2\u0000\1.")).isEqualTo(new PickleValue.Whole(256));
    assertThat(read(PROTO + "\u008a\10\0\0\0\0\0\0\0\u0080."))
        .isEqualTo(new PickleValue.Whole(Long.MIN_VALUE));
    assertThat(read(PROTO + "M\u00ff\u00ff.")).isEqualTo(new PickleValue.Whole(65_535));
    assertThat(read(PROTO + "J\u00ff\u00ff\u00ff\u00ff.")).isEqualTo(new PickleValue.Whole(-1));
  }
}
