/*
 * POST /v1/lookup: what is known of one address, with everything that a client needs to verify it
 * without asking again (FORMATS.md, "The directory").
 *
 * Neither the address nor what was wrong with it stands in a refusal: its reason is enough.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "api/http/api.h"
#include "api/http/json.h"
#include "api/http/query.h"
#include "merkle/base/text.h"
#include "merkle/keytrans/mailbox.h"

/* Certificates that the chains of one answer may name: a value has 256 records. */
#define ISSUERS_MAX (MAILBOX_RECORDS_MAX * DATATILE_CHAIN_MAX)

struct question {
    struct label label;
    struct kt_optional last, at;
};

/* ---- the question ---- */

static enum result
set_label(struct question *q, struct span text)
{
    struct address a;
    enum result r = address_parse(text, &a);

    if (r == RES_OK)
        label_of_address(&a, &q->label);
    return r;
}

static enum result
number_member(const struct json *document, const char *name, struct kt_optional *ret)
{
    const struct json *m = json_find(document, name);

    *ret = (struct kt_optional){false, 0};
    if (m == NULL)
        return RES_OK;
    ret->has = true;
    return json_uint(m, &ret->value);
}

static enum result
read_json(struct span body, struct question *ret)
{
    struct json *document = NULL;
    struct span address;
    enum result r = json_read_strict(body, &document);

    if (r == RES_OK)
        r = json_string(json_find(document, "address"), &address);
    if (r == RES_OK)
        r = number_member(document, "last", &ret->last);
    if (r == RES_OK)
        r = number_member(document, "at", &ret->at);
    if (r == RES_OK)
        r = set_label(ret, address);
    json_document_free(document);
    return r;
}

/* A number that may be missing. */
static enum result
form_number(struct span body, const char *name, struct kt_optional *ret)
{
    char text[QUERY_VALUE_MAX];
    size_t n;
    enum result r = query_find(body, name, text, sizeof text, &n, &ret->has);

    if (r != RES_OK || !ret->has)
        return r;
    return text_u64(span_of(text, n), UINT64_MAX, &ret->value) == RES_OK ? RES_OK : RES_PARAMETER;
}

static enum result
read_form(struct span body, struct question *ret)
{
    char address[ADDRESS_TEXT_MAX];
    bool present;
    size_t n;
    enum result r = query_find(body, "address", address, sizeof address, &n, &present);

    if (r == RES_OK && !present)
        r = RES_PARAMETER;
    if (r == RES_OK)
        r = form_number(body, "last", &ret->last);
    if (r == RES_OK)
        r = form_number(body, "at", &ret->at);
    return r == RES_OK ? set_label(ret, span_of(address, n)) : r;
}

/* ---- the answer ---- */

/* The certificates that chains name, each once. */
struct issuers {
    struct hash sha256[ISSUERS_MAX];
    size_t n;
};

static enum result
add_base64(const char *before, struct span bytes, const char *after, struct buf *out)
{
    enum result r = buf_add(out, span_str(before));

    if (r == RES_OK)
        r = text_base64(bytes, out);
    return r == RES_OK ? buf_add(out, span_str(after)) : r;
}

static void
note_issuer(struct issuers *s, const struct hash *sha256)
{
    for (size_t i = 0; i < s->n; i++)
        if (hash_equal(&s->sha256[i], sha256))
            return;
    if (s->n < ISSUERS_MAX)
        s->sha256[s->n++] = *sha256;
}

static enum result
add_chain(const struct tile_leaf *l, struct issuers *issuers, struct buf *out)
{
    enum result r = buf_add(out, span_str(",\"chain\":["));

    for (size_t i = 0; i < l->chain_count && r == RES_OK; i++) {
        note_issuer(issuers, &l->chain[i]);
        r = buf_add(out, span_str(i == 0 ? "\"" : ",\""));
        if (r == RES_OK)
            r = text_hex(hash_span(&l->chain[i]), out);
        if (r == RES_OK)
            r = buf_add(out, span_str("\""));
    }
    return r == RES_OK ? buf_add(out, span_str("]")) : r;
}

/* One record: its entry in the certificate log of that size. */
static enum result
add_record(struct api_thread *t, const struct mailbox_record *m, uint64_t size,
           struct issuers *issuers, struct buf *out)
{
    uint64_t index = m->final_index != MAILBOX_NO_INDEX ? m->final_index : m->precert_index;
    struct hash path[PROOF_HASHES_MAX];
    struct tile_leaf l;
    unsigned n = 0;
    enum result r = log_reader_leaf(t->reader, index, &l);

    t->der.n = 0;
    if (r == RES_OK)
        r = entry_leaf_write(&l.timestamped, &t->der);
    if (r == RES_OK)
        r = log_reader_inclusion(t->reader, index, size, path, &n);
    if (r == RES_OK)
        r = buf_printf(out, "{\"index\":%" PRIu64, index);
    if (r == RES_OK)
        r = add_base64(",\"leaf_input\":\"", buf_span(&t->der), "\"", out);
    if (r == RES_OK && l.precertificate.n > 0)
        r = add_base64(",\"precertificate\":\"", l.precertificate, "\"", out);
    if (r == RES_OK)
        r = add_chain(&l, issuers, out);
    if (r == RES_OK)
        r = buf_add(out, span_str(",\"audit_path\":["));
    for (unsigned i = 0; i < n && r == RES_OK; i++)
        r = add_base64(i == 0 ? "\"" : ",\"", hash_span(&path[i]), "\"", out);
    return r == RES_OK ? buf_add(out, span_str("]}")) : r;
}

static enum result
add_records(struct api_thread *t, struct span value, uint64_t size, struct issuers *issuers,
            struct buf *out)
{
    struct reader in = reader_of(value);
    struct mailbox_state state;
    enum result r;

    mailbox_state_get(&in, &state);
    r = reader_end(&in);
    if (r != RES_OK)
        return RES_STORE_DAMAGED;
    if (state.tombstone)
        return RES_OK;
    in = reader_of(state.records);
    for (unsigned i = 0; i < state.n && r == RES_OK; i++) {
        struct mailbox_record m;

        mailbox_record_get(&in, &m);
        if (i > 0)
            r = buf_add(out, span_str(","));
        if (r == RES_OK)
            r = add_record(t, &m, size, issuers, out);
    }
    return r;
}

static enum result
add_issuers(struct api_thread *t, const struct issuers *issuers, struct buf *out)
{
    enum result r = RES_OK;

    for (size_t i = 0; i < issuers->n && r == RES_OK; i++) {
        struct span der;

        r = log_reader_issuer(t->reader, &issuers->sha256[i], &der);
        if (r == RES_OK)
            r = add_base64(i == 0 ? "\"" : ",\"", der, "\"", out);
    }
    return r;
}

/* Everything behind the answer: out begins with it. */
static enum result
add_rest(struct api_thread *t, const struct directory_found *found, struct span value,
         struct issuers *issuers, struct buf *out)
{
    struct feed_entry entry;
    enum result r = buf_add(out, span_str(",\"anchor\":{"));

    if (r == RES_OK)
        r = feed_anchor_members(t->directory, found->size, &entry, out);
    if (r == RES_OK)
        r = buf_add(out, span_str("},\"records\":["));
    if (r == RES_OK)
        r = log_reader_begin(t->reader, NULL);
    if (r == RES_ABSENT) /* a log without a head has no records */
        r = RES_OK;
    else if (r == RES_OK) {
        if (found->present)
            r = add_records(t, value, found->feed.certificates, issuers, out);
        if (r == RES_OK)
            r = buf_add(out, span_str("],\"issuers\":["));
        if (r == RES_OK)
            r = add_issuers(t, issuers, out);
        log_reader_end(t->reader);
        return r == RES_OK ? buf_add(out, span_str("]}")) : r;
    }
    return r == RES_OK ? buf_add(out, span_str("],\"issuers\":[]}")) : r;
}

/* Blanks up to the next power of two: JSON has any number of them behind a text. */
static enum result
pad(struct buf *out)
{
    size_t want = LOOKUP_ANSWER_MIN;
    enum result r;

    while (want < out->n + 1)
        want *= 2;
    r = buf_reserve(out, want - out->n);
    if (r != RES_OK)
        return r;
    memset(out->p + out->n, ' ', want - out->n);
    out->p[want - 1] = '\n';
    out->n = want;
    return RES_OK;
}

/* *ret_why: RES_OK, RES_KT_NO_LABEL or RES_ERASED, which all are answers of one form. */
static enum result
look_up(struct exchange *x, struct directory_reader *reader, const struct question *q,
        enum result *ret_why)
{
    struct api_thread *t = api_thread_of(x);
    struct issuers *issuers = malloc(sizeof *issuers);
    struct directory_found found;
    struct buf value = BUF_INIT(MAILBOX_VALUE_MAX);
    enum result r = issuers == NULL ? RES_MEMORY : RES_OK;

    t->text.n = 0;
    if (r == RES_OK)
        r = directory_lookup(reader, &q->label, q->last, q->at, &t->text, &found);
    *ret_why = r;
    if (r == RES_KT_NO_LABEL || r == RES_ERASED)
        r = RES_OK;
    if (r == RES_OK)
        r = buf_add(&value, found.value); /* borrowed until the reader's next call */
    if (r == RES_OK)
        r = add_base64("{\"answer\":\"", buf_span(&t->text), "\"", &x->out);
    if (r == RES_OK) {
        issuers->n = 0;
        r = add_rest(t, &found, buf_span(&value), issuers, &x->out);
    }
    if (r == RES_OK)
        r = pad(&x->out);
    buf_release(&value);
    free(issuers);
    return r;
}

/* An object, with any blanks before it; a form begins with a name. */
static bool
is_json(struct span body)
{
    size_t i = 0;

    while (i < body.n && strchr(" \t\r\n", body.p[i]) != NULL && body.p[i] != '\0')
        i++;
    return i < body.n && body.p[i] == '{';
}

void
lookup_lookup(struct exchange *x)
{
    struct directory_reader *reader = api_directory(x);
    struct question q = {.last = {false, 0}, .at = {false, 0}};
    struct span body;
    enum result r, why = RES_OK;

    if (reader == NULL)
        return; /* x has been answered: it may be gone */
    body = x->rq->body;
    r = is_json(body) ? read_json(body, &q) : read_form(body, &q);
    if (r == RES_OK)
        r = look_up(x, reader, &q, &why);
    if (r != RES_OK) {
        exchange_refuse(x, r, NULL);
        return;
    }
    x->why = why;
    x->reply = (struct reply){.status = reply_status(why),
                              .type = REPLY_JSON,
                              .cache = REPLY_NO_STORE,
                              .cors = x->route->cors,
                              .discreet = true,
                              .alike = true,
                              .body = buf_span(&x->out)};
    exchange_done(x);
}
