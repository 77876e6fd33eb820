#include "client/trust.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "merkle/leaf/mailboxes.h"

/* OpenSSL's level of 112 bits: RSA from 2048, SHA-2. */
#define SECURITY_LEVEL 2

static const struct {
    const char *name, *sentence;
} REASONS[TRUST_REASONS] = {
    [TRUST_OK] = {"ok", "it validates"},
    [TRUST_EXPIRED] = {"expired", "it, or a certificate above it, has expired (RFC 5280 6.1.3)"},
    [TRUST_NOT_YET] = {"not-yet-valid",
                       "it, or a certificate above it, is not valid yet (RFC 5280 6.1.3)"},
    [TRUST_NO_PATH] = {"no-path", "no path leads to one of your trust anchors (RFC 5280 6.1)"},
    [TRUST_CA] = {"ca-constraint",
                  "a certificate above it may not issue, or not so far down (RFC 5280 6.1.4)"},
    [TRUST_NAMES] = {"name-constraint",
                     "a CA above it may not issue for these names (RFC 5280 4.2.1.10)"},
    [TRUST_CRITICAL] = {"critical-extension",
                        "it has a critical extension that is not known (RFC 5280 4.2)"},
    [TRUST_EKU] = {"eku", "it, or a CA above it, is not for e-mail (RFC 5280 4.2.1.12)"},
    [TRUST_KEY_USAGE] = {"key-usage", "its key is not for that purpose (RFC 5280 4.2.1.3)"},
    [TRUST_SIGNATURE] = {"signature", "a signature in its path is wrong (RFC 5280 6.1.3)"},
    [TRUST_WEAK] = {"weak", "a key or signature in its path has less than 112 bits of strength"},
    [TRUST_ADDRESS] = {"address", "it is not certified for this address (RFC 8550 3)"},
    [TRUST_REVOKED] = {"revoked", "it was revoked (RFC 5280 6.3)"},
    [TRUST_MALFORMED] = {"malformed", "it cannot be read (RFC 5280 4.1)"},
};

const char *
trust_reason_name(enum trust_reason r)
{
    return REASONS[r].name;
}

const char *
trust_reason_sentence(enum trust_reason r)
{
    return REASONS[r].sentence;
}

/* ---- certificates ---- */

struct trust_anchors {
    X509_STORE *store;
};

/* All of der, or NULL. */
static X509 *
read_x509(struct span der)
{
    const unsigned char *p = der.p;
    X509 *x = der.n > 0 && der.n <= CERT_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;

    if (x != NULL && p != der.p + der.n) {
        X509_free(x);
        x = NULL;
    }
    ERR_clear_error();
    return x;
}

enum result
trust_anchors_new(const struct span *der, size_t n, struct trust_anchors **ret)
{
    struct trust_anchors *a = calloc(1, sizeof(*a));
    enum result rc = n > TRUST_ANCHORS_MAX ? RES_TOO_LARGE : RES_OK;

    if (a == NULL)
        return RES_MEMORY;
    a->store = X509_STORE_new();
    if (a->store == NULL)
        rc = RES_MEMORY;
    for (size_t i = 0; i < n && rc == RES_OK; i++) {
        X509 *x = read_x509(der[i]);
        if (x == NULL)
            rc = RES_CERT;
        else if (X509_STORE_add_cert(a->store, x) != 1)
            rc = RES_MEMORY;
        X509_free(x);
    }
    if (rc != RES_OK) {
        trust_anchors_free(a);
        return rc;
    }
    *ret = a;
    return RES_OK;
}

void
trust_anchors_free(struct trust_anchors *a)
{
    if (a == NULL)
        return;
    X509_STORE_free(a->store);
    free(a);
}

/* ---- the path ---- */

static enum trust_reason
reason_of(int error)
{
    switch (error) {
    case X509_V_OK:
        return TRUST_OK;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TRUST_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TRUST_NOT_YET;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return TRUST_CA;
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
        return TRUST_NAMES;
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return TRUST_CRITICAL;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
        return TRUST_SIGNATURE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return TRUST_WEAK;
    case X509_V_ERR_INVALID_EXTENSION:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
        return TRUST_MALFORMED;
    default:
        return TRUST_NO_PATH;
    }
}

/* Key purposes bind every certificate of the path that has them, RFC 5280 4.2.1.12 for the leaf
 * and, as all verifiers in use do, the CAs; the anchor is trusted as the user gave it. */
static bool
for_email(STACK_OF(X509) * chain)
{
    int n = sk_X509_num(chain);

    for (int i = 0; i < n; i++) {
        X509 *x = sk_X509_value(chain, i);
        bool anchor = i > 0 && i == n - 1;
        if (!anchor && (X509_get_extension_flags(x) & EXFLAG_XKUSAGE) != 0 &&
            (X509_get_extended_key_usage(x) & (XKU_SMIME | XKU_ANYEKU)) == 0)
            return false;
    }
    return true;
}

static STACK_OF(X509) * untrusted_of(const struct trust_question *q)
{
    STACK_OF(X509) *s = sk_X509_new_null();

    for (size_t i = 0; s != NULL && i < q->issuers_n && i < TRUST_ISSUERS_MAX; i++) {
        X509 *x = read_x509(q->issuers[i]);
        if (x != NULL && sk_X509_push(s, x) <= 0)
            X509_free(x);
    }
    return s;
}

static enum result
validate_path(const struct trust_anchors *a, const struct trust_question *q, X509 *leaf,
              enum trust_reason *ret)
{
    STACK_OF(X509) *untrusted = untrusted_of(q);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum result rc = RES_MEMORY;

    if (untrusted == NULL || ctx == NULL ||
        X509_STORE_CTX_init(ctx, a->store, leaf, untrusted) != 1)
        goto out;
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(p, (time_t)q->now);
    X509_VERIFY_PARAM_set_depth(p, TRUST_DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(p, SECURITY_LEVEL);
    /* The user's anchor may be any CA. */
    if (X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN) != 1)
        goto out;
    int ok = X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    if (ok < 0 || error == X509_V_ERR_OUT_OF_MEM)
        goto out;
    *ret = ok == 1 ? TRUST_OK : reason_of(error);
    if (ok != 1 && *ret == TRUST_OK)
        *ret = TRUST_NO_PATH;
    if (*ret == TRUST_OK && !for_email(X509_STORE_CTX_get0_chain(ctx)))
        *ret = TRUST_EKU;
    rc = RES_OK;
out:
    X509_STORE_CTX_free(ctx);
    sk_X509_pop_free(untrusted, X509_free);
    ERR_clear_error();
    return rc;
}

/* ---- the leaf's own ---- */

/* keyUsage, RFC 5280 4.2.1.3: without it a key may do what its type can. */
static bool
may_be_used(X509 *leaf, enum mailbox_purpose purpose)
{
    uint32_t usage = X509_get_key_usage(leaf); /* all bits when there is none */
    int type = EVP_PKEY_get_base_id(X509_get0_pubkey(leaf));
    bool agrees = type == EVP_PKEY_EC || type == EVP_PKEY_X25519 || type == EVP_PKEY_X448;
    bool can_sign = type != EVP_PKEY_X25519 && type != EVP_PKEY_X448;
    bool can_encrypt = type == EVP_PKEY_RSA || agrees;
    bool signs = can_sign && (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
    bool encrypts =
        can_encrypt &&
        (usage & (agrees ? KU_KEY_AGREEMENT : KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)) != 0;

    return purpose == MAILBOX_SIGN      ? signs
           : purpose == MAILBOX_ENCRYPT ? encrypts
                                        : signs || encrypts;
}

/* What stands before the last '@'. */
static struct span
local_part(struct span text)
{
    size_t n = text.n;

    while (n > 0 && text.p[n - 1] != '@')
        n--;
    return span_of(text.p, n > 0 ? n - 1 : 0);
}

/* Whether m, which is certified, is the address that was typed.  Both have the same form, so
 * with folding nothing is left to compare. */
static bool
is_address(const struct mailbox *m, const struct trust_question *q, const struct address *typed)
{
    if (!span_equal(m->address, address_span(typed)))
        return false;
    return q->fold || span_equal(local_part(m->certified), local_part(q->address));
}

static enum result
certifies(const struct trust_question *q, bool *ret)
{
    struct mailboxes all;
    struct address typed;
    struct cert c;
    bool in_san = false;

    *ret = false;
    if (address_parse(q->address, &typed) != RES_OK || cert_parse(q->leaf, &c) != RES_OK)
        return RES_OK;
    enum result rc = mailboxes_of(&c, &all);
    if (rc != RES_OK)
        return rc;
    for (size_t i = 0; i < all.n; i++)
        in_san = in_san || all.list[i].source <= MAILBOX_SAN_SMTPUTF8;
    for (size_t i = 0; i < all.n; i++) {
        bool counts = in_san ? all.list[i].source <= MAILBOX_SAN_SMTPUTF8
                             : all.list[i].source == MAILBOX_SUBJECT_EMAIL;
        *ret = *ret || (counts && is_address(&all.list[i], q, &typed));
    }
    mailboxes_release(&all);
    return RES_OK;
}

enum result
trust_validate(const struct trust_anchors *a, const struct trust_question *q,
               enum trust_reason *ret_reason)
{
    X509 *leaf = read_x509(q->leaf);
    bool certified;
    enum result rc;

    if (leaf == NULL) {
        *ret_reason = TRUST_MALFORMED;
        return RES_OK;
    }
    rc = validate_path(a, q, leaf, ret_reason);
    if (rc == RES_OK && *ret_reason == TRUST_OK && !may_be_used(leaf, q->purpose))
        *ret_reason = TRUST_KEY_USAGE;
    if (rc == RES_OK && *ret_reason == TRUST_OK) {
        rc = certifies(q, &certified);
        if (rc == RES_OK && !certified)
            *ret_reason = TRUST_ADDRESS;
    }
    X509_free(leaf);
    return rc;
}
