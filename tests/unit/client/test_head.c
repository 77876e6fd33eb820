/* client/head: signed heads, every byte of them, and how two stand to each other. */
#include "client/head.h"

#include <sodium.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/client/testlog.h"

#include "merkle/base/codec.h"
#include "merkle/note/note.h"

static void
both_forms_open(void **state)
{
    struct buf b = BUF_INIT(HEAD_MAX);
    struct testlog l;
    struct head h;
    (void)state;
    testlog_init(&l);
    for (uint64_t size = 0; size <= 9; size++) {
        struct hash root;
        testlog_root(&l, size, &root);
        testlog_checkpoint(&l, size, TESTLOG_NOW, &b);
        assert_int_equal(head_open(l.log, l.policy, HEAD_CHECKPOINT, buf_span(&b), &h), RES_OK);
        assert_true(h.size == size && h.timestamp == TESTLOG_NOW && hash_equal(&h.root, &root));
        testlog_sth(&l, size, TESTLOG_NOW + 1, &b);
        assert_int_equal(head_open(l.log, l.policy, HEAD_STH, buf_span(&b), &h), RES_OK);
        assert_true(h.size == size && h.timestamp == TESTLOG_NOW + 1 && hash_equal(&h.root, &root));
        assert_int_not_equal(head_open(l.log, NULL, HEAD_CHECKPOINT, buf_span(&b), &h), RES_OK);
    }
    buf_release(&b);
    testlog_release(&l);
}

/* Either refused, or the same head: JSON has bytes that mean nothing. */
static void
every_flipped_bit_is_refused_or_means_nothing(void **state)
{
    struct buf b = BUF_INIT(HEAD_MAX);
    struct testlog l;
    struct head h, good;
    size_t refused = 0, tried = 0;
    (void)state;
    testlog_init(&l);
    for (int form = 0; form < 2; form++) {
        if (form == HEAD_STH)
            testlog_sth(&l, 7, TESTLOG_NOW, &b);
        else
            testlog_checkpoint(&l, 7, TESTLOG_NOW, &b);
        assert_int_equal(head_open(l.log, NULL, (enum head_form)form, buf_span(&b), &good), RES_OK);
        for (size_t i = 0; i < b.n; i++) {
            for (unsigned bit = 1; bit < 256; bit <<= 1) {
                b.p[i] ^= (uint8_t)bit;
                tried++;
                if (head_open(l.log, NULL, (enum head_form)form, buf_span(&b), &h) != RES_OK)
                    refused++;
                else
                    assert_true(h.size == good.size && h.timestamp == good.timestamp &&
                                hash_equal(&h.root, &good.root));
                b.p[i] ^= (uint8_t)bit;
            }
        }
    }
    assert_int_equal(refused, tried);
    buf_release(&b);
    testlog_release(&l);
}

static void
another_logs_head_is_refused(void **state)
{
    struct buf b = BUF_INIT(HEAD_MAX);
    struct testlog l, other;
    struct head h;
    (void)state;
    testlog_init(&l);
    testlog_init(&other);
    testlog_checkpoint(&other, 7, TESTLOG_NOW, &b);
    assert_int_not_equal(head_open(l.log, NULL, HEAD_CHECKPOINT, buf_span(&b), &h), RES_OK);
    testlog_sth(&other, 7, TESTLOG_NOW, &b);
    assert_int_equal(head_open(l.log, NULL, HEAD_STH, buf_span(&b), &h), RES_SIGNATURE);
    buf_release(&b);
    testlog_release(&l);
    testlog_release(&other);
}

static void
an_empty_tree_has_one_root(void **state)
{
    static const char text[] = "{\"tree_size\":0,\"timestamp\":1,\"sha256_root_hash\":\"";
    struct buf b = BUF_INIT(HEAD_MAX);
    struct testlog l;
    struct head h;
    (void)state;
    testlog_init(&l);
    /* A signed head of size 0 whose root is that of something: signed over size 1, then said to be
     * 0. */
    testlog_sth(&l, 1, 1, &b);
    assert_int_equal(head_open(l.log, NULL, HEAD_STH, buf_span(&b), &h), RES_OK);
    assert_memory_equal(b.p, "{\"tree_size\":1", 14);
    b.p[13] = '0';
    assert_memory_equal(b.p, text, sizeof text - 1);
    assert_int_equal(head_open(l.log, NULL, HEAD_STH, buf_span(&b), &h), RES_SIGNATURE);
    buf_release(&b);
    testlog_release(&l);
}

/* tlog-cosignature: "cosignature/v1", the time, then the text. */
static void
cosign(struct buf *note, const struct note_key *k, const uint8_t secret[static 64], bool lie)
{
    struct buf message = BUF_INIT(HEAD_MAX), body = BUF_INIT(128);
    struct note n;
    uint8_t sig[64];
    assert_int_equal(note_parse(buf_span(note), &n), RES_OK);
    assert_int_equal(
        buf_printf(&message, "cosignature/v1\ntime %d\n", lie ? 1790000001 : 1790000000), RES_OK);
    assert_int_equal(buf_add(&message, n.text), RES_OK);
    (void)crypto_sign_detached(sig, NULL, message.p, message.n, secret);
    struct writer w = writer_to(&body);
    put_u64(&w, 1790000000);
    put_bytes(&w, span_of(sig, sizeof sig));
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(note_signature_line(k->name, k->id, buf_span(&body), note), RES_OK);
    buf_release(&message);
    buf_release(&body);
}

static void
a_quorum_of_witnesses_is_asked_for(void **state)
{
    struct buf b = BUF_INIT(HEAD_MAX), text = BUF_INIT(65536);
    uint8_t public[32], secret[64];
    char detail[POLICY_DETAIL_MAX];
    struct policy *p;
    struct note_key k;
    struct testlog l;
    struct head h;
    size_t line;
    (void)state;
    testlog_init(&l);
    (void)crypto_sign_keypair(public, secret);
    assert_int_equal(note_key_ed25519("w.example", KEY_COSIGNATURE_ED25519, public, &k), RES_OK);
    assert_int_equal(buf_add(&text, span_of(l.policy_text.p, l.policy_text.n - 12)), RES_OK);
    assert_int_equal(buf_printf(&text, "witness w "), RES_OK);
    assert_int_equal(note_key_write(&k, &text), RES_OK);
    assert_int_equal(buf_printf(&text, "\nquorum w\n"), RES_OK);
    assert_int_equal(policy_parse(buf_span(&text), &p, &line, detail), RES_OK);
    const struct policy_log *log = policy_log(p, 0);

    testlog_checkpoint(&l, 7, TESTLOG_NOW, &b);
    assert_int_equal(head_open(log, p, HEAD_CHECKPOINT, buf_span(&b), &h), RES_KEY_UNKNOWN);
    assert_int_equal(head_open(log, NULL, HEAD_CHECKPOINT, buf_span(&b), &h), RES_OK);
    cosign(&b, &k, secret, false);
    assert_int_equal(head_open(log, p, HEAD_CHECKPOINT, buf_span(&b), &h), RES_OK);
    testlog_checkpoint(&l, 7, TESTLOG_NOW, &b);
    cosign(&b, &k, secret, true);
    assert_int_equal(head_open(log, p, HEAD_CHECKPOINT, buf_span(&b), &h), RES_SIGNATURE);
    testlog_sth(&l, 7, TESTLOG_NOW, &b);
    assert_int_equal(head_open(log, p, HEAD_STH, buf_span(&b), &h), RES_KEY_UNKNOWN);
    policy_free(p);
    buf_release(&text);
    buf_release(&b);
    testlog_release(&l);
}

static void
two_heads_relate(void **state)
{
    static const struct {
        const char *says;
        struct head a, b;
        enum head_relation want;
    } rows[] = {
        {"the same head", {5, 7, {{1}}}, {5, 7, {{1}}}, HEAD_SAME},
        {"the same tree, signed again", {5, 7, {{1}}}, {6, 7, {{1}}}, HEAD_SAME},
        {"grown", {5, 7, {{1}}}, {6, 8, {{2}}}, HEAD_OLDER},
        {"looked at from the other side", {6, 8, {{2}}}, {5, 7, {{1}}}, HEAD_NEWER},
        {"one size, two roots", {5, 7, {{1}}}, {6, 7, {{2}}}, HEAD_FORK},
        {"one size, two roots, one time", {5, 7, {{1}}}, {5, 7, {{2}}}, HEAD_FORK},
        {"later and smaller", {5, 7, {{1}}}, {6, 6, {{2}}}, HEAD_SHRANK},
        {"earlier and larger", {6, 6, {{2}}}, {5, 7, {{1}}}, HEAD_SHRANK},
        {"one instant, two sizes", {5, 7, {{1}}}, {5, 8, {{2}}}, HEAD_SAME_TIME},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum head_relation r = head_relate(&rows[i].a, &rows[i].b);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, head_relation_name(r));
        assert_int_equal(head_contradicts(r), i >= 4);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_open),
        cmocka_unit_test(every_flipped_bit_is_refused_or_means_nothing),
        cmocka_unit_test(another_logs_head_is_refused),
        cmocka_unit_test(an_empty_tree_has_one_root),
        cmocka_unit_test(a_quorum_of_witnesses_is_asked_for),
        cmocka_unit_test(two_heads_relate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
