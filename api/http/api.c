#include "api/http/api.h"

#include <stdlib.h>

/* Longer prefixes before shorter ones; what is asked most comes first. */
static struct route rows[] = {
    {METHOD_GET, "/tile/data/", true, tiles_data, ROUTE_WORKER, 0, true, true, "/tile/data", false},
    {METHOD_GET, "/tile/", true, tiles_hash, ROUTE_LOOP, 0, true, false, "/tile", false},
    {METHOD_GET, "/checkpoint", false, tiles_checkpoint, ROUTE_LOOP, 0, true, false, "/checkpoint",
     false},
    {METHOD_POST, "/ct/v1/add-chain", false, submit_chain, ROUTE_LATER, 0, false, false,
     "/ct/v1/add-chain", false},
    {METHOD_POST, "/ct/v1/add-pre-chain", false, submit_pre_chain, ROUTE_LATER, 0, false, false,
     "/ct/v1/add-pre-chain", false},
    {METHOD_GET, "/ct/v1/get-sth", false, read_sth, ROUTE_LOOP, 0, true, false, "/ct/v1/get-sth",
     false},
    {METHOD_GET, "/ct/v1/get-sth-consistency", false, read_consistency, ROUTE_LOOP, 0, true, true,
     "/ct/v1/get-sth-consistency", false},
    {METHOD_GET, "/ct/v1/get-proof-by-hash", false, read_proof, ROUTE_LOOP, 0, true, true,
     "/ct/v1/get-proof-by-hash", false},
    {METHOD_GET, "/ct/v1/get-entries", false, read_entries, ROUTE_WORKER, 0, true, true,
     "/ct/v1/get-entries", false},
    {METHOD_GET, "/ct/v1/get-roots", false, read_roots, ROUTE_WORKER, 0, true, true,
     "/ct/v1/get-roots", false},
    {METHOD_GET, "/ct/v1/get-entry-and-proof", false, read_entry_and_proof, ROUTE_WORKER, 0, true,
     true, "/ct/v1/get-entry-and-proof", false},
    {METHOD_POST, "/v1/lookup", false, lookup_lookup, ROUTE_WORKER, LOOKUP_BODY_MAX, true, false,
     "/v1/lookup", true},
    {METHOD_POST, "/kt/v1/search", false, directory_search, ROUTE_WORKER, KT_REQUEST_MAX, true,
     false, "/kt/v1/search", true},
    {METHOD_POST, "/kt/v1/contact-monitor", false, directory_contact_monitor, ROUTE_WORKER,
     KT_REQUEST_MAX, true, false, "/kt/v1/contact-monitor", true},
    {METHOD_POST, "/kt/v1/owner-init", false, directory_owner_init, ROUTE_WORKER, KT_REQUEST_MAX,
     true, false, "/kt/v1/owner-init", true},
    {METHOD_POST, "/kt/v1/owner-monitor", false, directory_owner_monitor, ROUTE_WORKER,
     KT_REQUEST_MAX, true, false, "/kt/v1/owner-monitor", true},
    {METHOD_POST, "/kt/v1/update", false, directory_update, ROUTE_WORKER, KT_REQUEST_MAX, true,
     false, "/kt/v1/update", true},
    {METHOD_POST, "/kt/v1/as-of", false, directory_as_of, ROUTE_WORKER, KT_REQUEST_MAX, true, false,
     "/kt/v1/as-of", true},
    {METHOD_POST, "/kt/v1/credential-update", false, directory_credential_update, ROUTE_WORKER,
     KT_REQUEST_MAX, true, false, "/kt/v1/credential-update", true},
    {METHOD_POST, "/kt/v1/distinguished", false, directory_distinguished, ROUTE_WORKER,
     KT_REQUEST_MAX, true, false, "/kt/v1/distinguished", false},
    {METHOD_GET, "/kt/v1/configuration", false, directory_configuration, ROUTE_LOOP, 0, true, false,
     "/kt/v1/configuration", false},
    {METHOD_GET, "/feed/checkpoint", false, feed_checkpoint, ROUTE_WORKER, 0, true, false,
     "/feed/checkpoint", false},
    {METHOD_GET, "/feed/tile/", true, feed_tile, ROUTE_WORKER, 0, true, false, "/feed/tile", false},
    {METHOD_GET, "/feed/additions/", true, feed_additions, ROUTE_WORKER, 0, true, false,
     "/feed/additions", false},
    {METHOD_GET, "/feed/anchor", false, feed_anchor, ROUTE_WORKER, 0, true, true, "/feed/anchor",
     false},
    {METHOD_GET, "/issuer/", true, tiles_issuer, ROUTE_LOOP, 0, true, false, "/issuer", false},
    {METHOD_GET, "/health", false, health_health, ROUTE_LOOP, 0, true, false, "/health", false},
    {METHOD_GET, "/metrics", false, health_metrics, ROUTE_LOOP, 0, false, true, "/metrics", false},
    {METHOD_GET, "/log.v3.json", false, loglist_v3, ROUTE_LOOP, 0, true, true, "/log.v3.json",
     false},
};

#define ROWS (sizeof rows / sizeof *rows)

_Static_assert(ROWS <= ROUTES_MAX, "metrics have a row for each route");

struct routes
api_routes(size_t body_max)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].where == ROUTE_LATER)
            rows[i].body_max = body_max;
    return (struct routes){.rows = rows, .n = ROWS};
}

enum result
api_thread_new(void *app, void **ret)
{
    struct api *a = app;
    struct api_thread *t = calloc(1, sizeof *t);
    enum result r;

    if (t == NULL)
        return RES_MEMORY;
    buf_init(&t->der, HTTP_ANSWER_MAX);
    buf_init(&t->text, HTTP_ANSWER_MAX);
    buf_init(&t->roots_body, HTTP_ANSWER_MAX);
    buf_init(&t->checkpoint, HTTP_ANSWER_MAX);
    buf_init(&t->sth, HTTP_ANSWER_MAX);
    r = log_reader_new(a->log, &t->reader);
    if (r != RES_OK) {
        free(t);
        return r;
    }
    *ret = t;
    return RES_OK;
}

void
api_thread_free(void *app, void *own)
{
    struct api_thread *t = own;

    (void)app;
    if (t == NULL)
        return;
    log_worker_free(t->worker);
    directory_reader_free(t->directory);
    log_reader_free(t->reader);
    roots_unref(t->roots);
    buf_release(&t->der);
    buf_release(&t->text);
    buf_release(&t->roots_body);
    buf_release(&t->checkpoint);
    buf_release(&t->sth);
    free(t);
}

bool
api_may_read_entries(struct exchange *x, enum reply_cache open, enum reply_cache *ret_cache)
{
    static const char scheme[] = "bearer ";
    const size_t scheme_n = sizeof scheme - 1;
    struct span a = x->rq->authorization;
    struct api *api = api_of(x);

    *ret_cache = open;
    if (api->config->entries_public)
        return true;
    *ret_cache = REPLY_PRIVATE;
    /* RFC 9110 11.1: the scheme's name in either case. */
    if (a.n > scheme_n) {
        size_t i = 0;

        while (i < scheme_n && (a.p[i] | 0x20) == (scheme[i] | 0x20))
            i++;
        if (i == scheme_n && log_token_ok(api->log, span_of(a.p + i, a.n - i)))
            return true;
    }
    exchange_refuse(x, RES_HTTP_FORBIDDEN, NULL);
    return false;
}

bool
api_snapshot(struct exchange *x, struct store_head *ret)
{
    enum result r = log_reader_begin(api_thread_of(x)->reader, ret);

    if (r != RES_OK)
        exchange_refuse(x, r, NULL);
    return r == RES_OK;
}

struct directory_reader *
api_directory(struct exchange *x)
{
    struct api_thread *t = api_thread_of(x);
    struct directory *d = log_directory(api_of(x)->log);
    enum result r = d == NULL ? RES_HTTP_NOT_FOUND : RES_OK;

    if (r == RES_OK && t->directory == NULL)
        r = directory_reader_new(d, &t->directory);
    if (r == RES_OK)
        return t->directory;
    exchange_refuse(x, r, NULL);
    return NULL;
}
