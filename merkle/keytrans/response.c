#include "merkle/keytrans/response.h"

#include <string.h>

#include "merkle/keytrans/optional.h"

#define HEAD_SAME 1
#define HEAD_UPDATED 2
#define CREDENTIAL_STANDARD 1
#define CREDENTIAL_PROVISIONAL 2

static void
get_tree_head(struct reader *r, struct full_head *ret)
{
    ret->size = get_u64(r);
    ret->signature = get_vec16(r, 0, UINT16_MAX);
}

static void
put_tree_head(struct writer *w, const struct full_head *h)
{
    put_u64(w, h->size);
    put_vec16(w, h->signature);
}

void
full_head_get(struct reader *r, struct full_head *ret)
{
    uint8_t type = get_u8(r);

    memset(ret, 0, sizeof(*ret));
    ret->updated = type == HEAD_UPDATED;
    if (ret->updated)
        get_tree_head(r, ret);
    else if (type != HEAD_SAME)
        reader_fail(r, RES_VALUE);
}

void
full_head_put(struct writer *w, const struct full_head *h)
{
    put_u8(w, h->updated ? HEAD_UPDATED : HEAD_SAME);
    if (h->updated)
        put_tree_head(w, h);
}

void
ladder_step_get(struct reader *r, struct ladder_step *ret)
{
    ret->proof = get_bytes(r, KT_VRF_PROOF_SIZE);
    ret->has_commitment = get_present(r);
    if (ret->has_commitment)
        get_hash(r, &ret->commitment);
}

void
ladder_step_put(struct writer *w, const struct ladder_step *s)
{
    put_bytes(w, s->proof);
    put_u8(w, s->has_commitment);
    if (s->has_commitment)
        put_bytes(w, hash_span(&s->commitment));
}

struct span
label_value_get(struct reader *r)
{
    return get_bytes(r, get_u32(r));
}

void
label_value_put(struct writer *w, struct span value)
{
    put_u32(w, value.n);
    put_bytes(w, value);
}

/* What r went through since begin, n elements. */
static struct proof_queue
passed(const struct reader *r, const uint8_t *begin, unsigned n)
{
    if (r->err != RES_OK)
        return (struct proof_queue){span_of(NULL, 0), 0};
    return (struct proof_queue){span_of(begin, (size_t)(r->p - begin)), n};
}

static struct proof_queue
get_ladder(struct reader *r, unsigned n)
{
    const uint8_t *begin = r->p;
    struct ladder_step unused;

    for (unsigned i = 0; i < n && r->err == RES_OK; i++)
        ladder_step_get(r, &unused);
    return passed(r, begin, n);
}

static struct proof_queue
get_values(struct reader *r, unsigned n)
{
    const uint8_t *begin = r->p;

    for (unsigned i = 0; i < n && r->err == RES_OK; i++)
        (void)label_value_get(r);
    return passed(r, begin, n);
}

/* Elements of one size. */
static struct proof_queue
get_fixed(struct reader *r, unsigned n, size_t size)
{
    const uint8_t *begin = r->p;

    (void)get_bytes(r, n * size);
    return passed(r, begin, n);
}

/* A queue behind a count of one byte. */
static void
put_queue(struct writer *w, const struct proof_queue *q)
{
    put_u8(w, q->n);
    put_bytes(w, q->bytes);
}

void
search_response_get(struct reader *r, bool with_version, struct search_response *ret)
{
    full_head_get(r, &ret->head);
    ret->version = with_version ? get_u32(r) : 0;
    ret->opening = get_bytes(r, KT_OPENING_SIZE);
    ret->value = label_value_get(r);
    ret->ladder = get_ladder(r, get_u8(r));
    combined_proof_get(r, &ret->proof);
}

void
search_response_put(struct writer *w, bool with_version, const struct search_response *a)
{
    full_head_put(w, &a->head);
    if (with_version)
        put_u32(w, a->version);
    put_bytes(w, a->opening);
    label_value_put(w, a->value);
    put_queue(w, &a->ladder);
    combined_proof_put(w, &a->proof);
}

void
proof_response_get(struct reader *r, struct proof_response *ret)
{
    full_head_get(r, &ret->head);
    combined_proof_get(r, &ret->proof);
}

void
proof_response_put(struct writer *w, const struct proof_response *a)
{
    full_head_put(w, &a->head);
    combined_proof_put(w, &a->proof);
}

void
owner_init_response_get(struct reader *r, struct owner_init_response *ret)
{
    full_head_get(r, &ret->head);
    ret->greatest_versions = get_fixed(r, get_u8(r), sizeof(uint32_t));
    ret->ladder = get_ladder(r, get_u16(r));
    combined_proof_get(r, &ret->proof);
}

void
owner_init_response_put(struct writer *w, const struct owner_init_response *a)
{
    full_head_put(w, &a->head);
    put_queue(w, &a->greatest_versions);
    put_u16(w, a->ladder.n);
    put_bytes(w, a->ladder.bytes);
    combined_proof_put(w, &a->proof);
}

void
update_response_get(struct reader *r, struct update_response *ret)
{
    full_head_get(r, &ret->head);
    ret->position = get_u64(r);
    ret->values = get_values(r, get_u8(r));
    ret->info = get_fixed(r, get_u8(r), KT_OPENING_SIZE);
    ret->ladder = get_ladder(r, get_u8(r));
    combined_proof_get(r, &ret->proof);
}

void
update_response_put(struct writer *w, const struct update_response *a)
{
    full_head_put(w, &a->head);
    put_u64(w, a->position);
    put_queue(w, &a->values);
    put_queue(w, &a->info);
    put_queue(w, &a->ladder);
    combined_proof_put(w, &a->proof);
}

void
credential_get(struct reader *r, struct credential *ret)
{
    struct prefix_proof unused;
    const uint8_t *begin;
    uint8_t type;

    memset(ret, 0, sizeof(*ret));
    ret->label = get_vec8(r, 0, KT_LABEL_MAX);
    ret->version = get_u32(r);
    ret->opening = get_bytes(r, KT_OPENING_SIZE);
    ret->value = label_value_get(r);
    ret->ladder = get_ladder(r, get_u8(r));
    ret->position = get_u64(r);
    type = get_u8(r);
    ret->provisional = type == CREDENTIAL_PROVISIONAL;
    if (ret->provisional) {
        ret->head.updated = true;
        get_tree_head(r, &ret->head);
        combined_proof_get(r, &ret->search);
    } else if (type == CREDENTIAL_STANDARD) {
        begin = r->p;
        prefix_proof_get(r, &unused);
        ret->distinguished = passed(r, begin, 1);
    } else {
        reader_fail(r, RES_VALUE);
    }
}

void
credential_put(struct writer *w, const struct credential *c)
{
    put_vec8(w, c->label);
    put_u32(w, c->version);
    put_bytes(w, c->opening);
    label_value_put(w, c->value);
    put_queue(w, &c->ladder);
    put_u64(w, c->position);
    put_u8(w, c->provisional ? CREDENTIAL_PROVISIONAL : CREDENTIAL_STANDARD);
    if (c->provisional) {
        put_tree_head(w, &c->head);
        combined_proof_put(w, &c->search);
    } else {
        put_bytes(w, c->distinguished.bytes);
    }
}

void
absence_response_get(struct reader *r, struct absence_response *ret)
{
    full_head_get(r, &ret->head);
    ret->vrf_proof = get_bytes(r, KT_VRF_PROOF_SIZE);
    combined_proof_get(r, &ret->proof);
}

void
absence_response_put(struct writer *w, const struct absence_response *a)
{
    full_head_put(w, &a->head);
    put_bytes(w, a->vrf_proof);
    combined_proof_put(w, &a->proof);
}

void
as_of_response_get(struct reader *r, struct as_of_response *ret)
{
    memset(ret, 0, sizeof(*ret));
    full_head_get(r, &ret->head);
    ret->version = get_optional_u32(r);
    if (ret->version.has)
        ret->first = get_u64(r);
    ret->next = get_optional_u64(r);
    if (ret->version.has) {
        ret->opening = get_bytes(r, KT_OPENING_SIZE);
        ret->value = label_value_get(r);
    }
    ret->ladder = get_ladder(r, get_u8(r));
    combined_proof_get(r, &ret->proof);
}

void
as_of_response_put(struct writer *w, const struct as_of_response *a)
{
    full_head_put(w, &a->head);
    put_optional_u32(w, a->version);
    if (a->version.has)
        put_u64(w, a->first);
    put_optional_u64(w, a->next);
    if (a->version.has) {
        put_bytes(w, a->opening);
        label_value_put(w, a->value);
    }
    put_queue(w, &a->ladder);
    combined_proof_put(w, &a->proof);
}

void
erased_version_get(struct reader *r, struct erased_version *ret)
{
    ret->version = get_u32(r);
    ret->entry = get_u64(r);
    get_hash(r, &ret->output);
    get_hash(r, &ret->commitment);
}

void
erased_version_put(struct writer *w, const struct erased_version *v)
{
    put_u32(w, v->version);
    put_u64(w, v->entry);
    put_bytes(w, hash_span(&v->output));
    put_bytes(w, hash_span(&v->commitment));
}

void
erased_response_get(struct reader *r, struct proof_queue *ret)
{
    unsigned n = get_u16(r);
    const uint8_t *begin = r->p;
    struct erased_version before = {0}, v;

    if (n == 0)
        reader_fail(r, RES_VALUE);
    for (unsigned i = 0; i < n && r->err == RES_OK; i++) {
        erased_version_get(r, &v);
        if (i > 0 && (v.version != before.version + 1 || v.entry <= before.entry))
            reader_fail(r, RES_VALUE);
        before = v;
    }
    *ret = (struct proof_queue){span_of(begin, r->err == RES_OK ? (size_t)(r->p - begin) : 0), n};
}
