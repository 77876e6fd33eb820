/* merkle/note/note: signed notes, well-formed and not, and whose signatures count. */
#include "merkle/note/note.h"

#include "merkle/note/checkpoint.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/testdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the two above first. */
#include <cmocka.h>
#include <sodium.h>

#define DASH "\xe2\x80\x94"
/* base64 of four zero bytes of id and one of body. */
#define SIG "AAAAAAE="

static const struct {
    const char *says, *note;
    enum result want;
    size_t count;
    const char *text;
} rows[] = {
    {"one signature", "a\n\n" DASH " k " SIG "\n", RES_OK, 1, "a\n"},
    {"two signatures", "a\nb\n\n" DASH " k " SIG "\n" DASH " l " SIG "\n", RES_OK, 2, "a\nb\n"},
    {"empty lines in the text: the last one parts", "a\n\n\n\nb\n\n" DASH " k " SIG "\n", RES_OK, 1,
     "a\n\n\n\nb\n"},
    {"a text of one empty line", "\n\n" DASH " k " SIG "\n", RES_OK, 1, "\n"},
    {"a text that looks like a signature", DASH " k " SIG "\n\n" DASH " k " SIG "\n", RES_OK, 1,
     DASH " k " SIG "\n"},
    {"a name beyond ASCII", "a\n\n" DASH " \xc3\xa9 " SIG "\n", RES_OK, 1, "a\n"},
    {"nothing", "", RES_NOTE, 0, NULL},
    {"no text", "\n" DASH " k " SIG "\n", RES_NOTE, 0, NULL},
    {"no blank line", "a\n" DASH " k " SIG "\n", RES_NOTE, 0, NULL},
    {"no signature", "a\n\n", RES_NOTE, 0, NULL},
    {"no final newline", "a\n\n" DASH " k " SIG, RES_NOTE, 0, NULL},
    {"a hyphen for the dash", "a\n\n- k " SIG "\n", RES_NOTE, 0, NULL},
    {"no space after the dash", "a\n\n" DASH "k " SIG "\n", RES_NOTE, 0, NULL},
    {"no name", "a\n\n" DASH "  " SIG "\n", RES_NOTE, 0, NULL},
    {"no signature field", "a\n\n" DASH " k\n", RES_NOTE, 0, NULL},
    {"an empty signature field", "a\n\n" DASH " k \n", RES_NOTE, 0, NULL},
    {"a key id without body", "a\n\n" DASH " k AAAAAA==\n", RES_NOTE, 0, NULL},
    {"three bytes", "a\n\n" DASH " k AAAA\n", RES_NOTE, 0, NULL},
    {"base64 without padding", "a\n\n" DASH " k AAAAAAE\n", RES_NOTE, 0, NULL},
    {"base64 with bits in its padding", "a\n\n" DASH " k AAAAAAF=\n", RES_NOTE, 0, NULL},
    {"a space at the end", "a\n\n" DASH " k " SIG " \n", RES_NOTE, 0, NULL},
    {"two spaces between", "a\n\n" DASH " k  " SIG "\n", RES_NOTE, 0, NULL},
    {"a plus in the name", "a\n\n" DASH " k+l " SIG "\n", RES_NOTE, 0, NULL},
    {"a no-break space in the name", "a\n\n" DASH " k\xc2\xa0l " SIG "\n", RES_NOTE, 0, NULL},
    {"a tab in the text", "a\tb\n\n" DASH " k " SIG "\n", RES_NOTE, 0, NULL},
    {"a carriage return", "a\r\n\n" DASH " k " SIG "\n", RES_NOTE, 0, NULL},
    {"invalid UTF-8 in the text", "a\xff\n\n" DASH " k " SIG "\n", RES_NOTE, 0, NULL},
    {"a line after the signatures", "a\n\n" DASH " k " SIG "\nb\n", RES_NOTE, 0, NULL},
};

static void
rows_are_parsed(void **state)
{
    (void)state;
    struct guard g;
    struct note *n = malloc(sizeof *n);
    assert_non_null(n);
    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span in = guard_put(&g, span_str(rows[i].note));
        enum result r = note_parse(in, n);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
        if (r != RES_OK)
            continue;
        assert_int_equal(n->count, rows[i].count);
        assert_true(span_equal(n->text, span_str(rows[i].text)));
        for (size_t k = 0; k < in.n; k++)
            if (note_parse(guard_put(&g, span_of(rows[i].note, k)), n) == RES_OK)
                assert_int_equal(n->count, rows[i].count - 1);
    }
    guard_release(&g);
    free(n);
}

/* A key pair from a seed byte. */
struct pair {
    uint8_t public[32], secret[64];
    struct note_key key;
};

static struct pair
make_pair(const char *name, uint8_t seed_byte)
{
    struct pair p;
    uint8_t seed[32] = {seed_byte};
    crypto_sign_seed_keypair(p.public, p.secret, seed);
    assert_int_equal(note_key_ed25519(name, KEY_ED25519, p.public, &p.key), RES_OK);
    return p;
}

static void
add_signature(const struct pair *p, struct span text, struct buf *out)
{
    uint8_t sig[64];
    crypto_sign_detached(sig, NULL, text.p, text.n, p->secret);
    assert_int_equal(note_signature_line(p->key.name, p->key.id, span_of(sig, 64), out), RES_OK);
}

static enum result
open_with(const struct buf *b, const struct note_key *keys, size_t n, bool *verified)
{
    struct note note;
    enum result r = note_parse(buf_span(b), &note);
    return r == RES_OK ? note_verify(&note, keys, n, NULL, NULL, verified) : r;
}

static void
signatures_are_verified(void **state)
{
    (void)state;
    struct pair a = make_pair("a", 1), b = make_pair("b", 2), a2 = make_pair("a", 3);
    struct note_key keys[] = {a.key, b.key};
    struct buf n = BUF_INIT(NOTE_MAX);
    struct span text = span_str("text\n");
    bool verified[2] = {true, true};
    assert_int_equal(buf_printf(&n, "text\n\n"), RES_OK);
    size_t blank = n.n;
    assert_int_equal(open_with(&n, keys, 2, verified), RES_NOTE);
    add_signature(&a2, text, &n);
    assert_int_equal(open_with(&n, keys, 2, verified), RES_KEY_UNKNOWN);
    assert_true(verified[0] && verified[1]);
    add_signature(&b, text, &n);
    assert_int_equal(open_with(&n, keys, 2, verified), RES_OK);
    assert_true(!verified[0] && verified[1]);
    assert_int_equal(open_with(&n, keys, 2, NULL), RES_OK);
    assert_int_equal(open_with(&n, keys, 1, verified), RES_KEY_UNKNOWN);
    assert_int_equal(open_with(&n, NULL, 0, NULL), RES_KEY_UNKNOWN);
    add_signature(&a, text, &n);
    assert_int_equal(open_with(&n, keys, 2, verified), RES_OK);
    assert_true(verified[0] && verified[1]);
    /* A second signature by the same key that is not good. */
    add_signature(&a, span_str("other\n"), &n);
    assert_int_equal(open_with(&n, keys, 2, verified), RES_SIGNATURE);
    assert_int_equal(open_with(&n, keys + 1, 1, verified), RES_OK);
    /* A body of 63 bytes under a known key. */
    static const uint8_t zero[63];
    n.n = blank;
    assert_int_equal(note_signature_line("a", a.key.id, span_of(zero, 63), &n), RES_OK);
    assert_int_equal(open_with(&n, keys, 2, verified), RES_SIGNATURE);
    /* Same name, other id; same id, other name: unknown. */
    n.n = blank;
    assert_int_equal(note_signature_line("a", a.key.id + 1, span_of(zero, 63), &n), RES_OK);
    assert_int_equal(note_signature_line("c", a.key.id, span_of(zero, 63), &n), RES_OK);
    assert_int_equal(open_with(&n, keys, 2, verified), RES_KEY_UNKNOWN);
    buf_release(&n);
}

static void
every_bent_bit_is_noticed(void **state)
{
    (void)state;
    struct pair a = make_pair("a", 1);
    struct buf n = BUF_INIT(NOTE_MAX);
    assert_int_equal(buf_printf(&n, "text\n\n"), RES_OK);
    add_signature(&a, span_str("text\n"), &n);
    assert_int_equal(open_with(&n, &a.key, 1, NULL), RES_OK);
    for (size_t i = 0; i < n.n * 8; i++) {
        n.p[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(open_with(&n, &a.key, 1, NULL), RES_OK);
        n.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    buf_release(&n);
}

static enum result
say(void *arg, const struct note_key *key, struct span text, struct span body)
{
    assert_int_equal(key->type, KEY_COSIGNATURE_ED25519);
    assert_true(span_equal(text, span_str("text\n")));
    assert_true(span_equal(body, span_str("body")));
    return *(enum result *)arg;
}

static void
other_types_go_to_the_caller(void **state)
{
    (void)state;
    struct pair a = make_pair("a", 1);
    struct note_key cosigner, log = {.name = "log", .id = 7, .type = KEY_RFC6962};
    struct buf b = BUF_INIT(NOTE_MAX);
    struct note n;
    enum result answer = RES_OK;
    bool verified = false;
    assert_int_equal(note_key_ed25519("a", KEY_COSIGNATURE_ED25519, a.public, &cosigner), RES_OK);
    assert_int_equal(buf_printf(&b, "text\n\n"), RES_OK);
    assert_int_equal(note_signature_line("a", cosigner.id, span_str("body"), &b), RES_OK);
    assert_int_equal(note_signature_line("log", 7, span_str("body"), &b), RES_OK);
    assert_int_equal(note_parse(buf_span(&b), &n), RES_OK);
    assert_int_equal(note_verify(&n, &cosigner, 1, say, &answer, &verified), RES_OK);
    assert_true(verified);
    answer = RES_SIGNATURE;
    assert_int_equal(note_verify(&n, &cosigner, 1, say, &answer, NULL), RES_SIGNATURE);
    answer = RES_MEMORY;
    assert_int_equal(note_verify(&n, &cosigner, 1, say, &answer, NULL), RES_MEMORY);
    assert_int_equal(note_verify(&n, &cosigner, 1, NULL, NULL, NULL), RES_KEY_UNKNOWN);
    /* Without its P-256 key an RFC 6962 key is only a name. */
    assert_int_equal(note_verify(&n, &log, 1, say, &answer, NULL), RES_KEY_UNKNOWN);

    struct buf body = BUF_INIT(100), small = BUF_INIT(3);
    assert_int_equal(note_signature_body(&n, 0, &body), RES_OK);
    assert_true(span_equal(buf_span(&body), span_str("body")));
    assert_int_equal(note_signature_body(&n, 0, &small), RES_TOO_LARGE);
    buf_release(&body);
    buf_release(&small);
    buf_release(&b);
}

static void
limits_are_kept(void **state)
{
    (void)state;
    static uint8_t body[NOTE_SIGNATURE_MAX + 1];
    struct note n;
    struct buf b = BUF_INIT(2 * NOTE_MAX), big = BUF_INIT(NOTE_SIGNATURE_MAX);
    assert_int_equal(buf_printf(&b, "text\n\n"), RES_OK);
    for (size_t i = 0; i < NOTE_SIGNATURES_MAX; i++)
        assert_int_equal(note_signature_line("k", 1, span_of(body, 1), &b), RES_OK);
    assert_int_equal(note_parse(buf_span(&b), &n), RES_OK);
    assert_int_equal(n.count, NOTE_SIGNATURES_MAX);
    assert_int_equal(note_signature_line("k", 1, span_of(body, 1), &b), RES_OK);
    assert_int_equal(note_parse(buf_span(&b), &n), RES_TOO_LARGE);

    size_t mark = b.n;
    assert_int_equal(note_signature_line("k", 1, span_of(body, sizeof body), &b), RES_VALUE);
    assert_int_equal(note_signature_line("k", 1, span_of(body, 0), &b), RES_VALUE);
    assert_int_equal(b.n, mark);
    b.n = strlen("text\n\n");
    assert_int_equal(note_signature_line("k", 1, span_of(body, NOTE_SIGNATURE_MAX), &b), RES_OK);
    assert_int_equal(note_parse(buf_span(&b), &n), RES_OK);
    assert_int_equal(note_signature_body(&n, 0, &big), RES_OK);
    assert_int_equal(big.n, NOTE_SIGNATURE_MAX);
    /* One group of base64 more. */
    b.n -= 1 + 4;
    assert_int_equal(buf_printf(&b, "AAAAAAAA\n"), RES_OK);
    assert_int_equal(note_parse(buf_span(&b), &n), RES_TOO_LARGE);

    b.n = 0;
    assert_int_equal(buf_reserve(&b, NOTE_MAX + 1), RES_OK);
    memset(b.p, 'a', NOTE_MAX + 1);
    assert_int_equal(note_parse(span_of(b.p, NOTE_MAX + 1), &n), RES_TOO_LARGE);
    assert_int_equal(note_parse(span_of(b.p, NOTE_MAX), &n), RES_NOTE);

    struct buf tight = BUF_INIT(10);
    assert_int_equal(note_signature_line("k", 1, span_of(body, 1), &tight), RES_TOO_LARGE);
    assert_int_equal(tight.n, 0);
    buf_release(&tight);
    buf_release(&b);
    buf_release(&big);
}

/* Keys of types that are read from SubjectPublicKeyInfo; type 2 is not supported. */
static bool
read_vkey(const char *text, struct note_key *ret)
{
    struct buf raw = BUF_INIT(4096);
    char name[KEY_NAME_MAX + 1];
    unsigned id = 0;
    bool ok = note_key_parse(span_str(text), ret) == RES_OK;
    if (!ok && sscanf(text, "%255[^+]+%8x+", name, &id) == 2) {
        const char *base64 = strchr(strchr(text, '+') + 1, '+') + 1;
        struct p256_key *p256;
        testdata_base64(base64, &raw);
        if (raw.n > 1 && raw.p[0] == KEY_RFC6962) {
            assert_int_equal(p256_key_parse(span_of(raw.p + 1, raw.n - 1), &p256), RES_OK);
            assert_int_equal(note_key_rfc6962(name, p256, ret), RES_OK);
            assert_int_equal(ret->id, id);
            ok = true;
        }
    }
    buf_release(&raw);
    return ok;
}

/* Whether one of the names in json is keys[k]'s for each verified k, and no more. */
static void
same_names(const cJSON *json, const struct note_key *keys, const bool *verified, size_t n)
{
    const cJSON *name;
    size_t want = 0, got = 0;
    cJSON_ArrayForEach(name, json)
    {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found |= verified[k] && strcmp(keys[k].name, name->valuestring) == 0;
        assert_true(found);
        want++;
    }
    for (size_t k = 0; k < n; k++)
        got += verified[k];
    assert_int_equal(want, got);
}

/* The verdict over one note of the vectors: as a note, or as a checkpoint where the case says so.
 */
static enum result
judge(const cJSON *one, struct span in, const struct note_key *keys, size_t n, bool *verified)
{
    struct note *note = malloc(sizeof *note);
    const cJSON *origin = cJSON_GetObjectItemCaseSensitive(one, "expected_origin");
    const cJSON *required = cJSON_GetObjectItemCaseSensitive(one, "required_vkey");
    assert_non_null(note);
    enum result r = note_parse(in, note);
    if (r == RES_OK)
        r = note_verify(note, keys, n, checkpoint_check, NULL, verified);
    if (r == RES_OK && origin != NULL) {
        struct span line = span_of(note->text.p, strlen(origin->valuestring));
        if (note->text.n <= line.n || !span_equal(line, span_str(origin->valuestring)))
            r = RES_ORIGIN;
    }
    for (size_t k = 0; r == RES_OK && required != NULL && k < n; k++) {
        struct note_key log;
        assert_int_equal(note_key_parse(span_str(required->valuestring), &log), RES_OK);
        if (keys[k].id == log.id && !verified[k])
            r = RES_KEY_UNKNOWN;
    }
    free(note);
    return r;
}

static void
notes_of_others_are_judged(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/4-witness-notes/notes.json");
    const cJSON *one, *vkey;
    struct buf in = BUF_INIT(NOTE_MAX);
    size_t n = 0, good = 0, unsupported = 0;
    cJSON_ArrayForEach(one, testdata_member(json, "cases"))
    {
        struct note_key keys[8];
        bool verified[8] = {false}, known = true;
        size_t count = 0;
        const char *name = testdata_string(one, "name");
        testdata_base64(testdata_string(one, "note_b64"), &in);
        cJSON_ArrayForEach(vkey, testdata_member(one, "vkeys"))
        {
            if (read_vkey(vkey->valuestring, &keys[count]))
                count++;
            else
                known = false;
        }
        enum result r = judge(one, buf_span(&in), keys, count, verified);
        bool ok = testdata_flag(one, "ok");
        n++;
        good += r == RES_OK;
        if (ok && !known) {
            unsupported++;
            assert_int_equal(r, RES_KEY_UNKNOWN);
        } else if (testdata_flag(one, "signature_alone_verifies")) {
            assert_int_equal(r, RES_OK); /* the origin is checkpoint_open_ct's to check */
        } else if ((r == RES_OK) != ok) {
            fail_msg("%s: %s", name, result_name(r));
        }
        const cJSON *names = cJSON_GetObjectItemCaseSensitive(one, "verified");
        if (r == RES_OK && names != NULL)
            same_names(names, keys, verified, count);
        for (size_t k = 0; k < count; k++)
            p256_key_free(keys[k].p256);
    }
    print_message("%zu notes: %zu verified, %zu of a key type not supported\n", n, good,
                  unsupported);
    assert_true(n >= 45 && unsupported == 2);
    buf_release(&in);
    cJSON_Delete(json);
}

static void
signing_gives_the_same_note(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/4-witness-notes/vkeys.json");
    const cJSON *v = testdata_member(json, "sign_exact");
    const char *text = testdata_string(v, "text");
    struct buf raw = BUF_INIT(64), out = BUF_INIT(NOTE_MAX);
    struct pair p;
    /* "PRIVATE+KEY+name+id+base64", where the base64 is of the type and the seed. */
    const char *skey = testdata_string(v, "skey");
    for (unsigned i = 0; i < 4; i++)
        skey = strchr(skey, '+') + 1;
    testdata_base64(skey, &raw);
    assert_int_equal(raw.n, 33);
    crypto_sign_seed_keypair(p.public, p.secret, raw.p + 1);
    assert_int_equal(note_key_ed25519("PeterNeumann", KEY_ED25519, p.public, &p.key), RES_OK);
    assert_int_equal(buf_printf(&out, "%s\n", text), RES_OK);
    add_signature(&p, span_str(text), &out);
    assert_true(span_equal(buf_span(&out), span_str(testdata_string(v, "note"))));
    buf_release(&raw);
    buf_release(&out);
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_parsed),
        cmocka_unit_test(signatures_are_verified),
        cmocka_unit_test(every_bent_bit_is_noticed),
        cmocka_unit_test(other_types_go_to_the_caller),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(notes_of_others_are_judged),
        cmocka_unit_test(signing_gives_the_same_note),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
