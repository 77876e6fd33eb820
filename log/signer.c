#include "log/signer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"

#define PATH_MAX_HERE 512
/* A PKCS #8 file of either key has some 240 bytes. */
#define KEY_FILE_MAX 4096

struct signer {
    EVP_PKEY *p256;
    EVP_PKEY_CTX *sign; /* initialised once: EVP_PKEY_sign without a fetch per call */
    struct p256_key *public;
    uint8_t ed25519[crypto_sign_SECRETKEYBYTES];
    uint8_t ed25519_public[32];
};

static enum result
key_path(const char *dir, const char *name, char out[static PATH_MAX_HERE])
{
    int n = snprintf(out, PATH_MAX_HERE, "%s/keys/%s.pem", dir, name);
    return n > 0 && n < PATH_MAX_HERE ? RES_OK : RES_TOO_LARGE;
}

/* Writes key as PKCS #8 PEM to a new file that only its owner reads. */
static enum result
save(const char *dir, const char *name, EVP_PKEY *key)
{
    char path[PATH_MAX_HERE];
    enum result rc = key_path(dir, name, path);
    if (rc != RES_OK)
        return rc;
    BIO *mem = BIO_new(BIO_s_secmem());
    char *pem = NULL;
    long n = 0;
    if (!mem || PEM_write_bio_PKCS8PrivateKey(mem, key, NULL, NULL, 0, NULL, NULL) != 1 ||
        (n = BIO_get_mem_data(mem, &pem)) <= 0) {
        BIO_free(mem);
        return RES_CRYPTO;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        rc = errno == EEXIST ? RES_EXISTS : RES_IO;
    else
        rc = files_write(fd, span_of(pem, (size_t)n));
    if (fd >= 0 && rc == RES_OK && fsync(fd) != 0)
        rc = RES_IO;
    if (fd >= 0 && close(fd) != 0 && rc == RES_OK)
        rc = RES_IO;
    sodium_memzero(pem, (size_t)n);
    BIO_free(mem);
    return rc;
}

/* The files are synced; so that their names are too. */
static enum result
sync_names(const char *dir)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(dir, "keys", path);
    return rc == RES_OK ? files_sync_dir(path) : rc;
}

enum result
signer_create(const char *dir)
{
    EVP_PKEY *p256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    enum result rc = p256 && ed ? RES_OK : RES_CRYPTO;
    if (rc == RES_OK)
        rc = save(dir, "log", p256);
    if (rc == RES_OK)
        rc = save(dir, "checkpoint", ed);
    if (rc == RES_OK)
        rc = sync_names(dir);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(ed);
    return rc;
}

/* Reads a PEM private key.  Others may not be able to read it: a key that leaked is worse than one
 * that is missing. */
static enum result
load(const char *dir, const char *name, EVP_PKEY **ret)
{
    char path[PATH_MAX_HERE];
    enum result rc = key_path(dir, name, path);
    if (rc != RES_OK)
        return rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? RES_ABSENT : RES_IO;
    struct stat st;
    char text[KEY_FILE_MAX];
    ssize_t n = -1;
    if (fstat(fd, &st) != 0)
        rc = RES_IO;
    else if ((st.st_mode & 077) != 0)
        rc = RES_KEY;
    else if ((n = read(fd, text, sizeof(text))) < 0)
        rc = RES_IO;
    (void)close(fd);
    if (rc == RES_OK) {
        BIO *mem = BIO_new_mem_buf(text, (int)n);
        *ret = mem ? PEM_read_bio_PrivateKey(mem, NULL, NULL, NULL) : NULL;
        BIO_free(mem);
        rc = *ret ? RES_OK : RES_KEY;
    }
    sodium_memzero(text, sizeof(text));
    return rc;
}

const char *
signer_open_to_others(const char *dir)
{
    static const struct {
        const char *key, *file;
    } KEYS[] = {{"log", "log.pem"}, {"checkpoint", "checkpoint.pem"}};
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        char path[PATH_MAX_HERE];
        struct stat st;
        if (key_path(dir, KEYS[i].key, path) == RES_OK && stat(path, &st) == 0 &&
            (st.st_mode & 077) != 0)
            return KEYS[i].file;
    }
    return NULL;
}

static enum result
open_p256(struct signer *s, const char *dir)
{
    enum result rc = load(dir, "log", &s->p256);
    if (rc != RES_OK)
        return rc;
    unsigned char *spki = NULL;
    int n = i2d_PUBKEY(s->p256, &spki);
    if (n <= 0)
        return RES_KEY;
    rc = p256_key_parse(span_of(spki, (size_t)n), &s->public);
    OPENSSL_free(spki);
    if (rc != RES_OK)
        return rc;
    s->sign = EVP_PKEY_CTX_new(s->p256, NULL);
    if (!s->sign || EVP_PKEY_sign_init(s->sign) != 1 ||
        EVP_PKEY_CTX_set_signature_md(s->sign, EVP_sha256()) != 1)
        return RES_CRYPTO;
    return RES_OK;
}

static enum result
open_ed25519(struct signer *s, const char *dir)
{
    EVP_PKEY *key = NULL;
    enum result rc = load(dir, "checkpoint", &key);
    if (rc != RES_OK)
        return rc;
    uint8_t seed[crypto_sign_SEEDBYTES];
    size_t n = sizeof(seed);
    /* X25519 has raw private keys of the same size. */
    if (!EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_get_raw_private_key(key, seed, &n) != 1 ||
        n != sizeof(seed))
        rc = RES_KEY;
    else if (crypto_sign_seed_keypair(s->ed25519_public, s->ed25519, seed) != 0)
        rc = RES_CRYPTO;
    sodium_memzero(seed, sizeof(seed));
    EVP_PKEY_free(key);
    return rc;
}

enum result
signer_open(const char *dir, struct signer **ret)
{
    if (sodium_init() < 0)
        return RES_CRYPTO;
    /* Guarded memory: locked, not dumped, wiped when freed. */
    struct signer *s = sodium_malloc(sizeof(*s));
    if (!s)
        return RES_MEMORY;
    memset(s, 0, sizeof(*s));
    enum result rc = open_p256(s, dir);
    if (rc == RES_OK)
        rc = open_ed25519(s, dir);
    if (rc != RES_OK) {
        signer_close(s);
        return rc;
    }
    *ret = s;
    return RES_OK;
}

void
signer_close(struct signer *s)
{
    if (!s)
        return;
    EVP_PKEY_CTX_free(s->sign);
    EVP_PKEY_free(s->p256);
    p256_key_free(s->public);
    sodium_free(s);
}

static enum result
sign_digest(struct signer *s, const struct hash *digest, uint8_t *ret, uint8_t *ret_n)
{
    size_t n = SIGNER_ECDSA_MAX;
    if (EVP_PKEY_sign(s->sign, ret, &n, digest->b, HASH_SIZE) != 1 || n > SIGNER_ECDSA_MAX)
        return RES_CRYPTO;
    *ret_n = (uint8_t)n;
    return RES_OK;
}

enum result
signer_sct(struct signer *s, const struct timestamped_entry *t,
           uint8_t ret[static SIGNER_ECDSA_MAX], uint8_t *ret_n)
{
    struct hash digest;
    sct_signed_digest(t, &digest);
    return sign_digest(s, &digest, ret, ret_n);
}

enum result
signer_sth(struct signer *s, uint64_t timestamp, uint64_t size, const struct hash *root,
           uint8_t ret[static SIGNER_ECDSA_MAX], uint8_t *ret_n)
{
    uint8_t data[STH_SIGNED_SIZE];
    struct hash digest;
    sth_signed_data(timestamp, size, root, data);
    hash_sha256(span_of(data, sizeof(data)), &digest);
    return sign_digest(s, &digest, ret, ret_n);
}

enum result
signer_checkpoint(struct signer *s, struct span text, uint8_t ret[static 64])
{
    if (crypto_sign_detached(ret, NULL, text.p, text.n, s->ed25519) != 0)
        return RES_CRYPTO;
    return RES_OK;
}

const struct p256_key *
signer_public(const struct signer *s)
{
    return s->public;
}

const uint8_t *
signer_note_public(const struct signer *s)
{
    return s->ed25519_public;
}
