package dev.upcycle.chat.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Python's operators on numbers, text and lists. One thread.
final class Arithmetic {
  private static final long EXACT = 1L << 53;

  private final Budget budget;

  Arithmetic(Budget budget) {
    this.budget = budget;
  }

  /// The integer that a value is; a truth value counts as one.
  static Optional<BigInteger> integer(Value value) {
    if (value instanceof Value.Int(BigInteger number)) {
      return Optional.of(number);
    }
    return value instanceof Value.Bool(boolean truth)
        ? Optional.of(truth ? BigInteger.ONE : BigInteger.ZERO)
        : Optional.empty();
  }

  /// The number that a value is.
  static Optional<Double> real(Value value) {
    return value instanceof Value.Real(double number)
        ? Optional.of(number)
        : integer(value).map(BigInteger::doubleValue);
  }

  Value unary(String operator, Value operand) {
    if (operand instanceof Value.Real(double number)) {
      return operator.equals("-") ? new Value.Real(-number) : operand;
    }
    BigInteger number = integer(operand).orElseThrow(() -> wrong(operator, operand));
    return new Value.Int(operator.equals("-") ? number.negate() : number);
  }

  private static Fault wrong(String operator, Value operand) {
    return operand instanceof Value.Undefined(String what)
        ? new Fault(what + " is undefined")
        : new Fault("'%s' does not take %s".formatted(operator, Value.typeName(operand)));
  }

  Value binary(String operator, Value left, Value right) {
    refuseUndefined(left);
    refuseUndefined(right);
    Optional<BigInteger> a = integer(left);
    Optional<BigInteger> b = integer(right);
    if (a.isPresent() && b.isPresent()) {
      return integers(operator, a.get(), b.get());
    }
    Optional<Double> x = real(left);
    Optional<Double> y = real(right);
    if (x.isPresent() && y.isPresent()) {
      return reals(operator, x.get(), y.get());
    }
    return sequences(operator, left, right);
  }

  private static void refuseUndefined(Value value) {
    if (value instanceof Value.Undefined(String what)) {
      throw new Fault(what + " is undefined");
    }
  }

  private Value integers(String operator, BigInteger a, BigInteger b) {
    return switch (operator) {
      case "+" -> sized(a.add(b));
      case "-" -> sized(a.subtract(b));
      case "*" -> sized(a.multiply(b));
      case "/" -> quotient(a, b);
      case "//" -> new Value.Int(floorDivision(a, b)[0]);
      case "%" -> new Value.Int(floorDivision(a, b)[1]);
      case "**" -> power(a, b);
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static Value sized(BigInteger number) {
    if (number.bitLength() > Budget.BITS) {
      throw new Fault("an integer of more than %d bits".formatted(Budget.BITS));
    }
    return new Value.Int(number);
  }

  private static Value quotient(BigInteger a, BigInteger b) {
    refuseZero(b.signum() == 0);
    BigInteger limit = BigInteger.valueOf(EXACT);
    if (a.abs().compareTo(limit) <= 0 && b.abs().compareTo(limit) <= 0) {
      return new Value.Real(a.doubleValue() / b.doubleValue());
    }
    return new Value.Real(
        new BigDecimal(a).divide(new BigDecimal(b), new MathContext(60)).doubleValue());
  }

  private static void refuseZero(boolean zero) {
    if (zero) {
      throw new Fault("division by zero");
    }
  }

  private static BigInteger[] floorDivision(BigInteger a, BigInteger b) {
    refuseZero(b.signum() == 0);
    BigInteger[] result = a.divideAndRemainder(b);
    if (result[1].signum() != 0 && result[1].signum() != b.signum()) {
      result[0] = result[0].subtract(BigInteger.ONE);
      result[1] = result[1].add(b);
    }
    return result;
  }

  private static Value power(BigInteger base, BigInteger exponent) {
    if (exponent.signum() < 0) {
      throw Fault.notCovered("a negative exponent");
    }
    if (base.abs().compareTo(BigInteger.ONE) > 0
        && (exponent.bitLength() > 31
            || (long) exponent.intValue() * (base.abs().bitLength() - 1) > Budget.BITS)) {
      throw new Fault("an integer of more than %d bits".formatted(Budget.BITS));
    }
    boolean small = exponent.bitLength() <= 31;
    return sized(base.pow(small ? exponent.intValue() : exponent.testBit(0) ? 1 : 2));
  }

  private static Value reals(String operator, double a, double b) {
    return new Value.Real(
        switch (operator) {
          case "+" -> a + b;
          case "-" -> a - b;
          case "*" -> a * b;
          case "/" -> {
            refuseZero(b == 0);
            yield a / b;
          }
          case "//" -> floorQuotient(a, b);
          case "%" -> floorRemainder(a, b);
          case "**" -> throw Fault.notCovered("'**' of floats");
          default -> throw new IllegalArgumentException(operator);
        });
  }

  private static double floorRemainder(double a, double b) {
    refuseZero(b == 0);
    double remainder = a % b;
    if (remainder == 0) {
      return Math.copySign(0.0, b);
    }
    return (remainder < 0) == (b < 0) ? remainder : remainder + b;
  }

  private static double floorQuotient(double a, double b) {
    double quotient = (a - floorRemainder(a, b)) / b;
    if (quotient == 0) {
      return Math.copySign(0.0, a / b);
    }
    double floor = Math.floor(quotient);
    return quotient - floor > 0.5 ? floor + 1 : floor;
  }

  private Value sequences(String operator, Value left, Value right) {
    if (operator.equals("+")) {
      return sum(left, right);
    }
    if (operator.equals("*")) {
      return integer(right)
          .map(count -> repeated(left, count))
          .or(() -> integer(left).map(count -> repeated(right, count)))
          .orElseThrow(() -> wrong(operator, left, right));
    }
    if (operator.equals("%") && left instanceof Value.Text) {
      throw Fault.notCovered("formatting text with '%'");
    }
    throw wrong(operator, left, right);
  }

  private static Fault wrong(String operator, Value left, Value right) {
    return new Fault(
        "'%s' does not take %s and %s"
            .formatted(operator, Value.typeName(left), Value.typeName(right)));
  }

  private Value sum(Value left, Value right) {
    if (left instanceof Value.Text(String a) && right instanceof Value.Text(String b)) {
      budget.characters((long) a.length() + b.length());
      return Value.of(a + b);
    }
    if (left instanceof Value.Items(List<Value> a) && right instanceof Value.Items(List<Value> b)) {
      return new Value.Items(joined(a, b));
    }
    if (left instanceof Value.Tuple(List<Value> a) && right instanceof Value.Tuple(List<Value> b)) {
      return new Value.Tuple(joined(a, b));
    }
    if (left instanceof Value.Safe || right instanceof Value.Safe) {
      throw Fault.notCovered("'+' with text marked by 'safe'");
    }
    throw wrong("+", left, right);
  }

  private List<Value> joined(List<Value> a, List<Value> b) {
    budget.places((long) a.size() + b.size());
    List<Value> both = new ArrayList<>(a);
    both.addAll(b);
    return both;
  }

  private Value repeated(Value value, BigInteger count) {
    long times = count.signum() < 0 ? 0 : count.min(BigInteger.valueOf(Budget.UNITS)).longValue();
    return switch (value) {
      case Value.Text(String text) -> {
        budget.characters(times * text.length());
        yield Value.of(text.repeat((int) (text.isEmpty() ? 0 : times)));
      }
      case Value.Items(List<Value> items) -> new Value.Items(repeated(items, times));
      case Value.Tuple(List<Value> items) -> new Value.Tuple(repeated(items, times));
      case Value.None _,
          Value.Undefined _,
          Value.Bool _,
          Value.Int _,
          Value.Real _,
          Value.Safe _,
          Value.Dict _,
          Value.Range _,
          Value.Stream _,
          Value.View _,
          Value.Namespace _,
          Value.Loop _,
          Value.Callable _ ->
          throw wrong("*", value, new Value.Int(count));
    };
  }

  private List<Value> repeated(List<Value> items, long times) {
    budget.places(times * items.size());
    List<Value> all = new ArrayList<>();
    for (long i = 0; i < times && !items.isEmpty(); i++) {
      all.addAll(items);
    }
    return all;
  }
}
