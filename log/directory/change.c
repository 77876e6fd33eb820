#include "log/directory/change.h"

#include <stdlib.h>
#include <string.h>

#include "log/directory/steps.h"
#include "merkle/keytrans/commitment.h"

/* All States of one epoch: a certificate with 87,381 mailboxes makes 17 MB. */
#define STATES_MAX ((size_t)2 << 30)
#define VALUE_MAX_HERE ((size_t)4 + MAILBOX_VALUE_MAX)

void
changes_init(struct changes *c)
{
    memset(c, 0, sizeof(*c));
    c->bytes = BUF_INIT(STATES_MAX);
    c->value = BUF_INIT(VALUE_MAX_HERE);
}

void
changes_release(struct changes *c)
{
    free(c->at);
    c->at = NULL;
    c->n = c->cap = 0;
    buf_release(&c->bytes);
    buf_release(&c->value);
}

void
changes_clear(struct changes *c, uint64_t labels)
{
    c->n = 0;
    c->labels = labels;
    buf_clear(&c->bytes);
}

static enum result
grow(struct changes *c, size_t cap)
{
    struct change *at = realloc(c->at, cap * sizeof(*at));

    if (at == NULL)
        return RES_MEMORY;
    c->at = at;
    c->cap = cap;
    return RES_OK;
}

enum result
changes_reserve(struct changes *c, size_t n)
{
    return c->cap - c->n < n ? grow(c, c->n + n) : RES_OK;
}

static enum result
push(struct changes *c, struct change **ret)
{
    enum result rc = c->n == c->cap ? grow(c, c->cap == 0 ? 256 : 2 * c->cap) : RES_OK;

    if (rc != RES_OK)
        return rc;
    *ret = &c->at[c->n];
    memset(*ret, 0, sizeof(**ret));
    return RES_OK;
}

/* RES_ERASED when the label in row seq, whose key is not there, has a tombstone or gets one. */
static enum result
check_erased(const struct changes *c, const struct change_parts *p, const struct change *ch,
             const struct version_row *row)
{
    bool erased = false;
    enum result rc = versions_is_tombstone(p->view, p->keys, row->label,
                                           span_of(ch->label.b, ch->label.n), &erased);

    for (size_t i = 0; i < c->n; i++)
        erased = erased || (c->at[i].tombstone && c->at[i].previous == ch->previous);
    return rc != RES_OK ? rc : erased ? RES_ERASED : RES_STORE_DAMAGED;
}

/* Where the label stands, and its newest row when it is not fresh.  RES_ERASED. */
static enum result
locate(struct changes *c, const struct change_parts *p, struct change *ret, struct version_row *row)
{
    struct span label = span_of(ret->label.b, ret->label.n);
    struct label text;
    enum result rc = versions_newest(p->versions, p->view, p->rows, label, &ret->previous, row);

    if (rc == RES_ABSENT) {
        ret->fresh = true;
        ret->number = c->labels;
        ret->previous = VERSION_NONE;
        return RES_OK;
    }
    if (rc != RES_OK)
        return rc;
    if (row->version == UINT32_MAX)
        return RES_STORE_FULL;
    ret->version = row->version + 1;
    ret->text = row->label;
    rc = versions_label(p->view, p->keys, row->label, &text, &ret->number);
    return rc == RES_ABSENT ? check_erased(c, p, ret, row) : rc;
}

static enum result
merge_records(struct changes *c, const struct change_parts *p, struct change *ch,
              const struct version_row *row, struct touch *const *touches, size_t n,
              uint64_t timestamp, bool *ret_changed)
{
    struct held *h = p->held;
    bool whole;
    enum result rc = RES_OK;

    state_clear(h->state);
    h->whole_n = h->changes_n = 0;
    if (!ch->fresh)
        rc = held_mailbox(h, ch->number, row);
    *ret_changed = false;
    for (size_t i = 0; i < n && rc == RES_OK; i++) {
        bool changed;
        rc = state_merge(h->state, &touches[i]->record, &changed);
        *ret_changed = *ret_changed || changed;
    }
    if (rc != RES_OK || !*ret_changed)
        return rc;
    rc = state_write(h->state, h->whole_n, h->changes_n, ch->fresh, &c->bytes, &whole);
    return rc == RES_OK ? state_value(h->state, timestamp, &c->value) : rc;
}

static enum result
append_entries(struct changes *c, const struct change_parts *p, struct change *ch,
               const struct version_row *row, struct touch *const *touches, size_t n)
{
    struct range range;
    enum result rc = RES_OK;

    range_init(&range);
    if (!ch->fresh)
        rc = held_domain(p->held, ch->number, row, &range);
    for (size_t i = 0; i < n && rc == RES_OK; i++) {
        struct hash leaf;
        state_domain_leaf(touches[i]->index, &touches[i]->leaf_hash, &leaf);
        range_append(&range, &leaf, NULL, NULL);
    }
    if (rc == RES_OK)
        rc = state_domain_write(&range, &c->bytes);
    return rc == RES_OK ? state_domain_value(&range, &c->value) : rc;
}

/* The commitment to the UpdateValue, of which c->value has the value behind its length. */
static enum result
commit(struct changes *c, const struct change_parts *p, struct change *ch)
{
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    size_t n = c->value.n - 4;
    enum result rc = ch->fresh ? keyring_prepare(p->keys, ch->number + 1) : RES_OK;

    for (int i = 4; i-- > 0; n >>= 8)
        c->value.p[i] = (uint8_t)n;
    if (rc == RES_OK)
        rc = keyring_opening(p->keys, ch->number, ch->version, opening);
    if (rc == RES_OK)
        rc = commitment_make(opening, span_of(ch->label.b, ch->label.n), ch->version,
                             buf_span(&c->value), &ch->commitment);
    return rc;
}

/* The output may stand in a proof record already, since ladders ask for the next versions. */
static enum result
find_output(const struct change_parts *p, struct change *ch)
{
    uint32_t steps[LADDER_STEPS_MAX], owner = steps_owner(ch->version);
    struct version_row row;
    struct span record;
    uint64_t seq;

    if (ch->fresh)
        return RES_OK;
    enum result rc = versions_find(p->versions, p->view, p->rows, span_of(ch->label.b, ch->label.n),
                                   owner, &seq, &row);
    if (rc == RES_OK)
        rc = shelf_get_proofs(p->view, seq, &record);
    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_OK : rc;
    unsigned n = steps_of(owner, steps);
    for (unsigned i = 0; i < n && (i + 1) * STEP_SIZE <= record.n; i++)
        if (steps[i] == ch->version) {
            memcpy(ch->output.b, record.p + i * STEP_SIZE, HASH_SIZE);
            ch->has_output = true;
        }
    return RES_OK;
}

enum result
changes_add(struct changes *c, const struct change_parts *p, struct touch *const *touches, size_t n,
            uint64_t timestamp)
{
    static const uint8_t length[4];
    struct version_row row;
    struct change *ch;
    size_t mark = c->bytes.n;
    bool changed = true;
    enum result rc = push(c, &ch);

    if (rc != RES_OK)
        return rc;
    ch->label = touches[0]->label;
    rc = locate(c, p, ch, &row);
    if (rc == RES_ERASED)
        return RES_OK;
    buf_clear(&c->value);
    if (rc == RES_OK)
        rc = buf_add(&c->value, span_of(length, sizeof(length)));
    if (rc != RES_OK)
        return rc;
    if (ch->label.b[0] == LABEL_MAILBOX)
        rc = merge_records(c, p, ch, &row, touches, n, timestamp, &changed);
    else
        rc = append_entries(c, p, ch, &row, touches, n);
    if (rc != RES_OK || !changed)
        return rc;
    ch->state = mark;
    ch->state_n = c->bytes.n - mark;
    rc = commit(c, p, ch);
    if (rc == RES_OK)
        rc = find_output(p, ch);
    if (rc != RES_OK)
        return rc;
    c->labels += ch->fresh;
    c->n++;
    return RES_OK;
}

enum result
changes_erase(struct changes *c, const struct change_parts *p, const struct erasure *e,
              uint64_t timestamp)
{
    const struct tombstone tombstone = tombstone_of(e, timestamp);
    struct version_row row;
    struct label text;
    struct change *ch;
    uint64_t number = ERASURE_NUMBER;
    size_t mark = c->bytes.n;
    enum result rc = push(c, &ch);

    if (rc == RES_OK)
        rc = shelf_get_version(p->view, e->newest, &row);
    if (rc == RES_OK)
        rc = versions_label(p->view, p->keys, row.label, &text, &number);
    /* That of another label would be there, or have another number. */
    if (rc != RES_ABSENT || number != e->number || row.version == UINT32_MAX ||
        memcmp(row.print, e->text.label_key + 8, sizeof(row.print)) != 0)
        return rc == RES_ABSENT || rc == RES_OK ? RES_STORE_DAMAGED : rc;
    rc = tombstone_write(&tombstone, &c->bytes);
    if (rc != RES_OK)
        return rc;
    *ch = (struct change){.number = ERASURE_NUMBER,
                          .previous = e->newest,
                          .version = row.version + 1,
                          .state = mark,
                          .state_n = c->bytes.n - mark,
                          .commitment = e->commitment,
                          .output = e->output,
                          .has_output = true,
                          .tombstone = true,
                          .keys = e->text};
    c->n++;
    return RES_OK;
}

enum result
changes_seal(struct changes *c, struct keyring *k, size_t i)
{
    struct change *ch = &c->at[i];
    enum result rc = RES_OK;

    if (ch->tombstone)
        return RES_OK;
    versions_erasure_text(k, span_of(ch->label.b, ch->label.n), ch->version, &ch->keys);
    if (ch->fresh) {
        ch->sealed_text = c->bytes.n;
        rc = buf_add(&c->bytes, span_of(ch->label.b, ch->label.n));
    }
    if (rc == RES_OK && ch->fresh) {
        uint8_t *text = c->bytes.p + ch->sealed_text;
        rc = keyring_crypt(k, ch->number, KEYRING_TEXT, 0, text, ch->label.n, text);
    }
    if (rc == RES_OK && ch->state_n > 0) {
        uint8_t *state = c->bytes.p + ch->state;
        rc = keyring_crypt(k, ch->number, KEYRING_STATE, ch->version, state, ch->state_n, state);
    }
    return rc;
}
