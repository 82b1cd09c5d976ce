/// Which expert every token uses: a preview of routing, and its page.
@NullMarked
package dev.upcycle.route;

import org.jspecify.annotations.NullMarked;
