/*
 * The insides of the directory's store: its tables, its pages, and what views and transactions
 * share.
 *
 * Private to shelf.c, shelf_view.c and shelf_txn.c.  Uses shelf, store_lmdb.
 */
#ifndef LOG_DIRECTORY_SHELF_PRIVATE_H
#define LOG_DIRECTORY_SHELF_PRIVATE_H

#include <stdatomic.h>

#include "log/directory/shelf.h"

/* In the order of the environment's tables; the first three are made of pages. */
enum shelf_table {
    SHELF_STREAM,
    SHELF_ENTRIES,
    SHELF_VERSIONS,
    SHELF_PAGED, /* how many are */
    SHELF_PROOFS = SHELF_PAGED,
    SHELF_META,
};

#define SHELF_META_FORMAT "format"
#define SHELF_META_ORIGIN "origin"
#define SHELF_META_CONFIGURATION "configuration"
#define SHELF_META_HEAD "head"
#define SHELF_META_TAILS "tails"
#define SHELF_META_BINDINGS "bindings"

#define SHELF_KEY_SIZE 8
#define SHELF_HEAD_SIZE 232

/* Rows of one page. */
#define ENTRIES_A_PAGE (SHELF_PAGE / ENTRY_ROW_SIZE)
#define VERSIONS_A_PAGE (SHELF_PAGE / VERSION_ROW_SIZE)

/*
 * Where full pages are in the map, by number modulo this.  A full page is written once, into a page
 * of LMDB of its own, and neither deleted nor replaced; so its place is the same in every snapshot
 * that has it, and all views share what one has looked up.  An answer reads some hundred pages: of
 * a table that has no more than these, each costs a descent through LMDB's tree once.  8 bytes
 * each, of memory that is taken when it is used.
 */
#define PLACES_BITS 21
#define PLACES (UINT64_C(1) << PLACES_BITS)

struct shelf {
    struct lmdb *env;
    char origin[SHELF_ORIGIN_MAX + 1];
    struct kt_config config;
    struct shelf_txn *txn;                 /* the one transaction; the builder's thread */
    _Atomic uint64_t *places[SHELF_PAGED]; /* any thread; shelf_view.c knows what is in them */
};

/* The key of page or row n into out; returns its span. */
static inline struct span
shelf_key(uint64_t n, uint8_t out[static SHELF_KEY_SIZE])
{
    for (int i = SHELF_KEY_SIZE; i-- > 0; n >>= 8)
        out[i] = (uint8_t)n;
    return span_of(out, SHELF_KEY_SIZE);
}

/* Bytes of a paged table at that head. */
static inline uint64_t
shelf_length(const struct directory_head *h, enum shelf_table table)
{
    return table == SHELF_STREAM    ? h->stream
           : table == SHELF_ENTRIES ? h->size * ENTRY_ROW_SIZE
                                    : h->versions * VERSION_ROW_SIZE;
}

/* Reads the head.  RES_ABSENT before the first; RES_STORE_DAMAGED; errors of lmdb_get. */
MUST_CHECK enum result shelf_read_head(struct lmdb_txn *t, struct directory_head *ret);

/* Of each paged table the bytes behind its full pages at that head, fewer than SHELF_PAGE; borrowed
 * from the snapshot.  RES_STORE_DAMAGED; errors of lmdb_get. */
MUST_CHECK enum result shelf_read_tails(struct lmdb_txn *t, const struct directory_head *h,
                                        struct span ret[static SHELF_PAGED]);

#endif
