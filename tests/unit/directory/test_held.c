/* log/directory/held: what a label holds in each of its versions, read from the shelf. */
#include "log/directory/held.h"

#include "tests/fault/failalloc.h"
#include "tests/unit/directory/testdir.h"
#include "tests/vectors/check.h"

#define ENTRIES 90
#define VALUE_ROOM (MAILBOX_VALUE_MAX + 4)

static struct testdir t;
static struct held held;
static struct buf value = {.max = VALUE_ROOM};

static int
setup(void **state)
{
    struct rng r = rng_start("held");

    (void)state;
    testdir_init(&t, &(struct kt_window){.monitoring = 50});
    testdir_random(&t, &r, ENTRIES);
    assert_int_equal(held_init(&held, t.view, t.keys), RES_OK);
    assert_int_equal(shelf_view_begin(t.view), RES_OK);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    shelf_view_end(t.view);
    held_release(&held);
    held_release(&held); /* twice does no harm */
    buf_release(&value);
    testdir_release(&t);
    return 0;
}

/* The row of a label's version, and the label's number. */
static struct version_row
row_of(unsigned label, uint32_t version, uint64_t *ret_number)
{
    struct version_row row;
    struct label text;
    uint64_t seq;

    assert_int_equal(
        versions_find(t.versions, t.view, t.rows, testdir_name(&t, label), version, &seq, &row),
        RES_OK);
    assert_int_equal(versions_label(t.view, t.keys, row.label, &text, ret_number), RES_OK);
    return row;
}

static enum result
read_value(unsigned label, uint64_t number, const struct version_row *row)
{
    buf_clear(&value);
    return held_value(&held, t.label[label].name.b[0], number, row, t.entries[row->entry].timestamp,
                      &value);
}

static void
is_that_of_the_model(unsigned label, uint32_t version)
{
    const struct testdir_version *want = &t.label[label].at[version];

    if (!span_equal(buf_span(&value), span_of(want->value, want->value_n)))
        fail_msg("label %u, version %u", label, version);
}

/* ---- values ---- */

static void
every_version_holds_what_it_did(void **state)
{
    uint64_t number;

    (void)state;
    for (unsigned label = 0; label < TESTDIR_LABELS; label++) {
        for (uint32_t v = 0; v < t.label[label].n; v++) {
            struct version_row row = row_of(label, v, &number);

            assert_int_equal(read_value(label, number, &row), RES_OK);
            is_that_of_the_model(label, v);
        }
    }
}

static void
versions_in_any_order(void **state)
{
    struct rng r = rng_start("held: order");
    uint64_t number;

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        unsigned label = (unsigned)(rng_next(&r) % TESTDIR_LABELS);
        if (t.label[label].n == 0)
            continue;
        uint32_t v = (uint32_t)(rng_next(&r) % t.label[label].n);
        struct version_row row = row_of(label, v, &number);

        assert_int_equal(read_value(label, number, &row), RES_OK);
        is_that_of_the_model(label, v);
    }
}

/* What is read for a version is at most twice what was written whole. */
static void
changes_are_no_more_than_the_whole(void **state)
{
    size_t changed = 0, whole = 0;
    uint64_t number;

    (void)state;
    for (uint32_t v = 0; v < t.label[0].n; v++) {
        struct version_row row = row_of(0, v, &number);

        assert_int_equal(held_mailbox(&held, number, &row), RES_OK);
        assert_true(held.changes_n <= held.whole_n);
        changed += held.changes_n > 0;
        whole += held.changes_n == 0;
    }
    assert_true(changed > 0 && whole > 0);
}

/* ---- damage ---- */

static void
nothing_to_read(struct version_row *row)
{
    row->state_n = 0;
}

static void
another_place(struct version_row *row)
{
    row->state = UINT64_C(1) << 47;
}

static void
another_length(struct version_row *row)
{
    row->state_n--;
}

static void
another_version(struct version_row *row)
{
    row->version++; /* its key stream is another's */
}

static void
nothing_before(struct version_row *row)
{
    row->previous = VERSION_NONE;
}

static void
another_before(struct version_row *row)
{
    row->previous--;
}

static void
what_never_was_before(struct version_row *row)
{
    row->previous = t.rows + 5;
}

static const struct {
    const char *says;
    void (*bend)(struct version_row *row);
    bool mailbox_only; /* a domain's State is whole */
} damages[] = {
    {"nothing to read", nothing_to_read, false},
    {"another place", another_place, false},
    {"another length", another_length, false},
    {"another version", another_version, false},
    {"nothing before", nothing_before, true},
    {"another row before", another_before, true},
    {"what never was before", what_never_was_before, true},
};

/* A version of label 0 that was written as changes. */
static uint32_t
changed_version(void)
{
    uint64_t number;

    for (uint32_t v = (uint32_t)t.label[0].n; v-- > 0;) {
        struct version_row row = row_of(0, v, &number);

        assert_int_equal(held_mailbox(&held, number, &row), RES_OK);
        if (held.changes_n > 0)
            return v;
    }
    fail();
    return 0;
}

static void
damage_is_told_as_such(void **state)
{
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        for (int domain = 0; domain < 2; domain++) {
            unsigned label = domain ? TESTDIR_DOMAIN : 0;
            uint32_t v = domain ? 0 : changed_version();

            if (domain && (damages[i].mailbox_only || t.label[label].n == 0))
                continue;
            struct version_row row = row_of(label, v, &number), whole = row;
            damages[i].bend(&row);
            enum result rc = read_value(label, number, &row);
            if (rc != RES_STORE_DAMAGED)
                fail_msg("%s: %s", damages[i].says, result_name(rc));
            assert_int_equal(value.n, 0);
            assert_int_equal(read_value(label, number, &whole), RES_OK);
            is_that_of_the_model(label, v);
        }
    }
}

static void
another_labels_number(void **state)
{
    uint64_t number, other;
    struct version_row row = row_of(0, 1, &number);

    (void)state;
    (void)row_of(1, 0, &other);
    assert_int_equal(read_value(0, other, &row), RES_STORE_DAMAGED);
    assert_int_equal(read_value(0, UINT64_C(1) << 39, &row), RES_STORE_DAMAGED);
}

static void
each_allocation_may_fail(void **state)
{
    enum result rc = RES_MEMORY;
    uint64_t number;
    size_t nth;

    (void)state;
    struct version_row row = row_of(0, changed_version(), &number);
    for (nth = 1; rc != RES_OK; nth++) {
        struct held h;

        failalloc_at(nth);
        rc = held_init(&h, t.view, t.keys);
        if (rc == RES_OK)
            rc = held_mailbox(&h, number, &row);
        failalloc_at(0);
        held_release(&h);
        assert_true(rc == RES_OK || rc == RES_MEMORY);
    }
    assert_true(nth > 5);
}

/* The last test: what was erased does not come back. */
static void
an_erased_label_holds_nothing(void **state)
{
    uint64_t number;
    struct version_row row = row_of(0, 0, &number);

    (void)state;
    assert_int_equal(keyring_erase(t.keys, number), RES_OK);
    assert_int_equal(read_value(0, number, &row), RES_ABSENT);
    assert_int_equal(value.n, 0);
    row = row_of(1, 0, &number);
    assert_int_equal(read_value(1, number, &row), RES_OK);
    is_that_of_the_model(1, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_holds_what_it_did),
        cmocka_unit_test(versions_in_any_order),
        cmocka_unit_test(changes_are_no_more_than_the_whole),
        cmocka_unit_test(damage_is_told_as_such),
        cmocka_unit_test(another_labels_number),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(an_erased_label_holds_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
