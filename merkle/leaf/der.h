/*
 * Strict DER, X.690 sections 8 and 10: one definite, minimal length for each element, nothing left
 * over. Private to merkle/leaf.
 *
 * A walker goes over the elements of one constructed value; all walkers of one parse share one
 * error, which the caller owns and asks once.  After the first error every take returns an empty
 * element and every walker is at its end, so that a parser reads like the ASN.1 module.
 *
 * Known limits, on purpose: tag numbers above 30 are refused (no certificate has them), lengths
 * above four bytes too. Pure; no allocation.  Uses result, span.
 */
#ifndef MERKLE_LEAF_DER_H
#define MERKLE_LEAF_DER_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* Identifier octets, constructed bit included. */
#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_OID 0x06
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
/* Context-specific [n], primitive and constructed. */
#define DER_CONTEXT(n) (0x80u | (n))
#define DER_CONTEXT_CONSTRUCTED(n) (0xa0u | (n))

/* The content of an OBJECT IDENTIFIER, from its octets: initialises a struct span of static bytes.
 */
#define DER_OID_CONTENT(...)                                                             \
    {                                                                                    \
        .p = (const uint8_t[]){__VA_ARGS__}, .n = sizeof((const uint8_t[]){__VA_ARGS__}) \
    }

/* Constructed values inside one another in one element; a Name has three, RSASSA-PSS parameters
 * five. */
#define DER_DEPTH_MAX 16
/* Longest header der_header writes: tag, length of length, three bytes. */
#define DER_HEADER_MAX 5

struct der {
    const uint8_t *p;
    const uint8_t *end;
    enum result *err; /* borrowed, shared by all walkers of one parse */
};

struct der_element {
    unsigned tag; /* 0: none */
    struct span content;
    struct span whole; /* tag and length included */
};

/* A walker over the elements in s.  *err must be RES_OK or the first error so far. */
struct der der_of(struct span s, enum result *err);

/* Makes err the parse's error unless it has one. */
void der_fail(const struct der *d, enum result err);

/* Whether an element follows and nothing has failed. */
bool der_more(const struct der *d);

/* Whether the next element has that tag; false at the end or after an error. */
bool der_next_is(const struct der *d, unsigned tag);

/* The next element, whatever it is; its content is not looked at.  RES_DER at the end, for a length
 * that is not minimal, indefinite or past the end, and for a tag that cannot be. */
struct der_element der_any(struct der *d);

/* The next element, which must have that tag.  RES_DER. */
struct der_element der_take(struct der *d, unsigned tag);

/* A walker over the content of the next element, which must have that tag.  RES_DER. */
struct der der_enter(struct der *d, unsigned tag);

/* Ends a walk: RES_DER when elements are left. */
void der_leave(const struct der *d);

/* Requires every element inside e, at every depth, to be well-formed.  RES_DER; RES_TOO_LARGE
 * beyond DER_DEPTH_MAX. */
void der_check_inside(const struct der *d, struct der_element e);

/* The next element's content, which must be a non-empty OBJECT IDENTIFIER in minimal form. */
struct span der_oid(struct der *d);

/* The next element's content, which must be an INTEGER in minimal form; of any sign and length. */
struct span der_integer(struct der *d);

/* The next element, which must be BOOLEAN, 00 or ff. */
bool der_boolean(struct der *d);

/* The bytes of the next element, a BIT STRING under that tag (DER_BIT_STRING, or another where it
 * is IMPLICIT); its count of unused bits to *ret_unused, which are zero. */
struct span der_bit_string(struct der *d, uint8_t tag, unsigned *ret_unused);

/*
 * The next element, a UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 writes it (seconds,
 * "Z", no fraction), in seconds since 1970.  RES_CERT_TIME.  Which of the two stands for which year
 * is not checked: a GeneralizedTime before 2050 breaks a rule for CAs, not DER, and a log records
 * what was issued.
 */
int64_t der_time(struct der *d);

/* Length of the header of an element with n bytes of content. */
size_t der_header_size(size_t n);

/* Writes that header to out, returns its length.  Requires n < 2^24. */
size_t der_header(unsigned tag, size_t n, uint8_t out[static DER_HEADER_MAX]);

#endif
