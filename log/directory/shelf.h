/*
 * The directory's store: rows and bytes that are only ever appended, in pages of an LMDB
 * environment (FORMATS.md).
 *
 * A commit is one epoch, or proofs alone: all of it is durable, or nothing.  What was committed
 * never changes; a full page never moves.  One writer, the directory builder's thread; views for
 * any number of readers, each at the head it began with.  Uses store_lmdb, rows.
 */
#ifndef LOG_DIRECTORY_SHELF_H
#define LOG_DIRECTORY_SHELF_H

#include "log/directory/rows.h"
#include "log/store/store_lmdb.h"
#include "merkle/base/buf.h"
#include "merkle/keytrans/config.h"
#include "merkle/tree/node.h"

#define SHELF_FORMAT 2
#define SHELF_PAGE 4080
/* Objects up to this never cross the end of a page. */
#define SHELF_WHOLE_MAX 512
/* Bytes of the origin: the store's, log/store/store.h. */
#define SHELF_ORIGIN_MAX 255

struct shelf;
struct shelf_view; /* a snapshot; one thread at a time */
struct shelf_txn;

struct shelf_options {
    const char *path; /* DIR/directory */
    uint64_t map_size;
    bool read_only;
    bool unsynced; /* commits are durable with shelf_sync only: lmdb_options */
};

/* Makes an empty store without a head in the existing directory.  RES_VALUE unless origin has 1 to
 * SHELF_ORIGIN_MAX bytes and configuration is one; RES_EXISTS, RES_IO, RES_MEMORY. */
MUST_CHECK enum result shelf_create(const struct shelf_options *o, const char *origin,
                                    struct span configuration);

/* Opens.  RES_ABSENT, RES_STORE_FORMAT, RES_STORE_DAMAGED, RES_IO, RES_MEMORY. */
MUST_CHECK enum result shelf_open(const struct shelf_options *o, struct shelf **ret);
void shelf_close(struct shelf *s); /* NULL does nothing */

/* Owned by the shelf. */
const char *shelf_origin(const struct shelf *s);
const struct kt_config *shelf_config(const struct shelf *s);

/* ---- reading ---- */

MUST_CHECK enum result shelf_view_new(struct shelf *s, struct shelf_view **ret);
void shelf_view_free(struct shelf_view *v); /* NULL does nothing */
/* Begins a snapshot with the head of now.  RES_STORE_DAMAGED, RES_IO, RES_BUSY; errors leave none.
 */
MUST_CHECK enum result shelf_view_begin(struct shelf_view *v);
void shelf_view_end(struct shelf_view *v);

/* The head; RES_ABSENT before the first epoch. */
MUST_CHECK enum result shelf_get_head(struct shelf_view *v, struct directory_head *ret);

/* The bindings that hold, borrowed.  RES_ABSENT when none were put. */
MUST_CHECK enum result shelf_get_bindings(struct shelf_view *v, struct span *ret);

/* Row i or seq.  RES_ABSENT beyond the head's; RES_STORE_DAMAGED. */
MUST_CHECK enum result shelf_get_entry(struct shelf_view *v, uint64_t i, struct entry_row *ret);
MUST_CHECK enum result shelf_get_version(struct shelf_view *v, uint64_t seq,
                                         struct version_row *ret);

/* n bytes of the stream from offset.  *ret borrows from the view, or from *scratch, which is
 * cleared and used when they lie in several pages (NULL: then RES_STORE_DAMAGED). RES_STORE_DAMAGED
 * beyond the head's stream. */
MUST_CHECK enum result shelf_get_bytes(struct shelf_view *v, uint64_t offset, size_t n,
                                       struct buf *scratch, struct span *ret);

/* The Node at offset. */
MUST_CHECK enum result shelf_get_node(struct shelf_view *v, uint64_t offset,
                                      struct prefix_ref *ret_left, struct prefix_ref *ret_right);

/* The proof record of row seq, borrowed.  RES_ABSENT when it was not made yet. */
MUST_CHECK enum result shelf_get_proofs(struct shelf_view *v, uint64_t seq, struct span *ret);

/* Nodes of the two trees over the entries: (height, index), complete in the head's size. RES_ABSENT
 * when it is not.  Height 0 is hashed from the row. */
MUST_CHECK enum result shelf_get_kt_node(struct shelf_view *v, struct node n, struct hash *ret);
MUST_CHECK enum result shelf_get_feed_node(struct shelf_view *v, struct node n, struct hash *ret);

/* Whether the tables end where the head says: no page and no proof record behind it, and of what
 * is not a full page yet just as much as must be.  RES_STORE_DAMAGED when not. */
MUST_CHECK enum result shelf_check_ends(struct shelf_view *v);

/* What will be got soon: bytes of it that are not in the processor's caches are asked for all at
 * once, where each would be waited for alone. */
void shelf_expect_kt_nodes(struct shelf_view *v, const struct node *nodes, size_t n);
void shelf_expect_entry(struct shelf_view *v, uint64_t i);

/* ---- writing: the builder's thread ---- */

/* All of the adding and putting answers RES_VALUE for rows that no format has room for, RES_IO,
 * RES_STORE_FULL or RES_MEMORY; then only shelf_abort may follow.  What was added cannot be read
 * before the commit. */
MUST_CHECK enum result shelf_begin(struct shelf *s, struct shelf_txn **ret);

/* Appends n bytes to the stream; where they stand into *ret_offset.  Copies. */
MUST_CHECK enum result shelf_add_bytes(struct shelf_txn *t, struct span bytes,
                                       uint64_t *ret_offset);
MUST_CHECK enum result shelf_add_version(struct shelf_txn *t, const struct version_row *row,
                                         uint64_t *ret_seq);
MUST_CHECK enum result shelf_add_entry(struct shelf_txn *t, const struct entry_row *row);
/* Puts the proof record of a row; nothing happens when it is there. */
MUST_CHECK enum result shelf_put_proofs(struct shelf_txn *t, uint64_t seq, struct span steps);
/* Puts the bindings that hold from this epoch on. */
MUST_CHECK enum result shelf_put_bindings(struct shelf_txn *t, struct span body);
/* Puts the head: stream and versions are filled in from what was appended.  Once, last.  Requires
 * h->size to count the entries that stand then. */
MUST_CHECK enum result shelf_put_head(struct shelf_txn *t, struct directory_head *h);

/* The commit point; without a head only proofs may have been put.  The transaction is gone in
 * either case.  Errors of lmdb_commit: then the process must end. */
MUST_CHECK enum result shelf_commit(struct shelf_txn *t);
void shelf_abort(struct shelf_txn *t); /* NULL does nothing */

/* Makes what was committed to an unsynced shelf durable.  Errors of lmdb_sync. */
MUST_CHECK enum result shelf_sync(struct shelf *s);

uint64_t shelf_bytes(const struct shelf *s);
MUST_CHECK enum result shelf_copy(struct shelf *s, const char *dest);

#endif
