/*
 * Walking the recent distinguished entries: what users compare to find a fork.  KEYTRANS, "Walking
 * Distinguished Heads".
 *
 * Pure.  Uses window.
 */
#ifndef MERKLE_KEYTRANS_HEADS_H
#define MERKLE_KEYTRANS_HEADS_H

#include "merkle/keytrans/window.h"

/* "An application's definition of recent SHOULD NOT include more than ten distinguished log
 * entries." */
#define HEADS_RECENT_MAX 10

struct heads {
    uint64_t at[HEADS_RECENT_MAX]; /* distinguished entries, the rightmost first */
    unsigned n;
};

/*
 * The rightmost distinguished entries, at most HEADS_RECENT_MAX, none expired, none at or to the
 * left of *stop (NULL: none).  Requires that view_update has run; errors are the transcript's.
 */
MUST_CHECK enum result heads_walk(struct transcript *t, const uint64_t *stop, struct heads *ret);

#endif
