#include "log/directory/state.h"

#include <stdlib.h>
#include <string.h>

enum form { FORM_WHOLE = 1, FORM_CHANGES = 2, FORM_DOMAIN = 3 };

/* One State at most: 2^24 records would make a value that nobody can hash in an epoch. */
#define STATE_MAX ((size_t)1 << 30)

struct kept {
    struct mailbox_record m; /* m.address is in text */
    uint8_t text[MAILBOX_ADDRESS_MAX];
    bool changed; /* since the last load */
};

struct state {
    struct kept **at; /* newest first: not_before falling, then key_id rising */
    size_t n, cap;
    struct buf scratch;
};

enum result
state_new(struct state **ret)
{
    struct state *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return RES_MEMORY;
    s->scratch = BUF_INIT(MAILBOX_RECORD_MAX);
    *ret = s;
    return RES_OK;
}

void
state_clear(struct state *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->at[i]);
    s->n = 0;
}

void
state_free(struct state *s)
{
    if (s == NULL)
        return;
    state_clear(s);
    free(s->at);
    buf_release(&s->scratch);
    free(s);
}

size_t
state_count(const struct state *s)
{
    return s->n;
}

/* ---- records in order ---- */

/* Where a stands to b: negative when it is newer. */
static int
order(const struct mailbox_record *a, const struct mailbox_record *b)
{
    if (a->not_before != b->not_before)
        return a->not_before > b->not_before ? -1 : 1;
    return memcmp(a->key_id.b, b->key_id.b, HASH_SIZE);
}

/* The first place that does not stand before m. */
static size_t
place_of(const struct state *s, const struct mailbox_record *m)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (order(&s->at[mid]->m, m) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void
keep(struct kept *k, const struct mailbox_record *m)
{
    k->m = *m;
    memcpy(k->text, m->address.p, m->address.n);
    k->m.address = span_of(k->text, m->address.n);
}

static enum result
insert(struct state *s, size_t place, const struct mailbox_record *m, bool changed)
{
    if (s->n == s->cap) {
        size_t cap = s->cap == 0 ? 8 : 2 * s->cap;
        struct kept **at = realloc(s->at, cap * sizeof(struct kept *));
        if (at == NULL)
            return RES_MEMORY;
        s->at = at;
        s->cap = cap;
    }
    struct kept *k = malloc(sizeof(*k));
    if (k == NULL)
        return RES_MEMORY;
    keep(k, m);
    k->changed = changed;
    memmove(s->at + place + 1, s->at + place, (s->n - place) * sizeof(struct kept *));
    s->at[place] = k;
    s->n++;
    return RES_OK;
}

/* The record with m's key_id, NULL when there is none.  Its TBS is the same, so its not_before is.
 */
static struct kept *
same(const struct state *s, size_t place, const struct mailbox_record *m)
{
    return place < s->n && order(&s->at[place]->m, m) == 0 ? s->at[place] : NULL;
}

/* ---- as bytes ---- */

enum result
state_load(struct state *s, struct span bytes)
{
    struct reader in = reader_of(bytes);
    uint8_t form = get_u8(&in);

    if (form != FORM_WHOLE && form != FORM_CHANGES)
        return RES_VALUE;
    if (form == FORM_WHOLE)
        state_clear(s);
    (void)get_u32(&in); /* total and all: they follow from the records, and are made again */
    (void)get_bytes(&in, HASH_SIZE);
    uint32_t n = get_u32(&in);
    for (uint32_t i = 0; i < n && in.err == RES_OK; i++) {
        struct mailbox_record m;
        mailbox_record_get(&in, &m);
        if (in.err != RES_OK)
            break;
        size_t place = place_of(s, &m);
        struct kept *k = same(s, place, &m);
        enum result rc = RES_OK;
        if (k != NULL)
            keep(k, &m);
        else
            rc = insert(s, place, &m, false);
        if (rc != RES_OK)
            return rc;
    }
    return reader_end(&in);
}

/* Whether new completes old: what old has must stay, and only what old lacks may come. */
static bool
complete(struct mailbox_record *old, const struct mailbox_record *new)
{
    bool changed = false;

    if (old->precert_index == MAILBOX_NO_INDEX && new->precert_index != MAILBOX_NO_INDEX) {
        old->precert_index = new->precert_index;
        changed = true;
    }
    if (old->final_index == MAILBOX_NO_INDEX && new->final_index != MAILBOX_NO_INDEX) {
        old->final_index = new->final_index;
        old->certificate_sha256 = new->certificate_sha256;
        changed = true;
    }
    return changed;
}

enum result
state_merge(struct state *s, const struct mailbox_record *m, bool *ret_changed)
{
    size_t place = place_of(s, m);
    struct kept *k = same(s, place, m);
    enum result rc = RES_OK;

    *ret_changed = true;
    if (k == NULL)
        rc = insert(s, place, m, true);
    else if (complete(&k->m, m))
        k->changed = true;
    else
        *ret_changed = false;
    return rc;
}

static enum result
encode(struct state *s, const struct mailbox_record *m, struct span *ret)
{
    struct writer w = writer_to(&s->scratch);

    buf_clear(&s->scratch);
    mailbox_record_put(&w, m);
    *ret = buf_span(&s->scratch);
    return writer_end(&w);
}

/* RFC 6962 root over the encodings of all records, in order. */
static enum result
root_of_all(struct state *s, struct hash *ret)
{
    struct range r;
    struct hash leaf;
    struct span bytes;

    range_init(&r);
    for (size_t i = 0; i < s->n; i++) {
        enum result rc = encode(s, &s->at[i]->m, &bytes);
        if (rc != RES_OK)
            return rc;
        hash_leaf(bytes, &leaf);
        range_append(&r, &leaf, NULL, NULL);
    }
    range_root(&r, ret);
    return RES_OK;
}

static enum result
write_form(struct state *s, enum form form, size_t count, struct buf *out)
{
    struct writer w = writer_to(out);
    struct hash all;
    size_t mark = out->n;
    enum result rc = root_of_all(s, &all);

    if (rc != RES_OK)
        return rc;
    put_u8(&w, form);
    put_u32(&w, s->n);
    put_bytes(&w, hash_span(&all));
    put_u32(&w, count);
    for (size_t i = 0; i < s->n; i++)
        if (form == FORM_WHOLE || s->at[i]->changed)
            mailbox_record_put(&w, &s->at[i]->m);
    return writer_end_or_cut(&w, mark);
}

enum result
state_write(struct state *s, size_t whole_n, size_t changes_n, bool first, struct buf *out,
            bool *ret_whole)
{
    size_t mark = out->n, changed = 0;

    for (size_t i = 0; i < s->n; i++)
        changed += s->at[i]->changed;
    if (!first) {
        enum result rc = write_form(s, FORM_CHANGES, changed, out);
        if (rc != RES_OK || out->n - mark + changes_n <= whole_n) {
            *ret_whole = false;
            return rc;
        }
        out->n = mark;
    }
    *ret_whole = true;
    return write_form(s, FORM_WHOLE, s->n, out);
}

enum result
state_value(struct state *s, uint64_t timestamp, struct buf *out)
{
    struct buf records = BUF_INIT(MAILBOX_VALUE_MAX);
    struct writer w = writer_to(&records);
    struct mailbox_state value = {.total = (uint32_t)s->n};
    enum result rc = root_of_all(s, &value.all);

    for (size_t i = 0; i < s->n && rc == RES_OK && value.n < MAILBOX_RECORDS_MAX; i++) {
        const struct mailbox_record *m = &s->at[i]->m;
        /* not_after * 1000 > timestamp, without overflow */
        if (m->not_after <= timestamp / 1000)
            continue;
        mailbox_record_put(&w, m);
        value.n++;
    }
    if (rc == RES_OK)
        rc = writer_end(&w);
    if (rc == RES_OK) {
        size_t mark = out->n;
        w = writer_to(out);
        value.records = buf_span(&records);
        mailbox_state_put(&w, &value);
        rc = writer_end_or_cut(&w, mark);
    }
    buf_release(&records);
    return rc;
}

/* ---- domains ---- */

enum result
state_domain_load(struct span bytes, struct range *ret)
{
    struct reader in = reader_of(bytes);
    struct hash peaks[NODE_HEIGHT_MAX + 1];

    if (get_u8(&in) != FORM_DOMAIN)
        return RES_VALUE;
    uint64_t count = get_u64(&in);
    if (in.err != RES_OK || count > NODE_LEAVES_MAX)
        return RES_VALUE;
    size_t n = (size_t)__builtin_popcountll(count);
    struct span s = get_bytes(&in, n * HASH_SIZE);
    enum result rc = reader_end(&in);
    if (rc != RES_OK)
        return rc;
    memcpy(peaks, s.p, s.n);
    return range_from_peaks(count, peaks, n, ret);
}

enum result
state_domain_write(const struct range *r, struct buf *out)
{
    struct writer w = writer_to(out);
    size_t mark = out->n;

    put_u8(&w, FORM_DOMAIN);
    put_u64(&w, r->size);
    put_bytes(&w, span_of(r->peaks, range_peaks(r) * HASH_SIZE));
    return writer_end_or_cut(&w, mark);
}

enum result
state_domain_value(const struct range *r, struct buf *out)
{
    struct writer w = writer_to(out);
    struct domain_state value = {.count = r->size};
    size_t mark = out->n;

    range_root(r, &value.root);
    domain_state_put(&w, &value);
    return writer_end_or_cut(&w, mark);
}

void
state_domain_leaf(uint64_t index, const struct hash *leaf, struct hash *ret)
{
    uint8_t bytes[8 + HASH_SIZE];

    for (int i = 8; i-- > 0; index >>= 8)
        bytes[i] = (uint8_t)index;
    memcpy(bytes + 8, leaf->b, HASH_SIZE);
    hash_leaf(span_of(bytes, sizeof(bytes)), ret);
}
