package dev.upcycle.data;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;

/// Which rows share a sequence.
///
/// Holds two numbers for each row at most.
final class SequencePlan {
  private final int[] ordered;
  private final int[] ends;

  /// @param ordered rows, those of a sequence one after the other
  /// @param ends of each sequence the place after its last row
  private SequencePlan(int[] ordered, int[] ends) {
    this.ordered = ordered;
    this.ends = ends;
  }

  /// Puts every row, in order, where the least room is left that holds it: of equal ones into the
  /// sequence that has it longest, and where there is none into a new one. So the same rows always
  /// lie alike, and sequences are in the order of their first rows.
  ///
  /// @param rows how many
  /// @param lengths of each, from 1 to the length of a sequence
  static SequencePlan bestFit(int rows, IntUnaryOperator lengths, int sequence) {
    TreeMap<Integer, Deque<Integer>> open = new TreeMap<>();
    int[] places = new int[rows];
    int sequences = 0;
    for (int row = 0; row < rows; row++) {
      int length = lengths.applyAsInt(row);
      if (length < 1 || length > sequence) {
        throw new IllegalArgumentException(
            "row %d has %d tokens, expected 1 to %d".formatted(row, length, sequence));
      }
      Map.Entry<Integer, Deque<Integer>> room = open.ceilingEntry(length);
      places[row] = room == null ? sequences++ : room.getValue().removeFirst();
      if (room != null && room.getValue().isEmpty()) {
        open.remove(room.getKey());
      }
      int left = (room == null ? sequence : room.getKey()) - length;
      if (left > 0) {
        open.computeIfAbsent(left, _ -> new ArrayDeque<>()).addLast(places[row]);
      }
    }
    return sorted(places, sequences);
  }

  private static SequencePlan sorted(int[] places, int sequences) {
    int[] ends = new int[sequences];
    for (int place : places) {
      ends[place]++;
    }
    Arrays.parallelPrefix(ends, Integer::sum);
    int[] next = new int[sequences];
    System.arraycopy(ends, 0, next, Math.min(1, sequences), Math.max(0, sequences - 1));
    int[] ordered = new int[places.length];
    for (int row = 0; row < places.length; row++) {
      ordered[next[places[row]]++] = row;
    }
    return new SequencePlan(ordered, ends);
  }

  /// How many sequences there are.
  int sequences() {
    return ends.length;
  }

  /// The rows of a sequence, in order.
  int[] rows(int sequence) {
    return Arrays.copyOfRange(ordered, sequence == 0 ? 0 : ends[sequence - 1], ends[sequence]);
  }
}
