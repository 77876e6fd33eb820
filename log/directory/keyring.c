#include "log/directory/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"

#define SLOT 32

struct keyring {
    int fd;
    _Atomic uint64_t slots; /* that stand on disk, the salt's too; the builder's thread adds */
    uint8_t salt[SLOT];
    bool fixed;
};

static enum result
write_at(int fd, uint64_t offset, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t done = pwrite(fd, p, n, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return RES_IO;
        p += done;
        n -= (size_t)done;
        offset += (uint64_t)done;
    }
    return RES_OK;
}

/* Random slots [from, to), synced. */
static enum result
draw(int fd, uint64_t from, uint64_t to)
{
    uint8_t bytes[64 * SLOT];
    enum result rc = RES_OK;

    while (from < to && rc == RES_OK) {
        uint64_t now = to - from < 64 ? to - from : 64;

        randombytes_buf(bytes, (size_t)now * SLOT);
        rc = write_at(fd, from * SLOT, bytes, (size_t)now * SLOT);
        from += now;
    }
    sodium_memzero(bytes, sizeof(bytes));
    return rc == RES_OK && fdatasync(fd) != 0 ? RES_IO : rc;
}

enum result
keyring_create(const char *path)
{
    if (sodium_init() < 0)
        return RES_CRYPTO;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? RES_EXISTS : RES_IO;
    enum result rc = draw(fd, 0, 1 + KEYRING_AHEAD);
    if (rc == RES_OK && fsync(fd) != 0)
        rc = RES_IO;
    if (close(fd) != 0 && rc == RES_OK)
        rc = RES_IO;
    return rc == RES_OK ? files_sync_parent(path) : rc;
}

static enum result
read_slot(int fd, uint64_t slot, uint8_t ret[static SLOT])
{
    size_t n = 0;

    while (n < SLOT) {
        ssize_t got = pread(fd, ret + n, SLOT - n, (off_t)(slot * SLOT + n));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return RES_IO;
        n += (size_t)got;
    }
    return RES_OK;
}

static enum result
open_file(struct keyring *k, const char *path)
{
    struct stat st;

    if (sodium_init() < 0)
        return RES_CRYPTO;
    k->fd = open(path, O_RDWR | O_CLOEXEC);
    if (k->fd < 0 && errno == EROFS) /* a copy that is only to be read */
        k->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (k->fd < 0)
        return errno == ENOENT ? RES_ABSENT : RES_IO;
    if (fstat(k->fd, &st) != 0)
        return RES_IO;
    if ((st.st_mode & 077) != 0)
        return RES_KEY;
    /* A crash while keys were drawn leaves a piece of one, which is not in use: the next drawn go
     * over it. */
    k->slots = (uint64_t)st.st_size / SLOT;
    if (k->slots < 1)
        return RES_STORE_DAMAGED;
    return read_slot(k->fd, 0, k->salt);
}

enum result
keyring_open(const char *path, struct keyring **ret)
{
    struct keyring *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return RES_MEMORY;
    k->fd = -1;
    enum result rc = open_file(k, path);
    if (rc != RES_OK) {
        keyring_close(k);
        return rc;
    }
    *ret = k;
    return RES_OK;
}

void
keyring_close(struct keyring *k)
{
    if (k == NULL)
        return;
    if (k->fd >= 0)
        (void)close(k->fd);
    sodium_memzero(k, sizeof(*k));
    free(k);
}

enum result
keyring_prepare(struct keyring *k, uint64_t n)
{
    uint64_t want = 1 + n, have = k->slots;

    if (want <= have)
        return RES_OK;
    if (k->fixed)
        return RES_RANGE;
    want += KEYRING_AHEAD;
    enum result rc = draw(k->fd, have, want);
    if (rc == RES_OK)
        k->slots = want;
    return rc;
}

uint64_t
keyring_drawn(const struct keyring *k)
{
    return k->slots - 1;
}

void
keyring_fix(struct keyring *k)
{
    k->fixed = true;
}

/* ---- what is made with a key ---- */

static void
keyed(const uint8_t key[static SLOT], const struct span *parts, size_t n, struct hash *ret)
{
    crypto_generichash_state st;

    (void)crypto_generichash_init(&st, key, SLOT, HASH_SIZE);
    for (size_t i = 0; i < n; i++)
        (void)crypto_generichash_update(&st, parts[i].p, parts[i].n);
    (void)crypto_generichash_final(&st, ret->b, HASH_SIZE);
    sodium_memzero(&st, sizeof(st));
}

static void
big_endian(uint32_t v, uint8_t ret[static 4])
{
    for (int i = 4; i-- > 0; v >>= 8)
        ret[i] = (uint8_t)v;
}

void
keyring_version_key(const struct keyring *k, struct span label, uint32_t version, struct hash *ret)
{
    uint8_t head[5] = {1};

    big_endian(version, head + 1);
    keyed(k->salt, (struct span[]){span_of(head, sizeof(head)), label}, 2, ret);
}

void
keyring_label_key(const struct keyring *k, struct span label, struct hash *ret)
{
    static const uint8_t head[1] = {2};

    keyed(k->salt, (struct span[]){span_of(head, sizeof(head)), label}, 2, ret);
}

void
keyring_nobody_key(const struct keyring *k, uint64_t seq, struct hash *ret)
{
    uint8_t head[9] = {3};

    big_endian((uint32_t)(seq >> 32), head + 1);
    big_endian((uint32_t)seq, head + 5);
    keyed(k->salt, (struct span[]){span_of(head, sizeof(head))}, 1, ret);
}

/* The label's key; the caller wipes it. */
static enum result
label_key(struct keyring *k, uint64_t number, uint8_t ret[static SLOT])
{
    if (number >= k->slots - 1)
        return RES_RANGE;
    enum result rc = read_slot(k->fd, 1 + number, ret);
    return rc == RES_OK && sodium_is_zero(ret, SLOT) ? RES_ABSENT : rc;
}

enum result
keyring_opening(struct keyring *k, uint64_t number, uint32_t version,
                uint8_t ret[static COMMITMENT_OPENING_SIZE])
{
    uint8_t key[SLOT], v[4];
    struct hash h;
    enum result rc = label_key(k, number, key);

    if (rc == RES_OK) {
        big_endian(version, v);
        keyed(key, (struct span[]){span_str("opening"), span_of(v, sizeof(v))}, 2, &h);
        memcpy(ret, h.b, COMMITMENT_OPENING_SIZE);
        sodium_memzero(&h, sizeof(h));
    }
    sodium_memzero(key, sizeof(key));
    return rc;
}

enum result
keyring_crypt(struct keyring *k, uint64_t number, enum keyring_kind kind, uint32_t version,
              const uint8_t *in, size_t n, uint8_t *out)
{
    uint8_t key[SLOT], nonce[crypto_stream_xchacha20_NONCEBYTES] = {(uint8_t)kind};
    enum result rc = label_key(k, number, key);

    big_endian(version, nonce + sizeof(nonce) - 4);
    if (rc == RES_OK)
        (void)crypto_stream_xchacha20_xor(out, in, n, nonce, key);
    sodium_memzero(key, sizeof(key));
    return rc;
}

enum result
keyring_erase(struct keyring *k, uint64_t number)
{
    static const uint8_t zeros[SLOT];

    if (number >= k->slots - 1)
        return RES_RANGE;
    enum result rc = write_at(k->fd, (1 + number) * SLOT, zeros, SLOT);
    return rc == RES_OK && fdatasync(k->fd) != 0 ? RES_IO : rc;
}
