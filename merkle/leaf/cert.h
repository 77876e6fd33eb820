/*
 * A certificate, read once and strictly: RFC 5280 section 4.1 in X.690 DER.
 *
 * Strict where bytes must be exact: every length minimal, nothing left over, each extension once,
 * names and algorithm parameters well-formed at every depth, dates in the form of 4.1.2.5.
 *
 * Lax where a log must be, since it records what was issued.  These pass:
 * - unknown algorithms, different ones inside and outside, unknown critical extensions, any dates;
 * - negative, zero and long serials, empty names, any alphabet in strings;
 * - DEFAULT values written out (version v1, critical FALSE, cA FALSE), which X.690 11.5 forbids;
 * - GeneralizedTime before 2050, which is a rule for CAs;
 * - keyUsage without a bit or with trailing zero bits, any path length from 0;
 * - anything inside extensions other than basicConstraints, keyUsage and extKeyUsage.
 *
 * All spans are borrowed from the input.  Pure; no allocation.  Uses span, result.
 */
#ifndef MERKLE_LEAF_CERT_H
#define MERKLE_LEAF_CERT_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

/* Largest certificate: ASN.1Cert is opaque<1..2^24-1>, but those with S/MIME have 1 to 3 KiB, and a
 * body of 512 KiB holds one of this size in base64 with its chain. */
#define CERT_MAX (256 * 1024)
/* Extensions in one certificate. */
#define CERT_EXTENSIONS_MAX 64
/* Key purposes in one extended key usage extension. */
#define CERT_EKUS_MAX 32

/* keyUsage bits, RFC 5280 section 4.2.1.3: bit 0 (digitalSignature) is 1 << 0. */
#define CERT_KU_DIGITAL_SIGNATURE (1u << 0)
#define CERT_KU_KEY_CERT_SIGN (1u << 5)
#define CERT_KU_CRL_SIGN (1u << 6)

struct cert_extension {
    struct span whole; /* the Extension SEQUENCE, tag and length included */
    struct span oid;   /* content of the OBJECT IDENTIFIER */
    struct span value; /* content of the OCTET STRING */
    bool critical;
};

struct cert {
    struct span der;           /* the whole certificate */
    struct span tbs;           /* TBSCertificate, tag and length included */
    unsigned version;          /* 1, 2 or 3 */
    struct span serial;        /* content of the INTEGER, as it stands */
    struct span tbs_algorithm; /* AlgorithmIdentifier inside the TBS, whole */
    struct span issuer;        /* Name, whole */
    int64_t not_before;        /* seconds since 1970, UTC */
    int64_t not_after;
    struct span subject;        /* Name, whole */
    struct span spki;           /* SubjectPublicKeyInfo, whole */
    struct span spki_algorithm; /* its AlgorithmIdentifier, whole */
    struct span algorithm;      /* outer AlgorithmIdentifier, whole */
    struct span signature;      /* content of the BIT STRING after its zero "unused bits" byte */
    struct span extensions;     /* the [3] element, whole; empty when there is none */
    struct cert_extension extension[CERT_EXTENSIONS_MAX];
    size_t extension_count;
    bool has_basic_constraints;
    bool is_ca; /* basicConstraints cA TRUE */
    bool has_key_usage;
    unsigned key_usage; /* CERT_KU_* */
    bool has_eku;
    struct span eku[CERT_EKUS_MAX]; /* contents of the OBJECT IDENTIFIERs */
    size_t eku_count;
};

/* Contents of OBJECT IDENTIFIERs that this project knows. */
extern const struct span CERT_OID_POISON;           /* 1.3.6.1.4.1.11129.2.4.3 */
extern const struct span CERT_OID_SCT_LIST;         /* 1.3.6.1.4.1.11129.2.4.2 */
extern const struct span CERT_OID_PRECERT_SIGNING;  /* 1.3.6.1.4.1.11129.2.4.4 */
extern const struct span CERT_OID_EMAIL_PROTECTION; /* 1.3.6.1.5.5.7.3.4 */
extern const struct span CERT_OID_ANY_EKU;          /* 2.5.29.37.0 */
extern const struct span CERT_OID_AKI;              /* 2.5.29.35 */

/*
 * Reads the certificate der, all of it.  *ret is written only on success.
 *
 * RES_DER for a length that is not minimal, indefinite, or past the end, for a wrong tag or bytes
 * left over, for an INTEGER, OBJECT IDENTIFIER, BOOLEAN or BIT STRING that is not DER.
 * RES_CERT for a structure that RFC 5280 does not allow: a version above 3, extensions below
 * version 3, an empty [3], a unique identifier in version 1, a signature that does not end on a
 * byte, a malformed basicConstraints, keyUsage or extKeyUsage.
 * RES_CERT_TIME; RES_CERT_DUPLICATE_EXTENSION; RES_TOO_LARGE beyond the limits above.
 */
MUST_CHECK enum result cert_parse(struct span der, struct cert *ret);

/* The extension with that OID, or NULL. */
const struct cert_extension *cert_find(const struct cert *c, struct span oid);

/* Whether the extended key usage names that purpose. */
bool cert_has_eku(const struct cert *c, struct span oid);

/* Reads a dotted OID ("1.3.6.1.5.5.7.3.4") into its DER content of at most cap bytes; returns the
 * length, 0 when the text is no OID or does not fit. */
size_t cert_oid_from_text(const char *text, uint8_t *out, size_t cap);

#endif
