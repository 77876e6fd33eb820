#include "client/directory/proved.h"

#include <stdlib.h>
#include <string.h>

#include "merkle/keytrans/commitment.h"
#include "merkle/keytrans/response.h"
#include "merkle/keytrans/search.h"
#include "merkle/keytrans/view.h"

/* One answer while it is taken apart. */
struct work {
    const struct proved_by *by;
    struct transcript t;
    struct consumer c;
    uint64_t size;
    bool updated;
    struct span signature;
};

/* ---- the head and the walk ---- */

/* "same" means the tree that was kept, "updated" a greater one. */
static enum result
size_of(const struct proved_by *by, const struct full_head *h, uint64_t *ret)
{
    uint64_t last = by->last == NULL ? 0 : by->last->peaks.size;

    if (h->updated ? h->size <= last : last == 0)
        return RES_RANGE;
    *ret = h->updated ? h->size : last;
    return RES_OK;
}

static enum result
begin(const struct proved_by *by, const struct full_head *h, const struct combined_proof *proof,
      const struct consume_version *steps, size_t n, struct work **ret)
{
    struct work *w = malloc(sizeof(*w));

    if (w == NULL)
        return RES_MEMORY;
    w->by = by;
    w->updated = h->updated;
    w->signature = h->signature;
    enum result rc = size_of(by, h, &w->size);
    if (rc == RES_OK) {
        consume_init(&w->c, proof, steps, n);
        struct transcript_source source = consume_source(&w->c);
        rc = transcript_init(&w->t, w->size, &by->config->window, by->last, &source);
    }
    if (rc == RES_OK)
        rc = view_update(&w->t);
    if (rc != RES_OK) {
        free(w);
        return rc;
    }
    *ret = w;
    return RES_OK;
}

/* All that was proved hangs on the root, the root on the signature, the signature on its time. */
static enum result
end(struct work *w, struct proved_head *ret)
{
    struct proved_head h = {.size = w->size, .is_signed = w->updated, .timestamp = w->t.newest};
    struct hash kept;
    enum result rc = consume_finish(&w->c, &w->t, &h.root, &h.view);

    if (rc == RES_OK && w->updated) {
        rc = kt_head_verify(w->by->config, h.size, &h.root, w->signature);
        if (rc == RES_OK)
            memcpy(h.signature, w->signature.p, sizeof(h.signature));
    } else if (rc == RES_OK) {
        logtree_root(&w->by->last->peaks, &kept);
        rc = hash_equal(&kept, &h.root) ? RES_OK : RES_ROOT_DIFFERS;
    }
    if (rc == RES_OK)
        rc = view_fresh(&w->t, w->by->config, w->by->now);
    if (rc == RES_OK)
        *ret = h;
    return rc;
}

/* Commitments that no entry showed are forgotten: they would be believed later. */
static void
keep_shown(const struct work *w, struct consume_version *steps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        steps[i].has_commitment = steps[i].has_commitment && consume_shown(&w->c, i);
}

/* ---- ladders ---- */

/* Reads the next step, which must be version's, and verifies its VRF proof. */
static enum result
take_step(const struct proved_by *by, struct span label, uint32_t version, struct reader *in,
          struct consume_version *ret)
{
    uint8_t beta[VRF_BETA_SIZE];
    struct ladder_step step;
    struct vrf_input alpha;
    enum result rc;

    ladder_step_get(in, &step);
    if (in->err != RES_OK)
        return in->err;
    rc = vrf_input(label, version, &alpha);
    if (rc == RES_OK)
        rc = vrf_verify(by->vrf, vrf_input_span(&alpha), step.proof.p, beta);
    if (rc != RES_OK)
        return rc;
    ret->version = version;
    memcpy(ret->key.b, beta, HASH_SIZE);
    ret->has_commitment = step.has_commitment;
    ret->commitment = step.commitment;
    return RES_OK;
}

static enum result
take_steps(const struct proved_by *by, struct span label, const uint32_t *versions, size_t n,
           const struct proof_queue *ladder, struct consume_version *ret)
{
    struct reader in = reader_of(ladder->bytes);
    enum result rc = ladder->n == n ? RES_OK : RES_KT_COUNT;

    for (size_t i = 0; i < n && rc == RES_OK; i++)
        rc = take_step(by, label, versions[i], &in, &ret[i]);
    return rc == RES_OK ? reader_end(&in) : rc;
}

static int
by_version(const void *a, const void *b)
{
    const struct consume_version *x = a, *y = b;

    return (x->version > y->version) - (x->version < y->version);
}

/* The commitment to value at version, which the ladder may not give itself. */
static enum result
open_commitment(struct span label, uint32_t version, struct span opening, struct span value,
                struct consume_version *step)
{
    struct buf update = BUF_INIT(value.n + 4);
    struct writer w = writer_to(&update);
    enum result rc;

    if (step->has_commitment)
        return RES_COMMITMENT;
    label_value_put(&w, value);
    rc = writer_end(&w);
    if (rc == RES_OK)
        rc = commitment_make(opening.p, label, version, buf_span(&update), &step->commitment);
    buf_release(&update);
    step->has_commitment = rc == RES_OK;
    return rc;
}

enum result
proved_ladder(const struct proved_by *by, struct span label, uint32_t target, struct span opening,
              struct span value, const struct proof_queue *ladder,
              struct consume_version ret[static LADDER_STEPS_MAX], size_t *ret_n)
{
    uint32_t versions[LADDER_STEPS_MAX];
    unsigned n = ladder_base(target, versions);
    enum result rc = take_steps(by, label, versions, n, ladder, ret);

    for (unsigned i = 0; i < n && rc == RES_OK; i++)
        if (versions[i] == target)
            rc = open_commitment(label, target, opening, value, &ret[i]);
    qsort(ret, n, sizeof(*ret), by_version);
    *ret_n = n;
    return rc;
}

/* ---- searches ---- */

static uint64_t
timestamp_at(const struct transcript *t, uint64_t position)
{
    const struct transcript_entry *e = transcript_find(t, position);

    return e == NULL ? 0 : e->entry.timestamp;
}

enum result
proved_search(const struct proved_by *by, struct span label, struct kt_optional version,
              struct span answer, struct proved_search *ret)
{
    struct reader in = reader_of(answer);
    struct search_response a;
    struct work *w;

    search_response_get(&in, !version.has, &a);
    enum result rc = reader_end(&in);
    if (rc != RES_OK)
        return rc;
    ret->version = version.has ? (uint32_t)version.value : a.version;
    rc = proved_ladder(by, label, ret->version, a.opening, a.value, &a.ladder, ret->steps,
                       &ret->steps_n);
    if (rc == RES_OK)
        rc = begin(by, &a.head, &a.proof, ret->steps, ret->steps_n, &w);
    if (rc != RES_OK)
        return rc;
    rc = version.has ? search_fixed(&w->t, ret->version, &ret->terminal)
                     : search_greatest(&w->t, ret->version, &ret->terminal);
    if (rc == RES_OK)
        rc = search_must_monitor(&w->t, ret->terminal, &ret->must_monitor);
    if (rc == RES_OK)
        rc = end(w, &ret->head);
    if (rc == RES_OK) {
        ret->value = a.value;
        ret->terminal_ms = timestamp_at(&w->t, ret->terminal);
        keep_shown(w, ret->steps, ret->steps_n);
    }
    free(w);
    return rc;
}

enum result
proved_absence(const struct proved_by *by, struct span label, struct span answer,
               struct proved_head *ret)
{
    struct reader in = reader_of(answer);
    struct consume_version step = {.version = 0};
    struct absence_response a;
    uint8_t beta[VRF_BETA_SIZE];
    struct vrf_input alpha;
    struct work *w;

    absence_response_get(&in, &a);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = vrf_input(label, 0, &alpha);
    if (rc == RES_OK)
        rc = vrf_verify(by->vrf, vrf_input_span(&alpha), a.vrf_proof.p, beta);
    if (rc != RES_OK)
        return rc;
    memcpy(step.key.b, beta, HASH_SIZE);
    rc = begin(by, &a.head, &a.proof, &step, 1, &w);
    if (rc != RES_OK)
        return rc;
    rc = search_absent(&w->t);
    if (rc == RES_OK)
        rc = end(w, ret);
    free(w);
    return rc;
}

enum result
proved_as_of(const struct proved_by *by, struct span label, uint64_t time, struct span answer,
             struct proved_as_of *ret)
{
    struct reader in = reader_of(answer);
    struct as_of_response a;
    struct work *w;

    ret->must_monitor = false;
    ret->steps_n = 2;
    as_of_response_get(&in, &a);
    enum result rc = reader_end(&in);
    if (rc == RES_OK && a.version.has)
        rc = proved_ladder(by, label, (uint32_t)a.version.value, a.opening, a.value, &a.ladder,
                           ret->steps, &ret->steps_n);
    else if (rc == RES_OK)
        rc = take_steps(by, label, (const uint32_t[]){0, 1}, 2, &a.ladder, ret->steps);
    if (rc == RES_OK)
        rc = begin(by, &a.head, &a.proof, ret->steps, ret->steps_n, &w);
    if (rc != RES_OK)
        return rc;
    ret->claim =
        (struct as_of){a.version.has, (uint32_t)a.version.value, a.first, a.next.has, a.next.value};
    rc = as_of_show(&w->t, &ret->claim, time);
    if (rc == RES_OK && a.version.has)
        rc = search_must_monitor(&w->t, a.first, &ret->must_monitor);
    if (rc == RES_OK)
        rc = end(w, &ret->head);
    if (rc == RES_OK) {
        ret->begins = a.version.has ? timestamp_at(&w->t, a.first) : 0;
        ret->ends = a.next.has ? timestamp_at(&w->t, a.next.value) : 0;
        ret->value = a.value;
        keep_shown(w, ret->steps, ret->steps_n);
    }
    free(w);
    return rc;
}

enum result
proved_distinguished(const struct proved_by *by, struct span answer, struct proved_heads *ret)
{
    return proved_distinguished_since(by, NULL, answer, ret);
}

enum result
proved_distinguished_since(const struct proved_by *by, const uint64_t *stop, struct span answer,
                           struct proved_heads *ret)
{
    struct reader in = reader_of(answer);
    struct proof_response a;
    struct work *w;

    proof_response_get(&in, &a);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = begin(by, &a.head, &a.proof, NULL, 0, &w);
    if (rc != RES_OK)
        return rc;
    rc = heads_walk(&w->t, stop, &ret->heads);
    if (rc == RES_OK)
        rc = end(w, &ret->head);
    for (unsigned i = 0; i < ret->heads.n && rc == RES_OK; i++) {
        rc = consume_earlier(&w->c, &w->t, ret->heads.at[i] + 1, &ret->views[i]);
        if (rc == RES_OK)
            logtree_root(&ret->views[i].peaks, &ret->roots[i]);
    }
    free(w);
    return rc;
}

/* ---- following ---- */

enum result
proved_contact(const struct proved_by *by, const struct consume_version *steps, size_t steps_n,
               struct contact_map *map, struct span answer, struct proved_head *ret)
{
    struct reader in = reader_of(answer);
    struct contact_map moved = *map;
    struct proof_response a;
    struct work *w;

    proof_response_get(&in, &a);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = begin(by, &a.head, &a.proof, steps, steps_n, &w);
    if (rc != RES_OK)
        return rc;
    rc = contact_map_valid(&moved, w->size) ? contact_monitor(&w->t, NULL, &moved) : RES_RANGE;
    if (rc == RES_OK)
        rc = end(w, ret);
    if (rc == RES_OK)
        *map = moved;
    free(w);
    return rc;
}

/* ---- owners ---- */

static int
ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Version 0 and all of the ladders of greatest, each once, ascending. */
static enum result
init_versions(const uint32_t *greatest, unsigned n, uint32_t ret[static PROVED_STEPS_MAX],
              size_t *ret_n)
{
    uint32_t all[1 + (SEARCH_TREE_HEIGHT_MAX + 1) * LADDER_STEPS_MAX] = {0};
    size_t count = 1, kept = 0;

    for (unsigned i = 0; i < n; i++)
        count += ladder_base(greatest[i], all + count);
    qsort(all, count, sizeof(*all), ascending);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && ret[kept - 1] == all[i])
            continue;
        if (kept == PROVED_STEPS_MAX)
            return RES_TOO_LARGE;
        ret[kept++] = all[i];
    }
    *ret_n = kept;
    return RES_OK;
}

static enum result
read_greatest(const struct proof_queue *q, uint32_t *ret)
{
    struct reader in = reader_of(q->bytes);

    if (q->n > SEARCH_TREE_HEIGHT_MAX + 1)
        return RES_KT_COUNT;
    for (unsigned i = 0; i < q->n; i++)
        ret[i] = get_u32(&in);
    return reader_end(&in);
}

enum result
proved_owner_init(const struct proved_by *by, struct span label, uint64_t start, struct span answer,
                  struct proved_owner_init *ret)
{
    uint32_t greatest[SEARCH_TREE_HEIGHT_MAX + 1], versions[PROVED_STEPS_MAX];
    struct reader in = reader_of(answer);
    struct owner_init_response a;
    struct search_path entries;
    struct work *w;

    owner_init_response_get(&in, &a);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = read_greatest(&a.greatest_versions, greatest);
    if (rc == RES_OK)
        rc = init_versions(greatest, a.greatest_versions.n, versions, &ret->steps_n);
    if (rc == RES_OK)
        rc = take_steps(by, label, versions, ret->steps_n, &a.ladder, ret->steps);
    if (rc == RES_OK)
        rc = begin(by, &a.head, &a.proof, ret->steps, ret->steps_n, &w);
    if (rc != RES_OK)
        return rc;
    rc = owner_init_entries(&w->t, start, &entries);
    if (rc == RES_OK)
        rc = owner_init(&w->t, &entries, greatest, a.greatest_versions.n);
    if (rc == RES_OK)
        rc = end(w, &ret->head);
    if (rc == RES_OK)
        keep_shown(w, ret->steps, ret->steps_n);
    ret->greatest = a.greatest_versions.n > 0 ? (int64_t)greatest[0] : -1;
    free(w);
    return rc;
}

enum result
proved_owner_monitor(const struct proved_by *by, const struct consume_version *steps,
                     size_t steps_n, const struct owner_state *owner, struct contact_map *map,
                     struct span answer, struct proved_head *ret, uint64_t *ret_start,
                     bool *ret_more)
{
    struct reader in = reader_of(answer);
    struct contact_waiting waiting = {.start = owner->start};
    struct contact_map moved = *map;
    struct proof_response a;
    uint64_t reached = owner->start;
    struct work *w;

    proof_response_get(&in, &a);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = begin(by, &a.head, &a.proof, steps, steps_n, &w);
    if (rc != RES_OK)
        return rc;
    rc = contact_map_valid(&moved, w->size) ? contact_monitor(&w->t, &waiting, &moved) : RES_RANGE;
    if (rc == RES_OK)
        rc = owner_monitor(&w->t, owner, &reached);
    if (rc == RES_OK)
        rc = owner_check_arrived(owner, &waiting, reached);
    if (rc == RES_OK)
        rc = contact_settle(&moved, &waiting, reached);
    if (rc == RES_OK)
        rc = end(w, ret);
    if (rc == RES_OK) {
        *map = moved;
        *ret_start = reached;
        *ret_more = w->c.cut;
    }
    free(w);
    return rc;
}

/* ---- new versions ---- */

/* Base ladder of the last and the new versions, without what was asked for before; ascending. */
static enum result
update_versions(int64_t previous, unsigned count, uint32_t ret[static PROVED_STEPS_MAX],
                size_t *ret_n)
{
    uint32_t had[LADDER_STEPS_MAX] = {0}, all[LADDER_STEPS_MAX + OWNER_NEW_VERSIONS_MAX];
    unsigned had_n = previous >= 0 ? ladder_base((uint32_t)previous, had) : 1;
    unsigned n = ladder_base((uint32_t)(previous + count), all);
    size_t kept = 0;

    for (unsigned i = 1; count > 1 && i <= count; i++)
        all[n++] = (uint32_t)(previous + i);
    qsort(all, n, sizeof(*all), ascending);
    for (unsigned i = 0; i < n; i++) {
        bool known = kept > 0 && ret[kept - 1] == all[i];
        for (unsigned k = 0; k < had_n; k++)
            known = known || had[k] == all[i];
        if (!known)
            ret[kept++] = all[i];
    }
    *ret_n = kept;
    return RES_OK;
}

/* Puts steps that are known beside the new ones, or in the place of those of the same version: what
 * was shown of it stays known. */
static enum result
join_steps(const struct consume_version *known, size_t known_n, struct consume_version *ret,
           size_t *n)
{
    size_t all = *n;

    for (size_t i = 0; i < known_n; i++) {
        bool there = false;
        for (size_t k = 0; k < *n && !there; k++) {
            there = ret[k].version == known[i].version;
            if (there)
                ret[k] = known[i];
        }
        if (there)
            continue;
        if (all == PROVED_STEPS_MAX)
            return RES_TOO_LARGE;
        ret[all++] = known[i];
    }
    qsort(ret, all, sizeof(*ret), by_version);
    *n = all;
    return RES_OK;
}

/* The commitment to value at the step's version; one that was shown before must be the same. */
static enum result
open_new(struct span label, struct span opening, struct span value, struct consume_version *step)
{
    struct consume_version now = {.version = step->version, .key = step->key};
    enum result rc = open_commitment(label, now.version, opening, value, &now);

    if (rc == RES_OK && step->has_commitment && !hash_equal(&step->commitment, &now.commitment))
        rc = RES_CONFLICT;
    if (rc == RES_OK)
        *step = now;
    return rc;
}

/* The commitments of the new versions, from their openings and values. */
static enum result
open_values(struct span label, int64_t previous, const struct update_response *a,
            struct proved_update *ret)
{
    struct reader values = reader_of(a->values.bytes), info = reader_of(a->info.bytes);
    enum result rc = RES_OK;

    for (unsigned i = 0; i < ret->n && rc == RES_OK; i++) {
        uint32_t version = (uint32_t)(previous + 1 + i);
        struct span opening = get_bytes(&info, KT_OPENING_SIZE);
        ret->values[i] = label_value_get(&values);
        rc = values.err != RES_OK ? values.err : info.err;
        for (size_t k = 0; k < ret->steps_n && rc == RES_OK; k++)
            if (ret->steps[k].version == version)
                rc = open_new(label, opening, ret->values[i], &ret->steps[k]);
    }
    return rc;
}

static enum result
update_steps(const struct proved_by *by, struct span label, const struct consume_version *steps,
             size_t steps_n, int64_t previous, const struct update_response *a,
             struct proved_update *ret)
{
    uint32_t versions[PROVED_STEPS_MAX];
    enum result rc = update_versions(previous, ret->n, versions, &ret->steps_n);

    if (rc == RES_OK)
        rc = take_steps(by, label, versions, ret->steps_n, &a->ladder, ret->steps);
    /* All are newer than what the owner knew: the ladder gives no commitment. */
    for (size_t i = 0; i < ret->steps_n && rc == RES_OK; i++)
        rc = ret->steps[i].has_commitment ? RES_COMMITMENT : RES_OK;
    if (rc == RES_OK)
        rc = join_steps(steps, steps_n, ret->steps, &ret->steps_n);
    return rc == RES_OK ? open_values(label, previous, a, ret) : rc;
}

enum result
proved_update(const struct proved_by *by, struct span label, const struct consume_version *steps,
              size_t steps_n, const struct owner_state *owner, const struct contact_map *map,
              struct span answer, struct proved_update *ret)
{
    int64_t previous = owner_greatest(owner);
    struct reader in = reader_of(answer);
    struct update_response a;
    struct work *w;

    update_response_get(&in, &a);
    enum result rc = reader_end(&in);
    if (rc != RES_OK)
        return rc;
    if (a.values.n == 0 || a.values.n != a.info.n || a.values.n > OWNER_NEW_VERSIONS_MAX ||
        previous + a.values.n > (int64_t)UINT32_MAX)
        return RES_KT_COUNT;
    ret->n = a.values.n;
    ret->position = a.position;
    ret->map = *map;
    rc = update_steps(by, label, steps, steps_n, previous, &a, ret);
    if (rc == RES_OK)
        rc = begin(by, &a.head, &a.proof, ret->steps, ret->steps_n, &w);
    if (rc != RES_OK)
        return rc;
    rc = owner_update(&w->t, owner, a.position, ret->n, &ret->map);
    if (rc == RES_OK)
        rc = end(w, &ret->head);
    free(w);
    return rc;
}
