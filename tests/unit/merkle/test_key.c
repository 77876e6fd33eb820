/* merkle/note/key: signatures against Wycheproof, verifier keys against what others made. */
#include "merkle/note/key.h"

#include "tests/vectors/guard.h"
#include "tests/vectors/testdata.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the two above first. */
#include <cmocka.h>

#define MAX (1 << 20)

/* Test cases of one vector file by verdict; how many were refused with which flags. */
struct tally {
    size_t valid, invalid, acceptable, acceptable_refused;
};

static void
count(struct tally *t, const cJSON *test, enum result r)
{
    const char *want = testdata_string(test, "result");
    uint64_t id = testdata_u64(test, "tcId");
    if (strcmp(want, "valid") == 0) {
        t->valid++;
        if (r != RES_OK)
            fail_msg("case %d is valid: %s", (int)id, result_name(r));
    } else if (strcmp(want, "invalid") == 0) {
        t->invalid++;
        if (r != RES_SIGNATURE)
            fail_msg("case %d is invalid: %s", (int)id, result_name(r));
    } else {
        const cJSON *flag = cJSON_GetArrayItem(testdata_member(test, "flags"), 0);
        t->acceptable++;
        t->acceptable_refused += r != RES_OK;
        print_message("case %d, acceptable: %s (%s)\n", (int)id, result_name(r),
                      flag == NULL ? "no flag" : flag->valuestring);
    }
}

static void
print_tally(const char *what, const struct tally *t)
{
    print_message(
        "%s: %zu valid accepted, %zu invalid refused, %zu acceptable of which %zu refused\n", what,
        t->valid, t->invalid, t->acceptable, t->acceptable_refused);
}

static void
wycheproof_ed25519(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/2-crypto/wycheproof/ed25519_test.json");
    const cJSON *group, *test;
    struct tally t = {.valid = 0};
    struct buf key = BUF_INIT(MAX), msg = BUF_INIT(MAX), sig = BUF_INIT(MAX);
    struct guard g;
    guard_init(&g, MAX);
    cJSON_ArrayForEach(group, testdata_member(json, "testGroups"))
    {
        testdata_hex(testdata_string(testdata_member(group, "publicKey"), "pk"), &key);
        assert_int_equal(key.n, 32);
        cJSON_ArrayForEach(test, testdata_member(group, "tests"))
        {
            testdata_hex(testdata_string(test, "msg"), &msg);
            testdata_hex(testdata_string(test, "sig"), &sig);
            count(&t, test, ed25519_verify(key.p, buf_span(&msg), guard_put(&g, buf_span(&sig))));
        }
    }
    print_tally("Ed25519", &t);
    assert_true(t.valid >= 80 && t.invalid >= 60);
    guard_release(&g);
    buf_release(&key);
    buf_release(&msg);
    buf_release(&sig);
    cJSON_Delete(json);
}

static void
wycheproof_p256(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/2-crypto/wycheproof/ecdsa_secp256r1_sha256_test.json");
    const cJSON *group, *test;
    struct tally t = {.valid = 0};
    struct buf spki = BUF_INIT(MAX), msg = BUF_INIT(MAX), sig = BUF_INIT(MAX);
    struct guard g;
    guard_init(&g, MAX);
    cJSON_ArrayForEach(group, testdata_member(json, "testGroups"))
    {
        struct p256_key *key;
        testdata_hex(testdata_string(group, "publicKeyDer"), &spki);
        assert_int_equal(p256_key_parse(buf_span(&spki), &key), RES_OK);
        cJSON_ArrayForEach(test, testdata_member(group, "tests"))
        {
            testdata_hex(testdata_string(test, "msg"), &msg);
            testdata_hex(testdata_string(test, "sig"), &sig);
            count(&t, test, p256_verify(key, buf_span(&msg), guard_put(&g, buf_span(&sig))));
        }
        p256_key_free(key);
    }
    print_tally("ECDSA P-256", &t);
    assert_true(t.valid >= 150 && t.invalid >= 200);
    guard_release(&g);
    buf_release(&spki);
    buf_release(&msg);
    buf_release(&sig);
    cJSON_Delete(json);
}

/* A fresh key pair: our public half, libcrypto's private one. */
static EVP_PKEY *
make_pair(struct p256_key **ret)
{
    unsigned char *spki = NULL;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    int n = i2d_PUBKEY(pair, &spki);
    assert_int_equal(n, 91);
    assert_int_equal(p256_key_parse(span_of(spki, (size_t)n), ret), RES_OK);
    assert_true(span_equal(p256_key_spki(*ret), span_of(spki, (size_t)n)));
    OPENSSL_free(spki);
    return pair;
}

static size_t
sign(EVP_PKEY *pair, struct span msg, uint8_t sig[static 80])
{
    size_t n = 80;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, pair), 1);
    assert_int_equal(EVP_DigestSign(c, sig, &n, msg.p, msg.n), 1);
    EVP_MD_CTX_free(c);
    return n;
}

static void
p256_signatures_are_told(void **state)
{
    (void)state;
    struct p256_key *key, *other;
    EVP_PKEY *pair = make_pair(&key), *pair2 = make_pair(&other);
    uint8_t sig[80];
    size_t n = sign(pair, span_str("message"), sig);
    assert_int_equal(p256_verify(key, span_str("message"), span_of(sig, n)), RES_OK);
    assert_int_equal(p256_verify(key, span_str("massage"), span_of(sig, n)), RES_SIGNATURE);
    assert_int_equal(p256_verify(other, span_str("message"), span_of(sig, n)), RES_SIGNATURE);
    assert_int_equal(p256_verify(key, span_str("message"), span_of(NULL, 0)), RES_SIGNATURE);
    sig[n] = 0;
    assert_int_equal(p256_verify(key, span_str("message"), span_of(sig, n + 1)), RES_SIGNATURE);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p256_verify(key, span_str("message"), span_of(sig, i)), RES_SIGNATURE);
        sig[i] ^= 1;
        assert_int_equal(p256_verify(key, span_str("message"), span_of(sig, n)), RES_SIGNATURE);
        sig[i] ^= 1;
    }
    assert_int_equal(p256_verify(key, span_str("message"), span_of(sig, n)), RES_OK);
    p256_key_free(key);
    p256_key_free(other);
    p256_key_free(NULL);
    EVP_PKEY_free(pair);
    EVP_PKEY_free(pair2);
}

static void
only_one_form_of_key_is_read(void **state)
{
    (void)state;
    struct p256_key *key, *got;
    EVP_PKEY *pair = make_pair(&key);
    uint8_t spki[92];
    memcpy(spki, p256_key_spki(key).p, 91);
    for (size_t n = 0; n < 91; n++)
        assert_int_equal(p256_key_parse(span_of(spki, n), &got), RES_KEY);
    spki[91] = 0;
    assert_int_equal(p256_key_parse(span_of(spki, 92), &got), RES_KEY);
    /* Any bit of the frame; any bit of Y leaves the curve. */
    for (size_t i = 0; i < 27 * 8; i++) {
        spki[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(p256_key_parse(span_of(spki, 91), &got), RES_KEY);
        spki[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    spki[90] ^= 1;
    assert_int_equal(p256_key_parse(span_of(spki, 91), &got), RES_KEY);
    memset(spki + 27, 0, 64);
    assert_int_equal(p256_key_parse(span_of(spki, 91), &got), RES_KEY);
    /* The same key with its point compressed, and another curve. */
    unsigned char *der = NULL;
    EVP_PKEY_set_utf8_string_param(pair, "point-format", "compressed");
    int n = i2d_PUBKEY(pair, &der);
    assert_true(n > 0 && n < 91);
    assert_int_equal(p256_key_parse(span_of(der, (size_t)n), &got), RES_KEY);
    OPENSSL_free(der);
    der = NULL;
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    n = i2d_PUBKEY(p384, &der);
    assert_int_equal(p256_key_parse(span_of(der, (size_t)n), &got), RES_KEY);
    OPENSSL_free(der);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(pair);
    p256_key_free(key);
}

struct shared_key {
    struct p256_key *key;
    uint8_t sig[80];
    size_t n;
};

static void *
verify_often(void *arg)
{
    const struct shared_key *s = arg;
    for (unsigned i = 0; i < 500; i++) {
        struct span msg = span_str(i % 2 == 0 ? "message" : "massage");
        enum result r = p256_verify(s->key, msg, span_of(s->sig, s->n));
        if (r != (i % 2 == 0 ? RES_OK : RES_SIGNATURE))
            return arg;
    }
    return NULL;
}

static void
threads_share_a_key(void **state)
{
    (void)state;
    struct shared_key s;
    pthread_t thread[4];
    void *failed;
    EVP_PKEY *pair = make_pair(&s.key);
    s.n = sign(pair, span_str("message"), s.sig);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, verify_often, &s), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(thread[i], &failed), 0);
        assert_null(failed);
    }
    p256_key_free(s.key);
    EVP_PKEY_free(pair);
}

static const struct {
    const char *says, *name;
    bool want;
} names[] = {
    {"a schema-less URL", "example.com/log42", true},
    {"letters beyond ASCII", "caf\xc3\xa9", true},
    {"empty", "", false},
    {"a plus", "a+b", false},
    {"a space", "a b", false},
    {"a tab", "a\tb", false},
    {"a newline", "a\n", false},
    {"a control byte", "a\x01", false},
    {"U+0085, next line", "a\xc2\x85", false},
    {"U+00A0, no-break space", "\xc2\xa0z", false},
    {"U+1680, ogham space", "a\xe1\x9a\x80", false},
    {"U+2000", "a\xe2\x80\x80", false},
    {"U+200A", "a\xe2\x80\x8a", false},
    {"U+200B, which is no space", "a\xe2\x80\x8b", true},
    {"U+2028, line separator", "a\xe2\x80\xa8", false},
    {"U+202F", "a\xe2\x80\xaf", false},
    {"U+205F", "a\xe2\x81\x9f", false},
    {"U+3000, ideographic space", "\xe3\x80\x80", false},
    {"not UTF-8", "a\xff", false},
    {"UTF-8 cut short", "a\xe2\x80", false},
};

static void
names_are_told(void **state)
{
    (void)state;
    char longest[KEY_NAME_MAX + 2];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (note_key_name_ok(span_str(names[i].name)) != names[i].want)
            fail_msg("%s", names[i].says);
    memset(longest, 'a', sizeof longest);
    assert_true(note_key_name_ok(span_of(longest, KEY_NAME_MAX)));
    assert_false(note_key_name_ok(span_of(longest, KEY_NAME_MAX + 1)));
    assert_true(note_key_name_form(span_of(longest, KEY_NAME_MAX + 1)));
}

static void
keys_are_written_as_read(void **state)
{
    (void)state;
    /* signed-note, "Verifier keys", Example. */
    static const char vkey[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    struct buf out = BUF_INIT(KEY_VKEY_MAX), small = BUF_INIT(30);
    struct note_key k, made;
    assert_int_equal(note_key_parse(span_str(vkey), &k), RES_OK);
    assert_string_equal(k.name, "example.com/foo");
    assert_int_equal(k.id, 0x530d903a);
    assert_int_equal(k.type, KEY_ED25519);
    assert_int_equal(note_key_write(&k, &out), RES_OK);
    assert_true(span_equal(buf_span(&out), span_str(vkey)));
    assert_int_equal(note_key_ed25519("example.com/foo", KEY_ED25519, k.public, &made), RES_OK);
    assert_int_equal(made.id, k.id);
    assert_int_equal(note_key_ed25519("example.com/foo", KEY_COSIGNATURE_ED25519, k.public, &made),
                     RES_OK);
    assert_int_not_equal(made.id, k.id);
    assert_int_equal(note_key_ed25519("a b", KEY_ED25519, k.public, &made), RES_KEY);
    assert_int_equal(note_key_write(&k, &small), RES_TOO_LARGE);
    assert_int_equal(small.n, 0);
    /* "every one-byte increment and every proper substring is invalid" */
    char bent[sizeof vkey];
    for (size_t i = 0; i < sizeof vkey - 1; i++) {
        memcpy(bent, vkey, sizeof vkey);
        bent[i]++;
        assert_int_equal(note_key_parse(span_str(bent), &made), RES_KEY);
        for (size_t n = 0; n <= sizeof vkey - 1 - i; n++)
            if (n != sizeof vkey - 1)
                assert_int_equal(note_key_parse(span_of(vkey + i, n), &made), RES_KEY);
    }
    buf_release(&out);
    buf_release(&small);
}

static void
vkeys_of_others_are_read(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/4-witness-notes/vkeys.json");
    const cJSON *one;
    struct buf out = BUF_INIT(KEY_VKEY_MAX);
    size_t n = 0, read = 0, other = 0;
    cJSON_ArrayForEach(one, testdata_member(json, "cases"))
    {
        struct note_key k;
        struct span vkey = span_str(testdata_string(one, "vkey"));
        const cJSON *why = cJSON_GetObjectItemCaseSensitive(one, "why");
        enum result r = note_key_parse(vkey, &k);
        n++;
        /* Ed25519 types only: ECDSA (2) and RFC 6962 (5) are read from SubjectPublicKeyInfo. */
        if (testdata_flag(one, "ok") && r != RES_OK && why != NULL &&
            (strstr(why->valuestring, "type 2") || strstr(why->valuestring, "type 5"))) {
            other++;
            continue;
        }
        if ((r == RES_OK) != testdata_flag(one, "ok"))
            fail_msg("%.*s: %s", (int)vkey.n, (const char *)vkey.p, result_name(r));
        if (r != RES_OK)
            continue;
        read++;
        buf_clear(&out);
        assert_int_equal(note_key_write(&k, &out), RES_OK);
        assert_true(span_equal(buf_span(&out), vkey));
    }
    print_message("%zu vkeys: %zu read, %zu refused, %zu of types not supported\n", n, read,
                  n - read - other, other);
    assert_true(n >= 37 && read >= 8);
    buf_release(&out);
    cJSON_Delete(json);
}

static void
rfc6962_keys_have_the_published_id(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/4-witness-notes/vkeys.json");
    const cJSON *one = cJSON_GetArrayItem(testdata_member(json, "rfc6962_verifier_from_url"), 0);
    struct buf spki = BUF_INIT(MAX);
    struct p256_key *p256;
    struct note_key k;
    testdata_base64(testdata_string(one, "spki_b64"), &spki);
    assert_int_equal(p256_key_parse(buf_span(&spki), &p256), RES_OK);
    assert_int_equal(note_key_rfc6962("ct.googleapis.com/logs/us1/argon2024", p256, &k), RES_OK);
    assert_int_equal(k.id, 0x7deb49d0);
    assert_int_equal(k.type, KEY_RFC6962);
    assert_memory_equal(k.public, p256_key_id(p256)->b, 32);
    assert_int_equal(note_key_rfc6962("ct.googleapis.com/logs/us1/argon2024+cheese", p256, &k),
                     RES_KEY);
    p256_key_free(p256);
    buf_release(&spki);
    cJSON_Delete(json);
}

static void
cost(void **state)
{
    (void)state;
    struct p256_key *key;
    EVP_PKEY *pair = make_pair(&key);
    uint8_t sig[80];
    struct hash digest;
    struct timespec a, b;
    size_t n = sign(pair, span_str("message"), sig);
    hash_sha256(span_str("message"), &digest);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(p256_verify_digest(key, &digest, span_of(sig, n)), RES_OK);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    print_message("p256_verify_digest: %.1f us\n", ns / 2000 / 1000);
    p256_key_free(key);
    EVP_PKEY_free(pair);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_ed25519),
        cmocka_unit_test(wycheproof_p256),
        cmocka_unit_test(p256_signatures_are_told),
        cmocka_unit_test(only_one_form_of_key_is_read),
        cmocka_unit_test(threads_share_a_key),
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(keys_are_written_as_read),
        cmocka_unit_test(vkeys_of_others_are_read),
        cmocka_unit_test(rfc6962_keys_have_the_published_id),
        cmocka_unit_test(cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
