#include "merkle/keytrans/feed.h"

#include "merkle/keytrans/wire.h"

void
feed_entry_get(struct reader *r, struct feed_entry *ret)
{
    ret->timestamp = get_u64(r);
    get_hash(r, &ret->prefix_root);
    get_hash(r, &ret->root);
    ret->certificates = get_u64(r);
    get_hash(r, &ret->certificates_root);
    ret->crls = get_u64(r);
    get_hash(r, &ret->crls_root);
    ret->additions = get_u32(r);
    get_hash(r, &ret->additions_hash);
}

void
feed_entry_put(struct writer *w, const struct feed_entry *e)
{
    put_u64(w, e->timestamp);
    put_bytes(w, hash_span(&e->prefix_root));
    put_bytes(w, hash_span(&e->root));
    put_u64(w, e->certificates);
    put_bytes(w, hash_span(&e->certificates_root));
    put_u64(w, e->crls);
    put_bytes(w, hash_span(&e->crls_root));
    put_u32(w, e->additions);
    put_bytes(w, hash_span(&e->additions_hash));
}

void
feed_addition_get(struct reader *r, struct prefix_leaf *ret)
{
    get_hash(r, &ret->key);
    get_hash(r, &ret->commitment);
}

void
feed_addition_put(struct writer *w, const struct prefix_leaf *leaf)
{
    put_bytes(w, hash_span(&leaf->key));
    put_bytes(w, hash_span(&leaf->commitment));
}
