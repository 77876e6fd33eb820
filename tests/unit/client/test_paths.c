/* client/paths: a path among certificates that strangers have sent. */
#include "client/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mint/mint.h"

#define IN_2027 1800000000 /* everything that the mint makes is valid then */
#define IN_2025 1740000000

static EVP_PKEY *key_root, *key_ca, *key_leaf, *key_evil;
static X509 *root, *evil, *ca, *leaf;

/* ---- making them ---- */

/* A certificate for the name and key of CA. */
struct twin {
    EVP_PKEY *key;
    const X509 *issuer;
    EVP_PKEY *issuer_key;
    uint64_t serial;
    int64_t not_after;
    struct mint_pair more;
};

static X509 *
twin_of(const struct twin *t)
{
    struct mint_spec m = {.key = t->key,
                          .issuer = t->issuer,
                          .issuer_key = t->issuer_key,
                          .serial = t->serial,
                          .not_after = t->not_after,
                          .subject = {{"CN", "CA"}},
                          .extension = {{"basicConstraints", "critical,CA:TRUE"},
                                        {"keyUsage", "critical,keyCertSign"},
                                        t->more}};
    return mint_cert(&m);
}

/* A CA with that common name under issuer. */
static X509 *
ca_named(const char *cn, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct mint_spec m = {.key = key,
                          .issuer = issuer,
                          .issuer_key = issuer_key,
                          .serial = (uint64_t)(unsigned char)cn[0],
                          .subject = {{"CN", cn}},
                          .extension = {{"basicConstraints", "critical,CA:TRUE"}}};
    return mint_cert(&m);
}

static X509 *
leaf_under(const X509 *issuer, EVP_PKEY *issuer_key)
{
    struct mint_spec m = {.key = key_leaf,
                          .issuer = issuer,
                          .issuer_key = issuer_key,
                          .subject = {{"CN", "Alice"}},
                          .extension = {{"subjectAltName", "email:alice@good.example"},
                                        {"extendedKeyUsage", "emailProtection"}}};
    return mint_cert(&m);
}

/* Takes x over. */
static void
push(STACK_OF(X509) * s, X509 *x)
{
    assert_true(sk_X509_push(s, x) > 0);
}

static X509 *
again(X509 *x)
{
    assert_int_equal(X509_up_ref(x), 1);
    return x;
}

/* Frees issuers. */
static enum trust_reason
find(X509 *of, X509 *anchor, STACK_OF(X509) * issuers)
{
    STACK_OF(X509) *anchors = sk_X509_new_null();
    enum trust_reason why = TRUST_REASONS;
    struct paths_question q = {.leaf = of, .anchors = anchors, .issuers = issuers, .now = IN_2027};
    push(anchors, again(anchor));
    assert_int_equal(paths_find(&q, &why), RES_OK);
    sk_X509_pop_free(anchors, X509_free);
    sk_X509_pop_free(issuers, X509_free);
    return why;
}

/* ---- decoys ---- */

static const struct decoy {
    const char *says;
    enum trust_reason alone; /* when the real CA is not there */
    bool same_key, by_root;
    int64_t not_after;
    struct mint_pair more;
} decoys[] = {
    {.says = "its name, another key", .alone = TRUST_SIGNATURE},
    {.says = "its name and key, under a root that nobody believes",
     .alone = TRUST_NO_PATH,
     .same_key = true},
    {.says = "itself, expired",
     .alone = TRUST_EXPIRED,
     .same_key = true,
     .by_root = true,
     .not_after = IN_2027 - 1},
    {.says = "itself, bound to another domain",
     .alone = TRUST_NAMES,
     .same_key = true,
     .by_root = true,
     .more = {"nameConstraints", "critical,permitted;email:bank.example"}},
    {.says = "itself, for web servers",
     .alone = TRUST_EKU,
     .same_key = true,
     .by_root = true,
     .more = {"extendedKeyUsage", "serverAuth"}},
    {.says = "itself, with what nobody knows",
     .alone = TRUST_CRITICAL,
     .same_key = true,
     .by_root = true,
     .more = {"1.3.6.1.4.1.55555.7", "critical,DER:05:00"}},
};

static X509 *
decoy_of(const struct decoy *d, uint64_t serial)
{
    return twin_of(&(struct twin){.key = d->same_key ? key_ca : key_evil,
                                  .issuer = d->by_root ? root : evil,
                                  .issuer_key = d->by_root ? key_root : key_evil,
                                  .serial = serial,
                                  .not_after = d->not_after,
                                  .more = d->more});
}

/* Before the real one, behind it, and alone. */
static void
decoys_hide_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(decoys) / sizeof(decoys[0]); i++) {
        for (int where = 0; where < 3; where++) {
            STACK_OF(X509) *issuers = sk_X509_new_null();
            if (where == 1)
                push(issuers, again(ca));
            push(issuers, decoy_of(&decoys[i], 7));
            push(issuers, again(evil));
            if (where == 0)
                push(issuers, again(ca));
            enum trust_reason r = find(leaf, root, issuers);
            if (r != (where == 2 ? decoys[i].alone : TRUST_OK))
                fail_msg("%s, %d: %s", decoys[i].says, where, trust_reason_name(r));
        }
    }
}

/* As many as are looked at, the real one last: strangers cannot make so much work that it is not
 * found. */
static void
as_many_decoys_as_there_may_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        STACK_OF(X509) *issuers = sk_X509_new_null();
        push(issuers, again(evil));
        for (uint64_t n = 0; n < TRUST_ISSUERS_MAX - 2; n++)
            push(issuers, decoy_of(&decoys[i], 100 + n));
        push(issuers, again(ca));
        assert_int_equal(sk_X509_num(issuers), TRUST_ISSUERS_MAX);
        assert_int_equal(find(leaf, root, issuers), TRUST_OK);
    }
}

/* What the anchor itself has signed is judged so often and no more. */
static void
tries_are_bounded(void **state)
{
    (void)state;
    for (int n = PATHS_TRIES_MAX - 1; n <= PATHS_TRIES_MAX; n++) {
        STACK_OF(X509) *issuers = sk_X509_new_null();
        for (int i = 0; i < n; i++)
            push(issuers, decoy_of(&decoys[2], 100 + (uint64_t)i));
        push(issuers, again(ca));
        assert_int_equal(find(leaf, root, issuers), n < PATHS_TRIES_MAX ? TRUST_OK : TRUST_EXPIRED);
    }
}

/* ---- shapes ---- */

/* A row of CAs below the root, then a leaf. */
static enum trust_reason
in_depth(int cas)
{
    STACK_OF(X509) *issuers = sk_X509_new_null();
    X509 *above = root;
    EVP_PKEY *key = key_root;
    char name[8];
    for (int i = 0; i < cas; i++) {
        (void)snprintf(name, sizeof(name), "%c", 'a' + i);
        X509 *x = ca_named(name, key_ca, above, key);
        push(issuers, x);
        above = x;
        key = key_ca;
    }
    X509 *below = leaf_under(above, key);
    enum trust_reason r = find(below, root, issuers);
    X509_free(below);
    return r;
}

static void
depth_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(in_depth(0), TRUST_OK);
    assert_int_equal(in_depth(1), TRUST_OK);
    assert_int_equal(in_depth(TRUST_DEPTH_MAX), TRUST_OK);
    assert_int_equal(in_depth(TRUST_DEPTH_MAX + 1), TRUST_CA);
}

/* Two CAs that certify each other, with and without a way out. */
static void
circles_end(void **state)
{
    (void)state;
    X509 *root_b = ca_named("B", key_evil, NULL, NULL), *root_a = ca_named("A", key_ca, NULL, NULL);
    X509 *below = leaf_under(root_a, key_ca);
    for (int way_out = 0; way_out < 2; way_out++) {
        STACK_OF(X509) *issuers = sk_X509_new_null();
        push(issuers, ca_named("A", key_ca, root_b, key_evil));
        push(issuers, ca_named("B", key_evil, root_a, key_ca));
        push(issuers, again(root_a));
        if (way_out)
            push(issuers, ca_named("B", key_evil, root, key_root));
        assert_int_equal(find(below, root, issuers), way_out ? TRUST_OK : TRUST_NO_PATH);
    }
    X509_free(below);
    X509_free(root_a);
    X509_free(root_b);
}

static void
what_may_be_an_anchor(void **state)
{
    struct mint_spec old = {.key = key_root, .subject = {{"CN", "Old"}}, .version1 = true};
    X509 *v1 = mint_cert(&old), *below = leaf_under(v1, key_root);
    (void)state;
    /* A root of version 1, which cannot say that it is a CA. */
    assert_int_equal(find(below, v1, sk_X509_new_null()), TRUST_OK);
    X509_free(below);
    /* Below an anchor there is none. */
    struct mint_spec mid = {.key = key_ca,
                            .issuer = v1,
                            .issuer_key = key_root,
                            .subject = {{"CN", "CA"}},
                            .version1 = true};
    STACK_OF(X509) *issuers = sk_X509_new_null();
    push(issuers, mint_cert(&mid));
    assert_int_equal(find(leaf, v1, issuers), TRUST_CA);
    /* The certificate itself. */
    assert_int_equal(find(leaf, leaf, sk_X509_new_null()), TRUST_OK);
    /* The CA, though its root is there and nobody believes it. */
    issuers = sk_X509_new_null();
    push(issuers, again(root));
    assert_int_equal(find(leaf, ca, issuers), TRUST_OK);
    /* Something else. */
    issuers = sk_X509_new_null();
    push(issuers, again(ca));
    push(issuers, again(root));
    assert_int_equal(find(leaf, evil, issuers), TRUST_NO_PATH);
    X509_free(v1);
}

/* The clock can say what no certificate can. */
static void
any_time(void **state)
{
    STACK_OF(X509) *anchors = sk_X509_new_null();
    enum trust_reason why;
    (void)state;
    push(anchors, again(ca));
    struct paths_question q = {.leaf = leaf, .anchors = anchors};
    assert_int_equal(paths_find(&q, &why), RES_OK);
    assert_int_equal(why, TRUST_NOT_YET);
    q.now = IN_2025;
    assert_int_equal(paths_find(&q, &why), RES_OK);
    assert_int_equal(why, TRUST_NOT_YET);
    q.now = UINT64_MAX;
    assert_int_equal(paths_find(&q, &why), RES_OK);
    assert_int_equal(why, TRUST_EXPIRED);
    sk_X509_pop_free(anchors, X509_free);
}

static int
setup(void **state)
{
    (void)state;
    key_root = mint_key(MINT_P256);
    key_ca = mint_key(MINT_P256);
    key_leaf = mint_key(MINT_P256);
    key_evil = mint_key(MINT_P256);
    root = mint_root("Root", key_root);
    evil = mint_root("Evil", key_evil);
    ca = twin_of(&(struct twin){.key = key_ca, .issuer = root, .issuer_key = key_root});
    leaf = leaf_under(ca, key_ca);
    return 0;
}

static int
teardown(void **state)
{
    X509 *certs[] = {root, evil, ca, leaf};
    EVP_PKEY *keys[] = {key_root, key_ca, key_leaf, key_evil};
    (void)state;
    for (int i = 0; i < 4; i++) {
        X509_free(certs[i]);
        EVP_PKEY_free(keys[i]);
    }
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoys_hide_nothing),
        cmocka_unit_test(as_many_decoys_as_there_may_be),
        cmocka_unit_test(tries_are_bounded),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(what_may_be_an_anchor),
        cmocka_unit_test(any_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
