/*
 * Searching for the greatest or for one version of a label.  KEYTRANS, "Greatest-Version Search",
 * "Fixed-Version Search".
 *
 * The terminal entry of a search is the one that decided it: when it lies to the right of the
 * rightmost distinguished entry, the version has to be monitored from there (contact.h).  All
 * require that view_update has run; errors besides those named are the transcript's.  Uses window.
 */
#ifndef MERKLE_KEYTRANS_SEARCH_H
#define MERKLE_KEYTRANS_SEARCH_H

#include "merkle/keytrans/window.h"

/*
 * Shows that version is the greatest.  The leftmost inspected entry that holds it into
 * *ret_terminal. RES_KT_LADDER when it is not.
 */
MUST_CHECK enum result search_greatest(struct transcript *t, uint32_t version,
                                       uint64_t *ret_terminal);

/*
 * Shows that version is there.
 * RES_KT_NO_VERSION when it is not there; RES_KT_EXPIRED when no unexpired distinguished entry
 * vouches for it.
 */
MUST_CHECK enum result search_fixed(struct transcript *t, uint32_t version, uint64_t *ret_terminal);

/*
 * Shows that the label has no version: version 0 is missing from the entries that a search for the
 * greatest version looks at.  An extension of this project; FORMATS.md says why it is sound.
 * RES_KT_LADDER when version 0 is there.
 */
MUST_CHECK enum result search_absent(struct transcript *t);

/* Whether a version whose search ended at terminal has to be monitored: whether terminal lies right
 * of every distinguished entry. */
MUST_CHECK enum result search_must_monitor(struct transcript *t, uint64_t terminal, bool *ret);

#endif
