package dev.upcycle.cli.command;

import picocli.CommandLine.Option;

/// Whether the result is a table or a JSON document.
final class JsonOption {
  @Option(names = "--json", description = "Print the result as one JSON document.")
  private boolean json;

  boolean wanted() {
    return json;
  }
}
