/*
 * Wiping: zeros over every byte of an LMDB file that nothing refers to.
 *
 * LMDB frees pages without touching them, and builds new ones in memory that held others: what was
 * deleted or replaced stands on, in free pages, in the room between the nodes of a page, and behind
 * values that end inside one.  All of these are overwritten in place; no byte that means something
 * is.  Uses store_lmdb; knows LMDB's pages (data version 1), not its calls.
 */
#ifndef LOG_STORE_WIPE_H
#define LOG_STORE_WIPE_H

#include "log/store/store_lmdb.h"

/* Wipes and syncs.  Errors of lmdb_visit; RES_STORE_DAMAGED for a page that is none, with what
 * stands before it wiped; RES_IO, RES_MEMORY. */
MUST_CHECK enum result wipe_unused(struct lmdb *env);

#endif
