/*
 * The key directory's endpoints over a real log: requests as bytes, each with its status; answers
 * are those of log/directory, byte for byte; and what stands in the feed leads to its checkpoint.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log/files.h"
#include "merkle/base/text.h"
#include "merkle/keytrans/response.h"
#include "merkle/note/checkpoint.h"
#include "merkle/tree/range.h"
#include "tests/unit/api/world.h"
#include "tests/vectors/check.h"

#define FREELY "lookup-rate = 0\n"
#define FEED WORLD_ORIGIN "/feed"

/* Labels, each behind its length: of alice@example.com, who has two versions, and of
 * bob@example.com, who has none. */
#define ALICE "12 01616c696365406578616d706c652e636f6d"
#define BOB "10 01626f62406578616d706c652e636f6d"
/* optional<…> */
#define NONE "00"
#define V(version) "01 000000" version

static struct world w;
static struct buf answer = {.max = 1 << 24};

static void
begin(void)
{
    world_begin(&w, &(struct world_options){.conf = FREELY});
    for (int i = 0; i < 2; i++) {
        world_certify(&w, "alice@example.com");
        world_covered(&w);
    }
}

static void
end(void)
{
    buf_release(&answer);
    world_end(&w);
}

static int
get(const char *path)
{
    return world_ask(&w, "GET", path, "", span_str(""), &answer);
}

/* ---- KEYTRANS ---- */

static const struct {
    const char *says, *kind;
    enum directory_ask ask;
    const char *request; /* hex, with blanks */
    int status;
    const char *problem; /* NULL: the answer is the directory's own */
} rows[] = {
    {"the greatest version", "search", DIRECTORY_SEARCH, NONE ALICE NONE, 200, NULL},
    {"the first", "search", DIRECTORY_SEARCH, NONE ALICE V("00"), 200, NULL},
    {"the second", "search", DIRECTORY_SEARCH, NONE ALICE V("01"), 200, NULL},
    {"one that there is not yet", "search", DIRECTORY_SEARCH, NONE ALICE V("02"), 404,
     "kt-no-version"},
    {"a label without one", "search", DIRECTORY_SEARCH, NONE BOB NONE, 404, NULL},
    {"the first of such a label", "search", DIRECTORY_SEARCH, NONE BOB V("00"), 404, "kt-no-label"},
    {"since a tree", "search", DIRECTORY_SEARCH, "01 0000000000000001" ALICE NONE, 200, NULL},
    {"since no tree", "search", DIRECTORY_SEARCH, "01 0000000000000000" ALICE NONE, 400,
     "bad-value"},
    {"since a tree to come", "search", DIRECTORY_SEARCH, "01 00000000ffffffff" ALICE NONE, 400,
     "out-of-range"},
    {"a label in capitals", "search", DIRECTORY_SEARCH,
     NONE "12 01414c494345406578616d706c652e636f6d" NONE, 400, "bad-value"},
    {"a label of nothing", "search", DIRECTORY_SEARCH, NONE "00" NONE, 400, "bad-value"},
    {"nothing at all", "search", DIRECTORY_SEARCH, "", 400, "truncated"},
    {"half a request", "search", DIRECTORY_SEARCH, NONE ALICE, 400, "truncated"},
    {"a byte left over", "search", DIRECTORY_SEARCH, NONE ALICE NONE "00", 400, "trailing-bytes"},
    {"neither there nor not", "search", DIRECTORY_SEARCH, "02" ALICE NONE, 400, "bad-value"},
    {"at the end of time", "as-of", DIRECTORY_AS_OF, NONE ALICE "7fffffffffffffff", 200, NULL},
    {"at its beginning", "as-of", DIRECTORY_AS_OF, NONE ALICE "0000000000000000", 200, NULL},
    {"of a label without a version", "as-of", DIRECTORY_AS_OF, NONE BOB "0000000000000000", 200,
     NULL},
    {"without a time", "as-of", DIRECTORY_AS_OF, NONE ALICE, 400, "truncated"},
    {"what an owner lacks", "update", DIRECTORY_UPDATE, NONE ALICE V("00") "00", 200, NULL},
    {"an owner who lacks nothing", "update", DIRECTORY_UPDATE, NONE ALICE V("01") "00", 409,
     "kt-nothing-new"},
    {"a value of the owner's own", "update", DIRECTORY_UPDATE,
     NONE ALICE V("01") "01 00000002 abcd", 403, "kt-own-values"},
    {"a version to come", "update", DIRECTORY_UPDATE, NONE ALICE V("09") "00", 400, "kt-not-yet"},
    {"an owner begins", "owner-init", DIRECTORY_OWNER_INIT, NONE ALICE "0000000000000000", 200,
     NULL},
    {"where there is nothing", "owner-init", DIRECTORY_OWNER_INIT, NONE ALICE "00000000ffffffff",
     400, "out-of-range"},
    {"an owner goes on", "owner-monitor", DIRECTORY_OWNER_MONITOR,
     NONE ALICE "00"
                "0000000000000000" V("01"),
     200, NULL},
    {"from where there is nothing", "owner-monitor", DIRECTORY_OWNER_MONITOR,
     NONE ALICE "00"
                "00000000ffffffff" V("01"),
     400, "out-of-range"},
    {"from a version to come", "owner-monitor", DIRECTORY_OWNER_MONITOR,
     NONE ALICE "00"
                "0000000000000000" V("09"),
     404, "kt-no-version"},
    {"a contact with nothing to follow", "contact-monitor", DIRECTORY_CONTACT_MONITOR,
     NONE ALICE "00", 200, NULL},
    {"a contact who follows what is not there", "contact-monitor", DIRECTORY_CONTACT_MONITOR,
     NONE ALICE "01 0000000000000063 00000009", 400, "out-of-range"},
    {"recent heads", "distinguished", DIRECTORY_DISTINGUISHED, NONE NONE, 200, NULL},
    {"recent heads and a byte", "distinguished", DIRECTORY_DISTINGUISHED, NONE NONE "00", 400,
     "trailing-bytes"},
    {"a credential too young for an update", "credential-update", DIRECTORY_CREDENTIAL_UPDATE,
     ALICE "00000000 0000000000000002 0000000000000001", 404, "absent"},
    {"one of a tree without its version", "credential-update", DIRECTORY_CREDENTIAL_UPDATE,
     ALICE "00000001 0000000000000001 0000000000000000", 400, "out-of-range"},
};

static void
request_bytes(const char *hex, struct buf *out)
{
    char text[256];
    size_t n = 0;

    for (; *hex != '\0'; hex++)
        if (*hex != ' ')
            text[n++] = *hex;
    out->n = 0;
    assert_int_equal(buf_reserve(out, n / 2 + 1), RES_OK);
    assert_int_equal(text_unhex(span_of(text, n), out->p, n / 2), RES_OK);
    out->n = n / 2;
}

/* The answer is what the directory itself says, which may have grown meanwhile. */
static void
expect_own(const char *says, struct directory_reader *r, enum directory_ask ask, struct span rq)
{
    struct buf own = BUF_INIT(1 << 20);
    enum result rc = directory_answer(r, ask, rq, &own);

    if (rc != RES_OK && rc != RES_KT_NO_LABEL)
        fail_msg("%s: %s", says, result_name(rc));
    assert_true(own.n > 0);
    if (!span_equal(buf_span(&own), world_body(&answer)))
        fail_msg("%s: another answer", says);
    buf_release(&own);
}

static void
each_request_has_its_answer(void **state)
{
    struct directory_reader *r;
    struct buf rq = BUF_INIT(1024);
    char path[64], holds[64];

    (void)state;
    begin();
    assert_int_equal(directory_reader_new(log_directory(w.api.log), &r), RES_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool problem = rows[i].problem != NULL;

        request_bytes(rows[i].request, &rq);
        snprintf(path, sizeof path, "/kt/v1/%s", rows[i].kind);
        snprintf(holds, sizeof holds, problem ? "problem:%s\"" : "%s/octet-stream\r\n",
                 problem ? rows[i].problem : "application");
        world_expect(rows[i].says, world_ask(&w, "POST", path, "", buf_span(&rq), &answer),
                     rows[i].status, &answer, holds);
        world_expect(rows[i].says, 0, 0, &answer,
                     "Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\n"
                     "Referrer-Policy: no-referrer\r\nX-Robots-Tag: noindex\r\n");
        assert_null(memmem(answer.p, world_head(&answer).n, "alice", 5));
        if (problem)
            assert_null(memmem(answer.p, answer.n, "example.com", 11));
        else
            expect_own(rows[i].says, r, rows[i].ask, buf_span(&rq));
    }
    directory_reader_free(r);
    buf_release(&rq);
    end();
}

static void
absence_is_an_answer(void **state)
{
    struct buf rq = BUF_INIT(1024);
    struct absence_response a;
    struct reader r;

    (void)state;
    begin();
    request_bytes(NONE BOB NONE, &rq);
    assert_int_equal(world_ask(&w, "POST", "/kt/v1/search", "", buf_span(&rq), &answer), 404);
    r = reader_of(world_body(&answer));
    absence_response_get(&r, &a);
    assert_int_equal(reader_end(&r), RES_OK);
    assert_true(a.head.updated);
    buf_release(&rq);
    end();
}

static void
bodies_have_an_end(void **state)
{
    static uint8_t large[KT_REQUEST_MAX + 1];

    (void)state;
    begin();
    world_expect("too long",
                 world_ask(&w, "POST", "/kt/v1/search", "", span_of(large, sizeof large), &answer),
                 413, &answer, "problem:body-too-large\"");
    world_expect(
        "not too long",
        world_ask(&w, "POST", "/kt/v1/search", "", span_of(large, sizeof large - 1), &answer), 400,
        &answer, "problem:trailing-bytes\"");
    world_expect("another method", get("/kt/v1/search"), 405, &answer, "Allow: POST, OPTIONS\r\n");
    world_expect("another method",
                 world_ask(&w, "POST", "/kt/v1/configuration", "", span_str("x"), &answer), 405,
                 &answer, "Allow: GET, HEAD, OPTIONS\r\n");
    end();
}

static void
the_configuration_is_the_policys(void **state)
{
    struct buf policy = BUF_INIT(1 << 16), line = BUF_INIT(1 << 16);
    char path[96];

    (void)state;
    begin();
    snprintf(path, sizeof path, "%s/policy", w.dir);
    assert_int_equal(files_read(path, &policy), RES_OK);
    world_expect("the configuration", get("/kt/v1/configuration"), 200, &answer, "octet-stream");
    assert_int_equal(buf_printf(&line, "\n#cartulary directory " WORLD_ORIGIN " "), RES_OK);
    assert_int_equal(text_base64(world_body(&answer), &line), RES_OK);
    assert_int_equal(buf_printf(&line, "\n#cartulary feed " WORLD_ORIGIN " " FEED "+"), RES_OK);
    assert_non_null(memmem(policy.p, policy.n, line.p, line.n));
    /* The log says the same of itself. */
    line.n = 0;
    assert_int_equal(buf_printf(&line, "\"directory\":\""), RES_OK);
    assert_int_equal(text_base64(world_body(&answer), &line), RES_OK);
    assert_int_equal(buf_printf(&line, "\",\"feed_vkey\":\"" FEED "+"), RES_OK);
    assert_int_equal(get("/log.v3.json"), 200);
    assert_non_null(memmem(answer.p, answer.n, line.p, line.n));
    buf_release(&policy);
    buf_release(&line);
    end();
}

/* ---- the feed ---- */

/* The size and root that the feed's key signed. */
static void
read_checkpoint(struct checkpoint *ret)
{
    static struct buf kept = {.max = 1 << 16};
    static struct note note;
    struct note_key key;

    world_expect("the checkpoint", get("/feed/checkpoint"), 200, &answer,
                 "text/plain; charset=utf-8\r\nCache-Control: no-store\r\n");
    kept.n = 0;
    assert_int_equal(buf_add(&kept, world_body(&answer)), RES_OK);
    assert_int_equal(note_parse(buf_span(&kept), &note), RES_OK);
    assert_int_equal(
        note_key_ed25519(FEED, KEY_ED25519, directory_feed_public(log_directory(w.api.log)), &key),
        RES_OK);
    assert_int_equal(note_verify(&note, &key, 1, NULL, NULL, NULL), RES_OK);
    assert_int_equal(checkpoint_parse(note.text, ret), RES_OK);
    assert_true(span_equal(ret->origin, span_str(FEED)));
}

/* Entry i of the bundle in the answer. */
static struct span
bundle_entry(uint64_t i)
{
    struct span body = world_body(&answer);
    const uint8_t *p = body.p + i * (2 + FEED_ENTRY_SIZE);

    assert_true(body.n >= (i + 1) * (2 + FEED_ENTRY_SIZE));
    assert_int_equal(p[0] << 8 | p[1], FEED_ENTRY_SIZE);
    return span_of(p + 2, FEED_ENTRY_SIZE);
}

/* The additions of the entry are those that it counts. */
static void
check_additions(uint64_t i, struct span entry)
{
    struct reader r = reader_of(entry);
    struct feed_entry e;
    struct hash h;
    char path[64];

    feed_entry_get(&r, &e);
    assert_int_equal(reader_end(&r), RES_OK);
    snprintf(path, sizeof path, "/feed/additions/%" PRIu64, i);
    world_expect(path, get(path), 200, &answer, "max-age=31536000, immutable\r\n");
    assert_int_equal(world_body(&answer).n, (size_t)e.additions * FEED_ADDITION_SIZE);
    hash_sha256(world_body(&answer), &h);
    assert_true(hash_equal(&h, &e.additions_hash));
}

static void
the_feed_leads_to_its_checkpoint(void **state)
{
    struct checkpoint head;
    struct buf bundle = BUF_INIT(1 << 20), line = BUF_INIT(1 << 10);
    struct range range = {.size = 0};
    struct hash leaf, root;
    char path[64];

    (void)state;
    begin();
    read_checkpoint(&head);
    snprintf(path, sizeof path, "/feed/tile/entries/000.p/%" PRIu64, head.size);
    world_expect(path, get(path), 200, &answer, "max-age=31536000, immutable\r\n");
    assert_int_equal(world_body(&answer).n, head.size * (2 + FEED_ENTRY_SIZE));
    assert_int_equal(buf_add(&bundle, buf_span(&answer)), RES_OK);
    for (uint64_t i = 0; i < head.size; i++) {
        hash_leaf(bundle_entry(i), &leaf);
        range_append(&range, &leaf, NULL, NULL);
    }
    range_root(&range, &root);
    assert_true(hash_equal(&root, &head.root));
    for (uint64_t i = 0; i < head.size; i++) {
        answer.n = 0;
        assert_int_equal(buf_add(&answer, buf_span(&bundle)), RES_OK);
        struct span entry = bundle_entry(i);
        uint8_t bytes[FEED_ENTRY_SIZE];

        memcpy(bytes, entry.p, sizeof bytes);
        check_additions(i, span_of(bytes, sizeof bytes));
        /* Its anchor holds the same bytes. */
        snprintf(path, sizeof path, "/feed/anchor?size=%" PRIu64, i + 1);
        line.n = 0;
        assert_int_equal(buf_printf(&line, "{\"size\":%" PRIu64 ",\"entry\":\"", i + 1), RES_OK);
        assert_int_equal(text_base64(span_of(bytes, sizeof bytes), &line), RES_OK);
        assert_int_equal(get(path), 200);
        assert_true(world_body(&answer).n > line.n);
        assert_memory_equal(world_body(&answer).p, line.p, line.n);
    }
    buf_release(&bundle);
    buf_release(&line);
    end();
}

static const struct {
    const char *says, *path;
    int status;
    const char *holds;
} feed_rows[] = {
    {"hashes", "/feed/tile/0/000.p/1", 200, "Content-Length: 32\r\n"},
    {"any page may read them", "/feed/tile/0/000.p/1", 200, "Access-Control-Allow-Origin: *\r\n"},
    {"a full tile too early", "/feed/tile/0/000", 404, "problem:absent\""},
    {"a tile wider than the feed", "/feed/tile/0/000.p/99", 404, "problem:absent\""},
    {"a tile by another name", "/feed/tile/0/0.p/1", 400, "problem:bad-encoding\""},
    {"entries that are not there", "/feed/tile/entries/001.p/1", 404, "problem:absent\""},
    {"the certificate log's kind", "/feed/tile/data/000.p/1", 404, "problem:absent\""},
    {"no tile", "/feed/tile/", 400, "problem:bad-encoding\""},
    {"the first entry adds nothing", "/feed/additions/0", 200, "Content-Length: 0\r\n"},
    {"additions to come", "/feed/additions/99", 404, "problem:absent\""},
    {"a number with a zero in front", "/feed/additions/01", 400, "problem:bad-number\""},
    {"no number", "/feed/additions/", 400, "problem:bad-number\""},
    {"an anchor of nothing", "/feed/anchor?size=0", 400, "problem:out-of-range\""},
    {"an anchor to come", "/feed/anchor?size=99", 400, "problem:out-of-range\""},
    {"an anchor of no size", "/feed/anchor", 400, "problem:bad-parameter\""},
    {"two sizes", "/feed/anchor?size=1&size=1", 400, "problem:bad-parameter\""},
    {"a size that is no number", "/feed/anchor?size=x", 400, "problem:bad-parameter\""},
    {"an anchor", "/feed/anchor?size=1", 200, "\"audit_path\":[\""},
    {"it is well", "/health", 200, ",\"directory\":{\"size\":"},
    {"its counters", "/metrics", 200, "\ncartulary_directory_versions 4\n"},
    {"its counters", "/metrics", 200, "\ncartulary_directory_labels 2\n"},
    {"its counters", "/metrics", 200, "\ncartulary_directory_lag_milliseconds 0\n"},
};

static void
each_path_of_the_feed(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < sizeof feed_rows / sizeof *feed_rows; i++)
        world_expect(feed_rows[i].says, get(feed_rows[i].path), feed_rows[i].status, &answer,
                     feed_rows[i].holds);
    world_expect("another method",
                 world_ask(&w, "POST", "/feed/checkpoint", "", span_str("x"), &answer), 405,
                 &answer, "Allow: GET, HEAD, OPTIONS\r\n");
    end();
}

/* ---- a log that has none ---- */

static void
a_log_without_a_directory(void **state)
{
    static const char *const posts[] = {
        "/v1/lookup",           "/kt/v1/search", "/kt/v1/contact-monitor",
        "/kt/v1/owner-init",    "/kt/v1/update", "/kt/v1/owner-monitor",
        "/kt/v1/distinguished", "/kt/v1/as-of",  "/kt/v1/credential-update",
    };
    static const char *const gets[] = {
        "/kt/v1/configuration", "/feed/checkpoint",    "/feed/tile/0/000.p/1",
        "/feed/additions/0",    "/feed/anchor?size=1",
    };
    static const char *const silent[] = {"/health", "/metrics", "/log.v3.json"};

    (void)state;
    world_begin(&w, &(struct world_options){.conf = FREELY, .not_after_limit = "4102444800"});
    for (size_t i = 0; i < sizeof posts / sizeof *posts; i++)
        world_expect(
            posts[i],
            world_ask(&w, "POST", posts[i], "", span_str("address=a@example.org"), &answer), 404,
            &answer, "problem:not-found\"");
    for (size_t i = 0; i < sizeof gets / sizeof *gets; i++)
        world_expect(gets[i], get(gets[i]), 404, &answer, "problem:not-found\"");
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        assert_int_equal(get(silent[i]), 200);
        assert_null(strstr((char *)answer.p, "directory"));
    }
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_answer),
        cmocka_unit_test(absence_is_an_answer),
        cmocka_unit_test(bodies_have_an_end),
        cmocka_unit_test(the_configuration_is_the_policys),
        cmocka_unit_test(the_feed_leads_to_its_checkpoint),
        cmocka_unit_test(each_path_of_the_feed),
        cmocka_unit_test(a_log_without_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
