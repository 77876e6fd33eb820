/* The log's private keys: five, each for one thing, in files that only their owner reads. */
#include "log/signer.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/failalloc.h"
#include "tests/mint/mint.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"

static const char *const FILES[] = {"log.pem", "checkpoint.pem", "directory.pem", "feed.pem",
                                    "vrf.pem"};
#define FILES_COUNT (sizeof(FILES) / sizeof(FILES[0]))

static const uint8_t LABEL[] = "\x01"
                               "alice@example.com";

static struct span
label(void)
{
    return span_of(LABEL, sizeof(LABEL) - 1);
}

static const char *
key_file(void **state, const char *name)
{
    static char path[600];

    snprintf(path, sizeof(path), "%s/keys/%s", (char *)*state, name);
    return path;
}

static struct signer *
new_signer(void **state)
{
    struct signer *s;

    assert_int_equal(mkdir(key_file(state, ""), 0700), 0);
    assert_int_equal(signer_create(*state), RES_OK);
    assert_int_equal(signer_open(*state, &s), RES_OK);
    return s;
}

static EVP_PKEY *
read_key(void **state, const char *name)
{
    FILE *f = fopen(key_file(state, name), "r");
    EVP_PKEY *key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);

    assert_non_null(key);
    (void)fclose(f);
    return key;
}

static void
write_key(void **state, const char *name, EVP_PKEY *key)
{
    FILE *f = fopen(key_file(state, name), "w"); /* an existing file keeps its mode */

    assert_non_null(f);
    assert_int_equal(PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);
}

static bool
signed_by(const uint8_t *public, struct span text, const uint8_t *signature)
{
    return crypto_sign_verify_detached(signature, text.p, text.n, public) == 0;
}

static void
each_key_stands_in_a_file_of_its_own(void **state)
{
    struct signer *s = new_signer(state);
    const uint8_t *public[] = {signer_note_public(s), signer_directory_public(s),
                               signer_feed_public(s), signer_vrf_public(s)};

    for (size_t i = 0; i < FILES_COUNT; i++) {
        struct stat st;

        assert_int_equal(stat(key_file(state, FILES[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    for (size_t i = 0; i < 4; i++) {
        EVP_PKEY *key = read_key(state, FILES[i + 1]);
        uint8_t raw[32];
        size_t n = sizeof(raw);

        assert_true(EVP_PKEY_is_a(key, "ED25519"));
        assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &n), 1);
        assert_memory_equal(raw, public[i], 32); /* a VRF key is expanded as an Ed25519 key is */
        EVP_PKEY_free(key);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(public[i], public[j], 32);
    }
    assert_null(signer_open_to_others(*state));
    signer_close(s);
    signer_close(NULL);
}

static void
keys_are_made_once(void **state)
{
    struct signer *s = new_signer(state), *again;
    struct hash before, after;

    assert_int_equal(signer_create(*state), RES_EXISTS);
    assert_int_equal(signer_vrf_output(s, label(), 7, &before), RES_OK);
    assert_int_equal(signer_open(*state, &again), RES_OK);
    assert_memory_equal(signer_directory_public(s), signer_directory_public(again), 32);
    assert_memory_equal(signer_feed_public(s), signer_feed_public(again), 32);
    assert_int_equal(signer_vrf_output(again, label(), 7, &after), RES_OK);
    assert_true(hash_equal(&before, &after));
    signer_close(again);
    signer_close(s);
}

static void
each_key_signs_its_own_things(void **state)
{
    struct signer *s = new_signer(state);
    struct span text = span_str("log.example/feed\n1\n");
    uint8_t feed[64], note[64], head[64];
    struct kt_config c = {.max_ahead = 1, .max_behind = 2, .window = {.monitoring = 3}};
    struct hash root = {{1}};

    memcpy(c.signature_key, signer_directory_public(s), KT_KEY_SIZE);
    memcpy(c.vrf_key, signer_vrf_public(s), KT_KEY_SIZE);
    assert_int_equal(signer_feed(s, text, feed), RES_OK);
    assert_int_equal(signer_checkpoint(s, text, note), RES_OK);
    assert_true(signed_by(signer_feed_public(s), text, feed));
    assert_true(signed_by(signer_note_public(s), text, note));
    assert_false(signed_by(signer_feed_public(s), text, note));
    assert_false(signed_by(signer_directory_public(s), text, feed));
    assert_int_equal(signer_directory_head(s, &c, 5, &root, head), RES_OK);
    assert_int_equal(kt_head_verify(&c, 5, &root, span_of(head, 64)), RES_OK);
    assert_int_equal(kt_head_verify(&c, 6, &root, span_of(head, 64)), RES_SIGNATURE);
    c.max_behind++;
    assert_int_equal(kt_head_verify(&c, 5, &root, span_of(head, 64)), RES_SIGNATURE);
    c.max_behind--;
    memcpy(c.signature_key, signer_feed_public(s), KT_KEY_SIZE);
    assert_int_equal(kt_head_verify(&c, 5, &root, span_of(head, 64)), RES_SIGNATURE);
    signer_close(s);
}

static void
a_proof_leads_to_the_output(void **state)
{
    struct signer *s = new_signer(state);
    struct vrf_public public;
    struct vrf_input in;
    struct hash output, other;
    uint8_t proof[VRF_PROOF_SIZE], beta[VRF_BETA_SIZE], longer[VRF_LABEL_MAX + 1] = {1};

    assert_int_equal(vrf_public_parse(signer_vrf_public(s), &public), RES_OK);
    assert_int_equal(signer_vrf_output(s, label(), 3, &output), RES_OK);
    assert_int_equal(signer_vrf_prove(s, label(), 3, proof), RES_OK);
    assert_int_equal(vrf_input(label(), 3, &in), RES_OK);
    assert_int_equal(vrf_verify(&public, vrf_input_span(&in), proof, beta), RES_OK);
    assert_memory_equal(beta, output.b, VRF_OUTPUT_SIZE);
    assert_int_equal(vrf_input(label(), 4, &in), RES_OK);
    assert_int_equal(vrf_verify(&public, vrf_input_span(&in), proof, beta), RES_VRF);
    assert_int_equal(signer_vrf_output(s, label(), 4, &other), RES_OK);
    assert_false(hash_equal(&output, &other));
    assert_int_equal(signer_vrf_output(s, span_of(longer, sizeof(longer)), 0, &other), RES_VALUE);
    assert_int_equal(signer_vrf_prove(s, span_of(longer, sizeof(longer)), 0, proof), RES_VALUE);
    signer_close(s);
}

static void
no_key_is_missing_or_open_to_others(void **state)
{
    signer_close(new_signer(state));
    for (size_t i = 0; i < FILES_COUNT; i++) {
        const char *path = key_file(state, FILES[i]);
        struct signer *s = NULL;
        char aside[700];

        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(signer_open(*state, &s), RES_KEY);
        assert_string_equal(signer_open_to_others(*state), FILES[i]);
        assert_int_equal(chmod(path, 0600), 0);
        assert_null(signer_open_to_others(*state));
        snprintf(aside, sizeof(aside), "%s.aside", path);
        assert_int_equal(rename(path, aside), 0);
        assert_int_equal(signer_open(*state, &s), RES_ABSENT);
        assert_int_equal(rename(aside, path), 0);
        assert_null(s);
        assert_int_equal(signer_open(*state, &s), RES_OK);
        signer_close(s);
    }
}

/* A key of another kind is none, also one of X25519, whose raw form has as many bytes. */
static void
keys_are_of_their_kind(void **state)
{
    EVP_PKEY *p256 = mint_key(MINT_P256), *x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    EVP_PKEY *ed25519 = mint_key(MINT_ED25519), *p384 = mint_key(MINT_P384);

    signer_close(new_signer(state));
    for (size_t i = 0; i < FILES_COUNT; i++) {
        EVP_PKEY *wrong[] = {i == 0 ? ed25519 : p256, x25519, p384};
        EVP_PKEY *right = read_key(state, FILES[i]);
        struct signer *s = NULL;

        for (size_t j = 0; j < 3; j++) {
            write_key(state, FILES[i], wrong[j]);
            if (signer_open(*state, &s) != RES_KEY)
                fail_msg("%s of kind %s", FILES[i], EVP_PKEY_get0_type_name(wrong[j]));
        }
        write_key(state, FILES[i], right);
        assert_int_equal(truncate(key_file(state, FILES[i]), 60), 0);
        assert_int_equal(signer_open(*state, &s), RES_KEY);
        write_key(state, FILES[i], right);
        EVP_PKEY_free(right);
        assert_int_equal(signer_open(*state, &s), RES_OK);
        signer_close(s);
    }
    EVP_PKEY_free(p256);
    EVP_PKEY_free(x25519);
    EVP_PKEY_free(ed25519);
    EVP_PKEY_free(p384);
}

static void
no_memory(void **state)
{
    struct signer *s;

    signer_close(new_signer(state));
    failalloc_at(0);
    assert_int_equal(signer_open(*state, &s), RES_OK);
    signer_close(s);
    assert_true(failalloc_count() > 0);
    for (size_t i = 1, n = failalloc_count(); i <= n; i++) {
        s = NULL;
        failalloc_at(i);
        assert_int_equal(signer_open(*state, &s), RES_MEMORY);
        assert_null(s);
    }
    failalloc_at(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_key_stands_in_a_file_of_its_own, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(keys_are_made_once, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(each_key_signs_its_own_things, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_proof_leads_to_the_output, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(no_key_is_missing_or_open_to_others, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(keys_are_of_their_kind, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(no_memory, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
