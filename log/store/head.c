#include "log/store/head.h"

#include "merkle/base/codec.h"

#include <assert.h>

enum result
head_write(const struct store_head *h, struct buf *out)
{
    assert(h->sth_signature_n >= 1);
    struct writer w = writer_to(out);
    put_u64(&w, h->timestamp);
    put_u64(&w, h->size);
    put_bytes(&w, hash_span(&h->root));
    put_vec8(&w, span_of(h->sth_signature, h->sth_signature_n));
    put_bytes(&w, span_of(h->note_signature, sizeof(h->note_signature)));
    return writer_end(&w);
}

enum result
head_read(struct span record, struct store_head *ret)
{
    struct store_head h = {0};
    struct reader r = reader_of(record);
    h.timestamp = get_u64(&r);
    h.size = get_u64(&r);
    struct span root = get_bytes(&r, HASH_SIZE);
    struct span sth = get_vec8(&r, 1, sizeof(h.sth_signature));
    struct span note = get_bytes(&r, sizeof(h.note_signature));
    if (reader_end(&r) != RES_OK || h.size > NODE_LEAVES_MAX)
        return RES_STORE_DAMAGED;
    memcpy(h.root.b, root.p, HASH_SIZE);
    memcpy(h.sth_signature, sth.p, sth.n);
    h.sth_signature_n = (uint8_t)sth.n;
    memcpy(h.note_signature, note.p, sizeof(h.note_signature));
    *ret = h;
    return RES_OK;
}
