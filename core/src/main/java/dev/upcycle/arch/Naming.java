package dev.upcycle.arch;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How the tensors of a part are called in the whole.
///
/// @param prefix what stands before the part's own names
/// @param absent the first segment of the part's own names that the whole leaves out, with its dot;
///   empty when it leaves out none
/// @param linears how the linear layers of a connector are called
public record Naming(String prefix, String absent, Linears linears) {
  /// Every name as the part's templates have it.
  public static final Naming OWN = new Naming("", "", Linears.NAMED);

  private static final String FIRST = "linear_1.";
  private static final Pattern NAMED = Pattern.compile("(^|\\.)linear_([1-9]\\d{0,3})\\.");
  private static final Pattern NUMBERED =
      Pattern.compile("(^|\\.)(0|[1-9]\\d{0,3})\\.(weight|bias)$");

  /// How the linear layers of a connector are called.
  public enum Linears {
    /// `linear_1`, `linear_2`, … as Hugging Face does.
    NAMED,
    /// `0`, `2`, … by their places in a `torch.nn.Sequential` with activations between, as LLaVA
    /// and CuMo do.
    NUMBERED,
    /// Nothing before `weight` and `bias`, as LLaVA does with its `linear` connector, which has
    /// one.
    UNNUMBERED
  }

  /// The name in the whole.
  public String outer(String own) {
    String inner = own.startsWith(absent) ? own.substring(absent.length()) : own;
    return prefix
        + switch (linears) {
          case NAMED -> inner;
          case NUMBERED -> numbered(inner);
          case UNNUMBERED -> inner.startsWith(FIRST) ? inner.substring(FIRST.length()) : inner;
        };
  }

  /// The part's own name, if it has such a tensor.
  Optional<TemplateMatch> match(String outer, Architecture family) {
    if (!outer.startsWith(prefix)) {
      return Optional.empty();
    }
    String rest = outer.substring(prefix.length());
    String inner =
        switch (linears) {
          case NAMED -> rest;
          case NUMBERED -> named(rest);
          case UNNUMBERED -> rest.indexOf('.') < 0 ? FIRST + rest : rest;
        };
    return family
        .match(absent + inner)
        .or(() -> family.match(inner).filter(match -> !inner.startsWith(absent)));
  }

  private static String numbered(String named) {
    return NAMED
        .matcher(named)
        .replaceFirst(found -> found.group(1) + 2 * (Integer.parseInt(found.group(2)) - 1) + ".");
  }

  /// The other way round; a name that is none of the kind stays, and so matches nothing.
  private static String named(String numbered) {
    Matcher place = NUMBERED.matcher(numbered);
    if (!place.find() || Integer.parseInt(place.group(2)) % 2 != 0) {
      return numbered;
    }
    int linear = Integer.parseInt(place.group(2)) / 2 + 1;
    return numbered.substring(0, place.start(2)) + "linear_" + linear + "." + place.group(3);
  }
}
