/*
 * From a hash to entry indexes: sorted runs on disk for what is old, a table in memory for what is
 * new.
 *
 * Random keys in a B+tree rewrite a page for every key; here keys wait in memory until 4,096
 * entries have come, are sorted, appended as a run, and runs are merged as the peaks of a compact
 * range are.  So each key is written about half of log2(n / 4096) times, 13 bytes each, in large
 * sequential pieces. Derived data: lost or behind, it is built again from the entries.
 *
 * Threads: index_add by the sequencer; index_find by any; the background thread that sorts and
 * merges is the index's own and the only writer of its environment.  One mutex guards the table in
 * memory; it is never held during I/O. Uses store_lmdb, hash, result.
 */
#ifndef LOG_STORE_INDEX_H
#define LOG_STORE_INDEX_H

#include "merkle/base/result.h"
#include "merkle/tree/hash.h"

enum index_map { INDEX_ENTRY_KEY = 0, INDEX_LEAF_HASH = 1, INDEX_MAPS = 2 };

/* Entries that one smallest run covers. */
#define INDEX_UNIT 4096

struct index;

struct index_options {
    const char *path; /* DIR/store/index, made when missing */
    uint64_t map_size;
    bool read_only; /* no thread, nothing is added or made anew: beside another process that has it
                       open */
};

/*
 * Opens and starts the background thread.  A damaged or foreign environment is removed and begun
 * anew. *ret_covered: how many entries the runs cover; the caller adds those from there on.  When
 * it is more than the store holds, the index belongs to another store: close, index_remove, open
 * again.  RES_IO, RES_MEMORY; when read_only RES_ABSENT, also when its making was interrupted, and
 * RES_STORE_DAMAGED.
 */
MUST_CHECK enum result index_open(const struct index_options *o, uint64_t *ret_covered,
                                  struct index **ret);

/* Stops the background thread (it finishes the transaction under way) and closes.  What no run
 * covers yet is added again after the next open.  NULL does nothing. */
void index_close(struct index *x);

/* Removes the files of the index in path, which nobody has open.  RES_OK also when there are none;
 * RES_IO. */
MUST_CHECK enum result index_remove(const char *path);

/*
 * Adds the entry at index, which must be the next after all that were covered or added.  Waits when
 * the background thread is more than 64 units behind.  RES_MEMORY; RES_IO when the background
 * thread has failed.
 */
MUST_CHECK enum result index_add(struct index *x, uint64_t index,
                                 const struct hash keys[static INDEX_MAPS]);

/*
 * Finds the entries whose hash begins with the first 8 bytes of key: at most cap, the smallest
 * indexes first; *ret_n of them.  The caller compares the whole hash.  Requires cap > 0.
 * RES_TOO_LARGE when there are more than cap (nobody meets that by chance: 2^-64 a pair), then ret
 * holds the smallest; RES_IO, RES_MEMORY, RES_BUSY (no reader slot), RES_STORE_DAMAGED.
 */
MUST_CHECK enum result index_find(struct index *x, enum index_map map, const struct hash *key,
                                  uint64_t *ret, size_t cap, size_t *ret_n);

/* Finds the newest: the greatest index below `below` whose hash begins with the first 8 bytes of
 * key.  Looks at what is youngest first and ends where it finds one.  RES_ABSENT; other errors as
 * index_find. */
MUST_CHECK enum result index_find_newest(struct index *x, enum index_map map,
                                         const struct hash *key, uint64_t below, uint64_t *ret);

/* How many entries the runs on disk cover now. */
uint64_t index_covered(struct index *x);

/* Checks every run: the checks over its chunks, order, and that it names each entry it covers once;
 * for fsck. RES_STORE_DAMAGED, RES_IO, RES_MEMORY. */
MUST_CHECK enum result index_check(struct index *x);

/* Bytes of the index file; 0 when that cannot be told.  Cheap. */
uint64_t index_bytes(struct index *x);

#endif
