/*
 * The final verification of a provisional credential: by a distinguished entry that is known since,
 * by a CredentialUpdate that its sender sent, or by one that the log is asked for.
 *
 * Sans-I/O, as finder.h; changes neither memory nor credential.  What cannot be confirmed although
 * it should be is refused, and kept as evidence.  One thread.  Uses exchange, pending.
 */
#ifndef CLIENT_DIRECTORY_CONFIRMER_H
#define CLIENT_DIRECTORY_CONFIRMER_H

#include "client/directory/pending.h"
#include "client/verdict.h"

#define CONFIRMER_TRIES 5

struct confirmer_config {
    const struct policy_log *log; /* has_directory; borrowed, as are the others */
    const struct memory *memory;  /* its recent distinguished entries, as new as can be */
    const struct pending *pending;
    bool offline;   /* nobody is asked */
    unsigned tries; /* 0: CONFIRMER_TRIES */
    uint64_t seed;
};

struct confirmer;

/* RES_MEMORY.  Free with confirmer_free. */
MUST_CHECK enum result confirmer_new(const struct confirmer_config *c, struct confirmer **ret);
void confirmer_free(struct confirmer *f); /* NULL does nothing */

void confirmer_ask(struct confirmer *f, struct ask *ret);
void confirmer_answer(struct confirmer *f, const struct answer *a, uint64_t now);

/*
 * VERDICT_YES: it is confirmed, by the entry at confirmer_position.  VERDICT_LATER: no
 * distinguished entry is known yet that could confirm it, or no answer.  VERDICT_INPUT, offline:
 * the update that was sent does not confirm it.  VERDICT_REFUSED: the log's tree is not the
 * credential's, or what it answers does not confirm it although the entry that would is known.
 */
const struct verdict *confirmer_verdict(const struct confirmer *f);

/* With VERDICT_INPUT: it was left too long, and what would confirm it is no longer known here. That
 * tells nothing about the log, which the draft calls potential misbehaviour. */
bool confirmer_lost(const struct confirmer *f);
uint64_t confirmer_position(const struct confirmer *f);

/* The CredentialUpdate that the log gave and that confirmed it; empty when none was needed.
 * Borrowed. */
struct span confirmer_update(const struct confirmer *f);

#endif
