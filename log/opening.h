/*
 * Opening a log: compare what is found with what was signed, and refuse rather than repair.
 *
 * Each step fills its parts of the log (log_private.h); on failure *why says what was found and
 * what to do.
 */
#ifndef LOG_OPENING_H
#define LOG_OPENING_H

#include "log/log_private.h"

/* RES_HALTED or RES_COPY when a marker stands in DIR. */
MUST_CHECK enum result opening_check_markers(struct log *l, struct log_trouble *why);

/* Keys, store, head: origin and both signatures fit, the root is the tiles', the newest bundle's
 * entries hash to the leaf hashes that stand for them.  Makes l->known too. */
MUST_CHECK enum result opening_store(struct log *l, struct log_trouble *why);

/* The high-water file, when configured: RES_STORE_BEHIND when it knows a newer head, or is not
 * there though heads have been signed; RES_STORE_DAMAGED when the tree is not a continuation of
 * the one it knows. */
MUST_CHECK enum result opening_highwater(struct log *l, struct log_trouble *why);

/* The index, and the entries that it does not cover yet. */
MUST_CHECK enum result opening_index(struct log *l, struct log_trouble *why);

/* The root of the first size leaves, from complete nodes.  RES_RANGE, RES_STORE_DAMAGED. */
MUST_CHECK enum result opening_root_at(struct store_view *v, uint64_t size, struct hash *ret);

#endif
