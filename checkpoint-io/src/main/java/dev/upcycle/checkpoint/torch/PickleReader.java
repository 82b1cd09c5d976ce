package dev.upcycle.checkpoint.torch;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.torch.PickleValue.Constant;
import dev.upcycle.checkpoint.torch.PickleValue.Dictionary;
import dev.upcycle.checkpoint.torch.PickleValue.Sequence;
import dev.upcycle.checkpoint.torch.PickleValue.Text;
import dev.upcycle.checkpoint.torch.PickleValue.Tuple;
import dev.upcycle.checkpoint.torch.PickleValue.View;
import dev.upcycle.checkpoint.torch.PickleValue.Whole;
import java.util.List;
import java.util.Locale;

/// Interprets a pickle opcode by opcode: those that torch writes for weights, and no others.
///
/// Nothing of Python exists here: a function that is not in [TorchGlobal] is refused where it is
/// named, before anything could be done with it.
final class PickleReader {
  /// The protocol that `torch.save` writes and torch's own careful loader requires.
  private static final int PROTOCOL = 2;

  private final PickleCursor cursor;
  private final PickleStack stack;
  private final TensorCalls calls;

  private PickleReader(PickleCursor cursor) {
    this.cursor = cursor;
    this.stack = new PickleStack(cursor);
    this.calls = new TensorCalls(cursor);
  }

  /// The value of a pickle.
  static PickleValue read(byte[] pickle, ArchiveFaults faults) {
    return new PickleReader(new PickleCursor(pickle, faults)).read();
  }

  private PickleValue read() {
    if (cursor.opcode() != Opcode.PROTO) {
      throw cursor.malformed("is first, expected PROTO");
    }
    protocol();
    for (Opcode opcode = cursor.opcode(); opcode != Opcode.STOP; opcode = cursor.opcode()) {
      step(opcode);
    }
    PickleValue value = stack.popLast();
    cursor.requireEnd();
    return value;
  }

  private void step(Opcode opcode) {
    switch (opcode) {
      case PROTO -> protocol();
      case MARK -> stack.mark();
      case GLOBAL -> stack.pushNew(global());
      case REDUCE -> reduce();
      case BUILD -> calls.requireHarmless(stack.pop(), stack.top());
      case BINPERSID -> stack.pushNew(calls.storage(stack.pop()));
      case NONE -> stack.push(Constant.NONE);
      case NEWTRUE -> stack.push(Constant.TRUE);
      case NEWFALSE -> stack.push(Constant.FALSE);
      case BININT -> stack.pushNew(new Whole(cursor.signedInt()));
      case BININT1 -> stack.pushNew(new Whole(cursor.unsignedByte()));
      case BININT2 -> stack.pushNew(new Whole(cursor.unsignedShort()));
      case LONG1 -> stack.pushNew(new Whole(cursor.number()));
      case BINFLOAT -> {
        cursor.skipDouble();
        stack.push(Constant.IGNORED);
      }
      case BINUNICODE -> stack.pushNew(new Text(cursor.text(cursor.unsignedInt())));
      case SHORT_BINSTRING -> stack.pushNew(new Text(cursor.text(cursor.unsignedByte())));
      case EMPTY_TUPLE -> stack.pushNew(new Tuple(List.of()));
      case TUPLE -> stack.pushNew(new Tuple(stack.popToMark()));
      case TUPLE1 -> stack.pushNew(new Tuple(stack.pop(1)));
      case TUPLE2 -> stack.pushNew(new Tuple(stack.pop(2)));
      case TUPLE3 -> stack.pushNew(new Tuple(stack.pop(3)));
      case EMPTY_LIST -> stack.pushNew(new Sequence());
      case APPEND -> append(stack.pop(1));
      case APPENDS -> append(stack.popToMark());
      case EMPTY_DICT -> stack.pushNew(new Dictionary());
      case SETITEM -> put(stack.pop(2));
      case SETITEMS -> put(stack.popToMark());
      case BINGET -> stack.recall(cursor.unsignedByte());
      case LONG_BINGET -> stack.recall(cursor.unsignedInt());
      case BINPUT -> stack.remember(cursor.unsignedByte());
      case LONG_BINPUT -> stack.remember(cursor.unsignedInt());
      case STOP,
          ADDITEMS,
          BINBYTES,
          BINBYTES8,
          BINSTRING,
          BINUNICODE8,
          BYTEARRAY8,
          DICT,
          DUP,
          EMPTY_SET,
          EXT1,
          EXT2,
          EXT4,
          FLOAT,
          FRAME,
          FROZENSET,
          GET,
          INST,
          INT,
          LIST,
          LONG,
          LONG4,
          MEMOIZE,
          NEWOBJ,
          NEWOBJ_EX,
          NEXT_BUFFER,
          OBJ,
          PERSID,
          POP,
          POP_MARK,
          PUT,
          READONLY_BUFFER,
          SHORT_BINBYTES,
          SHORT_BINUNICODE,
          STACK_GLOBAL,
          STRING,
          UNICODE ->
          throw cursor.fault(
              CheckpointFault.PICKLE_OPCODE,
              "is no opcode of torch's weights",
              ArchiveFaults.DISTRUST);
    }
  }

  private void protocol() {
    int protocol = cursor.unsignedByte();
    if (protocol != PROTOCOL) {
      throw cursor.fault(
          CheckpointFault.PICKLE_PROTOCOL,
          String.format(
              Locale.ROOT,
              "says pickle protocol %d, expected %d, which torch.save writes unless it is told"
                  + " otherwise",
              protocol,
              PROTOCOL),
          cursor.faults().resaveProtocol());
    }
  }

  private PickleValue global() {
    String path = cursor.line() + "." + cursor.line();
    return TorchGlobal.find(path)
        .orElseThrow(() ->
            cursor.fault(
                CheckpointFault.PICKLE_GLOBAL,
                "names '" + path + "', which is neither imported nor run",
                ArchiveFaults.DISTRUST));
  }

  private void reduce() {
    PickleValue arguments = stack.pop();
    PickleValue made = calls.call(stack.pop(), arguments);
    if (made instanceof View view) {
      // A tuple of 64 sizes is made once, but each tensor that is given it holds a copy.
      stack.count(view.sizes().size() + view.strides().size());
    }
    stack.pushNew(made);
  }

  private void append(List<PickleValue> items) {
    if (!(stack.top() instanceof Sequence list)) {
      throw cursor.malformed("appends to something that is no list");
    }
    stack.count(items.size());
    list.items.addAll(items);
  }

  private void put(List<PickleValue> items) {
    if (!(stack.top() instanceof Dictionary dictionary)) {
      throw cursor.malformed("sets items of something that is no dictionary");
    }
    if (items.size() % 2 != 0) {
      throw cursor.malformed("has a key without a value");
    }
    stack.count(items.size() / 2);
    for (int i = 0; i < items.size(); i += 2) {
      dictionary.items.add(new Dictionary.Item(items.get(i), items.get(i + 1)));
    }
  }
}
