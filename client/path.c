#include "client/path.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* OpenSSL's level of 112 bits: RSA from 2048, SHA-2. */
#define SECURITY_LEVEL 2
/* 9999-12-31T23:59:59Z, the last time that a certificate can say, RFC 5280 4.1.2.5. */
#define LAST_SECOND 253402300799

struct search {
    const struct path_question *q;
    X509 *path[TRUST_DEPTH_MAX + 2]; /* the leaf first; borrowed */
    int next[TRUST_DEPTH_MAX + 1];   /* where the search for the issuer of each goes on */
    int n;
    unsigned signatures, tries; /* that may still be made */
    bool judged;                /* why is about a path, not about pieces */
    enum trust_reason why;
};

/* ---- one path ---- */

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
    case X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED:
        return TRUST_CRITICAL;
    case X509_V_ERR_NO_EXPLICIT_POLICY:
    case X509_V_ERR_INVALID_POLICY_EXTENSION:
        return TRUST_POLICY;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
        return TRUST_SIGNATURE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
    case X509_V_ERR_EC_KEY_EXPLICIT_PARAMS:
        return TRUST_WEAK;
    case X509_V_ERR_INVALID_EXTENSION:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_UNSPECIFIED:
        return TRUST_MALFORMED;
    default:
        return TRUST_NO_PATH;
    }
}

static bool
out_of_memory(void)
{
    unsigned long e;
    bool seen = false;

    while ((e = ERR_get_error()) != 0)
        seen = seen || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
    return seen;
}

static void
set_parameters(X509_STORE_CTX *ctx, uint64_t now)
{
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_time(p, (time_t)(now < LAST_SECOND ? now : LAST_SECOND));
    X509_VERIFY_PARAM_set_depth(p, TRUST_DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(p, SECURITY_LEVEL);
    /* The user's anchor may be any CA.  Policies of any kind will do, but where a CA demands that
     * there is one (RFC 5280 6.1.5 g), there must be. */
    (void)X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK);
}

/* What libcrypto says of the leaf, these CAs and that anchor. */
static enum result
verify(const struct path_question *q, STACK_OF(X509) * between, STACK_OF(X509) * anchor,
       enum trust_reason *ret)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum result rc = RES_MEMORY;

    if (ctx == NULL || X509_STORE_CTX_init(ctx, NULL, q->leaf, between) != 1)
        goto out;
    X509_STORE_CTX_set0_trusted_stack(ctx, anchor);
    set_parameters(ctx, q->now);
    int ok = X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    if (ok < 0 || error == X509_V_ERR_OUT_OF_MEM) {
        rc = error == X509_V_ERR_OUT_OF_MEM || out_of_memory() ? RES_MEMORY : RES_CRYPTO;
        goto out;
    }
    *ret = ok == 1 ? TRUST_OK : reason_of(error);
    if (ok != 1 && *ret == TRUST_OK)
        *ret = TRUST_NO_PATH;
    rc = RES_OK;
out:
    X509_STORE_CTX_free(ctx);
    return rc;
}

/* Key purposes bind every certificate of the path that has them: RFC 5280 4.2.1.12 for the leaf
 * and, as all verifiers in use do, the CAs; the anchor is trusted as the user gave it. */
static bool
is_for_email(X509 *x)
{
    return (X509_get_extension_flags(x) & EXFLAG_XKUSAGE) == 0 ||
           (X509_get_extended_key_usage(x) & (XKU_SMIME | XKU_ANYEKU)) != 0;
}

/* "RFC 5280 6.1.4 k: verify that the basicConstraints extension is present and that cA is TRUE." An
 * anchor of version 1 has none. */
static bool
is_ca(X509 *x, bool anchor)
{
    return X509_check_ca(x) == 1 || (anchor && X509_get_version(x) == X509_VERSION_1);
}

/* What libcrypto does not look at. */
static enum result
look_again(const struct search *s, enum trust_reason *ret)
{
    if (!is_for_email(s->path[0]))
        *ret = TRUST_EKU;
    for (int i = 1; i < s->n && *ret == TRUST_OK; i++) {
        bool anchor = i == s->n - 1, allowed = true;
        enum result rc = RES_OK;
        if (s->q->address != NULL)
            rc = constraints_allow(s->path[i], s->q->address, &allowed);
        if (rc != RES_OK)
            return rc;
        if (!is_ca(s->path[i], anchor))
            *ret = TRUST_CA;
        else if (!anchor && !is_for_email(s->path[i]))
            *ret = TRUST_EKU;
        else if (!allowed)
            *ret = TRUST_NAMES;
    }
    return RES_OK;
}

/* Judges the path as it stands, its last certificate being an anchor. */
static enum result
judge(struct search *s)
{
    STACK_OF(X509) *between = sk_X509_new_null(), *anchor = sk_X509_new_null();
    enum trust_reason why = TRUST_OK;
    enum result rc = between != NULL && anchor != NULL ? RES_OK : RES_MEMORY;

    s->tries--;
    for (int i = 1; i < s->n - 1 && rc == RES_OK; i++)
        rc = sk_X509_push(between, s->path[i]) > 0 ? RES_OK : RES_MEMORY;
    if (rc == RES_OK)
        rc = sk_X509_push(anchor, s->path[s->n - 1]) > 0 ? RES_OK : RES_MEMORY;
    if (rc == RES_OK)
        rc = verify(s->q, between, anchor, &why);
    if (rc == RES_OK && why == TRUST_OK)
        rc = look_again(s, &why);
    sk_X509_free(between); /* the certificates are borrowed */
    sk_X509_free(anchor);
    if (rc == RES_OK && (!s->judged || why == TRUST_OK))
        s->why = why;
    s->judged = true;
    return rc;
}

/* ---- looking for one ---- */

/* As far as can be seen without a key. */
static bool
may_have_issued(X509 *issuer, X509 *x)
{
    const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(x);
    const ASN1_OCTET_STRING *its = X509_get0_subject_key_id(issuer);

    if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(x)) != 0)
        return false;
    return wanted == NULL || its == NULL || ASN1_OCTET_STRING_cmp(wanted, its) == 0;
}

static bool
on_path(const struct search *s, const X509 *x)
{
    for (int i = 0; i < s->n; i++)
        if (s->path[i] == x || X509_cmp(s->path[i], x) == 0)
            return true;
    return false;
}

static enum result
has_signed(struct search *s, X509 *issuer, X509 *x, bool *ret)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    enum trust_reason why = TRUST_SIGNATURE;

    s->signatures--;
    *ret = false;
    if (key == NULL)
        why = TRUST_WEAK; /* of a kind that libcrypto does not know */
    else
        *ret = X509_verify(x, key) == 1;
    if (out_of_memory())
        return RES_MEMORY;
    if (!*ret && !s->judged && s->why == TRUST_NO_PATH)
        s->why = why;
    return RES_OK;
}

/* The next issuer of the path's last certificate; NULL when there is none any more, or no more work
 * may be done. */
static enum result
next_issuer(struct search *s, X509 **ret, bool *ret_anchor)
{
    int anchors = sk_X509_num(s->q->anchors), all = anchors + sk_X509_num(s->q->issuers);
    int *i = &s->next[s->n - 1];
    X509 *top = s->path[s->n - 1];
    bool is_issuer = false;

    *ret = NULL;
    while (*i < all && s->signatures > 0 && s->tries > 0) {
        *ret_anchor = *i < anchors;
        X509 *x = *ret_anchor ? sk_X509_value(s->q->anchors, *i)
                              : sk_X509_value(s->q->issuers, *i - anchors);
        (*i)++;
        if (!may_have_issued(x, top) || on_path(s, x))
            continue;
        enum result rc = has_signed(s, x, top, &is_issuer);
        if (rc != RES_OK)
            return rc;
        if (is_issuer) {
            *ret = x;
            return RES_OK;
        }
    }
    return RES_OK;
}

/* The user may name the certificate itself. */
static bool
is_anchor(const struct path_question *q)
{
    for (int i = 0; i < sk_X509_num(q->anchors); i++)
        if (X509_cmp(sk_X509_value(q->anchors, i), q->leaf) == 0)
            return true;
    return false;
}

enum result
path_find(const struct path_question *q, enum trust_reason *ret)
{
    struct search s = {.q = q,
                       .path = {q->leaf},
                       .n = 1,
                       .signatures = PATH_SIGNATURES_MAX,
                       .tries = PATH_TRIES_MAX,
                       .why = TRUST_NO_PATH};
    enum result rc = is_anchor(q) ? judge(&s) : RES_OK;

    while (rc == RES_OK && s.n > 0 && s.why != TRUST_OK) {
        X509 *issuer;
        bool anchor;
        rc = next_issuer(&s, &issuer, &anchor);
        if (rc != RES_OK)
            break;
        if (issuer == NULL) {
            s.n--;
            continue;
        }
        s.path[s.n++] = issuer;
        if (anchor) {
            rc = judge(&s);
            s.n--;
        } else if (s.n > TRUST_DEPTH_MAX + 1) {
            s.why = s.judged ? s.why : TRUST_CA;
            s.n--;
        } else {
            s.next[s.n - 1] = 0;
        }
    }
    ERR_clear_error();
    if (rc == RES_OK)
        *ret = s.why;
    return rc;
}
