/*
 * Which log entries are distinguished, and which have expired.  KEYTRANS, "Reasonable Monitoring
 * Window", "Maximum Lifetime".
 *
 * Both depend on timestamps that a transcript has or asks for; all functions require that
 * view_update has run.  Errors are those of transcript_timestamp.  Uses transcript.
 */
#ifndef MERKLE_KEYTRANS_WINDOW_H
#define MERKLE_KEYTRANS_WINDOW_H

#include "merkle/keytrans/transcript.h"

/* A place in the search tree and the timestamps between which it stands. */
struct window_place {
    uint64_t at;
    uint64_t left, right; /* milliseconds */
};

/* The root, between 0 and the newest entry's timestamp. */
struct window_place window_root(const struct transcript *t);

/* Whether the entry at this place is distinguished, given that its parent is. */
bool window_wide(const struct transcript *t, const struct window_place *p);

/* Goes to the left or right child, whose bound is the timestamp of the entry left behind; false
 * into *ret_moved when there is none. */
MUST_CHECK enum result window_left(struct transcript *t, struct window_place *p, bool *ret_moved);
MUST_CHECK enum result window_right(struct transcript *t, struct window_place *p, bool *ret_moved);

/* Whether an entry of that timestamp has outlived the maximum lifetime. */
bool window_expired(const struct transcript *t, uint64_t timestamp);

/* Whether position is distinguished: asks for the timestamps of its ancestors until one is not. */
MUST_CHECK enum result window_distinguished(struct transcript *t, uint64_t position, bool *ret);

/* The first distinguished entry at or to the right of x, an ancestor of x or x itself; *ret_found
 * false when there is none.  x need not be in the tree. */
MUST_CHECK enum result window_first(struct transcript *t, uint64_t x, uint64_t *ret,
                                    bool *ret_found);

/* The rightmost distinguished entry, which lies on the frontier; *ret_found false when there is
 * none. */
MUST_CHECK enum result window_rightmost(struct transcript *t, uint64_t *ret, bool *ret_found);

#endif
