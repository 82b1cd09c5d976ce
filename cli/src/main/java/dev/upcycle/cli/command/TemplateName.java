package dev.upcycle.cli.command;

import dev.upcycle.chat.LlavaTemplate;
import java.util.Arrays;
import java.util.stream.Collectors;

/// Finds the template that a user names.
final class TemplateName {
  private TemplateName() {}

  static LlavaTemplate require(String name) {
    return LlavaTemplate.find(name)
        .orElseThrow(() ->
            new UsageException(
                "--template %s: expected one of %s"
                    .formatted(
                        name,
                        Arrays.stream(LlavaTemplate.values())
                            .map(LlavaTemplate::key)
                            .collect(Collectors.joining(", ")))));
  }
}
