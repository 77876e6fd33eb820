/* The directory's store, writing: the ends of its pages in memory, full pages put once, and the
 * head. */
#include "log/directory/shelf.h"

#include <assert.h>
#include <stdlib.h>

#include "log/directory/shelf_private.h"

/* The end of a paged table: what is not a full page yet. */
struct tail {
    uint64_t page;
    size_t n; /* bytes in it; below SHELF_PAGE */
    uint8_t bytes[SHELF_PAGE];
};

struct shelf_txn {
    struct shelf *shelf;
    struct lmdb_txn *txn;
    struct directory_head head; /* size, stream and versions count what was appended */
    bool appended;              /* a head must follow */
    bool headed;                /* nothing may follow */
    struct tail tails[SHELF_PAGED];
};

/* ---- pages ---- */

static enum result
load_tails(struct shelf_txn *t)
{
    struct span ends[SHELF_PAGED];
    enum result rc = shelf_read_tails(t->txn, &t->head, ends);

    for (int table = 0; rc == RES_OK && table < SHELF_PAGED; table++) {
        struct tail *tail = &t->tails[table];
        tail->page = shelf_length(&t->head, (enum shelf_table)table) / SHELF_PAGE;
        tail->n = ends[table].n;
        if (tail->n > 0)
            memcpy(tail->bytes, ends[table].p, tail->n);
    }
    return rc;
}

/* All in one record: an epoch's end rewrites no page of the tables, nor LMDB's way to it. */
static enum result
put_tails(struct shelf_txn *t)
{
    uint8_t bytes[SHELF_PAGED * SHELF_PAGE];
    size_t n = 0;

    for (int table = 0; table < SHELF_PAGED; table++) {
        memcpy(bytes + n, t->tails[table].bytes, t->tails[table].n);
        n += t->tails[table].n;
    }
    return lmdb_put(t->txn, SHELF_META, span_str(SHELF_META_TAILS), span_of(bytes, n), false);
}

static enum result
put_page(struct shelf_txn *t, enum shelf_table table)
{
    const struct tail *tail = &t->tails[table];
    uint8_t key[SHELF_KEY_SIZE];
    enum result rc =
        lmdb_put(t->txn, table, shelf_key(tail->page, key), span_of(tail->bytes, SHELF_PAGE), true);

    return rc == RES_EXISTS ? RES_STORE_DAMAGED : rc;
}

/* Appends bytes (NULL: zeros). */
static enum result
append(struct shelf_txn *t, enum shelf_table table, const uint8_t *p, size_t n)
{
    struct tail *tail = &t->tails[table];

    t->appended = true;
    while (n > 0) {
        size_t room = SHELF_PAGE - tail->n;
        size_t now = n < room ? n : room;

        if (p != NULL)
            memcpy(tail->bytes + tail->n, p, now);
        else
            memset(tail->bytes + tail->n, 0, now);
        p = p != NULL ? p + now : NULL;
        n -= now;
        tail->n += now;
        if (tail->n < SHELF_PAGE)
            continue;
        enum result rc = put_page(t, table);
        if (rc != RES_OK)
            return rc;
        tail->page++;
        tail->n = 0;
    }
    return RES_OK;
}

/* ---- the transaction ---- */

static enum result
load(struct shelf_txn *t)
{
    enum result rc = shelf_read_head(t->txn, &t->head);

    if (rc == RES_ABSENT) /* before the first epoch; all zeros */
        return RES_OK;
    return rc == RES_OK ? load_tails(t) : rc;
}

enum result
shelf_begin(struct shelf *s, struct shelf_txn **ret)
{
    struct shelf_txn *t;
    enum result rc;

    assert(s->txn == NULL);
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return RES_MEMORY;
    t->shelf = s;
    rc = lmdb_begin_write(s->env, &t->txn);
    if (rc != RES_OK) {
        free(t);
        return rc;
    }
    s->txn = t;
    rc = load(t);
    if (rc != RES_OK) {
        shelf_abort(t);
        return rc;
    }
    *ret = t;
    return RES_OK;
}

enum result
shelf_add_bytes(struct shelf_txn *t, struct span bytes, uint64_t *ret_offset)
{
    size_t room = SHELF_PAGE - t->tails[SHELF_STREAM].n;
    size_t gap = bytes.n <= SHELF_WHOLE_MAX && bytes.n > room ? room : 0;
    enum result rc;

    assert(!t->headed);
    rc = append(t, SHELF_STREAM, NULL, gap);
    if (rc == RES_OK)
        rc = append(t, SHELF_STREAM, bytes.p, bytes.n);
    if (rc != RES_OK)
        return rc;
    *ret_offset = t->head.stream + gap;
    t->head.stream += gap + bytes.n;
    return RES_OK;
}

enum result
shelf_add_version(struct shelf_txn *t, const struct version_row *row, uint64_t *ret_seq)
{
    uint8_t bytes[VERSION_ROW_SIZE];
    struct buf out = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct writer w = writer_to(&out);
    enum result rc;

    assert(!t->headed);
    version_row_put(&w, row);
    rc = writer_end(&w);
    if (rc == RES_OK)
        rc = append(t, SHELF_VERSIONS, bytes, sizeof(bytes));
    if (rc == RES_OK)
        *ret_seq = t->head.versions++;
    return rc;
}

enum result
shelf_add_entry(struct shelf_txn *t, const struct entry_row *row)
{
    uint8_t bytes[ENTRY_ROW_SIZE];
    struct buf out = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct writer w = writer_to(&out);
    enum result rc;

    assert(!t->headed);
    entry_row_put(&w, row);
    rc = writer_end(&w);
    if (rc == RES_OK)
        rc = append(t, SHELF_ENTRIES, bytes, sizeof(bytes));
    if (rc == RES_OK)
        t->head.size++;
    return rc;
}

enum result
shelf_put_proofs(struct shelf_txn *t, uint64_t seq, struct span steps)
{
    uint8_t key[SHELF_KEY_SIZE];
    struct span v;
    enum result rc;

    assert(steps.n % STEP_SIZE == 0 && seq < t->head.versions);
    rc = lmdb_get(t->txn, SHELF_PROOFS, shelf_key(seq, key), &v);
    if (rc != RES_ABSENT)
        return rc;
    /* They are made in the order of the rows, but for those that somebody asked for: what is
     * appended fills its pages, what is put between leaves them half empty. */
    rc = lmdb_put(t->txn, SHELF_PROOFS, span_of(key, sizeof(key)), steps, true);
    if (rc == RES_EXISTS)
        rc = lmdb_put(t->txn, SHELF_PROOFS, span_of(key, sizeof(key)), steps, false);
    return rc;
}

enum result
shelf_put_bindings(struct shelf_txn *t, struct span body)
{
    assert(!t->headed);
    t->appended = true;
    return lmdb_put(t->txn, SHELF_META, span_str(SHELF_META_BINDINGS), body, false);
}

enum result
shelf_put_head(struct shelf_txn *t, struct directory_head *h)
{
    uint8_t bytes[SHELF_HEAD_SIZE];
    struct buf out = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct writer w = writer_to(&out);
    enum result rc;

    assert(!t->headed && h->size == t->head.size && h->size > 0);
    t->headed = true;
    rc = put_tails(t);
    if (rc != RES_OK)
        return rc;
    h->stream = t->head.stream;
    h->versions = t->head.versions;
    directory_head_put(&w, h);
    rc = writer_end(&w);
    return rc == RES_OK
               ? lmdb_put(t->txn, SHELF_META, span_str(SHELF_META_HEAD), buf_span(&out), false)
               : rc;
}

static void
end(struct shelf_txn *t)
{
    t->shelf->txn = NULL;
    free(t);
}

enum result
shelf_commit(struct shelf_txn *t)
{
    enum result rc;

    assert(t->headed || !t->appended);
    rc = lmdb_commit(t->txn);
    end(t);
    return rc;
}

void
shelf_abort(struct shelf_txn *t)
{
    if (t == NULL)
        return;
    lmdb_abort(t->txn);
    end(t);
}
