package dev.upcycle.arch;

import java.util.OptionalInt;

/// A tensor name matched to a template.
///
/// @param template the line it matched
/// @param layer the index at `[layer]`
/// @param expert the index at `[expert]`
public record TemplateMatch(TensorTemplate template, OptionalInt layer, OptionalInt expert) {}
