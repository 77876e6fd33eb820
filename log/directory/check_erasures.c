/* Checking a directory: tombstones, each against the act of its recipe and the rows before it. */
#include <string.h>

#include "log/directory/check_private.h"
#include "log/directory/erasure.h"
#include "log/directory/versions.h"

/* In a LabelText, behind the number and the length. */
#define TEXT_HEAD 6

/* The act of the entry's recipe by which that row was erased; RES_ABSENT. */
static enum result
find_act(const struct checking *k, uint64_t newest, struct erasure *ret)
{
    struct reader r = reader_of(k->newest.acts);

    for (unsigned i = 0; i < k->newest.acts_n; i++) {
        struct act act;

        act_get(&r, &act);
        if (r.err != RES_OK || act.kind != ACT_ERASE)
            continue;
        struct reader in = reader_of(act.body);
        erasure_get(&in, ret);
        if (reader_end(&in) == RES_OK && ret->newest == newest)
            return RES_OK;
    }
    return RES_ABSENT;
}

/* What the act has of the versions before: all that is left of them, should data.mdb be lost. */
static enum result
check_versions(struct checking *k, uint64_t seq, const struct erasure *e)
{
    size_t n = e->versions.n / ERASURE_VERSION_SIZE;
    uint64_t at = e->newest;
    struct version_row row = {.version = 0};
    enum result rc = RES_OK;

    while (n-- > 0 && rc == RES_OK) {
        struct reader r =
            reader_of(span_of(e->versions.p + n * ERASURE_VERSION_SIZE, ERASURE_VERSION_SIZE));
        struct erasure_version v;

        erasure_version_get(&r, &v);
        rc = at == VERSION_NONE ? RES_STORE_DAMAGED : shelf_get_version(k->view, at, &row);
        if (rc == RES_OK &&
            (row.version != n || v.entry != row.entry || !hash_equal(&v.output, &row.leaf.key) ||
             !hash_equal(&v.commitment, &row.leaf.commitment)))
            rc = RES_STORE_DAMAGED;
        at = row.previous;
    }
    if (rc != RES_OK && !check_ends(rc))
        check_tell(k, "row", seq, "has an act that names other versions than stand");
    return check_ends(rc) ? rc : RES_OK;
}

/* Row and State are those of the act. */
static enum result
check_act(struct checking *k, uint64_t seq, const struct version_row *row, uint64_t number,
          struct span text, struct span state, uint64_t timestamp)
{
    struct buf want = BUF_INIT(ERASURE_STATE_SIZE);
    struct erasure e;

    if (!k->told) /* no recipe is there to compare with */
        return RES_OK;
    if (find_act(k, row->previous, &e) != RES_OK) {
        check_tell(k, "row", seq, "is a tombstone that its recipe does not ask for");
        return RES_OK;
    }
    const struct tombstone t = tombstone_of(&e, timestamp);
    enum result rc = tombstone_write(&t, &want);
    if (rc == RES_OK &&
        (e.number != number || !hash_equal(&e.output, &row->leaf.key) ||
         !hash_equal(&e.commitment, &row->leaf.commitment) ||
         memcmp(text.p, &e.text, ERASURE_TEXT_SIZE) != 0 || !span_equal(state, buf_span(&want))))
        check_tell(k, "row", seq, "is another tombstone than its recipe's");
    buf_release(&want);
    k->erasures -= k->erasures > 0;
    return rc == RES_OK ? check_versions(k, seq, &e) : rc;
}

/* The row that it follows, the newest of a label without a key; its number into *ret. */
static enum result
check_before(struct checking *k, uint64_t seq, const struct version_row *row, uint64_t *ret)
{
    struct version_row before;
    struct label label;
    enum result rc =
        row->version == 0 ? RES_STORE_DAMAGED : shelf_get_version(k->view, row->previous, &before);

    if (rc == RES_OK)
        rc = versions_label(k->view, k->keys, before.label, &label, ret);
    if (rc == RES_OK)
        check_tell(k, "row", seq, "is the tombstone of a label whose key is there");
    if (check_ends(rc))
        return rc;
    if ((rc != RES_OK && rc != RES_ABSENT) || *ret >= k->last_cap ||
        k->last[*ret] != row->previous || before.version + 1 != row->version ||
        before.entry >= row->entry || memcmp(before.print, row->print, sizeof(row->print)) != 0) {
        check_tell(k, "row", seq, "is a tombstone that does not follow on a label's newest row");
        return RES_ABSENT;
    }
    k->last[*ret] = seq;
    return RES_OK;
}

enum result
check_tombstone(struct checking *k, uint64_t seq, const struct version_row *row, uint64_t timestamp)
{
    uint64_t number = 0;
    struct span text, state;
    enum result rc = check_place(k, "row", seq, row->label, (size_t)TEXT_HEAD + ERASURE_TEXT_SIZE);

    if (rc == RES_OK)
        rc = shelf_get_bytes(k->view, row->label + TEXT_HEAD, ERASURE_TEXT_SIZE, NULL, &text);
    if (rc == RES_OK && row->state_n != ERASURE_STATE_SIZE)
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK)
        rc = shelf_get_bytes(k->view, row->state, ERASURE_STATE_SIZE, NULL, &state);
    if (rc != RES_OK) {
        if (!check_ends(rc))
            check_tell(k, "row", seq, "is a tombstone that cannot be read");
        return check_ends(rc) ? rc : RES_OK;
    }
    if (memcmp(text.p + ERASURE_VERSION_KEY + 8, row->print, sizeof(row->print)) != 0)
        check_tell(k, "row", seq, "has another print than its label's");
    rc = check_before(k, seq, row, &number);
    if (rc == RES_OK)
        rc = check_act(k, seq, row, number, text, state, timestamp);
    return rc == RES_ABSENT ? RES_OK : rc;
}

enum result
check_erased(struct checking *k)
{
    for (uint64_t n = 0; n < k->labels && !check_full(k); n++) {
        struct version_row row;
        struct label label;
        uint64_t number = ERASURE_NUMBER;

        if (n >= k->last_cap || k->last[n] == CHECK_NO_ROW)
            continue;
        enum result rc = shelf_get_version(k->view, k->last[n], &row);
        if (rc == RES_OK)
            rc = versions_label(k->view, k->keys, row.label, &label, &number);
        if (check_ends(rc))
            return rc;
        if (rc == RES_ABSENT && number != ERASURE_NUMBER)
            check_tell(k, "row", k->last[n], "is of a label whose key is gone, and no tombstone");
    }
    return RES_OK;
}
