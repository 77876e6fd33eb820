#include "client/subject.h"

#include <assert.h>

#include "merkle/leaf/precert.h"

void
subject_release(struct subject *s)
{
    buf_release(&s->body);
}

struct entry
subject_entry(const struct subject *s)
{
    return (struct entry){
        .type = s->type, .issuer_key_hash = s->issuer_key_hash, .body = buf_span(&s->body)};
}

/* The issuer of certificate i of the chain: the next one, or an anchor with its name. */
static enum result
find_issuer(const struct subject_chain *chain, size_t i, const struct cert *of, struct cert *ret)
{
    if (i + 1 < chain->n) {
        enum result r = cert_parse(chain->certs[i + 1], ret);
        if (r == RES_OK && !span_equal(ret->subject, of->issuer))
            r = RES_CHAIN_ORDER;
        return r;
    }
    for (size_t k = 0; k < chain->anchor_count; k++)
        if (cert_parse(chain->anchors[k], ret) == RES_OK && span_equal(ret->subject, of->issuer))
            return RES_OK;
    /* A chain of one may be its own issuer. */
    if (span_equal(of->subject, of->issuer)) {
        *ret = *of;
        return RES_OK;
    }
    return RES_CHAIN_ROOT;
}

static enum result
of_precertificate(const struct subject_chain *chain, const struct cert *pre, struct subject *ret)
{
    struct cert issuer, final_issuer;
    enum result r = find_issuer(chain, 0, pre, &issuer);
    if (r != RES_OK)
        return r;
    bool signer = precert_is_signer(&issuer);
    if (signer) {
        r = find_issuer(chain, 1, &issuer, &final_issuer);
        if (r != RES_OK)
            return r;
    }
    ret->type = ENTRY_PRECERT;
    precert_issuer_key_hash(signer ? &final_issuer : &issuer, &ret->issuer_key_hash);
    return precert_tbs(pre, signer ? &issuer : NULL, &ret->body);
}

enum result
subject_submitted(const struct subject_chain *chain, struct subject *ret)
{
    struct cert leaf;
    assert(chain->n >= 1);
    buf_clear(&ret->body);
    enum result r = cert_parse(chain->certs[0], &leaf);
    if (r != RES_OK)
        return r;
    if (precert_is(&leaf))
        return of_precertificate(chain, &leaf, ret);
    ret->type = ENTRY_X509;
    ret->issuer_key_hash = (struct hash){{0}};
    return buf_add(&ret->body, chain->certs[0]);
}

enum result
subject_embedded(const struct subject_chain *chain, struct subject *ret)
{
    struct cert leaf, issuer;
    assert(chain->n >= 1);
    buf_clear(&ret->body);
    enum result r = cert_parse(chain->certs[0], &leaf);
    if (r == RES_OK && cert_find(&leaf, CERT_OID_SCT_LIST) == NULL)
        r = RES_CERT_SCT_LIST;
    if (r == RES_OK)
        r = find_issuer(chain, 0, &leaf, &issuer);
    if (r != RES_OK)
        return r;
    ret->type = ENTRY_PRECERT;
    precert_issuer_key_hash(&issuer, &ret->issuer_key_hash);
    return precert_final_tbs(&leaf, &ret->body);
}
