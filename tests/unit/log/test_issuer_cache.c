#include "log/accept/issuer_cache.h"

#include "tests/unit/log/keys.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct hash
hash_of(uint64_t n)
{
    struct hash h;

    hash_sha256(span_of(&n, sizeof n), &h);
    return h;
}

static void
cache_keeps_keys(void **state)
{
    struct span p256 = spki_of(key_of(MINT_P256)), weak = spki_of(key_of(MINT_RSA_1024));
    struct hash h[4] = {hash_of(0), hash_of(1), hash_of(2), hash_of(3)};
    struct issuer_cache *c;
    struct span der = signed_by(key_of(MINT_P256), NULL, false);
    struct issuer *first, *again, *other;

    (void)state;
    assert_int_equal(issuer_cache_new(2, &c), RES_OK);
    assert_int_equal(issuer_cache_get(c, &h[0], p256, &first), RES_OK);
    assert_int_equal(issuer_cache_get(c, &h[0], weak, &again), RES_OK); /* not decoded again */
    assert_ptr_equal(first, again);
    issuer_unref(again);
    assert_int_equal(issuer_cache_get(c, &h[1], weak, &again), RES_CHAIN_KEY);
    assert_int_equal(issuer_cache_get(c, &h[1], weak, &again), RES_CHAIN_KEY);
    for (size_t i = 1; i < 4; i++) { /* two more push the first out */
        assert_int_equal(issuer_cache_get(c, &h[i], p256, &other), RES_OK);
        issuer_unref(other);
    }
    assert_int_equal(issuer_cache_get(c, &h[0], p256, &again), RES_OK);
    assert_ptr_not_equal(first, again); /* first is still ours */
    issuer_unref(again);
    issuer_cache_free(c);
    assert_int_equal(verify(first, der), RES_OK);
    issuer_unref(first);
    mint_free(der);
    mint_free(p256);
    mint_free(weak);
}

static void
cache_remembers_pairs(void **state)
{
    struct hash a = hash_of(1), b = hash_of(2), d = hash_of(3);
    struct issuer_cache *c;

    (void)state;
    assert_int_equal(issuer_cache_new(2, &c), RES_OK);
    assert_false(issuer_cache_verified(c, &a, &b));
    issuer_cache_remember(c, &a, &b);
    issuer_cache_remember(c, &a, &b);
    assert_true(issuer_cache_verified(c, &a, &b));
    assert_false(issuer_cache_verified(c, &b, &a)); /* a pair has an order */
    assert_false(issuer_cache_verified(c, &a, &d));
    issuer_cache_remember(c, &a, &d);
    assert_true(issuer_cache_verified(c, &a, &b)); /* now the more recently used */
    issuer_cache_remember(c, &d, &a);
    assert_true(issuer_cache_verified(c, &a, &b));
    assert_false(issuer_cache_verified(c, &a, &d));
    assert_true(issuer_cache_verified(c, &d, &a));
    issuer_cache_free(c);
    issuer_cache_free(NULL);
}

struct job {
    struct issuer_cache *cache;
    struct span spki, der;
    struct issuer *got;
    bool ok;
};

static void *
get_and_verify(void *arg)
{
    struct job *j = arg;
    struct hash h = hash_of(7), many;

    j->ok = issuer_cache_get(j->cache, &h, j->spki, &j->got) == RES_OK;
    for (uint64_t n = 0; n < 200 && j->ok; n++) {
        struct issuer *i;

        many = hash_of(n % 5);
        j->ok = verify(j->got, j->der) == RES_OK &&
                issuer_cache_get(j->cache, &many, j->spki, &i) == RES_OK;
        if (j->ok) {
            issuer_unref(i);
        }
        issuer_cache_remember(j->cache, &h, &many);
        issuer_cache_verified(j->cache, &many, &h);
    }
    return NULL;
}

/* Four threads that miss at once, verify with one key, and push each other's keys out. */
static void
threads_share(void **state)
{
    struct span spki = spki_of(key_of(MINT_P256)),
                der = signed_by(key_of(MINT_P256), "SHA256", false);
    struct issuer_cache *cache;
    struct job job[4];
    pthread_t thread[4];

    (void)state;
    assert_int_equal(issuer_cache_new(3, &cache), RES_OK);
    for (size_t i = 0; i < 4; i++) {
        job[i] = (struct job){.cache = cache, .spki = spki, .der = der};
        assert_int_equal(pthread_create(&thread[i], NULL, get_and_verify, &job[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
        assert_true(job[i].ok);
        issuer_unref(job[i].got);
    }
    issuer_cache_free(cache);
    mint_free(spki);
    mint_free(der);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_keeps_keys),
        cmocka_unit_test(cache_remembers_pairs),
        cmocka_unit_test(threads_share),
    };

    return cmocka_run_group_tests(tests, NULL, keys_teardown);
}
