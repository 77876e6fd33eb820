/* client/view: what was seen of a log only grows, and survives the disk or is refused. */
#include "client/view.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/client/testlog.h"

static enum result
advance(const struct testlog *l, struct view *v, uint64_t size, uint64_t timestamp)
{
    struct view_head h;
    testlog_view_head(l, size, timestamp, &h);
    enum result r = view_advance(v, h.form, &h.head, buf_span(&h.bytes));
    buf_release(&h.bytes);
    return r;
}

static const struct {
    const char *says;
    uint64_t size, timestamp;
    enum result want;
    size_t n; /* heads afterwards */
} steps[] = {
    {"the first head", 3, 1000, RES_OK, 1},
    {"the same again changes nothing", 3, 1000, RES_OK, 1},
    {"a fresh signature under the same tree", 3, 2000, RES_OK, 2},
    {"another one replaces it", 3, 3000, RES_OK, 2},
    {"an older signature of the same tree changes nothing", 3, 2500, RES_OK, 2},
    {"a larger tree", 5, 4000, RES_OK, 3},
    {"a smaller tree later", 4, 5000, RES_CONFLICT, 3},
    {"an older head", 3, 1000, RES_CONFLICT, 3},
    {"a larger tree at the same instant", 6, 4000, RES_CONFLICT, 3},
    {"a larger tree earlier", 6, 3500, RES_CONFLICT, 3},
    {"a larger tree later", 6, 4001, RES_OK, 4},
};

static void
a_view_only_grows(void **state)
{
    struct view *v = calloc(1, sizeof *v);
    struct testlog l;
    (void)state;
    testlog_init(&l);
    assert_null(view_newest(v));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        enum result r = advance(&l, v, steps[i].size, steps[i].timestamp);
        if (r != steps[i].want || v->n != steps[i].n)
            fail_msg("%s: %s, %zu heads", steps[i].says, result_name(r), v->n);
    }
    /* A fork of the same size. */
    l.leaf[0].b[0] ^= 1;
    assert_int_equal(advance(&l, v, 6, 9000), RES_CONFLICT);
    view_release(v);
    free(v);
    testlog_release(&l);
}

static void
a_view_survives_the_disk(void **state)
{
    struct view *v = calloc(1, sizeof *v), *w = calloc(1, sizeof *w);
    struct buf b = BUF_INIT(VIEW_MAX), again = BUF_INIT(VIEW_MAX);
    struct testlog l, other;
    (void)state;
    testlog_init(&l);
    testlog_init(&other);
    for (uint64_t i = 1; i <= 4; i++)
        assert_int_equal(advance(&l, v, i, 1000 * i), RES_OK);
    assert_int_equal(view_write(v, l.log, &b), RES_OK);
    assert_int_equal(view_parse(buf_span(&b), l.log, w), RES_OK);
    assert_int_equal(w->n, 4);
    assert_int_equal(view_newest(w)->head.size, 4);
    assert_int_equal(view_write(w, l.log, &again), RES_OK);
    assert_true(span_equal(buf_span(&b), buf_span(&again)));
    view_release(w);
    assert_int_equal(view_parse(buf_span(&b), other.log, w), RES_KEY);
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] ^= 1;
        assert_int_not_equal(view_parse(buf_span(&b), l.log, w), RES_OK);
        assert_int_equal(w->n, 0);
        b.p[i] ^= 1;
    }
    view_release(v);
    free(v);
    free(w);
    buf_release(&b);
    buf_release(&again);
    testlog_release(&l);
    testlog_release(&other);
}

/* The digest is no secret: whoever can write the file can make it fit.  The signatures and the
 * order remain. */
static void
a_forged_digest_does_not_help(void **state)
{
    static const struct {
        const char *says;
        uint64_t size[2], timestamp[2];
        bool fork;
        enum result want;
    } rows[] = {
        {"in order", {2, 3}, {1, 2}, false, RES_OK},
        {"backwards", {3, 2}, {2, 1}, false, RES_CONFLICT},
        {"one head twice", {3, 3}, {1, 1}, false, RES_CONFLICT},
        {"shrunk", {3, 2}, {1, 2}, false, RES_CONFLICT},
        {"forked", {3, 3}, {1, 2}, true, RES_CONFLICT},
    };
    struct view *v = calloc(1, sizeof *v), *w = calloc(1, sizeof *w);
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = BUF_INIT(VIEW_MAX);
        for (size_t k = 0; k < 2; k++) {
            if (k == 1 && rows[i].fork)
                l.leaf[0].b[0] ^= 1;
            testlog_view_head(&l, rows[i].size[k], rows[i].timestamp[k], &v->heads[k]);
        }
        v->n = 2;
        assert_int_equal(view_write(v, l.log, &b), RES_OK);
        enum result r = view_parse(buf_span(&b), l.log, w);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
        view_release(w);
        view_release(v);
        buf_release(&b);
    }
    /* A view without heads was never written. */
    struct buf b = BUF_INIT(VIEW_MAX);
    assert_int_equal(view_write(v, l.log, &b), RES_OK);
    assert_int_equal(view_parse(buf_span(&b), l.log, w), RES_ABSENT);
    buf_release(&b);
    free(v);
    free(w);
    testlog_release(&l);
}

static void
the_first_head_and_the_newest_are_kept(void **state)
{
    struct view *v = calloc(1, sizeof *v);
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (uint64_t i = 0; i < 64; i++)
        assert_int_equal(advance(&l, v, i, 1000 + i), RES_OK);
    assert_int_equal(v->n, VIEW_HEADS_MAX);
    assert_int_equal(advance(&l, v, 64, 2000), RES_OK);
    assert_int_equal(v->n, VIEW_HEADS_MAX);
    assert_int_equal(v->heads[0].head.size, 0);
    assert_int_equal(v->heads[1].head.size, 2);
    assert_int_equal(view_newest(v)->head.size, 64);
    view_release(v);
    free(v);
    testlog_release(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_only_grows),
        cmocka_unit_test(a_view_survives_the_disk),
        cmocka_unit_test(a_forged_digest_does_not_help),
        cmocka_unit_test(the_first_head_and_the_newest_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
