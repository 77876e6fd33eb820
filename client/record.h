/*
 * Record files: "cartulary <kind> 1", lines "key value", and a last line with the SHA-256 of all
 * before it. Views and evidence are such files; the format is in FORMATS.md.
 *
 * Pure but for the buffers' memory.  Uses hash, text, buf, result.
 */
#ifndef CLIENT_RECORD_H
#define CLIENT_RECORD_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"

struct record {
    struct span rest; /* the lines not yet read, borrowed from the text */
};

/*
 * Checks form, kind and digest, and makes *ret stand before the first line after the heading.
 * RES_VALUE for another heading, RES_ENCODING for a line of another form or a digest that is
 * missing or not that of the bytes before it.
 */
MUST_CHECK enum result record_open(struct span text, const char *kind, struct record *ret);

/* Whether all lines before the digest were read. */
bool record_done(const struct record *r);

/* Whether the next line has that key. */
bool record_next_is(const struct record *r, const char *key);

/* The value of the next line, which must have that key; borrowed.  RES_ABSENT otherwise; *r
 * unchanged then. */
MUST_CHECK enum result record_text(struct record *r, const char *key, struct span *ret);

/* As record_text for base64, appended to out.  RES_ABSENT, RES_ENCODING, errors of buf_reserve. */
MUST_CHECK enum result record_base64(struct record *r, const char *key, struct buf *out);

/* RES_TRAILING unless record_done. */
MUST_CHECK enum result record_end(const struct record *r);

/* Writers: heading, lines, digest, appended to out, which must have been empty before the heading.
 */
MUST_CHECK enum result record_write_heading(const char *kind, struct buf *out);
MUST_CHECK enum result record_write_text(const char *key, struct span value, struct buf *out);
MUST_CHECK enum result record_write_base64(const char *key, struct span bytes, struct buf *out);
MUST_CHECK enum result record_write_digest(struct buf *out);

#endif
