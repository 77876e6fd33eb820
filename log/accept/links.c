#include "log/accept/links.h"

#include "log/accept/say.h"

/* No issuer twice, and nothing after an accepted root that ends a chain by itself. */
static enum result
check_unused(struct work *w)
{
    for (size_t i = 1; i < w->n; i++) {
        const struct root *root = roots_by_sha256(w->roots, &w->sha256[i]);

        for (size_t j = i + 1; j < w->n; j++) {
            if (hash_equal(&w->sha256[i], &w->sha256[j])) {
                return work_refuse(w, RES_CHAIN_UNUSED, "certificates %zu and %zu are the same", i,
                                   j);
            }
        }
        if (root != NULL && i + 1 < w->n && span_equal(root->cert.issuer, root->cert.subject)) {
            return work_refuse(w, RES_CHAIN_UNUSED,
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
            return work_refuse(w, RES_CHAIN_ORDER,
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
        return work_refuse(w, RES_CHAIN_CA, "certificate %zu, %s, %s", i, say_name(c->subject).text,
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
        return work_refuse(w, RES_CHAIN_ROOT_VERIFY_ONLY,
                           "certificate %zu is a root that is kept for verification only", last);
    }
    if (!w->root_given && roots_by_subject(w->roots, w->cert[last].issuer, &from) == NULL) {
        return work_refuse(
            w, RES_CHAIN_ROOT,
            "certificate %zu is no accepted root, and none is named as its issuer, %s", last,
            say_name(w->cert[last].issuer).text);
    }
    if (!w->root_given && w->n == CHAIN_MAX) {
        return work_refuse(
            w, RES_CHAIN_TOO_LONG,
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
        return work_refuse(w, why,
                           "certificate %zu holds a key that is not on the list (algorithm %s): "
                           "RSA of 2048 to 8192 bits, P-256, P-384, P-521, Ed25519, Ed448",
                           i + 1, say_algorithm(w->cert[i + 1].spki_algorithm).text);
    case RES_CHAIN_SIGNATURE:
        if (i + 1 == w->n) {
            return work_refuse(
                w, why,
                "the signature of certificate %zu does not verify with the key of any "
                "accepted root named %s",
                i, say_name(c->issuer).text);
        }
        return work_refuse(w, why,
                           "the signature of certificate %zu does not verify with the key of "
                           "certificate %zu",
                           i, i + 1);
    case RES_CHAIN_SIGNATURE_ALGORITHM:
        if (!span_equal(c->algorithm, c->tbs_algorithm)) {
            return work_refuse(
                w, why,
                "certificate %zu states signature algorithm %s inside and %s outside, "
                "not the same bytes",
                i, say_algorithm(c->tbs_algorithm).text, say_algorithm(c->algorithm).text);
        }
        return work_refuse(
            w, why,
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
                return work_refuse(
                    w, RES_CHAIN_ROOT_VERIFY_ONLY,
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

enum result
links_check(struct work *w)
{
    enum result r = check_unused(w);

    if (r == RES_OK) {
        r = check_names(w);
    }
    if (r == RES_OK) {
        r = look_for_root(w);
    }
    return r == RES_OK ? check_ca(w) : r;
}

enum result
links_verify(struct work *w)
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
