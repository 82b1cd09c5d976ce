package dev.upcycle.verify;

import dev.upcycle.arch.Role;
import dev.upcycle.arch.TemplateMatch;
import dev.upcycle.checkpoint.Checkpoint;
import dev.upcycle.checkpoint.TensorEntry;
import dev.upcycle.recipe.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Was anything of the source left out that the function needs?
///
/// What consumers derive may go, so may biases that are all zero, and an output head that repeats
/// the embedding of a tied model.
final class LeftOutExamination implements Examination {
  @Override
  public void examine(Subject subject, Findings findings) {
    subject.source().ifPresent(source -> examine(source, subject, findings));
  }

  private static void examine(Checkpoint source, Subject subject, Findings findings) {
    Set<String> used = new HashSet<>();
    subject.expected().all().forEach(tensor -> tensor.source().ifPresent(used::add));
    for (TensorEntry tensor : source.tensors().values()) {
      if (!used.contains(tensor.name())) {
        findings.covered(CheckKind.LEFT_OUT);
        objection(tensor, source, subject)
            .ifPresent(text -> findings.failed(CheckKind.LEFT_OUT, tensor.name(), text));
      }
    }
  }

  private static Optional<String> objection(
      TensorEntry tensor, Checkpoint source, Subject subject) {
    Optional<Role> role =
        subject
            .denseParts()
            .owner(tensor.name())
            .flatMap(part -> part.match(tensor.name()))
            .map(TemplateMatch::template)
            .map(t -> t.role());
    if (role.isEmpty()) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "the source holds it, a %s has no such tensor, and the target lacks it",
              subject.dense().modelType()));
    }
    if (neverUsed(tensor, subject)) {
      return Optional.empty();
    }
    return switch (role.get()) {
      case DERIVED -> Optional.empty();
      case ATTENTION_BIAS, FFN_BIAS ->
          allZero(tensor)
              ? Optional.empty()
              : Optional.of("the source holds a bias that is not zero, the target lacks it");
      case LM_HEAD -> tied(tensor, source, subject);
      default -> Optional.of("the source holds it, nothing in the target comes from it");
    };
  }

  /// What follows a tower's last layer, where the target reads the states of the layer before.
  private static boolean neverUsed(TensorEntry tensor, Subject subject) {
    return subject
        .denseParts()
        .find(Part.VISION)
        .flatMap(part -> part.match(tensor.name()))
        .map(match -> match.template().pattern())
        .filter(name ->
            subject
                .parts()
                .find(Part.VISION)
                .filter(part -> part.family().leftOut().contains(name))
                .isPresent())
        .isPresent();
  }

  private static Optional<String> tied(TensorEntry head, Checkpoint source, Subject subject) {
    Optional<TensorEntry> embedding =
        subject
            .denseParts()
            .owner(head.name())
            .map(part -> part.naming().outer(part.family().template(Role.EMBEDDING).pattern()))
            .flatMap(source::find);
    if (embedding.isEmpty() || !embedding.get().spec().shape().equals(head.shape())) {
      return Optional.of("the source holds an output head that no embedding can stand for");
    }
    try (ByteComparison comparison = new ByteComparison()) {
      return comparison
          .compare(embedding.get(), List.of(head), ByteComparison.UNWATCHED)
          .getFirst()
          .map(found ->
              "the target ties its head to the embedding, the source's head is another: "
                  + found.in(head));
    }
  }

  private static boolean allZero(TensorEntry tensor) {
    ByteBuffer window = ByteBuffer.allocate(ByteComparison.WINDOW).order(ByteOrder.LITTLE_ENDIAN);
    try (TensorBytes tensors = new TensorBytes()) {
      for (long from = 0; from < tensor.bytes(); from += window.capacity()) {
        window.clear().limit((int) Math.min(window.capacity(), tensor.bytes() - from));
        tensors.read(tensor, from, window);
        if (!zero(window, tensor)) {
          return false;
        }
      }
    }
    return true;
  }

  private static boolean zero(ByteBuffer window, TensorEntry tensor) {
    int width = tensor.dtype().bits() / Byte.SIZE;
    for (int at = 0; at < window.limit(); at += width) {
      if (RoundToNearestEven.isFloat(tensor.dtype())
          ? RoundToNearestEven.read(window, at, tensor.dtype()) != 0
          : window.get(at) != 0) {
        return false;
      }
    }
    return true;
  }
}
