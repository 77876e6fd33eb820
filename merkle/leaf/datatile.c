#include "merkle/leaf/datatile.h"

#include <assert.h>

enum result
tile_leaf_write(const struct tile_leaf *l, struct buf *out)
{
    size_t start = out->n;
    struct writer w = writer_to(out);
    assert(l->chain_count <= DATATILE_CHAIN_MAX);
    w.err = timestamped_entry_write(&l->timestamped, out);
    if (l->timestamped.entry.type == ENTRY_PRECERT) {
        if (l->precertificate.n == 0 && w.err == RES_OK)
            w.err = RES_VALUE; /* ASN.1Cert is opaque<1..2^24-1> */
        put_vec24(&w, l->precertificate);
    }
    size_t mark = put_open(&w, 2);
    for (size_t i = 0; i < l->chain_count; i++)
        put_bytes(&w, hash_span(&l->chain[i]));
    put_close(&w, mark, 2);
    enum result err = writer_end(&w);
    if (err != RES_OK)
        out->n = start;
    return err;
}

enum result
tile_leaf_read(struct reader *r, struct tile_leaf *ret)
{
    struct tile_leaf l = {.chain_count = 0};
    timestamped_entry_read(r, &l.timestamped);
    if (l.timestamped.entry.type == ENTRY_PRECERT)
        l.precertificate = get_vec24(r, 1, ENTRY_BODY_MAX);
    struct span chain = get_vec16(r, 0, UINT16_MAX);
    if (chain.n % HASH_SIZE != 0)
        reader_fail(r, RES_VALUE);
    else if (chain.n / HASH_SIZE > DATATILE_CHAIN_MAX)
        reader_fail(r, RES_TOO_LARGE);
    if (r->err != RES_OK)
        return r->err;
    l.chain_count = chain.n / HASH_SIZE;
    for (size_t i = 0; i < l.chain_count; i++)
        memcpy(l.chain[i].b, chain.p + i * HASH_SIZE, HASH_SIZE);
    *ret = l;
    return RES_OK;
}
