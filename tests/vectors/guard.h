/*
 * Memory that ends where the input ends: bytes flush against a page that may not be touched, so
 * that a parser that reads one byte too many dies on the spot, with or without a sanitizer.
 *
 * For tests only.  Aborts when the system gives no memory.  Uses span.
 */
#ifndef TESTS_VECTORS_GUARD_H
#define TESTS_VECTORS_GUARD_H

#include "merkle/base/span.h"

struct guard {
    uint8_t *map; /* owned */
    size_t size;  /* of the part that may be touched */
    size_t page;
};

/* Room for inputs of up to max bytes. */
void guard_init(struct guard *g, size_t max);

/* Unmaps it. */
void guard_release(struct guard *g);

/*
 * A copy of s whose last byte is the last that may be touched, borrowed until the next call; what
 * was there before is overwritten.  Requires s.n <= max.  An empty s gives the address of the
 * forbidden page itself.
 */
struct span guard_put(struct guard *g, struct span s);

#endif
