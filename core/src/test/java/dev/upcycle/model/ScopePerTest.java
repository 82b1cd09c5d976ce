package dev.upcycle.model;

import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.TensorScope;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/// Opens a scope around each test and keeps LibTorch to one thread.
final class ScopePerTest implements BeforeEachCallback, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(ScopePerTest.class);

  @Override
  public void beforeEach(ExtensionContext context) {
    LibTorch.useThreads(1);
    context.getStore(NAMESPACE).put("scope", TensorScope.open());
  }

  @Override
  public void afterEach(ExtensionContext context) {
    context.getStore(NAMESPACE).remove("scope", TensorScope.class).close();
  }
}
