/*
 * Takes a full unit into the runs, one bounded transaction at a time.
 *
 * With u units covered, unit u and the runs of levels 0 … z-1, z being the count of low one bits of
 * u, become the run of level z in one go: each key is written about half of log2(n / INDEX_UNIT)
 * times.  The new run's chunks are written over as many transactions as it takes, of about
 * MERGER_BYTES each, and live with the last of them, which also raises the number covered; then the
 * merged runs are deleted.  Stopped anywhere, the next merger begins with a sweep and does it
 * again.
 *
 * The background thread's alone.  Uses runs, run, recent.
 */
#ifndef LOG_STORE_MERGER_H
#define LOG_STORE_MERGER_H

#include "log/store/recent.h"
#include "log/store/runs.h"

/* Bytes of chunks after which a transaction ends; the last chunk may pass it. */
#define MERGER_BYTES ((size_t)2 << 20)
/* Chunks deleted in one transaction. */
#define MERGER_DELETES 256

struct records {
    struct record *p; /* owned */
    size_t cap;
};

struct merger {
    struct lmdb *env;
    uint64_t units; /* covered on disk */
    enum { MERGER_SWEEP, MERGER_IDLE, MERGER_BUILD } state;
    unsigned level;                             /* of the run being built */
    struct chunk_id at;                         /* its next chunk */
    uint64_t written;                           /* records of this map so far */
    struct record unit[INDEX_MAPS][INDEX_UNIT]; /* sorted */
    struct records merged, part, out;
};

/* A merger that first sweeps; to be freed.  RES_MEMORY. */
MUST_CHECK enum result merger_new(struct lmdb *env, uint64_t units, struct merger **ret);
void merger_free(struct merger *m);

/* Begins with the unit, copying its keys.  Requires MERGER_IDLE and u->number == m->units. */
void merger_begin(struct merger *m, const struct unit *u);

/* Does one transaction.  Requires a state other than MERGER_IDLE.  Errors of the store;
 * RES_STORE_DAMAGED when a run does not hold what it must; RES_MEMORY. */
MUST_CHECK enum result merger_step(struct merger *m);

#endif
