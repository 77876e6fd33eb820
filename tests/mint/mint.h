/*
 * Keys and certificates made on demand, for tests: by libcrypto, from a description.
 *
 * Nothing here is read by the programs of the project.  Every function ends the process when
 * libcrypto fails: a test that cannot make its input has nothing to say.  Any thread.
 */
#ifndef TESTS_MINT_MINT_H
#define TESTS_MINT_MINT_H

#include "merkle/base/span.h"
#include <openssl/x509.h>

enum mint_kind {
    MINT_RSA_2048,
    MINT_RSA_3072,
    MINT_RSA_4096,
    MINT_P256,
    MINT_P384,
    MINT_P521,
    MINT_ED25519,
    MINT_ED448,
    MINT_KINDS,
    /* what no list of key types holds */
    MINT_RSA_1024 = MINT_KINDS,
    MINT_P224,
};

/* "rsa2048", "p256", "ed448" …, static. */
const char *mint_kind_name(enum mint_kind kind);

/* A new key; EVP_PKEY_free. */
EVP_PKEY *mint_key(enum mint_kind kind);

/* A type and a value: of an attribute ("CN", "O", "organizationIdentifier"), UTF-8, or of an
 * extension, as X509V3_EXT_nconf takes them ("basicConstraints", "critical,CA:TRUE"; an OID and
 * "DER:05:00"). */
struct mint_pair {
    const char *type;
    const char *value;
};
#define MINT_PAIRS_MAX 16

/* What is asked for.  Zero is a default everywhere but where it says so. */
struct mint_spec {
    const X509 *issuer;                       /* its subject and SKI are used; NULL: self-issued */
    EVP_PKEY *issuer_key;                     /* signs; NULL: key does */
    EVP_PKEY *key;                            /* required; borrowed, as all of these */
    struct mint_pair subject[MINT_PAIRS_MAX]; /* up to the first without a type */
    struct mint_pair extension[MINT_PAIRS_MAX]; /* likewise */
    uint64_t serial;    /* hashed, so that serial numbers look as they do elsewhere */
    int64_t not_before; /* seconds; default 2026-01-01 */
    int64_t not_after;  /* default 2028-01-01 */
    const char *hash;   /* "SHA1", "SHA256" …; default SHA-256, for EdDSA none */
    bool pss;           /* RSASSA-PSS with salt as long as the hash */
    const char *mgf;    /* PSS: the hash of MGF1; default the same */
    bool version1;      /* no extensions, version 1 */
};

/* A certificate; X509_free. */
X509 *mint_cert(const struct mint_spec *spec);

/* Its DER; free(ret.p) by mint_free. */
struct span mint_der(const X509 *x);
void mint_free(struct span der);

/* Extensions of a CA certificate: basicConstraints, keyUsage, subject and authority key
 * identifiers. */
void mint_ca_extensions(struct mint_pair ext[static MINT_PAIRS_MAX]);

/* A self-signed CA certificate with that common name, and one under it. */
X509 *mint_root(const char *cn, EVP_PKEY *key);
X509 *mint_ca(const char *cn, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key);

/* A Precertificate Signing Certificate, RFC 6962 section 3.1. */
X509 *mint_precert_signer(const char *cn, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key);

/* A certificate for mail with that address; a precertificate with the poison. */
X509 *mint_leaf(const char *address, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key);
X509 *mint_precert(const char *address, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key);

/* The poison extension of RFC 6962 section 3.1, and the key purpose of section 3.1, as text. */
#define MINT_POISON "1.3.6.1.4.1.11129.2.4.3"
#define MINT_POISON_VALUE "critical,DER:05:00"
#define MINT_PRECERT_SIGNING "1.3.6.1.4.1.11129.2.4.4"

#endif
