/*
 * The audit feed of the key directory: C2SP tlog-tiles under the origin NAME/feed, additions, and
 * anchors (FORMATS.md, "The directory").
 */
#include <inttypes.h>

#include "api/http/api.h"
#include "api/http/json.h"
#include "api/http/query.h"
#include "merkle/base/codec.h"
#include "merkle/base/text.h"

static void
finish(struct exchange *x, enum result r, enum reply_type type, enum reply_cache cache)
{
    if (r == RES_OK)
        exchange_ok(x, type, cache, buf_span(&x->out));
    else
        exchange_refuse(x, r, NULL);
}

void
feed_checkpoint(struct exchange *x)
{
    struct directory_reader *reader = api_directory(x);

    if (reader != NULL)
        finish(x, directory_feed_checkpoint(reader, &x->out), REPLY_TEXT, REPLY_NO_STORE);
}

static struct span
rest_of(const struct exchange *x, size_t prefix_n)
{
    return span_of(x->rq->path.p + prefix_n, x->rq->path.n - prefix_n);
}

void
feed_tile(struct exchange *x)
{
    struct directory_reader *reader = api_directory(x);
    struct tile t;
    enum result r;

    if (reader == NULL)
        return;
    r = tile_parse_path(rest_of(x, sizeof "/feed/tile/" - 1), &t);
    if (r != RES_OK) {
        exchange_refuse(x, r, "tlog-tiles: /tile/<L>/<N>[.p/<W>]");
        return;
    }
    finish(x, directory_feed_tile(reader, &t, &x->out), REPLY_OCTETS, REPLY_IMMUTABLE);
}

void
feed_additions(struct exchange *x)
{
    struct directory_reader *reader = api_directory(x);
    uint64_t n;

    if (reader == NULL)
        return;
    if (text_u64(rest_of(x, sizeof "/feed/additions/" - 1), UINT64_MAX, &n) != RES_OK) {
        exchange_refuse(x, RES_NUMBER, "/feed/additions/<N>");
        return;
    }
    finish(x, directory_feed_additions(reader, n, &x->out), REPLY_OCTETS, REPLY_IMMUTABLE);
}

/* ---- anchors ---- */

static enum result
add_entry(const struct feed_entry *e, struct buf *out)
{
    struct buf bytes = BUF_INIT(FEED_ENTRY_SIZE);
    struct writer w = writer_to(&bytes);
    enum result r;

    feed_entry_put(&w, e);
    r = writer_end(&w);
    if (r == RES_OK)
        r = text_base64(buf_span(&bytes), out);
    buf_release(&bytes);
    return r;
}

static enum result
add_path(const struct hash *path, unsigned n, struct buf *out)
{
    enum result r = RES_OK;

    for (unsigned i = 0; i < n && r == RES_OK; i++) {
        r = buf_add(out, span_str(i == 0 ? "\"" : ",\""));
        if (r == RES_OK)
            r = text_base64(hash_span(&path[i]), out);
        if (r == RES_OK)
            r = buf_add(out, span_str("\""));
    }
    return r;
}

enum result
feed_anchor_members(struct directory_reader *reader, uint64_t size, struct feed_entry *ret_entry,
                    struct buf *out)
{
    struct buf note = BUF_INIT(HTTP_ANSWER_MAX);
    struct hash path[PROOF_HASHES_MAX];
    unsigned n;
    enum result r = directory_feed_anchor(reader, size, ret_entry, path, &n, &note);

    if (r == RES_OK)
        r = buf_printf(out, "\"size\":%" PRIu64 ",\"entry\":\"", size);
    if (r == RES_OK)
        r = add_entry(ret_entry, out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\",\"audit_path\":["));
    if (r == RES_OK)
        r = add_path(path, n, out);
    if (r == RES_OK)
        r = buf_add(out, span_str("],\"checkpoint\":\""));
    if (r == RES_OK)
        r = json_escape(buf_span(&note), out);
    if (r == RES_OK)
        r = buf_add(out, span_str("\""));
    buf_release(&note);
    return r;
}

void
feed_anchor(struct exchange *x)
{
    struct directory_reader *reader = api_directory(x);
    struct query_param size = {.name = "size"};
    struct feed_entry entry;
    const char *name;
    uint64_t n;
    enum result r;

    if (reader == NULL)
        return;
    r = query_read(x->rq->query, &size, 1, &name);
    if (r == RES_OK)
        r = query_u64(&size, &n);
    if (r != RES_OK) {
        exchange_refuse(x, r, "size");
        return;
    }
    r = buf_add(&x->out, span_str("{"));
    if (r == RES_OK)
        r = feed_anchor_members(reader, n, &entry, &x->out);
    if (r == RES_OK)
        r = buf_add(&x->out, span_str("}\n"));
    finish(x, r, REPLY_JSON, REPLY_NO_STORE);
}
