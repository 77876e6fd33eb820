/* merkle/note/checkpoint: the text, the RFC 6962 signature, and opening a log's checkpoint. */
#include "merkle/note/checkpoint.h"

#include "tests/fault/failalloc.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/testdata.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the two above first. */
#include <cmocka.h>
#include <sodium.h>

#define ROOT "TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0="
#define ORIGIN "log.example/2026"

static const struct {
    const char *says, *text;
    enum result want;
    uint64_t size;
} rows[] = {
    {"a checkpoint", "o\n5\n" ROOT "\n", RES_OK, 5},
    {"an empty tree", "o\n0\n" ROOT "\n", RES_OK, 0},
    {"the greatest size", "o\n9223372036854775807\n" ROOT "\n", RES_OK, CHECKPOINT_SIZE_MAX},
    {"an origin with spaces", "go.sum database tree\n5\n" ROOT "\n", RES_OK, 5},
    {"extension lines", "o\n5\n" ROOT "\nx\ny\n", RES_OK, 5},
    {"a size too great", "o\n9223372036854775808\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"a size beyond 64 bits", "o\n99223372036854775808\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"a leading zero", "o\n05\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"a sign", "o\n+5\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"a negative size", "o\n-5\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"a space before the size", "o\n 5\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"no size", "o\n\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"no origin", "\n5\n" ROOT "\n", RES_CHECKPOINT, 0},
    {"no final newline", "o\n5\n" ROOT, RES_CHECKPOINT, 0},
    {"two lines", "o\n5\n", RES_CHECKPOINT, 0},
    {"nothing", "", RES_CHECKPOINT, 0},
    {"an empty extension line", "o\n5\n" ROOT "\n\n", RES_CHECKPOINT, 0},
    {"an extension line without newline", "o\n5\n" ROOT "\nx", RES_CHECKPOINT, 0},
    {"a root of 33 bytes", "o\n5\nAAAATszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n",
     RES_CHECKPOINT, 0},
    {"a root of 30 bytes", "o\n5\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40Hmuw\n", RES_CHECKPOINT, 0},
    {"a root with bits in its padding", "o\n5\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb1=\n",
     RES_CHECKPOINT, 0},
    {"a root without padding", "o\n5\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0\n",
     RES_CHECKPOINT, 0},
};

static void
texts_are_read_and_written_back(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(4096);
    struct guard g;
    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct checkpoint c;
        char origin[64] = {0};
        struct span in = guard_put(&g, span_str(rows[i].text));
        enum result r = checkpoint_parse(in, &c);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
        if (r != RES_OK)
            continue;
        assert_int_equal(c.size, rows[i].size);
        memcpy(origin, c.origin.p, c.origin.n);
        buf_clear(&out);
        assert_int_equal(checkpoint_write(origin, c.size, &c.root, &out), RES_OK);
        assert_true(span_equal(buf_span(&out), span_of(in.p, in.n - c.extensions.n)));
        out.max = out.n + 5;
        assert_int_equal(checkpoint_write(origin, c.size, &c.root, &out), RES_TOO_LARGE);
        assert_int_equal(out.n, out.max - 5);
        out.max = 4096;
    }
    guard_release(&g);
    buf_release(&out);
}

static void
bodies_of_others_are_judged(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/4-witness-notes/checkpoint-bodies.json");
    const cJSON *one;
    size_t n = 0, stricter = 0;
    cJSON_ArrayForEach(one, testdata_member(json, "cases"))
    {
        struct checkpoint c;
        enum result r = checkpoint_parse(span_str(testdata_string(one, "body")), &c);
        /* Their parser takes roots of any length; ours is a SHA-256 log's. */
        bool other_length = strncmp(testdata_string(one, "body"), "go.sum", 6) != 0;
        n++;
        if (testdata_flag(one, "ok") && other_length && r == RES_CHECKPOINT)
            stricter++;
        else if ((r == RES_OK) != testdata_flag(one, "ok"))
            fail_msg("%s: %s", testdata_string(one, "desc"), result_name(r));
    }
    print_message("%zu bodies, %zu refused for a root that is not 32 bytes or an empty line\n", n,
                  stricter);
    assert_true(n >= 15);
    cJSON_Delete(json);
}

static void
spki_of(const cJSON *one, struct buf *ret)
{
    const cJSON *vkey = cJSON_GetObjectItemCaseSensitive(one, "vkey");
    if (vkey == NULL) {
        testdata_base64(testdata_string(one, "spki_b64"), ret);
        return;
    }
    testdata_base64(strchr(strchr(vkey->valuestring, '+') + 1, '+') + 1, ret);
    memmove(ret->p, ret->p + 1, ret->n - 1); /* the type byte */
    ret->n--;
}

/* "a RFC 6962 get-sth response can be converted to a checkpoint": static-ct-api. */
static void
tree_heads_become_checkpoints(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/4-witness-notes/checkpoint-bodies.json");
    const cJSON *one;
    size_t n = 0;
    cJSON_ArrayForEach(one, testdata_member(json, "rfc6962_sth_to_checkpoint"))
    {
        const cJSON *sth = testdata_member(one, "sth");
        struct buf b = BUF_INIT(4096), text = BUF_INIT(4096), body = BUF_INIT(4096);
        struct p256_key *p256;
        struct note_key key;
        struct hash root;
        struct digitally_signed d;
        struct checkpoint_times times = {.rfc6962 = 0};
        uint64_t timestamp = testdata_u64(sth, "timestamp"), size = testdata_u64(sth, "tree_size");
        spki_of(one, &b);
        assert_int_equal(p256_key_parse(buf_span(&b), &p256), RES_OK);
        assert_int_equal(note_key_rfc6962("log", p256, &key), RES_OK);
        testdata_base64(testdata_string(sth, "sha256_root_hash"), &b);
        assert_int_equal(b.n, HASH_SIZE);
        memcpy(root.b, b.p, HASH_SIZE);
        assert_int_equal(checkpoint_write("log", size, &root, &text), RES_OK);
        testdata_base64(testdata_string(sth, "tree_head_signature"), &b);
        struct reader r = reader_of(buf_span(&b));
        assert_int_equal(digitally_signed_read(&r, &d), RES_OK);
        assert_int_equal(checkpoint_rfc6962_body(timestamp, &d, &body), RES_OK);
        assert_int_equal(checkpoint_check(&times, &key, buf_span(&text), buf_span(&body)), RES_OK);
        assert_int_equal(times.rfc6962, timestamp);
        /* Twins: another time, another size, an extension line, a byte after the signature. */
        body.p[7] ^= 1;
        assert_int_equal(checkpoint_check(NULL, &key, buf_span(&text), buf_span(&body)),
                         RES_SIGNATURE);
        body.p[7] ^= 1;
        assert_int_equal(buf_add(&text, span_str("x\n")), RES_OK);
        assert_int_equal(checkpoint_check(NULL, &key, buf_span(&text), buf_span(&body)),
                         RES_SIGNATURE);
        text.n = 0;
        assert_int_equal(checkpoint_write("log", size + 1, &root, &text), RES_OK);
        assert_int_equal(checkpoint_check(NULL, &key, buf_span(&text), buf_span(&body)),
                         RES_SIGNATURE);
        text.n = 0;
        assert_int_equal(checkpoint_write("log", size, &root, &text), RES_OK);
        assert_int_equal(checkpoint_check(NULL, &key, buf_span(&text), buf_span(&body)), RES_OK);
        assert_int_equal(buf_add(&body, span_of("", 1)), RES_OK);
        assert_int_equal(checkpoint_check(NULL, &key, buf_span(&text), buf_span(&body)),
                         RES_SIGNATURE);
        n++;
        p256_key_free(p256);
        buf_release(&b);
        buf_release(&text);
        buf_release(&body);
    }
    assert_int_equal(n, 2);
    cJSON_Delete(json);
}

/* A log of this test's own: both keys, and what signs. */
struct log {
    EVP_PKEY *ec;
    uint8_t ed_secret[64];
    struct note_key keys[2];
};

static void
log_init(struct log *l)
{
    unsigned char *spki = NULL;
    struct p256_key *p256;
    uint8_t public[32];
    l->ec = EVP_EC_gen("P-256");
    int n = i2d_PUBKEY(l->ec, &spki);
    assert_int_equal(p256_key_parse(span_of(spki, (size_t)n), &p256), RES_OK);
    OPENSSL_free(spki);
    crypto_sign_keypair(public, l->ed_secret);
    assert_int_equal(note_key_rfc6962(ORIGIN, p256, &l->keys[0]), RES_OK);
    assert_int_equal(note_key_ed25519(ORIGIN, KEY_ED25519, public, &l->keys[1]), RES_OK);
}

static void
log_release(struct log *l)
{
    p256_key_free(l->keys[0].p256);
    EVP_PKEY_free(l->ec);
}

static void
add_ec(const struct log *l, uint64_t timestamp, struct span text, struct buf *out)
{
    struct checkpoint c;
    uint8_t head[STH_SIGNED_SIZE], sig[80];
    size_t n = sizeof sig;
    struct buf body = BUF_INIT(200);
    assert_int_equal(checkpoint_parse(text, &c), RES_OK);
    sth_signed_data(timestamp, c.size, &c.root, head);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, l->ec), 1);
    assert_int_equal(EVP_DigestSign(ctx, sig, &n, head, sizeof head), 1);
    EVP_MD_CTX_free(ctx);
    struct digitally_signed d = {4, 3, span_of(sig, n)};
    assert_int_equal(checkpoint_rfc6962_body(timestamp, &d, &body), RES_OK);
    assert_int_equal(note_signature_line(ORIGIN, l->keys[0].id, buf_span(&body), out), RES_OK);
    buf_release(&body);
}

static void
add_ed(const struct log *l, struct span text, struct buf *out)
{
    uint8_t sig[64];
    crypto_sign_detached(sig, NULL, text.p, text.n, l->ed_secret);
    assert_int_equal(note_signature_line(ORIGIN, l->keys[1].id, span_of(sig, 64), out), RES_OK);
}

static const struct {
    const char *says, *text;
    const char *ec_over, *ed_over; /* NULL: no such signature; what it is made over otherwise */
    enum result want;
} opens[] = {
#define GOOD ORIGIN "\n5\n" ROOT "\n"
#define BAD ORIGIN "\n6\n" ROOT "\n"
    {"both signatures", GOOD, GOOD, GOOD, RES_OK},
    {"no Ed25519", GOOD, GOOD, NULL, RES_KEY_UNKNOWN},
    {"no RFC 6962", GOOD, NULL, GOOD, RES_KEY_UNKNOWN},
    {"Ed25519 over another size", GOOD, GOOD, BAD, RES_SIGNATURE},
    {"RFC 6962 over another size", GOOD, BAD, GOOD, RES_SIGNATURE},
    {"another origin, which the RFC 6962 signature does not cover", "other\n5\n" ROOT "\n", GOOD,
     "other\n5\n" ROOT "\n", RES_ORIGIN},
    {"an extension line", GOOD "x\n", GOOD, GOOD "x\n", RES_CHECKPOINT},
    {"no checkpoint", "hello\n", GOOD, "hello\n", RES_CHECKPOINT},
#undef GOOD
#undef BAD
};

static void
both_signatures_are_needed(void **state)
{
    (void)state;
    struct log l;
    struct buf n = BUF_INIT(4096);
    log_init(&l);
    for (size_t i = 0; i < sizeof opens / sizeof *opens; i++) {
        struct checkpoint c = {.size = 0};
        uint64_t timestamp = 0;
        buf_clear(&n);
        assert_int_equal(buf_printf(&n, "%s\n", opens[i].text), RES_OK);
        if (opens[i].ec_over != NULL)
            add_ec(&l, 1700000000123, span_str(opens[i].ec_over), &n);
        if (opens[i].ed_over != NULL)
            add_ed(&l, span_str(opens[i].ed_over), &n);
        enum result r = checkpoint_open_ct(buf_span(&n), l.keys, &c, &timestamp);
        if (r != opens[i].want)
            fail_msg("%s: %s", opens[i].says, result_name(r));
        assert_int_equal(c.size, r == RES_OK ? 5 : 0);
        assert_int_equal(timestamp, r == RES_OK ? 1700000000123 : 0);
    }
    buf_clear(&n);
    struct checkpoint c;
    uint64_t timestamp;
    assert_int_equal(checkpoint_open_ct(span_str("no note"), l.keys, &c, &timestamp), RES_NOTE);
    buf_release(&n);
    log_release(&l);
}

static void
the_newest_time_counts_and_every_bit(void **state)
{
    (void)state;
    static const char text[] = ORIGIN "\n5\n" ROOT "\n";
    struct log l;
    struct buf n = BUF_INIT(4096);
    struct checkpoint c;
    uint64_t timestamp;
    log_init(&l);
    assert_int_equal(buf_printf(&n, "%s\n", text), RES_OK);
    add_ec(&l, 20, span_str(text), &n);
    add_ed(&l, span_str(text), &n);
    size_t two = n.n;
    add_ec(&l, 30, span_str(text), &n);
    add_ec(&l, 10, span_str(text), &n);
    assert_int_equal(checkpoint_open_ct(buf_span(&n), l.keys, &c, &timestamp), RES_OK);
    assert_int_equal(timestamp, 30);
    n.n = two;
    /* Base64 has canonical forms only, so every bit of the note is covered by something. */
    for (size_t i = 0; i < n.n * 8; i++) {
        n.p[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(checkpoint_open_ct(buf_span(&n), l.keys, &c, &timestamp), RES_OK);
        n.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(checkpoint_open_ct(buf_span(&n), l.keys, &c, &timestamp), RES_OK);
    buf_release(&n);
    log_release(&l);
}

static void
cosignatures_are_checked(void **state)
{
    (void)state;
    static const char text[] = ORIGIN "\n5\n" ROOT "\nx\n";
    static const char signed_text[] =
        "cosignature/v1\ntime 1700000000\n" ORIGIN "\n5\n" ROOT "\nx\n";
    uint8_t public[32], secret[64], body[8 + 64 + 1] = {0, 0, 0, 0, 0x65, 0x53, 0xf1, 0x00};
    struct note_key k;
    struct checkpoint_times times = {.cosignature = 0};
    crypto_sign_keypair(public, secret);
    assert_int_equal(note_key_ed25519("witness", KEY_COSIGNATURE_ED25519, public, &k), RES_OK);
    crypto_sign_detached(body + 8, NULL, (const uint8_t *)signed_text, strlen(signed_text), secret);
    struct span good = span_of(body, 72);
    assert_int_equal(checkpoint_check(&times, &k, span_str(text), good), RES_OK);
    assert_int_equal(times.cosignature, 1700000000);
    assert_int_equal(checkpoint_check(NULL, &k, span_str(text), span_of(body, 73)), RES_SIGNATURE);
    assert_int_equal(checkpoint_check(NULL, &k, span_str(text), span_of(body, 71)), RES_SIGNATURE);
    assert_int_equal(checkpoint_check(NULL, &k, span_str("x\n"), good), RES_SIGNATURE);
    body[7] ^= 1;
    assert_int_equal(checkpoint_check(NULL, &k, span_str(text), good), RES_SIGNATURE);
    body[7] ^= 1;
    /* "It MUST NOT exceed 2^63 - 1", signed or not. */
    static const char late[] =
        "cosignature/v1\ntime 9223372036854775808\n" ORIGIN "\n5\n" ROOT "\nx\n";
    memcpy(body, (const uint8_t[8]){0x80}, 8);
    crypto_sign_detached(body + 8, NULL, (const uint8_t *)late, strlen(late), secret);
    assert_int_equal(checkpoint_check(NULL, &k, span_str(text), good), RES_SIGNATURE);
    k.type = KEY_ED25519; /* not a type that this function knows */
    assert_int_equal(checkpoint_check(NULL, &k, span_str(text), good), RES_SIGNATURE);
}

/* Signs and checks a cosigned checkpoint with everything that allocates on the way. */
static enum result
allocate_all_over(const uint8_t *spki, const struct note_key *cosigner, struct span signature)
{
    struct p256_key *p256 = NULL;
    struct buf text = BUF_INIT(4096);
    struct hash root = {{0}};
    uint8_t body[8 + 64] = {0};
    memcpy(body + 8, signature.p, 64);
    enum result r = p256_key_parse(span_of(spki, 91), &p256);
    if (r == RES_OK)
        r = checkpoint_write("o", 5, &root, &text);
    size_t n = text.n;
    if (r == RES_OK)
        r = checkpoint_check(NULL, cosigner, buf_span(&text), span_of(body, sizeof body));
    if (r == RES_OK)
        r = note_signature_line("o", 1, signature, &text);
    if (r != RES_OK)
        assert_int_equal(text.n, n);
    n = text.n;
    if (r == RES_OK)
        r = note_key_write(cosigner, &text);
    if (r != RES_OK)
        assert_int_equal(text.n, n);
    p256_key_free(p256);
    buf_release(&text);
    return r;
}

static void
each_allocation_may_fail(void **state)
{
    (void)state;
    static const char head[] = "cosignature/v1\ntime 0\no\n5\n";
    uint8_t public[32], secret[64], sig[64];
    struct buf msg = BUF_INIT(200);
    struct note_key k;
    struct log l;
    log_init(&l);
    crypto_sign_keypair(public, secret);
    assert_int_equal(note_key_ed25519("w", KEY_COSIGNATURE_ED25519, public, &k), RES_OK);
    assert_int_equal(buf_printf(&msg, "%sAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", head),
                     RES_OK);
    crypto_sign_detached(sig, NULL, msg.p, msg.n, secret);
    const uint8_t *spki = p256_key_spki(l.keys[0].p256).p;
    failalloc_at(0);
    assert_int_equal(allocate_all_over(spki, &k, span_of(sig, 64)), RES_OK);
    size_t n = failalloc_count();
    assert_true(n >= 4);
    for (size_t i = 1; i <= n; i++) {
        failalloc_at(i);
        assert_int_equal(allocate_all_over(spki, &k, span_of(sig, 64)), RES_MEMORY);
    }
    failalloc_at(0);
    buf_release(&msg);
    log_release(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_and_written_back),
        cmocka_unit_test(bodies_of_others_are_judged),
        cmocka_unit_test(tree_heads_become_checkpoints),
        cmocka_unit_test(both_signatures_are_needed),
        cmocka_unit_test(the_newest_time_counts_and_every_bit),
        cmocka_unit_test(cosignatures_are_checked),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
