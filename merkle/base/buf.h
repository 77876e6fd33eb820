/*
 * Owned bytes that grow up to a ceiling stated at creation.
 *
 * Life cycle: BUF_INIT or buf_init, any number of adds, buf_release.  Releasing twice, or a buffer
 * that was only initialised, does nothing.  Not shared between threads. No I/O, no clock.  Uses
 * result, span.
 */
#ifndef MERKLE_BASE_BUF_H
#define MERKLE_BASE_BUF_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

struct buf {
    uint8_t *p; /* owned; n bytes are valid */
    size_t n;
    size_t cap; /* may pass max by one: the NUL that printf writes and n does not count */
    size_t max; /* n never exceeds it */
};

/* A buffer of at most max bytes; allocates nothing yet. */
#define BUF_INIT(max_) ((struct buf){.p = NULL, .n = 0, .cap = 0, .max = (max_)})

/* Makes *b an empty buffer of at most max bytes.  Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Frees the bytes; *b is then empty with the same ceiling. */
void buf_release(struct buf *b);

/* Empties *b but keeps its memory for the next use. */
void buf_clear(struct buf *b);

/* Makes room for n more bytes.  RES_TOO_LARGE over the ceiling, RES_MEMORY; *b unchanged on
 * failure. */
MUST_CHECK enum result buf_reserve(struct buf *b, size_t n);

/* Appends s (which must not lie inside *b).  Errors as buf_reserve; *b unchanged on failure. */
MUST_CHECK enum result buf_add(struct buf *b, struct span s);

/* Appends printf-formatted text (no NUL is counted).  Errors as buf_reserve; *b unchanged on
 * failure. */
MUST_CHECK enum result buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The bytes so far, borrowed until the next change of *b. */
static inline struct span
buf_span(const struct buf *b)
{
    return span_of(b->p, b->n);
}

#endif
