package dev.upcycle.kernels.parity;

/// A stretch in which LibTorch throws where it would wait for a GPU.
///
/// By reflection: the natives for the CPU come without the classes that these methods name.
final class RefusedWaits implements AutoCloseable {
  private static final int SILENT = 0;
  private static final int THROWING = 2;

  private RefusedWaits() {}

  static RefusedWaits begin() throws ReflectiveOperationException {
    set(THROWING);
    return new RefusedWaits();
  }

  private static void set(int mode) throws ReflectiveOperationException {
    Object state =
        Class.forName("org.bytedeco.pytorch.global.torch_cuda")
            .getMethod("warning_state")
            .invoke(null);
    state.getClass().getMethod("set_sync_debug_mode", int.class).invoke(state, mode);
  }

  @Override
  public void close() throws ReflectiveOperationException {
    set(SILENT);
  }
}
