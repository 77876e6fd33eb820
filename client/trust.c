#include "client/trust.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "client/path.h"
#include "client/paths.h"
#include "merkle/leaf/mailboxes.h"

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
    [TRUST_WEAK] = {"weak",
                    "a key or signature in its path has less than 112 bits of strength, or is of "
                    "a kind that is not known here (RFC 8550 4)"},
    [TRUST_ADDRESS] = {"address", "it is not certified for this address (RFC 8550 3)"},
    [TRUST_REVOKED] = {"revoked", "it was revoked (RFC 5280 6.3)"},
    [TRUST_MALFORMED] = {"malformed",
                         "it, or a certificate above it, cannot be read (RFC 5280 4.1)"},
    [TRUST_POLICY] = {"policy", "a CA above it demands a policy that it lacks (RFC 5280 6.1.5), or "
                                "it has too many to judge"},
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
    STACK_OF(X509) * certs;
};

/* All of der.  RES_CERT, RES_MEMORY. */
static enum result
read_x509(struct span der, X509 **ret)
{
    const unsigned char *p = der.p;

    if (der.n == 0 || der.n > CERT_MAX)
        return RES_CERT;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    /* Its extensions too, which libcrypto reads once, and for good: now memory can be told of. */
    if (x != NULL)
        (void)X509_check_purpose(x, -1, 0);
    if (path_out_of_memory()) {
        X509_free(x);
        return RES_MEMORY;
    }
    if (x != NULL && p != der.p + der.n) {
        X509_free(x);
        x = NULL;
    }
    *ret = x;
    return x != NULL ? RES_OK : RES_CERT;
}

static enum result
add_cert(STACK_OF(X509) * to, X509 *x)
{
    if (sk_X509_push(to, x) > 0)
        return RES_OK;
    X509_free(x);
    return RES_MEMORY;
}

enum result
trust_anchors_new(const struct span *der, size_t n, struct trust_anchors **ret)
{
    struct trust_anchors *a = calloc(1, sizeof(*a));
    enum result rc = n > TRUST_ANCHORS_MAX ? RES_TOO_LARGE : RES_OK;

    if (a == NULL)
        return RES_MEMORY;
    a->certs = sk_X509_new_null();
    if (a->certs == NULL)
        rc = RES_MEMORY;
    for (size_t i = 0; i < n && rc == RES_OK; i++) {
        X509 *x;
        rc = read_x509(der[i], &x);
        if (rc == RES_OK)
            rc = add_cert(a->certs, x);
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
    sk_X509_pop_free(a->certs, X509_free);
    free(a);
}

static enum result
read_issuers(const struct trust_question *q, STACK_OF(X509) * *ret)
{
    STACK_OF(X509) *s = sk_X509_new_null();
    enum result rc = s == NULL ? RES_MEMORY : RES_OK;

    for (size_t i = 0; rc == RES_OK && i < q->issuers_n && i < TRUST_ISSUERS_MAX; i++) {
        X509 *x;
        enum result one = read_x509(q->issuers[i], &x);
        if (one == RES_OK)
            rc = add_cert(s, x);
        else if (one == RES_MEMORY)
            rc = one;
    }
    if (rc != RES_OK) {
        sk_X509_pop_free(s, X509_free);
        return rc;
    }
    *ret = s;
    return RES_OK;
}

/* ---- the leaf's own ---- */

/* keyUsage, RFC 5280 4.2.1.3: without it a key may do what its type can. */
static bool
may_be_used(X509 *leaf, enum mailbox_purpose purpose)
{
    uint32_t usage = X509_get_key_usage(leaf); /* all bits when there is none */
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    int type = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
    bool agrees = type == EVP_PKEY_EC || type == EVP_PKEY_X25519 || type == EVP_PKEY_X448;
    bool can_sign = key != NULL && type != EVP_PKEY_X25519 && type != EVP_PKEY_X448;
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

/* Whether text, which is certified, is the address that was typed, which has that form. */
static enum result
is_spelt(struct span text, const struct trust_question *q, const struct address *typed, bool *ret)
{
    struct address a;
    enum result rc = address_parse(text, &a);

    *ret = rc == RES_OK && span_equal(address_span(&a), address_span(typed)) &&
           (q->fold || span_equal(local_part(text), local_part(q->address)));
    return rc == RES_MEMORY ? rc : RES_OK;
}

/* The text of a name that is for mail; false for any other. */
static bool
is_mail_name(const GENERAL_NAME *n, struct span *ret)
{
    const ASN1_STRING *s = NULL;

    if (n->type == GEN_EMAIL)
        s = n->d.rfc822Name;
    else if (n->type != GEN_OTHERNAME ||
             OBJ_obj2nid(n->d.otherName->type_id) != NID_id_on_SmtpUTF8Mailbox)
        return false;
    else if (n->d.otherName->value->type == V_ASN1_UTF8STRING)
        s = n->d.otherName->value->value.utf8string;
    *ret = s != NULL ? span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s))
                     : span_of(NULL, 0);
    return true;
}

/*
 * Whether one of the names in the subjectAltName is spelt like the address; *ret_any: whether there
 * is a name for mail, legible or not.  Each name by itself: a certificate may have an address in
 * two spellings, which are one mailbox.
 */
static enum result
spelt_in_san(X509 *leaf, const struct trust_question *q, const struct address *typed, bool *ret_any,
             bool *ret)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    enum result rc = RES_OK;
    struct span text;

    if (names == NULL && path_out_of_memory())
        return RES_MEMORY;
    *ret_any = *ret = false;
    for (int i = 0; rc == RES_OK && !*ret && i < sk_GENERAL_NAME_num(names); i++) {
        if (!is_mail_name(sk_GENERAL_NAME_value(names, i), &text))
            continue;
        *ret_any = true;
        rc = is_spelt(text, q, typed, ret);
    }
    GENERAL_NAMES_free(names);
    return rc;
}

/* Whether c names the mailbox in the place that counts, and all readers read it so; *ret is where.
 */
static enum result
find_mailbox(const struct cert *c, const struct address *typed, struct mailboxes *ret,
             const struct mailbox **ret_one)
{
    enum result rc = mailboxes_of(c, ret);

    if (rc != RES_OK)
        return rc;
    *ret_one = NULL;
    for (size_t i = 0; i < ret->n && *ret_one == NULL; i++)
        if (span_equal(ret->list[i].address, address_span(typed)))
            *ret_one = &ret->list[i];
    return RES_OK;
}

static enum result
certifies(X509 *leaf, const struct cert *c, const struct trust_question *q,
          const struct address *typed, bool *ret)
{
    const struct mailbox *one;
    struct mailboxes all;
    bool in_san, spelt;
    enum result rc = find_mailbox(c, typed, &all, &one);

    if (rc != RES_OK)
        return rc;
    *ret = false;
    if (one != NULL)
        rc = spelt_in_san(leaf, q, typed, &in_san, &spelt);
    if (one != NULL && rc == RES_OK) {
        if (in_san)
            *ret = spelt && one->source <= MAILBOX_SAN_SMTPUTF8;
        else if (one->source == MAILBOX_SUBJECT_EMAIL)
            rc = is_spelt(one->certified, q, typed, ret);
    }
    mailboxes_release(&all);
    return rc;
}

/* ---- judging ---- */

static enum result
judge(const struct trust_anchors *a, const struct trust_question *q, X509 *leaf,
      const struct cert *c, enum trust_reason *ret)
{
    struct paths_question p = {.leaf = leaf, .anchors = a->certs, .now = q->now};
    struct address typed;
    bool certified = false;
    enum result parsed = address_parse(q->address, &typed);
    enum result rc = parsed == RES_MEMORY ? parsed : read_issuers(q, &p.issuers);

    if (rc != RES_OK)
        return rc;
    p.address = parsed == RES_OK ? &typed : NULL;
    rc = paths_find(&p, ret);
    sk_X509_pop_free(p.issuers, X509_free);
    if (rc != RES_OK || *ret != TRUST_OK)
        return rc;
    if (!may_be_used(leaf, q->purpose)) {
        *ret = TRUST_KEY_USAGE;
        return RES_OK;
    }
    if (parsed == RES_OK)
        rc = certifies(leaf, c, q, &typed, &certified);
    if (rc == RES_OK && !certified)
        *ret = TRUST_ADDRESS;
    return rc;
}

enum result
trust_validate(const struct trust_anchors *a, const struct trust_question *q,
               enum trust_reason *ret_reason)
{
    enum trust_reason reason = TRUST_MALFORMED;
    X509 *leaf = NULL;
    struct cert c;
    enum result rc = read_x509(q->leaf, &leaf);

    if (rc == RES_OK && cert_parse(q->leaf, &c) == RES_OK)
        rc = judge(a, q, leaf, &c, &reason);
    X509_free(leaf);
    ERR_clear_error();
    if (rc == RES_CERT)
        rc = RES_OK; /* TRUST_MALFORMED */
    if (rc == RES_OK)
        *ret_reason = reason;
    return rc;
}
