/// Every block, form of routing, loss and step as a case that any device can run, and the
/// comparison of a GPU with the CPU.
@NullMarked
package dev.upcycle.kernels.parity;

import org.jspecify.annotations.NullMarked;
