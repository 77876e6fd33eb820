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

struct ed25519 {
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
};

struct signer {
    EVP_PKEY *p256;
    EVP_PKEY_CTX *sign; /* initialised once: EVP_PKEY_sign without a fetch per call */
    struct p256_key *public;
    struct ed25519 checkpoint, directory, feed;
    struct vrf_secret vrf;
};

/* The keys in DIR/keys, NAME.pem each. */
static const char *const NAMES[] = {"log", "checkpoint", "directory", "feed", "vrf"};
#define NAMES_COUNT (sizeof(NAMES) / sizeof(NAMES[0]))

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
    enum result rc = RES_OK;
    for (size_t i = 0; i < NAMES_COUNT && rc == RES_OK; i++) {
        /* The first is P-256's.  A VRF key is expanded as an Ed25519 key is, from as many bytes. */
        EVP_PKEY *key = i == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                               : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        rc = key ? save(dir, NAMES[i], key) : RES_CRYPTO;
        EVP_PKEY_free(key);
    }
    return rc == RES_OK ? sync_names(dir) : rc;
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
    static const char *const FILES[NAMES_COUNT] = {"log.pem", "checkpoint.pem", "directory.pem",
                                                   "feed.pem", "vrf.pem"};
    for (size_t i = 0; i < NAMES_COUNT; i++) {
        char path[PATH_MAX_HERE];
        struct stat st;
        if (key_path(dir, NAMES[i], path) == RES_OK && stat(path, &st) == 0 &&
            (st.st_mode & 077) != 0)
            return FILES[i];
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

/* The 32 bytes of an Ed25519 private key; the caller wipes them. */
static enum result
load_seed(const char *dir, const char *name, uint8_t ret[static crypto_sign_SEEDBYTES])
{
    EVP_PKEY *key = NULL;
    size_t n = crypto_sign_SEEDBYTES;
    enum result rc = load(dir, name, &key);
    if (rc != RES_OK)
        return rc;
    /* X25519 has raw private keys of the same size. */
    if (!EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_get_raw_private_key(key, ret, &n) != 1 ||
        n != crypto_sign_SEEDBYTES)
        rc = RES_KEY;
    EVP_PKEY_free(key);
    return rc;
}

static enum result
open_ed25519(struct ed25519 *k, const char *dir, const char *name)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    enum result rc = load_seed(dir, name, seed);
    if (rc == RES_OK && crypto_sign_seed_keypair(k->public, k->secret, seed) != 0)
        rc = RES_CRYPTO;
    sodium_memzero(seed, sizeof(seed));
    return rc;
}

static enum result
open_vrf(struct signer *s, const char *dir)
{
    uint8_t seed[VRF_SEED_SIZE];
    enum result rc = load_seed(dir, "vrf", seed);
    if (rc == RES_OK)
        vrf_secret_init(&s->vrf, seed);
    sodium_memzero(seed, sizeof(seed));
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
        rc = open_ed25519(&s->checkpoint, dir, "checkpoint");
    if (rc == RES_OK)
        rc = open_ed25519(&s->directory, dir, "directory");
    if (rc == RES_OK)
        rc = open_ed25519(&s->feed, dir, "feed");
    if (rc == RES_OK)
        rc = open_vrf(s, dir);
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
    sodium_free(s); /* wipes what is in it */
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

static enum result
sign_ed25519(const struct ed25519 *k, struct span text, uint8_t ret[static 64])
{
    return crypto_sign_detached(ret, NULL, text.p, text.n, k->secret) == 0 ? RES_OK : RES_CRYPTO;
}

enum result
signer_checkpoint(struct signer *s, struct span text, uint8_t ret[static 64])
{
    return sign_ed25519(&s->checkpoint, text, ret);
}

/* ---- the directory ---- */

enum result
signer_directory_head(struct signer *s, const struct kt_config *config, uint64_t size,
                      const struct hash *root, uint8_t ret[static 64])
{
    struct buf tbs = BUF_INIT(KT_HEAD_TBS_MAX);
    struct writer w = writer_to(&tbs);
    kt_head_tbs(&w, config, size, root);
    enum result rc = writer_end(&w);
    if (rc == RES_OK)
        rc = sign_ed25519(&s->directory, buf_span(&tbs), ret);
    buf_release(&tbs);
    return rc;
}

enum result
signer_feed(struct signer *s, struct span text, uint8_t ret[static 64])
{
    return sign_ed25519(&s->feed, text, ret);
}

enum result
signer_vrf_output(const struct signer *s, struct span label, uint32_t version, struct hash *ret)
{
    struct vrf_input in;
    uint8_t beta[VRF_BETA_SIZE];
    enum result rc = vrf_input(label, version, &in);
    if (rc == RES_OK)
        rc = vrf_output(&s->vrf, vrf_input_span(&in), beta);
    if (rc == RES_OK)
        memcpy(ret->b, beta, VRF_OUTPUT_SIZE);
    return rc;
}

enum result
signer_vrf_prove(const struct signer *s, struct span label, uint32_t version,
                 uint8_t ret[static VRF_PROOF_SIZE])
{
    struct vrf_input in;
    enum result rc = vrf_input(label, version, &in);
    return rc == RES_OK ? vrf_prove(&s->vrf, vrf_input_span(&in), ret) : rc;
}

/* ---- public halves ---- */

const struct p256_key *
signer_public(const struct signer *s)
{
    return s->public;
}

const uint8_t *
signer_note_public(const struct signer *s)
{
    return s->checkpoint.public;
}

const uint8_t *
signer_directory_public(const struct signer *s)
{
    return s->directory.public;
}

const uint8_t *
signer_feed_public(const struct signer *s)
{
    return s->feed.public;
}

const uint8_t *
signer_vrf_public(const struct signer *s)
{
    return vrf_secret_public(&s->vrf);
}
