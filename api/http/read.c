/*
 * The reading endpoints of RFC 6962, sections 4.3 to 4.8.  One answer comes from one snapshot.
 */
#include <inttypes.h>

#include "api/http/api.h"
#include "api/http/query.h"
#include "merkle/base/text.h"
#include "merkle/leaf/sct.h"

/* ---- pieces ---- */

/* Appends prefix, the hashes as an array of base64, suffix. */
static enum result
write_hashes(const char *prefix, const struct hash *h, unsigned n, const char *suffix,
             struct buf *out)
{
    enum result r = buf_add(out, span_str(prefix));

    if (r == RES_OK)
        r = buf_add(out, span_str("["));
    for (unsigned i = 0; i < n && r == RES_OK; i++) {
        r = buf_add(out, span_str(i == 0 ? "\"" : ",\""));
        if (r == RES_OK)
            r = text_base64(hash_span(&h[i]), out);
        if (r == RES_OK)
            r = buf_add(out, span_str("\""));
    }
    if (r == RES_OK)
        r = buf_add(out, span_str("]"));
    if (r == RES_OK)
        r = buf_add(out, span_str(suffix));
    return r;
}

/* Appends "leaf_input":…,"extra_data":… of the entry at index. */
static enum result
write_entry(struct api_thread *t, uint64_t index, struct buf *leaf, struct buf *extra,
            struct buf *out)
{
    enum result r;

    leaf->n = extra->n = 0;
    r = log_reader_entry(t->reader, index, leaf, extra);
    if (r == RES_OK)
        r = buf_add(out, span_str("\"leaf_input\":\""));
    if (r == RES_OK)
        r = text_base64(buf_span(leaf), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\",\"extra_data\":\""));
    if (r == RES_OK)
        r = text_base64(buf_span(extra), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\""));
    return r;
}

/* Reads two numbers of the query; on failure x has been refused. */
static bool
two_numbers(struct exchange *x, const char *a, const char *b, uint64_t *ret_a, uint64_t *ret_b)
{
    struct query_param p[2] = {{.name = a}, {.name = b}};
    const char *name;
    enum result r = query_read(x->rq->query, p, 2, &name);

    if (r == RES_OK) {
        name = a;
        r = query_u64(&p[0], ret_a);
    }
    if (r == RES_OK) {
        name = b;
        r = query_u64(&p[1], ret_b);
    }
    if (r != RES_OK)
        exchange_refuse(x, r, name);
    return r == RES_OK;
}

/* Ends the snapshot with x's answer: out, or the refusal r. */
static void
finish(struct exchange *x, enum result r, const char *detail, enum reply_cache cache)
{
    log_reader_end(api_thread_of(x)->reader);
    if (r == RES_OK)
        exchange_ok(x, REPLY_JSON, cache, buf_span(&x->out));
    else
        exchange_refuse(x, r, detail);
}

/* ---- 4.3 get-sth ---- */

static enum result
write_sth(const struct store_head *h, struct buf *scratch, struct buf *out)
{
    struct digitally_signed d = {
        .hash = 4, .algorithm = 3, .signature = span_of(h->sth_signature, h->sth_signature_n)};
    enum result r;

    scratch->n = 0;
    r = buf_printf(out,
                   "{\"tree_size\":%" PRIu64 ",\"timestamp\":%" PRIu64 ",\"sha256_root_hash\":\"",
                   h->size, h->timestamp);
    if (r == RES_OK)
        r = text_base64(hash_span(&h->root), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\",\"tree_head_signature\":\""));
    if (r == RES_OK)
        r = digitally_signed_write(&d, scratch);
    if (r == RES_OK)
        r = text_base64(buf_span(scratch), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\"}\n"));
    return r;
}

enum result
api_refresh_head(struct exchange *x)
{
    struct api_thread *t = api_thread_of(x);
    const struct log *log = api_of(x)->log;
    struct store_head h;
    uint64_t generation;
    enum result r;

    if (t->generation != 0 && t->generation == log_head_generation(log))
        return RES_OK;
    t->generation = 0;
    t->sth.n = t->checkpoint.n = 0;
    log_head(log, &h, &generation);
    r = write_sth(&h, &t->text, &t->sth);
    if (r == RES_OK)
        r = log_checkpoint(log, &h, &t->checkpoint);
    if (r == RES_OK)
        t->generation = generation;
    return r;
}

void
read_sth(struct exchange *x)
{
    enum result r = api_refresh_head(x);

    if (r == RES_OK)
        exchange_ok(x, REPLY_JSON, REPLY_NO_STORE, buf_span(&api_thread_of(x)->sth));
    else
        exchange_refuse(x, r, NULL);
}

/* ---- 4.4 get-sth-consistency ---- */

void
read_consistency(struct exchange *x)
{
    struct hash proof[PROOF_HASHES_MAX];
    struct store_head head;
    uint64_t first;
    uint64_t second;
    unsigned n = 0;
    enum result r;

    if (!two_numbers(x, "first", "second", &first, &second) || !api_snapshot(x, &head))
        return;
    if (first > second || second > head.size)
        r = RES_RANGE;
    else
        r = log_reader_consistency(api_thread_of(x)->reader, first, second, proof, &n);
    if (r == RES_OK)
        r = write_hashes("{\"consistency\":", proof, n, "}\n", &x->out);
    finish(x, r, "first <= second <= the head's tree_size", REPLY_DAY);
}

/* ---- 4.5 get-proof-by-hash ---- */

/* Reads hash and tree_size; on failure x has been refused. */
static bool
hash_and_size(struct exchange *x, struct hash *ret_hash, uint64_t *ret_size)
{
    struct query_param p[2] = {{.name = "hash"}, {.name = "tree_size"}};
    const char *name;
    enum result r = query_read(x->rq->query, p, 2, &name);

    if (r == RES_OK &&
        text_unbase64_exact(span_of(p[0].value, p[0].n), ret_hash->b, HASH_SIZE) != RES_OK) {
        name = "hash: base64 of 32 bytes, percent-encoded";
        r = RES_PARAMETER;
    }
    if (r == RES_OK && (query_u64(&p[1], ret_size) != RES_OK || *ret_size == 0)) {
        name = "tree_size";
        r = RES_PARAMETER;
    }
    if (r != RES_OK)
        exchange_refuse(x, r, name);
    return r == RES_OK;
}

void
read_proof(struct exchange *x)
{
    struct log_reader *reader = api_thread_of(x)->reader;
    struct hash proof[PROOF_HASHES_MAX];
    struct store_head head;
    struct hash leaf;
    uint64_t size;
    uint64_t index = 0;
    unsigned n = 0;
    enum result r = RES_OK;

    if (!hash_and_size(x, &leaf, &size) || !api_snapshot(x, &head))
        return;
    /* A tree that is not there yet holds no such hash: 404, as deployed logs answer. */
    if (size > head.size)
        r = RES_UNKNOWN_HASH;
    if (r == RES_OK)
        r = log_reader_find_leaf(reader, &leaf, size, &index);
    if (r == RES_OK)
        r = log_reader_inclusion(reader, index, size, proof, &n);
    if (r == RES_OK)
        r = buf_printf(&x->out, "{\"leaf_index\":%" PRIu64, index);
    if (r == RES_OK)
        r = write_hashes(",\"audit_path\":", proof, n, "}\n", &x->out);
    finish(x, r, NULL, REPLY_DAY);
}

/* ---- 4.6 get-entries ---- */

static enum result
write_entries(struct exchange *x, uint64_t start, uint64_t end)
{
    struct api_thread *t = api_thread_of(x);
    enum result r = buf_add(&x->out, span_str("{\"entries\":["));

    /* RFC 6962 section 4.6 allows fewer than were asked for; one at least, or nobody gets on. */
    for (uint64_t i = start; i <= end && r == RES_OK && x->out.n < HTTP_ENTRIES_BYTES; i++) {
        size_t mark = x->out.n;

        r = buf_add(&x->out, span_str(i == start ? "{" : ",{"));
        if (r == RES_OK)
            r = write_entry(t, i, &t->der, &t->text, &x->out);
        if (r == RES_OK)
            r = buf_add(&x->out, span_str("}"));
        if (r == RES_ERASED && i > start) { /* who goes on asks for that one */
            x->out.n = mark;
            r = RES_OK;
            break;
        }
    }
    if (r == RES_OK)
        r = buf_add(&x->out, span_str("]}\n"));
    /* Not the peer's fault when a snapshot's own entries make an answer too large. */
    return r == RES_TOO_LARGE ? RES_MEMORY : r;
}

void
read_entries(struct exchange *x)
{
    uint64_t cap = api_of(x)->config->entries_max;
    struct store_head head;
    enum reply_cache cache;
    uint64_t start;
    uint64_t end;
    bool whole;

    if (!api_may_read_entries(x, REPLY_DAY, &cache) ||
        !two_numbers(x, "start", "end", &start, &end) || !api_snapshot(x, &head))
        return;
    if (start > end || start >= head.size) {
        finish(x, RES_RANGE, "start <= end and start < the head's tree_size", REPLY_NO_STORE);
        return;
    }
    whole = end < head.size;
    if (!whole)
        end = head.size - 1;
    if (end - start >= cap)
        end = start + cap - 1;
    /* Cut off by the tree's end the answer grows; cut off by the cap it does not. */
    if (!whole && end == head.size - 1 && cache == REPLY_DAY)
        cache = REPLY_NO_STORE;
    finish(x, write_entries(x, start, end), NULL, cache);
}

/* ---- 4.7 get-roots ---- */

static enum result
write_roots(const struct roots *roots, struct buf *out)
{
    enum result r = buf_add(out, span_str("{\"certificates\":["));
    bool first = true;

    for (size_t i = 0; i < roots_count(roots) && r == RES_OK; i++) {
        const struct root *root = roots_at(roots, i);

        if (root->verify_only)
            continue;
        r = buf_add(out, span_str(first ? "\"" : ",\""));
        if (r == RES_OK)
            r = text_base64(root->der, out);
        if (r == RES_OK)
            r = buf_add(out, span_str("\""));
        first = false;
    }
    if (r == RES_OK)
        r = buf_add(out, span_str("]}\n"));
    return r;
}

void
read_roots(struct exchange *x)
{
    struct api_thread *t = api_thread_of(x);
    struct roots *now = log_roots(api_of(x)->log);
    enum result r = RES_OK;

    if (now == t->roots) {
        roots_unref(now);
    } else {
        roots_unref(t->roots);
        t->roots = NULL;
        t->roots_body.n = 0;
        r = write_roots(now, &t->roots_body);
        if (r == RES_OK)
            t->roots = now;
        else
            roots_unref(now);
    }
    if (r == RES_OK)
        exchange_ok(x, REPLY_JSON, REPLY_NO_STORE, buf_span(&t->roots_body));
    else
        exchange_refuse(x, r == RES_TOO_LARGE ? RES_MEMORY : r, NULL);
}

/* ---- 4.8 get-entry-and-proof ---- */

void
read_entry_and_proof(struct exchange *x)
{
    struct api_thread *t = api_thread_of(x);
    struct hash proof[PROOF_HASHES_MAX];
    struct store_head head;
    enum reply_cache cache;
    uint64_t index;
    uint64_t size;
    unsigned n = 0;
    enum result r = RES_OK;

    if (!api_may_read_entries(x, REPLY_DAY, &cache) ||
        !two_numbers(x, "leaf_index", "tree_size", &index, &size) || !api_snapshot(x, &head))
        return;
    if (index >= size || size > head.size)
        r = RES_RANGE;
    if (r == RES_OK)
        r = log_reader_inclusion(t->reader, index, size, proof, &n);
    if (r == RES_OK)
        r = buf_add(&x->out, span_str("{"));
    if (r == RES_OK)
        r = write_entry(t, index, &t->der, &t->text, &x->out);
    if (r == RES_OK)
        r = write_hashes(",\"audit_path\":", proof, n, "}\n", &x->out);
    finish(x, r, "leaf_index < tree_size <= the head's tree_size", cache);
}
