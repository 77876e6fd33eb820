/* Checking a directory: rows, each against the label, the State and the row before that it names.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log/directory/check_private.h"
#include "log/directory/keyring.h"
#include "log/directory/versions.h"
#include "merkle/keytrans/commitment.h"

/* A LabelText: the number, a length, the text. */
#define TEXT_HEAD 6
/* uint32 total; opaque all[32] */
#define TOTAL (4 + HASH_SIZE)

/* A label as a row names it. */
struct named {
    uint64_t number;
    size_t size; /* bytes of the LabelText */
    bool erased;
    struct label text; /* unless erased */
};

/* Reads it.  RES_STORE_DAMAGED when it cannot be one. */
static enum result
read_label(struct checking *k, const struct version_row *row, struct named *ret)
{
    struct span head;
    enum result rc = shelf_get_bytes(k->view, row->label, TEXT_HEAD, NULL, &head);

    if (rc != RES_OK)
        return rc;
    ret->size = TEXT_HEAD + head.p[TEXT_HEAD - 1];
    rc = versions_label(k->view, k->keys, row->label, &ret->text, &ret->number);
    ret->erased = rc == RES_ABSENT;
    if (rc == RES_OK && !label_is(span_of(ret->text.b, ret->text.n)))
        rc = RES_STORE_DAMAGED;
    return rc == RES_ABSENT ? RES_OK : rc;
}

static enum result
check_print(struct checking *k, uint64_t seq, const struct version_row *row, const struct named *n)
{
    struct hash key;

    if (n->erased)
        return RES_OK;
    keyring_label_key(k->keys, span_of(n->text.b, n->text.n), &key);
    if (memcmp(row->print, key.b + 8, sizeof(row->print)) != 0)
        check_tell(k, "row", seq, "has another print than its label's");
    return RES_OK;
}

/* ---- what it holds ---- */

/* A mailbox's State begins, behind its form, with what its value ends with: total and all.  Nobody
 * reads them there. */
static bool
same_total(const struct checking *k, uint8_t kind)
{
    struct span state = buf_span(&k->held.bytes), value = buf_span(&k->value);

    return kind != LABEL_MAILBOX || memcmp(state.p + 1, value.p + value.n - TOTAL, TOTAL) == 0;
}

/* The State gives a value, and the commitment is to it. */
static enum result
check_held(struct checking *k, uint64_t seq, const struct version_row *row, const struct named *n,
           uint64_t timestamp)
{
    static const uint8_t length[4];
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    struct hash commitment;

    buf_clear(&k->value);
    enum result rc = buf_add(&k->value, span_of(length, sizeof(length)));
    if (rc == RES_OK)
        rc = held_value(&k->held, n->text.b[0], n->number, row, timestamp, &k->value);
    if (rc != RES_OK) {
        if (!check_ends(rc))
            check_tell(k, "row", seq, "has a State that cannot be read");
        return check_ends(rc) ? rc : RES_OK;
    }
    size_t value_n = k->value.n - sizeof(length);
    for (int i = 4; i-- > 0; value_n >>= 8)
        k->value.p[i] = (uint8_t)value_n;
    rc = keyring_opening(k->keys, n->number, row->version, opening);
    if (rc == RES_OK)
        rc = commitment_make(opening, span_of(n->text.b, n->text.n), row->version,
                             buf_span(&k->value), &commitment);
    if (rc == RES_ABSENT) /* erased a moment ago */
        return RES_OK;
    if (rc != RES_OK)
        return rc;
    if (!hash_equal(&commitment, &row->leaf.commitment))
        check_tell(k, "row", seq, "has a commitment that its State does not give");
    if (!same_total(k, n->text.b[0]))
        check_tell(k, "row", seq, "has a State with another total than its records give");
    return RES_OK;
}

/* ---- which version of which label it is ---- */

static enum result
make_room(struct checking *k, uint64_t number)
{
    size_t cap = k->last_cap == 0 ? 1024 : 2 * k->last_cap;

    if (number < k->last_cap)
        return RES_OK;
    while (cap <= number)
        cap *= 2;
    uint64_t *last = realloc(k->last, cap * sizeof(*last));
    if (last == NULL)
        return RES_MEMORY;
    for (size_t i = k->last_cap; i < cap; i++)
        last[i] = CHECK_NO_ROW;
    k->last = last;
    k->last_cap = cap;
    return RES_OK;
}

/* A label's first version: the label is new, and its text follows in the stream. */
static enum result
check_first(struct checking *k, uint64_t seq, const struct version_row *row, const struct named *n)
{
    enum result rc = check_place(k, "row", seq, row->label, n->size);

    if (rc == RES_OK)
        rc = make_room(k, n->number);
    if (rc != RES_OK)
        return rc;
    if (n->number < k->labels || k->last[n->number] != CHECK_NO_ROW) {
        check_tell(k, "row", seq, "begins a label that there is already");
        return RES_OK;
    }
    k->last[n->number] = seq;
    k->fresh++;
    k->ret->erased += n->erased;
    return RES_OK;
}

/* Another version: it follows on the newest of its label. */
static enum result
check_later(struct checking *k, uint64_t seq, const struct version_row *row, const struct named *n)
{
    struct version_row before;

    if (n->number >= k->last_cap || k->last[n->number] == CHECK_NO_ROW) {
        check_tell(k, "row", seq, "is a later version of a label that there is not");
        return RES_OK;
    }
    if (k->last[n->number] != row->previous)
        check_tell(k, "row", seq, "does not follow on its label's newest row");
    enum result rc = shelf_get_version(k->view, k->last[n->number], &before);
    if (rc != RES_OK)
        return check_ends(rc) ? rc : RES_OK; /* told when it was its turn */
    if (before.version + 1 != row->version || before.label != row->label ||
        before.entry >= row->entry || memcmp(before.print, row->print, sizeof(row->print)) != 0)
        check_tell(k, "row", seq, "does not fit the row of the version before");
    k->last[n->number] = seq;
    return RES_OK;
}

enum result
check_row(struct checking *k, uint64_t seq, uint64_t i, uint64_t timestamp, struct prefix_leaf *ret)
{
    struct version_row row;
    struct named n = {.erased = true};
    enum result rc = shelf_get_version(k->view, seq, &row);

    if (rc != RES_OK)
        return rc;
    *ret = row.leaf;
    if (row.entry != i)
        check_tell(k, "row", seq, "is of another entry");
    rc = read_label(k, &row, &n);
    bool named = rc == RES_OK;
    if (rc != RES_OK && !check_ends(rc)) {
        check_tell(k, "row", seq, "has a label that cannot be read");
        k->lost = k->lost || row.version == 0;
        rc = RES_OK;
    }
    bool tombstone = named && n.number == ERASURE_NUMBER;
    if (rc == RES_OK && named)
        rc = check_print(k, seq, &row, &n);
    if (rc == RES_OK && tombstone)
        rc = check_tombstone(k, seq, &row, timestamp);
    else if (rc == RES_OK && named)
        rc = row.version == 0 ? check_first(k, seq, &row, &n) : check_later(k, seq, &row, &n);
    if (rc == RES_OK)
        rc = check_place(k, "row", seq, row.state, row.state_n);
    if (rc == RES_OK && named && !n.erased)
        rc = check_held(k, seq, &row, &n, timestamp);
    return rc;
}

/* ---- the labels of one epoch ---- */

static int
compare_texts(const struct label *a, const struct label *b)
{
    size_t n = a->n < b->n ? a->n : b->n;
    int c = memcmp(a->b, b->b, n);

    return c != 0 ? c : (a->n > b->n) - (a->n < b->n);
}

enum result
check_fresh(struct checking *k, uint64_t i)
{
    struct named n, before = {.erased = true};
    struct version_row row;

    for (uint64_t number = k->labels; number < k->labels + k->fresh; number++) {
        if (number >= k->last_cap || k->last[number] == CHECK_NO_ROW) {
            check_tell(k, "entry", i, "leaves out a number of its new labels");
            return RES_OK;
        }
        enum result rc = shelf_get_version(k->view, k->last[number], &row);
        if (rc == RES_OK)
            rc = read_label(k, &row, &n);
        if (rc != RES_OK)
            return check_ends(rc) ? rc : RES_OK; /* told with its row */
        if (n.erased)
            continue;
        if (!before.erased && compare_texts(&before.text, &n.text) >= 0)
            check_tell(k, "entry", i, "numbers its new labels in another order");
        before = n;
    }
    return RES_OK;
}
