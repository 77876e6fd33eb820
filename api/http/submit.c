/*
 * add-chain and add-pre-chain, RFC 6962 sections 4.1 and 4.2.
 *
 * A worker reads the JSON and has the chain checked; the sequencer calls back after the commit; the
 * loop writes the answer.  Two endpoints, one body.
 */
#include <inttypes.h>

#include "api/http/api.h"
#include "api/http/json.h"
#include "merkle/base/codec.h"
#include "merkle/base/text.h"
#include "merkle/leaf/entry.h"
#include "merkle/leaf/sct.h"

/* What the sequencer leaves for the loop. */
struct outcome {
    enum result r;
    struct log_receipt receipt;
};

/* Decodes the certificates into t->der; certs[] then borrows from it. */
static enum result
read_chain(const struct json *array, struct api_thread *t, struct span *certs, size_t *ret_n)
{
    size_t end[CHAIN_MAX];
    size_t n = 0;

    t->der.n = 0;
    if (!json_is_array(array))
        return RES_JSON;
    for (const struct json *e = json_array_first(array); e != NULL; e = json_array_next(e)) {
        struct span text;
        enum result r;

        if (n == CHAIN_MAX)
            return RES_CHAIN_TOO_LONG;
        r = json_string(e, &text);
        if (r == RES_OK)
            r = text_unbase64(text, &t->der);
        if (r != RES_OK)
            return r;
        end[n++] = t->der.n;
    }
    if (n == 0)
        return RES_CHAIN_EMPTY;
    for (size_t i = 0; i < n; i++) {
        size_t begin = i == 0 ? 0 : end[i - 1];

        certs[i] = span_of(t->der.p + begin, end[i] - begin);
    }
    *ret_n = n;
    return RES_OK;
}

/* The SCT as add-chain's answer has it. */
static enum result
write_sct(const struct log *log, const struct log_receipt *receipt, struct buf *scratch,
          struct buf *out)
{
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    struct digitally_signed d = {
        .hash = 4, .algorithm = 3, .signature = span_of(receipt->signature, receipt->signature_n)};
    enum result r;

    entry_leaf_index(receipt->index, extensions);
    scratch->n = 0;
    r = buf_add(out, span_str("{\"sct_version\":0,\"id\":\""));
    if (r == RES_OK)
        r = text_base64(hash_span(log_id(log)), out);
    if (r == RES_OK)
        r = buf_printf(out, "\",\"timestamp\":%" PRIu64 ",\"extensions\":\"", receipt->timestamp);
    if (r == RES_OK)
        r = text_base64(span_of(extensions, sizeof extensions), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\",\"signature\":\""));
    if (r == RES_OK)
        r = digitally_signed_write(&d, scratch);
    if (r == RES_OK)
        r = text_base64(buf_span(scratch), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\"}\n"));
    return r;
}

static void
answer(struct exchange *x)
{
    struct outcome o;
    enum result r;

    memcpy(&o, x->later.p, sizeof o);
    r = o.r;
    if (r == RES_OK)
        r = write_sct(api_of(x)->log, &o.receipt, &api_thread_of(x)->text, &x->out);
    if (r == RES_OK)
        exchange_ok(x, REPLY_JSON, REPLY_NO_STORE, buf_span(&x->out));
    else
        exchange_refuse(x, r, NULL);
}

/* From the sequencer's thread. */
static void
on_receipt(void *arg, enum result r, const struct log_receipt *receipt)
{
    struct exchange *x = arg;
    struct outcome o = {.r = r};

    if (r == RES_OK)
        o.receipt = *receipt;
    memcpy(x->later.p, &o, sizeof o); /* room was made before the chain was handed in */
    exchange_on_loop(x, answer);
}

static enum result
submit_certs(struct exchange *x, enum entry_type type, struct chain_refusal *refusal)
{
    struct api_thread *t = api_thread_of(x);
    struct json *document = NULL;
    struct span certs[CHAIN_MAX];
    size_t n = 0;
    enum result r;

    if (x->rq->body.n == 0)
        return RES_JSON;
    r = json_read_strict(x->rq->body, &document);
    if (r == RES_OK)
        r = read_chain(json_find(document, "chain"), t, certs, &n);
    json_document_free(document);
    if (r == RES_OK && t->worker == NULL)
        r = log_worker_new(api_of(x)->log, &t->worker);
    if (r == RES_OK)
        r = buf_reserve(&x->later, sizeof(struct outcome));
    if (r == RES_OK)
        r = log_submit(t->worker, type, certs, n, on_receipt, x, refusal);
    return r;
}

static void
submit(struct exchange *x, enum entry_type type)
{
    struct chain_refusal refusal = {.why = RES_OK};
    enum result r = submit_certs(x, type, &refusal);

    /* RES_OK: on_receipt has x, perhaps the answer is already on its way. */
    if (r != RES_OK)
        exchange_refuse(x, r, refusal.why == r ? refusal.detail : NULL);
}

void
submit_chain(struct exchange *x)
{
    submit(x, ENTRY_X509);
}

void
submit_pre_chain(struct exchange *x)
{
    submit(x, ENTRY_PRECERT);
}
