/*
 * Signed notes: C2SP signed-note.
 *
 * Pure but for the buffers' memory.  Uses key, text, buf, result.
 */
#ifndef MERKLE_NOTE_NOTE_H
#define MERKLE_NOTE_NOTE_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/note/key.h"

/* Largest note read; signatures read from it (the text asks for at least 16). */
#define NOTE_MAX (1024 * 1024)
#define NOTE_SIGNATURES_MAX 100
/* Longest decoded signature body: an ML-DSA-44 cosignature is 2,428 bytes. */
#define NOTE_SIGNATURE_MAX 8192

struct note_signature {
    struct span name; /* borrowed */
    uint32_t id;
    struct span base64; /* the line's third field, borrowed */
};

struct note {
    struct span text; /* with its final newline */
    struct note_signature signature[NOTE_SIGNATURES_MAX];
    size_t count;
};

/*
 * Splits a note at its last blank line and reads the signature lines; verifies nothing.
 * RES_NOTE when malformed (control bytes, UTF-8, line form), RES_TOO_LARGE beyond the limits.
 */
MUST_CHECK enum result note_parse(struct span in, struct note *ret);

/* Decodes signature i's body after the 4-byte key id into out (cleared first).  RES_NOTE; errors of
 * buf_reserve.  Requires i < n->count. */
MUST_CHECK enum result note_signature_body(const struct note *n, size_t i, struct buf *out);

/*
 * Verifies every signature whose name and id match one of the keys (the first that matches).
 * Ed25519 keys sign the text; other types are handed to check (NULL: they count as unknown), which
 * returns RES_OK, RES_SIGNATURE, or a result of class BROKEN, which ends the verification.  An RFC
 * 6962 key without its p256 counts as unknown too.  A key that signed twice must have signed well
 * twice. RES_SIGNATURE when a known key's signature fails, RES_KEY_UNKNOWN when none is by a known
 * key. verified[k], when not NULL, says whether keys[k] signed; written only on success.
 */
typedef enum result note_check_fn(void *arg, const struct note_key *key, struct span text,
                                  struct span body);
MUST_CHECK enum result note_verify(const struct note *n, const struct note_key *keys,
                                   size_t key_count, note_check_fn *check, void *arg,
                                   bool *verified);

/* Appends one signature line: em dash, name, base64(id || body).  The body is a signature made
 * elsewhere. RES_VALUE when body is empty or longer than NOTE_SIGNATURE_MAX; errors of buf_reserve;
 * *out as it was on failure.  Requires a name that note_key_name_ok allows. */
MUST_CHECK enum result note_signature_line(const char *name, uint32_t id, struct span body,
                                           struct buf *out);

#endif
