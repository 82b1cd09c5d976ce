package dev.upcycle.checkpoint.write;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CopierTest {
  @TempDir Path directory;

  private Path file(String name, byte[] content) throws IOException {
    return Files.write(directory.resolve(name), content);
  }

  private static byte[] noise(int bytes) {
    byte[] content = new byte[bytes];
    new Random(7).nextBytes(content);
    return content;
  }

  @Test
  void aRangeOfSeveralSlicesReachesEveryPlaceAndNothingElse() throws IOException {
    int bytes = (int) (2 * SliceCopier.SLICE_BYTES + 77);
    byte[] content = noise(bytes + 20);
    Path source = file("source", content);
    Path one = file("one", new byte[2 * bytes + 30]);
    Path two = file("two", new byte[bytes]);
    AtomicLong written = new AtomicLong();
    SliceCopier.copy(
        new FileRange(source, 11, bytes),
        List.of(
            new FileRange.Start(one, 10),
            new FileRange.Start(two, 0),
            new FileRange.Start(one, 20 + bytes)),
        written::addAndGet);
    byte[] part = Arrays.copyOfRange(content, 11, 11 + bytes);
    byte[] expected = new byte[2 * bytes + 30];
    System.arraycopy(part, 0, expected, 10, bytes);
    System.arraycopy(part, 0, expected, 20 + bytes, bytes);
    assertThat(Arrays.equals(Files.readAllBytes(one), expected)).isTrue();
    assertThat(Arrays.equals(Files.readAllBytes(two), part)).isTrue();
    assertThat(written).hasValue(3L * bytes);
  }

  @Test
  void bytesBeyondTwoGibibytesReachBeyondFour() throws IOException {
    Path source = directory.resolve("source");
    Path target = directory.resolve("target");
    long far = (2L << 30) + 5;
    try (var sparse = new java.io.RandomAccessFile(source.toFile(), "rw")) {
      sparse.seek(far);
      sparse.write(new byte[] {1, 2, 3});
    }
    Files.createFile(target);
    SliceCopier.copy(
        new FileRange(source, far, 3), List.of(new FileRange.Start(target, 2 * far)), n -> {});
    try (var read = new java.io.RandomAccessFile(target.toFile(), "r")) {
      read.seek(2 * far);
      byte[] found = new byte[3];
      read.readFully(found);
      assertThat(found).containsExactly(1, 2, 3);
    }
  }

  @Test
  void aSourceThatEndsTooEarlyIsNamed() throws IOException {
    Path source = file("source.safetensors", noise(10));
    Path target = file("target", new byte[100]);
    assertThatThrownBy(() ->
            SliceCopier.copy(
                new FileRange(source, 4, 20), List.of(new FileRange.Start(target, 0)), n -> {}))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("source.safetensors")
        .hasMessageContaining("ends at byte 10");
  }

  @Test
  void anInterruptStopsBetweenSlicesAndStaysSet() throws IOException {
    Path source = file("source", noise((int) SliceCopier.SLICE_BYTES * 2));
    Path target = file("target", new byte[0]);
    AtomicLong written = new AtomicLong();
    assertThatThrownBy(() ->
            SliceCopier.copy(
                new FileRange(source, 0, SliceCopier.SLICE_BYTES * 2),
                List.of(new FileRange.Start(target, 0)),
                n -> {
                  written.addAndGet(n);
                  Thread.currentThread().interrupt();
                }))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(written).hasValue(SliceCopier.SLICE_BYTES);
  }

  @Test
  void anInterruptBeforeTheFirstSliceWritesNothing() throws IOException {
    Path source = file("source", noise(8));
    Path target = file("target", new byte[0]);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() ->
            SliceCopier.copy(
                new FileRange(source, 0, 8), List.of(new FileRange.Start(target, 0)), n -> {}))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(Files.size(target)).isZero();
  }

  @Test
  void aFullDiskIsToldWithTheWayOut() throws IOException {
    Path full = Path.of("/dev/full");
    assumeThat(full).exists();
    Path source = file("source", noise(64));
    assertThatThrownBy(() ->
            SliceCopier.copy(
                new FileRange(source, 0, 64), List.of(new FileRange.Start(full, 0)), n -> {}))
        .isInstanceOf(ResourceException.class)
        .hasMessageContaining("/dev/full")
        .hasMessageContaining("64 bytes more needed")
        .hasMessageContaining("free")
        .hasMessageContaining("--resume");
  }

  @Test
  void theMessageOfAFullDiskIsTheSameOnEverySystem() {
    ResourceException e =
        ResourceException.writing(
            directory.resolve("x"), 2_500_000_000L, new IOException("No space left on device"));
    assertThat(e)
        .hasMessageContaining("the disk is full")
        .hasMessageContaining("2.50 GB more needed")
        .hasMessageContaining("--resume");
  }

  @Test
  void aCastRangeReachesEveryPlace() throws IOException {
    int elements = 1_200_001;
    ByteBuffer values = ByteBuffer.allocate(elements * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < elements; i++) {
      values.putFloat(i / 3f);
    }
    Path source = file("source", values.array());
    Path target = file("target", new byte[0]);
    Cast cast = new Cast(DType.F32, DType.BF16);
    CastCopier.copy(
        new FileRange(source, 4, elements * 4L - 4),
        cast,
        List.of(new FileRange.Start(target, 6), new FileRange.Start(target, 6 + 2L * elements)),
        n -> {});
    ByteBuffer expected = ByteBuffer.allocate(2 * (elements - 1));
    cast.apply(values.position(4), expected);
    byte[] found = Files.readAllBytes(target);
    int last = 6 + 2 * (elements - 1);
    assertThat(Arrays.copyOfRange(found, 6, last)).isEqualTo(expected.array());
    assertThat(Arrays.copyOfRange(found, last + 2, found.length)).isEqualTo(expected.array());
  }

  @Test
  void anElementOutOfRangeIsNamedByIndexAndValue() throws IOException {
    int elements = 1 << 20;
    ByteBuffer values = ByteBuffer.allocate(elements * 4).order(ByteOrder.LITTLE_ENDIAN);
    values.putFloat(4 * (elements - 2), 70000f);
    Path source = file("source", values.array());
    Path target = file("target", new byte[0]);
    assertThatThrownBy(() ->
            CastCopier.copy(
                new FileRange(source, 0, elements * 4L),
                new Cast(DType.F32, DType.F16),
                List.of(new FileRange.Start(target, 0)),
                n -> {}))
        .isInstanceOfSatisfying(
            CastOverflowException.class,
            e -> {
              assertThat(e.index()).isEqualTo(elements - 2);
              assertThat(e.value()).isEqualTo(70000);
            })
        .hasMessageContaining("F16");
  }

  @Test
  void halfAnElementIsRefused() throws IOException {
    Path source = file("source", noise(10));
    assertThatThrownBy(() ->
            CastCopier.copy(
                new FileRange(source, 0, 10), new Cast(DType.F32, DType.F16), List.of(), n -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("whole number");
  }

  @Test
  void aSourceThatCannotBeReadIsNotTakenForADiskThatRefuses() throws IOException {
    Path source = Files.createDirectory(directory.resolve("unreadable"));
    Files.createFile(source.resolve("entry"));
    Path target = file("target", new byte[8]);
    assertThatThrownBy(() ->
            SliceCopier.copy(
                new FileRange(source, 0, 8), List.of(new FileRange.Start(target, 0)), n -> {}))
        .isInstanceOfSatisfying(
            CheckpointFormatException.class,
            e -> assertThat(e.fault()).isEqualTo(CheckpointFault.UNREADABLE))
        .hasMessageContaining("unreadable");
  }

  @Test
  void manyCastsLeaveNoBufferBehind() throws IOException {
    int elements = 200_000;
    Path source = file("source", new byte[elements * 4]);
    Path target = file("target", new byte[0]);
    BufferPoolMXBean direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .findFirst()
            .orElseThrow();
    long before = direct.getMemoryUsed();
    for (int i = 0; i < 20; i++) {
      CastCopier.copy(
          new FileRange(source, 0, elements * 4L),
          new Cast(DType.F32, DType.BF16),
          List.of(new FileRange.Start(target, 0)),
          n -> {});
    }
    assertThat(direct.getMemoryUsed() - before).isLessThan(elements);
  }
}
