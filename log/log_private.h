/*
 * The inside of a log, for the files of log/ that make up the object: log.c (life), submit.c,
 * reload.c, reader.c, scrub.c.
 */
#ifndef LOG_LOG_PRIVATE_H
#define LOG_LOG_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/dirlock.h"
#include "log/highwater.h"
#include "log/known.h"
#include "log/log.h"
#include "log/pool.h"
#include "log/rate.h"
#include "log/sequencer.h"
#include "log/signer.h"
#include "log/store/index.h"
#include "log/tokens.h"

struct scrub;
struct directory;

struct log {
    struct config config; /* never changes */
    struct log_sink sink;
    pthread_mutex_t sink_lock; /* one line at a time */
    struct dirlock dirlock;
    struct store *store;
    struct index *index;
    struct signer *signer;
    struct highwater *highwater;
    struct pool *pool;
    struct known *known;
    struct issuer_cache *issuers;
    struct rate *rate;
    struct sequencer *sequencer;
    struct scrub *scrub;
    struct directory *directory; /* NULL: a log with a notAfter window has none */
    bool started;

    pthread_mutex_t lock; /* guards the next three: whoever holds it sees one of each */
    struct store_head head;
    struct roots *roots;
    struct tokens tokens;

    _Atomic uint64_t generation; /* of head */
    _Atomic bool halted, clock_wrong, draining;
    _Atomic uint64_t disk_free, disk_checked_ms;

    void (*on_halt)(void *arg);
    void *on_halt_arg;

    /* counters */
    _Atomic uint64_t taken, duplicates, commits, commit_entries, commit_us;
    _Atomic uint64_t refused[RESULT_COUNT];
    _Atomic uint64_t commit_ms[STATS_BUCKETS + 1];
};

/* Hands a line to the sink.  Any thread. */
void log_line(struct log *l, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes DIR/halted, says so, refuses from now on, and calls on_halt. */
void log_halt(struct log *l, enum result why, const char *what);

/* Free bytes where DIR lies, asked for at most twice a second.  Any thread. */
uint64_t log_disk_free(struct log *l);

/* Loads roots.pem and the tokens, before l is shared.  Errors of rootsfile_load and tokens_load. */
MUST_CHECK enum result log_load_roots(struct log *l, struct log_trouble *why);

/* Whether a log of that configuration has a key directory. */
bool log_has_directory(const struct config *c);

/* Milliseconds since 1970. */
uint64_t log_now_ms(void);

#endif
