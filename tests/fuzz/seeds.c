/*
 * fuzz_seeds FOLDER: makes the first inputs of the fuzz targets, FOLDER/corpus/TARGET/NAME, and
 * FOLDER/checkpoint_keys.h, the public halves of keys that are forgotten when it ends.
 *
 * The folder in the tree was made by this program; a fuzzer goes on from there.
 */
#include "merkle/base/codec.h"
#include "merkle/base/text.h"
#include "merkle/leaf/datatile.h"
#include "merkle/leaf/precert.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/checkpoint.h"
#include "tests/mint/mint.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ORIGIN "fuzz.example/log"
#define SIZE 700
#define TIMESTAMP UINT64_C(1700000000123)

static const char *folder;

static void
need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_seeds: %s\n", what);
        exit(1);
    }
}

static void
seed(const char *target, const char *name, struct span s)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/corpus", folder);
    (void)mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/corpus/%s", folder, target);
    (void)mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/corpus/%s/%s", folder, target, name);
    FILE *f = fopen(path, "wb");
    need(f != NULL && fwrite(s.p, 1, s.n, f) == s.n && fclose(f) == 0, path);
}

/* ---- certificates ---- */

static EVP_PKEY *root_key, *ca_key, *leaf_key;
static X509 *root, *ca;

static void
seed_x509(const char *name, X509 *x)
{
    struct span der = mint_der(x);
    seed("cert", name, der);
    mint_free(der);
}

static void
pair(struct buf *out, struct span first, struct span second)
{
    struct writer w = writer_to(out);
    put_vec16(&w, first);
    put_bytes(&w, second);
    need(writer_end(&w) == RES_OK, "writing");
}

static void
seed_precert(const char *name, X509 *x, X509 *signer)
{
    struct buf out = BUF_INIT(1 << 20);
    struct span der = mint_der(x), second = signer == NULL ? span_of(NULL, 0) : mint_der(signer);
    pair(&out, der, second);
    seed("precert", name, buf_span(&out));
    buf_release(&out);
    mint_free(der);
    if (signer != NULL)
        mint_free(second);
}

/* A leaf whose extensions are the given ones. */
static X509 *
leaf_with(const struct mint_pair *ext, size_t n, bool version1)
{
    struct mint_spec s = {.issuer = ca,
                          .issuer_key = ca_key,
                          .key = leaf_key,
                          .version1 = version1,
                          .subject = {{"CN", "s"}},
                          .serial = n + 1};
    for (size_t i = 0; i < n; i++)
        s.extension[i] = ext[i];
    return mint_cert(&s);
}

static const struct mint_pair EXTENSIONS[] = {
    {"basicConstraints", "critical,CA:FALSE"},
    {"keyUsage", "critical,digitalSignature,keyEncipherment"},
    {"extendedKeyUsage", "emailProtection,clientAuth"},
    {"subjectAltName", "email:a@b.example"},
    {MINT_POISON, MINT_POISON_VALUE},
    /* an SCT list with one SCT of an unknown version */
    {"1.3.6.1.4.1.11129.2.4.2", "DER:04:06:00:04:00:02:ff:ff"},
    {"certificatePolicies", "2.23.140.1.5.1.1"},
};

static void
seed_certificates(void)
{
    static const struct {
        const char *name;
        size_t first, n;
        bool version1;
    } LEAVES[] = {
        {"version1", 0, 0, true},     {"no-extensions", 0, 0, false},
        {"mail", 0, 4, false},        {"precert", 0, 5, false},
        {"poison-only", 4, 1, false}, {"poison-and-list", 3, 3, false},
        {"sct-list", 2, 2, false},    {"list-only", 5, 1, false},
        {"eku", 2, 1, false},         {"everything", 0, 7, false},
    };
    X509 *signer = mint_precert_signer("ps", leaf_key, ca, ca_key);
    seed_x509("root", root);
    seed_x509("ca", ca);
    seed_x509("signer", signer);
    for (size_t i = 0; i < sizeof LEAVES / sizeof LEAVES[0]; i++) {
        X509 *x = leaf_with(EXTENSIONS + LEAVES[i].first, LEAVES[i].n, LEAVES[i].version1);
        seed_x509(LEAVES[i].name, x);
        seed_precert(LEAVES[i].name, x, NULL);
        X509_free(x);
    }
    X509 *pre = mint_precert("a@b.example", ca_key, signer, leaf_key);
    seed_x509("precert-of-signer", pre);
    seed_precert("signed-by-signer", pre, signer);
    X509_free(pre);
    X509_free(signer);
    struct mint_spec future = {.key = leaf_key,
                               .subject = {{"CN", "s"}},
                               .not_after = INT64_C(4102444800)}; /* 2100: a GeneralizedTime */
    X509 *late = mint_cert(&future);
    seed_x509("generalized-time", late);
    X509_free(late);
    EVP_PKEY *ed = mint_key(MINT_ED25519);
    X509 *x = mint_root("ed", ed);
    seed_x509("ed25519", x);
    X509_free(x);
    EVP_PKEY_free(ed);
    seed("cert", "oid", span_str("1.3.6.1.4.1.11129.2.4.3"));
    seed("cert", "oid-wrong", span_str("2.999999999999999999999.1"));
}

/* ---- what a log writes ---- */

static struct sct
some_sct(uint8_t fill, struct span extensions)
{
    static uint8_t signature[72];
    struct sct s = {
        .timestamp = TIMESTAMP + fill, .extensions = extensions, .signature = {4, 3, {0}}};
    memset(s.log_id.b, fill, sizeof s.log_id.b);
    memset(signature, fill, sizeof signature);
    s.signature.signature = span_of(signature, 70);
    return s;
}

static void
seed_scts(void)
{
    uint8_t index[ENTRY_LEAF_INDEX_SIZE];
    struct buf one = BUF_INIT(4096), list = BUF_INIT(4096), leaf = BUF_INIT(4096),
               tile = BUF_INIT(8192);
    entry_leaf_index(300, index);
    struct span extensions = span_of(index, sizeof index);
    struct sct a = some_sct(0xa0, extensions), b = some_sct(0x0b, span_of(NULL, 0));
    need(sct_write(&a, &one) == RES_OK, "sct");
    seed("sct_list", "sct", buf_span(&one));
    struct writer w = writer_to(&list);
    size_t outer = put_open(&w, 2);
    put_vec16(&w, buf_span(&one));
    buf_clear(&one);
    need(sct_write(&b, &one) == RES_OK, "sct");
    seed("sct_list", "sct-without-extensions", buf_span(&one));
    put_vec16(&w, buf_span(&one));
    put_vec16(&w, span_str("\7an unknown version"));
    put_close(&w, outer, 2);
    need(writer_end(&w) == RES_OK, "list");
    seed("sct_list", "list", buf_span(&list));
    struct tile_leaf t[2] = {
        {.timestamped = {TIMESTAMP, {ENTRY_X509, {{0}}, span_str("certificate")}, extensions},
         .chain_count = 2},
        {.timestamped = {TIMESTAMP, {ENTRY_PRECERT, {{1}}, span_str("tbs")}, extensions},
         .precertificate = span_str("precertificate"),
         .chain_count = 1}};
    for (int i = 0; i < 2; i++) {
        buf_clear(&leaf);
        need(entry_leaf_write(&t[i].timestamped, &leaf) == RES_OK, "leaf");
        seed("sct_list", i == 0 ? "leaf" : "leaf-precert", buf_span(&leaf));
        need(tile_leaf_write(&t[i], &tile) == RES_OK, "tile");
    }
    seed("sct_list", "tile", buf_span(&tile));
    seed("sct_list", "empty-list", span_of("\0\0", 2));
    seed("sct_list", "index", extensions);
    buf_release(&one);
    buf_release(&list);
    buf_release(&leaf);
    buf_release(&tile);
}

/* ---- text ---- */

static void
seed_notes(void)
{
    static const char VKEY[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    static const char NOTE[] = "This is an example message.\n\n\xe2\x80\x94 example.com/foo "
                               "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi"
                               "2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    static const char TWO[] =
        "one\n\ntwo\n\n\xe2\x80\x94 a AAAAAQI=\n\xe2\x80\x94 \xc3\xa4 AAAAAg==\n";
    seed("note", "vkey", span_str(VKEY));
    seed("note", "note", span_str(NOTE));
    seed("note", "two", span_str(TWO));
    seed("note", "no-signature", span_str("text\n\n"));
    seed("note", "control", span_str("te\1xt\n\n\xe2\x80\x94 a AAAAAQI=\n"));
    seed("codec", "all-widths",
         span_of("\6\0\1\2\3\4\5"
                 "aabbbccccdddddeeeeeeee12",
                 31));
    seed("codec", "vectors",
         span_of("\5\7\10\11\106\10"
                 "\3abc\0\4dogs\0\0\2de1234567\0\1z",
                 34));
    seed("codec", "base64", span_str("AAECAwQ="));
    seed("codec", "empty", span_str(""));
    seed("codec", "hex", span_str("00ff10ab"));
    seed("codec", "number", span_str("18446744073709551615"));
    seed("codec", "utf8", span_str("\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\x9c"));
    seed("codec", "utf8-limits",
         span_str("\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    seed("codec", "utf8-surrogate", span_str("a\xed\xa0\x80"));
    seed("codec", "utf8-cut", span_str("a\xf0\x9f\x93"));
    seed("codec", "control-c1", span_str("shown\xc2\x85not"));
    seed("codec", "control-escape", span_str("shown\x1b[31m"));
    seed("codec", "base64-pad-bits", span_str("Zm9vZh=="));
    seed("codec", "base64-pad-inside", span_str("Zg==Zg=="));
    seed("codec", "number-too-large", span_str("18446744073709551616"));
}

static void
write_array(FILE *f, const char *name, struct span s)
{
    fprintf(f, "static const uint8_t %s[] = {", name);
    for (size_t i = 0; i < s.n; i++)
        fprintf(f, "%s0x%02x,", i % 14 == 0 ? "\n    " : " ", s.p[i]);
    fprintf(f, "\n};\n");
}

static void
write_keys(struct span spki, const uint8_t *ed25519)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/checkpoint_keys.h", folder);
    FILE *f = fopen(path, "w");
    need(f != NULL, path);
    fprintf(f,
            "/* Made by seeds.c with the corpus: public keys whose private halves are gone. */\n"
            "#ifndef TESTS_FUZZ_CHECKPOINT_KEYS_H\n#define TESTS_FUZZ_CHECKPOINT_KEYS_H\n\n"
            "#include <stdint.h>\n\n"
            "#define CHECKPOINT_ORIGIN \"%s\"\n#define CHECKPOINT_SIZE %d\n"
            "#define CHECKPOINT_TIMESTAMP UINT64_C(%llu)\n\n",
            ORIGIN, SIZE, (unsigned long long)TIMESTAMP);
    write_array(f, "CHECKPOINT_SPKI", spki);
    write_array(f, "CHECKPOINT_ED25519", span_of(ed25519, 32));
    fprintf(f, "\n#endif\n");
    need(fclose(f) == 0, path);
}

static struct span
sign_p256(EVP_PKEY *key, struct span msg, uint8_t out[static 80])
{
    size_t n = 80;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    need(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
             EVP_DigestSign(ctx, out, &n, msg.p, msg.n) == 1,
         "signing");
    EVP_MD_CTX_free(ctx);
    return span_of(out, n);
}

static void
seed_checkpoints(void)
{
    EVP_PKEY *key = mint_key(MINT_P256);
    uint8_t pk[32], sk[64], signature[64], der[80], sth[STH_SIGNED_SIZE], *spki = NULL;
    struct hash hash;
    struct p256_key *p256;
    struct note_key ct, ed;
    struct buf text = BUF_INIT(8192), body = BUF_INIT(1024);
    int spki_n = i2d_PUBKEY(key, &spki);
    need(spki_n > 0 && crypto_sign_keypair(pk, sk) == 0, "keys");
    write_keys(span_of(spki, (size_t)spki_n), pk);
    hash_sha256(span_str("root"), &hash);
    need(p256_key_parse(span_of(spki, (size_t)spki_n), &p256) == RES_OK &&
             note_key_rfc6962(ORIGIN, p256, &ct) == RES_OK &&
             note_key_ed25519(ORIGIN, KEY_ED25519, pk, &ed) == RES_OK,
         "keys");
    need(checkpoint_write(ORIGIN, SIZE, &hash, &text) == RES_OK, "checkpoint");
    seed("checkpoint", "text", buf_span(&text));
    sth_signed_data(TIMESTAMP, SIZE, &hash, sth);
    struct digitally_signed d = {4, 3, sign_p256(key, span_of(sth, sizeof sth), der)};
    crypto_sign_detached(signature, NULL, text.p, text.n, sk);
    need(checkpoint_rfc6962_body(TIMESTAMP, &d, &body) == RES_OK &&
             buf_printf(&text, "\n") == RES_OK &&
             note_signature_line(ORIGIN, ct.id, buf_span(&body), &text) == RES_OK &&
             note_signature_line(ORIGIN, ed.id, span_of(signature, sizeof signature), &text) ==
                 RES_OK,
         "checkpoint");
    seed("checkpoint", "signed", buf_span(&text));
    struct buf piece = BUF_INIT(8192);
    struct buf line = BUF_INIT(1024);
    need(checkpoint_write(ORIGIN, SIZE, &hash, &line) == RES_OK, "checkpoint");
    pair(&piece, buf_span(&line), buf_span(&body));
    seed("checkpoint", "body", buf_span(&piece));
    buf_clear(&piece);
    uint8_t cosignature[72] = {0};
    pair(&piece, buf_span(&line), span_of(cosignature, sizeof cosignature));
    seed("checkpoint", "cosignature", buf_span(&piece));
    buf_release(&piece);
    buf_release(&line);
    seed("sct_list", "tree-head", span_of(sth, sizeof sth));
    struct buf alone = BUF_INIT(256);
    need(digitally_signed_write(&d, &alone) == RES_OK, "signature");
    seed("sct_list", "signature", buf_span(&alone));
    buf_release(&alone);
    buf_clear(&text);
    need(checkpoint_write("x", 0, &hash, &text) == RES_OK &&
             buf_printf(&text, "extension\nline\n") == RES_OK,
         "checkpoint");
    seed("checkpoint", "extensions", buf_span(&text));
    seed("checkpoint", "leading-zero", span_str("x\n01\nAAAA\n"));
    OPENSSL_free(spki);
    p256_key_free(p256);
    EVP_PKEY_free(key);
    buf_release(&text);
    buf_release(&body);
}

int
main(int argc, char **argv)
{
    need(argc == 2 && sodium_init() >= 0, "usage: fuzz_seeds FOLDER");
    folder = argv[1];
    root_key = mint_key(MINT_P256);
    ca_key = mint_key(MINT_P256);
    leaf_key = mint_key(MINT_P256);
    root = mint_root("r", root_key);
    ca = mint_ca("c", ca_key, root, root_key);
    seed_certificates();
    seed_scts();
    seed_notes();
    seed_checkpoints();
    X509_free(root);
    X509_free(ca);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(leaf_key);
    return 0;
}
