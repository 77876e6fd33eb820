#include "log/accept/chain.h"

#include "log/accept/say.h"
#include "merkle/leaf/precert.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* A chain while it is looked at. */
struct work {
    const struct chain_policy *policy;
    const struct roots *roots;
    struct issuer_cache *cache;
    enum entry_type type;
    size_t n;                /* certificates handed in */
    const struct root *root; /* what they end in */
    bool root_given;         /* it is the last of them */
    struct chain_refusal *refusal;
    struct hash sha256[CHAIN_MAX]; /* of the issuers; the leaf's is not needed */
    struct cert cert[CHAIN_MAX];
};

__attribute__((format(printf, 3, 4))) static enum result
refuse(struct work *w, enum result why, const char *format, ...)
{
    va_list ap;

    w->refusal->why = why;
    va_start(ap, format);
    vsnprintf(w->refusal->detail, sizeof w->refusal->detail, format, ap);
    va_end(ap);
    return why;
}

static enum result
parse_all(struct work *w, const struct span *certs)
{
    for (size_t i = 0; i < w->n; i++) {
        enum result r = cert_parse(certs[i], &w->cert[i]);

        if (r != RES_OK) {
            return refuse(w, r, "certificate %zu: %s", i, result_sentence(r));
        }
        if (i > 0) {
            hash_sha256(certs[i], &w->sha256[i]);
        }
    }
    return RES_OK;
}

/* Precertificates go to add-pre-chain, nothing else does. */
static enum result
check_kind(struct work *w)
{
    const struct cert *leaf = &w->cert[0];

    if (w->type == ENTRY_X509 && precert_is(leaf)) {
        return refuse(w, RES_CERT_POISONED, "certificate 0 carries the poison extension");
    }
    if (w->type == ENTRY_PRECERT && !precert_is(leaf)) {
        return refuse(w, RES_CERT_POISON, "certificate 0 carries no poison extension");
    }
    if (w->type == ENTRY_PRECERT && precert_check_poison(leaf) != RES_OK) {
        return refuse(w, RES_CERT_POISON,
                      "the poison extension of certificate 0 is not critical or not NULL");
    }
    return RES_OK;
}

static enum result
check_eku(struct work *w)
{
    const struct chain_policy *p = w->policy;
    const struct cert *leaf = &w->cert[0];

    if (!leaf->has_eku) {
        return p->allow_no_eku
                   ? RES_OK
                   : refuse(w, RES_CHAIN_EKU, "certificate 0 carries no extended key usage");
    }
    for (size_t i = 0; i < p->eku_count; i++) {
        if (cert_has_eku(leaf, p->eku[i])) {
            return RES_OK;
        }
    }
    if (p->allow_any_eku && cert_has_eku(leaf, CERT_OID_ANY_EKU)) {
        return RES_OK;
    }
    return refuse(w, RES_CHAIN_EKU,
                  "certificate 0 carries %zu extended key usages, none of them accepted; "
                  "the first is %s",
                  leaf->eku_count, leaf->eku_count > 0 ? say_oid(leaf->eku[0]).text : "missing");
}

static enum result
check_window(struct work *w)
{
    int64_t t = w->cert[0].not_after;

    if (t >= w->policy->not_after_start && t < w->policy->not_after_limit) {
        return RES_OK;
    }
    return refuse(w, RES_CHAIN_NOT_AFTER,
                  "certificate 0 is valid until %s, %s the window that this log takes",
                  say_date(t).text, t < w->policy->not_after_start ? "before" : "after");
}

/* No issuer twice, and nothing after an accepted root that ends a chain by itself. */
static enum result
check_unused(struct work *w)
{
    for (size_t i = 1; i < w->n; i++) {
        const struct root *root = roots_by_sha256(w->roots, &w->sha256[i]);

        for (size_t j = i + 1; j < w->n; j++) {
            if (hash_equal(&w->sha256[i], &w->sha256[j])) {
                return refuse(w, RES_CHAIN_UNUSED, "certificates %zu and %zu are the same", i, j);
            }
        }
        if (root != NULL && i + 1 < w->n && span_equal(root->cert.issuer, root->cert.subject)) {
            return refuse(w, RES_CHAIN_UNUSED,
                          "certificate %zu is an accepted root, and %zu more follow it", i,
                          w->n - 1 - i);
        }
    }
    return RES_OK;
}

static enum result
check_names(struct work *w)
{
    for (size_t i = 0; i + 1 < w->n; i++) {
        if (!span_equal(w->cert[i].issuer, w->cert[i + 1].subject)) {
            return refuse(w, RES_CHAIN_ORDER,
                          "certificate %zu names its issuer %s, certificate %zu is named %s, "
                          "and the names are not the same bytes",
                          i, say_name(w->cert[i].issuer).text, i + 1,
                          say_name(w->cert[i + 1].subject).text);
        }
    }
    return RES_OK;
}

/* Every issuer is a CA; an accepted root may be silent about it, as the version 1 roots of old are.
 */
static enum result
check_ca(struct work *w)
{
    for (size_t i = 1; i < w->n; i++) {
        const struct cert *c = &w->cert[i];

        if (c->is_ca || (i == w->n - 1 && w->root_given && !c->has_basic_constraints)) {
            continue;
        }
        return refuse(w, RES_CHAIN_CA, "certificate %zu, %s, %s", i, say_name(c->subject).text,
                      c->has_basic_constraints ? "says that it is no CA"
                                               : "does not say that it is a CA");
    }
    return RES_OK;
}

/* Whether the last certificate is an accepted root, or is issued in the name of one. */
static enum result
look_for_root(struct work *w)
{
    size_t last = w->n - 1, from = 0;

    if (last > 0) {
        w->root = roots_by_sha256(w->roots, &w->sha256[last]);
        w->root_given = w->root != NULL;
    }
    if (w->root_given && w->root->verify_only) {
        return refuse(w, RES_CHAIN_ROOT_VERIFY_ONLY,
                      "certificate %zu is a root that is kept for verification only", last);
    }
    if (!w->root_given && roots_by_subject(w->roots, w->cert[last].issuer, &from) == NULL) {
        return refuse(w, RES_CHAIN_ROOT,
                      "certificate %zu is no accepted root, and none is named as its issuer, %s",
                      last, say_name(w->cert[last].issuer).text);
    }
    if (!w->root_given && w->n == CHAIN_MAX) {
        return refuse(w, RES_CHAIN_TOO_LONG,
                      "the chain holds %zu certificates without its root; %d are taken, the root "
                      "included",
                      w->n, CHAIN_MAX);
    }
    return RES_OK;
}

/* The sentence for what issuer_verify or issuer_cache_get said of certificate i and its issuer. */
static enum result
refuse_link(struct work *w, size_t i, enum result why)
{
    const struct cert *c = &w->cert[i];

    switch (why) {
    case RES_CHAIN_KEY:
        return refuse(w, why,
                      "certificate %zu holds a key that is not on the list (algorithm %s): "
                      "RSA of 2048 to 8192 bits, P-256, P-384, P-521, Ed25519, Ed448",
                      i + 1, say_algorithm(w->cert[i + 1].spki_algorithm).text);
    case RES_CHAIN_SIGNATURE:
        if (i + 1 == w->n) {
            return refuse(w, why,
                          "the signature of certificate %zu does not verify with the key of any "
                          "accepted root named %s",
                          i, say_name(c->issuer).text);
        }
        return refuse(w, why,
                      "the signature of certificate %zu does not verify with the key of "
                      "certificate %zu",
                      i, i + 1);
    case RES_CHAIN_SIGNATURE_ALGORITHM:
        if (!span_equal(c->algorithm, c->tbs_algorithm)) {
            return refuse(w, why,
                          "certificate %zu states signature algorithm %s inside and %s outside, "
                          "not the same bytes",
                          i, say_algorithm(c->tbs_algorithm).text,
                          say_algorithm(c->algorithm).text);
        }
        return refuse(w, why,
                      "certificate %zu is signed with algorithm %s, which is not on the list or "
                      "not one of its issuer's key",
                      i, say_algorithm(c->algorithm).text);
    default:
        return why;
    }
}

/* Checks certificate i with its issuer's key; that of a CA certificate is checked once and
 * remembered. */
static enum result
verify_with(struct work *w, size_t i, const struct issuer *issuer, const struct hash *sha256)
{
    enum result r = issuer_verify(issuer, &w->cert[i]);

    if (r == RES_OK && i > 0) {
        issuer_cache_remember(w->cache, &w->sha256[i], sha256);
    }
    return r;
}

static bool
is_remembered(struct work *w, size_t i, const struct hash *sha256)
{
    return i > 0 && issuer_cache_verified(w->cache, &w->sha256[i], sha256);
}

/* Certificate i with the key of the next one. */
static enum result
verify_with_next(struct work *w, size_t i)
{
    struct issuer *issuer;
    enum result r;

    if (is_remembered(w, i, &w->sha256[i + 1])) {
        return RES_OK;
    }
    r = issuer_cache_get(w->cache, &w->sha256[i + 1], w->cert[i + 1].spki, &issuer);
    if (r == RES_OK) {
        r = verify_with(w, i, issuer, &w->sha256[i + 1]);
        issuer_unref(issuer);
    }
    return r == RES_OK ? RES_OK : refuse_link(w, i, r);
}

/* Certificate i with the key of that root. */
static enum result
verify_with_root(struct work *w, size_t i, const struct root *root)
{
    if (is_remembered(w, i, &root->sha256)) {
        return RES_OK;
    }
    return verify_with(w, i, root->issuer, &root->sha256);
}

/*
 * Finds the root that issued the last certificate: names may be shared, so every root of that name
 * is tried.  Those that take submissions go first.
 */
static enum result
choose_root(struct work *w)
{
    enum result worst = RES_CHAIN_SIGNATURE_ALGORITHM;
    size_t last = w->n - 1;

    for (int verify_only = 0; verify_only < 2; verify_only++) {
        const struct root *root;
        size_t from = 0;

        while ((root = roots_by_subject(w->roots, w->cert[last].issuer, &from)) != NULL) {
            enum result r;

            if (root->verify_only != (verify_only != 0)) {
                continue;
            }
            r = verify_with_root(w, last, root);
            if (r == RES_OK && root->verify_only) {
                return refuse(w, RES_CHAIN_ROOT_VERIFY_ONLY,
                              "certificate %zu is issued by a root that is kept for verification "
                              "only, %s",
                              last, say_name(root->cert.subject).text);
            }
            if (r == RES_OK) {
                w->root = root;
                return RES_OK;
            }
            if (r != RES_CHAIN_SIGNATURE_ALGORITHM) {
                worst = r;
            }
        }
    }
    return refuse_link(w, last, worst);
}

/* From the root down: no key is decoded that no accepted root vouches for. */
static enum result
verify_all(struct work *w)
{
    size_t i = w->n - 1;
    enum result r = RES_OK;

    if (!w->root_given) {
        r = choose_root(w);
    } else {
        i--;
        r = verify_with_root(w, i, w->root);
        if (r != RES_OK) {
            return refuse_link(w, i, r);
        }
    }
    while (r == RES_OK && i-- > 0) {
        r = verify_with_next(w, i);
    }
    return r;
}

static size_t
issuer_count(const struct work *w)
{
    return w->root_given ? w->n - 1 : w->n;
}

/* The j-th issuer, the root last. */
static const struct cert *
issuer_at(const struct work *w, size_t j)
{
    return j + 1 < w->n ? &w->cert[j + 1] : &w->root->cert;
}

/* A precertificate signing certificate may issue a precertificate and nothing else, and is itself
 * issued by the CA that issues the certificate: so it is neither the root nor any other issuer. */
static enum result
check_signers(struct work *w)
{
    for (size_t j = 0; j < issuer_count(w); j++) {
        if (!precert_is_signer(issuer_at(w, j))) {
            continue;
        }
        if (w->type != ENTRY_PRECERT) {
            return refuse(w, RES_CHAIN_PRECERT_SIGNER,
                          "certificate %zu is a precertificate signing certificate and issues "
                          "something else than a precertificate",
                          j + 1);
        }
        if (j > 0) {
            return refuse(w, RES_CHAIN_PRECERT_SIGNER,
                          "certificate %zu is a precertificate signing certificate and issues a "
                          "CA certificate",
                          j + 1);
        }
        if (issuer_count(w) == 1) {
            return refuse(w, RES_CHAIN_PRECERT_SIGNER,
                          "the accepted root, %s, is a precertificate signing certificate: the "
                          "issuer of the certificate is not in the chain",
                          say_name(w->root->cert.subject).text);
        }
    }
    return RES_OK;
}

/* entry, key and what belongs to a precertificate. */
static enum result
fill_entry(struct work *w, struct chain *c)
{
    const struct cert *signer = issuer_at(w, 0), *issuer = signer;
    enum result r;

    c->entry.type = w->type;
    c->entry.body = w->cert[0].der;
    if (w->type == ENTRY_PRECERT) {
        if (precert_is_signer(signer)) {
            issuer = issuer_at(w, 1);
        } else {
            signer = NULL;
        }
        r = precert_tbs(&w->cert[0], signer, &c->tbs);
        if (r != RES_OK) {
            return refuse(w, r, "certificate 0: %s", result_sentence(r));
        }
        c->precertificate = w->cert[0].der;
        c->entry.body = buf_span(&c->tbs);
        precert_issuer_key_hash(issuer, &c->entry.issuer_key_hash);
    }
    hash_sha256(issuer->spki, &c->issuing_key);
    entry_key(&c->entry, &c->key);
    return RES_OK;
}

static void
fill_issuers(const struct work *w, struct chain *c)
{
    c->issuer_count = issuer_count(w);
    for (size_t j = 0; j + 1 < c->issuer_count; j++) {
        c->issuer[j] = w->cert[j + 1].der;
        c->issuer_sha256[j] = w->sha256[j + 1];
    }
    c->issuer[c->issuer_count - 1] = w->root->der;
    c->issuer_sha256[c->issuer_count - 1] = w->root->sha256;
}

/* The checks in order: cheap ones first, signatures last. */
static enum result
check(struct work *w, const struct span *certs)
{
    static enum result (*const checks[])(struct work *) = {
        check_kind,    check_eku, check_window, check_unused,  check_names,
        look_for_root, check_ca,  verify_all,   check_signers,
    };
    enum result r = parse_all(w, certs);

    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && r == RES_OK; i++) {
        r = checks[i](w);
    }
    return r;
}

enum result
chain_accept(const struct chain_policy *policy, const struct roots *roots,
             struct issuer_cache *cache, enum entry_type type, const struct span *certs, size_t n,
             struct chain *ret, struct chain_refusal *refusal)
{
    struct chain c = CHAIN_INIT;
    struct work w; /* 45 KB, of which only what is used is written */
    enum result r;

    w.policy = policy;
    w.roots = roots;
    w.cache = cache;
    w.type = type;
    w.n = n;
    w.root = NULL;
    w.root_given = false;
    w.refusal = refusal;
    refusal->why = RES_OK;
    refusal->detail[0] = '\0';
    if (n == 0) {
        return refuse(&w, RES_CHAIN_EMPTY, "the chain holds no certificate");
    }
    if (n > CHAIN_MAX) {
        return refuse(&w, RES_CHAIN_TOO_LONG, "the chain holds %zu certificates; %d are taken", n,
                      CHAIN_MAX);
    }
    r = check(&w, certs);
    if (r == RES_OK) {
        r = fill_entry(&w, &c);
    }
    if (r != RES_OK) {
        refusal->why = r;
        chain_release(&c);
        return r;
    }
    fill_issuers(&w, &c);
    *ret = c;
    return RES_OK;
}

void
chain_release(struct chain *c)
{
    buf_release(&c->tbs);
}
