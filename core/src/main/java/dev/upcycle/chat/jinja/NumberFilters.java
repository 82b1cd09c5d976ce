package dev.upcycle.chat.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Optional;
import java.util.regex.Pattern;

/// The filters `abs`, `int`, `float` and `round`.
final class NumberFilters {
  private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]++(?:_[0-9]++)*+");
  private static final Pattern REAL =
      Pattern.compile("[-+]?(?:[0-9]++(?:\\.[0-9]*+)?|\\.[0-9]++)(?:[eE][-+]?[0-9]{1,5})?");

  Value absolute(Value input, Arguments.Given none) {
    if (input instanceof Value.Real(double number)) {
      return new Value.Real(Math.abs(number));
    }
    return new Value.Int(
        Arithmetic.integer(input)
            .orElseThrow(() ->
                new Fault(
                    "%s needs a number, not %s".formatted(none.callee(), Value.typeName(input))))
            .abs());
  }

  Value integer(Value input, Arguments.Given given) {
    if (given.findInteger("base").orElse(10) != 10) {
      throw Fault.notCovered("the filter 'int' with another base than ten");
    }
    refuseUndefined(input);
    if (input instanceof Value.Text(String text) && INTEGER.matcher(strip(text)).matches()) {
      return new Value.Int(sized(strip(text).replace("_", "")));
    }
    return number(input)
        .filter(Double::isFinite)
        .<Value>map(number -> new Value.Int(new BigDecimal(number).toBigInteger()))
        .or(() -> Arithmetic.integer(input).map(Value.Int::new))
        .orElseGet(() -> given.find("default").orElse(Value.Int.of(0)));
  }

  private static void refuseUndefined(Value input) {
    if (input instanceof Value.Undefined(String what)) {
      throw new Fault(what + " is undefined");
    }
  }

  private static String strip(String text) {
    return PythonText.stripStart(PythonText.stripEnd(text));
  }

  private static BigInteger sized(String digits) {
    if (digits.length() > 1000) {
      throw new Fault("an integer of more than 1000 digits");
    }
    return new BigInteger(digits);
  }

  // Of text and floats only: an integer may be too large for one.
  private static Optional<Double> number(Value input) {
    if (input instanceof Value.Real(double number)) {
      return Optional.of(number);
    }
    if (!(input instanceof Value.Text(String text))) {
      return Optional.empty();
    }
    String bare = PythonText.lower(strip(text));
    if (bare.contains("inf") || bare.contains("nan") || bare.contains("_")) {
      throw Fault.notCovered("the number '%s'".formatted(bare));
    }
    return REAL.matcher(bare).matches() ? Optional.of(Double.parseDouble(bare)) : Optional.empty();
  }

  Value real(Value input, Arguments.Given given) {
    refuseUndefined(input);
    return Arithmetic.real(input)
        .or(() -> number(input))
        .<Value>map(Value.Real::new)
        .orElseGet(() -> given.find("default").orElse(new Value.Real(0)));
  }

  Value rounded(Value input, Arguments.Given given) {
    String method = given.findText("method").orElse("common");
    int precision = given.findInteger("precision").orElse(0);
    if (Math.abs(precision) > 300) {
      throw Fault.notCovered("'round' to more than 300 places");
    }
    boolean common = method.equals("common");
    if (common && Arithmetic.integer(input).isPresent() && precision >= 0) {
      return new Value.Int(Arithmetic.integer(input).orElseThrow());
    }
    double number =
        Arithmetic.real(input)
            .orElseThrow(() -> new Fault("'round' needs a number, not " + Value.typeName(input)));
    if (common && input instanceof Value.Real && Double.isFinite(number)) {
      double rounded =
          new BigDecimal(number).setScale(precision, RoundingMode.HALF_EVEN).doubleValue();
      return new Value.Real(Math.copySign(rounded, number));
    }
    if (precision == 0 && method.equals("ceil")) {
      return new Value.Real(Math.ceil(number) + 0.0);
    }
    if (precision == 0 && method.equals("floor")) {
      return new Value.Real(Math.floor(number) + 0.0);
    }
    throw Fault.notCovered(
        "'round' with the method '%s' to %d places".formatted(method, precision));
  }
}
