#include "log/store/bundle.h"

#include <assert.h>

#define OFFSETS_SIZE ((STORE_BUNDLE + 1) * 4)
#define SIGNATURE_SIZE (1 + STORE_SCT_SIGNATURE_MAX)
#define SIGNATURES_SIZE (STORE_BUNDLE * SIGNATURE_SIZE)

static uint32_t
be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A length byte and that many bytes of the room behind it. */
static enum result
signature_read(const uint8_t *p, size_t room, struct span *ret)
{
    if (room < 1 || p[0] < 1 || p[0] > STORE_SCT_SIGNATURE_MAX || p[0] > room - 1)
        return RES_STORE_DAMAGED;
    *ret = span_of(p + 1, p[0]);
    return RES_OK;
}

static void
signature_write(struct span s, uint8_t *out)
{
    assert(s.n >= 1 && s.n <= STORE_SCT_SIGNATURE_MAX);
    out[0] = (uint8_t)s.n;
    memcpy(out + 1, s.p, s.n);
}

size_t
slot_size(const struct store_entry *e)
{
    return 1 + e->sct_signature.n + e->leaf.n;
}

void
slot_write(const struct store_entry *e, uint8_t *out)
{
    signature_write(e->sct_signature, out);
    memcpy(out + 1 + e->sct_signature.n, e->leaf.p, e->leaf.n);
}

enum result
slot_read(struct span record, struct store_entry *ret)
{
    struct span signature;
    enum result r = signature_read(record.p, record.n, &signature);
    if (r != RES_OK)
        return r;
    size_t head = 1 + signature.n;
    if (record.n == head || record.n - head > STORE_LEAF_MAX)
        return RES_STORE_DAMAGED;
    ret->sct_signature = signature;
    ret->leaf = span_of(record.p + head, record.n - head);
    return RES_OK;
}

enum result
bundle_read(struct span record, struct bundle *ret)
{
    if (record.n < OFFSETS_SIZE + SIGNATURES_SIZE)
        return RES_STORE_DAMAGED;
    size_t leaves_n = record.n - OFFSETS_SIZE - SIGNATURES_SIZE;
    if (be32(record.p) != 0 || be32(record.p + OFFSETS_SIZE - 4) != leaves_n)
        return RES_STORE_DAMAGED;
    ret->offsets = record.p;
    ret->leaves = span_of(record.p + OFFSETS_SIZE, leaves_n);
    ret->signatures = record.p + OFFSETS_SIZE + leaves_n;
    return RES_OK;
}

enum result
bundle_entry(const struct bundle *b, unsigned i, struct store_entry *ret)
{
    assert(i < STORE_BUNDLE);
    size_t begin = be32(b->offsets + (size_t)4 * i);
    size_t end = be32(b->offsets + (size_t)4 * i + 4);
    if (begin >= end || end > b->leaves.n)
        return RES_STORE_DAMAGED;
    struct span signature;
    enum result r =
        signature_read(b->signatures + (size_t)SIGNATURE_SIZE * i, SIGNATURE_SIZE, &signature);
    if (r != RES_OK)
        return r;
    /* One form: what is behind a shorter signature is zero. */
    for (const uint8_t *p = signature.p + signature.n;
         p < b->signatures + (size_t)SIGNATURE_SIZE * (i + 1); p++)
        if (*p != 0)
            return RES_STORE_DAMAGED;
    ret->leaf = span_of(b->leaves.p + begin, end - begin);
    ret->sct_signature = signature;
    return RES_OK;
}

enum result
bundle_leaves(const struct bundle *b, unsigned width, struct span *ret)
{
    assert(width <= STORE_BUNDLE);
    size_t end = be32(b->offsets + (size_t)4 * width);
    if (end > b->leaves.n)
        return RES_STORE_DAMAGED;
    *ret = span_of(b->leaves.p, end);
    return RES_OK;
}

size_t
bundle_size(uint32_t leaves_n)
{
    return OFFSETS_SIZE + (size_t)leaves_n + SIGNATURES_SIZE;
}

void
bundle_writer_init(struct bundle_writer *w, uint8_t *out, uint32_t leaves_n)
{
    *w = (struct bundle_writer){
        .offsets = out,
        .leaves = out + OFFSETS_SIZE,
        .signatures = out + OFFSETS_SIZE + leaves_n,
        .leaves_n = leaves_n,
    };
    put_be32(out, 0);
    memset(w->signatures, 0, SIGNATURES_SIZE);
}

enum result
bundle_writer_add(struct bundle_writer *w, const struct store_entry *e)
{
    assert(w->count < STORE_BUNDLE);
    if (e->leaf.n > w->leaves_n - w->at)
        return RES_STORE_DAMAGED;
    memcpy(w->leaves + w->at, e->leaf.p, e->leaf.n);
    w->at += (uint32_t)e->leaf.n;
    signature_write(e->sct_signature, w->signatures + (size_t)SIGNATURE_SIZE * w->count);
    w->count++;
    put_be32(w->offsets + (size_t)4 * w->count, w->at);
    return RES_OK;
}

bool
bundle_writer_whole(const struct bundle_writer *w)
{
    return w->count == STORE_BUNDLE && w->at == w->leaves_n;
}
