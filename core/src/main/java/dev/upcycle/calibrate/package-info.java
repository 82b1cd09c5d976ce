/// Routers from data: what a dense model's layers see becomes the rows of a router.
@NullMarked
package dev.upcycle.calibrate;

import org.jspecify.annotations.NullMarked;
