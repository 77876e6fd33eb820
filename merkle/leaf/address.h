/*
 * One mailbox, one label: the form of an address under which everybody looks for it.
 *
 * The log, the client and the owner of a mailbox must write it with the same octets, or one of them
 * looks in the wrong place.  So there is one form, and this is the only code that makes it:
 *
 * - split at the "@" outside quotes; two of them are two addresses, or none;
 * - the local part without quotes and backslashes; ASCII letters in lower case; other characters as
 * they are, not normalised.  Where it is a dot-atom (RFC 5321 section 4.1.2, with the characters of
 * RFC 6531) it stands bare, otherwise in quotes with a backslash before '"' and '\' and nowhere
 * else;
 * - the domain as merkle/leaf/domain.h has it.
 *
 * Plus signs and dots mean what the receiving domain makes of them (RFC 5321 section 2.3.11); they
 * stay. Upper and lower case are one label on purpose, though the standard lets a domain tell them
 * apart: mail clients fold before they ask, and "Alice@" must not be certified unseen by alice. Who
 * offers a certificate for use compares the address as certified.
 *
 * Laxer than RFC 5321 in three places, because mail flows there and clients read it: a local part
 * may be longer than 64 octets; without quotes it may begin or end with a dot or have two together
 * (its form has quotes then); a domain may end with a dot.  Nothing else of RFC 5322 is read: no
 * comments, no white space, no display names, no obsolete forms.
 *
 * Pure.  Uses result, span, text, domain.
 */
#ifndef MERKLE_LEAF_ADDRESS_H
#define MERKLE_LEAF_ADDRESS_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/leaf/domain.h"

/* Longest address, RFC 5321 section 4.5.3.1.3: a path of 256 octets without its brackets. */
#define ADDRESS_MAX 254
/* Longest spelling of an address that is looked at: sixteen times the longest address, which leaves
 * room for a backslash before each character and for a domain in its own script. */
#define ADDRESS_TEXT_MAX 4064
/* Longest label: one octet for its kind, then an address. */
#define LABEL_MAX 255

/* The first octet of a label. */
enum label_kind { LABEL_MAILBOX = 1, LABEL_DOMAIN = 2 };

struct address {
    uint8_t b[ADDRESS_MAX];
    size_t n;
    size_t domain; /* where the domain begins, behind the '@' */
};

struct label {
    uint8_t b[LABEL_MAX];
    size_t n;
};

/*
 * Reads an address in UTF-8, however it is spelt, into the one form.  *ret is written only on
 * success. Reading what comes out gives the same again.
 *
 * The first that applies, in this order; a text for which one does is no identity.
 *   RES_ADDRESS_TOO_LONG   the text is longer than ADDRESS_TEXT_MAX
 *   RES_ADDRESS_ENCODING   not UTF-8
 *   RES_ADDRESS_CONTROL    a control character anywhere: U+0000 to U+001F, U+007F to U+009F
 *   RES_ADDRESS_QUOTES     a quote is not closed
 *   RES_ADDRESS_SHAPE      no "@" outside quotes, or nothing before or behind it
 *   RES_ADDRESS_SEVERAL    more than one "@" outside quotes
 *   RES_ADDRESS_LITERAL    the domain begins with "["
 *   RES_ADDRESS_QUOTES,    quotes around a part of the local part only; or a character outside
 *   RES_ADDRESS_LOCAL      quotes that may stand only in them, a backslash before something else
 * than printable ASCII: whichever stands first RES_ADDRESS_DOMAIN, RES_ADDRESS_IDN,
 * RES_ADDRESS_TOO_LONG   of domain_parse RES_ADDRESS_TOO_LONG   the form is longer than ADDRESS_MAX
 *   RES_MEMORY
 */
MUST_CHECK enum result address_parse(struct span text, struct address *ret);

static inline struct span
address_span(const struct address *a)
{
    return span_of(a->b, a->n);
}

static inline struct span
address_domain(const struct address *a)
{
    return span_of(a->b + a->domain, a->n - a->domain);
}

/* The label of a mailbox: LABEL_MAILBOX, then its address.  Requires a from address_parse. */
void label_of_address(const struct address *a, struct label *ret);

/* The label of a domain: LABEL_DOMAIN, then the domain.  Requires d from domain_parse. */
void label_of_domain(const struct domain *d, struct label *ret);

/* Whether s is a label that one of the two above writes.  RES_MEMORY is told as false. */
bool label_is(struct span s);

#endif
