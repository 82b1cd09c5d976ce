package dev.upcycle.verify;

import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// What was checked, and what did not hold.
///
/// @param checks every kind of check that ran, with how much it covered
/// @param failures what did not hold, by kind of check and then in state dict order
/// @param remarks what holds and should still be known, such as routers that are all zero
public record VerifyReport(List<Check> checks, List<Failure> failures, List<String> remarks) {
  /// Schema of [#toJson()].
  public static final String SCHEMA = "upcycle/verify/1";

  /// Takes copies.
  public VerifyReport {
    checks = List.copyOf(checks);
    failures = List.copyOf(failures);
    remarks = List.copyOf(remarks);
  }

  /// True when everything held.
  public boolean passed() {
    return failures.isEmpty();
  }

  /// The report as a JSON document, complete however long it is.
  public ObjectNode toJson() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("schema", SCHEMA).put("passed", passed());
    ArrayNode checked = root.putArray("checks");
    for (Check check : checks) {
      checked
          .addObject()
          .put("name", check.name())
          .put("covered", check.covered())
          .put("bytes", check.bytes())
          .put("failed", check.failed());
    }
    ArrayNode failed = root.putArray("failures");
    for (Failure failure : failures) {
      failed
          .addObject()
          .put("check", failure.check())
          .put("tensor", failure.tensor())
          .put("message", failure.message());
    }
    ArrayNode said = root.putArray("remarks");
    remarks.forEach(said::add);
    return root;
  }

  /// One kind of check.
  ///
  /// @param name such as `expert copies`
  /// @param covered tensors, files or keys that it looked at
  /// @param bytes tensor bytes that it compared; 0 for a structural check
  /// @param failed how many of them did not hold
  public record Check(String name, long covered, long bytes, long failed) {}

  /// Something that did not hold.
  ///
  /// @param check the kind of check
  /// @param tensor the tensor, file or key
  /// @param message expected, actual, and the first differing byte where bytes were compared
  public record Failure(String check, String tensor, String message) {}
}
