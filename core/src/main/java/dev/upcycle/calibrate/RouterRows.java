package dev.upcycle.calibrate;

import dev.upcycle.kernels.tensor.Tensor;
import dev.upcycle.kernels.tensor.Tensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// A router's matrix, `[experts, hidden]`, on the host; immutable.
public final class RouterRows {
  private final double[][] rows;

  private RouterRows(double[][] rows) {
    this.rows = rows;
  }

  /// Rows of norm 1 in these directions.
  ///
  /// @param directions one per expert, all of one length
  /// @throws CalibrationException when one is zero, so that it has no direction, or not finite
  static RouterRows unit(double[][] directions) {
    double[][] rows = new double[directions.length][];
    for (int expert = 0; expert < rows.length; expert++) {
      double norm = norm(directions[expert]);
      if (!(norm > 0 && Double.isFinite(norm))) {
        throw new CalibrationException(
            "expert %d has no direction: its row's norm is %s; give it other texts"
                .formatted(expert, norm));
      }
      rows[expert] = scaled(directions[expert], 1 / norm);
    }
    return new RouterRows(rows);
  }

  /// These rows times a number.
  RouterRows times(double factor) {
    double[][] changed = new double[rows.length][];
    for (int expert = 0; expert < rows.length; expert++) {
      changed[expert] = scaled(rows[expert], factor);
    }
    return new RouterRows(changed);
  }

  private static double[] scaled(double[] row, double factor) {
    double[] scaled = new double[row.length];
    for (int i = 0; i < row.length; i++) {
      scaled[i] = row[i] * factor;
    }
    return scaled;
  }

  private static double norm(double[] row) {
    double squares = 0;
    for (double value : row) {
      squares += value * value;
    }
    return Math.sqrt(squares);
  }

  /// How many rows there are.
  public int experts() {
    return rows.length;
  }

  /// How long each row is.
  public int hidden() {
    return rows[0].length;
  }

  /// An element.
  public double at(int expert, int channel) {
    return rows[expert][channel];
  }

  /// In float32, `[experts, hidden]`, in the current scope.
  Tensor tensor() {
    float[] values = new float[Math.multiplyExact(experts(), hidden())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) rows[i / hidden()][i % hidden()];
    }
    return Tensors.of(values, experts(), hidden());
  }

  /// In float32, little-endian, ready to be read.
  ByteBuffer bytes() {
    int elements = Math.multiplyExact(experts(), hidden());
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(elements, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (double[] row : rows) {
      for (double value : row) {
        bytes.putFloat((float) value);
      }
    }
    return bytes.flip();
  }
}
