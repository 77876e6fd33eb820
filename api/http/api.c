#include "api/http/api.h"

#include <stdlib.h>

/* Longer prefixes before shorter ones; what is asked most comes first. */
static struct route rows[] = {
    {METHOD_GET, "/tile/data/", true, tiles_data, ROUTE_WORKER, 0, true, true, "/tile/data"},
    {METHOD_GET, "/tile/", true, tiles_hash, ROUTE_LOOP, 0, true, false, "/tile"},
    {METHOD_GET, "/checkpoint", false, tiles_checkpoint, ROUTE_LOOP, 0, true, false, "/checkpoint"},
    {METHOD_POST, "/ct/v1/add-chain", false, submit_chain, ROUTE_LATER, 0, false, false,
     "/ct/v1/add-chain"},
    {METHOD_POST, "/ct/v1/add-pre-chain", false, submit_pre_chain, ROUTE_LATER, 0, false, false,
     "/ct/v1/add-pre-chain"},
    {METHOD_GET, "/ct/v1/get-sth", false, read_sth, ROUTE_LOOP, 0, true, false, "/ct/v1/get-sth"},
    {METHOD_GET, "/ct/v1/get-sth-consistency", false, read_consistency, ROUTE_LOOP, 0, true, true,
     "/ct/v1/get-sth-consistency"},
    {METHOD_GET, "/ct/v1/get-proof-by-hash", false, read_proof, ROUTE_LOOP, 0, true, true,
     "/ct/v1/get-proof-by-hash"},
    {METHOD_GET, "/ct/v1/get-entries", false, read_entries, ROUTE_WORKER, 0, true, true,
     "/ct/v1/get-entries"},
    {METHOD_GET, "/ct/v1/get-roots", false, read_roots, ROUTE_WORKER, 0, true, true,
     "/ct/v1/get-roots"},
    {METHOD_GET, "/ct/v1/get-entry-and-proof", false, read_entry_and_proof, ROUTE_WORKER, 0, true,
     true, "/ct/v1/get-entry-and-proof"},
    {METHOD_GET, "/issuer/", true, tiles_issuer, ROUTE_LOOP, 0, true, false, "/issuer"},
    {METHOD_GET, "/health", false, health_health, ROUTE_LOOP, 0, true, false, "/health"},
    {METHOD_GET, "/metrics", false, health_metrics, ROUTE_LOOP, 0, false, true, "/metrics"},
    {METHOD_GET, "/log.v3.json", false, loglist_v3, ROUTE_LOOP, 0, true, true, "/log.v3.json"},
};

#define ROWS (sizeof rows / sizeof *rows)

_Static_assert(ROWS <= ROUTES_MAX, "metrics have a row for each route");

struct routes
api_routes(size_t body_max)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].method == METHOD_POST)
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
