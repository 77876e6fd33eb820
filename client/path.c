#include "client/path.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "client/constraints.h"

/* OpenSSL's level of 112 bits: RSA from 2048, SHA-2. */
#define SECURITY_LEVEL 2
/* 9999-12-31T23:59:59Z, the last time that a certificate can say, RFC 5280 4.1.2.5. */
#define LAST_SECOND 253402300799

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

/* The user's anchor may be any CA.  Any policy will do (without this, none would), but where a CA
 * demands that there is one (RFC 5280 6.1.5 g), there must be. */
static enum result
set_parameters(X509_STORE_CTX *ctx, uint64_t now, bool policies)
{
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | (policies ? X509_V_FLAG_POLICY_CHECK : 0);
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_time(p, (time_t)(now < LAST_SECOND ? now : LAST_SECOND));
    X509_VERIFY_PARAM_set_depth(p, TRUST_DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(p, SECURITY_LEVEL);
    if (X509_VERIFY_PARAM_set_flags(p, flags) != 1 ||
        (policies && X509_VERIFY_PARAM_add0_policy(p, OBJ_nid2obj(NID_any_policy)) != 1))
        return RES_MEMORY;
    return RES_OK;
}

bool
path_out_of_memory(void)
{
    unsigned long e;
    bool seen = false;

    while ((e = ERR_get_error()) != 0)
        seen = seen || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
    return seen;
}

struct links {
    STACK_OF(X509) * between, *anchor;
};

static enum result
verify_once(const struct path *p, const struct links *l, bool policies, enum trust_reason *ret)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum result rc = RES_MEMORY;

    if (ctx == NULL || X509_STORE_CTX_init(ctx, NULL, p->cert[0], l->between) != 1)
        goto out;
    X509_STORE_CTX_set0_trusted_stack(ctx, l->anchor);
    if (set_parameters(ctx, p->now, policies) != RES_OK)
        goto out;
    int ok = X509_verify_cert(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    if (ok != 1 && (path_out_of_memory() || error == X509_V_ERR_OUT_OF_MEM))
        goto out;
    if (ok < 0) {
        rc = RES_CRYPTO;
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

/*
 * What libcrypto says of the leaf, these CAs and that anchor.  It calls memory also what is no lack
 * of it: a tree of policies with more than a thousand nodes.  When it does so again, and not where
 * policies are left alone, that is what it is.
 */
static enum result
verify(const struct path *p, const struct links *l, enum trust_reason *ret)
{
    enum trust_reason without;
    enum result rc = verify_once(p, l, true, ret);

    if (rc == RES_MEMORY)
        rc = verify_once(p, l, true, ret);
    if (rc != RES_MEMORY)
        return rc;
    rc = verify_once(p, l, false, &without);
    if (rc == RES_OK)
        *ret = without == TRUST_OK ? TRUST_POLICY : without;
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

/* What libcrypto does not look at, in the CA at i. */
static enum result
look_again(const struct path *p, int i, enum trust_reason *ret)
{
    bool anchor = i == p->n - 1, allowed = true;
    enum result rc = RES_OK;

    if (p->address != NULL)
        rc = constraints_allow(p->cert[i], p->address, &allowed);
    if (rc != RES_OK)
        return rc;
    if (!is_ca(p->cert[i], anchor))
        *ret = TRUST_CA;
    else if (!anchor && !is_for_email(p->cert[i]))
        *ret = TRUST_EKU;
    else if (!allowed)
        *ret = TRUST_NAMES;
    return RES_OK;
}

enum result
path_judge(const struct path *p, enum trust_reason *ret)
{
    STACK_OF(X509) *between = sk_X509_new_null(), *anchor = sk_X509_new_null();
    enum trust_reason why = TRUST_OK;
    enum result rc = between != NULL && anchor != NULL ? RES_OK : RES_MEMORY;

    for (int i = 1; i < p->n - 1 && rc == RES_OK; i++)
        rc = sk_X509_push(between, p->cert[i]) > 0 ? RES_OK : RES_MEMORY;
    if (rc == RES_OK)
        rc = sk_X509_push(anchor, p->cert[p->n - 1]) > 0 ? RES_OK : RES_MEMORY;
    if (rc == RES_OK)
        rc = verify(p, &(struct links){between, anchor}, &why);
    sk_X509_free(between); /* the certificates are borrowed */
    sk_X509_free(anchor);
    if (rc == RES_OK && why == TRUST_OK && !is_for_email(p->cert[0]))
        why = TRUST_EKU;
    for (int i = 1; i < p->n && rc == RES_OK && why == TRUST_OK; i++)
        rc = look_again(p, i, &why);
    if (rc == RES_OK)
        *ret = why;
    return rc;
}
