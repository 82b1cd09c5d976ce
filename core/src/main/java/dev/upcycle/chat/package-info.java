/// Conversations as text and tokens: the model's own chat template, and the templates of LLaVA and
/// CuMo with what a model learns of each.
@NullMarked
package dev.upcycle.chat;

import org.jspecify.annotations.NullMarked;
