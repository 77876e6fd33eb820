/* The labels' keys: what they make, that they stay, and that an erased one is gone. */
#include "log/directory/keyring.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/failalloc.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"

#define SLOT 32

static const char *
path_in(void **state)
{
    static char path[600];

    snprintf(path, sizeof(path), "%s/keys", (char *)*state);
    return path;
}

static struct keyring *
open_ring(const char *path)
{
    struct keyring *k;

    assert_int_equal(keyring_open(path, &k), RES_OK);
    return k;
}

static struct keyring *
create_ring(const char *path)
{
    assert_int_equal(keyring_create(path), RES_OK);
    return open_ring(path);
}

static uint64_t
size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static void
read_slot(const char *path, uint64_t slot, uint8_t ret[static SLOT])
{
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, ret, SLOT, (off_t)(slot * SLOT)), SLOT);
    close(fd);
}

static void
write_whole(const char *path, const uint8_t *p, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void
keys_are_made_as_the_formats_say(void **state)
{
    const char *path = path_in(state);
    struct keyring *k = create_ring(path);
    static const uint8_t label[] = "\x01"
                                   "alice@example.com";
    struct span l = span_of(label, sizeof(label) - 1);
    uint8_t salt[SLOT], key[SLOT], in[5 + sizeof(label)], want[32], got[COMMITMENT_OPENING_SIZE];
    struct hash h;

    read_slot(path, 0, salt);
    read_slot(path, 1 + 7, key);
    memcpy(in, "\x01\x01\x02\x03\x04", 5);
    memcpy(in + 5, label, l.n);
    crypto_generichash(want, 32, in, 5 + l.n, salt, SLOT);
    keyring_version_key(k, l, 0x01020304, &h);
    assert_memory_equal(h.b, want, 32);
    in[0] = 2;
    memcpy(in + 1, label, l.n);
    crypto_generichash(want, 32, in, 1 + l.n, salt, SLOT);
    keyring_label_key(k, l, &h);
    assert_memory_equal(h.b, want, 32);
    crypto_generichash(want, 32, (const uint8_t *)"opening\x01\x02\x03\x04", 11, key, SLOT);
    assert_int_equal(keyring_opening(k, 7, 0x01020304, got), RES_OK);
    assert_memory_equal(got, want, COMMITMENT_OPENING_SIZE);
    keyring_close(k);
    keyring_close(NULL);
}

static void
what_is_encrypted_is_decrypted_by_its_own_key_alone(void **state)
{
    struct keyring *k = create_ring(path_in(state));
    uint8_t text[300], secret[300], back[300], nonce[24] = {KEYRING_STATE}, key[SLOT], want[300];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)i;
    nonce[22] = 1;
    nonce[23] = 2;
    read_slot(path_in(state), 1 + 3, key);
    crypto_stream_xchacha20_xor(want, text, sizeof(text), nonce, key);
    assert_int_equal(keyring_crypt(k, 3, KEYRING_STATE, 258, text, 300, secret), RES_OK);
    assert_memory_equal(secret, want, 300);
    assert_int_equal(keyring_crypt(k, 3, KEYRING_STATE, 258, secret, 300, back), RES_OK);
    assert_memory_equal(back, text, 300);
    assert_int_equal(keyring_crypt(k, 4, KEYRING_STATE, 258, secret, 300, back), RES_OK);
    assert_memory_not_equal(back, text, 300);
    assert_int_equal(keyring_crypt(k, 3, KEYRING_TEXT, 258, secret, 300, back), RES_OK);
    assert_memory_not_equal(back, text, 300);
    assert_int_equal(keyring_crypt(k, 3, KEYRING_STATE, 257, secret, 300, back), RES_OK);
    assert_memory_not_equal(back, text, 300);
    memcpy(back, secret, 300);
    assert_int_equal(keyring_crypt(k, 3, KEYRING_STATE, 258, back, 300, back), RES_OK);
    assert_memory_equal(back, text, 300); /* in place */
    keyring_close(k);
}

static void
keys_are_drawn_ahead_and_stay(void **state)
{
    const char *path = path_in(state);
    struct keyring *k = create_ring(path);
    uint8_t first[COMMITMENT_OPENING_SIZE], last[COMMITMENT_OPENING_SIZE],
        again[COMMITMENT_OPENING_SIZE];

    assert_int_equal(size_of(path), (1 + KEYRING_AHEAD) * SLOT);
    assert_int_equal(keyring_prepare(k, KEYRING_AHEAD), RES_OK); /* they are there */
    assert_int_equal(size_of(path), (1 + KEYRING_AHEAD) * SLOT);
    assert_int_equal(keyring_opening(k, KEYRING_AHEAD, 0, last), RES_RANGE);
    assert_int_equal(keyring_opening(k, UINT64_MAX, 0, last), RES_RANGE);
    assert_int_equal(keyring_opening(k, 0, 0, first), RES_OK);
    assert_int_equal(keyring_prepare(k, KEYRING_AHEAD + 1), RES_OK);
    assert_int_equal(size_of(path), (2 + 2 * KEYRING_AHEAD) * SLOT);
    assert_int_equal(keyring_opening(k, KEYRING_AHEAD, 0, last), RES_OK);
    keyring_close(k);
    k = open_ring(path);
    assert_int_equal(keyring_opening(k, 0, 0, again), RES_OK);
    assert_memory_equal(again, first, sizeof(first));
    assert_int_equal(keyring_opening(k, KEYRING_AHEAD, 0, again), RES_OK);
    assert_memory_equal(again, last, sizeof(last));
    assert_memory_not_equal(first, last, sizeof(first));
    keyring_close(k);
}

static void
an_erased_key_is_gone(void **state)
{
    const char *path = path_in(state);
    struct keyring *k = create_ring(path);
    uint8_t before[COMMITMENT_OPENING_SIZE], out[COMMITMENT_OPENING_SIZE], slot[SLOT];

    assert_int_equal(keyring_opening(k, 4, 0, before), RES_OK);
    assert_int_equal(keyring_erase(k, 5), RES_OK);
    assert_int_equal(keyring_erase(k, KEYRING_AHEAD), RES_RANGE);
    assert_int_equal(keyring_erase(k, UINT64_MAX), RES_RANGE);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(keyring_opening(k, 5, 0, out), RES_ABSENT);
        assert_int_equal(keyring_crypt(k, 5, KEYRING_TEXT, 0, out, 1, out), RES_ABSENT);
        assert_int_equal(keyring_opening(k, 4, 0, out), RES_OK); /* its neighbours stay */
        assert_memory_equal(out, before, sizeof(out));
        assert_int_equal(keyring_opening(k, 6, 0, out), RES_OK);
        assert_int_equal(size_of(path), (1 + KEYRING_AHEAD) * SLOT);
        read_slot(path, 1 + 5, slot);
        assert_true(sodium_is_zero(slot, SLOT));
        keyring_close(k);
        k = open_ring(path);
    }
    keyring_close(k);
}

static void
what_is_no_ring_is_refused(void **state)
{
    const char *path = path_in(state);
    uint8_t bytes[2 * SLOT] = {1};
    struct keyring *k;

    assert_int_equal(keyring_open(path, &k), RES_ABSENT);
    assert_int_equal(keyring_create(path), RES_OK);
    assert_int_equal(keyring_create(path), RES_EXISTS);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(keyring_open(path, &k), RES_KEY);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(keyring_open(path, &k), RES_KEY);
    write_whole(path, bytes, 0, 0600);
    assert_int_equal(keyring_open(path, &k), RES_STORE_DAMAGED);
    write_whole(path, bytes, SLOT - 1, 0600);
    assert_int_equal(keyring_open(path, &k), RES_STORE_DAMAGED);
    write_whole(path, bytes, SLOT, 0600); /* a salt alone */
    assert_int_equal(keyring_open(path, &k), RES_OK);
    assert_int_equal(keyring_opening(k, 0, 0, bytes), RES_RANGE);
    keyring_close(k);
    assert_int_equal(keyring_create("/nonexistent/keys"), RES_IO);
}

/* A crash while keys were drawn leaves a piece of a key. */
static void
a_piece_of_a_key_is_drawn_again(void **state)
{
    const char *path = path_in(state);
    uint8_t piece[SLOT - 1], slot[SLOT], kept[SLOT], out[COMMITMENT_OPENING_SIZE];
    struct keyring *k;
    int fd;

    memset(piece, 0xaa, sizeof(piece));
    assert_int_equal(keyring_create(path), RES_OK);
    read_slot(path, KEYRING_AHEAD, kept);
    fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, piece, sizeof(piece)), sizeof(piece));
    close(fd);
    k = open_ring(path);
    assert_int_equal(size_of(path), (1 + KEYRING_AHEAD) * SLOT + SLOT - 1); /* as it was */
    assert_int_equal(keyring_opening(k, KEYRING_AHEAD, 0, out), RES_RANGE);
    assert_int_equal(keyring_prepare(k, KEYRING_AHEAD + 1), RES_OK);
    assert_int_equal(size_of(path) % SLOT, 0);
    assert_int_equal(keyring_opening(k, KEYRING_AHEAD, 0, out), RES_OK);
    read_slot(path, KEYRING_AHEAD, slot);
    assert_memory_equal(slot, kept, SLOT);
    read_slot(path, 1 + KEYRING_AHEAD, slot);
    assert_memory_not_equal(slot, piece, sizeof(piece));
    keyring_close(k);
}

static void
memory_that_fails_is_told(void **state)
{
    struct keyring *k;

    keyring_close(create_ring(path_in(state)));
    failalloc_at(1);
    enum result rc = keyring_open(path_in(state), &k);
    failalloc_at(0);
    assert_int_equal(rc, RES_MEMORY);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ROW(keys_are_made_as_the_formats_say),
        ROW(what_is_encrypted_is_decrypted_by_its_own_key_alone),
        ROW(keys_are_drawn_ahead_and_stay),
        ROW(an_erased_key_is_gone),
        ROW(what_is_no_ring_is_refused),
        ROW(a_piece_of_a_key_is_drawn_again),
        ROW(memory_that_fails_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
