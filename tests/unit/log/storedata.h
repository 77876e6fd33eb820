/*
 * A store's worth of data that follows from a number alone, and the audit that a store holds
 * exactly that: for the tests of the store and of its failures.
 *
 * Entry i is the same in every run; so the whole content of a store follows from its size.
 */
#ifndef TESTS_UNIT_LOG_STOREDATA_H
#define TESTS_UNIT_LOG_STOREDATA_H

#include "log/store/store.h"
#include "scratch.h"

#include <sys/types.h>

/* Bytes of map that valgrind and every sanitizer allow. */
#define TEST_MAP (UINT64_C(1) << 34)

/* Entry i, borrowed until the next call. */
struct store_entry data_entry(uint64_t i);
/* The node n of the tree over these entries. */
struct hash data_node(struct node n);
/* The record of a tile in the tree of size entries. */
void data_tile(unsigned level, uint64_t index, uint64_t size, struct hash nodes[static TILE_NODES]);
/* The head for size entries; not signed, but told apart from every other. */
struct store_head data_head(uint64_t size);
/* Issuer number i, DER-like bytes, and its hash. */
struct span data_issuer(uint64_t i, struct hash *ret_sha256);

/* Everything of a commit from the entries [from, to) but the commit itself. */
MUST_CHECK enum result data_put(struct store_txn *t, uint64_t from, uint64_t to);
/* The whole commit. */
MUST_CHECK enum result data_commit(struct store *s, uint64_t from, uint64_t to);

/*
 * Whether the view shows exactly the store of size entries: each entry, each data tile, each tile
 * and node, the head, and nothing behind them.  On a difference says what on stderr.
 */
bool data_audit(struct store_view *v, uint64_t size);

/* Makes a store at path and opens it.  Ends the program on failure. */
struct store *data_create(const char *path);
/* Opens it; NULL with the result when that fails. */
struct store *data_open(const char *path, bool read_only, enum result *ret);
/* Reads the size from the head of s and audits all; false when it is damaged. */
bool data_audit_store(struct store *s, uint64_t *ret_size);

#endif
