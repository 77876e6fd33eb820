#include "log/accept/chain.h"

#include "merkle/base/text.h"
#include "merkle/leaf/precert.h"
#include "tests/mint/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The certificates that the rows speak of. */
enum name {
    END,
    ROOT,
    TWIN,
    OLD,
    VERSION1,
    SIGN_ROOT,
    CROSS,
    STRANGER,
    INTER,
    INTER2,
    TWIN_INTER,
    NOT_CA,
    SILENT_CA,
    WEAK,
    RSA_INTER,
    SIGNER,
    SIGN_INTER,
    MAIL_CA,
    LEAF_ROOT,
    LEAF_TWIN,
    LEAF_OLD,
    LEAF_VERSION1,
    LEAF_CROSS,
    LEAF_INTER,
    LEAF_INTER2,
    LEAF_TWIN_INTER,
    LEAF_NOT_CA,
    LEAF_SILENT_CA,
    LEAF_WEAK,
    LEAF_PSS,
    LEAF_SHA1,
    LEAF_MD5,
    LEAF_SIGNER,
    LEAF_STRANGER,
    LEAF_TLS,
    LEAF_ANY,
    LEAF_NO_EKU,
    PRE_INTER,
    PRE_SIGNER,
    PRE_SIGN_INTER,
    PRE_SIGN_ROOT,
    PRE_SOFT,
    PRE_NO_AKI,
    NAMES
};

#define CA                                    \
    {"basicConstraints", "critical,CA:TRUE"}, \
    {                                         \
        "subjectKeyIdentifier", "hash"        \
    }
#define AKI                               \
    {                                     \
        "authorityKeyIdentifier", "keyid" \
    }
#define EKU(purposes)                \
    {                                \
        "extendedKeyUsage", purposes \
    }
#define POISON                         \
    {                                  \
        MINT_POISON, MINT_POISON_VALUE \
    }

/* How each is made; issuers before what they issue.  Issued by END: self-signed. */
static const struct recipe {
    enum name name, issuer;
    enum mint_kind key;
    const char *cn;
    struct mint_pair extension[4];
    const char *hash;
    bool pss, version1;
    /* clang-format off */
} RECIPES[] = {
    {ROOT, END, MINT_P256, "Root", .extension = {CA}},
    {TWIN, END, MINT_P384, "Root", .extension = {CA}},
    {OLD, END, MINT_P256, "Old Root", .extension = {CA}},
    {VERSION1, END, MINT_P256, "Version 1 Root", .version1 = true},
    {SIGN_ROOT, END, MINT_P256, "Sign Root", .extension = {CA, EKU(MINT_PRECERT_SIGNING)}},
    {STRANGER, END, MINT_P256, "Stranger", .extension = {CA}},
    {CROSS, ROOT, MINT_P256, "Cross", .extension = {CA, AKI}},
    {INTER, ROOT, MINT_P256, "Inter", .extension = {CA, AKI}},
    {INTER2, INTER, MINT_ED25519, "Inter 2", .extension = {CA, AKI}},
    {TWIN_INTER, TWIN, MINT_P256, "Twin Inter", .extension = {CA, AKI}},
    {NOT_CA, ROOT, MINT_P256, "Not CA", .extension = {{"basicConstraints", "CA:FALSE"}, AKI}},
    {SILENT_CA, ROOT, MINT_P256, "Silent CA", .extension = {AKI}},
    {WEAK, ROOT, MINT_RSA_1024, "Weak CA", .extension = {CA, AKI}},
    {RSA_INTER, ROOT, MINT_RSA_2048, "RSA CA", .extension = {CA, AKI}},
    {SIGNER, INTER, MINT_P256, "Signer", .extension = {CA, AKI, EKU(MINT_PRECERT_SIGNING)}},
    {SIGN_INTER, SIGNER, MINT_P256, "Sign Inter", .extension = {CA, AKI}},
    {MAIL_CA, INTER, MINT_P256, "Mail CA", .extension = {CA, AKI, EKU("emailProtection")}},
    {LEAF_ROOT, ROOT, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_TWIN, TWIN, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_OLD, OLD, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_VERSION1, VERSION1, MINT_P256, "leaf", .extension = {EKU("emailProtection")}},
    {LEAF_CROSS, CROSS, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_INTER, INTER, MINT_P256, "leaf", .extension = {AKI, EKU("clientAuth,emailProtection")}},
    {LEAF_INTER2, INTER2, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_TWIN_INTER, TWIN_INTER, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_NOT_CA, NOT_CA, MINT_P256, "leaf", .extension = {EKU("emailProtection")}},
    {LEAF_SILENT_CA, SILENT_CA, MINT_P256, "leaf", .extension = {EKU("emailProtection")}},
    {LEAF_WEAK, WEAK, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_PSS, RSA_INTER, MINT_P256, "leaf", .extension = {EKU("emailProtection")}, .hash =
     "SHA384", .pss = true},
    {LEAF_SHA1, RSA_INTER, MINT_P256, "leaf", .extension = {EKU("emailProtection")}, .hash =
     "SHA1"},
    {LEAF_MD5, RSA_INTER, MINT_P256, "leaf", .extension = {EKU("emailProtection")}, .hash = "MD5"},
    {LEAF_SIGNER, SIGNER, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_STRANGER, STRANGER, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection")}},
    {LEAF_TLS, INTER, MINT_P256, "leaf", .extension = {AKI, EKU("serverAuth,clientAuth")}},
    {LEAF_ANY, INTER, MINT_P256, "leaf", .extension = {AKI, EKU("anyExtendedKeyUsage")}},
    {LEAF_NO_EKU, INTER, MINT_P256, "leaf", .extension = {AKI}},
    {PRE_INTER, INTER, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection"), POISON}},
    {PRE_SIGNER, SIGNER, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection"), POISON}},
    {PRE_SIGN_INTER, SIGN_INTER, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection"),
     POISON}},
    {PRE_SIGN_ROOT, SIGN_ROOT, MINT_P256, "leaf", .extension = {AKI, EKU("emailProtection"),
     POISON}},
    {PRE_SOFT, INTER, MINT_P256, "leaf", .extension = {EKU("emailProtection"), {MINT_POISON,
     "DER:05:00"}}},
    {PRE_NO_AKI, SIGNER, MINT_P256, "leaf", .extension = {EKU("emailProtection"), POISON}},
};
/* clang-format on */
#define RECIPE_COUNT (sizeof RECIPES / sizeof RECIPES[0])

static X509 *made[NAMES];
static EVP_PKEY *key[NAMES];
static struct span der[NAMES];
static struct roots *accepted;

static void
make(const struct recipe *r)
{
    struct mint_spec s = {.key = mint_key(r->key),
                          .issuer = made[r->issuer],
                          .issuer_key = key[r->issuer],
                          .serial = r->name,
                          .subject = {{"CN", r->cn}},
                          .hash = r->hash,
                          .pss = r->pss,
                          .version1 = r->version1};

    memcpy(s.extension, r->extension, sizeof r->extension);
    key[r->name] = s.key;
    made[r->name] = mint_cert(&s);
    der[r->name] = mint_der(made[r->name]);
}

static void
accept_root(enum name n, bool verify_only)
{
    struct buf pem = BUF_INIT(CERT_MAX);
    size_t added, line;

    assert_int_equal(buf_printf(&pem, "-----BEGIN CERTIFICATE-----\n"), RES_OK);
    assert_int_equal(text_base64(der[n], &pem), RES_OK);
    assert_int_equal(buf_printf(&pem, "\n-----END CERTIFICATE-----\n"), RES_OK);
    assert_int_equal(roots_add_pem(accepted, buf_span(&pem), NULL, verify_only, &added, &line),
                     RES_OK);
    assert_int_equal(added, 1);
    buf_release(&pem);
}

static int
setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECIPE_COUNT; i++) {
        make(&RECIPES[i]);
    }
    assert_int_equal(roots_new(&accepted), RES_OK);
    accept_root(TWIN, false); /* before ROOT: the first of that name is the wrong one for most */
    accept_root(ROOT, false);
    accept_root(VERSION1, false);
    accept_root(SIGN_ROOT, false);
    accept_root(CROSS, false);
    accept_root(OLD, true);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    roots_unref(accepted);
    for (size_t i = 0; i < NAMES; i++) {
        X509_free(made[i]);
        EVP_PKEY_free(key[i]);
        mint_free(der[i]);
    }
    return 0;
}

enum tamper {
    UNTOUCHED,
    SIGNATURE_BIT, /* the last bit of the signature */
    SERIAL_BIT,    /* a bit of the serial number: the signature no longer fits */
    ISSUER_BYTE,   /* the last byte of the issuer's name */
    KEY_BYTE,      /* the last byte of the public key */
    INSIDE,        /* the last byte of the OID of the algorithm in the TBSCertificate */
    OUTSIDE,       /* likewise outside */
    ONE_MORE,      /* a byte after the certificate */
    ONE_LESS,
    OPEN_ANY,     /* not of the certificate: allow_any_eku */
    OPEN_NONE,    /* allow_no_eku */
    OPEN_OTHER,   /* serverAuth instead of emailProtection */
    STARTS_AT,    /* the window begins at the leaf's notAfter */
    STARTS_AFTER, /* one second later */
    LIMIT_AT,     /* the window ends before the leaf's notAfter */
    LIMIT_AFTER   /* one second later */
};

struct row {
    const char *says;
    enum entry_type type;
    enum name chain[CHAIN_MAX + 2];
    enum tamper tamper;
    size_t at; /* the certificate tampered with */
    enum result want;
    enum name issuers[CHAIN_MAX + 1]; /* of a chain that is taken */
    enum name issuing;                /* whose key counts as the issuer's */
    const char *detail;               /* of one that is refused */
};

/* clang-format off */
static const struct row TAKEN[] = {
    {"leaf and root", ENTRY_X509, {LEAF_ROOT, ROOT}, .issuers = {ROOT}, .issuing = ROOT},
    {"the root left out", ENTRY_X509, {LEAF_ROOT}, .issuers = {ROOT}, .issuing = ROOT},
    {"the other root of that name", ENTRY_X509, {LEAF_TWIN}, .issuers = {TWIN}, .issuing = TWIN},
    {"with an intermediate", ENTRY_X509, {LEAF_INTER, INTER, ROOT}, .issuers = {INTER, ROOT},
     .issuing = INTER},
    {"with two, root left out", ENTRY_X509, {LEAF_INTER2, INTER2, INTER}, .issuers = {INTER2, INTER,
     ROOT}, .issuing = INTER2},
    {"an intermediate under the second root of a name", ENTRY_X509, {LEAF_TWIN_INTER, TWIN_INTER},
     .issuers = {TWIN_INTER, TWIN}, .issuing = TWIN_INTER},
    {"a root of version 1", ENTRY_X509, {LEAF_VERSION1, VERSION1}, .issuers = {VERSION1}, .issuing =
     VERSION1},
    {"a root of version 1, left out", ENTRY_X509, {LEAF_VERSION1}, .issuers = {VERSION1}, .issuing =
     VERSION1},
    {"an accepted cross-certificate is a root", ENTRY_X509, {LEAF_CROSS, CROSS}, .issuers = {CROSS},
     .issuing = CROSS},
    {"and may be followed by the one who issued it", ENTRY_X509, {LEAF_CROSS, CROSS, ROOT}, .issuers
     = {CROSS, ROOT}, .issuing = CROSS},
    {"RSASSA-PSS", ENTRY_X509, {LEAF_PSS, RSA_INTER}, .issuers = {RSA_INTER, ROOT}, .issuing =
     RSA_INTER},
    {"SHA-1", ENTRY_X509, {LEAF_SHA1, RSA_INTER}, .issuers = {RSA_INTER, ROOT}, .issuing =
     RSA_INTER},
    {"a CA certificate as the first", ENTRY_X509, {MAIL_CA, INTER}, .issuers = {INTER, ROOT},
     .issuing = INTER},
    {"a root as the first", ENTRY_X509, {ROOT}, OPEN_NONE, .issuers = {ROOT}, .issuing = ROOT},
    {"a root as the first and as its root", ENTRY_X509, {ROOT, ROOT}, OPEN_NONE, .issuers = {ROOT},
     .issuing = ROOT},
    {"any purpose, with the switch", ENTRY_X509, {LEAF_ANY, INTER}, OPEN_ANY, .issuers = {INTER,
     ROOT}, .issuing = INTER},
    {"no purpose, with the switch", ENTRY_X509, {LEAF_NO_EKU, INTER}, OPEN_NONE, .issuers = {INTER,
     ROOT}, .issuing = INTER},
    {"another purpose, configured", ENTRY_X509, {LEAF_TLS, INTER}, OPEN_OTHER, .issuers = {INTER,
     ROOT}, .issuing = INTER},
    {"notAfter at the window's start", ENTRY_X509, {LEAF_ROOT}, STARTS_AT, .issuers = {ROOT},
     .issuing = ROOT},
    {"notAfter before the window's limit", ENTRY_X509, {LEAF_ROOT}, LIMIT_AFTER, .issuers = {ROOT},
     .issuing = ROOT},
    {"a precertificate", ENTRY_PRECERT, {PRE_INTER, INTER, ROOT}, .issuers = {INTER, ROOT}, .issuing
     = INTER},
    {"a precertificate signing certificate", ENTRY_PRECERT, {PRE_SIGNER, SIGNER, INTER}, .issuers =
     {SIGNER, INTER, ROOT}, .issuing = INTER},
};
/* clang-format on */

#define X ENTRY_X509
#define P ENTRY_PRECERT

/* clang-format off */
static const struct row REFUSED[] = {
    {"no certificate", X, {END}, .want = RES_CHAIN_EMPTY, .detail =
     "the chain holds no certificate"},
    {"eleven certificates", X, {LEAF_ROOT, ROOT, ROOT, ROOT, ROOT, ROOT, ROOT, ROOT, ROOT, ROOT,
     ROOT}, .want = RES_CHAIN_TOO_LONG, .detail = "the chain holds 11 certificates; 10 are taken"},
    {"a byte after the leaf", X, {LEAF_ROOT}, ONE_MORE, 0, RES_DER, .detail =
     "certificate 0: the certificate is not strict DER"},
    {"a byte after the intermediate", X, {LEAF_INTER, INTER}, ONE_MORE, 1, RES_DER, .detail =
     "certificate 1: the certificate is not strict DER"},
    {"the root cut short", X, {LEAF_INTER, INTER, ROOT}, ONE_LESS, 2, RES_DER, .detail =
     "certificate 2: the certificate is not strict DER"},
    {"a precertificate as a certificate", X, {PRE_INTER, INTER}, .want = RES_CERT_POISONED, .detail
     = "certificate 0 carries the poison extension"},
    {"a certificate as a precertificate", P, {LEAF_INTER, INTER}, .want = RES_CERT_POISON, .detail =
     "certificate 0 carries no poison extension"},
    {"a poison that is not critical", P, {PRE_SOFT, INTER}, .want = RES_CERT_POISON, .detail =
     "the poison extension of certificate 0 is not critical or not NULL"},
    {"a certificate for servers", X, {LEAF_TLS, INTER}, .want = RES_CHAIN_EKU, .detail =
     "certificate 0 carries 2 extended key usages, none of them accepted; the first is "
     "1.3.6.1.5.5.7.3.1"},
    {"any purpose, without the switch", X, {LEAF_ANY, INTER}, OPEN_NONE, .want = RES_CHAIN_EKU,
     .detail =
     "certificate 0 carries 1 extended key usages, none of them accepted; the first is "
     "2.5.29.37.0"},
    {"no purpose, without the switch", X, {LEAF_NO_EKU, INTER}, OPEN_ANY, .want = RES_CHAIN_EKU,
     .detail = "certificate 0 carries no extended key usage"},
    {"mail, where it is not configured", X, {LEAF_ROOT}, OPEN_OTHER, .want = RES_CHAIN_EKU, .detail
     =
     "certificate 0 carries 1 extended key usages, none of them accepted; the first is "
     "1.3.6.1.5.5.7.3.4"},
    {"a root as the first, without the switch", X, {ROOT}, .want = RES_CHAIN_EKU, .detail =
     "certificate 0 carries no extended key usage"},
    {"notAfter before the window", X, {LEAF_ROOT}, STARTS_AFTER, .want = RES_CHAIN_NOT_AFTER,
     .detail = "certificate 0 is valid until 2028-01-01, before the window that this log takes"},
    {"notAfter at the window's limit", X, {LEAF_ROOT}, LIMIT_AT, .want = RES_CHAIN_NOT_AFTER,
     .detail = "certificate 0 is valid until 2028-01-01, after the window that this log takes"},
    {"the root repeated", X, {LEAF_ROOT, ROOT, ROOT}, .want = RES_CHAIN_UNUSED, .detail =
     "certificates 1 and 2 are the same"},
    {"the intermediate repeated", X, {LEAF_INTER, INTER, INTER, ROOT}, .want = RES_CHAIN_UNUSED,
     .detail = "certificates 1 and 2 are the same"},
    {"an unrelated one after the root", X, {LEAF_ROOT, ROOT, STRANGER}, .want = RES_CHAIN_UNUSED,
     .detail = "certificate 1 is an accepted root, and 1 more follow it"},
    {"a root of the same name after the root", X, {LEAF_ROOT, ROOT, TWIN}, .want = RES_CHAIN_UNUSED,
     .detail = "certificate 1 is an accepted root, and 1 more follow it"},
    {"an unrelated one at the end", X, {LEAF_INTER, INTER, STRANGER}, .want = RES_CHAIN_ORDER,
     .detail =
     "certificate 1 names its issuer \"Root\", certificate 2 is named \"Stranger\", and the names "
     "are not the same bytes"},
    {"the intermediates swapped", X, {LEAF_INTER2, INTER, INTER2}, .want = RES_CHAIN_ORDER, .detail
     =
     "certificate 0 names its issuer \"Inter 2\", certificate 1 is named \"Inter\", and the names "
     "are not the same bytes"},
    {"root first", X, {ROOT, INTER, LEAF_INTER}, OPEN_NONE, .want = RES_CHAIN_ORDER, .detail =
     "certificate 0 names its issuer \"Root\", certificate 1 is named \"Inter\", and the names "
     "are not the same bytes"},
    {"the leaf twice", X, {LEAF_ROOT, LEAF_ROOT}, .want = RES_CHAIN_ORDER, .detail =
     "certificate 0 names its issuer \"Root\", certificate 1 is named \"leaf\", and the names are "
     "not the same bytes"},
    {"one intermediate dropped", X, {LEAF_INTER2, INTER, ROOT}, .want = RES_CHAIN_ORDER, .detail =
     "certificate 0 names its issuer \"Inter 2\", certificate 1 is named \"Inter\", and the names "
     "are not the same bytes"},
    {"a byte of the issuer's name", X, {LEAF_INTER, INTER}, ISSUER_BYTE, 0, RES_CHAIN_ORDER, .detail
     =
     "certificate 0 names its issuer \"Intes\", certificate 1 is named \"Inter\", and the names "
     "are not the same bytes"},
    {"an issuer that says it is no CA", X, {LEAF_NOT_CA, NOT_CA}, .want = RES_CHAIN_CA, .detail =
     "certificate 1, \"Not CA\", says that it is no CA"},
    {"an issuer that does not say", X, {LEAF_SILENT_CA, SILENT_CA, ROOT}, .want = RES_CHAIN_CA,
     .detail = "certificate 1, \"Silent CA\", does not say that it is a CA"},
    {"a root that is not accepted", X, {LEAF_STRANGER, STRANGER}, .want = RES_CHAIN_ROOT, .detail =
     "certificate 1 is no accepted root, and none is named as its issuer, \"Stranger\""},
    {"only the leaf, its issuer no root", X, {LEAF_INTER}, .want = RES_CHAIN_ROOT, .detail =
     "certificate 0 is no accepted root, and none is named as its issuer, \"Inter\""},
    {"a byte of the last issuer's name", X, {LEAF_INTER, INTER}, ISSUER_BYTE, 1, RES_CHAIN_ROOT,
     .detail = "certificate 1 is no accepted root, and none is named as its issuer, \"Roou\""},
    {"a root kept for verification", X, {LEAF_OLD, OLD}, .want = RES_CHAIN_ROOT_VERIFY_ONLY, .detail
     = "certificate 1 is a root that is kept for verification only"},
    {"the same, left out", X, {LEAF_OLD}, .want = RES_CHAIN_ROOT_VERIFY_ONLY, .detail =
     "certificate 0 is issued by a root that is kept for verification only, \"Old Root\""},
    {"the leaf's signature, root left out", X, {LEAF_ROOT}, SIGNATURE_BIT, 0, RES_CHAIN_SIGNATURE,
     .detail =
     "the signature of certificate 0 does not verify with the key of any accepted root named "
     "\"Root\""},
    {"the leaf's signature, root given", X, {LEAF_ROOT, ROOT}, SIGNATURE_BIT, 0,
     RES_CHAIN_SIGNATURE, .detail =
     "the signature of certificate 0 does not verify with the key of certificate 1"},
    {"the wrong root of that name", X, {LEAF_ROOT, TWIN}, .want = RES_CHAIN_SIGNATURE, .detail =
     "the signature of certificate 0 does not verify with the key of certificate 1"},
    {"the leaf's serial number", X, {LEAF_INTER, INTER, ROOT}, SERIAL_BIT, 0, RES_CHAIN_SIGNATURE,
     .detail = "the signature of certificate 0 does not verify with the key of certificate 1"},
    {"the intermediate's signature", X, {LEAF_INTER, INTER, ROOT}, SIGNATURE_BIT, 1,
     RES_CHAIN_SIGNATURE, .detail =
     "the signature of certificate 1 does not verify with the key of certificate 2"},
    {"the intermediate's key", X, {LEAF_INTER, INTER}, KEY_BYTE, 1, RES_CHAIN_SIGNATURE, .detail =
     "the signature of certificate 1 does not verify with the key of any accepted root named "
     "\"Root\""},
    {"an EdDSA signature", X, {LEAF_INTER2, INTER2, INTER}, SIGNATURE_BIT, 0, RES_CHAIN_SIGNATURE,
     .detail = "the signature of certificate 0 does not verify with the key of certificate 1"},
    {"a PSS signature", X, {LEAF_PSS, RSA_INTER}, SIGNATURE_BIT, 0, RES_CHAIN_SIGNATURE, .detail =
     "the signature of certificate 0 does not verify with the key of certificate 1"},
    {"a precertificate's signature", P, {PRE_SIGNER, SIGNER, INTER}, SIGNATURE_BIT, 0,
     RES_CHAIN_SIGNATURE, .detail =
     "the signature of certificate 0 does not verify with the key of certificate 1"},
    {"a signer's signature", P, {PRE_SIGNER, SIGNER, INTER}, SIGNATURE_BIT, 1, RES_CHAIN_SIGNATURE,
     .detail = "the signature of certificate 1 does not verify with the key of certificate 2"},
    {"MD5", X, {LEAF_MD5, RSA_INTER}, .want = RES_CHAIN_SIGNATURE_ALGORITHM, .detail =
     "certificate 0 is signed with algorithm 1.2.840.113549.1.1.4, which is not on the list or "
     "not one of its issuer's key"},
    {"another algorithm inside", X, {LEAF_ROOT}, INSIDE, 0, RES_CHAIN_SIGNATURE_ALGORITHM, .detail =
     "certificate 0 states signature algorithm 1.2.840.10045.4.3.3 inside and 1.2.840.10045.4.3.2 "
     "outside, not the same bytes"},
    {"another algorithm outside", X, {LEAF_INTER, INTER}, OUTSIDE, 1, RES_CHAIN_SIGNATURE_ALGORITHM,
     .detail =
     "certificate 1 states signature algorithm 1.2.840.10045.4.3.2 inside and 1.2.840.10045.4.3.3 "
     "outside, not the same bytes"},
    {"an issuer with RSA-1024", X, {LEAF_WEAK, WEAK}, .want = RES_CHAIN_KEY, .detail =
     "certificate 1 holds a key that is not on the list (algorithm 1.2.840.113549.1.1.1): RSA of "
     "2048 to 8192 bits, P-256, P-384, P-521, Ed25519, Ed448"},
    {"a signer that issues a certificate", X, {LEAF_SIGNER, SIGNER, INTER}, .want =
     RES_CHAIN_PRECERT_SIGNER, .detail =
     "certificate 1 is a precertificate signing certificate and issues something else than a "
     "precertificate"},
    {"a signer that issues a CA", P, {PRE_SIGN_INTER, SIGN_INTER, SIGNER, INTER}, .want =
     RES_CHAIN_PRECERT_SIGNER, .detail =
     "certificate 2 is a precertificate signing certificate and issues a CA certificate"},
    {"a signer that is the root", P, {PRE_SIGN_ROOT, SIGN_ROOT}, .want = RES_CHAIN_PRECERT_SIGNER,
     .detail =
     "the accepted root, \"Sign Root\", is a precertificate signing certificate: the issuer of "
     "the certificate is not in the chain"},
    {"the signer missing", P, {PRE_SIGNER, INTER, ROOT}, .want = RES_CHAIN_ORDER, .detail =
     "certificate 0 names its issuer \"Signer\", certificate 1 is named \"Inter\", and the names "
     "are not the same bytes"},
    {"the final issuer missing", P, {PRE_SIGNER, SIGNER, ROOT}, .want = RES_CHAIN_ORDER, .detail =
     "certificate 1 names its issuer \"Inter\", certificate 2 is named \"Root\", and the names "
     "are not the same bytes"},
    {"no AKI where the signer has one", P, {PRE_NO_AKI, SIGNER, INTER}, .want = RES_CERT_AKI,
     .detail =
     "certificate 0: precertificate and its signing certificate disagree about the authority key "
     "identifier"},
};
/* clang-format on */

#undef X
#undef P

/* The byte of copy that stands where p does in original. */
static uint8_t *
twin_of(const uint8_t *p, struct span original, uint8_t *copy)
{
    return copy + (p - original.p);
}

/* A tampered copy of d in *copy, which has room for one byte more. */
static struct span
tampered(struct span d, enum tamper how, uint8_t *copy)
{
    struct cert c;

    memcpy(copy, d.p, d.n);
    copy[d.n] = 0;
    assert_int_equal(cert_parse(d, &c), RES_OK);
    switch (how) {
    case SIGNATURE_BIT:
        copy[d.n - 1] ^= 1;
        break;
    case SERIAL_BIT:
        *twin_of(c.serial.p + c.serial.n - 1, d, copy) ^= 1;
        break;
    case ISSUER_BYTE:
        ++*twin_of(c.issuer.p + c.issuer.n - 1, d, copy);
        break;
    case KEY_BYTE:
        *twin_of(c.spki.p + c.spki.n - 1, d, copy) ^= 1;
        break;
    case INSIDE:
        ++*twin_of(c.tbs_algorithm.p + c.tbs_algorithm.n - 1, d, copy);
        break;
    case OUTSIDE:
        ++*twin_of(c.algorithm.p + c.algorithm.n - 1, d, copy);
        break;
    case ONE_MORE:
        return span_of(copy, d.n + 1);
    case ONE_LESS:
        return span_of(copy, d.n - 1);
    default:
        break;
    }
    return span_of(copy, d.n);
}

#define NOT_AFTER INT64_C(1830297600) /* of every minted certificate: 2028-01-01 */

static struct chain_policy
policy_of(enum tamper t)
{
    static uint8_t server_auth[8];
    struct chain_policy p = {.eku = {CERT_OID_EMAIL_PROTECTION},
                             .eku_count = 1,
                             .not_after_start = INT64_MIN,
                             .not_after_limit = INT64_MAX};

    if (t == OPEN_OTHER) {
        size_t n = cert_oid_from_text("1.3.6.1.5.5.7.3.1", server_auth, sizeof server_auth);

        p.eku[0] = span_of(server_auth, n);
    }
    p.allow_any_eku = t == OPEN_ANY;
    p.allow_no_eku = t == OPEN_NONE;
    if (t == STARTS_AT || t == STARTS_AFTER) {
        p.not_after_start = NOT_AFTER + (t == STARTS_AFTER);
    }
    if (t == LIMIT_AT || t == LIMIT_AFTER) {
        p.not_after_limit = NOT_AFTER + (t == LIMIT_AFTER);
    }
    return p;
}

static enum result
run(const struct row *row, struct issuer_cache *cache, struct chain *ret,
    struct chain_refusal *refusal)
{
    static uint8_t copy[CERT_MAX + 1]; /* static: what is taken borrows from it */
    struct chain_policy policy = policy_of(row->tamper);
    struct span chain[CHAIN_MAX + 2];
    size_t n = 0;

    while (row->chain[n] != END) {
        chain[n] = der[row->chain[n]];
        n++;
    }
    if (row->tamper != UNTOUCHED && row->tamper < OPEN_ANY) {
        chain[row->at] = tampered(chain[row->at], row->tamper, copy);
    }
    return chain_accept(&policy, accepted, cache, row->type, chain, n, ret, refusal);
}

static void
check_issuers(const struct row *row, const struct chain *c)
{
    size_t n = 0;

    while (row->issuers[n] != END) {
        struct hash h;

        assert_true(n < c->issuer_count);
        assert_true(span_equal(c->issuer[n], der[row->issuers[n]]));
        hash_sha256(c->issuer[n], &h);
        assert_true(hash_equal(&h, &c->issuer_sha256[n]));
        n++;
    }
    assert_int_equal(c->issuer_count, n);
}

/* What the entry must be, from the certificates by another way: libcrypto's encoder. */
static void
check_entry(const struct row *row, const struct chain *c)
{
    struct cert issuing;
    struct hash key_hash;

    assert_int_equal(cert_parse(der[row->issuing], &issuing), RES_OK);
    hash_sha256(issuing.spki, &key_hash);
    assert_true(hash_equal(&key_hash, &c->issuing_key));
    assert_int_equal(c->entry.type, row->type);
    if (row->type == ENTRY_X509) {
        assert_true(span_equal(c->entry.body, der[row->chain[0]]));
        assert_int_equal(c->precertificate.n, 0);
    } else {
        X509 *x = X509_dup(made[row->chain[0]]);
        int at = X509_get_ext_count(x) - 1; /* the poison is the last extension of ours */
        uint8_t *tbs = NULL;
        int n;

        assert_true(hash_equal(&key_hash, &c->entry.issuer_key_hash));
        assert_true(span_equal(c->precertificate, der[row->chain[0]]));
        X509_EXTENSION_free(X509_delete_ext(x, at));
        if (row->chain[1] == SIGNER) {
            assert_int_equal(X509_set_issuer_name(x, X509_get_issuer_name(made[SIGNER])), 1);
            at = X509_get_ext_by_NID(x, NID_authority_key_identifier, -1);
            X509_EXTENSION_free(X509_delete_ext(x, at));
            at = X509_get_ext_by_NID(made[SIGNER], NID_authority_key_identifier, -1);
            assert_int_equal(X509_add_ext(x, X509_get_ext(made[SIGNER], at), 0), 1);
        }
        n = i2d_re_X509_tbs(x, &tbs);
        assert_true(n > 0);
        assert_true(span_equal(c->entry.body, span_of(tbs, (size_t)n)));
        OPENSSL_free(tbs);
        X509_free(x);
    }
}

static void
takes(void **state)
{
    struct issuer_cache *cache;

    (void)state;
    assert_int_equal(issuer_cache_new(64, &cache), RES_OK);
    for (int round = 0; round < 2; round++) { /* the second with what the first left in the cache */
        for (size_t i = 0; i < sizeof TAKEN / sizeof TAKEN[0]; i++) {
            struct chain c = CHAIN_INIT;
            struct chain_refusal refusal;
            struct hash h;

            enum result r = run(&TAKEN[i], cache, &c, &refusal);
            if (r != RES_OK) {
                fail_msg("%s: %s: %s", TAKEN[i].says, result_name(r), refusal.detail);
            }
            check_issuers(&TAKEN[i], &c);
            check_entry(&TAKEN[i], &c);
            entry_key(&c.entry, &h);
            assert_true(hash_equal(&h, &c.key));
            for (size_t j = 0; j + 1 < c.issuer_count; j++) {
                assert_true(issuer_cache_verified(cache, &c.issuer_sha256[j],
                                                  &c.issuer_sha256[j + 1])); /* not again */
            }
            chain_release(&c);
        }
    }
    issuer_cache_free(cache);
}

static void
refuses(void **state)
{
    struct issuer_cache *cache;

    (void)state;
    assert_int_equal(issuer_cache_new(64, &cache), RES_OK);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
            struct chain c = CHAIN_INIT;
            struct chain_refusal refusal;

            enum result r = run(&REFUSED[i], cache, &c, &refusal);
            if (r != REFUSED[i].want || refusal.why != r ||
                strcmp(refusal.detail, REFUSED[i].detail) != 0) {
                fail_msg("%s: %s: %s", REFUSED[i].says, result_name(r), refusal.detail);
            }
            assert_null(c.tbs.p);
        }
        /* between the rounds: fill the cache with everything that verifies */
        for (size_t i = 0; i < sizeof TAKEN / sizeof TAKEN[0]; i++) {
            struct chain c = CHAIN_INIT;
            struct chain_refusal refusal;

            assert_int_equal(run(&TAKEN[i], cache, &c, &refusal), RES_OK);
            chain_release(&c);
        }
    }
    issuer_cache_free(cache);
}

/* Whatever byte of a chain is changed, nothing is taken: it is not the same leaf, or no longer
 * signed. */
static void
every_byte_counts(void **state)
{
    static const struct row row = {.chain = {LEAF_INTER, INTER, ROOT}};
    struct chain_policy policy = policy_of(UNTOUCHED);
    struct issuer_cache *cache;
    size_t taken = 0;

    (void)state;
    assert_int_equal(issuer_cache_new(8, &cache), RES_OK);
    for (size_t at = 0; at < 3; at++) {
        struct span original = der[row.chain[at]];
        uint8_t *copy = malloc(original.n);
        struct span chain[3] = {der[LEAF_INTER], der[INTER], der[ROOT]};

        memcpy(copy, original.p, original.n);
        chain[at] = span_of(copy, original.n);
        for (size_t i = 0; i < original.n; i++) {
            struct chain c = CHAIN_INIT;
            struct chain_refusal refusal;
            uint8_t was = copy[i];

            copy[i] ^= (uint8_t)(1U << i % 8);
            if (chain_accept(&policy, accepted, cache, ENTRY_X509, chain, 3, &c, &refusal) ==
                RES_OK) {
                taken++;
            } else {
                assert_true(strlen(refusal.detail) > 0);
                assert_true(text_is_utf8(span_str(refusal.detail)));
            }
            copy[i] = was;
        }
        free(copy);
    }
    issuer_cache_free(cache);
    assert_int_equal(taken, 0);
}

/* Leaf, eight intermediates, root: the longest.  With one more, the root left out is one too many.
 */
static void
longest_chain(void **state)
{
    struct chain_policy policy = policy_of(OPEN_NONE);
    struct span chain[CHAIN_MAX + 1] = {{0}};
    struct issuer_cache *cache;
    struct chain_refusal refusal;
    struct chain c = CHAIN_INIT;
    X509 *above = made[ROOT], *x[CHAIN_MAX];

    (void)state;
    assert_int_equal(issuer_cache_new(8, &cache), RES_OK);
    for (size_t i = 0; i < CHAIN_MAX; i++) {
        char cn[32];

        snprintf(cn, sizeof cn, "Level %zu", i);
        x[i] = above = mint_ca(cn, key[INTER], above, i == 0 ? key[ROOT] : key[INTER]);
        chain[CHAIN_MAX - 1 - i] = mint_der(above);
    }
    /* chain[1] is issued by ... chain[9], which ROOT issued: nine, and the root */
    assert_int_equal(
        chain_accept(&policy, accepted, cache, ENTRY_X509, chain + 1, CHAIN_MAX - 1, &c, &refusal),
        RES_OK);
    assert_int_equal(c.issuer_count, CHAIN_MAX - 1);
    assert_true(span_equal(c.issuer[CHAIN_MAX - 2], der[ROOT]));
    assert_int_equal(
        chain_accept(&policy, accepted, cache, ENTRY_X509, chain, CHAIN_MAX, &c, &refusal),
        RES_CHAIN_TOO_LONG);
    assert_string_equal(refusal.detail, "the chain holds 10 certificates without its root; 10 are "
                                        "taken, the root included");
    chain[CHAIN_MAX] = der[ROOT];
    assert_int_equal(
        chain_accept(&policy, accepted, cache, ENTRY_X509, chain + 1, CHAIN_MAX, &c, &refusal),
        RES_OK);
    assert_int_equal(c.issuer_count, CHAIN_MAX - 1);
    assert_int_equal(
        chain_accept(&policy, accepted, cache, ENTRY_X509, chain, CHAIN_MAX + 1, &c, &refusal),
        RES_CHAIN_TOO_LONG);
    for (size_t i = 0; i < CHAIN_MAX; i++) {
        X509_free(x[i]);
        mint_free(chain[i]);
    }
    issuer_cache_free(cache);
}

/* Names that are long, or hold control bytes and UTF-8, leave a sentence that can be shown. */
static void
details_are_short_ascii(void **state)
{
    struct chain_policy policy = policy_of(OPEN_NONE);
    struct issuer_cache *cache;
    struct chain_refusal refusal;
    struct chain c = CHAIN_INIT;
    struct mint_spec s = {.key = key[ROOT],
                          .subject = {{"CN", "\u0416\x01\x7f"
                                             "abcdefghijabcdefghijabcdefghijabcdefghij"
                                             "abcdefghijabcdefghij"}}};
    X509 *x = mint_cert(&s);
    struct span chain[2] = {mint_der(x), der[ROOT]};

    (void)state;
    assert_int_equal(issuer_cache_new(8, &cache), RES_OK);
    assert_int_equal(chain_accept(&policy, accepted, cache, ENTRY_X509, chain, 2, &c, &refusal),
                     RES_CHAIN_ORDER);
    assert_string_equal(
        refusal.detail,
        "certificate 0 names its issuer "
        "\"????abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd...\", certificate 1 "
        "is named \"Root\", and the names are not the same bytes");
    issuer_cache_free(cache);
    mint_free(chain[0]);
    X509_free(x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(longest_chain),
        cmocka_unit_test(details_are_short_ascii),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
