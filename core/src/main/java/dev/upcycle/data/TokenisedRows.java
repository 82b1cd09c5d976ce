package dev.upcycle.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.LongFunction;
import java.util.stream.LongStream;

/// The tokens of all good rows of a file, made once, in a temporary file; owns that until it is
/// closed.
///
/// Documents are good rows that have tokens, in the order of the file.
///
/// @param tokens of all documents
/// @param uncut how long the documents were whose end was cut off
/// @param skipped bad rows that were passed over
record TokenisedRows(TokenFile tokens, Map<Integer, Integer> uncut, List<DataException> skipped)
    implements AutoCloseable {
  /// Takes copies.
  TokenisedRows {
    uncut = Map.copyOf(uncut);
    skipped = List.copyOf(skipped);
  }

  /// Who makes them.
  ///
  /// @param threads at work
  /// @param skip how many bad rows are passed over
  record Work(int threads, SkipLimit skip) {}

  /// Makes the tokens of rows.
  ///
  /// @param rows how many
  /// @param row makes one, by any thread
  /// @throws DataException when a row is bad, and one too many
  static TokenisedRows of(long rows, LongFunction<Sample> row, Work work)
      throws InterruptedException {
    TokenFile tokens = TokenFile.create();
    Map<Integer, Integer> uncut = new HashMap<>();
    List<DataException> skipped = new ArrayList<>();
    try (Ahead<Sample> made = new Ahead<>(tasks(rows, row), work.threads(), 4 * work.threads())) {
      while (made.hasNext()) {
        try {
          Sample sample = made.next();
          if (sample.uncut() > sample.length()) {
            uncut.put(tokens.documents(), sample.uncut());
          }
          tokens.add(sample.tokens());
        } catch (DataException e) {
          work.skip().pass(e, skipped.size());
          skipped.add(e);
        }
      }
      tokens.seal();
      return new TokenisedRows(tokens, uncut, skipped);
    } catch (IOException e) {
      tokens.close();
      throw new UncheckedIOException("cannot keep tokens in a temporary file: " + e, e);
    } catch (RuntimeException | InterruptedException e) {
      tokens.close();
      throw e;
    }
  }

  private static Iterator<Callable<Sample>> tasks(long rows, LongFunction<Sample> row) {
    return LongStream.range(0, rows)
        .<Callable<Sample>>mapToObj(number -> () -> row.apply(number))
        .iterator();
  }

  @Override
  public void close() {
    tokens.close();
  }
}
