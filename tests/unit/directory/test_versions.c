/* From a label to its versions: against a plain list, at every size, over reopening and erasure. */
#include "log/directory/versions.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/fault/failalloc.h"
#include "tests/unit/directory/shelfdata.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define LABELS 60
#define ROWS 9000 /* more than two units of the index */

struct world {
    char *path;
    char index[600], keys[600];
    struct shelf *shelf;
    struct keyring *ring;
    struct versions *versions;
    unsigned epochs;
    size_t rows;
    unsigned of[ROWS];       /* label of each row */
    uint32_t version[ROWS];  /* its version */
    uint64_t text[LABELS];   /* offset of the LabelText; 0: not there yet */
    uint64_t newest[LABELS]; /* row */
    uint32_t count[LABELS];  /* versions */
    unsigned labels;         /* numbers that were given */
    unsigned number[LABELS];
};

static struct span
label_of(unsigned i)
{
    static char text[64];
    int n = snprintf(text, sizeof(text), "\x01user%u@example.com", i);

    return span_of(text, (size_t)n);
}

static void
open_all(struct world *w)
{
    w->shelf = shelfdata_open(w->path);
    assert_int_equal(keyring_open(w->keys, &w->ring), RES_OK);
    assert_int_equal(versions_open(w->index, SHELF_TEST_MAP, w->shelf, w->ring, &w->versions),
                     RES_OK);
}

static void
close_all(struct world *w)
{
    versions_close(w->versions);
    keyring_close(w->ring);
    shelf_close(w->shelf);
    w->versions = NULL;
}

static struct world *
world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    w->path = scratch_new();
    snprintf(w->index, sizeof(w->index), "%s/index", w->path);
    snprintf(w->keys, sizeof(w->keys), "%s/keys", w->path);
    shelf_close(shelfdata_create(w->path));
    assert_int_equal(keyring_create(w->keys), RES_OK);
    open_all(w);
    return w;
}

static void
world_free(struct world *w)
{
    close_all(w);
    scratch_free(w->path);
    free(w);
}

static void
add_text(struct world *w, struct shelf_txn *t, unsigned i)
{
    struct span label = label_of(i);
    struct buf out = BUF_INIT(512);
    struct writer to = writer_to(&out);
    uint8_t text[LABEL_MAX];

    w->number[i] = w->labels++;
    assert_int_equal(keyring_crypt(w->ring, w->number[i], KEYRING_TEXT, 0, label.p, label.n, text),
                     RES_OK);
    put_u40(&to, w->number[i]);
    put_vec8(&to, span_of(text, label.n));
    assert_int_equal(writer_end(&to), RES_OK);
    assert_int_equal(shelf_add_bytes(t, buf_span(&out), &w->text[i]), RES_OK);
    buf_release(&out);
}

static void
add_row(struct world *w, struct shelf_txn *t, unsigned i)
{
    struct version_row row = shelfdata_version(w->rows, w->epochs);
    struct hash key;
    uint64_t seq;

    if (w->text[i] == 0)
        add_text(w, t, i);
    keyring_label_key(w->ring, label_of(i), &key);
    memcpy(row.print, key.b + 8, sizeof(row.print));
    row.label = w->text[i];
    row.version = w->count[i]++;
    row.previous = row.version == 0 ? VERSION_NONE : w->newest[i];
    assert_int_equal(shelf_add_version(t, &row, &seq), RES_OK);
    assert_int_equal(seq, w->rows);
    w->of[seq] = i;
    w->version[seq] = row.version;
    w->newest[i] = seq;
    w->rows++;
}

/* Commits an epoch of n rows, of labels at random; the index is told of them, or not. */
static void
add_epoch(struct world *w, struct rng *r, size_t n, bool tell)
{
    static const uint8_t any[64 * 64];
    struct entry_row entry = shelfdata_entry(w->epochs);
    struct directory_head head = shelfdata_head(w->epochs + 1);
    size_t before = w->rows, hashes = (size_t)__builtin_ctz(w->epochs + 1) * 64;
    struct shelf_txn *t;
    uint64_t offset;

    assert_int_equal(shelf_begin(w->shelf, &t), RES_OK);
    assert_int_equal(shelf_add_bytes(t, span_of(any, hashes + 1), &entry.hashes), RES_OK);
    entry.hashes = hashes == 0 ? 0 : entry.hashes;
    assert_int_equal(shelf_add_bytes(t, span_str("x"), &offset), RES_OK);
    for (size_t i = 0; i < n; i++)
        add_row(w, t, (unsigned)(rng_next(r) % LABELS));
    assert_int_equal(shelf_add_entry(t, &entry), RES_OK);
    head.labels = w->labels;
    assert_int_equal(shelf_put_head(t, &head), RES_OK);
    assert_int_equal(shelf_commit(t), RES_OK);
    w->epochs++;
    for (size_t seq = before; tell && seq < w->rows; seq++)
        assert_int_equal(versions_add(w->versions, seq, label_of(w->of[seq]), w->version[seq]),
                         RES_OK);
}

/* One label among the first `rows`: its newest row, and one version, as the list has them. */
static void
same_label(const struct world *w, struct shelf_view *v, size_t rows, unsigned i, uint32_t version)
{
    struct version_row row;
    uint64_t seq = 4711, newest = UINT64_MAX, one = UINT64_MAX;

    for (size_t k = 0; k < rows; k++)
        if (w->of[k] == i) {
            newest = k;
            one = w->version[k] == version ? k : one;
        }
    assert_int_equal(versions_newest(w->versions, v, rows, label_of(i), &seq, &row),
                     newest == UINT64_MAX ? RES_ABSENT : RES_OK);
    if (newest != UINT64_MAX) {
        assert_int_equal(seq, newest);
        assert_int_equal(row.version, w->version[newest]);
    }
    seq = 4711;
    assert_int_equal(versions_find(w->versions, v, rows, label_of(i), version, &seq, &row),
                     one == UINT64_MAX ? RES_ABSENT : RES_OK);
    assert_int_equal(seq, one == UINT64_MAX ? 4711 : one);
    if (one != UINT64_MAX)
        assert_int_equal(row.version, version);
}

static void
same_as_list(const struct world *w, struct rng *r)
{
    struct shelf_view *v = shelfdata_view(w->shelf);

    for (unsigned i = 0; i < LABELS + 3; i++) {
        uint32_t count = i < LABELS ? w->count[i] : 0;

        same_label(w, v, w->rows, i, 0);
        same_label(w, v, w->rows, i, count);
        same_label(w, v, w->rows, i, (uint32_t)rng_scaled(r, count + 1));
        same_label(w, v, rng_next(r) % (w->rows + 1), i, (uint32_t)rng_scaled(r, count + 1));
    }
    shelf_view_free(v);
}

static void
every_version_is_found(void **state)
{
    struct rng r = rng_start("every_version_is_found");
    struct world *w = world_new();

    (void)state;
    same_as_list(w, &r);
    while (w->rows + 700 < ROWS) {
        add_epoch(w, &r, rng_next(&r) % 700, true);
        same_as_list(w, &r); /* while runs are merged */
        if (w->epochs % 5 != 0)
            continue;
        close_all(w); /* what no run covers is read from the rows */
        open_all(w);
        same_as_list(w, &r);
    }
    assert_true(w->rows > 8000);
    assert_true(versions_index_bytes(w->versions) > 0);
    world_free(w);
    versions_close(NULL);
}

static void
rows_that_the_index_was_not_told_of_are_added(void **state)
{
    struct rng r = rng_start("rows_that_the_index_was_not_told_of_are_added");
    struct world *w = world_new();

    (void)state;
    add_epoch(w, &r, 300, true);
    close_all(w);
    open_all(w);
    add_epoch(w, &r, 5000, false); /* a crash between the commit and the index */
    close_all(w);
    open_all(w);
    same_as_list(w, &r);
    add_epoch(w, &r, 100, true); /* numbers are in step */
    same_as_list(w, &r);
    world_free(w);
}

static void
an_index_of_another_store_is_built_anew(void **state)
{
    struct rng r = rng_start("an_index_of_another_store_is_built_anew");
    struct world *large = world_new(), *small = world_new();
    char command[1300];
    uint64_t covered = 0;
    struct index *x;

    (void)state;
    add_epoch(large, &r, 2 * INDEX_UNIT + 10, true);
    add_epoch(small, &r, 50, true);
    while (covered == 0) { /* until a run covers something */
        struct index_options o = {.path = large->index, .map_size = SHELF_TEST_MAP};

        close_all(large);
        assert_int_equal(index_open(&o, &covered, &x), RES_OK);
        index_close(x);
        open_all(large);
    }
    close_all(large);
    close_all(small);
    snprintf(command, sizeof(command), "cp %s/data.mdb %s/data.mdb", large->index, small->index);
    assert_int_equal(system(command), 0);
    open_all(large);
    open_all(small);
    same_as_list(small, &r);
    assert_int_equal(index_remove(small->index), RES_OK); /* open files stay */
    close_all(small);
    open_all(small);
    same_as_list(small, &r);
    world_free(large);
    world_free(small);
}

static void
labels_are_told_and_an_erased_one_is_not(void **state)
{
    struct rng r = rng_start("labels_are_told_and_an_erased_one_is_not");
    struct world *w = world_new();
    struct shelf_view *v;
    struct version_row row;
    struct label label;
    uint64_t seq, number;
    unsigned gone;

    (void)state;
    add_epoch(w, &r, 2000, true);
    v = shelfdata_view(w->shelf);
    for (unsigned i = 0; i < LABELS; i++) {
        if (w->text[i] == 0)
            continue;
        assert_int_equal(versions_label(v, w->ring, w->text[i], &label, &number), RES_OK);
        assert_true(span_equal(span_of(label.b, label.n), label_of(i)));
        assert_int_equal(number, w->number[i]);
    }
    shelf_view_free(v);
    gone = w->of[0];
    assert_int_equal(keyring_erase(w->ring, w->number[gone]), RES_OK);
    close_all(w);
    assert_int_equal(index_remove(w->index), RES_OK);
    open_all(w);
    v = shelfdata_view(w->shelf);
    number = 4711;
    assert_int_equal(versions_label(v, w->ring, w->text[gone], &label, &number), RES_ABSENT);
    assert_int_equal(number, w->number[gone]);
    assert_int_equal(versions_newest(w->versions, v, w->rows, label_of(gone), &seq, &row),
                     RES_ABSENT);
    assert_int_equal(versions_find(w->versions, v, w->rows, label_of(gone), 0, &seq, &row),
                     RES_ABSENT);
    /* nor is it under the label of nothing */
    assert_int_equal(versions_newest(w->versions, v, w->rows, span_of(NULL, 0), &seq, &row),
                     RES_ABSENT);
    for (unsigned i = 0; i < LABELS; i++)
        if (i != gone)
            same_label(w, v, w->rows, i, 1);
    shelf_view_free(v);
    world_free(w);
}

static void
a_text_that_is_none_is_damage(void **state)
{
    struct rng r = rng_start("a_text_that_is_none_is_damage");
    struct world *w = world_new();
    uint8_t none[6] = {0}, undrawn[7] = {0xff, 0xff, 0xff, 0xff, 0xff, 1, 'a'};
    struct directory_head head = shelfdata_head(2);
    static const uint8_t hashes[64];
    struct entry_row entry;
    struct shelf_view *v;
    struct shelf_txn *t;
    struct label label;
    uint64_t number, at[2];

    (void)state;
    add_epoch(w, &r, 10, true);
    entry = shelfdata_entry(1);
    assert_int_equal(shelf_begin(w->shelf, &t), RES_OK);
    assert_int_equal(shelf_add_bytes(t, span_of(none, sizeof(none)), &at[0]), RES_OK);
    assert_int_equal(shelf_add_bytes(t, span_of(undrawn, sizeof(undrawn)), &at[1]), RES_OK);
    assert_int_equal(shelf_add_bytes(t, span_of(hashes, sizeof(hashes)), &entry.hashes), RES_OK);
    assert_int_equal(shelf_add_entry(t, &entry), RES_OK);
    head.labels = w->labels;
    assert_int_equal(shelf_put_head(t, &head), RES_OK);
    assert_int_equal(shelf_commit(t), RES_OK);
    v = shelfdata_view(w->shelf);
    assert_int_equal(shelf_get_head(v, &head), RES_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(versions_label(v, w->ring, at[i], &label, &number), RES_STORE_DAMAGED);
    assert_int_equal(versions_label(v, w->ring, head.stream, &label, &number), RES_STORE_DAMAGED);
    assert_int_equal(versions_label(v, w->ring, head.stream - 3, &label, &number),
                     RES_STORE_DAMAGED);
    shelf_view_free(v);
    world_free(w);
}

/* What the index says is compared with the row, so that a damaged one tells nothing wrong. */
static void
an_index_that_lies_is_not_believed(void **state)
{
    struct rng r = rng_start("an_index_that_lies_is_not_believed");
    struct world *w = world_new();
    struct shelf_view *v;
    struct version_row row;
    uint64_t seq;

    (void)state;
    add_epoch(w, &r, 30, true);
    add_epoch(w, &r, 20, false);
    for (size_t i = 30; i < 50; i++) /* rows of others, under a label of its own */
        assert_int_equal(versions_add(w->versions, i, label_of(LABELS + 1), 0), RES_OK);
    v = shelfdata_view(w->shelf);
    assert_int_equal(versions_newest(w->versions, v, 50, label_of(LABELS + 1), &seq, &row),
                     RES_ABSENT);
    assert_int_equal(versions_find(w->versions, v, 50, label_of(LABELS + 1), 0, &seq, &row),
                     RES_ABSENT);
    shelf_view_free(v);
    world_free(w);
}

static void
memory_that_fails_is_told(void **state)
{
    struct rng r = rng_start("memory_that_fails_is_told");
    struct world *w = world_new();
    unsigned failed = 0;

    (void)state;
    add_epoch(w, &r, 100, true);
    versions_close(w->versions);
    for (size_t i = 1;; i++) {
        enum result rc;
        bool reached;

        failalloc_at(i);
        rc = versions_open(w->index, SHELF_TEST_MAP, w->shelf, w->ring, &w->versions);
        reached = failalloc_count() >= i;
        failalloc_at(0);
        if (rc == RES_OK && !reached)
            break;
        failed += rc == RES_MEMORY;
        if (rc == RES_OK)
            versions_close(w->versions); /* the thread's own failed, or it could do without */
        else
            assert_int_equal(rc, RES_MEMORY);
    }
    assert_true(failed > 5);
    same_as_list(w, &r);
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_found),
        cmocka_unit_test(rows_that_the_index_was_not_told_of_are_added),
        cmocka_unit_test(an_index_of_another_store_is_built_anew),
        cmocka_unit_test(labels_are_told_and_an_erased_one_is_not),
        cmocka_unit_test(a_text_that_is_none_is_damage),
        cmocka_unit_test(an_index_that_lies_is_not_believed),
        cmocka_unit_test(memory_that_fails_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
