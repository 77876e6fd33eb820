/*
 * What the HTTP side counts, and how it is told: the Prometheus text format 0.0.4.
 *
 * Labels are routes, statuses and result names: nothing that could name a person.
 * The counters belong to the loop's thread.  Uses route, log/stats.h.
 */
#ifndef API_HTTP_METRICS_H
#define API_HTTP_METRICS_H

#include "api/http/route.h"
#include "log/directory/directory.h"
#include "log/stats.h"

#define METRICS_STATUSES 18

struct metrics {
    uint64_t requests[ROUTES_MAX + 1][METRICS_STATUSES]; /* the last row: no route */
    uint64_t refused[RESULT_COUNT];
    uint64_t accepted;    /* connections */
    uint64_t turned_away; /* connections refused: limit or descriptors */
    uint64_t open;        /* connections now */
    uint64_t received;    /* bytes */
    uint64_t sent;        /* bytes */
    uint64_t bodies;      /* bytes held for request bodies now, by resting connections too */
    uint64_t networks;    /* clients' networks whose rate is remembered now */
};

/* Counts an answer.  route < 0: none. */
void metrics_count(struct metrics *m, int route, unsigned status, enum result why);

/* Appends all of it.  log may be NULL; ready: whether the log can sign. */
MUST_CHECK enum result metrics_write(const struct metrics *m, const struct routes *routes,
                                     const struct log_stats *log, bool ready, struct buf *out);

/* Appends what the key directory counts. */
MUST_CHECK enum result metrics_directory(const struct directory_stats *d, struct buf *out);

#endif
