/*
 * How the certificates of a chain hang together: each is named and signed by the next, up to an
 * accepted root; and which root that is.
 *
 * What was decided where RFC 6962 leaves room stands in chain.h.  Private to log/accept.  Any
 * thread, as the roots and the cache of the work are.  Uses work, roots, issuer.
 */
#ifndef LOG_ACCEPT_LINKS_H
#define LOG_ACCEPT_LINKS_H

#include "log/accept/work.h"

/*
 * All that is seen without a key.  Requires w->cert and w->sha256 filled.  Sets root and root_given
 * when the last certificate is an accepted root.
 *
 *   RES_CHAIN_UNUSED            an issuer twice, or something after a root that ends a chain
 *   RES_CHAIN_ORDER             an issuer's name is not the next one's subject, byte for byte
 *   RES_CHAIN_ROOT_VERIFY_ONLY  the last certificate is a root that takes no submissions
 *   RES_CHAIN_ROOT              it is no accepted root, and none has its issuer's name
 *   RES_CHAIN_TOO_LONG          CHAIN_MAX certificates, and the root left out
 *   RES_CHAIN_CA                an issuer that is no CA
 */
MUST_CHECK enum result links_check(struct work *w);

/*
 * The signatures, from the root down: no key is decoded that no accepted root vouches for.
 * Requires links_check to have said RES_OK.  Sets root when it was left out; remembers in the cache
 * the CA certificates that verified.
 *
 *   RES_CHAIN_ROOT_VERIFY_ONLY     a root that takes no submissions has issued the last certificate
 *   RES_CHAIN_KEY                  an issuer's key is not on the list
 *   RES_CHAIN_SIGNATURE            one does not verify
 *   RES_CHAIN_SIGNATURE_ALGORITHM  one is made in a way that is not on the list or not the key's
 *   RES_MEMORY, RES_CRYPTO         *w->refusal says nothing
 */
MUST_CHECK enum result links_verify(struct work *w);

#endif
