package dev.upcycle.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

class DocumentsTest {
  @Test
  void numbersThatJsonDoesNotHaveBecomeNull() {
    ObjectNode document = Documents.of("x").put("good", 1.5).put("whole", 7L).put("text", "NaN");
    document.put("bad", Double.NaN);
    document.putArray("list").add(Float.POSITIVE_INFINITY).addObject().put("in", Double.NaN);

    assertThat(Documents.finite(document))
        .hasToString(
            "{\"schema\":\"upcycle/x/1\",\"good\":1.5,\"whole\":7,\"text\":\"NaN\",\"bad\":null,"
                + "\"list\":[null,{\"in\":null}]}");
  }
}
