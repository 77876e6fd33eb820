/*
 * What a label was at a time: the version that was the greatest in the newest entry not younger
 * than that time.  An extension of this project; FORMATS.md says why it is sound, and why nothing
 * finer can be.
 *
 * Pure.  Uses search.
 */
#ifndef MERKLE_KEYTRANS_AS_OF_H
#define MERKLE_KEYTRANS_AS_OF_H

#include "merkle/keytrans/search.h"

/* The claim: version was the greatest from entry first up to, not including, entry next. */
struct as_of {
    bool has_version; /* else: the label had none */
    uint32_t version;
    uint64_t first;
    bool followed; /* else: it still is the greatest */
    uint64_t next;
};

/*
 * Shows that a holds for time (milliseconds): T[first] <= time < T[next], each where there is one.
 * Requires that view_update has run. RES_RANGE when an entry lies outside the tree or next <=
 * first; RES_KT_TIME when time lies outside; RES_KT_LADDER when an entry holds another version than
 * claimed; errors of search_fixed, search_greatest and search_absent.
 */
MUST_CHECK enum result as_of_show(struct transcript *t, const struct as_of *a, uint64_t time);

#endif
