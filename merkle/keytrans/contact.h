/*
 * Contact monitoring: following a version that was looked up until a distinguished entry has it.
 * KEYTRANS, "Monitoring the Tree / Contact Algorithm".
 *
 * Pure.  Uses window.
 */
#ifndef MERKLE_KEYTRANS_CONTACT_H
#define MERKLE_KEYTRANS_CONTACT_H

#include "merkle/keytrans/window.h"

/* MonitorMapEntry entries<0..2^8-1> */
#define CONTACT_ENTRIES_MAX 255

/* MonitorMapEntry: version was shown to be there at position. */
struct contact_entry {
    uint64_t position;
    uint32_t version;
};

/* The map of one label, by position. */
struct contact_map {
    struct contact_entry entries[CONTACT_ENTRIES_MAX];
    unsigned n;
};

/* Entries of an owner's map that wait for the owner's own walk to look at the distinguished entry
 * they would have arrived at. */
struct contact_waiting {
    uint64_t start; /* the owner's; entries left of it do not wait */
    struct contact_entry entries[CONTACT_ENTRIES_MAX];
    uint64_t until[CONTACT_ENTRIES_MAX];
    unsigned n;
};

/* Whether the map is one that may be asked about: ascending positions, all < size; no position or
 * version twice. */
bool contact_map_valid(const struct contact_map *m, uint64_t size);

/* Adds version at position, in its place.  Where the position is there already the greater version
 * stays; where the version is, the entry that is there stays (FORMATS.md, "contact map").
 * RES_TOO_LARGE when the map is full. */
MUST_CHECK enum result contact_add(struct contact_map *m, uint64_t position, uint32_t version);

/*
 * Follows every entry of the map up to the first distinguished entry or to the frontier, and
 * updates the map: what has reached a distinguished entry is gone.  An owner who walks the
 * distinguished entries in the same answer (owner.h) hands in waiting, with start set; others NULL.
 * Requires that view_update has run and contact_map_valid.  *m and *waiting are changed only on
 * success. RES_KT_LADDER when a version is gone, or a lesser version stands to the right of a
 * greater; errors of the transcript.
 */
MUST_CHECK enum result contact_monitor(struct transcript *t, struct contact_waiting *waiting,
                                       struct contact_map *m);

/* After the owner's walk has come to start: what waits for an entry beyond it goes back into the
 * map.  Errors of contact_add. */
MUST_CHECK enum result contact_settle(struct contact_map *m, const struct contact_waiting *waiting,
                                      uint64_t start);

#endif
