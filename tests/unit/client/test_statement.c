/* client/directory/statement: what a log signs about its directory, and what contradicts it. */
#include "client/directory/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/directory/memory.h"
#include "client/directory/shown.h"
#include "client/json.h"
#include "tests/unit/client/testfeed.h"

static struct statement_told
told(enum statement_kind kind, const struct buf *b)
{
    return (struct statement_told){.kind = kind, .bytes = buf_span(b)};
}

static void
statements_say_what_was_signed(void **state)
{
    struct buf b = BUF_INIT(STATEMENT_MAX);
    struct statement s;
    struct testfeed f;
    (void)state;
    testfeed_init(&f);
    testfeed_head(&f, 7, &f.entries[6].root, &b);
    struct statement_told t = told(STATEMENT_KT_HEAD, &b);
    assert_int_equal(statement_open(f.of, &t, &s), RES_OK);
    assert_int_equal(s.size, 7);
    assert_true(hash_equal(&s.root, &f.entries[6].root));
    for (uint64_t feed_size = 1; feed_size <= TESTFEED_ENTRIES; feed_size++) {
        for (uint64_t size = 1; size <= feed_size; size++) {
            testfeed_anchor(&f, size, feed_size, &b);
            t = told(STATEMENT_ANCHOR, &b);
            assert_int_equal(statement_open(f.of, &t, &s), RES_OK);
            assert_int_equal(s.size, size);
            assert_int_equal(s.feed_size, feed_size);
            assert_int_equal(s.entry.certificates, 2 * size);
            assert_true(hash_equal(&s.root, &f.entries[size - 1].root));
        }
    }
    buf_release(&b);
    testfeed_release(&f);
}

/* Nothing can be put into the log's mouth: not a bit of what it signed, not a cut. */
static void
every_changed_byte_is_refused(void **state)
{
    struct buf b[2] = {BUF_INIT(STATEMENT_MAX), BUF_INIT(STATEMENT_MAX)};
    struct statement s = {.size = 99};
    struct testfeed f;
    (void)state;
    testfeed_init(&f);
    testfeed_head(&f, 7, &f.entries[6].root, &b[STATEMENT_KT_HEAD]);
    testfeed_anchor(&f, 5, 11, &b[STATEMENT_ANCHOR]);
    for (enum statement_kind kind = STATEMENT_KT_HEAD; kind <= STATEMENT_ANCHOR; kind++) {
        for (size_t i = 0; i < b[kind].n; i++) {
            struct statement_told t = told(kind, &b[kind]);
            b[kind].p[i] ^= 1;
            assert_int_not_equal(statement_open(f.of, &t, &s), RES_OK);
            b[kind].p[i] ^= 1;
            t.bytes.n = i;
            assert_int_not_equal(statement_open(f.of, &t, &s), RES_OK);
        }
        assert_int_equal(buf_add(&b[kind], span_str("x")), RES_OK);
        struct statement_told t = told(kind, &b[kind]);
        assert_int_not_equal(statement_open(f.of, &t, &s), RES_OK);
    }
    assert_int_equal(s.size, 99);
    buf_release(&b[0]);
    buf_release(&b[1]);
    testfeed_release(&f);
}

static const struct {
    const char *says, *body;
    enum result r;
} bodies[] = {
    {"no members", "{}", RES_JSON},
    {"no path", "{\"size\":1,\"entry\":\"AAAA\",\"checkpoint\":\"x\"}", RES_TRUNCATED},
    {"an entry that is none",
     "{\"size\":1,\"entry\":\"AAAA\",\"audit_path\":[],\"checkpoint\":\"x\"}", RES_TRUNCATED},
    {"no base64", "{\"size\":1,\"entry\":\"?\",\"audit_path\":[],\"checkpoint\":\"x\"}",
     RES_ENCODING},
    {"a size below nothing", "{\"size\":-1,\"entry\":\"\",\"audit_path\":[],\"checkpoint\":\"x\"}",
     RES_NUMBER},
};

static void
answers_that_are_no_anchor_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct buf b = BUF_INIT(STATEMENT_MAX);
        struct json *j;
        assert_int_equal(json_parse(span_str(bodies[i].body), &j), RES_OK);
        enum result r = statement_put_anchor(json_top(j), &b);
        if (r != bodies[i].r)
            fail_msg("%s: %s", bodies[i].says, result_name(r));
        json_free(j);
        buf_release(&b);
    }
}

/* ---- what is kept ---- */

/* A directory of one entry. */
static void
remember(struct testfeed *f, struct memory *m)
{
    struct buf b = BUF_INIT(STATEMENT_MAX);
    memory_init(m);
    m->has_view = true;
    m->view.peaks.size = 1;
    m->view.peaks.heads[0] = f->entries[0].root;
    m->view.n = 1;
    m->view.frontier[0].entry.timestamp = f->entries[0].timestamp;
    testfeed_head(f, 1, &f->entries[0].root, &b);
    memcpy(m->signature, b.p + b.n - 64, 64);
    testfeed_anchor(f, 1, 5, &b);
    assert_int_equal(memory_anchor(m, buf_span(&b)), RES_OK);
    buf_release(&b);
}

static void
the_newest_anchor_is_kept(void **state)
{
    struct buf file = BUF_INIT(MEMORY_FILE_MAX);
    struct memory m, back;
    struct testfeed f;
    (void)state;
    testfeed_init(&f);
    remember(&f, &m);
    assert_int_equal(memory_write(&m, f.of, &file), RES_OK);
    memory_init(&back);
    assert_int_equal(memory_parse(buf_span(&file), f.of, &back), RES_OK);
    assert_true(span_equal(buf_span(&back.anchor), buf_span(&m.anchor)));
    memory_release(&back);
    /* One that the log did not sign is refused; none is taken. */
    for (size_t i = 0; i < m.anchor.n; i++) {
        m.anchor.p[i] ^= 1;
        buf_clear(&file);
        assert_int_equal(memory_write(&m, f.of, &file), RES_OK);
        assert_int_not_equal(memory_parse(buf_span(&file), f.of, &back), RES_OK);
        m.anchor.p[i] ^= 1;
    }
    buf_clear(&m.anchor);
    buf_clear(&file);
    assert_int_equal(memory_write(&m, f.of, &file), RES_OK);
    assert_int_equal(memory_parse(buf_span(&file), f.of, &back), RES_OK);
    assert_int_equal(back.anchor.n, 0);
    memory_release(&back);
    memory_release(&m);
    buf_release(&file);
    testfeed_release(&f);
}

/* The file for a friend: what it says, and that no byte of it can be changed. */
static void
what_was_shown_can_be_given_away(void **state)
{
    struct buf file = BUF_INIT(SHOWN_MAX);
    struct testfeed f, other;
    struct memory m;
    struct shown s;
    (void)state;
    testfeed_init(&f);
    testfeed_init(&other);
    remember(&f, &m);
    assert_int_equal(shown_write(&m, f.of, &file), RES_OK);
    assert_true(shown_is(buf_span(&file)));
    assert_false(shown_is(span_str("cartulary view 1\n")));
    shown_init(&s);
    assert_int_equal(shown_parse(buf_span(&file), f.of, &s), RES_OK);
    assert_int_equal(s.head.size, 1);
    assert_true(s.head.is_signed && hash_equal(&s.head.root, &f.entries[0].root));
    assert_memory_equal(s.head.signature, m.signature, sizeof(m.signature));
    assert_true(span_equal(buf_span(&s.anchor), buf_span(&m.anchor)));
    shown_release(&s);
    assert_int_equal(shown_parse(buf_span(&file), other.of, &s), RES_KEY);
    for (size_t i = 0; i < file.n; i++) {
        file.p[i] ^= 1;
        assert_int_not_equal(shown_parse(buf_span(&file), f.of, &s), RES_OK);
        file.p[i] ^= 1;
        assert_int_not_equal(shown_parse(span_of(file.p, i), f.of, &s), RES_OK);
    }
    m.signature[0] ^= 1;
    buf_clear(&file);
    assert_int_equal(shown_write(&m, f.of, &file), RES_OK);
    assert_int_equal(shown_parse(buf_span(&file), f.of, &s), RES_SIGNATURE);
    m.signature[0] ^= 1;
    m.anchor.p[9] ^= 1;
    buf_clear(&file);
    assert_int_equal(shown_write(&m, f.of, &file), RES_OK);
    assert_int_equal(shown_parse(buf_span(&file), f.of, &s), RES_ROOT_DIFFERS);
    buf_clear(&m.anchor);
    buf_clear(&file);
    assert_int_equal(shown_write(&m, f.of, &file), RES_OK);
    assert_int_equal(shown_parse(buf_span(&file), f.of, &s), RES_OK);
    assert_int_equal(s.anchor.n, 0);
    shown_release(&s);
    memory_release(&m);
    buf_release(&file);
    testfeed_release(&f);
    testfeed_release(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_say_what_was_signed),
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(answers_that_are_no_anchor_are_refused),
        cmocka_unit_test(the_newest_anchor_is_kept),
        cmocka_unit_test(what_was_shown_can_be_given_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
