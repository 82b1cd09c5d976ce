package dev.upcycle.checkpoint.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Hostile and damaged archives, each refused by the name of what is wrong with it.
class RefusedArchiveTest {
  @TempDir Path folder;

  static List<Path> refused() {
    return TorchResources.archives("refused");
  }

  private static CheckpointFormatException refusal(Path file) {
    CheckpointFormatException refusal =
        catchThrowableOfType(CheckpointFormatException.class, () -> TorchArchive.read(file));
    assertThat(refusal).as("%s must be refused", file).isNotNull();
    return refusal;
  }

  @ParameterizedTest
  @MethodSource("refused")
  void archiveIsRefusedByTheNameOfItsFault(Path file) {
    String name = file.getFileName().toString();
    CheckpointFormatException refusal = refusal(file);
    assertThat(refusal.fault())
        .as(refusal.getMessage())
        .isEqualTo(CheckpointFault.valueOf(name.substring(0, name.indexOf('.'))));
    assertThat(refusal.getMessage()).startsWith(file.toString()).doesNotContain("\u001b");
  }

  @ParameterizedTest
  @CsvSource({
    "PICKLE_GLOBAL.os_system, 'os.system'",
    "PICKLE_GLOBAL.getattr_chain, 'builtins.getattr'",
    "PICKLE_GLOBAL.eval, '__builtin__.eval'",
    "PICKLE_GLOBAL.dotted_name, 'torch.serialization.os.system'",
    "PICKLE_OPCODE.newobj, NEWOBJ",
    "PICKLE_OPCODE.inst, INST",
    "PICKLE_OPCODE.stack_global, STACK_GLOBAL",
    "PICKLE_ATTRIBUTES.slots, BUILD",
    "PICKLE_CALL.tensor_class, torch.Tensor",
    "TORCH_LEGACY_FORMAT.archive_before_1_6, python -c",
    "PICKLE_PROTOCOL.protocol_4, weights_only=False",
    "BARE_PICKLE.archive_plain_pickle, bare pickle",
    "WEB_PAGE.archive_login, web page",
    "OVERLAPPING_VIEW.expanded, expected each to have its own; an expanded tensor: save it after",
    "TORCH_SCRIPT.archive_linear, torch.jit.load",
    "BIG_ENDIAN.archive_by_torch, save_file",
    "ENTRY_NOT_STORED.archive_deflated, save_file"
  })
  void messageNamesWhatIsRefusedOrTheWayOut(String file, String named) {
    assertThat(refusal(TorchResources.folder("refused").resolve(file + ".bin")))
        .hasMessageContaining(named);
  }

  @ParameterizedTest
  @ValueSource(ints = {120_000, 250_000})
  void endlessDirectoryIsRefused(int entries) throws IOException {
    Path file = folder.resolve("many.bin");
    Files.write(file, archiveOf(entries));
    assertThat(refusal(file).fault()).isEqualTo(CheckpointFault.ARCHIVE_TOO_LARGE);
  }

  /// One local header and a directory that names it so many times.
  private static byte[] archiveOf(int entries) {
    int record = 46 + 30;
    ByteBuffer zip =
        ByteBuffer.allocate(60 + entries * record + 22 + 56 + 20).order(ByteOrder.LITTLE_ENDIAN);
    zip.putInt(0x04034b50).position(60);
    for (int i = 0; i < entries; i++) {
      int start = zip.position();
      zip.putInt(0x02014b50).putShort(start + 28, (short) 30).position(start + 46);
      zip.put("m/data/%023d".formatted(i).getBytes(StandardCharsets.US_ASCII));
    }
    int end = zip.position();
    zip.putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45);
    zip.putInt(0).putInt(0).putLong(entries).putLong(entries).putLong(end - 60).putLong(60);
    zip.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
    zip.putInt(0x06054b50).putShort((short) 0).putShort((short) 0);
    zip.putShort((short) 0xffff).putShort((short) 0xffff).putInt(-1).putInt(-1);
    zip.putShort((short) 0);
    return zip.array();
  }

  @Test
  void missingFileIsNamed() {
    assertThat(refusal(folder.resolve("gone.bin")).fault()).isEqualTo(CheckpointFault.NO_SUCH_PATH);
  }

  @Test
  void pointerOfGitLfsIsRefused() throws IOException {
    Path file = folder.resolve("pytorch_model.bin");
    Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    assertThat(refusal(file).fault()).isEqualTo(CheckpointFault.GIT_LFS_POINTER);
  }
}
