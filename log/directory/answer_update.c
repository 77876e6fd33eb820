/* Answers to owners whom a new version is shown. */
#include <stdlib.h>

#include "log/directory/reader_private.h"
#include "merkle/keytrans/owner.h"

static int
ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Versions that the ladder of new needs and that of the previous did not: all greater than it. */
static unsigned
update_steps(int64_t previous, uint32_t new, uint32_t *ret)
{
    uint32_t had[LADDER_STEPS_MAX], now[LADDER_STEPS_MAX];
    unsigned had_n = 1, now_n = ladder_base(new, now), n = 0;

    had[0] = 0;
    if (previous >= 0)
        had_n = ladder_base((uint32_t)previous, had);
    for (unsigned i = 0; i < now_n; i++) {
        bool known = false;
        for (unsigned k = 0; k < had_n; k++)
            known = known || had[k] == now[i];
        if (!known)
            ret[n++] = now[i];
    }
    qsort(ret, n, sizeof(*ret), ascending);
    return n;
}

/* One version of a label an entry is what this log inserts. */
static enum result
write_update(struct directory_reader *r, const struct update_request *q, int64_t previous,
             const struct version_row *row, struct buf *out)
{
    uint32_t steps[LADDER_STEPS_MAX];
    unsigned n = update_steps(previous, row->version, steps);
    struct update_response a = {.position = row->entry};
    struct writer w = writer_to(&r->info);
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    enum result rc = walk_value(r, row, opening);

    buf_clear(&r->ladder);
    buf_clear(&r->info);
    if (rc == RES_OK)
        label_value_put(&w, buf_span(&r->value));
    if (rc == RES_OK)
        rc = writer_end(&w);
    for (unsigned i = 0; i < n && rc == RES_OK; i++)
        rc = walk_step(r, steps[i], -1, -1);
    if (rc == RES_OK)
        rc = walk_proof(r, &a.proof);
    if (rc != RES_OK)
        return rc;
    walk_head(r, q->last, &a.head);
    a.values = (struct proof_queue){buf_span(&r->info), 1};
    a.info = (struct proof_queue){span_of(opening, sizeof(opening)), 1};
    a.ladder = (struct proof_queue){buf_span(&r->ladder), n};
    w = writer_to(out);
    update_response_put(&w, &a);
    return writer_end(&w);
}

/* Only issuance changes a label: values are never taken. */
static enum result
newer_than(struct directory_reader *r, const struct update_request *q, int64_t previous)
{
    if (previous > greatest_of(r))
        return RES_KT_NOT_YET;
    if (previous == greatest_of(r))
        return q->values_n > 0 ? RES_KT_OWN_VALUES : RES_KT_NOTHING_NEW;
    return RES_OK;
}

/* The rightmost distinguished entry left of position, among the ancestors of the entry before it;
 * 0, which is the empty tree, when there is none.  What an owner is shown of an update lies to the
 * right of it, so that no version before it is read. */
static enum result
start_before(struct directory_reader *r, uint64_t position, uint64_t *ret)
{
    uint64_t left = 0, right = r->t.newest, found = 0;
    struct search_path path;

    search_tree_path(position - 1, r->head.size, &path);
    for (unsigned i = 0; i < path.n && right - left >= r->d->config.window.monitoring; i++) {
        struct entry_row row;
        enum result rc = shelf_get_entry(r->view, path.at[i], &row);

        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
        if (path.at[i] < position)
            found = path.at[i];
        if (position - 1 < path.at[i])
            right = row.feed.timestamp;
        else
            left = row.feed.timestamp;
    }
    *ret = found;
    return RES_OK;
}

/* The owner as whom the update is shown: any whose start is not further to the right asks for the
 * same. */
static enum result
owner_before(struct directory_reader *r, uint64_t position, int64_t previous,
             struct owner_state *ret)
{
    struct owner_state owner;
    enum result rc = start_before(r, position, &owner.start);

    if (rc == RES_OK)
        rc = target_greatest_at(&r->target, owner.start, &owner.at_start);
    if (rc == RES_OK && owner.at_start > previous)
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK)
        rc = answer_upcoming(r, owner.at_start, previous);
    if (rc != RES_OK)
        return rc;
    owner.upcoming = r->upcoming;
    owner.upcoming_n = (size_t)(previous - owner.at_start);
    *ret = owner;
    return RES_OK;
}

enum result
answer_update(struct directory_reader *r, struct span request, struct buf *out)
{
    struct reader in = reader_of(request);
    struct owner_state owner;
    struct update_request q;
    struct version_row row;
    uint64_t seq;

    update_request_get(&in, &q);
    enum result rc = reader_end(&in);
    int64_t previous = version_of(q.greatest_version);
    if (rc == RES_OK)
        rc = answer_find(r, q.label);
    if (rc == RES_OK)
        rc = newer_than(r, &q, previous);
    if (rc == RES_OK)
        rc = target_row(&r->target, (uint32_t)(previous + 1), &seq, &row);
    if (rc == RES_OK && row.entry == 0) /* the empty tree */
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK && r->target.erased && row.version < r->target.greatest)
        return write_erased(r, row.version, r->target.greatest, out);
    if (rc == RES_OK)
        rc = walk_begin(r, q.last);
    if (rc == RES_OK)
        rc = owner_before(r, row.entry, previous, &owner);
    if (rc == RES_OK)
        rc = owner_update(&r->t, &owner, row.entry, 1, NULL);
    return rc == RES_OK ? write_update(r, &q, previous, &row, out) : rc;
}
