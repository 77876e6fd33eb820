/*
 * The sequencer: the one thread that writes the log.
 *
 * It takes what arrived while its last commit ran, gives each new entry its index and timestamp,
 * signs, writes, checks what it wrote (guard), commits, publishes the head and only then answers.
 * So every SCT that leaves is durable and included: declared merge delay 60 s, practised 0.  An
 * idle log signs a fresh head each heartbeat.
 *
 * A batch is batch.h.  What can go wrong: before the commit, the batch is refused and nothing has
 * changed (the edge is loaded again).  A guard that fails, a commit or high-water write that fails:
 * the log halts for good (on_halt, once, from this thread).
 *
 * Threads: start and stop by the owner; the loop is its own.
 * Uses pool, batch.
 */
#ifndef LOG_SEQUENCER_H
#define LOG_SEQUENCER_H

#include "log/highwater.h"
#include "log/known.h"
#include "log/pool.h"
#include "log/signer.h"
#include "log/store/index.h"
#include "log/store/store.h"

/* Entries in one commit at most: bounds its time and memory. */
#define SEQUENCER_BATCH_MAX 1024

/* What the sequencer works with; all borrowed, all outlive it. */
struct sequencer_parts {
    const char *origin;
    struct store *store;
    struct index *index;
    struct signer *signer;
    struct highwater *highwater; /* NULL: none */
    struct pool *pool;
    struct known *known;
    uint64_t heartbeat_ms;
    uint64_t (*now_ms)(void); /* wall clock */
    void *arg;                /* for all below, from the sequencer's thread */
    void (*published)(void *arg, const struct store_head *h, unsigned entries, double ms);
    void (*answered)(void *arg, bool duplicate, enum result r);
    void (*clock)(void *arg, bool wrong);
    void (*halted)(void *arg, enum result why, const char *what);
};

struct sequencer;

/* Loads the right edge at the head (which may be the first: then one of the empty tree is signed at
 * start). RES_STORE_DAMAGED, RES_MEMORY, RES_IO. */
MUST_CHECK enum result sequencer_new(const struct sequencer_parts *parts, struct sequencer **ret);

MUST_CHECK enum result sequencer_start(struct sequencer *s);

/* After pool_close: waits until what was taken is committed and answered and the thread has ended.
 */
void sequencer_join(struct sequencer *s);

/* Signs and commits nothing more (RES_HALTED): someone else has found the log damaged.  Any thread.
 */
void sequencer_halt(struct sequencer *s);

void sequencer_free(struct sequencer *s); /* NULL does nothing */

/* One turn: commits the list (NULL: only a fresh head) and answers it.  What the thread does; tests
 * call it. */
MUST_CHECK enum result sequencer_turn(struct sequencer *s, struct pending *list);

#endif
