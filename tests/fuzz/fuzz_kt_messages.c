/*
 * Requests and answers of Key Transparency: a byte says which, the rest is one.  What is read whole
 * is written as the same bytes, also element by element, and what it holds is borrowed from them.
 */
#include "merkle/keytrans/response.h"
#include "tests/fuzz/fuzz.h"

/* A function that reads a struct TYPE whole and writes it again; false when it is refused. */
#define AGAIN(name, type, get, put)                           \
    static bool again_##name(struct span in, struct buf *out) \
    {                                                         \
        static struct type value;                             \
        struct reader r = reader_of(in);                      \
        struct writer w = writer_to(out);                     \
                                                              \
        get(&r, &value);                                      \
        if (reader_end(&r) != RES_OK)                         \
            return false;                                     \
        put(&w, &value);                                      \
        FUZZ_CHECK(writer_end(&w) == RES_OK);                 \
        return true;                                          \
    }

#define greatest_get(r, ret) search_response_get(r, true, ret)
#define greatest_put(w, a) search_response_put(w, true, a)
#define fixed_get(r, ret) search_response_get(r, false, ret)
#define fixed_put(w, a) search_response_put(w, false, a)

AGAIN(search, search_request, search_request_get, search_request_put)
AGAIN(contact, contact_monitor_request, contact_monitor_request_get, contact_monitor_request_put)
AGAIN(owner_init, owner_init_request, owner_init_request_get, owner_init_request_put)
AGAIN(owner_monitor, owner_monitor_request, owner_monitor_request_get, owner_monitor_request_put)
AGAIN(update, update_request, update_request_get, update_request_put)
AGAIN(distinguished, distinguished_request, distinguished_request_get, distinguished_request_put)
AGAIN(greatest, search_response, greatest_get, greatest_put)
AGAIN(fixed, search_response, fixed_get, fixed_put)
AGAIN(proof, proof_response, proof_response_get, proof_response_put)
AGAIN(init, owner_init_response, owner_init_response_get, owner_init_response_put)
AGAIN(updated, update_response, update_response_get, update_response_put)
AGAIN(absence, absence_response, absence_response_get, absence_response_put)
AGAIN(as_of_asked, as_of_request, as_of_request_get, as_of_request_put)
AGAIN(update_asked, credential_update_request, credential_update_request_get,
      credential_update_request_put)

/* Steps of a ladder, read and written one by one. */
static void
check_ladder(const struct proof_queue *q)
{
    struct reader r = reader_of(q->bytes);
    struct buf out = BUF_INIT(1u << 24);
    struct writer w = writer_to(&out);

    for (unsigned i = 0; i < q->n; i++) {
        struct ladder_step s;

        ladder_step_get(&r, &s);
        FUZZ_CHECK(s.proof.n == KT_VRF_PROOF_SIZE && fuzz_inside(s.proof, q->bytes));
        ladder_step_put(&w, &s);
    }
    FUZZ_CHECK(reader_end(&r) == RES_OK && writer_end(&w) == RES_OK);
    FUZZ_CHECK(span_equal(buf_span(&out), q->bytes));
    buf_release(&out);
}

static bool
again_credential(struct span in, struct buf *out)
{
    static struct credential c;
    struct reader r = reader_of(in);
    struct writer w = writer_to(out);

    credential_get(&r, &c);
    if (reader_end(&r) != RES_OK)
        return false;
    FUZZ_CHECK(fuzz_inside(c.label, in) && fuzz_inside(c.value, in));
    check_ladder(&c.ladder);
    credential_put(&w, &c);
    FUZZ_CHECK(writer_end(&w) == RES_OK);
    return true;
}

static bool
again_as_of(struct span in, struct buf *out)
{
    static struct as_of_response a;
    struct reader r = reader_of(in);
    struct writer w = writer_to(out);

    as_of_response_get(&r, &a);
    if (reader_end(&r) != RES_OK)
        return false;
    FUZZ_CHECK(a.version.has ? fuzz_inside(a.value, in) : a.value.n == 0);
    check_ladder(&a.ladder);
    as_of_response_put(&w, &a);
    FUZZ_CHECK(writer_end(&w) == RES_OK);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const again[])(struct span in, struct buf * out) = {
        again_search,  again_contact,       again_owner_init,  again_owner_monitor,
        again_update,  again_distinguished, again_greatest,    again_fixed,
        again_proof,   again_init,          again_updated,     again_credential,
        again_absence, again_as_of,         again_as_of_asked, again_update_asked};
    struct buf out = BUF_INIT(1u << 24);

    if (size == 0)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    if (again[data[0] % (sizeof(again) / sizeof(again[0]))](in, &out)) {
        /* the planted bug: a bit is turned.  Four octets are compared at once, which a fuzzer can
         * see; of one octet alone it learns nothing, and chance finds it in minutes. */
        if (PLANT && out.n > 20 && memcmp(out.p + out.n - 4, "flip", 4) == 0)
            out.p[10] ^= 0x80;
        FUZZ_CHECK(span_equal(in, buf_span(&out)));
    }
    buf_release(&out);
    return 0;
}
