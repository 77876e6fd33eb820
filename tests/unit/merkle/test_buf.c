#include "merkle/base/buf.h"
#include "tests/fault/failalloc.h"
#include "tests/vectors/check.h"

static void
an_empty_buffer_owns_nothing(void **state)
{
    struct buf b = BUF_INIT(10), c;

    (void)state;
    buf_init(&c, 10);
    assert_memory_equal(&b, &c, sizeof(b));
    assert_null(b.p);
    assert_int_equal(buf_span(&b).n, 0);
    assert_int_equal(buf_add(&b, span_of(NULL, 0)), RES_OK);
    assert_int_equal(buf_reserve(&b, 0), RES_OK);
    assert_null(b.p);
    buf_release(&b);
    buf_release(&b);
    assert_int_equal(b.max, 10);
}

static void
bytes_come_out_as_they_went_in(void **state)
{
    struct buf b = BUF_INIT(100000);
    uint8_t chunk[97];
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; n < 90000; i++) {
        size_t k = i % sizeof(chunk);

        for (size_t j = 0; j < k; j++)
            chunk[j] = (uint8_t)(n + j);
        assert_int_equal(buf_add(&b, span_of(chunk, k)), RES_OK);
        n += k;
        assert_int_equal(b.n, n);
        assert_true(b.cap >= b.n);
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(b.p[i], (uint8_t)i);
    buf_release(&b);
    assert_null(b.p);
    assert_int_equal(b.n, 0);
}

static void
clear_keeps_the_memory(void **state)
{
    struct buf b = BUF_INIT(100);
    uint8_t *p;

    (void)state;
    assert_int_equal(buf_add(&b, span_str("some bytes")), RES_OK);
    p = b.p;
    buf_clear(&b);
    assert_int_equal(b.n, 0);
    assert_int_equal(buf_add(&b, span_str("other")), RES_OK);
    assert_ptr_equal(b.p, p);
    assert_true(span_equal(buf_span(&b), span_str("other")));
    buf_release(&b);
}

static void
the_ceiling_holds(void **state)
{
    static const struct {
        const char *says;
        size_t max, have, more;
        enum result rc;
    } rows[] = {
        {"nothing into nothing", 0, 0, 0, RES_OK},
        {"one byte into nothing", 0, 0, 1, RES_TOO_LARGE},
        {"up to the ceiling at once", 10, 0, 10, RES_OK},
        {"one over the ceiling at once", 10, 0, 11, RES_TOO_LARGE},
        {"up to the ceiling in two steps", 10, 4, 6, RES_OK},
        {"one over the ceiling in two steps", 10, 4, 7, RES_TOO_LARGE},
        {"nothing more at the ceiling", 10, 10, 0, RES_OK},
        {"one more at the ceiling", 10, 10, 1, RES_TOO_LARGE},
        {"a sum that wraps around", 10, 4, SIZE_MAX, RES_TOO_LARGE},
        {"a sum that wraps to the ceiling", 10, 4, SIZE_MAX - 3, RES_TOO_LARGE},
        {"more than the machine has, under no ceiling", SIZE_MAX, 4, SIZE_MAX - 4, RES_MEMORY},
        {"a sum that wraps under no ceiling", SIZE_MAX, 4, SIZE_MAX - 3, RES_TOO_LARGE},
    };
    static const uint8_t bytes[16] = "0123456789abcdef";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf b = BUF_INIT(rows[i].max), before;
        enum result rc;

        assert_int_equal(buf_add(&b, span_of(bytes, rows[i].have)), RES_OK);
        before = b;
#ifdef CARTULARY_SANITIZED
        if (rows[i].rc == RES_MEMORY) { /* the sanitizer ends the process at such a size */
            buf_release(&b);
            continue;
        }
#endif
        rc = buf_reserve(&b, rows[i].more);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].says, result_name(rc));
        if (rc != RES_OK)
            assert_memory_equal(&b, &before, sizeof(b));
        else
            assert_true(b.cap - b.n >= rows[i].more);
        if (rows[i].more <= sizeof(bytes))
            assert_int_equal(buf_add(&b, span_of(bytes, rows[i].more)), rows[i].rc);
        assert_int_equal(b.n, rows[i].have + (rc == RES_OK ? rows[i].more : 0));
        assert_memory_equal(b.n ? b.p : bytes, bytes, rows[i].have);
        buf_release(&b);
    }
}

static void
printf_counts_no_nul(void **state)
{
    struct buf b = BUF_INIT(8);

    (void)state;
    assert_int_equal(buf_printf(&b, "%s", ""), RES_OK);
    assert_int_equal(b.n, 0);
    assert_int_equal(buf_printf(&b, "%d-%s", 42, "xy"), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("42-xy")));
    assert_int_equal(buf_printf(&b, "%04d", 7), RES_TOO_LARGE);
    assert_true(span_equal(buf_span(&b), span_str("42-xy")));
    assert_int_equal(buf_printf(&b, "%03d", 7), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("42-xy007")));
    assert_int_equal(buf_printf(&b, "%c", 'z'), RES_TOO_LARGE);
    assert_int_equal(b.n, b.max);
    assert_int_equal(buf_add(&b, span_str("z")), RES_TOO_LARGE);
    buf_release(&b);
}

static enum result
grow_in_all_ways(struct buf *b)
{
    enum result rc = RES_OK;

    for (int i = 0; i < 40 && rc == RES_OK; i++) {
        rc = buf_add(b, span_str("0123456789"));
        if (rc == RES_OK)
            rc = buf_printf(b, "%010d", 123456780);
        if (rc == RES_OK)
            rc = buf_reserve(b, 100);
    }
    return rc;
}

static void
each_allocation_fails_once(void **state)
{
    struct buf b = BUF_INIT(1000);
    size_t allocations;

    (void)state;
    failalloc_at(0);
    assert_int_equal(grow_in_all_ways(&b), RES_OK);
    allocations = failalloc_count();
    buf_release(&b);
    assert_true(allocations >= 4);
    for (size_t i = 1; i <= allocations; i++) {
        failalloc_at(i);
        assert_int_equal(grow_in_all_ways(&b), RES_MEMORY);
        /* What was there is still there, and the next try succeeds. */
        assert_int_equal(b.n % 10, 0);
        for (size_t k = 0; k < b.n; k += 10)
            assert_memory_equal(b.p + k, k / 10 % 2 == 0 ? "0123456789" : "0123456780", 10);
        assert_int_equal(buf_add(&b, span_str("again")), RES_OK);
        buf_release(&b);
    }
    failalloc_at(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_owns_nothing),
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(clear_keeps_the_memory),
        cmocka_unit_test(the_ceiling_holds),
        cmocka_unit_test(printf_counts_no_nul),
        cmocka_unit_test(each_allocation_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
