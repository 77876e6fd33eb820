/*
 * The endpoints over a real log and real sockets: a table of requests, each with its status and
 * what its answer must hold, and a look at the log afterwards: what was refused has left no trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/api.h"
#include "log/create.h"
#include "log/tokens.h"
#include "merkle/base/text.h"
#include "tests/mint/mint.h"

struct world {
    char dir[64];
    struct config config;
    struct api api;
    pthread_t id;
    char token[TOKENS_TEXT_MAX];
    struct span leaf, pre, ca, root, stranger, stranger_root;
    EVP_PKEY *root_key;
};

/* ---- a log ---- */

static void
quiet(void *arg, const char *event, const char *fields)
{
    (void)arg;
    (void)event;
    (void)fields;
}

static void
mint_all(struct world *w, struct buf *pem)
{
    EVP_PKEY *key[3] = {mint_key(MINT_P256), mint_key(MINT_P256), mint_key(MINT_P256)};
    X509 *root = mint_root("Root", key[0]);
    X509 *ca = mint_ca("CA", key[1], root, key[0]);
    X509 *other = mint_root("Stranger", key[2]);
    X509 *x[3] = {mint_leaf("a@example.org", key[2], ca, key[1]),
                  mint_precert("b@example.org", key[2], ca, key[1]),
                  mint_leaf("c@example.org", key[2], other, key[2])};
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long n;

    PEM_write_bio_X509(bio, root);
    n = BIO_get_mem_data(bio, &text);
    assert_int_equal(buf_add(pem, span_of(text, (size_t)n)), RES_OK);
    BIO_free(bio);
    w->root = mint_der(root);
    w->ca = mint_der(ca);
    w->stranger_root = mint_der(other);
    w->leaf = mint_der(x[0]);
    w->pre = mint_der(x[1]);
    w->stranger = mint_der(x[2]);
    X509_free(root);
    X509_free(ca);
    X509_free(other);
    w->root_key = key[0];
    for (int i = 0; i < 3; i++)
        X509_free(x[i]);
    for (int i = 1; i < 3; i++)
        EVP_PKEY_free(key[i]);
}

static void
on_drain(void *app)
{
    log_drain(((struct api *)app)->log);
}

static void *
run(void *arg)
{
    server_run(arg);
    return NULL;
}

static void
begin(struct world *w, bool entries_public)
{
    struct buf pem = BUF_INIT(1 << 20);
    struct log_trouble why = {""};
    char detail[CONFIG_TEXT_MAX];
    const char *wrong;
    int line;

    snprintf(w->dir, sizeof w->dir, "/tmp/test_api.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    mint_all(w, &pem);
    struct create_options o = {.dir = w->dir,
                               .origin = "log.example/test",
                               .url = "https://log.example",
                               .entries_public = entries_public,
                               .roots_pem = buf_span(&pem)};
    if (create_log(&o, &why) != RES_OK)
        fail_msg("%s", why.text);
    buf_release(&pem);
    assert_int_equal(tokens_add(w->dir, "auditor", w->token), RES_OK);
    assert_int_equal(config_load(w->dir, &w->config, &line, detail), RES_OK);
    w->config.map_size = UINT64_C(1) << 30;
    w->config.entries_max = 2;
    if (log_open(&w->config, (struct log_sink){.line = quiet}, &w->api.log, &why) != RES_OK)
        fail_msg("%s", why.text);
    w->api.config = &w->config;
    struct server_options s = {.listen = "127.0.0.1:0",
                               .connections = 100,
                               .workers = 2,
                               .head_ms = 5000,
                               .body_ms = 5000,
                               .idle_ms = 5000,
                               .routes = api_routes(w->config.body_max),
                               .hooks = {.app = &w->api,
                                         .thread_new = api_thread_new,
                                         .thread_free = api_thread_free,
                                         .drain = on_drain}};
    assert_int_equal(server_new(&s, &w->api.server, &wrong), RES_OK);
    assert_int_equal(log_start(w->api.log), RES_OK);
    pthread_create(&w->id, NULL, run, w->api.server);
}

static void
end(struct world *w)
{
    char command[128];

    server_stop(w->api.server);
    pthread_join(w->id, NULL);
    server_free(w->api.server);
    log_close(w->api.log);
    mint_free(w->leaf);
    mint_free(w->pre);
    mint_free(w->ca);
    mint_free(w->root);
    mint_free(w->stranger);
    mint_free(w->stranger_root);
    EVP_PKEY_free(w->root_key);
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    assert_int_equal(system(command), 0);
}

/* ---- a client ---- */

/* Sends one request and reads the whole answer into *ret, NUL-terminated; returns the status. */
static int
ask(struct world *w, const char *method, const char *path, const char *headers, struct span body,
    struct buf *ret)
{
    const char *colon = strrchr(server_address(w->api.server), ':');
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(colon + 1)),
                            .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct timeval wait = {.tv_sec = 20};
    struct buf rq = BUF_INIT(1 << 20);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t n;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(buf_printf(&rq, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s", method,
                                path, headers),
                     RES_OK);
    if (body.n > 0)
        assert_int_equal(buf_printf(&rq, "Content-Length: %zu\r\n", body.n), RES_OK);
    assert_int_equal(buf_printf(&rq, "\r\n"), RES_OK);
    assert_int_equal(buf_add(&rq, body), RES_OK);
    assert_int_equal(send(fd, rq.p, rq.n, MSG_NOSIGNAL), (ssize_t)rq.n);
    buf_release(&rq);
    ret->n = 0;
    do {
        assert_int_equal(buf_reserve(ret, 65536), RES_OK);
        n = recv(fd, ret->p + ret->n, 65535, 0);
        if (n > 0)
            ret->n += (size_t)n;
    } while (n > 0);
    close(fd);
    ret->p[ret->n] = '\0';
    return ret->n > 12 ? atoi((char *)ret->p + 9) : 0;
}

static const char *
body_of(const struct buf *answer)
{
    const char *at = strstr((const char *)answer->p, "\r\n\r\n");

    return at == NULL ? "" : at + 4;
}

/* {"chain":[…]} of n certificates. */
static void
chain_json(const struct span *certs, size_t n, struct buf *out)
{
    out->n = 0;
    assert_int_equal(buf_printf(out, "{\"chain\":["), RES_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(buf_printf(out, i == 0 ? "\"" : ",\""), RES_OK);
        assert_int_equal(text_base64(certs[i], out), RES_OK);
        assert_int_equal(buf_printf(out, "\""), RES_OK);
    }
    assert_int_equal(buf_printf(out, "]}"), RES_OK);
}

static uint64_t
tree_size(struct world *w)
{
    struct store_head h;
    uint64_t generation;

    log_head(w->api.log, &h, &generation);
    return h.size;
}

/* ---- tests ---- */

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
expect(const char *says, int status, int want, const struct buf *answer, const char *holds)
{
    if (status != want || memmem(answer->p, answer->n, holds, strlen(holds)) == NULL)
        fail_msg("%s: not %d with %s:\n%s", says, want, holds, (const char *)answer->p);
}

static void
submit_two(struct world *w, struct buf *answer)
{
    struct buf json = BUF_INIT(1 << 20);
    struct buf first = BUF_INIT(1 << 20);
    struct span leaf[3] = {w->leaf, w->ca, w->root};
    struct span pre[2] = {w->pre, w->ca};
    struct span stranger[2] = {w->stranger, w->stranger_root};

    chain_json(leaf, 3, &json);
    expect("a leaf", ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer), 200, answer,
           "{\"sct_version\":0,\"id\":\"");
    assert_int_equal(buf_printf(&first, "%s", body_of(answer)), RES_OK);
    assert_non_null(strstr(body_of(answer), "\"extensions\":\"AAAFAAAAAAA=\""));
    expect("the same again", ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer), 200,
           answer, "{\"sct_version\":0,\"id\":\"");
    assert_true(span_equal(buf_span(&first), span_str(body_of(answer))));
    expect("a leaf as a precertificate",
           ask(w, "POST", "/ct/v1/add-pre-chain", "", buf_span(&json), answer), 400, answer,
           "problem:bad-poison\"");
    chain_json(pre, 2, &json);
    expect("a precertificate as a leaf",
           ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer), 400, answer,
           "problem:poison-in-certificate\"");
    expect("a precertificate without its root",
           ask(w, "POST", "/ct/v1/add-pre-chain", "", buf_span(&json), answer), 200, answer,
           "\"extensions\":\"AAAFAAAAAAE=\"");
    chain_json(stranger, 2, &json);
    expect("a stranger's", ask(w, "POST", "/ct/v1/add-chain", "", buf_span(&json), answer), 400,
           answer, "problem:unknown-root\"");
    buf_release(&json);
    buf_release(&first);
}

static void
whole_log(bool entries_public)
{
    struct world w = {.dir = ""};
    struct buf answer = BUF_INIT(1 << 24);
    struct span big = span_of(calloc(1, 600000), 600000);
    char bearer[128];

    begin(&w, entries_public);
    submit_two(&w, &answer);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(
            rows[i].says,
            ask(&w, rows[i].method, rows[i].path, rows[i].headers, span_str(rows[i].body), &answer),
            rows[i].status, &answer, rows[i].holds);
    snprintf(bearer, sizeof bearer, "Authorization: bearer %s\r\n", w.token);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        int status = ask(&w, "GET", bodies[i].path, "", span_str(""), &answer);

        if (entries_public) {
            expect(bodies[i].path, status, bodies[i].status, &answer, bodies[i].holds);
            continue;
        }
        expect(bodies[i].path, status, 403, &answer, "problem:auditors-only\"");
        status = ask(&w, "GET", bodies[i].path, "Authorization: Bearer cartulary_00\r\n",
                     span_str(""), &answer);
        expect(bodies[i].path, status, 403, &answer, "problem:auditors-only\"");
        status = ask(&w, "GET", bodies[i].path, bearer, span_str(""), &answer);
        expect(bodies[i].path, status, bodies[i].status, &answer, bodies[i].holds);
        if (status == 200)
            assert_non_null(strstr((char *)answer.p, "Cache-Control: private, no-store\r\n"));
    }
    expect("a body that is too large", ask(&w, "POST", "/ct/v1/add-chain", "", big, &answer), 413,
           &answer, "problem:body-too-large\"");
    assert_int_equal(ask(&w, "GET", "/log.v3.json", "", span_str(""), &answer), 200);
    assert_true((strstr((char *)answer.p, "not an RFC 6962 log for monitors") == NULL) ==
                entries_public);
    /* Whatever was refused has left no trace. */
    assert_int_equal(tree_size(&w), 2);
    free((void *)(uintptr_t)big.p);
    buf_release(&answer);
    end(&w);
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
    begin(&w, true);
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

        chain_json(&der, 1, &json);
        expect("a large one", ask(&w, "POST", "/ct/v1/add-chain", "", buf_span(&json), &answer),
               200, &answer, "\"sct_version\"");
        mint_free(der);
        X509_free(x);
    }
    w.config.entries_max = COUNT;
    while (got < COUNT) {
        unsigned before = got;

        snprintf(path, sizeof path, "/ct/v1/get-entries?start=%u&end=%u", got, COUNT - 1);
        assert_int_equal(ask(&w, "GET", path, "", span_str(""), &answer), 200);
        assert_true(answer.n < HTTP_ENTRIES_BYTES + (1 << 20));
        for (const char *at = body_of(&answer); (at = strstr(at, "\"leaf_input\"")) != NULL; at++)
            got++;
        assert_true(got > before && got - before < COUNT);
    }
    assert_int_equal(got, COUNT);
    X509_free(ca);
    EVP_PKEY_free(key);
    buf_release(&hex);
    buf_release(&json);
    buf_release(&answer);
    end(&w);
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
