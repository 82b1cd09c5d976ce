package dev.upcycle.cli.terminal;

import java.util.ArrayList;
import java.util.List;

/// A table with aligned columns: numbers to the right, text to the left, two blanks between.
public final class Table {
  private final List<List<String>> rows = new ArrayList<>();
  private final List<String> header;

  private Table(List<String> header) {
    this.header = List.copyOf(header);
  }

  /// A table with these column titles.
  public static Table of(String... header) {
    return new Table(List.of(header));
  }

  /// A table of names and values, without titles.
  public static Table pairs() {
    return new Table(List.of());
  }

  /// Adds a row.
  public Table row(String... cells) {
    return row(List.of(cells));
  }

  /// Adds a row.
  public Table row(List<String> cells) {
    if (!rows.isEmpty() && rows.getFirst().size() != cells.size()) {
      throw new IllegalArgumentException(cells + " is not as wide as the row before");
    }
    rows.add(List.copyOf(cells));
    return this;
  }

  /// The lines, without a line break at the end.
  @Override
  public String toString() {
    List<List<String>> all = new ArrayList<>();
    if (!header.isEmpty()) {
      all.add(header);
    }
    all.addAll(rows);
    List<Integer> widths = widths(all);
    List<String> lines = new ArrayList<>();
    for (List<String> row : all) {
      lines.add(line(row, widths));
    }
    return String.join("\n", lines);
  }

  private String line(List<String> row, List<Integer> widths) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < row.size(); column++) {
      String cell = row.get(column);
      String pad = " ".repeat(widths.get(column) - cell.length());
      line.append(column == 0 ? "" : "  ").append(numeric(column) ? pad + cell : cell + pad);
    }
    return line.toString().stripTrailing();
  }

  private boolean numeric(int column) {
    return !header.isEmpty()
        && !rows.isEmpty()
        && rows.stream().map(row -> row.get(column)).allMatch(Table::startsAsNumber);
  }

  private static boolean startsAsNumber(String cell) {
    return cell.equals("-") || (!cell.isEmpty() && Character.isDigit(cell.charAt(0)));
  }

  private static List<Integer> widths(List<List<String>> rows) {
    List<Integer> widths = new ArrayList<>();
    for (List<String> row : rows) {
      for (int column = 0; column < row.size(); column++) {
        int width = row.get(column).length();
        if (column == widths.size()) {
          widths.add(width);
        } else {
          widths.set(column, Math.max(widths.get(column), width));
        }
      }
    }
    return widths;
  }
}
