#include "client/inclusion.h"

#include "merkle/tree/verify.h"

enum result
inclusion_check_sct(const struct policy_log *log, const struct sct *sct, const struct entry *entry,
                    uint64_t now, struct promise *ret)
{
    struct hash digest;
    const struct timestamped_entry t = {
        .timestamp = sct->timestamp, .entry = *entry, .extensions = sct->extensions};
    struct promise p = {.timestamp = sct->timestamp};
    if (!hash_equal(&sct->log_id, p256_key_id(log->p256)))
        return RES_LOG_ID;
    /* RFC 6962 section 2.1.4 with the one algorithm that our logs use. */
    if (sct->signature.hash != 4 || sct->signature.algorithm != 3)
        return RES_SIGNATURE;
    sct_signed_digest(&t, &digest);
    enum result r = p256_verify_digest(log->p256, &digest, sct->signature.signature);
    if (r != RES_OK)
        return r;
    r = entry_find_leaf_index(sct->extensions, &p.index);
    if (r != RES_OK && r != RES_ABSENT)
        return r;
    p.has_index = r == RES_OK;
    if (now != 0 && sct->timestamp > now + INCLUSION_AHEAD_MAX)
        return RES_CLOCK;
    entry_leaf_hash(&t, &p.leaf_hash);
    *ret = p;
    return RES_OK;
}

enum result
inclusion_check_proof(const struct promise *p, const struct head *head, uint64_t index,
                      const struct hash *path, size_t n)
{
    enum result r = inclusion_verify(&p->leaf_hash, index, head->size, path, n, &head->root);
    if (r == RES_OK && p->has_index && p->index != index)
        r = RES_CONFLICT;
    return r;
}

bool
inclusion_broken(const struct promise *p, const struct head *head, uint64_t mmd_ms)
{
    return p->has_index && head->size <= p->index && head->timestamp > p->timestamp &&
           head->timestamp - p->timestamp >= mmd_ms;
}
