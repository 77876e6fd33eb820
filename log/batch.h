/*
 * One batch of the sequencer: from a list of submissions to a committed, signed and published head.
 *
 * What can go wrong before the commit refuses the batch and changes nothing; a guard that fails, a
 * write, commit or high-water mark that fails says that the log must halt.
 *
 * Thread: the sequencer's.
 * Uses entries, headtime, edge, fresh, guard, signer, highwater, store, index, known.
 */
#ifndef LOG_BATCH_H
#define LOG_BATCH_H

#include "log/sequencer.h"

struct batch;

/* Loads head and right edge from the store.  parts is copied, what it points to borrowed.
 * RES_STORE_DAMAGED, RES_MEMORY, RES_IO. */
MUST_CHECK enum result batch_new(const struct sequencer_parts *parts, struct batch **ret);
void batch_free(struct batch *b); /* NULL does nothing */

/*
 * Commits the list, at most SEQUENCER_BATCH_MAX long (NULL: only a fresh head), and publishes the
 * head.  On RES_OK each submission has its receipt or the twin that has it; nothing is answered or
 * freed here.  RES_CLOCK: the clock stands before the last head, or has leapt ahead since the last
 * batch.  On failure *ret_halt is NULL when the next batch may be tried, else the step at which the
 * log must halt, static: then batch_run is not called again.
 */
MUST_CHECK enum result batch_run(struct batch *b, struct pending *list, const char **ret_halt);

#endif
