/*
 * Watching a label as its owner does: no version may appear that its owner is not told of.
 *
 * The first time it learns what the label is in a distinguished entry; from then on it asks for
 * each new version, and has the log show in each distinguished entry that there is no other.
 * A mailbox may be erased before its owner has seen every version: then what the log says of them
 * is believed only when the greatest version is the tombstone, and the watch begins again in a
 * distinguished entry behind them.
 *
 * Sans-I/O, as finder.h; the memory changes after each answer that was verified.  One thread.  Uses
 * exchange, memory, proved.
 */
#ifndef CLIENT_DIRECTORY_WARDEN_H
#define CLIENT_DIRECTORY_WARDEN_H

#include "client/directory/memory.h"
#include "client/verdict.h"

#define WARDEN_TRIES 5
/* New versions that one run asks for; the next run goes on. */
#define WARDEN_VERSIONS_MAX 256

struct warden_config {
    const struct policy_log *log; /* borrowed, as the memory */
    struct memory *memory;
    struct label label;
    unsigned tries; /* 0: WARDEN_TRIES */
    uint64_t seed;
};

struct warden;

/* RES_MEMORY, RES_TOO_LARGE (labels in the memory).  Free with warden_free. */
MUST_CHECK enum result warden_new(const struct warden_config *c, struct warden **ret);
void warden_free(struct warden *w); /* NULL does nothing */

void warden_ask(struct warden *w, struct ask *ret);
void warden_answer(struct warden *w, const struct answer *a, uint64_t now);

/* VERDICT_YES: nothing is there that was not told, shown in every distinguished entry up to the
 * newest.  VERDICT_LATER also when one run could not take all changes.  VERDICT_REFUSED also when
 * the log shows nothing of such an entry, and has no newer version either; and when it calls
 * versions erased and the greatest is no tombstone, not the one it named, followed by another, or
 * made before the erased ones had stood for a window (RES_CONFLICT).  VERDICT_FAULT also when
 * the label changes more often than is kept, so that no run comes further (RES_TOO_LARGE). */
const struct verdict *warden_verdict(const struct warden *w);

/* Whether this run began the watch: from now on is the label watched. */
bool warden_began(const struct warden *w);

/* Versions that were erased before they were seen; 0 unless the tombstone was proved, whatever the
 * log says of them. */
uint32_t warden_missed(const struct warden *w);

/* The values of the versions that are new, oldest first; borrowed. */
const struct buf *warden_news(const struct warden *w, size_t *ret_n);

#endif
