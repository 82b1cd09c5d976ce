package dev.upcycle.data;

import dev.upcycle.plan.SeedTree;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// In which order the samples of an epoch come: the same for the same seed and epoch, always.
public sealed interface SampleOrder {
  /// The samples' numbers in the order of an epoch, each once.
  int[] of(long epoch);

  /// How many samples an epoch has.
  int size();

  /// As the file has them, in every epoch.
  ///
  /// @param samples how many there are, or how many of the first are wanted
  record Sequential(int samples) implements SampleOrder {
    @Override
    public int[] of(long epoch) {
      return IntStream.range(0, samples).toArray();
    }

    @Override
    public int size() {
      return samples;
    }
  }

  /// Shuffled, otherwise in every epoch.
  ///
  /// @param samples how many there are
  record Shuffled(int samples, long seed) implements SampleOrder {
    @Override
    public int[] of(long epoch) {
      return Shuffling.shuffled(IntStream.range(0, samples).toArray(), Shuffling.of(seed, epoch));
    }

    @Override
    public int size() {
      return samples;
    }
  }

  /// LLaVA's `group_by_modality_length`: groups that all have an image or all have none, each
  /// sorted by length, the longest first, in shuffled order. What is left of both kinds makes a
  /// last group, by number.
  ///
  /// @param lengths of each sample in words, below 0 where it has no image, never 0
  /// @param group samples of an optimizer step
  record ByModalityAndLength(List<Integer> lengths, int group, long seed) implements SampleOrder {
    /// Takes a copy; refuses an empty group and a sample without a length.
    public ByModalityAndLength {
      lengths = List.copyOf(lengths);
      if (group < 1 || lengths.contains(0)) {
        throw new IllegalArgumentException(
            "groups of %d, expected at least 1, and no length 0".formatted(group));
      }
    }

    @Override
    public int[] of(long epoch) {
      SplittableRandom random = Shuffling.of(seed, epoch);
      List<int[]> whole = new ArrayList<>();
      List<Integer> rest = new ArrayList<>();
      for (boolean images : new boolean[] {true, false}) {
        for (int[] each : groups(images, random)) {
          if (each.length == group) {
            whole.add(each);
          } else {
            Arrays.stream(each).forEach(rest::add);
          }
        }
      }
      int[] turns = Shuffling.shuffled(IntStream.range(0, whole.size()).toArray(), random);
      Collections.sort(rest);
      return IntStream.concat(
              Arrays.stream(turns).flatMap(turn -> Arrays.stream(whole.get(turn))),
              rest.stream().mapToInt(Integer::intValue))
          .toArray();
    }

    @Override
    public int size() {
      return lengths.size();
    }

    private List<int[]> groups(boolean images, SplittableRandom random) {
      int[] kind =
          IntStream.range(0, lengths.size()).filter(i -> lengths.get(i) > 0 == images).toArray();
      int[] shuffled = Shuffling.shuffled(kind, random);
      List<int[]> groups = new ArrayList<>();
      for (int from = 0; from < shuffled.length; from += group) {
        groups.add(
            Arrays.stream(shuffled, from, Math.min(from + group, shuffled.length))
                .boxed()
                .sorted(Comparator.<Integer>comparingInt(i -> -Math.abs(lengths.get(i))))
                .mapToInt(Integer::intValue)
                .toArray());
      }
      return groups;
    }
  }

  /// Fisher and Yates's shuffle.
  final class Shuffling {
    private Shuffling() {}

    private static SplittableRandom of(long seed, long epoch) {
      return new SplittableRandom(new SeedTree(seed).seed("order of data, epoch " + epoch));
    }

    private static int[] shuffled(int[] numbers, SplittableRandom random) {
      int[] shuffled = numbers.clone();
      for (int i = shuffled.length - 1; i > 0; i--) {
        int other = random.nextInt(i + 1);
        int held = shuffled[i];
        shuffled[i] = shuffled[other];
        shuffled[other] = held;
      }
      return shuffled;
    }
  }
}
