/*
 * Structures as bytes: what is read whole is written the same, what is cut short or too long is
 * refused.
 *
 * For tests.  A structure is known by a function that reads it from in and writes what it read.
 */
#ifndef TESTS_UNIT_KEYTRANS_WHOLE_H
#define TESTS_UNIT_KEYTRANS_WHOLE_H

#include "merkle/base/codec.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"

typedef enum result again_fn(struct span in, struct buf *out);

/* Defines again_NAME, which reads a struct TYPE with get and writes it with put. */
#define AGAIN(name, type, get, put)                                  \
    static enum result again_##name(struct span in, struct buf *out) \
    {                                                                \
        static struct type value;                                    \
        struct reader r = reader_of(in);                             \
        struct writer w = writer_to(out);                            \
        enum result rc;                                              \
                                                                     \
        get(&r, &value);                                             \
        rc = reader_end(&r);                                         \
        if (rc == RES_OK)                                            \
            put(&w, &value);                                         \
        return rc == RES_OK ? writer_end(&w) : rc;                   \
    }

/* The bytes are read and written again, and refused when any number of them is missing or one is
 * too many. */
static inline void
whole(again_fn *again, struct span bytes)
{
    struct buf out = BUF_INIT(1u << 20), longer = BUF_INIT(1u << 20);
    struct guard g;

    guard_init(&g, bytes.n + 1);
    assert_int_equal(again(guard_put(&g, bytes), &out), RES_OK);
    assert_true(span_equal(buf_span(&out), bytes));
    for (size_t n = 0; n < bytes.n; n++) {
        buf_clear(&out);
        assert_int_equal(again(guard_put(&g, span_of(bytes.p, n)), &out), RES_TRUNCATED);
    }
    assert_int_equal(buf_add(&longer, bytes), RES_OK);
    assert_int_equal(buf_add(&longer, span_of("", 1)), RES_OK);
    buf_clear(&out);
    assert_int_equal(again(guard_put(&g, buf_span(&longer)), &out), RES_TRAILING);
    guard_release(&g);
    buf_release(&out);
    buf_release(&longer);
}

/* With the byte at offset changed to value the bytes are refused as said. */
static inline void
refused_at(again_fn *again, struct span bytes, size_t offset, uint8_t value, enum result expected,
           const char *says)
{
    struct buf out = BUF_INIT(1u << 20), changed = BUF_INIT(1u << 20);
    enum result rc;

    assert_true(offset < bytes.n);
    assert_int_equal(buf_add(&changed, bytes), RES_OK);
    assert_int_not_equal(changed.p[offset], value);
    changed.p[offset] = value;
    rc = again(buf_span(&changed), &out);
    if (rc != expected)
        fail_msg("%s: %s", says, result_name(rc));
    buf_release(&out);
    buf_release(&changed);
}

#endif
