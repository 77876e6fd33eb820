/*
 * What an epoch's entries touch: for each label, the records or entries that are to be merged into
 * it, labels in ascending order of their bytes.
 *
 * One thread.  Uses intake.
 */
#ifndef LOG_DIRECTORY_GATHER_H
#define LOG_DIRECTORY_GATHER_H

#include "log/directory/intake.h"

/* One entry under one label. */
struct touch {
    struct label label;
    uint64_t index;               /* of the entry */
    struct hash leaf_hash;        /* of the entry; for a domain */
    struct mailbox_record record; /* for a mailbox; its address is text */
    uint8_t text[MAILBOX_ADDRESS_MAX];
};

struct gather {
    struct touch **at; /* sorted by gather_sort: by label, then by index */
    size_t n, cap;
    struct intake intake;
};

void gather_init(struct gather *g);
void gather_release(struct gather *g);
void gather_clear(struct gather *g);

/* Adds what the entry at index touches.  Errors of intake_read; RES_MEMORY. */
MUST_CHECK enum result gather_entry(struct gather *g, struct store_view *v, uint64_t index,
                                    const struct bindings *b);

void gather_sort(struct gather *g);

/* How many from `from` on are of one label.  Requires from < g->n, and that they are sorted. */
size_t gather_same(const struct gather *g, size_t from);

#endif
