package dev.upcycle.recipe;

import java.util.ArrayList;
import java.util.List;

/// Gives every stage of training what `train.defaults` says and the stage does not.
final class StageDefaults {
  private static final KeyPath PATH = KeyPath.ROOT.child("train").child("defaults");
  private static final String STAGES = "stages";

  private StageDefaults() {}

  /// The recipe with its defaults of stages in the stages and nowhere else.
  static Node.Mapping into(Node.Mapping root) {
    Node.Entry train = root.entries().get("train");
    if (train == null || !(train.value() instanceof Node.Mapping section)) {
      return root;
    }
    if (!(section.entries().get("defaults") instanceof Node.Entry(Place _, Node.Mapping defaults))
        || !(section.entries().get(STAGES) instanceof Node.Entry(Place _, Node.Sequence stages))) {
      return root;
    }
    Node.Mapping rest = section.without("defaults").with(STAGES, merged(defaults, stages));
    return root.with("train", new Node.Entry(train.keyPlace(), rest));
  }

  private static Node.Entry merged(Node.Mapping defaults, Node.Sequence stages) {
    List<Node> items =
        stages.items().stream()
            .map(item ->
                item instanceof Node.Mapping stage
                    ? Overlay.merge(TrainFormat.STAGE, defaults, stage)
                    : item)
            .toList();
    return new Node.Entry(stages.place(), new Node.Sequence(stages.place(), items));
  }

  /// What is wrong in the defaults themselves.
  static List<Complaint> complaints(Node.Mapping root) {
    List<Complaint> wrong = new ArrayList<>();
    if (root.entries().get("train") instanceof Node.Entry(Place _, Node.Mapping section)
        && section.entries().get("defaults") instanceof Node.Entry(Place _, Node defaults)) {
      Checker.checkPart(PATH, TrainFormat.DEFAULTS, defaults, wrong);
    }
    return wrong;
  }

  /// Whether a complaint only repeats, in a stage, one about the defaults.
  static boolean repeats(Complaint complaint, List<Complaint> wrong) {
    return wrong.stream()
        .anyMatch(first ->
            first.source().equals(complaint.source())
                && first.line() == complaint.line()
                && first.column() == complaint.column());
  }
}
