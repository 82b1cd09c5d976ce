package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.torch.PickleValue.Constant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The stack and the memo of a pickle, within [Limits].
final class PickleStack {
  private final PickleCursor cursor;
  private final List<PickleValue> stack = new ArrayList<>();
  private final List<@Nullable PickleValue> memo = new ArrayList<>();
  private int marks;
  private int values;

  PickleStack(PickleCursor cursor) {
    this.cursor = cursor;
  }

  void push(PickleValue value) {
    if (stack.size() >= Limits.STACK) {
      throw cursor.limit(stack.size() + 1L, "values on the stack", Limits.STACK);
    }
    stack.add(value);
  }

  /// Pushes a value that was made just now.
  void pushNew(PickleValue value) {
    count(1);
    push(value);
  }

  /// Counts values made, or put into containers.
  void count(int made) {
    values += made;
    if (values > Limits.VALUES) {
      throw cursor.limit(values, "values", Limits.VALUES);
    }
  }

  void mark() {
    if (++marks > Limits.MARKS) {
      throw cursor.limit(marks, "levels of nesting", Limits.MARKS);
    }
    push(Constant.MARK);
  }

  /// Takes the value on top, which is no mark.
  PickleValue pop() {
    PickleValue top = top();
    stack.removeLast();
    return top;
  }

  /// The value on top, which is no mark.
  PickleValue top() {
    if (stack.isEmpty() || stack.getLast() == Constant.MARK) {
      throw cursor.malformed("finds no value on the stack");
    }
    return stack.getLast();
  }

  /// Takes the values above the last mark, and the mark.
  List<PickleValue> popToMark() {
    int at = stack.lastIndexOf(Constant.MARK);
    if (at < 0) {
      throw cursor.malformed("finds no mark on the stack");
    }
    List<PickleValue> above = stack.subList(at + 1, stack.size());
    List<PickleValue> popped = List.copyOf(above);
    above.clear();
    stack.removeLast();
    marks--;
    return popped;
  }

  /// Takes so many values.
  List<PickleValue> pop(int count) {
    List<PickleValue> popped = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      popped.addFirst(pop());
    }
    return popped;
  }

  /// Takes the value on top, which is the last.
  PickleValue popLast() {
    PickleValue last = pop();
    if (!stack.isEmpty()) {
      throw cursor.malformed(
          String.format(Locale.ROOT, "leaves %,d values on the stack", stack.size()));
    }
    return last;
  }

  void remember(long index) {
    if (index >= Limits.MEMO) {
      throw cursor.limit(index + 1, "places in the memo", Limits.MEMO);
    }
    if (index > memo.size()) {
      throw cursor.malformed(
          String.format(
              Locale.ROOT, "writes place %,d of a memo of %,d values", index, memo.size()));
    }
    if (index == memo.size()) {
      memo.add(top());
    } else {
      memo.set((int) index, top());
    }
  }

  void recall(long index) {
    PickleValue value = index < memo.size() ? memo.get((int) index) : null;
    if (value == null) {
      throw cursor.malformed(
          String.format(
              Locale.ROOT, "reads place %,d of a memo of %,d values", index, memo.size()));
    }
    push(value);
  }
}
