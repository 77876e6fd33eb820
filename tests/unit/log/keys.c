#include "tests/unit/log/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static EVP_PKEY *keys[MINT_P224 + 1];

EVP_PKEY *
key_of(enum mint_kind kind)
{
    if (keys[kind] == NULL) {
        keys[kind] = mint_key(kind);
    }
    return keys[kind];
}

int
keys_teardown(void **state)
{
    (void)state;
    for (unsigned k = 0; k <= MINT_P224; k++) {
        EVP_PKEY_free(keys[k]);
        keys[k] = NULL;
    }
    return 0;
}

struct span
spki_of(EVP_PKEY *key)
{
    uint8_t *p = NULL;
    int n = i2d_PUBKEY(key, &p);

    assert_true(n > 0);
    return span_of(p, (size_t)n);
}

enum result
new_issuer(EVP_PKEY *key, struct issuer **ret)
{
    struct span spki = spki_of(key);
    enum result r = issuer_new(spki, ret);

    mint_free(spki);
    return r;
}

struct span
signed_by(EVP_PKEY *key, const char *hash, bool pss)
{
    struct mint_spec s = {.key = key,
                          .subject = {{"CN", "x"}},
                          .hash = hash,
                          .pss = pss,
                          .extension = {{NULL, NULL}}};
    X509 *x = mint_cert(&s);
    struct span der = mint_der(x);

    X509_free(x);
    return der;
}

enum result
verify(const struct issuer *i, struct span der)
{
    struct cert c;

    assert_int_equal(cert_parse(der, &c), RES_OK);
    return issuer_verify(i, &c);
}
