package dev.upcycle.verify;

/// The kinds of checks, in the order in which a report lists them.
enum CheckKind {
  NAMES("tensor names"),
  SHAPES("shapes"),
  DTYPES("dtypes"),
  HEADERS("headers"),
  INDEX("index"),
  CONFIG("config"),
  FILES("files"),
  RECIPE("recipe"),
  ORIGINS("origins"),
  SOURCE("source files"),
  CHECKSUMS("source checksums"),
  COMPANIONS("companion files"),
  MODELING("modelling files"),
  PASS_THROUGH("pass-through"),
  EXPERT_COPIES("expert copies"),
  LEFT_OUT("left out"),
  ROUTERS("routers"),
  FROZEN("frozen tensors"),
  FINITE("finite values");

  private final String title;

  CheckKind(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }
}
