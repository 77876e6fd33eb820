#include "log/directory/erasure.h"

#include <string.h>

#include "merkle/keytrans/mailbox.h"

#define FORM_TOMBSTONE 4

/* n bytes into ret; zeros when the reader has failed. */
static void
bytes_get(struct reader *r, uint8_t *ret, size_t n)
{
    struct span s = get_bytes(r, n);

    memset(ret, 0, n);
    if (s.n == n)
        memcpy(ret, s.p, n);
}

void
erasure_get(struct reader *r, struct erasure *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->number = get_u64(r);
    ret->newest = get_u64(r);
    bytes_get(r, ret->output.b, HASH_SIZE);
    bytes_get(r, ret->commitment.b, HASH_SIZE);
    bytes_get(r, ret->opening, sizeof(ret->opening));
    bytes_get(r, ret->text.version_key, ERASURE_VERSION_KEY);
    bytes_get(r, ret->text.label_key, ERASURE_LABEL_KEY);
    ret->reason = get_u8(r);
    ret->count = get_u32(r);
    uint32_t n = get_u32(r);
    if (n == 0 || ret->number >= ERASURE_NUMBER)
        reader_fail(r, RES_VALUE);
    ret->versions = get_bytes(r, (size_t)n * ERASURE_VERSION_SIZE);
    ret->bodies_n = get_u32(r);
    const uint8_t *begin = r->p;
    uint64_t before = 0;
    for (uint32_t i = 0; i < ret->bodies_n && r->err == RES_OK; i++) {
        struct erasure_body b;

        erasure_body_get(r, &b);
        if (i > 0 && b.index <= before)
            reader_fail(r, RES_VALUE);
        before = b.index;
    }
    ret->bodies = span_of(begin, r->err == RES_OK ? (size_t)(r->p - begin) : 0);
}

void
erasure_put(struct writer *w, const struct erasure *e)
{
    put_u64(w, e->number);
    put_u64(w, e->newest);
    put_bytes(w, hash_span(&e->output));
    put_bytes(w, hash_span(&e->commitment));
    put_bytes(w, span_of(e->opening, sizeof(e->opening)));
    put_bytes(w, span_of(e->text.version_key, ERASURE_VERSION_KEY));
    put_bytes(w, span_of(e->text.label_key, ERASURE_LABEL_KEY));
    put_u8(w, e->reason);
    put_u32(w, e->count);
    put_u32(w, e->versions.n / ERASURE_VERSION_SIZE);
    put_bytes(w, e->versions);
    put_u32(w, e->bodies_n);
    put_bytes(w, e->bodies);
}

void
erasure_version_get(struct reader *r, struct erasure_version *ret)
{
    ret->entry = get_u64(r);
    bytes_get(r, ret->output.b, HASH_SIZE);
    bytes_get(r, ret->commitment.b, HASH_SIZE);
}

void
erasure_version_put(struct writer *w, const struct erasure_version *v)
{
    put_u64(w, v->entry);
    put_bytes(w, hash_span(&v->output));
    put_bytes(w, hash_span(&v->commitment));
}

void
erasure_body_get(struct reader *r, struct erasure_body *ret)
{
    ret->index = get_u64(r);
    ret->domains_n = get_u8(r);
    const uint8_t *begin = r->p;
    for (unsigned i = 0; i < ret->domains_n && r->err == RES_OK; i++) {
        (void)get_u40(r);
        (void)get_vec8(r, 1, 255);
    }
    ret->domains = span_of(begin, r->err == RES_OK ? (size_t)(r->p - begin) : 0);
}

void
erasure_body_put(struct writer *w, const struct erasure_body *b)
{
    put_u64(w, b->index);
    put_u8(w, b->domains_n);
    put_bytes(w, b->domains);
}

/* ---- the tombstone ---- */

struct tombstone
tombstone_of(const struct erasure *e, uint64_t timestamp)
{
    struct tombstone t = {.time = timestamp / 1000, .reason = e->reason, .count = e->count};

    memcpy(t.opening, e->opening, sizeof(t.opening));
    return t;
}

enum result
tombstone_load(struct span bytes, struct tombstone *ret)
{
    struct reader r = reader_of(bytes);
    struct tombstone t;

    if (get_u8(&r) != FORM_TOMBSTONE)
        reader_fail(&r, RES_VALUE);
    bytes_get(&r, t.opening, sizeof(t.opening));
    t.time = get_u64(&r);
    t.reason = get_u8(&r);
    t.count = get_u32(&r);
    enum result rc = reader_end(&r);
    if (rc == RES_OK)
        *ret = t;
    return rc;
}

enum result
tombstone_write(const struct tombstone *t, struct buf *out)
{
    struct writer w = writer_to(out);
    size_t mark = out->n;

    put_u8(&w, FORM_TOMBSTONE);
    put_bytes(&w, span_of(t->opening, sizeof(t->opening)));
    put_u64(&w, t->time);
    put_u8(&w, t->reason);
    put_u32(&w, t->count);
    return writer_end_or_cut(&w, mark);
}

enum result
tombstone_value(const struct tombstone *t, struct buf *out)
{
    const struct mailbox_state value = {
        .tombstone = true, .time = t->time, .reason = t->reason, .count = t->count};
    struct writer w = writer_to(out);
    size_t mark = out->n;

    mailbox_state_put(&w, &value);
    return writer_end_or_cut(&w, mark);
}
