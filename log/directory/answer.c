/* Answers to searches, of both kinds; absence; what a label was at a time; recent heads;
 * credentials. */
#include "log/directory/reader_private.h"
#include "merkle/keytrans/as_of.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/search.h"

/* The ladder of target: with commitments of all that there are, but target's. */
static enum result
write_ladder(struct directory_reader *r, uint32_t target)
{
    uint32_t steps[LADDER_STEPS_MAX];
    unsigned n = ladder_base(target, steps);
    enum result rc = RES_OK;

    buf_clear(&r->ladder);
    for (unsigned i = 0; i < n && rc == RES_OK; i++)
        rc = walk_step(r, steps[i], UINT32_MAX, target);
    return rc;
}

static struct proof_queue
ladder_queue(const struct directory_reader *r, uint32_t target)
{
    uint32_t steps[LADDER_STEPS_MAX];

    return (struct proof_queue){buf_span(&r->ladder), ladder_base(target, steps)};
}

static enum result
write_search(struct directory_reader *r, struct kt_optional last, bool greatest, uint32_t version,
             struct buf *out)
{
    struct search_response a = {.version = version};
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    struct version_row row;
    struct writer w = writer_to(out);
    uint64_t seq;
    enum result rc = target_row(&r->target, version, &seq, &row);

    if (rc == RES_OK)
        rc = write_ladder(r, version);
    if (rc == RES_OK)
        rc = walk_value(r, &row, opening);
    if (rc == RES_OK)
        rc = walk_proof(r, &a.proof);
    if (rc != RES_OK)
        return rc;
    walk_head(r, last, &a.head);
    a.opening = span_of(opening, sizeof(opening));
    a.value = buf_span(&r->value);
    a.ladder = ladder_queue(r, version);
    search_response_put(&w, greatest, &a);
    return writer_end(&w);
}

/* AbsenceResponse: FORMATS.md, "Absence". */
static enum result
write_absence(struct directory_reader *r, struct kt_optional last, struct buf *out)
{
    struct absence_response a;
    struct writer w = writer_to(out);
    const uint8_t *step;
    enum result rc = walk_begin(r, last);

    if (rc == RES_OK)
        rc = search_absent(&r->t);
    if (rc == RES_OK)
        rc = target_step(&r->target, 0, &step);
    if (rc == RES_OK)
        rc = walk_proof(r, &a.proof);
    if (rc != RES_OK)
        return rc;
    walk_head(r, last, &a.head);
    a.vrf_proof = span_of(step + HASH_SIZE, KT_VRF_PROOF_SIZE);
    absence_response_put(&w, &a);
    rc = writer_end(&w);
    return rc == RES_OK ? RES_KT_NO_LABEL : rc;
}

static enum result
search_for(struct directory_reader *r, struct span label, struct kt_optional last,
           struct kt_optional version, struct buf *out)
{
    uint64_t terminal;
    enum result rc = snapshot_label(r, label);

    if (rc != RES_OK)
        return rc;
    if (!r->target.present)
        return version.has ? RES_KT_NO_LABEL : write_absence(r, last, out);
    if (version.has && version.value > r->target.greatest)
        return RES_KT_NO_VERSION;
    if (version.has && r->target.erased && version.value < r->target.greatest)
        return write_erased(r, (uint32_t)version.value, (uint32_t)version.value, out);
    rc = walk_begin(r, last);
    if (rc == RES_OK)
        rc = version.has ? search_fixed(&r->t, (uint32_t)version.value, &terminal)
                         : search_greatest(&r->t, r->target.greatest, &terminal);
    if (rc != RES_OK)
        return rc;
    return write_search(r, last, !version.has,
                        version.has ? (uint32_t)version.value : r->target.greatest, out);
}

static enum result
answer_search(struct directory_reader *r, struct span request, struct buf *out)
{
    struct reader in = reader_of(request);
    struct search_request q;

    search_request_get(&in, &q);
    enum result rc = reader_end(&in);
    if (rc == RES_OK && !label_is(q.label))
        rc = RES_VALUE; /* another spelling would be proved to be absent */
    return rc == RES_OK ? search_for(r, q.label, q.last, q.version, out) : rc;
}

static enum result
answer_distinguished(struct directory_reader *r, struct span request, struct buf *out)
{
    struct reader in = reader_of(request);
    struct distinguished_request q;
    struct proof_response a;
    struct writer w = writer_to(out);
    struct heads heads;

    distinguished_request_get(&in, &q);
    enum result rc = reader_end(&in);
    if (rc == RES_OK)
        rc = walk_begin(r, q.last);
    if (rc == RES_OK)
        rc = heads_walk(&r->t, q.stop.has ? &q.stop.value : NULL, &heads);
    if (rc == RES_OK)
        rc = walk_proof(r, &a.proof);
    if (rc != RES_OK)
        return rc;
    walk_head(r, q.last, &a.head);
    proof_response_put(&w, &a);
    return writer_end(&w);
}

/* ---- as of a time ---- */

/* The newest entry whose timestamp is not later than time; false when there is none. */
static enum result
entry_at(struct directory_reader *r, uint64_t time, uint64_t *ret, bool *ret_found)
{
    uint64_t lo = 0, hi = r->head.size; /* entries below lo are not later, those from hi on are */

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        struct entry_row row;
        enum result rc = shelf_get_entry(r->view, mid, &row);
        if (rc != RES_OK)
            return rc;
        if (row.feed.timestamp <= time)
            lo = mid + 1;
        else
            hi = mid;
    }
    *ret_found = lo > 0;
    *ret = lo - 1;
    return RES_OK;
}

static enum result
claim(struct directory_reader *r, uint64_t time, struct as_of *ret)
{
    struct version_row row;
    uint64_t at, seq;
    int64_t version = -1;
    bool found;
    enum result rc = entry_at(r, time, &at, &found);

    if (rc == RES_OK && found)
        rc = target_greatest_at(&r->target, at, &version);
    *ret = (struct as_of){.has_version = version >= 0};
    if (rc == RES_OK && version >= 0) {
        ret->version = (uint32_t)version;
        rc = target_row(&r->target, ret->version, &seq, &row);
        ret->first = row.entry;
    }
    if (rc == RES_OK && r->target.present && version < (int64_t)r->target.greatest) {
        ret->followed = true;
        rc = target_row(&r->target, (uint32_t)(version + 1), &seq, &row);
        ret->next = row.entry;
    }
    return rc;
}

/* AsOfResponse: FORMATS.md, "As of a time". */
static enum result
write_as_of(struct directory_reader *r, struct kt_optional last, const struct as_of *a,
            struct buf *out)
{
    struct writer w = writer_to(out);
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    struct combined_proof proof;
    struct version_row row;
    struct full_head head;
    uint64_t seq;
    enum result rc = RES_OK;

    if (a->has_version) {
        rc = target_row(&r->target, a->version, &seq, &row);
        if (rc == RES_OK)
            rc = walk_value(r, &row, opening);
        if (rc == RES_OK)
            rc = write_ladder(r, a->version);
    } else {
        buf_clear(&r->ladder);
        for (uint32_t v = 0; v < 2 && rc == RES_OK; v++)
            rc = walk_step(r, v, UINT32_MAX, -1);
    }
    if (rc == RES_OK)
        rc = walk_proof(r, &proof);
    if (rc != RES_OK)
        return rc;
    walk_head(r, last, &head);
    as_of_response_put(
        &w, &(struct as_of_response){.head = head,
                                     .version = {a->has_version, a->version},
                                     .first = a->first,
                                     .next = {a->followed, a->next},
                                     .opening = span_of(opening, sizeof(opening)),
                                     .value = buf_span(&r->value),
                                     .ladder = ladder_queue(r, a->has_version ? a->version : 0),
                                     .proof = proof});
    return writer_end(&w);
}

static enum result
as_of_for(struct directory_reader *r, struct span label, struct kt_optional last, uint64_t time,
          struct buf *out)
{
    struct as_of a;
    enum result rc = snapshot_label(r, label);

    if (rc == RES_OK)
        rc = claim(r, time, &a);
    if (rc == RES_OK && r->target.erased && a.has_version && a.version < r->target.greatest)
        return write_erased(r, a.version, a.version, out);
    if (rc == RES_OK)
        rc = walk_begin(r, last);
    if (rc == RES_OK)
        rc = as_of_show(&r->t, &a, time);
    return rc == RES_OK ? write_as_of(r, last, &a, out) : rc;
}

static enum result
answer_as_of(struct directory_reader *r, struct span request, struct buf *out)
{
    struct reader in = reader_of(request);
    struct as_of_request q;

    as_of_request_get(&in, &q);
    enum result rc = reader_end(&in);
    if (rc == RES_OK && !label_is(q.label))
        rc = RES_VALUE;
    return rc == RES_OK ? as_of_for(r, q.label, q.last, q.time, out) : rc;
}

/* ---- all of them ---- */

enum result
directory_answer(struct directory_reader *r, enum directory_ask ask, struct span request,
                 struct buf *out)
{
    static enum result (*const answers[])(struct directory_reader *, struct span, struct buf *) = {
        [DIRECTORY_SEARCH] = answer_search,
        [DIRECTORY_CONTACT_MONITOR] = answer_contact,
        [DIRECTORY_OWNER_INIT] = answer_owner_init,
        [DIRECTORY_OWNER_MONITOR] = answer_owner_monitor,
        [DIRECTORY_UPDATE] = answer_update,
        [DIRECTORY_DISTINGUISHED] = answer_distinguished,
        [DIRECTORY_CREDENTIAL_UPDATE] = answer_credential_update,
        [DIRECTORY_AS_OF] = answer_as_of,
    };
    size_t mark = out->n;
    enum result rc = snapshot_begin(r);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_BUSY : rc;
    rc = answers[ask](r, request, out);
    if (rc != RES_OK && rc != RES_KT_NO_LABEL && rc != RES_ERASED)
        out->n = mark;
    snapshot_end(r);
    return rc;
}

enum result
directory_lookup(struct directory_reader *r, const struct label *label, struct kt_optional last,
                 struct kt_optional at, struct buf *out, struct directory_found *ret)
{
    struct span text = span_of(label->b, label->n);
    struct entry_row row;
    size_t mark = out->n;
    enum result rc = snapshot_begin(r);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_BUSY : rc;
    buf_clear(&r->value);
    rc = shelf_get_entry(r->view, r->head.size - 1, &row);
    if (rc == RES_OK)
        rc = at.has ? as_of_for(r, text, last, at.value, out)
                    : search_for(r, text, last, (struct kt_optional){false, 0}, out);
    if (rc == RES_OK || rc == RES_KT_NO_LABEL || rc == RES_ERASED) {
        ret->size = r->head.size;
        ret->feed = row.feed;
        ret->present = rc == RES_OK && r->value.n > 0;
        ret->value = buf_span(&r->value);
    } else {
        out->n = mark;
    }
    snapshot_end(r);
    return rc;
}
