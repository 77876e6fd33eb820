/*
 * The door to LMDB: environments, transactions, tables.  The only code that knows <lmdb.h>.
 *
 * Durability: lmdb_commit returns RES_OK only after the data and then the meta page were synced
 * (fdatasync, then an O_DSYNC write); LMDB is opened without NOMETASYNC and WRITEMAP, and
 * without NOSYNC but for files that nothing refers to yet (unsynced).  LMDB
 * forgets a failed sync: the next commit would succeed on pages that the kernel may have dropped.
 * So the first failure of a commit latches: every later write transaction of that environment
 * answers RES_STORE_LATCHED, and only a new process that looks at what is on disk may go on.
 *
 * The map is opened once at its final size (never resized: a resize moves it under living readers).
 * Uses result, span.
 */
#ifndef LOG_STORE_STORE_LMDB_H
#define LOG_STORE_STORE_LMDB_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

#define LMDB_TABLES_MAX 8

struct lmdb;     /* an environment with its tables */
struct lmdb_txn; /* a transaction; reads borrow from it until it ends or, in a write one, the next
                    write */

struct lmdb_options {
    const char *path; /* an existing directory */
    const char
        *tables[LMDB_TABLES_MAX]; /* NULL ends the list; created when missing unless read_only */
    uint64_t map_size;            /* bytes */
    bool read_only;
    unsigned readers; /* read transactions at once */
    bool unsynced;    /* commits are durable with lmdb_sync only, and lost, with all before them, by
                         a crash of the machine: for a file that is thrown away then */
};

/* Opens; clears the reader slots of dead processes.  RES_IO, RES_MEMORY (no address space for the
 * map: the caller says so), RES_STORE_DAMAGED for a file that is no LMDB environment, RES_ABSENT
 * when read_only and not there, or nothing was ever committed to it. */
MUST_CHECK enum result lmdb_open(const struct lmdb_options *o, struct lmdb **ret);

/* Closes; no transaction may be open.  NULL does nothing. */
void lmdb_close(struct lmdb *env);

/* Begins a write transaction: one thread at a time, ends in that thread.  RES_STORE_LATCHED,
 * RES_IO, RES_MEMORY. */
MUST_CHECK enum result lmdb_begin_write(struct lmdb *env, struct lmdb_txn **ret);

/* Makes a read transaction object in the reset state; renew begins a snapshot, reset ends it
 * (cheap, no allocation).  One thread at a time uses it, any thread may. */
MUST_CHECK enum result lmdb_reader_new(struct lmdb *env, struct lmdb_txn **ret);
MUST_CHECK enum result lmdb_reader_renew(struct lmdb_txn *t);
void lmdb_reader_reset(struct lmdb_txn *t);
void lmdb_reader_free(struct lmdb_txn *t);

/*
 * The commit point.  Before it returns RES_OK nothing of the transaction is promised; after it,
 * everything is on disk.  On failure the transaction is gone, the environment latched, and whether
 * the meta page reached the disk is unknown: the process must end.  RES_IO, RES_STORE_FULL.
 */
MUST_CHECK enum result lmdb_commit(struct lmdb_txn *t);

/* Makes all commits to an unsynced environment durable.  RES_IO: latched, as lmdb_commit. */
MUST_CHECK enum result lmdb_sync(struct lmdb *env);

/* Throws a write transaction away.  NULL does nothing. */
void lmdb_abort(struct lmdb_txn *t);

/* Whether a write or sync of env has failed; also one that a large transaction did before its
 * commit. */
bool lmdb_latched(const struct lmdb *env);

/* The value under key, borrowed.  RES_ABSENT, RES_IO, RES_STORE_DAMAGED. */
MUST_CHECK enum result lmdb_get(struct lmdb_txn *t, unsigned table, struct span key,
                                struct span *ret);

/* The entry with the greatest key, or the first with a key >= *key.  RES_ABSENT. */
MUST_CHECK enum result lmdb_last(struct lmdb_txn *t, unsigned table, struct span *ret_key,
                                 struct span *ret_value);
MUST_CHECK enum result lmdb_seek(struct lmdb_txn *t, unsigned table, struct span key,
                                 struct span *ret_key, struct span *ret_value);

/* Puts, replacing.  append: the key must be greater than all there are (RES_EXISTS otherwise).
 * RES_STORE_FULL, RES_IO, RES_MEMORY: then only lmdb_abort may follow. */
MUST_CHECK enum result lmdb_put(struct lmdb_txn *t, unsigned table, struct span key,
                                struct span value, bool append);

/* As lmdb_put, but reserves n bytes for the caller to fill before the next write. */
MUST_CHECK enum result lmdb_reserve(struct lmdb_txn *t, unsigned table, struct span key, size_t n,
                                    bool append, uint8_t **ret);

/* Deletes; RES_ABSENT when it is not there. */
MUST_CHECK enum result lmdb_delete(struct lmdb_txn *t, unsigned table, struct span key);

/* Empties a table. */
MUST_CHECK enum result lmdb_drop(struct lmdb_txn *t, unsigned table);

/* Bytes in pages of all tables and of the free list, and how many are free.  Reads the whole free
 * list, which is long after large deletions. */
struct lmdb_sizes {
    uint64_t file;  /* pages in use by the file, bytes */
    uint64_t freed; /* of these, reusable */
    uint64_t map;
    uint64_t table[LMDB_TABLES_MAX]; /* bytes in pages of each table */
    uint64_t entries[LMDB_TABLES_MAX];
};
MUST_CHECK enum result lmdb_sizes(struct lmdb *env, struct lmdb_sizes *ret);

/* lmdb_sizes.file alone, without a transaction or a look at any page; 0 when that cannot be told.
 */
uint64_t lmdb_bytes(const struct lmdb *env);

/* For wipe.c, which knows how pages are laid out: first the file, with the size of a page in bytes
 * and how many are counted; then the free ones; then each value, borrowed. */
struct lmdb_visitor {
    enum result (*file)(void *arg, int fd, size_t page_size, uint64_t pages);
    enum result (*free_page)(void *arg, uint64_t page);
    enum result (*value)(void *arg, struct span value);
    void *arg;
};

/* Shows the file's contents to a visitor.  No write transaction may be open, in any process.
 * RES_BUSY, with nothing shown, while a reader of any process holds a snapshot, for which pages may
 * be in use that are free; RES_STORE_DAMAGED; the visitor's errors. */
MUST_CHECK enum result lmdb_visit(struct lmdb *env, const struct lmdb_visitor *to);

/* Copies a consistent snapshot to the new file dest/data.mdb and syncs it; dest is an existing
 * directory. */
MUST_CHECK enum result lmdb_copy(struct lmdb *env, const char *dest);

#endif
