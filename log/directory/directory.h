/*
 * The key directory as one object: it follows the certificate log, closes epochs, and answers.
 *
 * It has an LMDB environment and a writer thread of its own, so that no epoch ever holds up an SCT.
 * Everything in it follows from the certificate log, its recipes and its keys (FORMATS.md).  The
 * face of log/directory: api/ and tools/ include this alone.
 *
 * Threads: the builder and the provers are the directory's own; readers belong to one thread at a
 * time.
 */
#ifndef LOG_DIRECTORY_DIRECTORY_H
#define LOG_DIRECTORY_DIRECTORY_H

#include "log/log.h"
#include "merkle/keytrans/config.h"
#include "merkle/keytrans/feed.h"
#include "merkle/keytrans/mailbox.h"
#include "merkle/keytrans/request.h"
#include "merkle/leaf/address.h"
#include "merkle/tree/proof.h"
#include "merkle/tree/tile.h"

struct directory;

/* The directory of an open log, NULL when it has none (a notAfter window).  Borrowed. */
struct directory *log_directory(struct log *l);

/* Owned by the directory. */
const struct kt_config *directory_config(const struct directory *d);
const uint8_t *directory_feed_public(const struct directory *d); /* 32 bytes */

/* Milliseconds since the oldest committed certificate entry that no epoch covers yet was committed;
 * 0 when all are covered.  Any thread; cheap. */
uint64_t directory_lag(const struct directory *d);

struct directory_stats {
    uint64_t size;      /* epochs */
    uint64_t timestamp; /* of the newest, milliseconds */
    uint64_t versions, labels;
    uint64_t certificates; /* entries of the certificate log that are covered */
    uint64_t proofs;       /* rows whose proofs are made */
    uint64_t bytes, index_bytes;
    uint64_t lag_ms;
    uint64_t build_ms; /* the last epoch took */
};
void directory_stats(struct directory *d, struct directory_stats *ret);

/*
 * Erases a mailbox: a tombstone becomes its last version; its key is destroyed, so that no value
 * and no opening of it can be made any more; and bodies of entries that name it, and no other
 * mailbox that was not erased, are overwritten.  For a log that is open and not started: what waits
 * is covered first, as an epoch of its own.  Reads the whole log.
 *
 *   RES_OK             it is done and durable
 *   RES_KT_NO_LABEL    the mailbox has no version; nothing was written for it
 *   RES_ERASED         it was erased before
 *   RES_ERASE_EARLY    its newest version has not stood for a reasonable monitoring window
 *   RES_VALUE          the label is not a mailbox's
 *   RES_TOO_LARGE      more versions than one act has room for
 *   errors of builder_turn; after RES_IO the process must end: opened again, the log goes on where
 *   it was
 */
MUST_CHECK enum result directory_erase(struct directory *d, const struct label *label,
                                       enum mailbox_erased reason);

/* Overwrites what the certificate log's store has of old copies of erased bodies.  As
 * directory_erase; RES_BUSY while another process (fsck, backup) reads the store. */
MUST_CHECK enum result directory_wipe(struct directory *d);

/* ---- reading ---- */

struct directory_reader;
MUST_CHECK enum result directory_reader_new(struct directory *d, struct directory_reader **ret);
void directory_reader_free(struct directory_reader *r); /* NULL does nothing */

enum directory_ask {
    DIRECTORY_SEARCH,
    DIRECTORY_CONTACT_MONITOR,
    DIRECTORY_OWNER_INIT,
    DIRECTORY_OWNER_MONITOR,
    DIRECTORY_UPDATE,
    DIRECTORY_DISTINGUISHED,
    DIRECTORY_CREDENTIAL_UPDATE,
    DIRECTORY_AS_OF
};

/*
 * Answers one KEYTRANS request (its bytes) from a snapshot of its own; the answer's bytes are
 * appended to out.
 *
 *   RES_OK
 *   RES_KT_NO_LABEL       no version of the label: out has the AbsenceResponse (a greatest search),
 *                         else nothing
 *   RES_KT_NO_VERSION     the label has no such version
 *   RES_TRUNCATED, RES_TRAILING, RES_VALUE, RES_RANGE, RES_KT_START …  the request is wrong
 *   RES_ERASED            what was asked for was erased: out has the ErasedResponse
 *   RES_ABSENT            credential_update: no later distinguished entry yet
 *   RES_KT_NOTHING_NEW, RES_KT_OWN_VALUES, RES_KT_NOT_YET  refusals of `update` (409, 403, 400)
 *   RES_BUSY              too many strangers are asked for (their proofs are costly); the label is
 *                         being erased
 *   RES_TOO_LARGE, RES_STORE_DAMAGED, RES_IO, RES_MEMORY
 */
MUST_CHECK enum result directory_answer(struct directory_reader *r, enum directory_ask ask,
                                        struct span request, struct buf *out);

/* What stands behind an answer to a search: for /v1/lookup, which sends certificates along. */
struct directory_found {
    uint64_t size;          /* of the directory's log, in which the answer was made */
    struct feed_entry feed; /* of entry size - 1 */
    bool present;           /* value is there */
    struct span value;      /* MailboxState, borrowed from the reader until its next call */
};

/* As directory_answer for a search (at NULL: greatest version; else as of that time in
 * milliseconds), and *ret; both from one snapshot. */
MUST_CHECK enum result directory_lookup(struct directory_reader *r, const struct label *label,
                                        struct kt_optional last, struct kt_optional at,
                                        struct buf *out, struct directory_found *ret);

/* ---- the feed: C2SP tlog-tiles under origin NAME/feed ---- */

/* Appends the signed checkpoint of the newest head. */
MUST_CHECK enum result directory_feed_checkpoint(struct directory_reader *r, struct buf *out);
/* Appends a hash tile (TILE_HASH levels) or, of kind TILE_ENTRIES, an entry bundle: each entry
 * behind two bytes of length.  RES_ABSENT. */
MUST_CHECK enum result directory_feed_tile(struct directory_reader *r, const struct tile *t,
                                           struct buf *out);
/* Appends the additions of entry i, 64 bytes each.  RES_ABSENT. */
MUST_CHECK enum result directory_feed_additions(struct directory_reader *r, uint64_t i,
                                                struct buf *out);
/* The feed entry size - 1, its inclusion proof in the feed of size entries up to the newest
 * checkpoint, and that checkpoint (appended to note).  ret has room for PROOF_HASHES_MAX.
 * RES_RANGE. */
MUST_CHECK enum result directory_feed_anchor(struct directory_reader *r, uint64_t size,
                                             struct feed_entry *ret_entry, struct hash *ret,
                                             unsigned *ret_n, struct buf *note);

#endif
