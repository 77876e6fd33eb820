/* client/directory/found: the document of an answer, with one thing in it another. */
#include "client/directory/found.h"

#include <stdlib.h>

#include "tests/fault/failalloc.h"
#include "tests/unit/directory/lookup.h"
#include "tests/vectors/check.h"

#define ANSWER_ROOM ((size_t)4 << 20)
#define COVERED 9

static struct lookup l;
static struct buf body = {.max = ANSWER_ROOM}, bent = {.max = ANSWER_ROOM};
static char ca[65], root[65]; /* SHA-256 in hex */

static void
hex_of(struct span der, char out[static 65])
{
    struct hash h;

    hash_sha256(der, &h);
    for (size_t i = 0; i < HASH_SIZE; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", h.b[i]);
}

static void
ask(struct kt_optional at, struct buf *out)
{
    struct buf question = BUF_INIT(256);
    struct ask q = {.kind = ASK_FETCH, .path = "/v1/lookup"};
    struct answer a;

    assert_int_equal(buf_printf(&question, "{\"address\":\"user0@example.org\""), RES_OK);
    if (at.has)
        assert_int_equal(buf_printf(&question, ",\"at\":%ju", (uintmax_t)at.value), RES_OK);
    assert_int_equal(buf_add(&question, span_str("}")), RES_OK);
    q.body = buf_span(&question);
    lookup_answer(&l, &q, out, &a);
    assert_int_equal(a.status, 200);
    buf_release(&question);
}

/* Label 0 has a precertificate, entry 1, and a certificate, entry 0; three people have none. */
static int
setup(void **state)
{
    (void)state;
    lookup_init(&l, &(struct kt_window){.monitoring = 1});
    uint64_t first = lookup_certify(&l, 0), second = lookup_announce(&l, 0);
    struct mailbox_record a = lookup_record(&l, first, 0), b = lookup_record(&l, second, 0);
    lookup_append(&l, NULL, 2, COVERED);
    lookup_append(&l, &a, 1, COVERED);
    lookup_append(&l, &b, 1, COVERED);
    lookup_append(&l, NULL, 2, COVERED);
    hex_of(l.issuers[0], ca);
    hex_of(l.issuers[1], root);
    ask((struct kt_optional){false, 0}, &body);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    lookup_release(&l);
    buf_release(&body);
    buf_release(&bent);
    return 0;
}

static enum result
read_at(struct span text, struct kt_optional at, struct found *ret, const char **ret_what)
{
    const struct found_question q = {
        .log = &l.desk.log, .label = l.desk.t.label[0].name, .at = at, .now = desk_now(&l.desk)};

    return found_read(&q, false, text, ret, ret_what);
}

static enum result
read_now(struct span text, const char **ret_what)
{
    struct found f;
    enum result r = read_at(text, (struct kt_optional){false, 0}, &f, ret_what);

    if (r == RES_OK)
        found_release(&f);
    return r;
}

static void
expect(const char *says, enum result want, const char *what)
{
    const char *failed = "";
    enum result r = read_now(buf_span(&bent), &failed);

    if (r != want || (want != RES_OK && strcmp(failed, what) != 0))
        fail_msg("%s: %s, %s", says, result_name(r), failed);
}

static void
copy(void)
{
    buf_clear(&bent);
    assert_int_equal(buf_add(&bent, buf_span(&body)), RES_OK);
}

/* ---- words ---- */

#define ZERO "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" /* 32 of them */

static const struct {
    const char *says, *from, *to;
    enum result want;
    const char *what;
} rows[] = {
    {"as it came", "{", "{", RES_OK, ""},
    {"blanks and members that nobody knows", "{", " {\"x\":[{}], ", RES_OK, ""},
    {"no document", "{", "", RES_JSON, "document"},
    {"a member twice", "{", "{\"answer\":\"\",", RES_JSON_DUPLICATE, "document"},
    {"no answer", "\"answer\"", "\"answers\"", RES_JSON, "answer"},
    {"an answer that is no text", "\"answer\":", "\"answer\":1,\"x\":", RES_JSON, "answer"},
    {"an answer that is empty", "\"answer\":", "\"answer\":\"\",\"x\":", RES_TRUNCATED, "answer"},
    {"an answer that is no base64", "\"answer\":\"", "\"answer\":\"!", RES_ENCODING, "answer"},
    {"no anchor", "\"anchor\"", "\"anchors\"", RES_JSON, "anchor"},
    {"no issuers, which chains name", "\"issuers\"", "\"issuer\"", RES_ABSENT, "certificates"},
    {"an issuer that is no text", "\"issuers\":[", "\"issuers\":[7,", RES_JSON, "issuers"},
    {"an issuer that is no base64", "\"issuers\":[", "\"issuers\":[\"A\",", RES_ENCODING,
     "issuers"},
    {"an issuer that nobody names", "\"issuers\":[", "\"issuers\":[\"\",", RES_OK, ""},
    {"no records", "\"records\"", "\"record\"", RES_JSON, "certificates"},
    {"records in a list of theirs", "\"records\":[", "\"records\":[[],", RES_JSON, "certificates"},
    {"a record without an index", "{\"index\"", "{\"inde\"", RES_JSON, "certificates"},
    {"another index", "{\"index\":", "{\"index\":8,\"x\":", RES_CONFLICT, "certificates"},
    {"no leaf", "\"leaf_input\"", "\"leaf\"", RES_JSON, "certificates"},
    {"a leaf that is empty", "\"leaf_input\":", "\"leaf_input\":\"\",\"x\":", RES_TRUNCATED,
     "certificates"},
    {"no precertificate", "\"precertificate\"", "\"certificate\"", RES_JSON, "certificates"},
    {"a precertificate that is none",
     "\"precertificate\":", "\"precertificate\":\"MAA=\",\"x\":", RES_DER, "certificates"},
    {"no path", "\"audit_path\":[\"", "\"x\":[\"", RES_JSON, "anchor"},
    {"a record without a path", "],\"audit_path\":[\"", "],\"x\":[\"", RES_JSON, "certificates"},
    {"a record's path that is longer", "],\"audit_path\":[\"", "],\"audit_path\":[\"" ZERO "\",\"",
     RES_PROOF_LENGTH, "certificates"},
    {"a path that is longer", "\"audit_path\":[\"", "\"audit_path\":[\"" ZERO "\",\"",
     RES_PROOF_LENGTH, "anchor"},
};

static void
words_have_their_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        copy();
        lookup_bend(&bent, rows[i].from, rows[i].to);
        expect(rows[i].says, rows[i].want, rows[i].what);
    }
}

/* ---- chains ---- */

/* The chain of the precertificate, which stands first, or of the certificate. */
static void
try_chain(const char *says, bool second, const char *chain, enum result want)
{
    char from[200];

    copy();
    (void)snprintf(from, sizeof(from), "[\"%s\",\"%s\"]", ca, root);
    if (second)
        lookup_bend(&bent, from, "@");
    lookup_bend(&bent, from, chain);
    if (second)
        lookup_bend(&bent, "@", from);
    expect(says, want, "certificates");
}

/* The first issuer belongs to the entry; the others are a hint. */
static void
chains_name_issuers(void **state)
{
    char chain[FOUND_CHAIN_MAX * 70 + 200];

    (void)state;
    for (int second = 0; second < 2; second++) {
        (void)snprintf(chain, sizeof(chain), "[\"%s\"]", ca);
        try_chain("without the root", second, chain, RES_OK);
        try_chain("empty", second, "[]", second ? RES_CONFLICT : RES_CHAIN_ROOT);
        (void)snprintf(chain, sizeof(chain), "[\"%s\",\"%s\"]", root, ca);
        try_chain("the wrong way round", second, chain, second ? RES_CONFLICT : RES_CHAIN_ORDER);
        (void)snprintf(chain, sizeof(chain), "[\"%s\",7]", ca);
        try_chain("a number", second, chain, RES_JSON);
        (void)snprintf(chain, sizeof(chain), "[\"%s\",\"%.62s\"]", ca, root);
        try_chain("a hash that is too short", second, chain, RES_ENCODING);
        (void)snprintf(chain, sizeof(chain), "[\"%s\",\"%.63s%c\"]", ca, root,
                       root[63] == '0' ? '1' : '0');
        try_chain("a certificate that is not there", second, chain, RES_ABSENT);
        for (size_t more = 0; more < 2; more++) {
            size_t n = (size_t)snprintf(chain, sizeof(chain), "[\"%s\"", ca);
            for (size_t i = 1; i < FOUND_CHAIN_MAX + more; i++)
                n += (size_t)snprintf(chain + n, sizeof(chain) - n, ",\"%s\"", root);
            (void)snprintf(chain + n, sizeof(chain) - n, "]");
            try_chain(more ? "one too many" : "as many as there may be", second, chain,
                      more ? RES_TOO_LARGE : RES_OK);
        }
    }
}

static void
issuers_have_a_limit(void **state)
{
    struct buf many = BUF_INIT(1 << 20);

    (void)state;
    assert_int_equal(buf_add(&many, span_str("\"issuers\":[")), RES_OK);
    for (size_t i = 3; i <= FOUND_ISSUERS_MAX; i++) {
        assert_int_equal(buf_add(&many, span_str("\"AAAA\",")), RES_OK);
        if (i + 1 < FOUND_ISSUERS_MAX)
            continue;
        assert_int_equal(buf_add(&many, span_of("", 1)), RES_OK);
        copy();
        lookup_bend(&bent, "\"issuers\":[", (const char *)many.p);
        expect("many", i < FOUND_ISSUERS_MAX ? RES_OK : RES_TOO_LARGE, "issuers");
        many.n--;
    }
    buf_release(&many);
}

/* ---- bytes ---- */

/* Letters of base64 in the answer, the anchor and the records: none can be another, but those of
 * issuers that are a hint, and a precertificate's own signature. */
static void
no_letter_can_be_another(void **state)
{
    struct rng r = rng_start("found: letters");
    const uint8_t *end = memmem(body.p, body.n, "\"issuers\"", 9);
    size_t n = (size_t)(end - body.p);
    unsigned changed = 0, same = 0;

    (void)state;
    for (size_t at = rng_next(&r) % 13; at < n; at += 1 + rng_next(&r) % 25) {
        const char *what;

        if (!((body.p[at] >= 'a' && body.p[at] <= 'z') || (body.p[at] >= 'A' && body.p[at] <= 'Z')))
            continue;
        copy();
        bent.p[at] ^= 0x20; /* upper and lower case; also of names, and of hex, which has both */
        same += read_now(buf_span(&bent), &what) == RES_OK;
        changed++;
    }
    print_message("%u letters, %u of them may be others\n", changed, same);
    assert_true(changed > 200 && same < changed / 10);
}

/* ---- a time ---- */

static void
answers_are_about_a_time(void **state)
{
    struct buf then = BUF_INIT(ANSWER_ROOM);
    struct kt_optional at = {true, 0};
    const char *what;
    struct found f;

    (void)state;
    at.value = l.desk.t.entries[l.desk.t.label[0].at[0].entry].timestamp;
    ask(at, &then);
    assert_int_equal(read_at(buf_span(&then), at, &f, &what), RES_OK);
    assert_true(f.of_time && f.present);
    assert_int_equal(f.records_n, 1);
    found_release(&f);
    at.value--;
    assert_int_not_equal(read_at(buf_span(&then), at, &f, &what), RES_OK);
    assert_string_equal(what, "answer");
    assert_int_not_equal(read_at(buf_span(&then), (struct kt_optional){false, 0}, &f, &what),
                         RES_OK);
    assert_int_not_equal(read_at(buf_span(&body), at, &f, &what), RES_OK);
    buf_release(&then);
}

/* ---- no memory ---- */

/* libcrypto and cJSON have allocations of their own, which are not reached. */
static void
each_allocation_may_fail(void **state)
{
    enum result r = RES_MEMORY;
    const char *what;
    size_t nth = 0;

    (void)state;
    while (r != RES_OK) {
        failalloc_at(++nth);
        r = read_now(buf_span(&body), &what);
        failalloc_at(0);
        if (r != RES_OK && r != RES_MEMORY)
            fail_msg("allocation %zu: %s", nth, result_name(r));
    }
    print_message("%zu allocations\n", nth - 1);
    assert_true(nth > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_their_meaning), cmocka_unit_test(chains_name_issuers),
        cmocka_unit_test(issuers_have_a_limit),     cmocka_unit_test(no_letter_can_be_another),
        cmocka_unit_test(answers_are_about_a_time), cmocka_unit_test(each_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
