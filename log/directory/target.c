#include "log/directory/target.h"

#include <string.h>

static enum result
damaged_if_absent(enum result rc)
{
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

static struct target_row *
place_of(struct target *t, uint32_t version)
{
    return &t->row[version % TARGET_ROWS];
}

enum result
target_find(struct target *t, const struct target_parts *parts, uint64_t rows, struct span label)
{
    struct version_row row;
    struct label text;
    uint64_t seq;

    t->parts = parts;
    t->rows = rows;
    t->label = label;
    t->present = t->erased = t->has_absent[0] = t->has_absent[1] = false;
    for (size_t i = 0; i < TARGET_ROWS; i++)
        t->row[i].filled = false;
    for (size_t i = 0; i < TARGET_RECORDS; i++)
        t->record[i].filled = false;
    enum result rc = versions_newest(parts->versions, parts->view, rows, label, &seq, &row);
    if (rc == RES_ABSENT)
        return RES_OK;
    if (rc != RES_OK)
        return rc;
    rc = versions_label(parts->view, parts->keys, row.label, &text, &t->number);
    if (rc == RES_OK && !span_equal(span_of(text.b, text.n), label))
        rc = RES_STORE_DAMAGED;
    if (rc == RES_ABSENT) {
        rc = versions_is_tombstone(parts->view, parts->keys, row.label, label, &t->erased);
        if (rc == RES_OK && !t->erased) /* its key is gone, its tombstone still to come */
            rc = RES_BUSY;
    }
    if (rc != RES_OK)
        return rc;
    t->present = true;
    t->greatest = row.version;
    t->last_seq = seq;
    t->last_entry = row.entry;
    *place_of(t, row.version) = (struct target_row){true, seq, row};
    return RES_OK;
}

/* The row of an erased label, when the index was built without it: backwards from the tombstone. */
static enum result
walk_back(struct target *t, uint32_t version, struct target_row *ret)
{
    struct target_row at = {.filled = true, .seq = t->last_seq};
    enum result rc = shelf_get_version(t->parts->view, at.seq, &at.row);

    while (rc == RES_OK && at.row.version > version) {
        uint32_t above = at.row.version;

        at.seq = at.row.previous;
        rc = shelf_get_version(t->parts->view, at.seq, &at.row);
        if (rc == RES_OK && at.row.version + 1 != above)
            rc = RES_STORE_DAMAGED;
    }
    if (rc == RES_OK)
        *ret = at;
    return rc;
}

enum result
target_row(struct target *t, uint32_t version, uint64_t *ret_seq, struct version_row *ret)
{
    struct target_row *r = place_of(t, version);
    enum result rc = RES_OK;

    if (!t->present || version > t->greatest)
        return RES_ABSENT;
    if (!r->filled || r->row.version != version) {
        struct target_row next = {.filled = true};
        struct target_row *after = place_of(t, version + 1);
        /* Versions are often walked backwards: then the row is known. */
        if (after->filled && after->row.version == version + 1) {
            next.seq = after->row.previous;
            rc = shelf_get_version(t->parts->view, next.seq, &next.row);
            if (rc == RES_OK && next.row.version != version)
                rc = RES_STORE_DAMAGED;
        } else {
            rc = versions_find(t->parts->versions, t->parts->view, t->rows, t->label, version,
                               &next.seq, &next.row);
            if (rc == RES_ABSENT && t->erased)
                rc = walk_back(t, version, &next);
        }
        if (rc != RES_OK)
            return damaged_if_absent(rc);
        *r = next;
    }
    *ret_seq = r->seq;
    *ret = r->row;
    return RES_OK;
}

enum result
target_greatest_at(struct target *t, uint64_t x, int64_t *ret)
{
    int64_t lo = -1, hi = t->present ? (int64_t)t->greatest : -1;

    if (t->present && t->last_entry <= x)
        lo = hi;
    while (lo < hi) { /* lo is there at x; what is above hi is not */
        int64_t mid = lo + (hi - lo + 1) / 2;
        struct version_row row;
        uint64_t seq;
        enum result rc = target_row(t, (uint32_t)mid, &seq, &row);
        if (rc != RES_OK)
            return rc;
        if (row.entry <= x)
            lo = mid;
        else
            hi = mid - 1;
    }
    *ret = lo;
    return RES_OK;
}

/* ---- steps ---- */

static enum result
load_record(struct target *t, uint32_t owner, struct target_record *r)
{
    struct version_row row;
    struct span stored;
    uint64_t seq;
    size_t n;
    enum result rc = target_row(t, owner, &seq, &row);

    if (rc != RES_OK)
        return damaged_if_absent(rc);
    r->n = steps_of(owner, r->steps);
    rc = shelf_get_proofs(t->parts->view, seq, &stored);
    if (rc == RES_OK) {
        if (stored.n != r->n * STEP_SIZE)
            return RES_STORE_DAMAGED;
        memcpy(r->bytes, stored.p, stored.n);
    } else if (rc == RES_ABSENT) {
        rc = RES_OK;
        if (!proofs_get(t->parts->proofs, seq, r->bytes, &n)) {
            rc = proofs_make(t->parts->proofs, t->label, owner, r->bytes, &n);
            if (rc == RES_OK && n > 0) {
                proofs_keep(t->parts->proofs, seq, span_of(r->bytes, n));
                t->parts->made(t->parts->arg, seq, span_of(r->bytes, n));
            }
        }
    }
    r->owner = owner;
    r->filled = rc == RES_OK;
    return rc;
}

enum result
target_step(struct target *t, uint32_t version, const uint8_t **ret)
{
    uint32_t owner = steps_owner(version);
    struct target_record *r = &t->record[owner % TARGET_RECORDS];
    enum result rc = RES_OK;

    if (!t->present) {
        if (version > 1)
            return RES_STORE_DAMAGED;
        if (!t->has_absent[version])
            rc = proofs_absent(t->parts->proofs, t->label, version, t->absent[version]);
        t->has_absent[version] = rc == RES_OK;
        *ret = t->absent[version];
        return rc;
    }
    if (!r->filled || r->owner != owner)
        rc = load_record(t, owner, r);
    if (rc != RES_OK)
        return rc;
    for (unsigned i = 0; i < r->n; i++)
        if (r->steps[i] == version) {
            *ret = r->bytes + i * STEP_SIZE;
            return RES_OK;
        }
    return RES_BUG;
}

/* ---- for a recorder ---- */

static enum result
give_key(void *arg, uint32_t version, struct hash *ret)
{
    struct target *t = arg;
    struct version_row row;
    const uint8_t *step;
    uint64_t seq;
    enum result rc;

    if (t->present && version <= t->greatest) {
        rc = target_row(t, version, &seq, &row);
        if (rc == RES_OK)
            *ret = row.leaf.key;
        return rc;
    }
    rc = target_step(t, version, &step);
    if (rc == RES_OK)
        memcpy(ret->b, step, HASH_SIZE);
    return rc;
}

static enum result
give_inserted(void *arg, uint32_t version, uint64_t *ret, bool *ret_there)
{
    struct target *t = arg;
    struct version_row row;
    uint64_t seq;

    *ret_there = t->present && version <= t->greatest;
    if (!*ret_there)
        return RES_OK;
    enum result rc = target_row(t, version, &seq, &row);
    if (rc == RES_OK)
        *ret = row.entry;
    return rc;
}

struct record_label
target_label(struct target *t)
{
    return (struct record_label){t, give_key, give_inserted};
}
