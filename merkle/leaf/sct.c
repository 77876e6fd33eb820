#include "merkle/leaf/sct.h"

static void
put_digitally_signed(struct writer *w, const struct digitally_signed *d)
{
    put_u8(w, d->hash);
    put_u8(w, d->algorithm);
    put_vec16(w, d->signature);
}

static struct digitally_signed
get_digitally_signed(struct reader *r)
{
    struct digitally_signed d = {.hash = get_u8(r)};
    d.algorithm = get_u8(r);
    d.signature = get_vec16(r, 0, UINT16_MAX);
    return d;
}

enum result
digitally_signed_write(const struct digitally_signed *d, struct buf *out)
{
    size_t mark = out->n;
    struct writer w = writer_to(out);
    put_digitally_signed(&w, d);
    return writer_end_or_cut(&w, mark);
}

enum result
digitally_signed_read(struct reader *r, struct digitally_signed *ret)
{
    struct digitally_signed d = get_digitally_signed(r);
    if (r->err == RES_OK)
        *ret = d;
    return r->err;
}

enum result
sct_write(const struct sct *s, struct buf *out)
{
    size_t mark = out->n;
    struct writer w = writer_to(out);
    put_u8(&w, 0); /* Version v1 */
    put_bytes(&w, hash_span(&s->log_id));
    put_u64(&w, s->timestamp);
    put_vec16(&w, s->extensions);
    put_digitally_signed(&w, &s->signature);
    return writer_end_or_cut(&w, mark);
}

enum result
sct_parse(struct span in, struct sct *ret)
{
    struct sct s = {.timestamp = 0};
    struct reader r = reader_of(in);
    if (get_u8(&r) != 0)
        reader_fail(&r, RES_VALUE);
    struct span id = get_bytes(&r, HASH_SIZE);
    if (id.n == HASH_SIZE)
        memcpy(s.log_id.b, id.p, HASH_SIZE);
    s.timestamp = get_u64(&r);
    s.extensions = get_vec16(&r, 0, ENTRY_EXTENSIONS_MAX);
    s.signature = get_digitally_signed(&r);
    enum result err = reader_end(&r);
    if (err != RES_OK)
        return err;
    *ret = s;
    return RES_OK;
}

enum result
sct_list_parse(struct span in, struct sct *ret, size_t cap, size_t *ret_n)
{
    /* RFC 6962 3.3: opaque SerializedSCT<1..2^16-1>; SerializedSCT sct_list<1..2^16-1>. */
    struct reader outer = reader_of(in);
    struct reader list = reader_of(get_vec16(&outer, 1, UINT16_MAX));
    enum result err = reader_end(&outer);
    if (err != RES_OK)
        return err;
    size_t n = 0;
    while (!reader_done(&list)) {
        struct span one = get_vec16(&list, 1, UINT16_MAX);
        /* A later version need not have v1's form: its length is all we know of it. */
        if (list.err != RES_OK || one.p[0] != 0)
            continue;
        if (n == cap)
            return RES_TOO_LARGE;
        err = sct_parse(one, &ret[n]);
        if (err != RES_OK)
            return err;
        n++;
    }
    err = reader_end(&list);
    if (err == RES_OK)
        *ret_n = n;
    return err;
}

enum result
sct_signed_data(const struct timestamped_entry *t, struct buf *out)
{
    return entry_leaf_write(t, out);
}

void
sct_signed_digest(const struct timestamped_entry *t, struct hash *ret)
{
    entry_leaf_digest(t, ret);
}

void
sth_signed_data(uint64_t timestamp, uint64_t size, const struct hash *root,
                uint8_t out[static STH_SIGNED_SIZE])
{
    out[0] = 0; /* Version v1 */
    out[1] = 1; /* SignatureType tree_hash */
    for (unsigned i = 0; i < 8; i++) {
        out[2 + i] = (uint8_t)(timestamp >> (56 - 8 * i));
        out[10 + i] = (uint8_t)(size >> (56 - 8 * i));
    }
    memcpy(out + 18, root->b, HASH_SIZE);
}
