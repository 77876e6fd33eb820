/* client/inclusion: from an SCT to a place in a signed tree. */
#include "client/inclusion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/client/testlog.h"

#include "client/reply.h"

static const struct entry ENTRY = {.type = ENTRY_PRECERT,
                                   .issuer_key_hash = {{1, 2, 3}},
                                   .body = {.p = (const uint8_t *)"to be signed", .n = 12}};

static void
check(const struct testlog *l, struct span bytes, const struct entry *e, uint64_t now,
      enum result want, struct promise *p)
{
    struct sct s;
    enum result r = sct_parse(bytes, &s);
    if (r == RES_OK)
        r = inclusion_check_sct(l->log, &s, e, now, p);
    assert_int_equal(r, want);
}

static void
a_promise_is_read_from_its_sct(void **state)
{
    struct buf sct = BUF_INIT(4096);
    struct promise p;
    struct testlog l, other;
    (void)state;
    testlog_init(&l);
    testlog_init(&other);
    testlog_sct(&l, &ENTRY, 5000000, 3, &sct);
    check(&l, buf_span(&sct), &ENTRY, 5000000, RES_OK, &p);
    assert_true(p.has_index && p.index == 3 && p.timestamp == 5000000);
    assert_true(hash_equal(&p.leaf_hash, &l.leaf[3]));
    check(&l, buf_span(&sct), &ENTRY, 5000000 - INCLUSION_AHEAD_MAX, RES_OK, &p);
    check(&l, buf_span(&sct), &ENTRY, 5000000 - INCLUSION_AHEAD_MAX - 1, RES_CLOCK, &p);
    check(&l, buf_span(&sct), &ENTRY, 0, RES_OK, &p);
    check(&other, buf_span(&sct), &ENTRY, 0, RES_LOG_ID, &p);

    struct entry e = ENTRY;
    e.issuer_key_hash.b[31] ^= 1;
    check(&l, buf_span(&sct), &e, 0, RES_SIGNATURE, &p);
    e = ENTRY;
    e.body.n--;
    check(&l, buf_span(&sct), &e, 0, RES_SIGNATURE, &p);
    e = ENTRY;
    e.type = ENTRY_X509;
    check(&l, buf_span(&sct), &e, 0, RES_SIGNATURE, &p);

    testlog_sct(&l, &ENTRY, 5000000, UINT64_MAX, &sct);
    check(&l, buf_span(&sct), &ENTRY, 0, RES_OK, &p);
    assert_false(p.has_index);
    buf_release(&sct);
    testlog_release(&l);
    testlog_release(&other);
}

static void
every_flipped_bit_of_an_sct_is_refused(void **state)
{
    struct buf sct = BUF_INIT(4096);
    struct promise p;
    struct testlog l;
    struct sct s;
    (void)state;
    testlog_init(&l);
    testlog_sct(&l, &ENTRY, 5000000, 3, &sct);
    for (size_t i = 0; i < sct.n; i++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            sct.p[i] ^= (uint8_t)bit;
            enum result r = sct_parse(buf_span(&sct), &s);
            if (r == RES_OK)
                r = inclusion_check_sct(l.log, &s, &ENTRY, 0, &p);
            assert_int_not_equal(r, RES_OK);
            sct.p[i] ^= (uint8_t)bit;
        }
    check(&l, buf_span(&sct), &ENTRY, 0, RES_OK, &p);
    buf_release(&sct);
    testlog_release(&l);
}

static void
every_place_in_every_tree_is_proved_and_no_other(void **state)
{
    struct buf b = BUF_INIT(65536);
    struct reply_path path;
    struct testlog l;
    (void)state;
    testlog_init(&l);
    for (uint64_t size = 1; size <= 20; size++) {
        struct head h = {.size = size};
        testlog_root(&l, size, &h.root);
        for (uint64_t i = 0; i < size; i++) {
            struct promise p = {.leaf_hash = l.leaf[i], .has_index = true, .index = i};
            testlog_proof(&l, i, size, &b);
            assert_int_equal(reply_proof(buf_span(&b), &path), RES_OK);
            assert_int_equal(inclusion_check_proof(&p, &h, i, path.path, path.n), RES_OK);
            p.index = i + 1;
            assert_int_equal(inclusion_check_proof(&p, &h, i, path.path, path.n), RES_CONFLICT);
            p.index = i;
            if (size > 1)
                assert_int_not_equal(
                    inclusion_check_proof(&p, &h, (i + 1) % size, path.path, path.n), RES_OK);
            p.leaf_hash.b[0] ^= 1;
            assert_int_equal(inclusion_check_proof(&p, &h, i, path.path, path.n), RES_ROOT_DIFFERS);
            p.leaf_hash.b[0] ^= 1;
            for (size_t k = 0; k < path.n; k++) {
                path.path[k].b[k % HASH_SIZE] ^= 0x80;
                assert_int_equal(inclusion_check_proof(&p, &h, i, path.path, path.n),
                                 RES_ROOT_DIFFERS);
                path.path[k].b[k % HASH_SIZE] ^= 0x80;
            }
            if (path.n > 0)
                assert_int_equal(inclusion_check_proof(&p, &h, i, path.path, path.n - 1),
                                 RES_PROOF_LENGTH);
        }
    }
    buf_release(&b);
    testlog_release(&l);
}

static void
a_broken_promise_needs_time_and_an_index(void **state)
{
    static const struct {
        const char *says;
        struct promise p;
        struct head h;
        bool want;
    } rows[] = {
        {"not covered, delay over",
         {.timestamp = 1000, .has_index = true, .index = 5},
         {61000, 5, {{0}}},
         true},
        {"not covered, delay not over",
         {.timestamp = 1000, .has_index = true, .index = 5},
         {60999, 5, {{0}}},
         false},
        {"covered", {.timestamp = 1000, .has_index = true, .index = 5}, {61000, 6, {{0}}}, false},
        {"no index", {.timestamp = 1000, .has_index = false, .index = 5}, {61000, 5, {{0}}}, false},
        {"a head from before",
         {.timestamp = 100000, .has_index = true, .index = 5},
         {1000, 5, {{0}}},
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (inclusion_broken(&rows[i].p, &rows[i].h, 60000) != rows[i].want)
            fail_msg("%s", rows[i].says);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_promise_is_read_from_its_sct),
        cmocka_unit_test(every_flipped_bit_of_an_sct_is_refused),
        cmocka_unit_test(every_place_in_every_tree_is_proved_and_no_other),
        cmocka_unit_test(a_broken_promise_needs_time_and_an_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
