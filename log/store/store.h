/*
 * The log's store: entries, tiles, issuers and the signed head, in the formats of FORMATS.md.
 *
 * The durability contract.  A commit is one value: immutable objects (entries, full tiles,
 * issuers), the ragged right edge, and the head signed over them.  store_commit makes all of it
 * durable or nothing; when it returned RES_OK a crash at any later moment finds it.  When it
 * failed, the process must end: see store_lmdb.h. Immutable objects never change after their
 * commit, but for the leaf of an entry that is erased; and every read knows the tree size it reads
 * at.
 *
 * One write transaction at a time, by the sequencer's thread only.  Views of readers are
 * independent of it. Uses store_lmdb, merkle/base, merkle/tree, merkle/leaf.
 */
#ifndef LOG_STORE_STORE_H
#define LOG_STORE_STORE_H

#include "log/store/store_lmdb.h"
#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/tree/hash.h"
#include "merkle/tree/node.h"
#include "merkle/tree/tile.h"

#define STORE_FORMAT 1
#define STORE_BUNDLE 256
#define STORE_SCT_SIGNATURE_MAX 72
/* Bytes of one leaf: a precertificate with its TBS from a body of 512 KiB is below 1 MiB, and 256
 * of 8 MiB are below 2^32, as a bundle's offsets must be. */
#define STORE_LEAF_MAX ((size_t)8 << 20)
#define STORE_ORIGIN_MAX 255

struct store;
struct store_view; /* a snapshot, or the inside of the open write transaction */
struct store_txn;

struct store_head {
    uint64_t timestamp; /* milliseconds */
    uint64_t size;
    struct hash root;
    uint8_t sth_signature[255]; /* ECDSA DER over TreeHeadSignature */
    uint8_t sth_signature_n;
    uint8_t note_signature[64]; /* Ed25519 over the checkpoint text */
};

struct store_options {
    const char *path;  /* DIR/store */
    uint64_t map_size; /* bytes; 2^40 by default, at most 2^35 under valgrind */
    bool read_only;
};

/*
 * Makes an empty store of the current format in the existing, empty directory: no head yet.
 * Requires !read_only. RES_EXISTS when a data.mdb is there already; RES_VALUE for an origin not of
 * 1 to STORE_ORIGIN_MAX bytes; RES_IO, RES_MEMORY.
 */
MUST_CHECK enum result store_create(const struct store_options *o, const char *origin);

/*
 * Opens.  A store in use by another process may be opened read_only.  RES_ABSENT when there is
 * none; RES_STORE_FORMAT for another format number (*ret_format tells it; the store is left as it
 * was); RES_STORE_DAMAGED, RES_IO; RES_MEMORY, also when there is no address space for the map.
 */
MUST_CHECK enum result store_open(const struct store_options *o, uint32_t *ret_format,
                                  struct store **ret);
void store_close(struct store *s);

/* The origin it was made for, NUL-terminated; owned by the store. */
const char *store_origin(const struct store *s);

/* ---- reading ---- */

/* A view object for one thread at a time; begin takes a snapshot, end lets it go (keep it short: an
 * old snapshot keeps pages from being used again).  Nothing is allocated by begin.  new:
 * RES_MEMORY; RES_BUSY when all reader slots are taken; begin: RES_IO. */
MUST_CHECK enum result store_view_new(struct store *s, struct store_view **ret);
void store_view_free(struct store_view *v);
MUST_CHECK enum result store_view_begin(struct store_view *v);
void store_view_end(struct store_view *v);

/* The signed head.  RES_ABSENT in a store that never had one; RES_STORE_DAMAGED, also when there is
 * none over entries or tiles. */
MUST_CHECK enum result store_get_head(struct store_view *v, struct store_head *ret);

struct store_entry {
    struct span leaf;          /* TileLeaf, borrowed until the view ends */
    struct span sct_signature; /* ECDSA DER, borrowed */
};

/* The entry at index.  RES_ABSENT; RES_ERASED when its leaf is all zeros; RES_STORE_DAMAGED, also
 * when the head counts it and it is not there. */
MUST_CHECK enum result store_get_entry(struct store_view *v, uint64_t index,
                                       struct store_entry *ret);

/*
 * The data tile of bundle number n with the first width entries (1 to 256): *ret is borrowed from
 * the store for a full bundle, else appended to scratch and borrowed from it.  RES_ABSENT when
 * fewer entries are there; RES_ERASED when one of them is; RES_STORE_DAMAGED; errors of buf_add.
 * *scratch is unchanged on failure.
 */
MUST_CHECK enum result store_get_data_tile(struct store_view *v, uint64_t n, unsigned width,
                                           struct buf *scratch, struct span *ret);

/* The record of a tile, full or partial: TILE_NODES hashes, borrowed; incomplete nodes are zero.
 * RES_ABSENT, RES_STORE_DAMAGED. */
MUST_CHECK enum result store_get_tile(struct store_view *v, unsigned level, uint64_t index,
                                      const struct hash **ret);

/* One node, through its tile's record.  RES_ABSENT when it is not complete. */
MUST_CHECK enum result store_get_node(struct store_view *v, struct node n, struct hash *ret);

/* The issuer with that SHA-256, DER, borrowed.  RES_ABSENT. */
MUST_CHECK enum result store_get_issuer(struct store_view *v, const struct hash *sha256,
                                        struct span *ret);

/* Calls fn for each issuer until it returns other than RES_OK; returns that. */
typedef enum result store_issuer_fn(void *arg, const struct hash *sha256, struct span der);
MUST_CHECK enum result store_each_issuer(struct store_view *v, store_issuer_fn *fn, void *arg);

/* ---- writing ---- */

MUST_CHECK enum result store_begin(struct store *s, struct store_txn **ret);

/* Reads inside the open transaction, of what it has written too; valid until it ends.  Entries
 * handed to store_append are readable after store_flush. */
struct store_view *store_txn_view(struct store_txn *t);

/* Appends the entry at index, which must be the next (as many as the last head counts, and on).
 * Copies both. Requires 1 <= sct_signature.n <= STORE_SCT_SIGNATURE_MAX.  RES_TOO_LARGE unless 1 <=
 * leaf.n <= STORE_LEAF_MAX; RES_MEMORY. */
MUST_CHECK enum result store_append(struct store_txn *t, uint64_t index, struct span leaf,
                                    struct span sct_signature);

/* Writes what store_append has collected: full bundles are packed, the rest goes to the tail. Once,
 * after the last append.  RES_STORE_DAMAGED when the tail does not hold what the last head counts;
 * RES_STORE_FULL, RES_IO, RES_MEMORY: then, as after any failure below, only store_abort may
 * follow. */
MUST_CHECK enum result store_flush(struct store_txn *t);

/* Puts a tile's record of TILE_NODES hashes: full ones in their place for ever (the level's edge
 * record is then removed), partial ones as the level's edge: full before the partial one after it.
 * RES_STORE_DAMAGED when another full tile stands there. */
MUST_CHECK enum result store_put_tile(struct store_txn *t, unsigned level, uint64_t index,
                                      bool full, const struct hash *nodes);

/* Puts an issuer; nothing happens when it is there. */
MUST_CHECK enum result store_put_issuer(struct store_txn *t, const struct hash *sha256,
                                        struct span der);

/* Puts the signed head.  Requires h->size to be the number of entries with those flushed. */
MUST_CHECK enum result store_put_head(struct store_txn *t, const struct store_head *h);

/* The commit point: see the contract above.  The transaction is gone in either case.  Requires a
 * head that counts the entries appended.  Errors of lmdb_commit. */
MUST_CHECK enum result store_commit(struct store_txn *t);
/* NULL does nothing. */
void store_abort(struct store_txn *t);

/* Overwrites the leaf of the entry at index with zeros; nothing happens when it is erased already.
 * Its leaf hash and the SCT's signature stay.  RES_ABSENT, RES_STORE_DAMAGED; errors of lmdb_put:
 * then only store_abort may follow. */
MUST_CHECK enum result store_erase(struct store_txn *t, uint64_t index);

/* Overwrites what is not in use in the file, where old copies of what was erased may stand.  For a
 * store that nobody else writes to meanwhile.  Errors of wipe_unused. */
MUST_CHECK enum result store_wipe(struct store *s);

bool store_latched(const struct store *s);
/* Table by table; reads the whole free list. */
MUST_CHECK enum result store_sizes(struct store *s, struct lmdb_sizes *ret);
/* Bytes of the store's file that are in use or free for reuse; 0 when that cannot be told.  Cheap.
 */
uint64_t store_bytes(const struct store *s);
/* Hot copy of data.mdb into the existing directory dest. */
MUST_CHECK enum result store_copy(struct store *s, const char *dest);

#endif
