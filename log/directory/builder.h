/*
 * The builder: the directory's one writer thread.  It closes epochs as the certificate log grows.
 *
 * An entry of the certificate log is in a signed head of the directory BUILDER_CLOSE_MS after its
 * commit at the latest: an epoch closes so long after the first entry that it will cover, less what
 * the last one took, or when BUILDER_ENTRIES entries wait.  An idle directory makes an empty epoch
 * each BUILDER_HEARTBEAT_MS, so that its head does not grow old.
 *
 * Each epoch's recipe is durable before the epoch is made; one that a crash left without its epoch
 * is followed first.  A write that fails is reported once, and the thread ends.
 *
 * Threads: wake, proofs and lag by any; start and stop by the owner.  Uses epoch, recipe.
 */
#ifndef LOG_DIRECTORY_BUILDER_H
#define LOG_DIRECTORY_BUILDER_H

#include "log/directory/epoch.h"

#define BUILDER_CLOSE_MS 1000
#define BUILDER_ENTRIES 1000
#define BUILDER_HEARTBEAT_MS (UINT64_C(15) * 60 * 1000)
/* Proofs are committed alone when they have waited this long, or so many; with an epoch when it is
 * the last before that, or so many wait: each commit of few writes LMDB's way to them anew, and
 * what a crash loses of them is made again. */
#define BUILDER_PROOFS_MS 5000
#define BUILDER_PROOFS 4096
#define BUILDER_PROOFS_TOGETHER 400

struct builder_parts {
    struct epoch *epoch;
    struct recipes *recipes;
    /* The certificate log's newest committed head (size 0 before the first); the roots, with a
     * reference.  From the builder's thread. */
    void (*head)(void *arg, struct store_head *ret);
    struct roots *(*roots)(void *arg);
    /* An epoch or proofs were committed; how long it took, milliseconds. */
    void (*closed)(void *arg, uint64_t ms);
    void (*halted)(void *arg, enum result why, const char *what);
    void *arg;
    uint64_t (*now_ms)(void); /* wall clock */
};

struct builder;

MUST_CHECK enum result builder_new(const struct builder_parts *parts, struct builder **ret);
void builder_free(struct builder *b); /* NULL does nothing */

/* One epoch now, of all that the certificate log has; the recipe that waits for one first.  What
 * the thread does; for init and tests, which have no thread.  *ret_fatal: the process must end. */
MUST_CHECK enum result builder_turn(struct builder *b, bool *ret_fatal);

/* Appends one act, which is to be part of a recipe with that timestamp. */
typedef enum result builder_act(void *arg, uint64_t timestamp, struct buf *out);

/*
 * As builder_turn, with an act in the recipe.  Nothing is written when no act comes of it.
 * RES_BUSY when a recipe waits for its epoch: it must be made first.  Errors of act.
 */
MUST_CHECK enum result builder_turn_with(struct builder *b, builder_act *act, void *arg,
                                         bool *ret_fatal);

MUST_CHECK enum result builder_start(struct builder *b);
/* Covers what is not covered yet, unless it has failed; ends the thread. */
void builder_stop(struct builder *b);

/* The certificate log has so many entries, committed just now. */
void builder_wake(struct builder *b, uint64_t size);

/* Proof record of a row, to be committed.  Copies.  RES_BUSY when BUILDER_PROOFS wait. */
MUST_CHECK enum result builder_add_proofs(struct builder *b, uint64_t seq, struct span steps);

/* Milliseconds since the oldest entry that is not covered was committed; 0: none. */
uint64_t builder_lag(struct builder *b);

#endif
