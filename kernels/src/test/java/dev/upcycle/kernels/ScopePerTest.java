package dev.upcycle.kernels;

import dev.upcycle.kernels.tensor.LibTorch;
import dev.upcycle.kernels.tensor.TensorScope;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.TestInstanceFactoryContext;
import org.junit.jupiter.api.extension.TestInstancePreConstructCallback;

/// Opens a scope around each test, its fields included, and keeps LibTorch to one thread.
public final class ScopePerTest implements TestInstancePreConstructCallback, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(ScopePerTest.class);

  @Override
  public ExtensionContextScope getTestInstantiationExtensionContextScope(
      ExtensionContext rootContext) {
    return ExtensionContextScope.TEST_METHOD;
  }

  @Override
  public void preConstructTestInstance(
      TestInstanceFactoryContext factory, ExtensionContext context) {
    LibTorch.useThreads(1);
    context.getStore(NAMESPACE).put("scope", TensorScope.open());
  }

  @Override
  public void afterEach(ExtensionContext context) {
    TensorScope scope = context.getStore(NAMESPACE).remove("scope", TensorScope.class);
    if (scope != null) {
      scope.close();
    }
  }
}
