#include "merkle/keytrans/config.h"

#include <sodium.h>
#include <string.h>

#include "merkle/keytrans/wire.h"

static void
get_key(struct reader *r, uint8_t ret[static KT_KEY_SIZE])
{
    struct span key = get_vec16(r, KT_KEY_SIZE, KT_KEY_SIZE);

    if (key.n == KT_KEY_SIZE)
        memcpy(ret, key.p, KT_KEY_SIZE);
}

void
kt_config_get(struct reader *r, struct kt_config *ret)
{
    struct kt_window *w = &ret->window;

    memset(ret, 0, sizeof(*ret));
    if (get_u16(r) != KT_SUITE_ED25519 || get_u8(r) != KT_MODE_CONTACT_MONITORING)
        reader_fail(r, RES_KT_SUITE);
    get_key(r, ret->signature_key);
    get_key(r, ret->vrf_key);
    ret->max_ahead = get_u64(r);
    ret->max_behind = get_u64(r);
    w->monitoring = get_u64(r);
    w->has_lifetime = get_present(r);
    if (w->has_lifetime) {
        w->lifetime = get_u64(r);
        if (w->lifetime <= w->monitoring)
            reader_fail(r, RES_VALUE);
    }
}

void
kt_config_put(struct writer *w, const struct kt_config *config)
{
    put_u16(w, KT_SUITE_ED25519);
    put_u8(w, KT_MODE_CONTACT_MONITORING);
    put_vec16(w, span_of(config->signature_key, KT_KEY_SIZE));
    put_vec16(w, span_of(config->vrf_key, KT_KEY_SIZE));
    put_u64(w, config->max_ahead);
    put_u64(w, config->max_behind);
    put_u64(w, config->window.monitoring);
    put_u8(w, config->window.has_lifetime);
    if (config->window.has_lifetime)
        put_u64(w, config->window.lifetime);
}

void
kt_head_tbs(struct writer *w, const struct kt_config *config, uint64_t size,
            const struct hash *root)
{
    kt_config_put(w, config);
    put_u64(w, size);
    put_bytes(w, hash_span(root));
}

enum result
kt_head_verify(const struct kt_config *config, uint64_t size, const struct hash *root,
               struct span signature)
{
    struct buf tbs = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w = writer_to(&tbs);
    enum result rc;

    kt_head_tbs(&w, config, size, root);
    rc = writer_end(&w);
    if (rc == RES_OK &&
        (signature.n != KT_SIGNATURE_SIZE ||
         crypto_sign_verify_detached(signature.p, tbs.p, tbs.n, config->signature_key) != 0))
        rc = RES_SIGNATURE;
    buf_release(&tbs);
    return rc;
}
