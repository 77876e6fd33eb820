#include "merkle/leaf/entry.h"

#include <assert.h>

/* Leaf prefix, version, leaf type, timestamp, entry type, issuer key hash, length of the body. */
#define HEAD_MAX (1 + 1 + 1 + 8 + 2 + HASH_SIZE + 3)

static uint8_t *
put_be(uint8_t *p, uint64_t v, unsigned bytes)
{
    while (bytes > 0)
        *p++ = (uint8_t)(v >> 8 * --bytes);
    return p;
}

/* entry_type, issuer_key_hash if any, and the length of the body, at p; returns the end. */
static uint8_t *
put_entry_head(uint8_t *p, const struct entry *e)
{
    p = put_be(p, e->type, 2);
    if (e->type == ENTRY_PRECERT) {
        memcpy(p, e->issuer_key_hash.b, HASH_SIZE);
        p += HASH_SIZE;
    }
    return put_be(p, e->body.n, 3);
}

static bool
entry_fits(const struct entry *e)
{
    return (e->type == ENTRY_X509 || e->type == ENTRY_PRECERT) && e->body.n >= 1 &&
           e->body.n <= ENTRY_BODY_MAX;
}

void
entry_leaf_index(uint64_t index, uint8_t out[static ENTRY_LEAF_INDEX_SIZE])
{
    assert(index <= ENTRY_LEAF_INDEX_MAX);
    /* static-ct-api: extension_type leaf_index(0), then extension_data<0..2^16-1> of five bytes. */
    uint8_t *p = put_be(out, 0, 1);
    p = put_be(p, 5, 2);
    put_be(p, index, 5);
}

enum result
entry_find_leaf_index(struct span extensions, uint64_t *ret)
{
    struct reader r = reader_of(extensions);
    uint64_t index = 0;
    bool found = false;
    while (!reader_done(&r)) {
        uint8_t type = get_u8(&r);
        struct reader data = reader_of(get_vec16(&r, 0, UINT16_MAX));
        if (r.err != RES_OK || type != 0)
            continue;
        index = get_u40(&data);
        if (found || reader_end(&data) != RES_OK)
            reader_fail(&r, RES_VALUE);
        found = true;
    }
    enum result err = reader_end(&r);
    if (err != RES_OK)
        return err;
    if (!found)
        return RES_ABSENT;
    *ret = index;
    return RES_OK;
}

static void
put_entry(struct writer *w, const struct entry *e)
{
    uint8_t head[HEAD_MAX];
    if (!entry_fits(e)) {
        w->err = w->err == RES_OK ? RES_VALUE : w->err;
        return;
    }
    put_bytes(w, span_of(head, (size_t)(put_entry_head(head, e) - head)));
    put_bytes(w, e->body);
}

static void
put_timestamped_entry(struct writer *w, const struct timestamped_entry *t)
{
    put_u64(w, t->timestamp);
    put_entry(w, &t->entry);
    put_vec16(w, t->extensions);
}

enum result
entry_write(const struct entry *e, struct buf *out)
{
    size_t mark = out->n;
    struct writer w = writer_to(out);
    put_entry(&w, e);
    return writer_end_or_cut(&w, mark);
}

void
entry_key(const struct entry *e, struct hash *ret)
{
    uint8_t head[HEAD_MAX];
    assert(entry_fits(e));
    struct span parts[] = {
        span_of(head, (size_t)(put_entry_head(head, e) - head)),
        e->body,
    };
    hash_sha256_parts(parts, 2, ret);
}

enum result
timestamped_entry_write(const struct timestamped_entry *t, struct buf *out)
{
    size_t mark = out->n;
    struct writer w = writer_to(out);
    put_timestamped_entry(&w, t);
    return writer_end_or_cut(&w, mark);
}

enum result
entry_leaf_write(const struct timestamped_entry *t, struct buf *out)
{
    size_t mark = out->n;
    struct writer w = writer_to(out);
    put_u8(&w, 0); /* Version v1 */
    put_u8(&w, 0); /* MerkleLeafType timestamped_entry */
    put_timestamped_entry(&w, t);
    return writer_end_or_cut(&w, mark);
}

void
timestamped_entry_read(struct reader *r, struct timestamped_entry *ret)
{
    *ret = (struct timestamped_entry){.timestamp = get_u64(r)};
    uint16_t type = get_u16(r);
    if (type == ENTRY_PRECERT) {
        struct span key_hash = get_bytes(r, HASH_SIZE);
        if (key_hash.n == HASH_SIZE)
            memcpy(ret->entry.issuer_key_hash.b, key_hash.p, HASH_SIZE);
    } else if (type != ENTRY_X509) {
        reader_fail(r, RES_VALUE);
    }
    ret->entry.type = type == ENTRY_PRECERT ? ENTRY_PRECERT : ENTRY_X509;
    ret->entry.body = get_vec24(r, 1, ENTRY_BODY_MAX);
    ret->extensions = get_vec16(r, 0, ENTRY_EXTENSIONS_MAX);
}

enum result
entry_leaf_parse(struct span leaf, struct timestamped_entry *ret)
{
    struct timestamped_entry t;
    struct reader r = reader_of(leaf);
    uint8_t version = get_u8(&r), type = get_u8(&r);
    if (version != 0 || type != 0)
        reader_fail(&r, RES_VALUE);
    timestamped_entry_read(&r, &t);
    enum result err = reader_end(&r);
    if (err != RES_OK)
        return err;
    *ret = t;
    return RES_OK;
}

/* Hashes the MerkleTreeLeaf, behind the leaf prefix 0x00 of RFC 6962 section 2.1 when prefix is 1.
 */
static void
hash_parts(const struct timestamped_entry *t, size_t prefix, struct hash *ret)
{
    uint8_t head[HEAD_MAX] = {0}, length[2];
    assert(entry_fits(&t->entry) && t->extensions.n <= ENTRY_EXTENSIONS_MAX);
    uint8_t *p = put_entry_head(put_be(head + prefix + 2, t->timestamp, 8), &t->entry);
    put_be(length, t->extensions.n, 2);
    struct span parts[] = {
        span_of(head, (size_t)(p - head)),
        t->entry.body,
        span_of(length, sizeof length),
        t->extensions,
    };
    hash_sha256_parts(parts, 4, ret);
}

void
entry_leaf_hash(const struct timestamped_entry *t, struct hash *ret)
{
    hash_parts(t, 1, ret);
}

void
entry_leaf_digest(const struct timestamped_entry *t, struct hash *ret)
{
    hash_parts(t, 0, ret);
}

static void
put_certificate(struct writer *w, struct span der)
{
    if (der.n == 0 && w->err == RES_OK)
        w->err = RES_VALUE; /* ASN.1Cert is opaque<1..2^24-1> */
    put_vec24(w, der);
}

enum result
entry_extra_data(enum entry_type type, struct span precertificate, const struct span *chain,
                 size_t n, struct buf *out)
{
    size_t start = out->n;
    struct writer w = writer_to(out);
    if (type == ENTRY_PRECERT)
        put_certificate(&w, precertificate);
    size_t mark = put_open(&w, 3);
    for (size_t i = 0; i < n; i++)
        put_certificate(&w, chain[i]);
    put_close(&w, mark, 3);
    return writer_end_or_cut(&w, start);
}
