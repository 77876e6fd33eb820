/*
 * What a static-ct-api reader asks for: checkpoint, tiles, data tiles, issuers.
 */
#include "api/http/api.h"
#include "merkle/base/text.h"

/* static-ct-api "Merkle Tree": levels 0 to 5. */
#define STATIC_CT_LEVEL_MAX 5

/* What follows the row's prefix in the path. */
static struct span
rest_of(const struct exchange *x, size_t prefix_n)
{
    return span_of(x->rq->path.p + prefix_n, x->rq->path.n - prefix_n);
}

void
tiles_checkpoint(struct exchange *x)
{
    enum result r = api_refresh_head(x);

    if (r == RES_OK)
        exchange_ok(x, REPLY_TEXT, REPLY_NO_STORE, buf_span(&api_thread_of(x)->checkpoint));
    else
        exchange_refuse(x, r, NULL);
}

/* Answers with the tile t.  What it borrows from the snapshot is sent, or copied for the loop,
 * before the snapshot ends: no reader may stand as long as a slow peer takes, and whoever copies
 * waits for the disk. */
static void
answer_tile(struct exchange *x, const struct tile *t, enum reply_cache cache)
{
    struct log_reader *reader = api_thread_of(x)->reader;
    struct span bytes;
    enum result r;

    if (!api_snapshot(x, NULL))
        return;
    r = log_reader_tile(reader, t, &x->out, &bytes);
    if (r == RES_OK)
        exchange_ok(x, REPLY_OCTETS, cache, bytes);
    else
        exchange_refuse(x, r, NULL);
    /* x may be with the loop by now. */
    log_reader_end(reader);
}

/* Reads the tile's path; on failure x has been refused. */
static bool
tile_of(struct exchange *x, struct tile *ret)
{
    enum result r = tile_parse_path(rest_of(x, sizeof "/tile/" - 1), ret);

    if (r != RES_OK)
        exchange_refuse(x, r, "tlog-tiles: /tile/<L>/<N>[.p/<W>]");
    else if (ret->kind == TILE_ENTRIES || ret->level > STATIC_CT_LEVEL_MAX)
        exchange_refuse(x, r = RES_ABSENT, NULL);
    return r == RES_OK;
}

void
tiles_hash(struct exchange *x)
{
    struct tile t;

    if (tile_of(x, &t))
        answer_tile(x, &t, REPLY_IMMUTABLE);
}

void
tiles_data(struct exchange *x)
{
    enum reply_cache cache;
    struct tile t;

    if (api_may_read_entries(x, REPLY_IMMUTABLE, &cache) && tile_of(x, &t))
        answer_tile(x, &t, cache);
}

void
tiles_issuer(struct exchange *x)
{
    struct log_reader *reader = api_thread_of(x)->reader;
    struct span der;
    struct hash sha256;

    if (text_unhex(rest_of(x, sizeof "/issuer/" - 1), sha256.b, HASH_SIZE) != RES_OK) {
        exchange_refuse(x, RES_ENCODING, "static-ct-api: /issuer/<64 lower-case hex digits>");
        return;
    }
    if (!api_snapshot(x, NULL))
        return;
    enum result r = log_reader_issuer(reader, &sha256, &der);
    if (r == RES_OK)
        exchange_ok(x, REPLY_CERTIFICATE, REPLY_IMMUTABLE, der);
    else
        exchange_refuse(x, r, NULL);
    log_reader_end(reader);
}
