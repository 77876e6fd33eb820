/* Checking a directory: proof records, label after label. */
#include <stdlib.h>
#include <string.h>

#include "log/directory/check_private.h"
#include "log/directory/steps.h"
#include "log/directory/versions.h"

/* Labels between two calls of progress. */
#define PROGRESS 256

/* The rows of one label, by version. */
struct rows_of {
    uint64_t *seq;
    size_t n, cap;
    bool named; /* text is there */
    struct label text;
};

/* Finds them, from the newest back.  RES_STORE_DAMAGED when the chain is broken, which was told. */
static enum result
gather(struct checking *k, uint64_t newest, struct rows_of *ret)
{
    struct version_row row;
    uint64_t number;
    enum result rc = shelf_get_version(k->view, newest, &row);

    ret->n = (size_t)row.version + 1;
    if (rc == RES_OK && row.version > newest)
        rc = RES_STORE_DAMAGED;
    if (rc != RES_OK)
        return rc;
    if (ret->n > ret->cap) {
        free(ret->seq);
        ret->cap = 0;
        ret->seq = calloc(ret->n, sizeof(*ret->seq));
        if (ret->seq == NULL)
            return RES_MEMORY;
        ret->cap = ret->n;
    }
    uint64_t seq = newest;
    for (size_t v = ret->n; rc == RES_OK && v-- > 0; seq = row.previous) {
        rc = shelf_get_version(k->view, seq, &row);
        if (rc == RES_OK && row.version != v)
            rc = RES_STORE_DAMAGED;
        ret->seq[v] = seq;
    }
    if (rc != RES_OK)
        return rc;
    rc = versions_label(k->view, k->keys, row.label, &ret->text, &number);
    ret->named = rc == RES_OK;
    return rc == RES_ABSENT ? RES_OK : rc;
}

/* A step: its output is the row's, when the version is there, and the VRF's. */
static enum result
check_step(struct checking *k, const struct rows_of *rows, uint32_t version, const uint8_t *step,
           uint64_t seq)
{
    uint8_t beta[VRF_BETA_SIZE];
    struct vrf_input input;
    struct version_row row;

    if (version < rows->n) {
        enum result rc = shelf_get_version(k->view, rows->seq[version], &row);
        if (rc != RES_OK)
            return rc;
        if (memcmp(row.leaf.key.b, step, HASH_SIZE) != 0)
            check_tell(k, "proof record", seq, "has another VRF output than the version's row");
    }
    if (k->parts->proof_every == 0 || k->steps++ % k->parts->proof_every != 0 || !rows->named)
        return RES_OK;
    enum result rc = vrf_input(span_of(rows->text.b, rows->text.n), version, &input);
    if (rc == RES_OK)
        rc = vrf_verify(&k->vrf, vrf_input_span(&input), step + HASH_SIZE, beta);
    if (check_ends(rc))
        return rc;
    if (rc != RES_OK || memcmp(beta, step, HASH_SIZE) != 0)
        check_tell(k, "proof record", seq, "has a VRF proof that does not verify");
    return RES_OK;
}

static enum result
check_record(struct checking *k, const struct rows_of *rows, uint32_t version)
{
    uint32_t steps[LADDER_STEPS_MAX];
    uint64_t seq = rows->seq[version];
    struct span record;
    enum result rc = shelf_get_proofs(k->view, seq, &record);

    if (rc == RES_ABSENT) /* not made yet */
        return RES_OK;
    unsigned n = steps_of(version, steps);
    if (rc == RES_STORE_DAMAGED || (rc == RES_OK && record.n != (size_t)n * STEP_SIZE)) {
        check_tell(k, "proof record", seq, "has another length than its version's");
        return RES_OK;
    }
    for (unsigned i = 0; i < n && rc == RES_OK; i++)
        rc = check_step(k, rows, steps[i], record.p + (size_t)i * STEP_SIZE, seq);
    k->ret->proofs += n > 0;
    return rc;
}

static enum result
check_label(struct checking *k, struct rows_of *rows, uint64_t number)
{
    enum result rc = RES_OK;

    if (number >= k->last_cap || k->last[number] == CHECK_NO_ROW)
        return RES_OK;
    rc = gather(k, k->last[number], rows);
    for (size_t v = 0; rc == RES_OK && v < rows->n; v++)
        rc = check_record(k, rows, (uint32_t)v);
    return check_ends(rc) ? rc : RES_OK;
}

enum result
check_proofs(struct checking *k)
{
    const struct check_parts *p = k->parts;
    struct rows_of rows = {.seq = NULL};
    enum result rc = RES_OK;

    for (uint64_t n = 0; n < k->labels && rc == RES_OK && !check_full(k); n++) {
        rc = check_label(k, &rows, n);
        if (p->progress != NULL && ((n + 1) % PROGRESS == 0 || n + 1 == k->labels))
            p->progress(p->arg, "labels", n + 1, k->labels);
    }
    free(rows.seq);
    return rc;
}
