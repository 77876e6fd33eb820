#include "merkle/base/codec.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"

static struct guard guard;

static int
setup(void **state)
{
    (void)state;
    guard_init(&guard, 70000);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    guard_release(&guard);
    return 0;
}

static uint64_t
get(struct reader *r, unsigned bytes)
{
    switch (bytes) {
    case 1:
        return get_u8(r);
    case 2:
        return get_u16(r);
    case 3:
        return get_u24(r);
    case 4:
        return get_u32(r);
    case 5:
        return get_u40(r);
    default:
        assert_int_equal(bytes, 8);
        return get_u64(r);
    }
}

static void
put(struct writer *w, unsigned bytes, uint64_t v)
{
    static void (*const puts[9])(struct writer *, uint64_t) = {
        [1] = put_u8, [2] = put_u16, [3] = put_u24, [4] = put_u32, [5] = put_u40, [8] = put_u64,
    };

    assert_non_null(puts[bytes]);
    puts[bytes](w, v);
}

static const struct {
    const char *says;
    unsigned bytes;
    uint64_t v;
    const char *wire;
} integers[] = {
    {"a byte", 1, 0x81, "\x81"},
    {"the largest byte", 1, 0xff, "\xff"},
    {"two bytes, most significant first", 2, 0x8102, "\x81\x02"},
    {"leading zeros are kept", 2, 1, "\x00\x01"},
    {"three bytes", 3, 0x810203, "\x81\x02\x03"},
    {"the largest of three", 3, 0xffffff, "\xff\xff\xff"},
    {"four bytes", 4, 0x81020304, "\x81\x02\x03\x04"},
    {"four bytes all ones", 4, 0xffffffff, "\xff\xff\xff\xff"},
    {"five bytes", 5, UINT64_C(0x8102030405), "\x81\x02\x03\x04\x05"},
    {"the largest of five", 5, UINT64_C(0xffffffffff), "\xff\xff\xff\xff\xff"},
    {"eight bytes", 8, UINT64_C(0x8102030405060708), "\x81\x02\x03\x04\x05\x06\x07\x08"},
    {"zero in eight", 8, 0, "\0\0\0\0\0\0\0\0"},
};

static void
integers_read_and_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        struct span wire = span_of(integers[i].wire, integers[i].bytes);
        struct buf b = BUF_INIT(8);
        struct writer w = writer_to(&b);
        struct reader r;

        put(&w, integers[i].bytes, integers[i].v);
        assert_int_equal(writer_end(&w), RES_OK);
        if (!span_equal(buf_span(&b), wire))
            fail_msg("%s: written differently", integers[i].says);
        r = reader_of(guard_put(&guard, wire));
        if (get(&r, integers[i].bytes) != integers[i].v)
            fail_msg("%s: read differently", integers[i].says);
        assert_true(reader_done(&r));
        assert_int_equal(reader_end(&r), RES_OK);
        buf_release(&b);
    }
}

static void
integers_cut_anywhere_are_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        for (size_t n = 0; n < integers[i].bytes; n++) {
            struct reader r = reader_of(guard_put(&guard, span_of(integers[i].wire, n)));

            assert_int_equal(get(&r, integers[i].bytes), 0);
            assert_int_equal(reader_end(&r), RES_TRUNCATED);
        }
    }
}

static void
integers_that_do_not_fit_are_refused(void **state)
{
    static const unsigned widths[] = {1, 2, 3, 4, 5};

    (void)state;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        const uint64_t over[] = {UINT64_C(1) << (8 * widths[i]), UINT64_C(1) << 63, UINT64_MAX};

        for (size_t k = 0; k < 3; k++) {
            struct buf b = BUF_INIT(8);
            struct writer w = writer_to(&b);

            put(&w, widths[i], over[k]);
            assert_int_equal(writer_end(&w), RES_VALUE);
            assert_int_equal(b.n, 0);
            buf_release(&b);
        }
    }
}

typedef struct span get_vec_fn(struct reader *, size_t, size_t);
typedef void put_vec_fn(struct writer *, struct span);

static get_vec_fn *const get_vecs[4] = {NULL, get_vec8, get_vec16, get_vec24};
static put_vec_fn *const put_vecs[4] = {NULL, put_vec8, put_vec16, put_vec24};

/* Writes a length and that many bytes of 'a' by hand. */
static void
vector_bytes(struct buf *b, unsigned bytes, size_t length, size_t content)
{
    buf_clear(b);
    for (unsigned i = bytes; i > 0; i--)
        assert_int_equal(buf_add(b, span_of(&(uint8_t){(uint8_t)(length >> 8 * (i - 1))}, 1)),
                         RES_OK);
    for (size_t i = 0; i < content; i++)
        assert_int_equal(buf_add(b, span_str("a")), RES_OK);
}

static void
vectors_keep_their_limits(void **state)
{
    static const struct {
        const char *says;
        unsigned bytes;
        size_t min, max, length, content;
        enum result rc;
    } rows[] = {
        /* "opaque mandatory<300..400>; length field is two bytes, cannot be empty": RFC 8446 3.4 */
        {"mandatory: just long enough", 2, 300, 400, 300, 300, RES_OK},
        {"mandatory: just short enough", 2, 300, 400, 400, 400, RES_OK},
        {"mandatory: one too few", 2, 300, 400, 299, 299, RES_VALUE},
        {"mandatory: one too many", 2, 300, 400, 401, 401, RES_VALUE},
        {"mandatory: empty", 2, 300, 400, 0, 0, RES_VALUE},
        {"mandatory: a byte missing", 2, 300, 400, 350, 349, RES_TRUNCATED},
        {"mandatory: a byte left over", 2, 300, 400, 350, 351, RES_TRAILING},
        {"a length out of limits is wrong before it is cut", 2, 300, 400, 401, 0, RES_VALUE},
        {"one byte of length, empty", 1, 0, 255, 0, 0, RES_OK},
        {"one byte of length, full", 1, 0, 255, 255, 255, RES_OK},
        {"one byte of length, nothing behind it", 1, 0, 255, 255, 0, RES_TRUNCATED},
        {"two bytes of length, full", 2, 0, 65535, 65535, 65535, RES_OK},
        {"three bytes of length, one more than two hold", 3, 1, 0xffffff, 65536, 65536, RES_OK},
        {"three bytes of length, empty where one is the least", 3, 1, 0xffffff, 0, 0, RES_VALUE},
        {"three bytes of length, most of it missing", 3, 1, 0xffffff, 0xffffff, 9, RES_TRUNCATED},
    };
    struct buf b = BUF_INIT(70000);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reader r;
        struct span s;

        vector_bytes(&b, rows[i].bytes, rows[i].length, rows[i].content);
        r = reader_of(guard_put(&guard, buf_span(&b)));
        s = get_vecs[rows[i].bytes](&r, rows[i].min, rows[i].max);
        if (reader_end(&r) != rows[i].rc)
            fail_msg("%s: %s", rows[i].says, result_name(reader_end(&r)));
        if (rows[i].rc == RES_OK || rows[i].rc == RES_TRAILING)
            assert_int_equal(s.n, rows[i].length);
        else
            assert_int_equal(s.n, 0);
    }
    buf_release(&b);
}

static void
vectors_write_what_they_read(void **state)
{
    static const size_t lengths[] = {0, 1, 255, 256, 65535, 65536};
    static uint8_t content[65536];
    struct buf b = BUF_INIT(70000), expected = BUF_INIT(70000);

    (void)state;
    memset(content, 'a', sizeof(content));
    for (unsigned bytes = 1; bytes <= 3; bytes++) {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            struct writer w = writer_to(&b);
            bool fits = lengths[i] >> 8 * bytes == 0;

            buf_clear(&b);
            put_vecs[bytes](&w, span_of(content, lengths[i]));
            assert_int_equal(writer_end(&w), fits ? RES_OK : RES_VALUE);
            vector_bytes(&expected, bytes, lengths[i], lengths[i]);
            if (fits)
                assert_true(span_equal(buf_span(&b), buf_span(&expected)));
            else
                assert_int_equal(b.n, 0);
        }
    }
    buf_release(&b);
    buf_release(&expected);
}

static void
a_longest_vector_of_three_bytes(void **state)
{
    struct buf content = BUF_INIT(1 << 24), b = BUF_INIT((1 << 24) + 3);
    struct writer w = writer_to(&b);
    struct reader r;
    size_t mark;

    (void)state;
    assert_int_equal(buf_reserve(&content, 1 << 24), RES_OK);
    memset(content.p, 'a', 1 << 24);
    put_vec24(&w, span_of(content.p, (1 << 24) - 1));
    assert_int_equal(writer_end(&w), RES_OK);
    r = reader_of(buf_span(&b));
    assert_int_equal(get_vec24(&r, 0, (1 << 24) - 1).n, (1 << 24) - 1);
    assert_int_equal(reader_end(&r), RES_OK);

    put_vec24(&w, span_of(content.p, 1 << 24));
    assert_int_equal(writer_end(&w), RES_VALUE);
    buf_clear(&b);
    w = writer_to(&b);
    mark = put_open(&w, 3);
    put_bytes(&w, span_of(content.p, 1 << 24));
    assert_int_equal(writer_end(&w), RES_OK);
    put_close(&w, mark, 3);
    assert_int_equal(writer_end(&w), RES_VALUE);
    buf_release(&content);
    buf_release(&b);
}

static void
open_and_close_nest(void **state)
{
    static const uint8_t expected[] = {0x00, 0x00, 0x08, 0x00, 0x03, 'a',
                                       'b',  'c',  0x01, 0x7f, 0x00};
    struct buf b = BUF_INIT(100);
    struct writer w = writer_to(&b);
    size_t outer, inner;

    (void)state;
    outer = put_open(&w, 3);
    inner = put_open(&w, 2);
    put_bytes(&w, span_str("abc"));
    put_close(&w, inner, 2);
    inner = put_open(&w, 1);
    put_u8(&w, 0x7f);
    put_close(&w, inner, 1);
    inner = put_open(&w, 1);
    put_close(&w, inner, 1);
    put_close(&w, outer, 3);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_true(span_equal(buf_span(&b), span_of(expected, sizeof(expected))));
    buf_release(&b);
}

static void
close_refuses_what_its_length_cannot_say(void **state)
{
    static const uint8_t content[65536];

    (void)state;
    for (unsigned bytes = 1; bytes <= 2; bytes++) {
        for (size_t over = 0; over < 2; over++) {
            struct buf b = BUF_INIT(70000);
            struct writer w = writer_to(&b);
            size_t mark = put_open(&w, bytes);

            put_bytes(&w, span_of(content, ((size_t)1 << 8 * bytes) - 1 + over));
            put_close(&w, mark, bytes);
            assert_int_equal(writer_end(&w), over == 0 ? RES_OK : RES_VALUE);
            buf_release(&b);
        }
    }
}

static void
the_first_error_stays(void **state)
{
    struct reader r = reader_of(guard_put(&guard, span_str("\x05"
                                                           "abcd")));
    struct buf b = BUF_INIT(3);
    struct writer w = writer_to(&b);

    (void)state;
    assert_int_equal(get_vec8(&r, 0, 4).n, 0);
    assert_true(reader_done(&r));
    assert_int_equal(get_u64(&r), 0);
    assert_int_equal(get_u8(&r), 0);
    assert_null(get_bytes(&r, 0).p);
    assert_null(get_bytes(&r, 1).p);
    reader_fail(&r, RES_DER);
    assert_int_equal(reader_end(&r), RES_VALUE);

    put_u32(&w, 1);
    assert_int_equal(writer_end(&w), RES_TOO_LARGE);
    put_u8(&w, 1);
    put_u8(&w, 256);
    put_close(&w, put_open(&w, 1), 1);
    put_vec16(&w, span_str("a"));
    assert_int_equal(b.n, 0);
    assert_int_equal(writer_end(&w), RES_TOO_LARGE);
    buf_release(&b);
}

static void
a_reader_of_nothing_is_done(void **state)
{
    struct reader r = reader_of(span_of(NULL, 0));

    (void)state;
    assert_true(reader_done(&r));
    assert_int_equal(get_bytes(&r, 0).n, 0);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_int_equal(get_bytes(&r, SIZE_MAX).n, 0);
    assert_int_equal(reader_end(&r), RES_TRUNCATED);
    r = reader_of(span_str("a"));
    assert_false(reader_done(&r));
    assert_int_equal(reader_end(&r), RES_TRAILING);
    reader_fail(&r, RES_NOTE);
    assert_true(reader_done(&r));
    assert_int_equal(reader_end(&r), RES_NOTE);
}

/* A structure of all kinds of field, as a parser of this house reads one. */
static enum result
read_structure(struct span s, unsigned *ret_elements)
{
    struct reader r = reader_of(s), list;
    unsigned n = 0;

    if (get_u8(&r) != 1)
        reader_fail(&r, RES_VALUE);
    (void)get_u64(&r);
    list = reader_of(get_vec16(&r, 0, 100));
    for (; !reader_done(&list); n++)
        (void)get_vec8(&list, 1, 10);
    if (r.err == RES_OK && reader_end(&list) != RES_OK)
        reader_fail(&r, reader_end(&list));
    (void)get_vec24(&r, 1, 10);
    (void)get_u40(&r);
    *ret_elements = n;
    return reader_end(&r);
}

static void
a_structure_cut_anywhere_is_refused(void **state)
{
    static const uint8_t whole[] = "\x01"
                                   "12345678"
                                   "\x00\x07"
                                   "\x02xy"
                                   "\x03uvw"
                                   "\x00\x00\x01z"
                                   "12345";
    const size_t size = sizeof(whole) - 1;
    uint8_t longer[sizeof(whole)];
    unsigned elements;

    (void)state;
    assert_int_equal(read_structure(guard_put(&guard, span_of(whole, size)), &elements), RES_OK);
    assert_int_equal(elements, 2);
    for (size_t n = 0; n < size; n++)
        assert_int_not_equal(read_structure(guard_put(&guard, span_of(whole, n)), &elements),
                             RES_OK);
    memcpy(longer, whole, sizeof(longer));
    assert_int_equal(read_structure(guard_put(&guard, span_of(longer, size + 1)), &elements),
                     RES_TRAILING);
    /* An element that reaches beyond its list. */
    longer[14] = 4;
    assert_int_equal(read_structure(guard_put(&guard, span_of(longer, size)), &elements),
                     RES_TRUNCATED);
}

static void
a_failed_writer_leaves_the_buffer_as_it_was(void **state)
{
    struct buf b = BUF_INIT(100);
    struct writer w = writer_to(&b);

    (void)state;
    put_u16(&w, 1);
    assert_int_equal(writer_end_or_cut(&w, 0), RES_OK);
    assert_int_equal(b.n, 2);
    w = writer_to(&b);
    put_u8(&w, 3);
    put_u8(&w, 256);
    assert_int_equal(writer_end_or_cut(&w, 2), RES_VALUE);
    assert_true(span_equal(buf_span(&b), span_of("\0\1", 2)));
    buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_read_and_write),
        cmocka_unit_test(integers_cut_anywhere_are_truncated),
        cmocka_unit_test(integers_that_do_not_fit_are_refused),
        cmocka_unit_test(vectors_keep_their_limits),
        cmocka_unit_test(vectors_write_what_they_read),
        cmocka_unit_test(a_longest_vector_of_three_bytes),
        cmocka_unit_test(open_and_close_nest),
        cmocka_unit_test(close_refuses_what_its_length_cannot_say),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(a_reader_of_nothing_is_done),
        cmocka_unit_test(a_structure_cut_anywhere_is_refused),
        cmocka_unit_test(a_failed_writer_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
