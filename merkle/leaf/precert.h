/*
 * From certificate or precertificate to the TBSCertificate that an SCT covers: RFC 6962
 * sections 3.1 to 3.3.
 *
 * Splices the original bytes: every element is copied as it stands, exactly one extension is
 * dropped, and the three lengths around it are written anew.  Nothing is decoded and encoded again.
 * Pure but for the buffer's memory.  Uses cert, hash, buf, codec, result.
 */
#ifndef MERKLE_LEAF_PRECERT_H
#define MERKLE_LEAF_PRECERT_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"
#include "merkle/leaf/cert.h"
#include "merkle/tree/hash.h"

/* Whether c has an extension with the poison's OID, well-formed or not. */
bool precert_is(const struct cert *c);

/* RES_OK when the poison is there, critical, and NULL (05 00); RES_CERT_POISON otherwise. */
MUST_CHECK enum result precert_check_poison(const struct cert *c);

/* Whether c is a Precertificate Signing Certificate: a CA with the extended key usage of RFC
 * 6962 3.1. */
bool precert_is_signer(const struct cert *c);

/*
 * Appends to out the TBSCertificate of precertificate pre without its poison.  When signer is not
 * NULL it is the Precertificate Signing Certificate that issued pre: the issuer becomes the
 * signer's issuer, and pre's authority key identifier, if any, becomes the signer's.
 * RES_CERT_POISON; RES_CERT_AKI when only one of pre and signer has that extension.
 */
MUST_CHECK enum result precert_tbs(const struct cert *pre, const struct cert *signer,
                                   struct buf *out);

/*
 * Appends to out the TBSCertificate of the final certificate c without its SCT list extension: what
 * the embedded SCTs cover.  RES_CERT_SCT_LIST when it has none.
 */
MUST_CHECK enum result precert_final_tbs(const struct cert *c, struct buf *out);

/* The embedded SignedCertificateTimestampList of c (inside its OCTET STRING), borrowed.
 * RES_ABSENT when there is none, RES_CERT_SCT_LIST when it is malformed. */
MUST_CHECK enum result precert_embedded_scts(const struct cert *c, struct span *ret);

/* SHA-256 of the SubjectPublicKeyInfo of the (final) issuer, RFC 6962 section 3.2. */
void precert_issuer_key_hash(const struct cert *issuer, struct hash *ret);

#endif
