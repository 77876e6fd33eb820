/*
 * The recent distinguished entries, asked for: what credentials of others are verified by.
 *
 * Sans-I/O, as finder.h; the memory takes up what was verified.  One thread.  Uses exchange,
 * memory, proved.
 */
#ifndef CLIENT_DIRECTORY_LANDMARKS_H
#define CLIENT_DIRECTORY_LANDMARKS_H

#include "client/directory/memory.h"
#include "client/verdict.h"

#define LANDMARKS_TRIES 5
#define LANDMARKS_PATH "/kt/v1/distinguished"

/*
 * Whether there may be one that the memory does not have: it has none, or one monitoring window has
 * gone by since the newest.  In a log that doubles its size faster than that there are more; they
 * are learned when somebody asks.
 */
bool landmarks_due(const struct memory *m, const struct policy_log *log, uint64_t now);

/* Monitoring windows after which a head is too old to tell by it what is recent: "refresh its view
 * of the recently issued distinguished log entries roughly as frequently as the RMW". */
#define LANDMARKS_STALE_WINDOWS 2

/* Whether the newest head that the memory has is as old as that, or the newest distinguished entry
 * a window more: that can be so old and no older when the head is not. */
bool landmarks_stale(const struct memory *m, const struct policy_log *log, uint64_t now);

/* For conversations that ask in between: the request, appended; its answer, taken up.  Errors of
 * proved_distinguished_since; RES_KT_COUNT when the log shows none at all. */
MUST_CHECK enum result landmarks_write(const struct memory *m, struct buf *out);
MUST_CHECK enum result landmarks_take(struct memory *m, const struct policy_log *log,
                                      struct span answer, uint64_t now);

struct landmarks_config {
    const struct policy_log *log; /* has_directory; borrowed, as the memory */
    struct memory *memory;
    unsigned tries; /* 0: LANDMARKS_TRIES */
    uint64_t seed;
};

struct landmarks;

/* RES_MEMORY.  Free with landmarks_free. */
MUST_CHECK enum result landmarks_new(const struct landmarks_config *c, struct landmarks **ret);
void landmarks_free(struct landmarks *l); /* NULL does nothing */

void landmarks_ask(struct landmarks *l, struct ask *ret);
void landmarks_answer(struct landmarks *l, const struct answer *a, uint64_t now);

/* VERDICT_YES: the memory has all of them, up to HEADS_RECENT_MAX. */
const struct verdict *landmarks_verdict(const struct landmarks *l);

#endif
