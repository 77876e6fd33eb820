/*
 * A mail domain in the one form that labels hold: letters, digits and hyphens in lower case,
 * without a final dot; RFC 5321 section 4.1.2, RFC 5890 section 2.3.2.1, UTS 46.
 *
 * What is ASCII is DNS's own and goes through as it stands, lower-cased: also a label that begins
 * with "xn--", whatever it decodes to, and one with hyphens in its third and fourth place.
 * Resolvers ask for those octets and no others, so there is nothing to merge; and the form does not
 * change with the Unicode version of a library.  Only a label with other characters is mapped: UTS
 * 46, non-transitional (so that "straße" and "strasse" stay two), validity by IDNA2008 as libidn2
 * has it.  Which labels those are depends on its tables; what it does not know has no form, and a
 * certificate can still say the A-label.
 *
 * The only place that knows <idn2.h>.  Never IDN2_USE_STD3_ASCII_RULES: it deletes the characters
 * that it does not allow, and "a_b" would become the "ab" of somebody else.  Without it they come
 * back unchanged, and so do empty labels; hence the check at the end, on what comes out.
 *
 * Pure; what libidn2 allocates is freed before return.  Uses result, span, text.
 */
#ifndef MERKLE_LEAF_DOMAIN_H
#define MERKLE_LEAF_DOMAIN_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* Longest domain, RFC 1035 section 2.3.4 without the length of the root. */
#define DOMAIN_MAX 253
/* Longest label of a domain, RFC 1035 section 2.3.4. */
#define DOMAIN_LABEL_MAX 63
/* Longest spelling that is looked at: sixteen times the longest domain.  A longer one is padded
 * with characters that UTS 46 drops. */
#define DOMAIN_TEXT_MAX 4048

struct domain {
    uint8_t b[DOMAIN_MAX];
    size_t n; /* 1 to DOMAIN_MAX on success */
};

/*
 * Reads a domain; labels may be separated by any of the full stops of UTS 46 section 2.3 (U+002E,
 * U+3002, U+FF0E, U+FF61), and one may stand at the end.  *ret is written only on success.
 *
 *   RES_ADDRESS_CONTROL    a control character, NUL too
 *   RES_ADDRESS_DOMAIN     not UTF-8; or it comes out with another character than a letter, a digit
 *                          or a hyphen, with a hyphen at an end of a label, or with an empty label
 *                          or one above 63
 *   RES_ADDRESS_IDN        a label with other characters than ASCII has no A-label
 *   RES_ADDRESS_TOO_LONG   it comes out longer than DOMAIN_MAX, or is spelt longer than
 *                          DOMAIN_TEXT_MAX
 *   RES_MEMORY
 */
MUST_CHECK enum result domain_parse(struct span text, struct domain *ret);

static inline struct span
domain_span(const struct domain *d)
{
    return span_of(d->b, d->n);
}

#endif
