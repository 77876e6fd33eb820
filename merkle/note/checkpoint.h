/*
 * Checkpoints: C2SP tlog-checkpoint; with the signature of an RFC 6962 log, static-ct-api
 * "Checkpoints".
 *
 * Pure but for the buffers' memory.  Uses note, key, sct, text, result.
 */
#ifndef MERKLE_NOTE_CHECKPOINT_H
#define MERKLE_NOTE_CHECKPOINT_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/note.h"

struct checkpoint {
    struct span origin; /* borrowed */
    uint64_t size;
    struct hash root;
    struct span extensions; /* all extension lines with their newlines, borrowed */
};

/* Largest tree size read, so that it fits a signed integer of every reader; trees end at 2^62. */
#define CHECKPOINT_SIZE_MAX INT64_MAX

/* Reads a checkpoint's text (a note's text).  RES_CHECKPOINT: fewer than three lines, an empty
 * line, no final newline, a size that is not decimal, a root that is not base64 of 32 bytes. */
MUST_CHECK enum result checkpoint_parse(struct span text, struct checkpoint *ret);

/* Appends origin, size and root, a line each.  Errors of buf_reserve; *out as it was then. Requires
 * an origin that is not empty and has no newline. */
MUST_CHECK enum result checkpoint_write(const char *origin, uint64_t size, const struct hash *root,
                                        struct buf *out);

/* Appends the body of a note signature of type 0x05: uint64 timestamp, DigitallySigned.  Errors of
 * digitally_signed_write. */
MUST_CHECK enum result checkpoint_rfc6962_body(uint64_t timestamp,
                                               const struct digitally_signed *sth, struct buf *out);

/*
 * A note_check_fn for signatures over checkpoints: KEY_RFC6962 (static-ct-api) and
 * KEY_COSIGNATURE_ED25519 (tlog-cosignature).  arg is NULL or a struct checkpoint_times: the newest
 * timestamp of each kind among the signatures that verified.  RES_SIGNATURE, also when text is no
 * checkpoint, or has extension lines under an RFC 6962 signature; errors of p256_verify.
 */
struct checkpoint_times {
    uint64_t rfc6962;     /* milliseconds since 1970; 0: none */
    uint64_t cosignature; /* seconds since 1970; 0: none */
};
MUST_CHECK enum result checkpoint_check(void *arg, const struct note_key *key, struct span text,
                                        struct span body);

/*
 * Opens the signed checkpoint of a log with two keys: keys[0] its RFC 6962 key, keys[1] its Ed25519
 * key. Both signatures must be there and verify; the origin must be keys[0].name; there may be no
 * extension line (static-ct-api).  *ret borrows from in; *ret_timestamp is the tree head's, in
 * milliseconds, the newest when the log signed it more than once.  Signatures by others are
 * ignored. RES_NOTE, RES_CHECKPOINT, RES_ORIGIN, RES_KEY_UNKNOWN, RES_SIGNATURE.
 */
MUST_CHECK enum result checkpoint_open_ct(struct span in, const struct note_key keys[static 2],
                                          struct checkpoint *ret, uint64_t *ret_timestamp);

#endif
