/*
 * Checkpoints: C2SP tlog-checkpoint; with the signature of an RFC 6962 log, static-ct-api "Checkpoints".
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

/* Reads a checkpoint's text (a note's text).  RES_CHECKPOINT. */
MUST_CHECK enum result checkpoint_parse(struct span text, struct checkpoint *ret);

/* Appends origin, size and root, a line each. */
MUST_CHECK enum result checkpoint_write(const char *origin, uint64_t size, const struct hash *root,
                                        struct buf *out);

/* Appends the body of a note signature of type 0x05: uint64 timestamp, DigitallySigned. */
MUST_CHECK enum result checkpoint_rfc6962_body(uint64_t timestamp,
                                               const struct digitally_signed *sth, struct buf *out);

/*
 * Opens the signed checkpoint of a log with two keys: keys[0] its RFC 6962 key, keys[1] its Ed25519 key.
 * Both signatures must be there and verify; the origin must be keys[0].name; there may be no extension line
 * (static-ct-api).  *ret borrows from in; *ret_timestamp is the tree head's, in milliseconds.
 * RES_NOTE, RES_CHECKPOINT, RES_ORIGIN, RES_KEY_UNKNOWN, RES_SIGNATURE.
 */
MUST_CHECK enum result checkpoint_open_ct(struct span in, const struct note_key keys[static 2],
                                          struct checkpoint *ret, uint64_t *ret_timestamp);

#endif
