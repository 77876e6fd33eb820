/* Answers to those who follow a label: contacts and owners. */
#include <stdlib.h>
#include <string.h>

#include "log/directory/reader_private.h"
#include "merkle/keytrans/credential.h"
#include "merkle/keytrans/owner.h"

/* ---- what a request may say of a label ---- */

/* Whether the version was first there, or the position is an ancestor of that to the right. */
static enum result
check_place(struct directory_reader *r, const struct contact_entry *e)
{
    struct search_path path;
    struct version_row row;
    uint64_t seq;
    bool found;
    enum result rc = target_row(&r->target, e->version, &seq, &row);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_KT_NO_VERSION : rc;
    found = row.entry == e->position;
    search_tree_path(row.entry, r->head.size, &path);
    for (unsigned k = 0; k < path.n; k++)
        found = found || (path.at[k] == e->position && e->position > row.entry);
    return found ? RES_OK : RES_RANGE;
}

static enum result
check_map(struct directory_reader *r, const struct contact_map *m)
{
    enum result rc = contact_map_valid(m, r->head.size) ? RES_OK : RES_RANGE;

    for (unsigned i = 0; i < m->n && rc == RES_OK; i++)
        rc = check_place(r, &m->entries[i]);
    return rc;
}

enum result
answer_upcoming(struct directory_reader *r, int64_t first, int64_t last)
{
    size_t n = last > first ? (size_t)(last - first) : 0;

    if (n > READER_VERSIONS_MAX)
        return RES_TOO_LARGE;
    if (n > r->upcoming_cap) {
        uint64_t *p = realloc(r->upcoming, n * sizeof(*p));
        if (p == NULL)
            return RES_MEMORY;
        r->upcoming = p;
        r->upcoming_cap = n;
    }
    for (size_t i = n; i-- > 0;) { /* backwards: each row names the one before it */
        struct version_row row;
        uint64_t seq;
        enum result rc = target_row(&r->target, (uint32_t)(first + 1 + (int64_t)i), &seq, &row);
        if (rc != RES_OK)
            return rc;
        r->upcoming[i] = row.entry;
    }
    return RES_OK;
}

enum result
answer_find(struct directory_reader *r, struct span label)
{
    return label_is(label) ? snapshot_label(r, label) : RES_VALUE;
}

static enum result
write_proof(struct directory_reader *r, struct kt_optional last, struct buf *out)
{
    struct proof_response a;
    struct writer w = writer_to(out);
    enum result rc = walk_proof(r, &a.proof);

    if (rc != RES_OK)
        return rc;
    walk_head(r, last, &a.head);
    proof_response_put(&w, &a);
    return writer_end(&w);
}

/* ---- contacts ---- */

enum result
answer_contact(struct directory_reader *r, struct span request, struct buf *out)
{
    struct reader in = reader_of(request);
    struct contact_monitor_request q;

    contact_monitor_request_get(&in, &q);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = answer_find(r, q.label);
    if (rc == RES_OK && !r->target.present)
        rc = RES_KT_NO_LABEL;
    if (rc == RES_OK)
        rc = check_map(r, &q.map);
    if (rc == RES_OK)
        rc = walk_begin(r, q.last);
    if (rc == RES_OK)
        rc = contact_monitor(&r->t, NULL, &q.map);
    return rc == RES_OK ? write_proof(r, q.last, out) : rc;
}

/* CredentialUpdate: a CombinedTreeProof and nothing else. */
enum result
answer_credential_update(struct directory_reader *r, struct span request, struct buf *out)
{
    struct reader in = reader_of(request);
    struct credential_update_request q;
    struct combined_proof proof;
    struct writer w = writer_to(out);

    credential_update_request_get(&in, &q);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = answer_find(r, q.label);
    if (rc == RES_OK && !r->target.present)
        rc = RES_KT_NO_LABEL;
    if (rc == RES_OK)
        rc = check_place(r, &(struct contact_entry){q.terminal, q.version});
    if (rc != RES_OK)
        return rc;
    record_again(&r->record, &r->label);
    rc = credential_update(&r->record, &r->d->config.window, r->head.size, &q, &proof);
    if (rc == RES_OK)
        combined_proof_put(&w, &proof);
    return rc == RES_OK ? writer_end(&w) : rc;
}

/* ---- owners ---- */

static int
ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Version 0 and all of the ladders of greatest, each once, ascending. */
static unsigned
init_steps(const uint32_t *greatest, unsigned n, uint32_t *ret)
{
    unsigned all = 1, kept = 0;

    ret[0] = 0;
    for (unsigned i = 0; i < n; i++)
        all += ladder_base(greatest[i], ret + all);
    qsort(ret, all, sizeof(*ret), ascending);
    for (unsigned i = 1; i < all; i++)
        if (ret[i] != ret[kept])
            ret[++kept] = ret[i];
    return kept + 1;
}

static enum result
write_owner_init(struct directory_reader *r, struct kt_optional last, const uint32_t *greatest,
                 unsigned n, struct buf *out)
{
    uint32_t steps[1 + SEARCH_TREE_HEIGHT_MAX * LADDER_STEPS_MAX];
    struct owner_init_response a;
    struct writer w = writer_to(&r->info);
    unsigned count = init_steps(greatest, n, steps);
    enum result rc = RES_OK;

    buf_clear(&r->ladder);
    buf_clear(&r->info);
    for (unsigned i = 0; i < n; i++)
        put_u32(&w, greatest[i]);
    rc = writer_end(&w);
    for (unsigned i = 0; i < count && rc == RES_OK; i++)
        rc = walk_step(r, steps[i], n > 0 ? (int64_t)greatest[0] : -1, -1);
    if (rc == RES_OK)
        rc = walk_proof(r, &a.proof);
    if (rc != RES_OK)
        return rc;
    walk_head(r, last, &a.head);
    a.greatest_versions = (struct proof_queue){buf_span(&r->info), n};
    a.ladder = (struct proof_queue){buf_span(&r->ladder), count};
    w = writer_to(out);
    owner_init_response_put(&w, &a);
    return writer_end(&w);
}

enum result
answer_owner_init(struct directory_reader *r, struct span request, struct buf *out)
{
    uint32_t greatest[SEARCH_TREE_HEIGHT_MAX + 1];
    struct reader in = reader_of(request);
    struct owner_init_request q;
    struct search_path entries;
    unsigned n = 0;

    owner_init_request_get(&in, &q);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = answer_find(r, q.label);
    if (rc == RES_OK)
        rc = walk_begin(r, q.last);
    if (rc == RES_OK)
        rc = owner_init_entries(&r->t, q.start, &entries);
    for (unsigned i = 0; rc == RES_OK && i < entries.n; i++) {
        int64_t v;
        rc = target_greatest_at(&r->target, entries.at[i], &v);
        if (rc == RES_OK && v >= 0)
            greatest[n++] = (uint32_t)v;
    }
    if (rc == RES_OK)
        rc = owner_init(&r->t, &entries, greatest, n);
    return rc == RES_OK ? write_owner_init(r, q.last, greatest, n, out) : rc;
}

enum result
answer_owner_monitor(struct directory_reader *r, struct span request, struct buf *out)
{
    struct reader in = reader_of(request);
    struct owner_monitor_request q;
    struct owner_state owner;
    struct contact_waiting waiting;
    uint64_t reached;

    owner_monitor_request_get(&in, &q);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = answer_find(r, q.label);
    if (rc == RES_OK && q.start >= r->head.size)
        rc = RES_RANGE;
    if (rc == RES_OK)
        rc = check_map(r, &q.map);
    if (rc == RES_OK)
        rc = target_greatest_at(&r->target, q.start, &owner.at_start);
    int64_t advertised = version_of(q.greatest_version);
    if (rc == RES_OK && (advertised > greatest_of(r) || advertised < owner.at_start))
        rc = RES_KT_NO_VERSION;
    if (rc == RES_OK)
        rc = answer_upcoming(r, owner.at_start, advertised);
    if (rc == RES_OK)
        rc = walk_begin(r, q.last);
    if (rc != RES_OK)
        return rc;
    owner.start = waiting.start = q.start;
    owner.upcoming = r->upcoming;
    owner.upcoming_n = (size_t)(advertised - owner.at_start);
    r->record.steps_max = READER_LADDERS_MAX;
    rc = contact_monitor(&r->t, &waiting, &q.map);
    if (rc == RES_OK)
        rc = owner_monitor(&r->t, &owner, &reached);
    return rc == RES_OK ? write_proof(r, q.last, out) : rc;
}
