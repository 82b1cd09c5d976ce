/// How well a model predicts text, alone and against another, and how its experts share the work.
@NullMarked
package dev.upcycle.evaluate;

import org.jspecify.annotations.NullMarked;
