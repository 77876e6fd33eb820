/*
 * The load itself: one thread, epoll, connections that are kept, one request at a time on each.
 *
 * At full speed every connection sends its next request when its answer has come.  At a fixed rate
 * request i is due at start + i / rate whatever the server does (open loop); its latency counts
 * from that moment, also when no connection was free to send it. Uses target, histogram.
 */
#ifndef TESTS_BENCH_HAMMER_LOAD_H
#define TESTS_BENCH_HAMMER_LOAD_H

#include "tests/bench/hammer/histogram.h"
#include "tests/bench/hammer/process.h"
#include "tests/bench/hammer/target.h"
#include <sys/uio.h>

#define LOAD_PARTS 4
#define LOAD_CONNECTIONS_MAX 4096

/* One request, rendered before: its parts are sent as they stand and live until it is answered. */
struct load_request {
    struct iovec part[LOAD_PARTS];
    int parts;
    uint64_t tag; /* handed back with the answer */
};

struct load_source {
    /* The next request; false when there are no more. */
    bool (*next)(void *arg, struct load_request *ret);
    /* Looks at an answer (body borrowed); false when it is not what was expected. */
    bool (*answer)(void *arg, uint64_t tag, int status, struct span body);
    void *arg;
};

struct load_options {
    const struct target *target;
    const struct process_set *processes; /* read before the first and after the last request */
    unsigned connections;
    double rate;       /* requests a second; 0: as fast as answers come */
    double duration;   /* seconds until no more are sent; 0: until the source ends */
    bool stop_on_loss; /* end quietly when connections break: the server was killed on purpose */
};

struct load_result {
    uint64_t requests;        /* answered, right or wrong */
    uint64_t errors;          /* answered wrongly */
    uint64_t lost;            /* sent, never answered */
    double seconds;           /* from the first request to the last answer */
    struct histogram latency; /* nanoseconds, of right answers */
    double cpu_seconds;       /* of the processes */
    uint64_t rss_anon;        /* bytes, after */
    bool processes_read;
};

/* Runs.  False, with a sentence on stderr, when the server cannot be reached or this machine fails.
 */
bool load_run(const struct load_options *o, const struct load_source *s, struct load_result *ret);

/* Monotonic nanoseconds. */
uint64_t load_now(void);

#endif
