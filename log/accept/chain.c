#include "log/accept/chain.h"

#include "log/accept/links.h"
#include "log/accept/say.h"
#include "log/accept/work.h"
#include "merkle/leaf/precert.h"

static enum result
parse_all(struct work *w, const struct span *certs)
{
    for (size_t i = 0; i < w->n; i++) {
        enum result r = cert_parse(certs[i], &w->cert[i]);

        if (r != RES_OK) {
            return work_refuse(w, r, "certificate %zu: %s", i, result_sentence(r));
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
        return work_refuse(w, RES_CERT_POISONED, "certificate 0 carries the poison extension");
    }
    if (w->type == ENTRY_PRECERT && !precert_is(leaf)) {
        return work_refuse(w, RES_CERT_POISON, "certificate 0 carries no poison extension");
    }
    if (w->type == ENTRY_PRECERT && precert_check_poison(leaf) != RES_OK) {
        return work_refuse(w, RES_CERT_POISON,
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
                   : work_refuse(w, RES_CHAIN_EKU, "certificate 0 carries no extended key usage");
    }
    for (size_t i = 0; i < p->eku_count; i++) {
        if (cert_has_eku(leaf, p->eku[i])) {
            return RES_OK;
        }
    }
    if (p->allow_any_eku && cert_has_eku(leaf, CERT_OID_ANY_EKU)) {
        return RES_OK;
    }
    return work_refuse(w, RES_CHAIN_EKU,
                       "certificate 0 carries %zu extended key usages, none of them accepted; "
                       "the first is %s",
                       leaf->eku_count,
                       leaf->eku_count > 0 ? say_oid(leaf->eku[0]).text : "missing");
}

static enum result
check_window(struct work *w)
{
    int64_t t = w->cert[0].not_after;

    if (t >= w->policy->not_after_start && t < w->policy->not_after_limit) {
        return RES_OK;
    }
    return work_refuse(w, RES_CHAIN_NOT_AFTER,
                       "certificate 0 is valid until %s, %s the window that this log takes",
                       say_date(t).text, t < w->policy->not_after_start ? "before" : "after");
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
            return work_refuse(w, RES_CHAIN_PRECERT_SIGNER,
                               "certificate %zu is a precertificate signing certificate and issues "
                               "something else than a precertificate",
                               j + 1);
        }
        if (j > 0) {
            return work_refuse(
                w, RES_CHAIN_PRECERT_SIGNER,
                "certificate %zu is a precertificate signing certificate and issues a "
                "CA certificate",
                j + 1);
        }
        if (issuer_count(w) == 1) {
            return work_refuse(
                w, RES_CHAIN_PRECERT_SIGNER,
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
            return work_refuse(w, r, "certificate 0: %s", result_sentence(r));
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
        check_kind, check_eku, check_window, links_check, links_verify, check_signers,
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
        return work_refuse(&w, RES_CHAIN_EMPTY, "the chain holds no certificate");
    }
    if (n > CHAIN_MAX) {
        return work_refuse(&w, RES_CHAIN_TOO_LONG, "the chain holds %zu certificates; %d are taken",
                           n, CHAIN_MAX);
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
