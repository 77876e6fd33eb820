/*
 * Where a label's versions stand: from a label to its newest version, and to each.
 *
 * Over the index (log/store/index) and the shelf's rows.  Any thread with its own view.  Uses
 * keyring, shelf, index.
 */
#ifndef LOG_DIRECTORY_VERSIONS_H
#define LOG_DIRECTORY_VERSIONS_H

#include "log/directory/keyring.h"
#include "log/directory/shelf.h"
#include "log/store/index.h"

struct versions; /* the index with what it needs; shared by all readers */

/* Opens the index in DIR/directory/index and adds the rows that it does not cover. */
MUST_CHECK enum result versions_open(const char *path, uint64_t map_size, struct shelf *s,
                                     struct keyring *k, struct versions **ret);
void versions_close(struct versions *x); /* NULL does nothing */

/* After a commit: a row that is new. */
MUST_CHECK enum result versions_add(struct versions *x, uint64_t seq, struct span label,
                                    uint32_t version);

/* The newest row of the label among the first `rows` (the head's count): *ret and its seq.
 * RES_ABSENT. */
MUST_CHECK enum result versions_newest(struct versions *x, struct shelf_view *v, uint64_t rows,
                                       struct span label, uint64_t *ret_seq,
                                       struct version_row *ret);

/* The row of one version.  RES_ABSENT. */
MUST_CHECK enum result versions_find(struct versions *x, struct shelf_view *v, uint64_t rows,
                                     struct span label, uint32_t version, uint64_t *ret_seq,
                                     struct version_row *ret);

uint64_t versions_index_bytes(struct versions *x);

#endif
