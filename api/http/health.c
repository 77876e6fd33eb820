/*
 * What an operator's machines ask: is it well, and what has it counted.
 */
#include <inttypes.h>

#include "api/http/api.h"

/* How far the directory is: nothing without one. */
static enum result
add_directory(struct directory *d, struct buf *out)
{
    struct directory_stats s;

    if (d == NULL)
        return RES_OK;
    directory_stats(d, &s);
    return buf_printf(
        out, ",\"directory\":{\"size\":%" PRIu64 ",\"timestamp\":%" PRIu64 ",\"lag\":%" PRIu64 "}",
        s.size, s.timestamp, s.lag_ms);
}

void
health_health(struct exchange *x)
{
    struct api *a = api_of(x);
    enum result ready = log_ready(a->log);
    struct store_head h;
    uint64_t generation;
    enum result r;

    log_head(a->log, &h, &generation);
    r = buf_printf(&x->out,
                   "{\"status\":\"%s\",\"reason\":\"%s\",\"sentence\":\"%s\",\"tree_size\":%" PRIu64
                   ",\"timestamp\":%" PRIu64,
                   ready == RES_OK ? "ok" : "failing", result_name(ready), result_sentence(ready),
                   h.size, h.timestamp);
    if (r == RES_OK)
        r = add_directory(log_directory(a->log), &x->out);
    if (r == RES_OK)
        r = buf_add(&x->out, span_str("}\n"));
    if (r != RES_OK) {
        exchange_refuse(x, r, NULL);
        return;
    }
    if (ready == RES_OK) {
        exchange_ok(x, REPLY_JSON, REPLY_NO_STORE, buf_span(&x->out));
        return;
    }
    x->why = ready;
    x->reply = (struct reply){.status = 503,
                              .type = REPLY_JSON,
                              .cache = REPLY_NO_STORE,
                              .cors = true,
                              .retry_after = RETRY_LATER,
                              .body = buf_span(&x->out)};
    exchange_done(x);
}

void
health_metrics(struct exchange *x)
{
    struct api *a = api_of(x);
    struct log_stats stats;
    enum result r;

    log_stats(a->log, &stats);
    r = metrics_write(server_metrics(a->server), server_routes(a->server), &stats,
                      log_ready(a->log) == RES_OK, &x->out);
    if (r == RES_OK && log_directory(a->log) != NULL) {
        struct directory_stats d;

        directory_stats(log_directory(a->log), &d);
        r = metrics_directory(&d, &x->out);
    }
    if (r == RES_OK)
        exchange_ok(x, REPLY_METRICS, REPLY_NO_STORE, buf_span(&x->out));
    else
        exchange_refuse(x, r, NULL);
}
