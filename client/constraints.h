/*
 * Name constraints on an address, RFC 5280 section 4.2.1.10 and RFC 9598 section 6, in the one form
 * that addresses have.
 *
 * libcrypto compares the octets of a name with those of a constraint.  Mail goes by what they mean:
 * "good.example." is good.example, and so is a domain in full-width letters; Alice is alice to a
 * reader that folds.  So a name that libcrypto finds to be none of the excluded ones may be one all
 * the same.  This looks at the form under which a certificate is found.  It refuses more, never
 * less: libcrypto's own check comes first.
 *
 * Private to client/path.  Pure but for memory.  Uses libcrypto, merkle/leaf.
 */
#ifndef CLIENT_CONSTRAINTS_H
#define CLIENT_CONSTRAINTS_H

#include <openssl/x509.h>

#include "merkle/leaf/address.h"

/*
 * Whether the CA may issue for the address, as far as its constraints on mail addresses go.  An
 * excluded name that cannot be read excludes everything, a permitted one nothing more; constraints
 * on SmtpUTF8Mailbox, which RFC 9598 does not define, exclude everything.  RES_MEMORY.
 */
MUST_CHECK enum result constraints_allow(const X509 *ca, const struct address *a, bool *ret);

#endif
