#include "merkle/keytrans/request.h"

#include "merkle/keytrans/optional.h"

static struct kt_optional
get_last(struct reader *r)
{
    struct kt_optional last = get_optional_u64(r);

    if (last.has && last.value == 0)
        reader_fail(r, RES_VALUE);
    return last;
}

static struct span
get_label(struct reader *r)
{
    return get_vec8(r, 0, KT_LABEL_MAX);
}

static void
get_map(struct reader *r, struct contact_map *ret)
{
    unsigned n = get_u8(r);

    ret->n = 0;
    for (unsigned i = 0; i < n && r->err == RES_OK; i++) {
        struct contact_entry *e = &ret->entries[ret->n++];

        e->position = get_u64(r);
        e->version = get_u32(r);
    }
}

static void
put_map(struct writer *w, const struct contact_map *m)
{
    put_u8(w, m->n);
    for (unsigned i = 0; i < m->n; i++) {
        put_u64(w, m->entries[i].position);
        put_u32(w, m->entries[i].version);
    }
}

void
search_request_get(struct reader *r, struct search_request *ret)
{
    ret->last = get_last(r);
    ret->label = get_label(r);
    ret->version = get_optional_u32(r);
}

void
search_request_put(struct writer *w, const struct search_request *q)
{
    put_optional_u64(w, q->last);
    put_vec8(w, q->label);
    put_optional_u32(w, q->version);
}

void
contact_monitor_request_get(struct reader *r, struct contact_monitor_request *ret)
{
    ret->last = get_last(r);
    ret->label = get_label(r);
    get_map(r, &ret->map);
}

void
contact_monitor_request_put(struct writer *w, const struct contact_monitor_request *q)
{
    put_optional_u64(w, q->last);
    put_vec8(w, q->label);
    put_map(w, &q->map);
}

void
owner_init_request_get(struct reader *r, struct owner_init_request *ret)
{
    ret->last = get_last(r);
    ret->label = get_label(r);
    ret->start = get_u64(r);
}

void
owner_init_request_put(struct writer *w, const struct owner_init_request *q)
{
    put_optional_u64(w, q->last);
    put_vec8(w, q->label);
    put_u64(w, q->start);
}

void
owner_monitor_request_get(struct reader *r, struct owner_monitor_request *ret)
{
    ret->last = get_last(r);
    ret->label = get_label(r);
    get_map(r, &ret->map);
    ret->start = get_u64(r);
    ret->greatest_version = get_optional_u32(r);
}

void
owner_monitor_request_put(struct writer *w, const struct owner_monitor_request *q)
{
    put_optional_u64(w, q->last);
    put_vec8(w, q->label);
    put_map(w, &q->map);
    put_u64(w, q->start);
    put_optional_u32(w, q->greatest_version);
}

/* "opaque value<0..2^32-1>": the codec has no vector behind four bytes, as nothing else needs one.
 */
static void
skip_value(struct reader *r)
{
    (void)get_bytes(r, get_u32(r));
}

void
update_request_get(struct reader *r, struct update_request *ret)
{
    const uint8_t *begin;

    ret->last = get_last(r);
    ret->label = get_label(r);
    ret->greatest_version = get_optional_u32(r);
    ret->values_n = get_u8(r);
    begin = r->p;
    for (unsigned i = 0; i < ret->values_n && r->err == RES_OK; i++)
        skip_value(r);
    ret->values = r->err == RES_OK ? span_of(begin, (size_t)(r->p - begin)) : span_of(NULL, 0);
}

void
update_request_put(struct writer *w, const struct update_request *q)
{
    put_optional_u64(w, q->last);
    put_vec8(w, q->label);
    put_optional_u32(w, q->greatest_version);
    put_u8(w, q->values_n);
    put_bytes(w, q->values);
}

void
distinguished_request_get(struct reader *r, struct distinguished_request *ret)
{
    ret->last = get_last(r);
    ret->stop = get_optional_u64(r);
}

void
distinguished_request_put(struct writer *w, const struct distinguished_request *q)
{
    put_optional_u64(w, q->last);
    put_optional_u64(w, q->stop);
}

void
as_of_request_get(struct reader *r, struct as_of_request *ret)
{
    ret->last = get_last(r);
    ret->label = get_label(r);
    ret->time = get_u64(r);
}

void
as_of_request_put(struct writer *w, const struct as_of_request *q)
{
    put_optional_u64(w, q->last);
    put_vec8(w, q->label);
    put_u64(w, q->time);
}

void
credential_update_request_get(struct reader *r, struct credential_update_request *ret)
{
    ret->label = get_label(r);
    ret->version = get_u32(r);
    ret->tree_size = get_u64(r);
    ret->terminal = get_u64(r);
}

void
credential_update_request_put(struct writer *w, const struct credential_update_request *q)
{
    put_vec8(w, q->label);
    put_u32(w, q->version);
    put_u64(w, q->tree_size);
    put_u64(w, q->terminal);
}
