/*
 * Certificates in PEM text: RFC 7468, strict inside the blocks, free between them.
 *
 * Text outside of blocks is a comment.  A block is a BEGIN line, lines of base64, an END line;
 * white space at the end of a line and CR LF are taken. Pure but for the buffer's memory.  Uses
 * text, buf.
 */
#ifndef MERKLE_BASE_PEM_H
#define MERKLE_BASE_PEM_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"

/* What a block of another kind is: in a file of roots a private key or a CRL is a mistake that
 * should be heard of, in a user's file beside a chain it is not. */
enum pem_others { PEM_OTHERS_REFUSED, PEM_OTHERS_PASSED };

struct pem {
    struct span rest; /* what is still to be read */
    size_t line;      /* of rest's first byte, from 1 */
    size_t begin;     /* line of the BEGIN of the newest block */
    enum pem_others others;
};

/* A reader over text, borrowed. */
struct pem pem_of(struct span text, enum pem_others others);

/*
 * The next certificate: clears *out and puts its bytes there.  RES_ABSENT at the end of the text;
 * RES_ENCODING for a block that is refused, empty, without its END, or not base64; RES_TOO_LARGE
 * over out's ceiling; RES_MEMORY.
 */
MUST_CHECK enum result pem_next(struct pem *p, struct buf *out);

#endif
