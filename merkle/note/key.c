#include "merkle/note/key.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdlib.h>

#include "merkle/base/text.h"

#define P256_SPKI_SIZE 91

struct p256_key {
    uint8_t spki[P256_SPKI_SIZE];
    struct hash id;
    /*
     * After verify_init with SHA-256: never used itself, copied for each verification, which costs
     * a tenth of a microsecond where a new context costs four (the provider is asked again) and
     * lets threads share it.
     */
    EVP_PKEY_CTX *verifier;
};

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 66 bytes: 00 04 ... }, RFC
 * 5480 2. */
static const uint8_t spki_prefix[] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

/* A context ready to verify by the key in spki.  NULL when it is no key or nothing works: *ret_err
 * says. */
static EVP_PKEY_CTX *
make_verifier(struct span spki, enum result *ret_err)
{
    const unsigned char *p = spki.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.n);
    EVP_PKEY_CTX *ctx = NULL;
    *ret_err = RES_KEY;
    if (key != NULL) {
        *ret_err = RES_CRYPTO;
        ctx = EVP_PKEY_CTX_new(key, NULL);
    }
    if (ctx != NULL &&
        (EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)) {
        EVP_PKEY_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ctx;
}

enum result
p256_key_parse(struct span spki, struct p256_key **ret)
{
    enum result err;
    if (spki.n != P256_SPKI_SIZE || memcmp(spki.p, spki_prefix, sizeof spki_prefix) != 0)
        return RES_KEY;
    struct p256_key *k = calloc(1, sizeof *k);
    if (k == NULL)
        return RES_MEMORY;
    memcpy(k->spki, spki.p, P256_SPKI_SIZE);
    hash_sha256(spki, &k->id);
    k->verifier = make_verifier(spki, &err);
    if (k->verifier == NULL) {
        p256_key_free(k);
        return err;
    }
    *ret = k;
    return RES_OK;
}

void
p256_key_free(struct p256_key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_CTX_free(k->verifier);
    free(k);
}

struct span
p256_key_spki(const struct p256_key *k)
{
    return span_of(k->spki, P256_SPKI_SIZE);
}

const struct hash *
p256_key_id(const struct p256_key *k)
{
    return &k->id;
}

enum result
p256_verify_digest(const struct p256_key *k, const struct hash *digest, struct span signature)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(k->verifier);
    if (ctx == NULL)
        return RES_CRYPTO;
    int rc = EVP_PKEY_verify(ctx, signature.p, signature.n, digest->b, HASH_SIZE);
    EVP_PKEY_CTX_free(ctx);
    if (rc == 1)
        return RES_OK;
    /* A malformed signature is an error to the library (-1) and a false one to us. */
    ERR_clear_error();
    return RES_SIGNATURE;
}

enum result
p256_verify(const struct p256_key *k, struct span msg, struct span signature)
{
    struct hash digest;
    hash_sha256(msg, &digest);
    return p256_verify_digest(k, &digest, signature);
}

enum result
ed25519_verify(const uint8_t key[static 32], struct span msg, struct span signature)
{
    if (signature.n != crypto_sign_BYTES ||
        crypto_sign_verify_detached(signature.p, msg.p, msg.n, key) != 0)
        return RES_SIGNATURE;
    return RES_OK;
}

/* Unicode White_Space at p, where at least left bytes are valid UTF-8: U+0009..000D, 0020, 0085,
 * 00A0, 1680, 2000..200A, 2028, 2029, 202F, 205F, 3000. */
static bool
is_space(const uint8_t *p, size_t left)
{
    if (p[0] < 0x80)
        return p[0] == ' ' || (p[0] >= 0x09 && p[0] <= 0x0d);
    if (p[0] == 0xc2)
        return left >= 2 && (p[1] == 0x85 || p[1] == 0xa0);
    if (left < 3 || (p[0] & 0xf0) != 0xe0)
        return false;
    unsigned c = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    return c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

bool
note_key_name_form(struct span name)
{
    if (name.n == 0 || !text_is_utf8(name) || memchr(name.p, '+', name.n) != NULL)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (is_space(name.p + i, name.n - i) || name.p[i] < 0x20)
            return false; /* control bytes may stand nowhere in a note */
    return true;
}

bool
note_key_name_ok(struct span name)
{
    return name.n <= KEY_NAME_MAX && note_key_name_form(name);
}

uint32_t
note_key_id(struct span name, uint8_t type, struct span material)
{
    const uint8_t middle[] = {'\n', type};
    struct span parts[] = {name, span_of(middle, sizeof middle), material};
    struct hash h;
    hash_sha256_parts(parts, 3, &h);
    return (uint32_t)h.b[0] << 24 | (uint32_t)h.b[1] << 16 | (uint32_t)h.b[2] << 8 | h.b[3];
}

/* The three kinds of note_key differ in these. */
static enum result
make_key(struct span name, uint8_t type, const uint8_t public[static 32], struct p256_key *p256,
         struct note_key *ret)
{
    if (!note_key_name_ok(name))
        return RES_KEY;
    struct note_key k = {.type = type, .p256 = p256};
    memcpy(k.name, name.p, name.n);
    memcpy(k.public, public, sizeof k.public);
    k.id = note_key_id(name, type, span_of(public, sizeof k.public));
    *ret = k;
    return RES_OK;
}

enum result
note_key_ed25519(const char *name, uint8_t type, const uint8_t public[static 32],
                 struct note_key *ret)
{
    assert(type == KEY_ED25519 || type == KEY_COSIGNATURE_ED25519);
    return make_key(span_str(name), type, public, NULL, ret);
}

enum result
note_key_rfc6962(const char *name, struct p256_key *p256, struct note_key *ret)
{
    return make_key(span_str(name), KEY_RFC6962, p256->id.b, p256, ret);
}

/* Cuts text at its first '+': the part before it, and *rest after it.  False when there is none. */
static bool
cut_plus(struct span text, struct span *ret, struct span *rest)
{
    const uint8_t *plus = text.n == 0 ? NULL : memchr(text.p, '+', text.n);
    if (plus == NULL)
        return false;
    size_t n = (size_t)(plus - text.p);
    *ret = span_of(text.p, n);
    *rest = span_of(plus + 1, text.n - n - 1);
    return true;
}

enum result
note_key_parse(struct span vkey, struct note_key *ret)
{
    struct span name, hex, base64;
    uint8_t id[4], material[1 + 32];
    struct note_key k;
    /* The base64 may hold '+' too: the first two part the fields. */
    if (vkey.n > KEY_VKEY_MAX || !cut_plus(vkey, &name, &base64) ||
        !cut_plus(base64, &hex, &base64) || hex.n != 2 * sizeof id ||
        text_unhex(hex, id, sizeof id) != RES_OK ||
        text_unbase64_exact(base64, material, sizeof material) != RES_OK)
        return RES_KEY;
    if (material[0] != KEY_ED25519 && material[0] != KEY_COSIGNATURE_ED25519)
        return RES_KEY;
    if (make_key(name, material[0], material + 1, NULL, &k) != RES_OK)
        return RES_KEY;
    if (k.id != ((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]))
        return RES_KEY;
    *ret = k;
    return RES_OK;
}

enum result
note_key_write(const struct note_key *k, struct buf *out)
{
    size_t mark = out->n;
    uint8_t material[1 + 32] = {k->type};
    assert(k->type == KEY_ED25519 || k->type == KEY_COSIGNATURE_ED25519);
    memcpy(material + 1, k->public, sizeof k->public);
    enum result err = buf_printf(out, "%s+%08x+", k->name, (unsigned)k->id);
    if (err == RES_OK)
        err = text_base64(span_of(material, sizeof material), out);
    if (err != RES_OK)
        out->n = mark;
    return err;
}
