package dev.upcycle.checkpoint.safetensors;

import dev.upcycle.checkpoint.CheckpointFault;
import dev.upcycle.checkpoint.CheckpointFormatException;
import dev.upcycle.checkpoint.DType;
import dev.upcycle.checkpoint.Shape;
import dev.upcycle.checkpoint.TensorSpec;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonParser.NumberType;
import tools.jackson.core.JsonToken;

/// Reads one entry of a header: `{"dtype": …, "shape": […], "data_offsets": [begin, end]}`.
///
/// State: the fields of the entry being read.
final class TensorReader {
  private static final BigInteger DIMENSION_LIMIT = BigInteger.ONE.shiftLeft(Long.SIZE);

  private final JsonParser parser;
  private final HeaderFaults faults;
  private String name = "";
  private @Nullable DType dtype;
  private @Nullable Shape shape;
  private @Nullable Range range;

  TensorReader(JsonParser parser, HeaderFaults faults) {
    this.parser = parser;
    this.faults = faults;
  }

  /// Where a tensor's bytes lie, from the start of the data.
  private record Range(long begin, long end) {}

  /// Reads the value that follows this name.
  PlacedTensor read(String tensorName) {
    name = tensorName;
    dtype = null;
    shape = null;
    range = null;
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw fault(
          CheckpointFault.TENSOR_NOT_AN_OBJECT,
          String.format(
              Locale.ROOT,
              "is '%s', expected an object with dtype, shape and data_offsets",
              parser.getString()));
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = faults.wellFormed(parser.currentName());
      switch (field) {
        case "dtype" -> {
          requireFirst(field, dtype);
          dtype = readDType();
        }
        case "shape" -> {
          requireFirst(field, shape);
          shape = readShape();
        }
        case "data_offsets" -> {
          requireFirst(field, range);
          range = readRange();
        }
        default -> {
          parser.nextToken();
          parser.skipChildren();
        }
      }
    }
    return placed();
  }

  private PlacedTensor placed() {
    DType type = dtype;
    Shape dimensions = shape;
    Range bytes = range;
    if (type == null) {
      throw missing(CheckpointFault.MISSING_DTYPE, "dtype");
    }
    if (dimensions == null) {
      throw missing(CheckpointFault.MISSING_SHAPE, "shape");
    }
    if (bytes == null) {
      throw missing(CheckpointFault.MISSING_OFFSETS, "data_offsets");
    }
    requireSize(type, dimensions, bytes);
    return new PlacedTensor(new TensorSpec(name, type, dimensions), bytes.begin(), bytes.end());
  }

  private void requireSize(DType type, Shape dimensions, Range bytes) {
    long bits;
    try {
      bits = Math.multiplyExact(dimensions.elements(), (long) type.bits());
    } catch (ArithmeticException e) {
      throw overflow(dimensions.toString(), type.name());
    }
    if (bits % Byte.SIZE != 0) {
      throw fault(
          CheckpointFault.PARTIAL_BYTE,
          String.format(
              Locale.ROOT, "is %s of %s, %d bits, expected whole bytes", dimensions, type, bits));
    }
    if (bytes.end() - bytes.begin() != bits / Byte.SIZE) {
      throw fault(
          CheckpointFault.SIZE_MISMATCH,
          String.format(
              Locale.ROOT,
              "is %s of %s, expected %,d bytes, but its data_offsets [%d, %d] give %,d",
              dimensions,
              type,
              bits / Byte.SIZE,
              bytes.begin(),
              bytes.end(),
              bytes.end() - bytes.begin()));
    }
  }

  private DType readDType() {
    JsonToken token = parser.nextToken();
    String spelling = parser.getString();
    if (token != JsonToken.VALUE_STRING) {
      throw unknownDType(spelling);
    }
    return DType.find(spelling).orElseThrow(() -> unknownDType(spelling));
  }

  private CheckpointFormatException unknownDType(String found) {
    return fault(
        CheckpointFault.UNKNOWN_DTYPE,
        String.format(
            Locale.ROOT, "has the dtype '%s', expected one of %s", found, List.of(DType.values())));
  }

  private Shape readShape() {
    if (parser.nextToken() != JsonToken.START_ARRAY) {
      throw fault(
          CheckpointFault.SHAPE_NOT_A_LIST,
          String.format(
              Locale.ROOT,
              "has the shape '%s', expected a list of whole numbers",
              parser.getString()));
    }
    List<Long> dimensions = new ArrayList<>(4);
    boolean pastLong = false;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      BigInteger large = readCount(CheckpointFault.BAD_DIMENSION, "dimension");
      pastLong |= large.signum() != 0;
      dimensions.add(large.signum() != 0 ? large.longValue() : parser.getLongValue());
    }
    if (pastLong && !dimensions.contains(0L)) {
      throw overflow(
          dimensions.stream().map(Long::toUnsignedString).toList().toString(), "any dtype");
    }
    return new Shape(dimensions);
  }

  private Range readRange() {
    if (parser.nextToken() != JsonToken.START_ARRAY) {
      throw notAPair("'" + parser.getString() + "'");
    }
    long[] offsets = new long[2];
    int count = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (count == offsets.length) {
        throw notAPair("more than two values");
      }
      offsets[count++] = readOffset();
    }
    if (count != offsets.length) {
      throw notAPair(count + " values");
    }
    if (offsets[0] > offsets[1]) {
      throw fault(
          CheckpointFault.OFFSETS_REVERSED,
          String.format(
              Locale.ROOT,
              "has the data_offsets [%d, %d], expected the end not before the beginning",
              offsets[0],
              offsets[1]));
    }
    return new Range(offsets[0], offsets[1]);
  }

  private long readOffset() {
    BigInteger large = readCount(CheckpointFault.BAD_OFFSET, "data offset");
    if (large.signum() != 0) {
      throw fault(
          CheckpointFault.OFFSET_OVERFLOW,
          String.format(
              Locale.ROOT,
              "has the data offset %s, expected less than 2^63, the most that a file can hold",
              large));
    }
    return parser.getLongValue();
  }

  private CheckpointFormatException notAPair(String found) {
    return fault(
        CheckpointFault.OFFSETS_NOT_A_PAIR,
        String.format(Locale.ROOT, "has %s as data_offsets, expected a list [begin, end]", found));
  }

  /// Requires the current token to be a whole number from 0 to 2^64 - 1; zero when it fits a `long`
  /// (the parser then holds it), else the number.
  private BigInteger readCount(CheckpointFault fault, String what) {
    if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
      NumberType type = parser.getNumberType();
      if (type == NumberType.BIG_INTEGER) {
        BigInteger large = parser.getBigIntegerValue();
        if (large.signum() > 0 && large.compareTo(DIMENSION_LIMIT) < 0) {
          return large;
        }
      } else if (parser.getStringCharacters()[parser.getStringOffset()] != '-') {
        return BigInteger.ZERO;
      }
    }
    throw fault(
        fault,
        String.format(
            Locale.ROOT,
            "has '%s' as a %s, expected a whole number from 0 to 2^64 - 1",
            parser.getString(),
            what));
  }

  private void requireFirst(String field, @Nullable Object seen) {
    if (seen != null) {
      throw fault(
          CheckpointFault.DUPLICATE_FIELD,
          String.format(Locale.ROOT, "has the field '%s' twice, expected once", field));
    }
  }

  private CheckpointFormatException overflow(String dimensions, String type) {
    return fault(
        CheckpointFault.SIZE_OVERFLOW,
        String.format(
            Locale.ROOT,
            "is %s of %s, expected a size that can be counted in 64 bits",
            dimensions,
            type));
  }

  private CheckpointFormatException missing(CheckpointFault fault, String field) {
    return fault(
        fault,
        String.format(Locale.ROOT, "has no '%s', expected dtype, shape and data_offsets", field));
  }

  private CheckpointFormatException fault(CheckpointFault fault, String what) {
    return faults.tensor(fault, name, what);
  }
}
