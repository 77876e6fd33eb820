#include "log/stored.h"

#include "log/accept/issuer.h"
#include "merkle/base/codec.h"
#include "merkle/leaf/precert.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/key.h"

/* What is wrong inside the store is the store's damage, whoever noticed it. */
static enum result
damaged(enum result rc)
{
    enum result_class class = result_class(rc);
    return class == CLASS_OK || class == CLASS_BROKEN ? rc : RES_STORE_DAMAGED;
}

enum result
stored_leaf(struct store_view *v, uint64_t index, struct tile_leaf *ret, struct span *ret_signature)
{
    struct store_entry e;
    enum result rc = store_get_entry(v, index, &e);
    if (rc != RES_OK)
        return rc;
    struct reader r = reader_of(e.leaf);
    rc = tile_leaf_read(&r, ret);
    if (rc == RES_OK)
        rc = reader_end(&r);
    *ret_signature = e.sct_signature;
    return damaged(rc);
}

enum result
stored_receipt(struct store_view *v, uint64_t index, const struct entry *e, struct log_receipt *ret)
{
    struct tile_leaf l;
    struct span signature;
    enum result rc = stored_leaf(v, index, &l, &signature);
    if (rc == RES_ERASED) /* nobody can tell any more */
        rc = RES_ABSENT;
    if (rc != RES_OK)
        return rc;
    const struct entry *stored = &l.timestamped.entry;
    if (stored->type != e->type || !span_equal(stored->body, e->body))
        return RES_ABSENT;
    if (e->type == ENTRY_PRECERT && !hash_equal(&stored->issuer_key_hash, &e->issuer_key_hash))
        return RES_ABSENT;
    if (signature.n > sizeof(ret->signature))
        return RES_STORE_DAMAGED;
    *ret = (struct log_receipt){.timestamp = l.timestamped.timestamp,
                                .index = index,
                                .signature_n = (uint8_t)signature.n,
                                .duplicate = true};
    memcpy(ret->signature, signature.p, signature.n);
    return RES_OK;
}

/* Finds issuer number i of the chain and checks that it hashes to its name. */
static enum result
chain_issuer(struct store_view *v, const struct tile_leaf *l, size_t i, struct cert *ret)
{
    struct span der;
    enum result rc = store_get_issuer(v, &l->chain[i], &der);
    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    struct hash h;
    hash_sha256(der, &h);
    if (!hash_equal(&h, &l->chain[i]))
        return RES_STORE_DAMAGED;
    return damaged(cert_parse(der, ret));
}

static enum result
check_precert(struct store_view *v, const struct tile_leaf *l, struct buf *scratch)
{
    struct cert pre, issuer, final;
    if (l->chain_count == 0)
        return RES_STORE_DAMAGED;
    enum result rc = damaged(cert_parse(l->precertificate, &pre));
    if (rc == RES_OK)
        rc = chain_issuer(v, l, 0, &issuer);
    if (rc != RES_OK)
        return rc;
    bool signer = precert_is_signer(&issuer);
    if (signer && l->chain_count < 2)
        return RES_STORE_DAMAGED;
    if (signer)
        rc = chain_issuer(v, l, 1, &final);
    buf_clear(scratch);
    if (rc == RES_OK)
        rc = damaged(precert_tbs(&pre, signer ? &issuer : NULL, scratch));
    if (rc != RES_OK)
        return rc;
    struct hash key_hash;
    precert_issuer_key_hash(signer ? &final : &issuer, &key_hash);
    const struct entry *e = &l->timestamped.entry;
    if (!span_equal(buf_span(scratch), e->body) || !hash_equal(&key_hash, &e->issuer_key_hash))
        return RES_STORE_DAMAGED;
    return RES_OK;
}

enum result
stored_check(struct store_view *v, uint64_t index, const struct tile_leaf *l, struct buf *scratch)
{
    uint64_t said;
    if (entry_find_leaf_index(l->timestamped.extensions, &said) != RES_OK || said != index)
        return RES_STORE_DAMAGED;
    if (l->timestamped.entry.type == ENTRY_PRECERT)
        return check_precert(v, l, scratch);
    return RES_OK;
}

enum result
stored_check_signature(const struct p256_key *key, const struct tile_leaf *l, struct span signature)
{
    struct hash digest;
    sct_signed_digest(&l->timestamped, &digest);
    return p256_verify_digest(key, &digest, signature);
}

enum result
stored_check_precert_signature(struct store_view *v, const struct tile_leaf *l)
{
    struct cert pre, issuer;
    struct issuer *key;
    if (l->timestamped.entry.type != ENTRY_PRECERT)
        return RES_OK;
    if (l->chain_count == 0)
        return RES_STORE_DAMAGED;
    enum result rc = damaged(cert_parse(l->precertificate, &pre));
    if (rc == RES_OK)
        rc = chain_issuer(v, l, 0, &issuer);
    if (rc == RES_OK)
        rc = damaged(issuer_new(issuer.spki, &key));
    if (rc != RES_OK)
        return rc;
    rc = damaged(issuer_verify(key, &pre));
    issuer_unref(key);
    return rc;
}
