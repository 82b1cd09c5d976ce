package dev.upcycle.arch;

/// The classes of a checkpoint that brings its own modelling file.
///
/// @param file the Python file
/// @param configClass its config class
public record Modeling(String file, String configClass) {}
