/*
 * The mailboxes that a certificate names: every one that any mail program in use would read from
 * it.
 *
 * A certificate that works in somebody's mail program for alice must be found by alice.  Programs
 * look in different places and are lax in different ways, so this takes the union:
 *
 *     subjectAltName   rfc822Name; SmtpUTF8Mailbox (RFC 9598); in a directoryName as in the subject
 *     subject          emailAddress (PKCS #9), mail (0.9.2342.19200300.100.1.3), and a commonName
 * that is exactly one address; every one of them, not the first
 *
 * with every string type (merkle/leaf/charset.h), and a subjectAltName also where it is only BER
 * (merkle/leaf/ber.h), since the log takes a certificate whatever stands inside that extension. Not
 * read: user principal names, URIs, names of the issuer; no program finds a recipient by them.
 *
 * What is no address (address_parse says why) names nobody.  The certificate is logged all the
 * same.
 *
 * How many.  There is no limit but the certificate's: whoever could put alice behind the last
 * mailbox that is counted could hide from her, and who refused the certificate would not record
 * that it exists. So nothing is cut, ever; a certificate of CERT_MAX octets names MAILBOXES_MAX
 * mailboxes at most, which is a bound on memory and time and never an answer.  Who fears the work
 * that one certificate makes lets its submitter wait: later, not less.
 *
 * Pure.  Uses cert, address, ber, charset, buf.
 */
#ifndef MERKLE_LEAF_MAILBOXES_H
#define MERKLE_LEAF_MAILBOXES_H

#include "merkle/base/buf.h"
#include "merkle/leaf/address.h"
#include "merkle/leaf/cert.h"

/* Mailboxes in one certificate, from its size: two for each name, by its two readings, of six
 * octets at least ("ü@b" and its header). */
#define MAILBOXES_MAX 87381
_Static_assert(MAILBOXES_MAX == CERT_MAX / 3, "the bound follows from the certificate's");

/* Where a mailbox stands; the smaller number is the stronger source. */
enum mailbox_source {
    MAILBOX_SAN_RFC822 = 1,    /* subjectAltName rfc822Name, ASCII */
    MAILBOX_SAN_SMTPUTF8 = 2,  /* subjectAltName SmtpUTF8Mailbox, a UTF8String */
    MAILBOX_SUBJECT_EMAIL = 3, /* subject emailAddress */
    /* Anywhere else; and anywhere, when not every program reads it so: out of a subjectAltName that
     * is not DER, out of a string on which readers do not agree (charset_agreed), or spelt longer
     * than ADDRESS_MAX. */
    MAILBOX_OTHER = 4
};

struct mailbox {
    enum mailbox_source source;
    struct span address; /* in the form of address_parse */
    struct span domain;  /* the part of address behind its last '@' */
    /* As it stands in the certificate, in UTF-8, 1 to ADDRESS_MAX octets; where it is spelt longer,
     * the same as address. */
    struct span certified;
};

struct mailboxes {
    /* Owned; each address once, by source, then in the order of the certificate. */
    struct mailbox *list;
    size_t n;
    /* Texts that are no addresses, in places for addresses; readings count one by one, and a
     * commonName is no such place. */
    size_t refused;
    enum result why;  /* of the first, RES_OK when there is none */
    struct buf bytes; /* owned; what the spans in list borrow from */
};

/* Owns nothing; what mailboxes_release leaves. */
#define MAILBOXES_INIT ((struct mailboxes){.list = NULL})

/*
 * The mailboxes in c.  An address that stands in several places is told once, with its strongest
 * source and as it is certified there; of equal ones the first.  *ret is written only on success;
 * release it. The spans do not borrow from the certificate.
 *
 * RES_MEMORY.
 */
MUST_CHECK enum result mailboxes_of(const struct cert *c, struct mailboxes *ret);

/* Frees what *m owns; *m is then MAILBOXES_INIT.  Does nothing to that. */
void mailboxes_release(struct mailboxes *m);

#endif
