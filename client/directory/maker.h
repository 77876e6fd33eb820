/*
 * Making a credential: of an address that was looked up (finder.h), in a file (voucher.h).
 *
 * Asks for the distinguished entries, then for the address from the rightmost of them on.  When the
 * greatest version stands there already the credential is standard: then also for what binds the
 * certificates to that entry.  Else it is provisional, and that answer is its search.  It is
 * verified, as its recipient will, before it is given out.
 *
 * Sans-I/O, as finder.h; the memory takes up heads only.  One thread.  Uses beside, landmarks,
 * voucher.
 */
#ifndef CLIENT_DIRECTORY_MAKER_H
#define CLIENT_DIRECTORY_MAKER_H

#include "client/directory/memory.h"
#include "client/directory/voucher.h"
#include "client/verdict.h"

#define MAKER_TRIES 5
/* Times that the directory may have grown between two questions: an epoch lasts a second at least,
 * two questions some milliseconds. */
#define MAKER_ROUNDS_MAX 8

struct maker_config {
    const struct policy_log *log; /* has_directory; borrowed, as are the others */
    const struct policy *policy;  /* its quorum counts */
    struct memory *memory;
    struct label label; /* of a mailbox */
    unsigned tries;     /* 0: MAKER_TRIES */
    uint64_t seed;
};

struct maker;

/* RES_MEMORY.  Free with maker_free. */
MUST_CHECK enum result maker_new(const struct maker_config *c, struct maker **ret);
void maker_free(struct maker *m); /* NULL does nothing */

void maker_ask(struct maker *m, struct ask *ret);
void maker_answer(struct maker *m, const struct answer *a, uint64_t now);

/* VERDICT_YES: maker_file holds it.  VERDICT_INPUT: the address has no certificates.  VERDICT_LATER
 * also when the directory grew all the while. */
const struct verdict *maker_verdict(const struct maker *m);

/* The file, after VERDICT_YES; borrowed. */
struct span maker_file(const struct maker *m);

#endif
