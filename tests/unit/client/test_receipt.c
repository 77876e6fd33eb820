/* client/receipt: one line that proves inclusion offline; nothing in it but its label may be
 * changed. */
#include "client/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/client/testlog.h"

#include "client/reply.h"

static const struct entry ENTRY = {.type = ENTRY_X509,
                                   .body = {.p = (const uint8_t *)"a certificate", .n = 13}};

/* A receipt for leaf 5 of a tree of 11. */
static void
make(struct testlog *l, enum head_form form, struct receipt *r, struct buf *line)
{
    struct buf b = BUF_INIT(65536);
    struct reply_path path;
    receipt_init(r);
    testlog_sct(l, &ENTRY, TESTLOG_NOW - 1000, 5, &r->sct);
    assert_int_equal(buf_add(&r->file, span_str("a \"file\".pem")), RES_OK);
    assert_int_equal(buf_add(&r->origin, span_str(TESTLOG_ORIGIN)), RES_OK);
    r->leaf_hash = l->leaf[5];
    r->index = 5;
    r->form = form;
    if (form == HEAD_STH)
        testlog_sth(l, 11, TESTLOG_NOW, &r->head);
    else
        testlog_checkpoint(l, 11, TESTLOG_NOW, &r->head);
    testlog_proof(l, 5, 11, &b);
    assert_int_equal(reply_proof(buf_span(&b), &path), RES_OK);
    r->path_n = path.n;
    memcpy(r->path, path.path, sizeof path.path);
    buf_clear(line);
    assert_int_equal(receipt_write(r, line), RES_OK);
    buf_release(&b);
}

static enum result
judge(const struct testlog *l, struct span line, struct receipt_verdict *v)
{
    struct receipt r;
    receipt_init(&r);
    enum result rc = receipt_parse(line, &r);
    if (rc == RES_OK)
        rc = receipt_verify(&r, l->policy, &ENTRY, v);
    receipt_release(&r);
    return rc;
}

static void
a_receipt_verifies_after_a_round_trip(void **state)
{
    struct buf line = BUF_INIT(RECEIPT_MAX), again = BUF_INIT(RECEIPT_MAX);
    struct receipt_verdict v;
    struct receipt r, back;
    struct testlog l, other;
    (void)state;
    testlog_init(&l);
    testlog_init(&other);
    for (int form = 0; form < 2; form++) {
        make(&l, (enum head_form)form, &r, &line);
        assert_int_equal(line.p[line.n - 1], '\n');
        line.n--;
        assert_int_equal(judge(&l, buf_span(&line), &v), RES_OK);
        assert_true(v.log == l.log && v.head.size == 11 && v.promise.index == 5);
        receipt_init(&back);
        assert_int_equal(receipt_parse(buf_span(&line), &back), RES_OK);
        buf_clear(&again);
        assert_int_equal(receipt_write(&back, &again), RES_OK);
        again.n--;
        assert_true(span_equal(buf_span(&line), buf_span(&again)));
        /* Another log of the same name has other keys. */
        assert_int_not_equal(judge(&other, buf_span(&line), &v), RES_OK);
        receipt_release(&r);
        receipt_release(&back);
    }
    buf_release(&line);
    buf_release(&again);
    testlog_release(&l);
    testlog_release(&other);
}

static void
each_changed_field_is_refused(void **state)
{
    struct buf line = BUF_INIT(RECEIPT_MAX);
    struct receipt_verdict v;
    struct receipt r;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    make(&l, HEAD_CHECKPOINT, &r, &line);
#define REFUSED(want) assert_int_equal(receipt_verify(&r, l.policy, &ENTRY, &v), want)
    REFUSED(RES_OK);
    r.type = ENTRY_PRECERT;
    REFUSED(RES_ROOT_DIFFERS);
    r.type = ENTRY_X509;
    r.leaf_hash.b[0] ^= 1;
    REFUSED(RES_ROOT_DIFFERS);
    r.leaf_hash.b[0] ^= 1;
    r.index ^= 1;
    assert_int_not_equal(receipt_verify(&r, l.policy, &ENTRY, &v), RES_OK);
    r.index ^= 1;
    r.path[0].b[0] ^= 1;
    REFUSED(RES_ROOT_DIFFERS);
    r.path[0].b[0] ^= 1;
    r.path_n--;
    REFUSED(RES_PROOF_LENGTH);
    r.path_n++;
    r.origin.p[0] ^= 1;
    REFUSED(RES_ABSENT);
    r.origin.p[0] ^= 1;
    testlog_checkpoint(&l, 12, TESTLOG_NOW, &r.head);
    assert_int_not_equal(receipt_verify(&r, l.policy, &ENTRY, &v), RES_OK);
    testlog_checkpoint(&l, 11, TESTLOG_NOW, &r.head);
    REFUSED(RES_OK);
    r.form = HEAD_STH;
    assert_int_not_equal(receipt_verify(&r, l.policy, &ENTRY, &v), RES_OK);
    receipt_release(&r);
    buf_release(&line);
    testlog_release(&l);
}

/* Some bytes are free: the label, and JSON's ways to write the same string.  Then the verdict must
 * be the same. */
static void
each_changed_byte_is_refused_or_leaves_the_verdict(void **state)
{
    struct buf line = BUF_INIT(RECEIPT_MAX);
    struct receipt_verdict good, v;
    struct receipt r;
    struct testlog l;
    size_t refused = 0, kept = 0;
    (void)state;
    testlog_init(&l);
    make(&l, HEAD_CHECKPOINT, &r, &line);
    line.n--;
    assert_int_equal(judge(&l, buf_span(&line), &good), RES_OK);
    for (size_t i = 0; i < line.n; i++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            line.p[i] ^= (uint8_t)bit;
            if (judge(&l, buf_span(&line), &v) != RES_OK) {
                refused++;
            } else {
                kept++;
                assert_true(v.head.size == good.head.size &&
                            v.promise.index == good.promise.index &&
                            hash_equal(&v.promise.leaf_hash, &good.promise.leaf_hash) &&
                            hash_equal(&v.head.root, &good.head.root));
            }
            line.p[i] ^= (uint8_t)bit;
        }
    /* Only the twelve bytes of the label have room. */
    assert_true(refused > 8 * (line.n - 20) && kept < 8 * 16);
    receipt_release(&r);
    buf_release(&line);
    testlog_release(&l);
}

static void
members_are_exactly_the_known_ones(void **state)
{
    struct buf line = BUF_INIT(RECEIPT_MAX), more = BUF_INIT(RECEIPT_MAX);
    struct receipt_verdict v;
    struct receipt r;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    make(&l, HEAD_CHECKPOINT, &r, &line);
    line.n -= 2;
    assert_int_equal(buf_add(&more, buf_span(&line)), RES_OK);
    assert_int_equal(buf_add(&more, span_str(",\"note\":1}")), RES_OK);
    assert_int_equal(judge(&l, buf_span(&more), &v), RES_JSON);
    buf_clear(&more);
    assert_int_equal(buf_add(&more, buf_span(&line)), RES_OK);
    assert_int_equal(buf_add(&more, span_str(",\"leaf_index\":5}")), RES_OK);
    assert_int_equal(judge(&l, buf_span(&more), &v), RES_JSON_DUPLICATE);
    assert_int_equal(judge(&l, span_str("{}"), &v), RES_JSON);
    receipt_release(&r);
    buf_release(&line);
    buf_release(&more);
    testlog_release(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_verifies_after_a_round_trip),
        cmocka_unit_test(each_changed_field_is_refused),
        cmocka_unit_test(each_changed_byte_is_refused_or_leaves_the_verdict),
        cmocka_unit_test(members_are_exactly_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
