package dev.upcycle.cli.terminal;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The JSON documents of `--json`.
public final class Documents {
  private Documents() {}

  /// An empty document of a command: `{"schema": "upcycle/<command>/1"}`.
  public static ObjectNode of(String command) {
    return JsonNodeFactory.instance.objectNode().put("schema", "upcycle/" + command + "/1");
  }
}
