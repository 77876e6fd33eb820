#include "api/http/metrics.h"

#include <assert.h>
#include <inttypes.h>

static const unsigned statuses[METRICS_STATUSES] = {0,   200, 204, 400, 403, 404, 405, 408, 409,
                                                    410, 413, 415, 429, 431, 500, 501, 503, 505};

void
metrics_count(struct metrics *m, int route, unsigned status, enum result why)
{
    size_t row = route < 0 || route >= ROUTES_MAX ? ROUTES_MAX : (size_t)route;
    size_t s = METRICS_STATUSES - 1;

    while (s > 0 && statuses[s] != status)
        s--;
    m->requests[row][s]++;
    if (why != RES_OK)
        m->refused[why]++;
}

static enum result
write_requests(const struct metrics *m, const struct routes *routes, struct buf *out)
{
    enum result r = buf_printf(out, "# TYPE cartulary_http_requests_total counter\n");

    for (size_t i = 0; i <= ROUTES_MAX; i++) {
        const char *label = i < routes->n ? routes->rows[i].label : "none";

        for (size_t s = 0; s < METRICS_STATUSES && r == RES_OK; s++)
            if (m->requests[i][s] != 0)
                r = buf_printf(
                    out, "cartulary_http_requests_total{route=\"%s\",status=\"%u\"} %" PRIu64 "\n",
                    label, statuses[s], m->requests[i][s]);
    }
    return r;
}

static enum result
write_reasons(const char *name, const uint64_t counts[static RESULT_COUNT], struct buf *out)
{
    enum result r = buf_printf(out, "# TYPE %s counter\n", name);

    for (int i = 1; i < RESULT_COUNT && r == RES_OK; i++)
        if (counts[i] != 0)
            r = buf_printf(out, "%s{reason=\"%s\"} %" PRIu64 "\n", name,
                           result_name((enum result)i), counts[i]);
    return r;
}

struct number {
    const char *name;
    const char *kind;
    uint64_t value;
};

static enum result
write_numbers(const struct number *rows, size_t n, struct buf *out)
{
    enum result r = RES_OK;

    for (size_t i = 0; i < n && r == RES_OK; i++)
        r = buf_printf(out, "# TYPE cartulary_%s %s\ncartulary_%s %" PRIu64 "\n", rows[i].name,
                       rows[i].kind, rows[i].name, rows[i].value);
    return r;
}

static enum result
write_commits(const struct log_stats *s, struct buf *out)
{
    enum result r = buf_printf(out, "# TYPE cartulary_commit_milliseconds histogram\n");
    uint64_t sum = 0;

    for (size_t i = 0; i < STATS_BUCKETS && r == RES_OK; i++) {
        sum += s->commit_ms[i];
        r = buf_printf(out, "cartulary_commit_milliseconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                       STATS_BUCKET_MS[i], sum);
    }
    sum += s->commit_ms[STATS_BUCKETS];
    if (r == RES_OK)
        r = buf_printf(out,
                       "cartulary_commit_milliseconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
                       "cartulary_commit_milliseconds_sum %.3f\n"
                       "cartulary_commit_milliseconds_count %" PRIu64 "\n",
                       sum, s->commit_ms_sum, sum);
    return r;
}

static enum result
write_log(const struct log_stats *s, struct buf *out)
{
    const struct number rows[] = {
        {"log_size", "gauge", s->size},
        {"log_head_timestamp_milliseconds", "gauge", s->head_timestamp},
        {"submissions_taken_total", "counter", s->taken},
        {"submissions_duplicate_total", "counter", s->duplicates},
        {"submissions_waiting", "gauge", s->waiting},
        {"commits_total", "counter", s->commits},
        {"commit_entries_total", "counter", s->commit_entries},
        {"guard_checks_total", "counter", s->guard_checks},
        {"roots", "gauge", s->roots},
        {"disk_free_bytes", "gauge", s->disk_free},
        {"store_bytes", "gauge", s->store_bytes},
        {"index_bytes", "gauge", s->index_bytes},
        {"scrub_checked_total", "counter", s->scrub_checked},
        {"scrub_oldest_seconds", "gauge", s->scrub_oldest_seconds},
        {"scrub_failures_total", "counter", s->scrub_failures},
    };
    enum result r = write_numbers(rows, sizeof rows / sizeof *rows, out);

    if (r == RES_OK)
        r = write_reasons("cartulary_submissions_refused_total", s->refused, out);
    if (r == RES_OK)
        r = write_commits(s, out);
    return r;
}

enum result
metrics_write(const struct metrics *m, const struct routes *routes, const struct log_stats *log,
              bool ready, struct buf *out)
{
    const struct number rows[] = {
        {"http_connections_accepted_total", "counter", m->accepted},
        {"http_connections_refused_total", "counter", m->turned_away},
        {"http_connections", "gauge", m->open},
        {"http_body_bytes", "gauge", m->bodies},
        {"http_client_networks", "gauge", m->networks},
        {"http_received_bytes_total", "counter", m->received},
        {"http_sent_bytes_total", "counter", m->sent},
        {"ready", "gauge", ready ? 1 : 0},
    };
    enum result r = write_requests(m, routes, out);

    if (r == RES_OK)
        r = write_reasons("cartulary_http_refused_total", m->refused, out);
    if (r == RES_OK)
        r = write_numbers(rows, sizeof rows / sizeof *rows, out);
    if (r == RES_OK && log != NULL)
        r = write_log(log, out);
    return r;
}

enum result
metrics_directory(const struct directory_stats *d, struct buf *out)
{
    const struct number rows[] = {
        {"directory_size", "gauge", d->size},
        {"directory_head_timestamp_milliseconds", "gauge", d->timestamp},
        {"directory_certificates", "gauge", d->certificates},
        {"directory_labels", "gauge", d->labels},
        {"directory_versions", "gauge", d->versions},
        {"directory_proofs", "gauge", d->proofs},
        {"directory_lag_milliseconds", "gauge", d->lag_ms},
        {"directory_epoch_milliseconds", "gauge", d->build_ms},
        {"directory_bytes", "gauge", d->bytes},
        {"directory_index_bytes", "gauge", d->index_bytes},
    };

    return write_numbers(rows, sizeof rows / sizeof *rows, out);
}
