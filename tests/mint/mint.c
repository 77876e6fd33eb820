#include "tests/mint/mint.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define Y2026 INT64_C(1767225600) /* 2026-01-01 */
#define Y2028 INT64_C(1830297600)

/* Ends the process unless ok. */
static void
need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "mint: %s\n", what);
        ERR_print_errors_fp(stderr);
        abort();
    }
}

static const struct {
    const char *name;
    const char *type;
    const char *curve;
    unsigned bits;
} KINDS[] = {
    [MINT_RSA_2048] = {"rsa2048", "RSA", NULL, 2048},
    [MINT_RSA_3072] = {"rsa3072", "RSA", NULL, 3072},
    [MINT_RSA_4096] = {"rsa4096", "RSA", NULL, 4096},
    [MINT_P256] = {"p256", "EC", "P-256", 0},
    [MINT_P384] = {"p384", "EC", "P-384", 0},
    [MINT_P521] = {"p521", "EC", "P-521", 0},
    [MINT_ED25519] = {"ed25519", "ED25519", NULL, 0},
    [MINT_ED448] = {"ed448", "ED448", NULL, 0},
    [MINT_RSA_1024] = {"rsa1024", "RSA", NULL, 1024},
    [MINT_P224] = {"p224", "EC", "P-224", 0},
};

const char *
mint_kind_name(enum mint_kind kind)
{
    return KINDS[kind].name;
}

EVP_PKEY *
mint_key(enum mint_kind kind)
{
    EVP_PKEY *key;

    if (KINDS[kind].bits != 0) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)KINDS[kind].bits);
    } else if (KINDS[kind].curve != NULL) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", KINDS[kind].curve);
    } else {
        key = EVP_PKEY_Q_keygen(NULL, NULL, KINDS[kind].type);
    }
    need(key != NULL, "no key");
    return key;
}

/* 16 bytes of SHA-256, the first one in [0x40, 0x7f]: positive, of constant length. */
static void
set_serial(X509 *x, uint64_t serial)
{
    uint8_t in[8], out[SHA256_DIGEST_LENGTH];
    BIGNUM *n;

    for (int i = 0; i < 8; i++) {
        in[i] = (uint8_t)(serial >> (8 * i));
    }
    SHA256(in, sizeof in, out);
    out[0] = (uint8_t)((out[0] & 0x3f) | 0x40);
    n = BN_bin2bn(out, 16, NULL);
    need(n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL, "no serial number");
    BN_free(n);
}

static void
set_subject(X509 *x, const struct mint_pair subject[static MINT_PAIRS_MAX])
{
    X509_NAME *name = X509_get_subject_name(x);

    for (size_t i = 0; i < MINT_PAIRS_MAX && subject[i].type != NULL; i++) {
        need(X509_NAME_add_entry_by_txt(name, subject[i].type, MBSTRING_UTF8,
                                        (const unsigned char *)subject[i].value, -1, -1, 0) == 1,
             subject[i].type);
    }
}

static void
set_extensions(X509 *x, const X509 *issuer, const struct mint_pair ext[static MINT_PAIRS_MAX])
{
    CONF *none = NCONF_new(NULL); /* some extensions insist on a configuration to look into */
    X509V3_CTX ctx;

    need(none != NULL, "no configuration");
    X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, none);
    for (size_t i = 0; i < MINT_PAIRS_MAX && ext[i].type != NULL; i++) {
        X509_EXTENSION *e = X509V3_EXT_nconf(none, &ctx, ext[i].type, ext[i].value);

        need(e != NULL && X509_add_ext(x, e, -1) == 1, ext[i].type);
        X509_EXTENSION_free(e);
    }
    NCONF_free(none);
}

static void
sign(X509 *x, EVP_PKEY *key, const struct mint_spec *spec)
{
    bool eddsa = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
    const EVP_MD *md =
        eddsa ? NULL : EVP_get_digestbyname(spec->hash != NULL ? spec->hash : "SHA256");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx;

    need(eddsa || md != NULL, "no such hash");
    need(ctx != NULL && EVP_DigestSignInit(ctx, &pkey_ctx, md, NULL, key) == 1, "cannot sign");
    if (spec->pss) {
        need(EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, RSA_PSS_SALTLEN_DIGEST) == 1,
             "no PSS");
    }
    if (spec->mgf != NULL) {
        need(EVP_PKEY_CTX_set_rsa_mgf1_md_name(pkey_ctx, spec->mgf, NULL) == 1, "no MGF1");
    }
    need(X509_sign_ctx(x, ctx) > 0, "cannot sign");
    EVP_MD_CTX_free(ctx);
}

X509 *
mint_cert(const struct mint_spec *spec)
{
    X509 *x = X509_new();
    const X509 *issuer = spec->issuer != NULL ? spec->issuer : x;

    need(x != NULL && X509_set_version(x, spec->version1 ? X509_VERSION_1 : X509_VERSION_3) == 1,
         "no certificate");
    set_serial(x, spec->serial);
    need(ASN1_TIME_set(X509_getm_notBefore(x), spec->not_before != 0 ? spec->not_before : Y2026) &&
             ASN1_TIME_set(X509_getm_notAfter(x), spec->not_after != 0 ? spec->not_after : Y2028),
         "no dates");
    set_subject(x, spec->subject);
    need(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1, "no issuer");
    need(X509_set_pubkey(x, spec->key) == 1, "no public key");
    if (!spec->version1) {
        set_extensions(x, issuer, spec->extension);
    }
    sign(x, spec->issuer_key != NULL ? spec->issuer_key : spec->key, spec);
    return x;
}

struct span
mint_der(const X509 *x)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der);

    need(n > 0, "no DER");
    return span_of(der, (size_t)n);
}

void
mint_free(struct span der)
{
    OPENSSL_free((void *)(uintptr_t)der.p);
}

void
mint_ca_extensions(struct mint_pair ext[static MINT_PAIRS_MAX])
{
    ext[0] = (struct mint_pair){"basicConstraints", "critical,CA:TRUE"};
    ext[1] = (struct mint_pair){"keyUsage", "critical,keyCertSign,cRLSign"};
    ext[2] = (struct mint_pair){"subjectKeyIdentifier", "hash"};
    ext[3] = (struct mint_pair){"authorityKeyIdentifier", "keyid"};
    ext[4] = (struct mint_pair){NULL, NULL};
}

X509 *
mint_root(const char *cn, EVP_PKEY *key)
{
    struct mint_spec s = {.key = key, .subject = {{"O", "Mint"}, {"CN", cn}}};

    mint_ca_extensions(s.extension);
    s.extension[3].type = NULL;
    return mint_cert(&s);
}

X509 *
mint_ca(const char *cn, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct mint_spec s = {.key = key,
                          .issuer = issuer,
                          .issuer_key = issuer_key,
                          .serial = 1,
                          .subject = {{"O", "Mint"}, {"CN", cn}}};

    mint_ca_extensions(s.extension);
    return mint_cert(&s);
}

X509 *
mint_precert_signer(const char *cn, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct mint_spec s = {.key = key,
                          .issuer = issuer,
                          .issuer_key = issuer_key,
                          .serial = 2,
                          .subject = {{"O", "Mint"}, {"CN", cn}}};

    mint_ca_extensions(s.extension);
    s.extension[4] = (struct mint_pair){"extendedKeyUsage", MINT_PRECERT_SIGNING};
    s.extension[5].type = NULL;
    return mint_cert(&s);
}

static X509 *
leaf(const char *address, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key, bool poison)
{
    char san[300];
    struct mint_spec s = {
        .key = key,
        .issuer = issuer,
        .issuer_key = issuer_key,
        .serial = 3,
        .subject = {{"CN", address}},
        .extension = {{"keyUsage", "critical,digitalSignature"},
                      {"extendedKeyUsage", "emailProtection"},
                      {"subjectAltName", san},
                      {"authorityKeyIdentifier", "keyid"},
                      {poison ? MINT_POISON : NULL, MINT_POISON_VALUE}},
    };

    snprintf(san, sizeof san, "email:%s", address);
    return mint_cert(&s);
}

X509 *
mint_leaf(const char *address, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    return leaf(address, key, issuer, issuer_key, false);
}

X509 *
mint_precert(const char *address, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    return leaf(address, key, issuer, issuer_key, true);
}
