package dev.upcycle.generate;

import dev.upcycle.kernels.attention.KvCache;
import dev.upcycle.kernels.tensor.Gradients;
import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.TensorScope;
import dev.upcycle.kernels.tensor.Tensors;
import dev.upcycle.model.DecoderModel;
import dev.upcycle.model.ForwardPass;
import dev.upcycle.model.NonFiniteException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;

/// Lets a model continue a text, a token at a time, each seen by the model once.
///
/// @param model whose text
/// @param sampler how tokens are chosen
/// @param ends tokens that end the text; empty to go on to the length asked for
public record TextGenerator(DecoderModel model, Sampler sampler, Set<Long> ends) {
  /// Takes a copy.
  public TextGenerator {
    ends = Set.copyOf(ends);
  }

  /// Continues a prompt of words.
  ///
  /// @param prompt at least one token
  /// @param maxTokens most tokens to add
  /// @param listener hears each token of the text when it is chosen, the end of sequence not
  /// @throws NonFiniteException when logits are NaN or infinite
  public Generation generate(List<Long> prompt, int maxTokens, LongConsumer listener)
      throws InterruptedException {
    return generate(new Beginning(prompt, model::embed), maxTokens, listener);
  }

  /// Continues a prompt of words and images; the cache holds both.
  ///
  /// @param maxTokens most tokens to add
  /// @param listener hears each token of the text when it is chosen, the end of sequence not
  public Generation generate(Beginning prompt, int maxTokens, LongConsumer listener)
      throws InterruptedException {
    List<Long> tokens = new ArrayList<>();
    Generation.Stop stop = Generation.Stop.LENGTH;
    long afterFirst = System.nanoTime();
    try (KvCache cache = model.newCache();
        Gradients.Pause _ = Gradients.pause()) {
      Beginning unseen = prompt;
      while (tokens.size() < maxTokens && stop == Generation.Stop.LENGTH) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        long chosen = choose(logits(unseen, cache), tokens.size());
        tokens.add(chosen);
        unseen = new Beginning(List.of(chosen), model::embed);
        if (ends.contains(chosen)) {
          stop = Generation.Stop.END_OF_SEQUENCE;
        } else {
          listener.accept(chosen);
        }
        afterFirst = tokens.size() == 1 ? System.nanoTime() : afterFirst;
      }
    }
    double seconds = Math.max(1, System.nanoTime() - afterFirst) / 1e9;
    return new Generation(prompt.ids(), tokens, stop, Math.max(0, tokens.size() - 1) / seconds);
  }

  private long choose(float[] logits, int place) {
    try {
      return sampler.choose(logits, place);
    } catch (ArithmeticException e) {
      throw new NonFiniteException(model.directory(), String.valueOf(e.getMessage()));
    }
  }

  /// The logits after the last of the tokens.
  private float[] logits(Beginning unseen, KvCache cache) {
    try (TensorScope _ = TensorScope.open()) {
      Tensor ids =
          Tensors.of(unseen.ids().stream().mapToLong(Long::longValue).toArray())
              .unsqueeze(0)
              .to(model.options().device());
      Tensor hidden =
          model.hidden(unseen.embedding().apply(ids), ForwardPass.cached(cache)).hidden();
      Tensor last = hidden.narrow(1, hidden.size(1) - 1, 1).squeeze(1);
      return model.head().forward(last).toFloats();
    }
  }
}
