/*
 * Submissions that were taken and wait for the sequencer.
 *
 * A bounded queue: many workers put, one sequencer takes all there is.  A pending submission owns
 * copies of everything it needs in one allocation, so it outlives the request that brought it. One
 * mutex guards the queue; nobody holds it while doing anything slow. Uses chain, log.h for the
 * receipt.
 */
#ifndef LOG_POOL_H
#define LOG_POOL_H

#include "log/log.h"

struct pending {
    struct pending *next;
    log_receipt_fn *done;
    void *arg;
    struct hash key;    /* entry_key of entry, as the chain check computed it */
    struct entry entry; /* into bytes */
    struct span precertificate;
    struct hash precertificate_sha256; /* of it, before it was copied */
    size_t issuer_count;
    struct hash issuer_sha256[CHAIN_MAX];
    struct span issuer[CHAIN_MAX]; /* into bytes; empty when the store is known to hold it */
    uint64_t checked;              /* no entry below this index has the key */
    /* the sequencer's */
    enum result result;
    struct log_receipt receipt;
    struct pending *same; /* an earlier one of this batch with the same entry, or NULL */
    uint8_t bytes[];
};

/* Copies what of c is needed; issuers for which known[i] are left out.  RES_MEMORY.  Free with
 * pending_free. */
MUST_CHECK enum result pending_new(const struct chain *c, const bool *known, log_receipt_fn *done,
                                   void *arg, struct pending **ret);
void pending_free(struct pending *p); /* NULL does nothing */

struct pool;

MUST_CHECK enum result pool_new(unsigned capacity, struct pool **ret);
void pool_free(struct pool *p); /* must be empty; NULL does nothing */

/* Puts p at the end and wakes the taker.  Ownership passes on success only.  RES_BUSY,
 * RES_DRAINING. */
MUST_CHECK enum result pool_put(struct pool *pool, struct pending *p);

/*
 * Takes up to max submissions, oldest first; waits for one at most wait_ms milliseconds.  *ret is
 * the list or NULL. Returns false when the pool is closed and empty: nothing will come any more.
 */
bool pool_take(struct pool *pool, unsigned max, uint64_t wait_ms, struct pending **ret);

/* Takes no more (RES_DRAINING); wakes the taker. */
void pool_close(struct pool *pool);

unsigned pool_waiting(struct pool *pool);

#endif
