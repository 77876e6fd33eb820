/*
 * Borrowed bytes: a pointer and a length that travel together, by value.
 *
 * A span owns nothing; whoever made the bytes says how long they live.  p may be NULL only when n
 * is 0. Pure.  Uses nothing.
 */
#ifndef MERKLE_BASE_SPAN_H
#define MERKLE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *p;
    size_t n;
};

/* The span of n bytes at p. */
static inline struct span
span_of(const void *p, size_t n)
{
    return (struct span){.p = p, .n = n};
}

/* The span of a C string, without its NUL. */
static inline struct span
span_str(const char *s)
{
    return span_of(s, strlen(s));
}

/* Whether a and b hold the same bytes.  Not constant time: never for secrets. */
static inline bool
span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
