/*
 * What fuzz targets share.  A target is one function that is given any bytes and ends the process
 * when a property does not hold; crashes are for the sanitizers to see.
 *
 * Each target carries a planted bug, compiled in with PLANT=1 (in the target, never in the
 * product): a fuzzer that does not find it would find nothing else either.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include <stdio.h>
#include <stdlib.h>

#ifndef PLANT
#define PLANT 0
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                             \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

/* Whether inner lies wholly inside outer: what is borrowed must be borrowed from the input. */
static inline bool
fuzz_inside(struct span inner, struct span outer)
{
    return inner.n == 0 || (inner.p >= outer.p && inner.n <= outer.n &&
                            (size_t)(inner.p - outer.p) <= outer.n - inner.n);
}

/* Splits off the first piece of data behind a length of two bytes; what is too long is cut. */
static inline struct span
fuzz_piece(struct span *data)
{
    if (data->n < 2)
        return span_of(NULL, 0);
    size_t n = (size_t)data->p[0] << 8 | data->p[1];
    if (n > data->n - 2)
        n = data->n - 2;
    struct span piece = span_of(data->p + 2, n);
    *data = span_of(data->p + 2 + n, data->n - 2 - n);
    return piece;
}

#endif
