/* log/directory/outputs: the VRF outputs of an epoch's changes, by any number of threads. */
#include "log/directory/outputs.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/directory/testdir.h"
#include "tests/vectors/check.h"

#define CHANGES_MAX 60

static struct testdir t;

static int
setup(void **state)
{
    (void)state;
    testdir_init(&t, &(struct kt_window){.monitoring = 50});
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    testdir_release(&t);
    return 0;
}

static void
make_changes(struct change *at, size_t n)
{
    memset(at, 0, n * sizeof(*at));
    for (size_t i = 0; i < n; i++) {
        at[i].label = t.label[i % TESTDIR_LABELS].name;
        at[i].version = (uint32_t)(i / TESTDIR_LABELS);
    }
}

static void
each_change_gets_its_own(void **state)
{
    static const unsigned threads[] = {0, 1, 2, 7, 100};
    static const size_t counts[] = {0, 1, 7, 8, 9, CHANGES_MAX};
    struct change at[CHANGES_MAX];

    (void)state;
    for (size_t k = 0; k < sizeof(threads) / sizeof(threads[0]); k++) {
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            make_changes(at, CHANGES_MAX);
            assert_int_equal(outputs_make(t.signer, at, counts[c], threads[k]), RES_OK);
            for (size_t i = 0; i < CHANGES_MAX; i++) {
                assert_int_equal(at[i].has_output, i < counts[c]);
                if (i < counts[c])
                    assert_true(
                        hash_equal(&at[i].output,
                                   testdir_key(&t, (unsigned)(i % TESTDIR_LABELS), at[i].version)));
            }
        }
    }
}

/* One that stood in a proof record already is taken as it is: making it again is what is saved. */
static void
what_is_known_is_not_made(void **state)
{
    struct change at[CHANGES_MAX];

    (void)state;
    for (unsigned threads = 0; threads < 3; threads++) {
        make_changes(at, CHANGES_MAX);
        for (size_t i = 0; i < CHANGES_MAX; i += 3) {
            at[i].has_output = true;
            memset(at[i].output.b, (int)i, HASH_SIZE);
        }
        assert_int_equal(outputs_make(t.signer, at, CHANGES_MAX, threads), RES_OK);
        for (size_t i = 0; i < CHANGES_MAX; i++) {
            uint8_t known[HASH_SIZE];

            memset(known, (int)i, HASH_SIZE);
            assert_true(at[i].has_output);
            assert_int_equal(memcmp(at[i].output.b, known, HASH_SIZE) == 0, i % 3 == 0);
        }
    }
}

static void
is_its_own(const struct change *at, size_t i)
{
    assert_true(
        hash_equal(&at[i].output, testdir_key(&t, (unsigned)(i % TESTDIR_LABELS), at[i].version)));
}

/* Threads begin with the first while the others are still written. */
static void
changes_come_one_by_one(void **state)
{
    struct change at[CHANGES_MAX];

    (void)state;
    for (unsigned threads = 0; threads < 4; threads++) {
        struct outputs o;

        memset(at, 0, sizeof(at));
        outputs_begin(&o, t.signer, at, CHANGES_MAX, threads);
        for (size_t i = 0; i < CHANGES_MAX; i++) {
            at[i].label = t.label[i % TESTDIR_LABELS].name;
            at[i].version = (uint32_t)(i / TESTDIR_LABELS);
            outputs_offer(&o, i + 1);
        }
        assert_int_equal(outputs_end(&o, false), RES_OK);
        for (size_t i = 0; i < CHANGES_MAX; i++) {
            assert_true(at[i].has_output);
            is_its_own(at, i);
        }
    }
}

/* What is given up after a failure elsewhere: none is half made, and nothing is waited for. */
static void
abandoned_changes_are_left(void **state)
{
    struct change at[CHANGES_MAX];

    (void)state;
    for (unsigned threads = 0; threads < 4; threads++) {
        for (size_t offered = 0; offered <= CHANGES_MAX; offered += CHANGES_MAX / 3) {
            struct outputs o;

            make_changes(at, CHANGES_MAX);
            outputs_begin(&o, t.signer, at, CHANGES_MAX, threads);
            outputs_offer(&o, offered);
            assert_int_equal(outputs_end(&o, true), RES_OK);
            for (size_t i = 0; i < CHANGES_MAX; i++) {
                assert_true(!at[i].has_output || (threads > 0 && i < offered));
                if (at[i].has_output)
                    is_its_own(at, i);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_gets_its_own),
        cmocka_unit_test(what_is_known_is_not_made),
        cmocka_unit_test(changes_come_one_by_one),
        cmocka_unit_test(abandoned_changes_are_left),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
