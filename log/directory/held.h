/*
 * What a label holds in one of its versions: States read from the shelf, decrypted, put together;
 * and the value that follows from them.
 *
 * One thread at a time for each struct held.  Uses shelf, keyring, versions, state.
 */
#ifndef LOG_DIRECTORY_HELD_H
#define LOG_DIRECTORY_HELD_H

#include "log/directory/keyring.h"
#include "log/directory/shelf.h"
#include "log/directory/state.h"

/* Largest State that is read: whole ones of labels with a million records. */
#define HELD_STATE_MAX ((size_t)512 << 20)

struct held {
    struct shelf_view *view; /* borrowed, begun while it is used */
    struct keyring *keys;    /* borrowed */
    struct state *state;     /* of a mailbox, after held_mailbox */
    size_t whole_n;          /* bytes of the last whole State, */
    size_t changes_n;        /* and of the changes since */
    struct buf bytes;        /* the State read last, decrypted: after held_* that of row */
    struct version_row *rows;
    size_t rows_cap;
};

MUST_CHECK enum result held_init(struct held *h, struct shelf_view *view, struct keyring *keys);
void held_release(struct held *h);

/* Loads the records of the mailbox with that number as of the version in row into h->state.
 * RES_ABSENT when the label was erased; RES_STORE_DAMAGED, RES_IO, RES_MEMORY. */
MUST_CHECK enum result held_mailbox(struct held *h, uint64_t number, const struct version_row *row);

/* The entries of the domain with that number as of the version in row. */
MUST_CHECK enum result held_domain(struct held *h, uint64_t number, const struct version_row *row,
                                   struct range *ret);

/* Appends the value of the version in row, whose label begins with that kind (LABEL_MAILBOX,
 * LABEL_DOMAIN); timestamp is that of row's entry. */
MUST_CHECK enum result held_value(struct held *h, uint8_t kind, uint64_t number,
                                  const struct version_row *row, uint64_t timestamp,
                                  struct buf *out);

#endif
