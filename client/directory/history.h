/*
 * The history of a label: each of its versions, searched for one by one.
 *
 * Sans-I/O, as finder.h, whose question comes before: it proves which version is the greatest.  The
 * memory's view grows with each answer.  One thread.  Uses exchange, memory, proved.
 */
#ifndef CLIENT_DIRECTORY_HISTORY_H
#define CLIENT_DIRECTORY_HISTORY_H

#include "client/directory/memory.h"
#include "client/verdict.h"

/* Versions that are asked for, the newest ones: a request each. */
#define HISTORY_MAX 1024
#define HISTORY_TRIES 5

struct history_config {
    const struct policy_log *log; /* borrowed, as the memory */
    struct memory *memory;
    struct label label;
    uint32_t greatest;
    bool erased;    /* that is a tombstone: no other can be shown */
    unsigned tries; /* 0: HISTORY_TRIES */
    uint64_t seed;
};

struct history_version {
    uint32_t version;
    struct buf value;   /* a MailboxState; owned */
    uint64_t seen_from; /* timestamp of the entry that showed it, milliseconds: it stood by then */
};

struct history;

/* RES_MEMORY.  Free with history_free. */
MUST_CHECK enum result history_new(const struct history_config *c, struct history **ret);
void history_free(struct history *h); /* NULL does nothing */

void history_ask(struct history *h, struct ask *ret);
void history_answer(struct history *h, const struct answer *a, uint64_t now);

/* VERDICT_YES: all are verified. */
const struct verdict *history_verdict(const struct history *h);

/* The versions, ascending; borrowed.  The first is 0 unless there are more than HISTORY_MAX,
 * or they were erased. */
const struct history_version *history_versions(const struct history *h, size_t *ret_n);

#endif
