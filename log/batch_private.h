/*
 * A batch under way, as the file for its entries and the one for its head and commit share it.
 *
 * They are entries.c and batch.c; private to the two.  Thread: the sequencer's.
 */
#ifndef LOG_BATCH_PRIVATE_H
#define LOG_BATCH_PRIVATE_H

#include "log/edge.h"
#include "log/fresh.h"
#include "log/guard.h"
#include "log/headtime.h"
#include "log/sequencer.h"

struct batch {
    struct sequencer_parts parts;
    struct store_view *view; /* of committed entries, for duplicates */
    struct store_head head;  /* the newest signed and committed */
    struct headtime time;
    struct edge *edge;
    struct fresh *fresh;
    struct guard guard;
    struct buf leaf; /* scratch */
    /* the one under way: its new entries */
    struct pending *entry[SEQUENCER_BATCH_MAX];
    struct guard_claim claim[SEQUENCER_BATCH_MAX];
    struct hash leaf_hash[SEQUENCER_BATCH_MAX];
    unsigned count;
    struct store_txn *txn;
};

#endif
