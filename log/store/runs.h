/*
 * The index's environment: which runs are live, their chunks, and how many units they cover
 * (FORMATS.md).
 *
 * What is live follows from the number of units covered alone: for each one bit k of it one run of
 * level k.  So the change of that one number, in one transaction, takes the merged runs out and the
 * new one in; chunks of others are left over from before or not yet live, and nobody reads them.
 * Uses store_lmdb, run, result.
 */
#ifndef LOG_STORE_RUNS_H
#define LOG_STORE_RUNS_H

#include "log/store/index.h"
#include "log/store/run.h"
#include "log/store/store_lmdb.h"

enum runs_table { RUNS_META, RUNS_CHUNK };

#define INDEX_FORMAT 1
/* 2^40 entries in units of 2^12. */
#define RUNS_LEVEL_MAX 28
#define RUNS_KEY_SIZE 10

struct chunk_id {
    unsigned map;
    unsigned level;
    uint32_t number;
    uint32_t chunk; /* below 2^level */
};

/* Writes the key of a chunk to out; returns its span. */
struct span runs_key(struct chunk_id id, uint8_t out[static RUNS_KEY_SIZE]);

/* Whether a run of that level is live when units are covered; its number. */
bool runs_live(uint64_t units, unsigned level, uint32_t *ret_number);

/* Opens the environment with its format and cover written.  Errors of lmdb_open; RES_STORE_DAMAGED
 * for another format or a cover that is none. */
MUST_CHECK enum result runs_open(const struct index_options *o, struct lmdb **ret,
                                 uint64_t *ret_units);

/* The number of units covered in this snapshot, and its writing.  RES_STORE_DAMAGED; errors of
 * lmdb_put. */
MUST_CHECK enum result runs_units(struct lmdb_txn *t, uint64_t *ret);
MUST_CHECK enum result runs_put_units(struct lmdb_txn *t, uint64_t units);

/* Takes the format away, so that the next runs_open finds damage and everything is built anew.
 * Errors of lmdb_delete and lmdb_commit. */
MUST_CHECK enum result runs_condemn(struct lmdb *env);

/* A chunk of a live run, borrowed.  RES_STORE_DAMAGED, also when it is missing. */
MUST_CHECK enum result runs_chunk(struct lmdb_txn *t, struct chunk_id id, struct chunk *ret);

/* Deletes chunks that are not live when units are covered, at most max of them; *ret_done when none
 * is left. */
MUST_CHECK enum result runs_sweep(struct lmdb_txn *t, uint64_t units, unsigned max, bool *ret_done);

/* Checks all live runs of the snapshot: checks, order, range, and each entry once.
 * RES_STORE_DAMAGED, RES_MEMORY. */
MUST_CHECK enum result runs_check(struct lmdb_txn *t);

#endif
