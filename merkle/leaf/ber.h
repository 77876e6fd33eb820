/*
 * What a lenient reader sees: elements as X.690 section 8 (BER) allows them, and beyond.
 *
 * der.h decides what a certificate is.  This decides what a program less strict would take from an
 * extension whose inside the log does not judge: lengths and tags with too many octets, indefinite
 * lengths, strings in pieces.  An address that such a program finds must be found here too, or a
 * certificate would work somewhere unseen by the address' owner.
 *
 * A walk ends where nothing more can be read, without an error: what stands before a breakage has
 * been seen.  Whatever der.h accepts reads the same here.
 *
 * Known limits, on purpose: indefinite lengths inside one another beyond BER_DEPTH_MAX and strings
 * in pieces of pieces beyond BER_PIECES_MAX end the walk; so do they in the readers this follows.
 * Private to merkle/leaf. Pure; allocates only through the caller's buf.  Uses buf, result, span.
 */
#ifndef MERKLE_LEAF_BER_H
#define MERKLE_LEAF_BER_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* Indefinite lengths inside one another. */
#define BER_DEPTH_MAX 16
/* A string in pieces, each in pieces again; libcrypto stops at five. */
#define BER_PIECES_MAX 5

struct ber_element {
    unsigned tag;        /* identifier octet; a number that one octet does not hold is 31 */
    struct span content; /* without the end-of-contents octets of an indefinite length */
};

/* Takes the next element off the front of *rest.  False, and *rest empty, when there is none: at
 * the end, at end-of-contents octets, and where a header cannot be read or its content is not
 * there. */
bool ber_next(struct span *rest, struct ber_element *ret);

/* Whether the element is constructed. */
static inline bool
ber_constructed(struct ber_element e)
{
    return (e.tag & 0x20) != 0;
}

/* Whether the element has that tag, whether or not it is constructed: libcrypto does not look at
 * that bit of a SEQUENCE OF. */
static inline bool
ber_is(struct ber_element e, unsigned tag)
{
    return ((e.tag ^ tag) & ~0x20u) == 0;
}

/* As ber_next, for an element that must be one of that tag (ber_is): false, and *rest as it was,
 * when the next is not. */
bool ber_take(struct span *rest, unsigned tag, struct ber_element *ret);

/*
 * The octets of a string: *ret borrows from the element when it is in one piece; otherwise the
 * pieces are put together in *pieces, which is emptied first, and *ret borrows from that.
 *
 * RES_TOO_LARGE over the ceiling of *pieces or beyond BER_PIECES_MAX; RES_MEMORY.
 */
MUST_CHECK enum result ber_string(struct ber_element e, struct buf *pieces, struct span *ret);

#endif
