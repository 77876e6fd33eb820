/*
 * What the owner of a label checks: that no version appeared that is not his.  KEYTRANS,
 * "Monitoring the Tree / Owner Algorithm", "Updating a Label".
 *
 * Pure; no allocation.  All but owner_greatest require that view_update has run.  Uses contact,
 * window.
 */
#ifndef MERKLE_KEYTRANS_OWNER_H
#define MERKLE_KEYTRANS_OWNER_H

#include "merkle/keytrans/contact.h"
#include "merkle/keytrans/window.h"

/* New versions in one log entry that an owner can be told: values<0..2^8-1>. */
#define OWNER_NEW_VERSIONS_MAX 255

/* What an owner knows of the label, from start on.  Versions before the one at start are not known
 * one by one. */
struct owner_state {
    uint64_t start;           /* the rightmost distinguished entry that was checked */
    int64_t at_start;         /* the greatest version there; -1: none */
    const uint64_t *upcoming; /* where each later version was inserted, not descending; borrowed */
    size_t upcoming_n;
};

/* The greatest version that the owner expects in the entry at position, -1: none.  Requires start
 * <= position. */
int64_t owner_greatest_at(const struct owner_state *s, uint64_t position);

/* The greatest version the owner knows of, -1: none. */
int64_t owner_greatest(const struct owner_state *s);

/*
 * The entries whose greatest versions show what the label was at start: start, then its ancestors
 * to the left, from right to left, before the first that has expired. RES_KT_START when start is
 * not distinguished or has expired; RES_RANGE when it lies outside the tree; errors of the
 * transcript.
 */
MUST_CHECK enum result owner_init_entries(struct transcript *t, uint64_t start,
                                          struct search_path *ret);

/*
 * Shows that greatest[i] is the greatest version in entries->at[i], and that the label is in none
 * of those after the first n. RES_VALUE when n > entries->n or greatest ascends; RES_KT_LADDER when
 * one is not the greatest; errors of the transcript.
 */
MUST_CHECK enum result owner_init(struct transcript *t, const struct search_path *entries,
                                  const uint32_t *greatest, unsigned n);

/*
 * Walks the distinguished entries right of s->start, from left to right, until the source says stop
 * or there are no more, and shows that each holds the version the owner expects.  How far it came
 * (a new start) into *ret. RES_KT_LADDER when one holds another version; errors of the transcript.
 */
MUST_CHECK enum result owner_monitor(struct transcript *t, const struct owner_state *s,
                                     uint64_t *ret);

/*
 * After owner_monitor has come to reached: what arrived at an entry up to there, and waited for the
 * walk, is a version that the owner expects in it.  Requires it where versions in the map come from
 * elsewhere than the owner's own updates: the walk shows only what the owner expects, and a version
 * that he does not know, and that was gone again, would pass.  RES_KT_LADDER when one is greater.
 */
MUST_CHECK enum result owner_check_arrived(const struct owner_state *s,
                                           const struct contact_waiting *waiting, uint64_t reached);

/* The versions above the greatest that follow when count are new, of which a ladder for the last
 * does not look up: into ret, ascending; returns how many.  ret has room for
 * OWNER_NEW_VERSIONS_MAX.  Requires 0 < count <= OWNER_NEW_VERSIONS_MAX. */
unsigned owner_besides_ladder(int64_t greatest, unsigned count, uint32_t *ret);

/*
 * Shows that count versions after the greatest the owner knows were inserted at position, and
 * nothing before it.  Adds the last to the contact map when position is not distinguished (m NULL:
 * the prover, who keeps none). RES_KT_POSITION unless start and the last known insertion < position
 * < the tree's size, 0 < count <= OWNER_NEW_VERSIONS_MAX and the last version is below 2^32;
 * RES_KT_LADDER when something else was inserted; errors of the transcript and of contact_add.
 */
MUST_CHECK enum result owner_update(struct transcript *t, const struct owner_state *s,
                                    uint64_t position, unsigned count, struct contact_map *m);

#endif
