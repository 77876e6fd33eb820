/*
 * Every LMDB call and every allocation of the directory's store fails once: before it took effect,
 * and after.
 *
 * After each failure the shelf is opened again and all of it audited: it holds the epoch before or
 * the one after, whole; and it goes on from there.
 */
#include "failalloc.h"
#include "mdbfail.h"

#include "tests/unit/directory/shelfdata.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"

#include <stdio.h>
#include <stdlib.h>

#define ORIGIN "example.com/log"
/* Epochs of one life, each with that many versions: within pages and over their ends. */
static const unsigned versions[] = {0, 1, 39, 2, 80, 5};
#define EPOCHS (sizeof(versions) / sizeof(versions[0]))
/* Bytes of the object that an epoch adds: none, whole in a page, over the end of several. */
static const size_t objects[] = {0, 300, 512, 4000, 9000, 100};
#define OBJECT_MAX 9000

struct progress {
    uint64_t epochs; /* that were answered RES_OK */
    bool in_flight;  /* the next one was tried */
    enum result last;
};

static bool
is_honest(enum result r)
{
    return r == RES_IO || r == RES_MEMORY || r == RES_STORE_LATCHED || r == RES_STORE_DAMAGED ||
           r == RES_BUSY;
}

/* ---- what stands after some epochs ---- */

static uint64_t
versions_of(uint64_t epochs)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < epochs; i++)
        n += versions[i];
    return n;
}

static struct span
object_of(uint64_t epoch)
{
    static uint8_t bytes[OBJECT_MAX];

    for (size_t i = 0; i < objects[epoch]; i++)
        bytes[i] = (uint8_t)(epoch * 31 + i * 7 + (i >> 8) + 1);
    return span_of(bytes, objects[epoch]);
}

/* A step each, for its own row. */
static struct span
proof_of(uint64_t seq)
{
    static uint8_t bytes[112];

    memset(bytes, (int)(seq % 250) + 1, sizeof(bytes));
    return span_of(bytes, sizeof(bytes));
}

static enum result
commit_epoch(struct shelf *s, uint64_t epoch)
{
    struct directory_head head = shelfdata_head(epoch + 1);
    struct entry_row entry = shelfdata_entry(epoch);
    struct shelf_txn *t;
    uint64_t seq, offset;
    enum result rc = shelf_begin(s, &t);

    if (rc != RES_OK)
        return rc;
    if (objects[epoch] > 0)
        rc = shelf_add_bytes(t, object_of(epoch), &offset);
    for (unsigned i = 0; i < versions[epoch] && rc == RES_OK; i++) {
        struct version_row v = shelfdata_version(versions_of(epoch) + i, epoch);
        rc = shelf_add_version(t, &v, &seq);
        if (rc == RES_OK && i == 0)
            rc = shelf_put_proofs(t, seq, proof_of(seq));
    }
    if (rc == RES_OK && epoch == 1)
        rc = shelf_put_bindings(t, span_str("\0\0"));
    if (rc == RES_OK)
        rc = shelf_add_entry(t, &entry);
    if (rc == RES_OK)
        rc = shelf_put_head(t, &head);
    if (rc != RES_OK) {
        shelf_abort(t);
        return rc;
    }
    return shelf_commit(t);
}

/* Whether the view shows exactly that many epochs.  Errors are as good as values while calls fail;
 * a wrong value never is. */
static enum result
look(struct shelf_view *v, uint64_t epochs)
{
    struct directory_head head = {0};
    struct entry_row e;
    struct version_row row;
    struct span bytes;
    uint64_t seq = 0;
    enum result rc = shelf_get_head(v, &head);

    if (epochs == 0 && rc == RES_ABSENT)
        return RES_OK;
    if (rc == RES_OK)
        assert_int_equal(head.size, epochs);
    for (uint64_t i = 0; i < epochs && rc == RES_OK; i++) {
        rc = shelf_get_entry(v, i, &e);
        if (rc != RES_OK)
            break;
        struct entry_row want = shelfdata_entry(i);
        assert_int_equal(e.feed.timestamp, want.feed.timestamp);
        assert_true(hash_equal(&e.feed.root, &want.feed.root));
        for (unsigned k = 0; k < versions[i] && rc == RES_OK; k++, seq++) {
            rc = shelf_get_version(v, seq, &row);
            struct version_row other = shelfdata_version(seq, i);
            assert_true(rc != RES_OK ||
                        (row.entry == i && hash_equal(&row.leaf.key, &other.leaf.key) &&
                         hash_equal(&row.leaf.commitment, &other.leaf.commitment)));
            if (rc == RES_OK && k == 0)
                rc = shelf_get_proofs(v, seq, &bytes);
            assert_true(rc != RES_OK || k != 0 || span_equal(bytes, proof_of(seq)));
        }
    }
    if (rc == RES_OK)
        assert_int_equal(shelf_get_entry(v, epochs, &e), RES_ABSENT);
    if (rc == RES_OK)
        assert_int_equal(shelf_get_version(v, seq, &row), RES_ABSENT);
    return rc;
}

/* The objects: they stand one behind the other, small ones never over a page's end. */
static enum result
look_at_objects(struct shelf_view *v, uint64_t epochs)
{
    struct buf scratch = BUF_INIT(OBJECT_MAX);
    struct span bytes;
    uint64_t at = 0;
    enum result rc = RES_OK;

    for (uint64_t i = 0; i < epochs && rc == RES_OK; i++) {
        size_t n = objects[i];
        if (n == 0)
            continue;
        if (n <= SHELF_WHOLE_MAX && at / SHELF_PAGE != (at + n - 1) / SHELF_PAGE)
            at = (at / SHELF_PAGE + 1) * SHELF_PAGE;
        rc = shelf_get_bytes(v, at, n, &scratch, &bytes);
        assert_true(rc != RES_OK || span_equal(bytes, object_of(i)));
        at += n;
    }
    buf_release(&scratch);
    return rc;
}

static enum result
look_all(struct shelf *s, uint64_t epochs)
{
    struct shelf_view *v;
    enum result rc = shelf_view_new(s, &v);

    if (rc != RES_OK)
        return rc;
    rc = shelf_view_begin(v);
    if (rc == RES_OK) {
        rc = look(v, epochs);
        if (rc == RES_OK)
            rc = look_at_objects(v, epochs);
        shelf_view_end(v);
    }
    shelf_view_free(v);
    return rc;
}

/* ---- lives ---- */

static enum result
open_it(const char *path, struct shelf **ret)
{
    struct shelf_options o = {.path = path, .map_size = SHELF_TEST_MAP};

    return shelf_open(&o, ret);
}

/* Opens, commits epoch after epoch, reads; ends at the first failure. */
static struct progress
life(const char *path, uint64_t from)
{
    struct progress p = {.epochs = from};
    struct shelf *s;

    p.last = open_it(path, &s);
    if (p.last != RES_OK)
        return p;
    while (p.last == RES_OK && p.epochs < EPOCHS) {
        p.in_flight = true;
        p.last = commit_epoch(s, p.epochs);
        if (p.last != RES_OK)
            break;
        p.in_flight = false;
        p.epochs++;
        p.last = look_all(s, p.epochs);
    }
    shelf_close(s);
    return p;
}

static void
assert_whole_and_goes_on(const char *path, struct progress p)
{
    struct directory_head head;
    struct shelf *s;
    uint64_t stands = 0;

    assert_int_equal(open_it(path, &s), RES_OK);
    struct shelf_view *v = shelfdata_view(s);
    enum result rc = shelf_get_head(v, &head);
    assert_true(rc == RES_OK || rc == RES_ABSENT);
    if (rc == RES_OK)
        stands = head.size;
    shelf_view_end(v);
    shelf_view_free(v);
    if (!(p.in_flight && stands == p.epochs + 1))
        assert_int_equal(stands, p.epochs);
    assert_int_equal(look_all(s, stands), RES_OK);
    shelf_close(s);
    p = life(path, stands);
    assert_int_equal(p.last, RES_OK);
    assert_int_equal(p.epochs, EPOCHS);
}

static char *
new_shelf(void)
{
    struct shelf_options o = {.map_size = SHELF_TEST_MAP};
    char *path = scratch_new();

    o.path = path;
    assert_int_equal(shelf_create(&o, ORIGIN, shelfdata_configuration()), RES_OK);
    return path;
}

static void
every_call_fails_once(enum mdbfail_when when)
{
    char *path = new_shelf();
    size_t failed = 0;

    mdbfail_at(0, when);
    assert_int_equal(life(path, 0).last, RES_OK);
    size_t calls = mdbfail_count();
    assert_true(calls > 100);
    scratch_free(path);
    for (size_t k = 1; k <= calls; k++) {
        path = new_shelf();
        mdbfail_at(k, when);
        struct progress p = life(path, 0);
        const char *what = mdbfail_what();
        mdbfail_at(0, when);
        if (p.last == RES_OK && what != NULL && when == MDBFAIL_BEFORE)
            fail_msg("call %zu, %s, failed and nobody saw it", k, what);
        if (p.last != RES_OK && !is_honest(p.last))
            fail_msg("call %zu, %s: %s", k, what, result_name(p.last));
        failed += p.last != RES_OK;
        assert_whole_and_goes_on(path, p);
        scratch_free(path);
    }
    print_message("    %zu calls, %zu lives failed\n", calls, failed);
    assert_true(failed > calls / 2);
}

static void
every_call_fails_before_it_took_effect(void **state)
{
    (void)state;
    every_call_fails_once(MDBFAIL_BEFORE);
}

static void
every_call_fails_after_it_took_effect(void **state)
{
    (void)state;
    every_call_fails_once(MDBFAIL_AFTER);
}

static void
every_allocation_fails(void **state)
{
    char *path = new_shelf();

    (void)state;
    failalloc_at(0);
    assert_int_equal(life(path, 0).last, RES_OK);
    size_t n = failalloc_count();
    scratch_free(path);
    print_message("    %zu allocations\n", n);
    assert_true(n > 10);
    for (size_t k = 1; k <= n; k++) {
        path = new_shelf();
        failalloc_at(k);
        struct progress p = life(path, 0);
        failalloc_at(0);
        if (p.last != RES_MEMORY)
            fail_msg("allocation %zu: %s", k, result_name(p.last));
        assert_whole_and_goes_on(path, p);
        scratch_free(path);
    }
}

static void
a_creation_that_fails_leaves_none_or_a_whole_shelf(void **state)
{
    (void)state;
    for (int when = MDBFAIL_BEFORE; when <= MDBFAIL_AFTER; when++)
        for (size_t k = 1;; k++) {
            struct shelf_options o = {.map_size = SHELF_TEST_MAP};
            char *path = scratch_new();
            struct shelf *s;

            o.path = path;
            mdbfail_at(k, (enum mdbfail_when)when);
            enum result rc = shelf_create(&o, ORIGIN, shelfdata_configuration());
            bool over = mdbfail_count() < k;
            mdbfail_at(0, MDBFAIL_BEFORE);
            assert_true(over ? rc == RES_OK : rc == RES_OK || is_honest(rc));
            enum result opened = open_it(path, &s);
            if (opened == RES_OK) {
                assert_int_equal(look_all(s, 0), RES_OK);
                shelf_close(s);
            } else if (opened != RES_ABSENT && opened != RES_STORE_DAMAGED) {
                fail_msg("call %zu: then opening says %s", k, result_name(opened));
            }
            scratch_free(path);
            if (over)
                break;
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_fails_before_it_took_effect),
        cmocka_unit_test(every_call_fails_after_it_took_effect),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(a_creation_that_fails_leaves_none_or_a_whole_shelf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
