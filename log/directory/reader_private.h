/*
 * A reader of the directory while it makes an answer: shared by the files that answer.
 *
 * An answer is made in the newest head that was published, which the index covers; the snapshot may
 * have more.  One thread.  Uses directory_private, target, held, nodes, record.
 */
#ifndef LOG_DIRECTORY_READER_PRIVATE_H
#define LOG_DIRECTORY_READER_PRIVATE_H

#include "log/directory/directory_private.h"
#include "log/directory/held.h"
#include "log/directory/nodes.h"
#include "log/directory/target.h"
#include "merkle/keytrans/response.h"

/* Distinguished entries that an owner is shown in one answer. */
#define READER_LADDERS_MAX 64
/* Versions of a label that an owner's request may be about: their places are all loaded.  A domain
 * may have one a second, and what owners are shown begins at a distinguished entry, so no more than
 * a window of 24 hours ago: 86,400. */
#define READER_VERSIONS_MAX 131072

/* Entries of the log that were read last, by their position modulo this: as with nodes
 * (shelf_view.c), most that a user needs who comes back lie high in the search tree, where there
 * are few. */
#define READER_ENTRIES_BITS 13
#define READER_ENTRIES (UINT64_C(1) << READER_ENTRIES_BITS)

struct reader_entry {
    uint64_t number; /* position + 1; 0: none */
    struct log_entry entry;
};

struct directory_reader {
    struct directory *d;
    struct shelf_view *view;
    struct directory_head head; /* the one that is answered in */
    struct held held;
    struct nodes nodes;
    struct target_parts parts;
    struct target target;
    struct record_label label;
    struct record_tree tree;
    struct transcript t;
    struct recorder record;
    struct kt_view last;
    struct buf value, ladder, info;
    uint64_t *upcoming; /* where versions stand, for an owner's walk */
    size_t upcoming_cap;
    struct reader_entry entries[READER_ENTRIES];
};

/* Takes a snapshot and the published head.  RES_ABSENT before the first; errors of
 * shelf_view_begin. */
MUST_CHECK enum result snapshot_begin(struct directory_reader *r);
void snapshot_end(struct directory_reader *r);

/* Finds the label; errors of target_find. */
MUST_CHECK enum result snapshot_label(struct directory_reader *r, struct span label);

/* Begins the walk for a user who keeps the tree of last entries: the recorder, the transcript, the
 * update of the view.  RES_RANGE when there was no such tree. */
MUST_CHECK enum result walk_begin(struct directory_reader *r, struct kt_optional last);

/* The FullTreeHead and, the walk having ended, the proof. */
void walk_head(const struct directory_reader *r, struct kt_optional last, struct full_head *ret);
MUST_CHECK enum result walk_proof(struct directory_reader *r, struct combined_proof *ret);

/* Appends a BinaryLadderStep to r->ladder, with its commitment when commitments are given up to
 * `most` (-1: none) and the version is not `target`. */
MUST_CHECK enum result walk_step(struct directory_reader *r, uint32_t version, int64_t most,
                                 int64_t target);

/* Appends the ErasedResponse with the versions [first, last] of an erased label, as many as it
 * takes: then RES_ERASED. */
MUST_CHECK enum result write_erased(struct directory_reader *r, uint32_t first, uint32_t last,
                                    struct buf *out);

/* The value of a version into r->value, its opening into ret.  RES_ERASED for a version of an
 * erased label but the tombstone. */
MUST_CHECK enum result walk_value(struct directory_reader *r, const struct version_row *row,
                                  uint8_t ret[static COMMITMENT_OPENING_SIZE]);

/* A version as ladders count them: -1 for none; and the label's greatest. */
static inline int64_t
version_of(struct kt_optional v)
{
    return v.has ? (int64_t)v.value : -1;
}

static inline int64_t
greatest_of(const struct directory_reader *r)
{
    return r->target.present ? (int64_t)r->target.greatest : -1;
}

/* Finds the label of a request; RES_VALUE when it is none, errors of snapshot_label. */
MUST_CHECK enum result answer_find(struct directory_reader *r, struct span label);

/* Where versions first + 1 to last stand, into r->upcoming.  RES_TOO_LARGE over
 * READER_VERSIONS_MAX. */
MUST_CHECK enum result answer_upcoming(struct directory_reader *r, int64_t first, int64_t last);

/* What an owner has asked: owner_init, owner_monitor, update; contact_monitor and
 * credential_update beside them. */
MUST_CHECK enum result answer_contact(struct directory_reader *r, struct span request,
                                      struct buf *out);
MUST_CHECK enum result answer_credential_update(struct directory_reader *r, struct span request,
                                                struct buf *out);
MUST_CHECK enum result answer_owner_init(struct directory_reader *r, struct span request,
                                         struct buf *out);
MUST_CHECK enum result answer_owner_monitor(struct directory_reader *r, struct span request,
                                            struct buf *out);
MUST_CHECK enum result answer_update(struct directory_reader *r, struct span request,
                                     struct buf *out);

#endif
