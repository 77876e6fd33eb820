#include "log/directory/rows.h"

/* 56 bits behind the kind */
#define REF_MAX ((UINT64_C(1) << 56) - 1)
#define REF_SIZE 8

static uint64_t
be64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static uint64_t
get_u48(struct reader *r)
{
    uint64_t high = get_u16(r);

    return high << 32 | get_u32(r);
}

static void
put_u48(struct writer *w, uint64_t v)
{
    put_u16(w, v >> 32);
    put_u32(w, v & UINT32_MAX);
}

static void
get_array(struct reader *r, uint8_t *ret, size_t n)
{
    struct span s = get_bytes(r, n);

    if (s.n == n)
        memcpy(ret, s.p, n);
    else
        memset(ret, 0, n);
}

static void
get_hash(struct reader *r, struct hash *ret)
{
    struct span s = get_bytes(r, HASH_SIZE);

    if (s.n == HASH_SIZE)
        memcpy(ret->b, s.p, HASH_SIZE);
    else
        memset(ret->b, 0, HASH_SIZE);
}

static void
writer_fail(struct writer *w, enum result err)
{
    if (w->err == RES_OK)
        w->err = err;
}

/* ---- Head ---- */

/* Rows name entries and rows in 40 bits; so no product of a count and a row's size overflows. */
static bool
head_possible(const struct directory_head *h)
{
    return h->size > 0 && h->size <= VERSION_NONE && h->stream <= REF_MAX &&
           h->versions < VERSION_NONE && h->labels <= h->versions;
}

void
directory_head_get(struct reader *r, struct directory_head *ret)
{
    ret->size = get_u64(r);
    get_hash(r, &ret->root);
    get_array(r, ret->signature, sizeof(ret->signature));
    get_hash(r, &ret->feed_root);
    get_array(r, ret->feed_signature, sizeof(ret->feed_signature));
    ret->stream = get_u64(r);
    ret->versions = get_u64(r);
    ret->labels = get_u64(r);
    ret->recipes = get_u64(r);
    if (!head_possible(ret))
        reader_fail(r, RES_VALUE);
}

void
directory_head_put(struct writer *w, const struct directory_head *h)
{
    if (!head_possible(h))
        writer_fail(w, RES_VALUE);
    put_u64(w, h->size);
    put_bytes(w, hash_span(&h->root));
    put_bytes(w, span_of(h->signature, sizeof(h->signature)));
    put_bytes(w, hash_span(&h->feed_root));
    put_bytes(w, span_of(h->feed_signature, sizeof(h->feed_signature)));
    put_u64(w, h->stream);
    put_u64(w, h->versions);
    put_u64(w, h->labels);
    put_u64(w, h->recipes);
}

/* ---- Ref ---- */

static void
put_ref(struct writer *w, const struct prefix_ref *ref)
{
    if (ref->ref > REF_MAX)
        writer_fail(w, RES_VALUE);
    put_u64(w, (uint64_t)ref->kind << 56 | ref->ref);
}

static bool
ref_of(uint64_t word, struct prefix_ref *ret)
{
    ret->ref = word & REF_MAX;
    switch (word >> 56) {
    case 0:
        ret->kind = PREFIX_EMPTY;
        return ret->ref == 0;
    case 1:
        ret->kind = PREFIX_LEAF;
        return ret->ref < VERSION_NONE;
    case 2:
        ret->kind = PREFIX_PARENT;
        return true;
    default:
        return false;
    }
}

/* ---- EntryRow ---- */

void
entry_row_get(struct reader *r, struct entry_row *ret)
{
    static const struct hash zero;

    feed_entry_get(r, &ret->feed);
    ret->root.kind = PREFIX_EMPTY;
    ret->root.hash = ret->feed.prefix_root;
    if (!ref_of(get_u64(r), &ret->root) ||
        (ret->root.kind == PREFIX_EMPTY && !hash_equal(&ret->root.hash, &zero)))
        reader_fail(r, RES_VALUE);
    ret->hashes = get_u64(r);
}

void
entry_row_put(struct writer *w, const struct entry_row *e)
{
    feed_entry_put(w, &e->feed);
    put_ref(w, &e->root);
    put_u64(w, e->hashes);
}

/* ---- VersionRow ---- */

void
version_row_get(struct reader *r, struct version_row *ret)
{
    get_hash(r, &ret->leaf.key);
    get_hash(r, &ret->leaf.commitment);
    get_array(r, ret->print, sizeof(ret->print));
    ret->entry = get_u40(r);
    ret->version = get_u32(r);
    ret->label = get_u48(r);
    ret->previous = get_u40(r);
    ret->state = get_u48(r);
    ret->state_n = get_u32(r);
    if ((ret->version == 0) != (ret->previous == VERSION_NONE))
        reader_fail(r, RES_VALUE);
}

void
version_row_put(struct writer *w, const struct version_row *v)
{
    if ((v->version == 0) != (v->previous == VERSION_NONE))
        writer_fail(w, RES_VALUE);
    put_bytes(w, hash_span(&v->leaf.key));
    put_bytes(w, hash_span(&v->leaf.commitment));
    put_bytes(w, span_of(v->print, sizeof(v->print)));
    put_u40(w, v->entry);
    put_u32(w, v->version);
    put_u48(w, v->label);
    put_u40(w, v->previous);
    put_u48(w, v->state);
    put_u32(w, v->state_n);
}

/* ---- Node ---- */

/* A parent stands where leaves part: with one child missing, the other is a parent too. */
static bool
no_parent(const struct prefix_ref *left, const struct prefix_ref *right)
{
    return (left->kind == PREFIX_EMPTY && right->kind != PREFIX_PARENT) ||
           (right->kind == PREFIX_EMPTY && left->kind != PREFIX_PARENT);
}

/* The hash at p, which is there unless the child is nothing; its length. */
static size_t
read_hash(const uint8_t *p, struct prefix_ref *ret)
{
    if (ret->kind == PREFIX_EMPTY) {
        memset(ret->hash.b, 0, HASH_SIZE);
        return 0;
    }
    memcpy(ret->hash.b, p, HASH_SIZE);
    return HASH_SIZE;
}

static size_t
node_size(const struct prefix_ref *left, const struct prefix_ref *right)
{
    return 2 * REF_SIZE + (left->kind != PREFIX_EMPTY ? HASH_SIZE : 0U) +
           (right->kind != PREFIX_EMPTY ? HASH_SIZE : 0U);
}

bool
node_read(struct span s, struct prefix_ref *ret_left, struct prefix_ref *ret_right)
{
    size_t at = 2 * REF_SIZE;

    if (s.n < at || !ref_of(be64(s.p), ret_left) || !ref_of(be64(s.p + REF_SIZE), ret_right) ||
        no_parent(ret_left, ret_right) || s.n < node_size(ret_left, ret_right))
        return false;
    at += read_hash(s.p + at, ret_left);
    (void)read_hash(s.p + at, ret_right);
    return true;
}

static void
get_ref_hash(struct reader *r, struct prefix_ref *ret)
{
    if (ret->kind == PREFIX_EMPTY)
        memset(ret->hash.b, 0, HASH_SIZE);
    else
        get_hash(r, &ret->hash);
}

void
node_get(struct reader *r, struct prefix_ref *ret_left, struct prefix_ref *ret_right)
{
    static const uint8_t nothing[2 * REF_SIZE];
    struct span refs = get_bytes(r, sizeof(nothing));
    const uint8_t *p = refs.n != 0 ? refs.p : nothing;
    /* Both are looked at, so that both are filled in. */
    bool left = ref_of(be64(p), ret_left);
    bool right = ref_of(be64(p + REF_SIZE), ret_right);

    if (!left || !right || no_parent(ret_left, ret_right)) {
        reader_fail(r, RES_VALUE);
        *ret_left = *ret_right = (struct prefix_ref){.kind = PREFIX_EMPTY};
    }
    get_ref_hash(r, ret_left);
    get_ref_hash(r, ret_right);
}

void
node_put(struct writer *w, const struct prefix_ref *left, const struct prefix_ref *right)
{
    if (no_parent(left, right))
        writer_fail(w, RES_VALUE);
    put_ref(w, left);
    put_ref(w, right);
    if (left->kind != PREFIX_EMPTY)
        put_bytes(w, hash_span(&left->hash));
    if (right->kind != PREFIX_EMPTY)
        put_bytes(w, hash_span(&right->hash));
}
