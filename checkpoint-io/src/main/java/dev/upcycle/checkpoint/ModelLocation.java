package dev.upcycle.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Finds the directory of a model by path, or by its hub name in the local Hugging Face cache;
/// never by network.
///
/// The cache keeps `models--org--name/refs/BRANCH`, a text with a commit, and
/// `models--org--name/snapshots/COMMIT`, a directory of symlinks (`huggingface_hub`, "Understand
/// caching").
public final class ModelLocation {
  private static final Pattern HUB_NAME =
      Pattern.compile(
          "(?<org>[A-Za-z0-9][\\w.-]*)/(?<name>[A-Za-z0-9][\\w.-]*)(@(?<revision>[^@]+))?");
  private static final String MAIN = "main";

  private final String model;
  private final Path cache;
  private final Path repository;
  private final String revision;

  private ModelLocation(Path cache, Matcher hubName) {
    this.model = hubName.group("org") + "/" + hubName.group("name");
    this.cache = cache;
    this.repository = cache.resolve("models--" + model.replace("/", "--"));
    this.revision = Optional.ofNullable(hubName.group("revision")).orElse(MAIN);
  }

  /// Finds a model with the process's environment.
  ///
  /// @param model a path, or `org/name`, or `org/name@revision`; a path that exists wins
  /// @throws CheckpointFormatException saying where it looked and how to download the model
  public static Path resolve(String model) {
    return resolve(model, System.getenv());
  }

  /// Finds a model with this environment: `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HOME`.
  ///
  /// @param model a path, or `org/name`, or `org/name@revision`; a path that exists wins
  /// @throws CheckpointFormatException saying where it looked and how to download the model
  public static Path resolve(String model, Map<String, String> environment) {
    Optional<Path> local = localPath(model).filter(Files::exists);
    if (local.isPresent()) {
      return local.get();
    }
    Matcher hubName = HUB_NAME.matcher(model);
    if (!hubName.matches()) {
      throw new CheckpointFormatException(
          CheckpointFault.NO_SUCH_PATH,
          String.format(
              Locale.ROOT,
              "%s: there is no such directory; expected a model's directory, or a hub name such as org/name or org/name@revision",
              model));
    }
    return new ModelLocation(cache(environment), hubName).snapshot();
  }

  /// The cache's directory, as `huggingface_hub` chooses it.
  static Path cache(Map<String, String> environment) {
    return find(environment, "HF_HUB_CACHE")
        .or(() -> find(environment, "HF_HOME").map(home -> home.resolve("hub")))
        .or(() -> find(environment, "XDG_CACHE_HOME").map(ModelLocation::hub))
        .orElseGet(() ->
            hub(
                find(environment, "HOME")
                    .orElseGet(() -> Path.of(System.getProperty("user.home")))
                    .resolve(".cache")));
  }

  private static Path hub(Path caches) {
    return caches.resolve("huggingface").resolve("hub");
  }

  private static Optional<Path> find(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name))
        .filter(value -> !value.isBlank())
        .map(Path::of);
  }

  private static Optional<Path> localPath(String model) {
    try {
      return Optional.of(Path.of(model));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private Path snapshot() {
    if (!Files.isDirectory(repository)) {
      throw new CheckpointFormatException(
          CheckpointFault.NOT_IN_CACHE,
          String.format(
              Locale.ROOT,
              "%s: is neither a directory here nor in the local cache (looked for %s and %s); download it with 'hf download %s'",
              model,
              Path.of(model).toAbsolutePath(),
              repository,
              model));
    }
    String commit = commit();
    Path snapshot = repository.resolve("snapshots").resolve(commit);
    if (isPlain(commit) && Files.isDirectory(snapshot)) {
      return snapshot;
    }
    throw new CheckpointFormatException(
        CheckpointFault.NO_SUCH_REVISION,
        String.format(
            Locale.ROOT,
            "%s: the local cache %s has no revision '%s'; it has %s; download it with 'hf download %s --revision %s', or name one that is there: %s@REVISION",
            model,
            cache,
            revision,
            revisions(),
            model,
            revision,
            model));
  }

  /// The commit that the revision stands for: what its ref says, else the revision itself, which
  /// may be the beginning of a commit.
  private String commit() {
    Path refs = repository.resolve("refs");
    Path ref = refs.resolve(revision).normalize();
    if (ref.startsWith(refs) && Files.isRegularFile(ref)) {
      try {
        return Files.readString(ref).strip();
      } catch (IOException e) {
        throw new CheckpointFormatException(
            CheckpointFault.UNREADABLE, ref + ": cannot be read (" + e + ")", e);
      }
    }
    List<String> commits =
        names(repository.resolve("snapshots")).stream()
            .filter(commit -> commit.startsWith(revision))
            .toList();
    return commits.size() == 1 ? commits.getFirst() : revision;
  }

  private static boolean isPlain(String commit) {
    return commit.matches("[\\w.-]+") && !commit.startsWith(".");
  }

  private String revisions() {
    List<String> known = new ArrayList<>(names(repository.resolve("refs")));
    known.addAll(names(repository.resolve("snapshots")));
    return known.isEmpty() ? "none" : known.stream().collect(Collectors.joining("', '", "'", "'"));
  }

  private static List<String> names(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> String.valueOf(entry.getFileName())).sorted().toList();
    } catch (IOException e) {
      throw new CheckpointFormatException(
          CheckpointFault.UNREADABLE, directory + ": cannot be listed (" + e + ")", e);
    }
  }
}
