package dev.upcycle.evaluate;

import java.util.List;

/// How much the expert of a token tells about the label of its text.
public final class MutualInformation {
  private MutualInformation() {}

  /// `Σ p(l, e) ln (p(l, e) / (p(l) p(e)))` in nats, from counts: 0 when every label is spread over
  /// the experts alike, at most `min(ln labels, ln experts)`.
  ///
  /// A plug-in estimate: on few tokens it is too large, by about `(labels - 1)(experts - 1) / 2n`
  /// (Miller, 1955).
  ///
  /// @param joint assignments per expert, a row per label
  public static double of(List<List<Long>> joint) {
    int experts = joint.isEmpty() ? 0 : joint.getFirst().size();
    double[] ofExpert = new double[experts];
    double[] ofLabel = new double[joint.size()];
    double all = 0;
    for (int label = 0; label < joint.size(); label++) {
      for (int expert = 0; expert < experts; expert++) {
        long count = joint.get(label).get(expert);
        ofLabel[label] += count;
        ofExpert[expert] += count;
        all += count;
      }
    }
    double information = 0;
    for (int label = 0; label < joint.size(); label++) {
      for (int expert = 0; expert < experts; expert++) {
        double count = joint.get(label).get(expert);
        if (count > 0) {
          information += count / all * Math.log(count * all / (ofLabel[label] * ofExpert[expert]));
        }
      }
    }
    return Math.max(0, information);
  }
}
