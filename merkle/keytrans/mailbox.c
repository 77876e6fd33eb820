#include "merkle/keytrans/mailbox.h"

#include <string.h>

#include "merkle/keytrans/wire.h"

#define FORMAT 1
#define KIND_STATE 1
#define KIND_TOMBSTONE 2

/* A byte in [1, max]. */
static uint8_t
get_enum(struct reader *r, uint8_t max)
{
    uint8_t v = get_u8(r);

    if (v < 1 || v > max)
        reader_fail(r, RES_VALUE);
    return v;
}

static bool
consistent(const struct mailbox_record *m)
{
    static const struct hash none;
    bool announced = hash_equal(&m->certificate_sha256, &none);

    return announced == (m->final_index == MAILBOX_NO_INDEX) &&
           (!announced || m->precert_index != MAILBOX_NO_INDEX);
}

void
mailbox_record_get(struct reader *r, struct mailbox_record *ret)
{
    memset(ret, 0, sizeof(*ret));
    get_hash(r, &ret->key_id);
    ret->precert_index = get_u64(r);
    ret->final_index = get_u64(r);
    get_hash(r, &ret->certificate_sha256);
    get_hash(r, &ret->spki_sha256);
    ret->not_before = get_u64(r);
    ret->not_after = get_u64(r);
    ret->purpose = get_enum(r, MAILBOX_BOTH);
    ret->source = get_enum(r, MAILBOX_OTHER);
    ret->address = get_vec8(r, 1, MAILBOX_ADDRESS_MAX);
    ret->status = get_enum(r, MAILBOX_REVOKED);
    if (ret->status != MAILBOX_GOOD) {
        ret->revoked_at = get_u64(r);
        ret->reason = get_u8(r);
        ret->invalid_from = get_u64(r);
        ret->crl_index = get_u64(r);
    }
    if (!consistent(ret))
        reader_fail(r, RES_VALUE);
}

void
mailbox_record_put(struct writer *w, const struct mailbox_record *m)
{
    put_bytes(w, hash_span(&m->key_id));
    put_u64(w, m->precert_index);
    put_u64(w, m->final_index);
    put_bytes(w, hash_span(&m->certificate_sha256));
    put_bytes(w, hash_span(&m->spki_sha256));
    put_u64(w, m->not_before);
    put_u64(w, m->not_after);
    put_u8(w, m->purpose);
    put_u8(w, m->source);
    put_vec8(w, m->address);
    put_u8(w, m->status);
    if (m->status != MAILBOX_GOOD) {
        put_u64(w, m->revoked_at);
        put_u8(w, m->reason);
        put_u64(w, m->invalid_from);
        put_u64(w, m->crl_index);
    }
}

/* Newest first: a later not_before, and for the same one the lesser key_id. */
static bool
in_order(const struct mailbox_record *a, const struct mailbox_record *b)
{
    if (a->not_before != b->not_before)
        return a->not_before > b->not_before;
    return memcmp(a->key_id.b, b->key_id.b, HASH_SIZE) < 0;
}

/* Whether key_id is one of those n. */
static bool
seen(const uint8_t *const *key_ids, unsigned n, const uint8_t *key_id)
{
    for (unsigned i = 0; i < n; i++)
        if (memcmp(key_ids[i], key_id, HASH_SIZE) == 0)
            return true;
    return false;
}

static void
get_records(struct reader *r, struct mailbox_state *ret)
{
    const uint8_t *begin, *key_ids[MAILBOX_RECORDS_MAX];
    struct mailbox_record before, m;

    ret->n = get_u16(r);
    begin = r->p;
    if (ret->n > MAILBOX_RECORDS_MAX)
        reader_fail(r, RES_VALUE);
    for (unsigned i = 0; i < ret->n && r->err == RES_OK; i++) {
        key_ids[i] = r->p; /* a record begins with it */
        mailbox_record_get(r, &m);
        if (r->err == RES_OK && ((i > 0 && !in_order(&before, &m)) || seen(key_ids, i, key_ids[i])))
            reader_fail(r, RES_VALUE);
        before = m;
    }
    ret->records = r->err == RES_OK ? span_of(begin, (size_t)(r->p - begin)) : span_of(NULL, 0);
    ret->total = get_u32(r);
    if (ret->total < ret->n)
        reader_fail(r, RES_VALUE);
    get_hash(r, &ret->all);
}

static void
get_format(struct reader *r)
{
    if (get_u8(r) != FORMAT)
        reader_fail(r, RES_VALUE);
}

void
mailbox_state_get(struct reader *r, struct mailbox_state *ret)
{
    memset(ret, 0, sizeof(*ret));
    get_format(r);
    ret->tombstone = get_enum(r, KIND_TOMBSTONE) == KIND_TOMBSTONE;
    if (!ret->tombstone) {
        get_records(r, ret);
        return;
    }
    ret->time = get_u64(r);
    ret->reason = get_u8(r);
    ret->count = get_u32(r);
}

void
mailbox_state_put(struct writer *w, const struct mailbox_state *s)
{
    put_u8(w, FORMAT);
    put_u8(w, s->tombstone ? KIND_TOMBSTONE : KIND_STATE);
    if (s->tombstone) {
        put_u64(w, s->time);
        put_u8(w, s->reason);
        put_u32(w, s->count);
        return;
    }
    put_u16(w, s->n);
    put_bytes(w, s->records);
    put_u32(w, s->total);
    put_bytes(w, hash_span(&s->all));
}

const char *
mailbox_erased_name(uint8_t reason)
{
    static const char *const names[] = {
        [MAILBOX_ERASED_REQUEST] = "request",
        [MAILBOX_ERASED_DOMAIN] = "domain",
        [MAILBOX_ERASED_ORDER] = "order",
        [MAILBOX_ERASED_RETENTION] = "retention",
    };

    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : NULL;
}

void
domain_state_get(struct reader *r, struct domain_state *ret)
{
    get_format(r);
    ret->count = get_u64(r);
    get_hash(r, &ret->root);
}

void
domain_state_put(struct writer *w, const struct domain_state *s)
{
    put_u8(w, FORMAT);
    put_u64(w, s->count);
    put_bytes(w, hash_span(&s->root));
}
