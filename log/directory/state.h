/*
 * What a label holds, in the form that its next version is made from: all records of a mailbox, or
 * the compact range of a domain (State in FORMATS.md); and the value that users are told.
 *
 * A mailbox's state merges records: a precertificate and its certificate are one (key_id).  Pure
 * but for the buffers' memory.  Uses mailbox, range.
 */
#ifndef LOG_DIRECTORY_STATE_H
#define LOG_DIRECTORY_STATE_H

#include "merkle/base/buf.h"
#include "merkle/keytrans/mailbox.h"
#include "merkle/tree/range.h"

struct state; /* a mailbox's */

MUST_CHECK enum result state_new(struct state **ret);
void state_free(struct state *s); /* NULL does nothing */
void state_clear(struct state *s);

/* Takes up one State, form 1 or 2, decrypted; whole ones replace what was there.  Oldest first.
 * RES_VALUE, RES_MEMORY. */
MUST_CHECK enum result state_load(struct state *s, struct span bytes);

/* Merges a record: new, or completing one with its key_id (a final certificate for one announced; a
 * changed status).  *ret_changed false when nothing is new.  Copies. */
MUST_CHECK enum result state_merge(struct state *s, const struct mailbox_record *m,
                                   bool *ret_changed);

/* Appends the State for what was merged since the last load: whole, or changes (form 2) when
 * changes_n (bytes of changes since the last whole one, before this) with these is at most the
 * length of the last whole one.  *ret_whole tells which. */
MUST_CHECK enum result state_write(struct state *s, size_t whole_n, size_t changes_n, bool first,
                                   struct buf *out, bool *ret_whole);

/* Records in it. */
size_t state_count(const struct state *s);

/* Appends the MailboxState as of an epoch's timestamp (milliseconds). */
MUST_CHECK enum result state_value(struct state *s, uint64_t timestamp, struct buf *out);

/* A domain's State (form 3), and its DomainState. */
MUST_CHECK enum result state_domain_load(struct span bytes, struct range *ret);
MUST_CHECK enum result state_domain_write(const struct range *r, struct buf *out);
MUST_CHECK enum result state_domain_value(const struct range *r, struct buf *out);
/* The leaf of an entry under a domain: hash of (uint64 index || leaf hash). */
void state_domain_leaf(uint64_t index, const struct hash *leaf, struct hash *ret);

#endif
