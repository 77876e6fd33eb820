/*
 * Updating a view of the tree: what every answer begins with, and what is kept when it ends.
 * KEYTRANS, "Updating Views of the Tree", "Full Tree Head Verification".
 *
 * Pure.  Uses transcript.
 */
#ifndef MERKLE_KEYTRANS_VIEW_H
#define MERKLE_KEYTRANS_VIEW_H

#include "merkle/keytrans/transcript.h"

/*
 * Asks for the timestamps that show the tree's newer part to be in order: the frontier, or what is
 * new of it since the last view. The first algorithm of every transcript.  Errors of
 * transcript_timestamp.
 */
MUST_CHECK enum result view_update(struct transcript *t);

/*
 * Whether the newest entry's timestamp lies in [now - max_behind, now + max_ahead], now in
 * milliseconds. RES_KT_AHEAD or RES_KT_BEHIND when not.
 */
MUST_CHECK enum result view_fresh(const struct transcript *t, const struct kt_config *config,
                                  uint64_t now);

/*
 * What is to be kept, once the roots are filled in and the proof has given the full subtrees of the
 * tree, or of an earlier one. RES_BUG when an entry of its frontier was not inspected.
 */
MUST_CHECK enum result view_keep(const struct transcript *t, const struct logtree_peaks *peaks,
                                 struct kt_view *ret);

#endif
