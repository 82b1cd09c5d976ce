package dev.upcycle.checkpoint.torch;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The opcodes of Python's pickle, protocols 0 to 5 (Python, `pickletools.py`).
enum Opcode {
  PROTO(0x80),
  STOP('.'),
  MARK('('),
  GLOBAL('c'),
  REDUCE('R'),
  BUILD('b'),
  BINPERSID('Q'),
  NONE('N'),
  NEWTRUE(0x88),
  NEWFALSE(0x89),
  BININT('J'),
  BININT1('K'),
  BININT2('M'),
  LONG1(0x8a),
  BINFLOAT('G'),
  BINUNICODE('X'),
  SHORT_BINSTRING('U'),
  EMPTY_TUPLE(')'),
  TUPLE('t'),
  TUPLE1(0x85),
  TUPLE2(0x86),
  TUPLE3(0x87),
  EMPTY_LIST(']'),
  APPEND('a'),
  APPENDS('e'),
  EMPTY_DICT('}'),
  SETITEM('s'),
  SETITEMS('u'),
  BINGET('h'),
  LONG_BINGET('j'),
  BINPUT('q'),
  LONG_BINPUT('r'),

  // Known by name only, so that a refusal can tell it.
  ADDITEMS(0x90),
  BINBYTES('B'),
  BINBYTES8(0x8e),
  BINSTRING('T'),
  BINUNICODE8(0x8d),
  BYTEARRAY8(0x96),
  DICT('d'),
  DUP('2'),
  EMPTY_SET(0x8f),
  EXT1(0x82),
  EXT2(0x83),
  EXT4(0x84),
  FLOAT('F'),
  FRAME(0x95),
  FROZENSET(0x91),
  GET('g'),
  INST('i'),
  INT('I'),
  LIST('l'),
  LONG('L'),
  LONG4(0x8b),
  MEMOIZE(0x94),
  NEWOBJ(0x81),
  NEWOBJ_EX(0x92),
  NEXT_BUFFER(0x97),
  OBJ('o'),
  PERSID('P'),
  POP('0'),
  POP_MARK('1'),
  PUT('p'),
  READONLY_BUFFER(0x98),
  SHORT_BINBYTES('C'),
  SHORT_BINUNICODE(0x8c),
  STACK_GLOBAL(0x93),
  STRING('S'),
  UNICODE('V');

  private static final Map<Integer, Opcode> BY_CODE =
      Arrays.stream(values())
          .collect(Collectors.toUnmodifiableMap(opcode -> opcode.code, Function.identity()));

  private final int code;

  Opcode(int code) {
    this.code = code;
  }

  /// The opcode of this byte.
  static Optional<Opcode> find(int code) {
    return Optional.ofNullable(BY_CODE.get(code));
  }
}
