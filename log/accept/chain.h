/*
 * Take a chain or refuse it: RFC 6962 sections 3.1, 4.1 and 4.2, with the S/MIME profile of this
 * log.
 *
 * Checked: every certificate is used, in order, to an accepted root (which may be left out);
 * signatures; issuer names byte for byte; CA flags; the leaf's extended key usage; the window of
 * its notAfter.  Not checked on purpose: dates otherwise, name constraints, path length, unknown
 * critical extensions: a log shows what was issued; what may be used is decided later, by whoever
 * relies on it.
 *
 * Decided here, where RFC 6962 leaves room:
 *
 * The chain begins with any certificate, also that of a CA: section 4.1 says "end-entity", section
 * 3.1 lets any certificate be logged, and a CA certificate that may sign mail is worth showing. The
 * extended key usage rule decides.  A self-signed root may stand as the first one, and is then its
 * own issuer.
 *
 * The last certificate is an accepted root, the same bytes, or is issued by one, which is then
 * appended.  If several accepted roots have the name of its issuer, the one whose key verifies is
 * meant.
 *
 * After an accepted root that is self-issued nothing may follow, and no issuer may stand twice
 * (other logs trim such repetitions; a chain has one form here).  An accepted root that another CA
 * has issued, such as a cross-certificate, may be followed by its issuers.
 *
 * An issuer's basicConstraints must say cA; its keyUsage is not looked at.  An accepted root may
 * lack basicConstraints, as roots of version 1 do.
 *
 * A precertificate signing certificate (section 3.1) may only stand directly above a
 * precertificate, with the issuer of the final certificate directly above it; issuer_key_hash is
 * that issuer's.
 *
 * Pure but for memory and the caches handed in; any thread.  Uses roots, issuer, merkle/leaf.
 */
#ifndef LOG_ACCEPT_CHAIN_H
#define LOG_ACCEPT_CHAIN_H

#include "log/accept/issuer_cache.h"
#include "log/accept/roots.h"
#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/leaf/datatile.h"
#include "merkle/leaf/entry.h"

/* Certificates in a chain, the root included also where it was left out; real ones have 2 to 5. */
#define CHAIN_MAX 10
#define CHAIN_EKUS_MAX 16
#define CHAIN_DETAIL_MAX 256

struct chain_policy {
    struct span
        eku[CHAIN_EKUS_MAX]; /* contents of OIDs, any one suffices; emailProtection by default */
    size_t eku_count;
    bool allow_any_eku; /* anyExtendedKeyUsage suffices too */
    bool allow_no_eku;  /* a leaf without the extension passes */
    int64_t
        not_after_start; /* seconds; the leaf's notAfter must be >= this; INT64_MIN: no window */
    int64_t not_after_limit; /* and < this; INT64_MAX: no window */
};

/* What a taken chain is: spans borrow from the input chain and from tbs. */
struct chain {
    struct entry entry;            /* x509: the leaf; precert: the TBS and the issuer key hash */
    struct span precertificate;    /* precert only: as submitted */
    struct hash key;               /* entry_key(entry) */
    size_t issuer_count;           /* issuers, the accepted root last */
    struct span issuer[CHAIN_MAX]; /* DER; the root's is borrowed from the roots set */
    struct hash issuer_sha256[CHAIN_MAX];
    struct hash issuing_key; /* SHA-256 of the (final) issuer's SPKI: who submitted, for fairness
                                and counts */
    struct buf tbs;          /* owned; precert only */
};

/* Why a chain was refused, for the one who sent it: may name addresses, so it goes nowhere else. */
struct chain_refusal {
    enum result why;
    char detail[CHAIN_DETAIL_MAX]; /* a sentence in ASCII: which certificate (0 is the leaf), what
                                      was found */
};

#define CHAIN_INIT ((struct chain){.tbs = BUF_INIT(CERT_MAX)})

/*
 * Takes the chain of n DER certificates, leaf first, as an entry of that type, or refuses it.
 * Refusals (class INPUT): see merkle/base/result.h, "certificates" and "chain admission"; *refusal
 * is then filled. RES_MEMORY, RES_CRYPTO otherwise.  *ret is written only on success; release with
 * chain_release.
 */
MUST_CHECK enum result chain_accept(const struct chain_policy *policy, const struct roots *roots,
                                    struct issuer_cache *cache, enum entry_type type,
                                    const struct span *certs, size_t n, struct chain *ret,
                                    struct chain_refusal *refusal);
void chain_release(struct chain *c);

#endif
