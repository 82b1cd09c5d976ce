package dev.upcycle.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlGroupsTest {
  @TempDir private Path root;

  private void write(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private ControlGroups groups(String membership) throws IOException {
    write("membership", membership);
    return new ControlGroups(root, root.resolve("membership"));
  }

  @Test
  void theLeastLimitOfAGroupAndThoseAroundItHolds() throws IOException {
    write("outer/inner/memory.max", "3000\n");
    write("outer/memory.max", "2000\n");
    write("memory.max", "max\n");
    assertThat(groups("0::/outer/inner\n").limit()).hasValue(2000);
    assertThat(groups("0::/outer\n").limit()).hasValue(2000);
    assertThat(groups("0::/\n").limit()).isEmpty();
  }

  @Test
  void aLimitOfTheFirstVersionIsSeenToo() throws IOException {
    write("memory/own/memory.limit_in_bytes", "5000\n");
    write("memory/memory.limit_in_bytes", "9223372036854771712\n");
    String membership = "7:cpu,memory:/own\n3:pids:/own\n0::/\n";
    assertThat(groups(membership).limit()).hasValue(5000);
    assertThat(groups("7:memory:/\n").limit()).isEmpty();
  }

  @Test
  void aPathOfTheHostLeavesTheLimitAtTheMount() throws IOException {
    write("memory.max", "4000\n");
    assertThat(groups("0::/host/docker/1\n").limit()).hasValue(4000);
    assertThat(groups("0::/../../host\n").limit()).hasValue(4000);
  }

  @Test
  void noGroupsAreNoLimit() {
    assertThat(new ControlGroups(root.resolve("none"), root.resolve("none")).limit()).isEmpty();
  }
}
