/*
 * From one entry of the certificate log to what enters the directory: a record, and the mailboxes
 * and domains whose labels it enters.
 *
 * Pure but for reading the store and for memory.  One thread.  Uses store, stored, bindings,
 * mailboxes.
 */
#ifndef LOG_DIRECTORY_INTAKE_H
#define LOG_DIRECTORY_INTAKE_H

#include "log/directory/bindings.h"
#include "log/store/store.h"
#include "merkle/keytrans/mailbox.h"
#include "merkle/leaf/mailboxes.h"

struct intake {
    struct mailbox_record record; /* all but source and address, which are each mailbox's */
    struct hash leaf_hash;        /* of the entry, in the certificate log's tree */
    struct mailboxes mailboxes;   /* all that it names */
    bool *enters;                 /* of each: whether its root may */
    struct buf tbs;               /* scratch */
};

void intake_init(struct intake *n);
void intake_release(struct intake *n);

/*
 * Reads the entry at index.  *n borrows nothing from the view.  RES_STORE_DAMAGED for an entry that
 * the log would not have taken; errors of store_get_entry; RES_MEMORY.
 */
MUST_CHECK enum result intake_read(struct intake *n, struct store_view *v, uint64_t index,
                                   const struct bindings *b);

/*
 * What a key may be used for, from its type and keyUsage (RFC 5280 4.2.1.3): digitalSignature or
 * nonRepudiation to sign; keyEncipherment or dataEncipherment (RSA), keyAgreement (others) to
 * encrypt.  Without keyUsage, or with one that names neither, whatever its type can do.
 */
enum mailbox_purpose intake_purpose(const struct cert *c);

#endif
