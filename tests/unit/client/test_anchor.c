/* client/directory/anchor: what binds a head of the directory to the audit feed. */
#include "client/directory/anchor.h"

#include <sodium.h>
#include <string.h>

#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "tests/unit/client/testlog.h"
#include "tests/vectors/check.h"

#define FEED TESTLOG_ORIGIN "/feed"
#define SIZE 21  /* entries of the directory when it answered */
#define GROWN 33 /* and of the feed, a moment later */
#define TEXT_MAX 65536

static struct testlog l;                /* its leaves are the feed's */
static struct policy_log directory_log; /* of a directory whose feed is signed by l's key */
static struct policy *watched;          /* asks for a witness */
static struct note_key witness;
static uint8_t witness_secret[64], other_public[32], other_secret[64];
static struct feed_entry entry;
static struct proved_head head;

/* What a test makes another. */
struct anchor {
    uint64_t size;           /* that is said */
    struct feed_entry entry; /* that is sent; in the feed is the true one, unless: */
    bool in_feed;            /* what is sent is in the feed */
    uint64_t index, grown;   /* of the inclusion proof */
    const char *origin;
    const uint8_t *secret;
    struct hash root;
    bool cosigned, cosigned_badly;
};

static void
leaf_of(const struct feed_entry *e, struct hash *ret)
{
    struct buf bytes = BUF_INIT(FEED_ENTRY_SIZE);
    struct writer w = writer_to(&bytes);

    feed_entry_put(&w, e);
    assert_int_equal(writer_end(&w), RES_OK);
    hash_leaf(buf_span(&bytes), ret);
    buf_release(&bytes);
}

static void
make_policy(void)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    char detail[POLICY_DETAIL_MAX];
    uint8_t public[32];
    size_t line;

    (void)crypto_sign_keypair(public, witness_secret);
    assert_int_equal(note_key_ed25519("w.example", KEY_COSIGNATURE_ED25519, public, &witness),
                     RES_OK);
    assert_int_equal(buf_add(&text, span_of(l.policy_text.p, l.policy_text.n - 12)), RES_OK);
    assert_int_equal(buf_printf(&text, "witness w "), RES_OK);
    assert_int_equal(note_key_write(&witness, &text), RES_OK);
    assert_int_equal(buf_printf(&text, "\nquorum w\n"), RES_OK);
    assert_int_equal(policy_parse(buf_span(&text), &watched, &line, detail), RES_OK);
    buf_release(&text);
}

static int
setup(void **state)
{
    (void)state;
    testlog_init(&l);
    make_policy();
    directory_log = *l.log;
    assert_int_equal(note_key_ed25519(FEED, KEY_ED25519, l.ed_public, &directory_log.feed), RES_OK);
    (void)crypto_sign_keypair(other_public, other_secret);
    entry = (struct feed_entry){.timestamp = 1700000000000, .certificates = 7, .additions = 1};
    memset(entry.root.b, 3, HASH_SIZE);
    memset(entry.certificates_root.b, 4, HASH_SIZE);
    leaf_of(&entry, &l.leaf[SIZE - 1]);
    head = (struct proved_head){.size = SIZE, .root = entry.root, .timestamp = entry.timestamp};
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    policy_free(watched);
    testlog_release(&l);
    return 0;
}

/* ---- the document ---- */

static struct anchor
honest(void)
{
    struct anchor a = {.size = SIZE,
                       .entry = entry,
                       .index = SIZE - 1,
                       .grown = GROWN,
                       .origin = FEED,
                       .secret = l.ed_secret};

    testlog_root(&l, GROWN, &a.root);
    return a;
}

/* tlog-cosignature: "cosignature/v1", the time, then the text. */
static void
cosign(struct span text, bool badly, struct buf *note)
{
    struct buf message = BUF_INIT(TEXT_MAX), body = BUF_INIT(128);
    struct writer w = writer_to(&body);
    uint8_t signature[64];

    assert_int_equal(buf_printf(&message, "cosignature/v1\ntime 1790000000\n"), RES_OK);
    assert_int_equal(buf_add(&message, text), RES_OK);
    (void)crypto_sign_detached(signature, NULL, message.p, message.n, witness_secret);
    signature[5] ^= badly;
    put_u64(&w, 1790000000);
    put_bytes(&w, span_of(signature, sizeof(signature)));
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(note_signature_line(witness.name, witness.id, buf_span(&body), note), RES_OK);
    buf_release(&message);
    buf_release(&body);
}

static void
put_checkpoint(const struct anchor *a, struct buf *out)
{
    struct buf note = BUF_INIT(TEXT_MAX), text = BUF_INIT(TEXT_MAX);
    struct note_key key;
    uint8_t signature[64];

    assert_int_equal(checkpoint_write(a->origin, a->grown, &a->root, &text), RES_OK);
    assert_int_equal(buf_add(&note, buf_span(&text)), RES_OK);
    assert_int_equal(buf_add(&note, span_str("\n")), RES_OK);
    (void)crypto_sign_detached(signature, NULL, text.p, text.n, a->secret);
    assert_int_equal(note_key_ed25519(FEED, KEY_ED25519,
                                      a->secret == other_secret ? other_public : l.ed_public, &key),
                     RES_OK);
    assert_int_equal(
        note_signature_line(FEED, key.id, span_of(signature, sizeof(signature)), &note), RES_OK);
    if (a->cosigned || a->cosigned_badly)
        cosign(buf_span(&text), a->cosigned_badly, &note);
    assert_int_equal(json_write_string(buf_span(&note), out), RES_OK);
    buf_release(&note);
    buf_release(&text);
}

static void
write_anchor(const struct anchor *a, struct buf *out)
{
    struct buf bytes = BUF_INIT(FEED_ENTRY_SIZE), proof = BUF_INIT(TEXT_MAX);
    struct writer w = writer_to(&bytes);

    buf_clear(out);
    feed_entry_put(&w, &a->entry);
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(buf_printf(out, "{\"size\":%ju,\"entry\":", (uintmax_t)a->size), RES_OK);
    assert_int_equal(json_write_base64(buf_span(&bytes), out), RES_OK);
    assert_int_equal(buf_printf(out, ",\"checkpoint\":"), RES_OK);
    put_checkpoint(a, out);
    testlog_proof(&l, a->index, a->grown, &proof); /* {"leaf_index":…,"audit_path":[…]} */
    assert_int_equal(buf_printf(out, ",%.*s", (int)proof.n - 1, proof.p + 1), RES_OK);
    buf_release(&bytes);
    buf_release(&proof);
}

static enum result
read_text(struct span members, const struct policy *policy)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct feed_entry got = {.timestamp = 0};
    struct json *j;

    assert_int_equal(buf_printf(&text, "{\"anchor\":%.*s}", (int)members.n, members.p), RES_OK);
    assert_int_equal(json_parse(buf_span(&text), &j), RES_OK);
    enum result r = anchor_read(&directory_log, policy, json_get(j, "anchor"), &head, &got);
    /* Written on success only. */
    assert_int_equal(got.timestamp, r == RES_OK ? entry.timestamp : 0);
    if (r == RES_OK)
        assert_true(hash_equal(&got.certificates_root, &entry.certificates_root));
    json_free(j);
    buf_release(&text);
    return r;
}

static enum result
read_anchor(const struct anchor *a, const struct policy *policy)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct hash leaf = l.leaf[a->index];
    struct anchor sent = *a;

    if (a->in_feed) {
        leaf_of(&a->entry, &l.leaf[a->index]);
        testlog_root(&l, a->grown, &sent.root);
    }
    write_anchor(&sent, &text);
    l.leaf[a->index] = leaf;
    enum result r = read_text(buf_span(&text), policy);
    buf_release(&text);
    return r;
}

static void
expect(const char *says, const struct anchor *a, const struct policy *policy, enum result want)
{
    enum result r = read_anchor(a, policy);

    if (r != want)
        fail_msg("%s: %s", says, result_name(r));
}

/* ---- what holds, and what does not ---- */

static void
an_anchor_holds(void **state)
{
    struct anchor a = honest();

    (void)state;
    expect("a grown feed", &a, NULL, RES_OK);
    a.grown = SIZE;
    testlog_root(&l, SIZE, &a.root);
    expect("the same size", &a, NULL, RES_OK);
    expect("a policy without a quorum", &a, l.policy, RES_OK);
}

static void
another_tree_is_refused(void **state)
{
    struct anchor a = honest();

    (void)state;
    a.size++;
    expect("another size", &a, NULL, RES_CONFLICT);
    a = honest();
    a.entry.timestamp++;
    a.in_feed = true;
    expect("another time", &a, NULL, RES_CONFLICT);
    a = honest();
    a.entry.root.b[6] ^= 1;
    a.in_feed = true;
    expect("another root", &a, NULL, RES_CONFLICT);
    a = honest();
    a.entry.certificates++;
    expect("more certificates than the feed says", &a, NULL, RES_ROOT_DIFFERS);
    a = honest();
    a.entry.certificates_root.b[0] ^= 1;
    expect("other certificates", &a, NULL, RES_ROOT_DIFFERS);
    a = honest();
    a.index = SIZE;
    expect("the place of the next entry", &a, NULL, RES_ROOT_DIFFERS);
    a = honest();
    a.root.b[0] ^= 1;
    expect("another feed", &a, NULL, RES_ROOT_DIFFERS);
    a = honest();
    a.grown = SIZE - 1;
    a.index = 0;
    testlog_root(&l, SIZE - 1, &a.root);
    expect("a feed that ends before", &a, NULL, RES_RANGE);
}

static void
another_signature_is_refused(void **state)
{
    struct anchor a = honest();

    (void)state;
    a.secret = other_secret;
    expect("another key", &a, NULL, RES_KEY_UNKNOWN);
    a = honest();
    a.secret = witness_secret; /* under the feed's name and id */
    expect("a signature that is none", &a, NULL, RES_SIGNATURE);
    a = honest();
    a.origin = TESTLOG_ORIGIN;
    expect("the checkpoint of the log", &a, NULL, RES_ORIGIN);
}

static void
a_quorum_is_asked_for(void **state)
{
    struct anchor a = honest();

    (void)state;
    expect("nobody asked", &a, NULL, RES_OK);
    expect("no witness", &a, watched, RES_KEY_UNKNOWN);
    a.cosigned = true;
    expect("the witness", &a, watched, RES_OK);
    a.cosigned_badly = true;
    expect("a cosignature that is none", &a, watched, RES_SIGNATURE);
    expect("which nobody looks at", &a, NULL, RES_OK);
    a = honest();
    a.cosigned = true;
    a.secret = other_secret;
    expect("the witness alone", &a, watched, RES_KEY_UNKNOWN);
}

/* ---- words ---- */

static const struct {
    const char *says, *from, *to;
    enum result want;
} rows[] = {
    {"as it came", "{", "{", RES_OK},
    {"members that nobody knows", "{", "{\"x\":[1],", RES_OK},
    {"no size", "\"size\"", "\"sizes\"", RES_JSON},
    {"a size that is text", "\"size\":", "\"size\":\"21\",\"x\":", RES_JSON},
    {"half an entry", "\"size\":", "\"size\":21.5,\"x\":", RES_NUMBER},
    {"no entry", "\"entry\"", "\"entries\"", RES_JSON},
    {"an entry that is no base64", "\"entry\":\"", "\"entry\":\"_", RES_ENCODING},
    {"an entry that is cut", "\"entry\":", "\"entry\":\"AAAA\",\"x\":", RES_TRUNCATED},
    {"an entry that is longer", "\"entry\":\"", "\"entry\":\"AAAA", RES_TOO_LARGE},
    {"no checkpoint", "\"checkpoint\"", "\"check\"", RES_JSON},
    {"a checkpoint that is no note", "\"checkpoint\":", "\"checkpoint\":\"a\",\"x\":", RES_NOTE},
    {"no path", "\"audit_path\"", "\"path\"", RES_JSON},
    {"a path that is text", "\"audit_path\":", "\"audit_path\":\"\",\"x\":", RES_JSON},
    {"a path that is empty", "\"audit_path\":", "\"audit_path\":[],\"x\":", RES_PROOF_LENGTH},
    {"a path with a number", "\"audit_path\":[", "\"audit_path\":[1,", RES_JSON},
    {"a path of other hashes", "\"audit_path\":[\"", "\"audit_path\":[\"A", RES_ENCODING},
};

static void
words_have_their_meaning(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX), bent = BUF_INIT(TEXT_MAX);
    struct anchor a = honest();

    (void)state;
    write_anchor(&a, &text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = strlen(rows[i].from);
        const uint8_t *at = memmem(text.p, text.n, rows[i].from, n);

        assert_non_null(at);
        size_t before = (size_t)(at - text.p);
        buf_clear(&bent);
        assert_int_equal(buf_add(&bent, span_of(text.p, before)), RES_OK);
        assert_int_equal(buf_add(&bent, span_str(rows[i].to)), RES_OK);
        assert_int_equal(buf_add(&bent, span_of(at + n, text.n - before - n)), RES_OK);
        enum result r = read_text(buf_span(&bent), NULL);
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
    }
    assert_int_equal(read_text(span_str("null"), NULL), RES_JSON);
    assert_int_equal(read_text(span_str("[]"), NULL), RES_JSON);
    buf_release(&text);
    buf_release(&bent);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_anchor_holds),
        cmocka_unit_test(another_tree_is_refused),
        cmocka_unit_test(another_signature_is_refused),
        cmocka_unit_test(a_quorum_is_asked_for),
        cmocka_unit_test(words_have_their_meaning),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
