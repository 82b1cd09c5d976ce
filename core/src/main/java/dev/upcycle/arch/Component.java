package dev.upcycle.arch;

/// Which part of a larger model a family is.
public enum Component {
  /// A decoder, or the text tower of a model that compares texts with images.
  LANGUAGE,
  /// An image tower.
  VISION,
  /// Between an image tower and a decoder.
  CONNECTOR,
  /// A composition of the others.
  WHOLE
}
