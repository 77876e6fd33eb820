/*
 * The endpoints over a real log and real sockets: a table of requests, each with its status and
 * what its answer must hold, and a look at the log afterwards: what was refused has left no trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "merkle/base/text.h"
#include "tests/mint/mint.h"
#include "tests/unit/api/world.h"

/* An answer ends with a NUL. */
#define BODY(answer) ((const char *)world_body(answer).p)

static const struct {
    const char *says;
    const char *method;
    const char *path;
    const char *headers;
    const char *body;
    int status;
    const char *holds; /* in the answer, head included */
} rows[] = {
    {"the head", "GET", "/ct/v1/get-sth", "", "", 200, "{\"tree_size\":2,\"timestamp\":"},
    {"heads are not kept", "GET", "/ct/v1/get-sth", "", "", 200, "Cache-Control: no-store\r\n"},
    {"the checkpoint", "GET", "/checkpoint", "", "", 200, "\r\n\r\nlog.example/test\n2\n"},
    {"its type", "GET", "/checkpoint", "", "", 200, "Content-Type: text/plain; charset=utf-8\r\n"},
    {"any page may read it", "GET", "/checkpoint", "", "", 200,
     "Access-Control-Allow-Origin: *\r\n"},
    {"HEAD", "HEAD", "/checkpoint", "", "", 200, "Content-Length: "},
    {"a page asks first", "OPTIONS", "/checkpoint", "", "", 204,
     "Access-Control-Allow-Methods: GET"},
    {"the roots", "GET", "/ct/v1/get-roots", "", "", 200, "{\"certificates\":[\"MI"},
    {"itself", "GET", "/log.v3.json", "", "", 200, "\"log_id\":\""},
    {"it is well", "GET", "/health", "", "", 200, "\"status\":\"ok\""},
    {"its counters", "GET", "/metrics", "", "", 200, "cartulary_log_size 2\n"},
    {"from nothing: an empty array", "GET", "/ct/v1/get-sth-consistency?first=0&second=2", "", "",
     200, "{\"consistency\":[]}"},
    {"from itself: likewise", "GET", "/ct/v1/get-sth-consistency?first=2&second=2", "", "", 200,
     "{\"consistency\":[]}"},
    {"a proof", "GET", "/ct/v1/get-sth-consistency?first=1&second=2", "", "", 200,
     "{\"consistency\":[\""},
    {"unknown parameters are passed over", "GET",
     "/ct/v1/get-sth-consistency?x=1&first=1&second=2&x=2", "", "", 200, "{\"consistency\":[\""},
    {"first after second", "GET", "/ct/v1/get-sth-consistency?first=2&second=1", "", "", 400,
     "problem:out-of-range\""},
    {"second after the head", "GET", "/ct/v1/get-sth-consistency?first=1&second=3", "", "", 400,
     "problem:out-of-range\""},
    {"second is missing", "GET", "/ct/v1/get-sth-consistency?first=1", "", "", 400,
     "problem:bad-parameter\""},
    {"first stands twice", "GET", "/ct/v1/get-sth-consistency?first=1&first=1&second=2", "", "",
     400, "problem:bad-parameter\""},
    {"first is no number", "GET", "/ct/v1/get-sth-consistency?first=-1&second=2", "", "", 400,
     "problem:bad-parameter\""},
    {"first is beyond 64 bit", "GET",
     "/ct/v1/get-sth-consistency?first=18446744073709551616&second=2", "", "", 400,
     "problem:bad-parameter\""},
    {"a hash that nobody has", "GET",
     "/ct/v1/get-proof-by-hash?hash=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&tree_size=2", "",
     "", 404, "problem:unknown-hash\""},
    {"a hash in a tree to come", "GET",
     "/ct/v1/get-proof-by-hash?hash=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&tree_size=3", "",
     "", 404, "problem:unknown-hash\""},
    {"a hash in no tree", "GET",
     "/ct/v1/get-proof-by-hash?hash=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&tree_size=0", "",
     "", 400, "problem:bad-parameter\""},
    {"a hash of 31 bytes", "GET",
     "/ct/v1/get-proof-by-hash?hash=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D%3D&tree_size=2",
     "", "", 400, "problem:bad-parameter\""},
    {"a partial tile", "GET", "/tile/0/000.p/2", "", "", 200, "max-age=31536000, immutable\r\n"},
    {"a narrower one", "GET", "/tile/0/000.p/1", "", "", 200, "Content-Length: 32\r\n"},
    {"a tile wider than the tree", "GET", "/tile/0/000.p/3", "", "", 404, "problem:absent\""},
    {"a full tile too early", "GET", "/tile/0/000", "", "", 404, "problem:absent\""},
    {"a level above static-ct's", "GET", "/tile/6/000", "", "", 404, "problem:absent\""},
    {"another kind of bundle", "GET", "/tile/entries/000.p/2", "", "", 404, "problem:absent\""},
    {"a tile by another name", "GET", "/tile/0/0.p/2", "", "", 400, "problem:bad-encoding\""},
    {"a width with a zero in front", "GET", "/tile/0/000.p/02", "", "", 400,
     "problem:bad-encoding\""},
    {"an issuer nobody has", "GET",
     "/issuer/0000000000000000000000000000000000000000000000000000000000000000", "", "", 404,
     "problem:absent\""},
    {"an issuer in upper case", "GET",
     "/issuer/A000000000000000000000000000000000000000000000000000000000000000", "", "", 400,
     "problem:bad-encoding\""},
    {"nothing is here", "GET", "/ct/v2/get-sth", "", "", 404, "problem:not-found\""},
    {"a submission by GET", "GET", "/ct/v1/add-chain", "", "", 405, "Allow: POST, OPTIONS\r\n"},
    {"a head by POST", "POST", "/ct/v1/get-sth", "", "x", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
    {"a submission without a body", "POST", "/ct/v1/add-chain", "", "", 400, "problem:bad-json\""},
    {"that is no JSON", "POST", "/ct/v1/add-chain", "", "chain", 400, "problem:bad-json\""},
    {"without a chain", "POST", "/ct/v1/add-chain", "", "{}", 400, "problem:bad-json\""},
    {"with a chain that is none", "POST", "/ct/v1/add-chain", "", "{\"chain\":\"AAAA\"}", 400,
     "problem:bad-json\""},
    {"with an empty chain", "POST", "/ct/v1/add-chain", "", "{\"chain\":[]}", 400,
     "problem:empty-chain\""},
    {"with two chains", "POST", "/ct/v1/add-chain", "", "{\"chain\":[],\"chain\":[]}", 400,
     "problem:json-duplicate-key\""},
    {"with a number in it", "POST", "/ct/v1/add-chain", "", "{\"chain\":[1]}", 400,
     "problem:bad-json\""},
    {"in loose base64", "POST", "/ct/v1/add-chain", "", "{\"chain\":[\"AB==\"]}", 400,
     "problem:bad-encoding\""},
    {"that is no certificate", "POST", "/ct/v1/add-chain", "", "{\"chain\":[\"AAAA\"]}", 400,
     "problem:bad-der\""},
    {"too long", "POST", "/ct/v1/add-chain", "",
     "{\"chain\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}", 400,
     "problem:chain-too-long\""},
};

/* What needs a token in one kind of log and none in the other. */
static const struct {
    const char *path;
    int status; /* for who may */
    const char *holds;
} bodies[] = {
    {"/ct/v1/get-entries?start=0&end=0", 200, "{\"entries\":[{\"leaf_input\":\"AAA"},
    {"/ct/v1/get-entries?start=0&end=999", 200, "{\"entries\":[{\"leaf_input\":\"AAA"},
    {"/ct/v1/get-entry-and-proof?leaf_index=1&tree_size=2", 200, "\"audit_path\":[\""},
    {"/ct/v1/get-entry-and-proof?leaf_index=0&tree_size=1", 200, "\"audit_path\":[]"},
    {"/tile/data/000.p/2", 200, "application/octet-stream"},
    {"/ct/v1/get-entries?start=2&end=3", 400, "problem:out-of-range\""},
    {"/ct/v1/get-entries?start=1&end=0", 400, "problem:out-of-range\""},
    {"/ct/v1/get-entries?start=0", 400, "problem:bad-parameter\""},
    {"/ct/v1/get-entry-and-proof?leaf_index=2&tree_size=2", 400, "problem:out-of-range\""},
    {"/ct/v1/get-entry-and-proof?leaf_index=0&tree_size=3", 400, "problem:out-of-range\""},
    {"/tile/data/000.p/3", 404, "problem:absent\""},
    {"/tile/data/x", 400, "problem:bad-encoding\""},
};

static void
submit_two(struct world *w, struct buf *answer)
{
    struct buf json = BUF_INIT(1 << 20);
    struct buf first = BUF_INIT(1 << 20);
    struct span leaf[3] = {w->leaf, w->ca, w->root};
    struct span pre[2] = {w->pre, w->ca};
    struct span stranger[2] = {w->stranger, w->stranger_root};

    world_chain(leaf, 3, &json);
    world_expect("a leaf", world_ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer),
                 200, answer, "{\"sct_version\":0,\"id\":\"");
    assert_int_equal(buf_printf(&first, "%s", BODY(answer)), RES_OK);
    assert_non_null(strstr(BODY(answer), "\"extensions\":\"AAAFAAAAAAA=\""));
    world_expect("the same again",
                 world_ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer), 200, answer,
                 "{\"sct_version\":0,\"id\":\"");
    assert_true(span_equal(buf_span(&first), span_str(BODY(answer))));
    world_expect("a leaf as a precertificate",
                 world_ask(w, "POST", "/ct/v1/add-pre-chain", "", buf_span(&json), answer), 400,
                 answer, "problem:bad-poison\"");
    world_chain(pre, 2, &json);
    world_expect("a precertificate as a leaf",
                 world_ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer), 400, answer,
                 "problem:poison-in-certificate\"");
    world_expect("a precertificate without its root",
                 world_ask(w, "POST", "/ct/v1/add-pre-chain", "", buf_span(&json), answer), 200,
                 answer, "\"extensions\":\"AAAFAAAAAAE=\"");
    world_chain(stranger, 2, &json);
    world_expect("a stranger's",
                 world_ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer), 400, answer,
                 "problem:unknown-root\"");
    buf_release(&json);
    buf_release(&first);
}

static void
whole_log(bool entries_public)
{
    struct world w;
    struct buf answer = BUF_INIT(1 << 24);
    struct span big = span_of(calloc(1, 600000), 600000);
    char bearer[128];

    world_begin(&w, &(struct world_options){.entries_public = entries_public});
    submit_two(&w, &answer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        world_expect(rows[i].says,
                     world_ask(&w, rows[i].method, rows[i].path, rows[i].headers,
                               span_str(rows[i].body), &answer),
                     rows[i].status, &answer, rows[i].holds);
    snprintf(bearer, sizeof bearer, "Authorization: bearer %s\r\n", w.token);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int status = world_ask(&w, "GET", bodies[i].path, "", span_str(""), &answer);

        if (entries_public) {
            world_expect(bodies[i].path, status, bodies[i].status, &answer, bodies[i].holds);
            continue;
        }
        world_expect(bodies[i].path, status, 403, &answer, "problem:auditors-only\"");
        status = world_ask(&w, "GET", bodies[i].path, "Authorization: Bearer cartulary_00\r\n",
                           span_str(""), &answer);
        world_expect(bodies[i].path, status, 403, &answer, "problem:auditors-only\"");
        status = world_ask(&w, "GET", bodies[i].path, bearer, span_str(""), &answer);
        world_expect(bodies[i].path, status, bodies[i].status, &answer, bodies[i].holds);
        if (status == 200)
            assert_non_null(strstr((char *)answer.p, "Cache-Control: private, no-store\r\n"));
    }
    world_expect("a body that is too large",
                 world_ask(&w, "POST", "/ct/v1/add-chain", "", big, &answer), 413, &answer,
                 "problem:body-too-large\"");
    assert_int_equal(world_ask(&w, "GET", "/log.v3.json", "", span_str(""), &answer), 200);
    assert_true((strstr((char *)answer.p, "not an RFC 6962 log for monitors") == NULL) ==
                entries_public);
    /* Whatever was refused has left no trace. */
    assert_int_equal(world_size(&w), 2);
    free((void *)(uintptr_t)big.p);
    buf_release(&answer);
    world_end(&w);
}

/* Entries so large that what was asked for does not fit into an answer: fewer come, and one can go
 * on from there. */
static void
large_entries(void **state)
{
    enum { COUNT = 30, CONTENT = 240000 };
    struct world w;
    struct buf answer = BUF_INIT(64 << 20), json = BUF_INIT(1 << 20), hex = BUF_INIT(1 << 20);
    EVP_PKEY *key = mint_key(MINT_P256);
    char path[80];
    unsigned got = 0;

    (void)state;
    world_begin(&w, &(struct world_options){.entries_public = true});
    X509 *ca = d2i_X509(NULL, &(const unsigned char *){w.root.p}, (long)w.root.n);
    assert_int_equal(buf_printf(&hex, "DER:"), RES_OK);
    assert_int_equal(buf_reserve(&hex, (size_t)2 * CONTENT + 1), RES_OK);
    memset(hex.p + hex.n, 'a', (size_t)2 * CONTENT);
    hex.p[hex.n + (size_t)2 * CONTENT] = '\0';
    for (uint64_t i = 0; i < COUNT; i++) {
        struct mint_spec spec = {.issuer = ca,
                                 .issuer_key = w.root_key,
                                 .key = key,
                                 .subject = {{"CN", "large"}},
                                 .extension = {{"extendedKeyUsage", "emailProtection"},
                                               {"1.2.3.4.5", (const char *)hex.p}},
                                 .serial = i};
        X509 *x = mint_cert(&spec);
        struct span der = mint_der(x);

        world_chain(&der, 1, &json);
        world_expect("a large one",
                     world_ask(&w, "POST", "/ct/v1/add-chain", "", buf_span(&json), &answer), 200,
                     &answer, "\"sct_version\"");
        mint_free(der);
        X509_free(x);
    }
    w.config.entries_max = COUNT;
    while (got < COUNT) {
        unsigned before = got;

        snprintf(path, sizeof path, "/ct/v1/get-entries?start=%u&end=%u", got, COUNT - 1);
        assert_int_equal(world_ask(&w, "GET", path, "", span_str(""), &answer), 200);
        assert_true(answer.n < HTTP_ENTRIES_BYTES + (1 << 20));
        for (const char *at = BODY(&answer); (at = strstr(at, "\"leaf_input\"")) != NULL; at++)
            got++;
        assert_true(got > before && got - before < COUNT);
    }
    assert_int_equal(got, COUNT);
    X509_free(ca);
    EVP_PKEY_free(key);
    buf_release(&hex);
    buf_release(&json);
    buf_release(&answer);
    world_end(&w);
}

static void
auditors_log(void **state)
{
    (void)state;
    whole_log(false);
}

static void
public_log(void **state)
{
    (void)state;
    whole_log(true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auditors_log),
        cmocka_unit_test(public_log),
        cmocka_unit_test(large_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
