/*
 * Provisional credentials that wait for their final verification.  client/FORMATS.md, "Pending
 * credentials".
 *
 * They are kept apart from the directory's memory, which they may not change: each with the view of
 * the distinguished entry that it was verified by, and verified by it again when it is read.  The
 * file holds addresses.  No I/O, no clock.  Uses voucher, memory, record.
 */
#ifndef CLIENT_DIRECTORY_PENDING_H
#define CLIENT_DIRECTORY_PENDING_H

#include "client/directory/memory.h"
#include "client/directory/voucher.h"

/* Credentials that wait at once, of one log: somebody who receives more should confirm some. */
#define PENDING_MAX 256
/* Bytes of an update that is kept unverified, one a credential: an honest one has some KB. */
#define PENDING_UPDATE_MAX ((size_t)128 << 10)
/* Largest file: they are of some KB each. */
#define PENDING_FILE_MAX ((size_t)64 << 20)

struct pending {
    struct buf bytes;    /* Credential */
    struct credential c; /* borrowed from bytes */
    struct kt_view basis;
    uint64_t since;    /* when it was first verified, milliseconds */
    struct buf update; /* CredentialUpdate that its sender sent, not verified yet; may be empty */
    struct voucher_proof proof;
};

struct pendings {
    struct pending *at[PENDING_MAX];
    size_t n;
};

void pendings_init(struct pendings *p);
void pendings_release(struct pendings *p);

/*
 * Verifies a credential by the view of the distinguished entry at its position and keeps it, in
 * place of none: one that is kept already stays.  RES_TOO_LARGE when there are PENDING_MAX;
 * RES_VALUE for one that is not provisional; errors of voucher_prove; RES_MEMORY.
 */
MUST_CHECK enum result pendings_add(struct pendings *p, const struct policy_log *log,
                                    struct span credential, const struct kt_view *basis,
                                    uint64_t since);

/* The one with these bytes, or whose bytes have that SHA-256; NULL when there is none. */
struct pending *pendings_find(const struct pendings *p, struct span credential);
struct pending *pendings_find_hash(const struct pendings *p, const struct hash *sha256);

/* Keeps an update "for later verification", in place of an earlier one; an empty one: none.
 * RES_TOO_LARGE, the earlier one stays; RES_MEMORY. */
MUST_CHECK enum result pending_queue(struct pending *p, struct span update);

/* Whether the entry that it was made for is no longer one of those that m has. */
bool pending_expired(const struct pending *p, const struct memory *m);

/* Whether m still has the entry that confirms it, if any does: the first distinguished one beyond
 * the credential's tree, of which the older of m's are not. */
bool pending_confirmable(const struct pending *p, const struct memory *m);

/* Whether the log is to be asked about it now: half of what m has has come since, and its sender
 * sent nothing; a while later what confirms it would be forgotten. */
bool pending_due(const struct pending *p, const struct memory *m);

/* Drops the i-th; those after it move up. */
void pendings_drop(struct pendings *p, size_t i);

/* Reads a file of log; *ret is pendings_init before.  RES_KEY when it is of another log; RES_VALUE,
 * RES_ENCODING, RES_ABSENT, RES_TRAILING for another form; errors of pendings_add. */
MUST_CHECK enum result pendings_parse(struct span text, const struct policy_log *log,
                                      struct pendings *ret);

/* Appends the file to out, which must be empty.  Errors of buf_reserve. */
MUST_CHECK enum result pendings_write(const struct pendings *p, const struct policy_log *log,
                                      struct buf *out);

#endif
