/*
 * The prefix tree of KEYTRANS from sets of leaves: recursive, slow, with no nodes at all.
 *
 * For tests only.  Uses prefix for its types; SHA-256 by way of EVP.
 */
#ifndef TESTS_REFERENCE_REFPREFIX_H
#define TESTS_REFERENCE_REFPREFIX_H

#include "merkle/base/buf.h"
#include "merkle/keytrans/prefix.h"

/* The root of the tree of n leaves, in any order, no key twice. */
void ref_prefix_root(const struct prefix_leaf *leaves, size_t n, struct hash *ret);

/* Looks up lookups[i].key, count of them, none twice, in the tree of n leaves: fills in the rest of
 * each, and appends the copath to elements. */
void ref_prefix_prove(const struct prefix_leaf *leaves, size_t n, struct prefix_lookup *lookups,
                      unsigned count, struct buf *elements);

#endif
