/// Architectures as data: tensor-name templates, roles, dialects.
@NullMarked
package dev.upcycle.arch;

import org.jspecify.annotations.NullMarked;
