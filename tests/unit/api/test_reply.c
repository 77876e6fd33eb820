/* api/http/reply and route: heads, problem documents, statuses, and which row takes a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/http/api.h"
#include "api/http/json.h"
#include "api/http/reply.h"
#include "api/http/route.h"

static const char date[] = "Thu, 01 Jan 1970 00:00:00 GMT";

static const char *
head_of(const struct reply *r, bool http10)
{
    static char out[HTTP_REPLY_HEAD_MAX + 1];
    struct reply_form form = {.http10 = http10, .date = date};

    out[reply_head(r, &form, out)] = '\0';
    return out;
}

static void
heads(void **state)
{
    struct reply tile = {.status = 200,
                         .type = REPLY_OCTETS,
                         .cache = REPLY_IMMUTABLE,
                         .cors = true,
                         .body = {.p = NULL, .n = 8192}};
    struct reply options = {.status = 204, .allow = "GET", .close = true};

    (void)state;
    assert_string_equal(head_of(&tile, false),
                        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                        "Content-Type: application/octet-stream\r\n"
                        "Cache-Control: public, max-age=31536000, immutable\r\n"
                        "Access-Control-Allow-Origin: *\r\nContent-Length: 8192\r\n\r\n");
    assert_non_null(strstr(head_of(&tile, true), "\r\nConnection: keep-alive\r\n"));
    assert_string_equal(head_of(&options, false),
                        "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                        "Cache-Control: no-store\r\nAllow: GET\r\nConnection: close\r\n\r\n");
}

/* Whoever sees lengths alone is told nothing by a status. */
static void
heads_that_are_alike(void **state)
{
    struct reply found = {.status = 200, .discreet = true, .alike = true, .body = {NULL, 32768}};
    struct reply not_found = {
        .status = 404, .discreet = true, .alike = true, .body = {NULL, 32768}};
    size_t n;

    (void)state;
    n = strlen(head_of(&found, false));
    assert_string_equal(head_of(&not_found, false),
                        "HTTP/1.1 404 \r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
                        "X-Robots-Tag: noindex\r\nContent-Length: 32768\r\n\r\n");
    assert_int_equal(strlen(head_of(&not_found, false)), n);
    found.alike = false;
    assert_int_not_equal(strlen(head_of(&found, false)), n);
}

/* The longest answer's head fits, and every status that a result can have has its line. */
static void
every_result_has_a_head(void **state)
{
    struct buf out = BUF_INIT(10000);

    (void)state;
    for (int i = 1; i < RESULT_COUNT; i++) {
        struct reply r;

        out.n = 0;
        reply_refusal((enum result)i, "a \"detail\"", &out, &r);
        r.vary = r.gzip = r.close = r.preflight = true;
        r.allow = "GET, HEAD, OPTIONS";
        assert_true(strlen(head_of(&r, true)) < HTTP_REPLY_HEAD_MAX);
        assert_true(r.status >= 400 && r.body.n > 0);
    }
    buf_release(&out);
}

static const struct {
    enum result r;
    unsigned status;
    unsigned retry;
} statuses[] = {
    {RES_OK, 200, 0},
    {RES_RANGE, 400, 0},
    {RES_JSON, 400, 0},
    {RES_CHAIN_ROOT, 400, 0},
    {RES_HTTP_FORBIDDEN, 403, 0},
    {RES_HTTP_NOT_FOUND, 404, 0},
    {RES_UNKNOWN_HASH, 404, 0},
    {RES_KT_NO_LABEL, 404, 0},
    {RES_KT_NO_VERSION, 404, 0},
    {RES_KT_NOTHING_NEW, 409, 0},
    {RES_KT_OWN_VALUES, 403, 0},
    {RES_KT_NOT_YET, 400, 0},
    {RES_ABSENT, 404, 0},
    {RES_GONE, 410, 0},
    {RES_ERASED, 410, 0},
    {RES_HTTP_METHOD, 405, 0},
    {RES_HTTP_TIMEOUT, 408, 0},
    {RES_HTTP_BODY, 413, 0},
    {RES_HTTP_MEDIA, 415, 0},
    {RES_RATE, 429, 1},
    {RES_CLIENT_RATE, 429, 1},
    {RES_LOOKUP_RATE, 429, 1},
    {RES_HTTP_HEAD, 431, 0},
    {RES_IO, 500, 0},
    {RES_STORE_DAMAGED, 500, 0},
    {RES_SIGNATURE, 500, 0},
    {RES_BUSY, 503, 1},
    {RES_DISK_FLOOR, 503, 30},
    {RES_HALTED, 503, 30},
    {RES_HTTP_VERSION, 505, 0},
};

static void
every_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (reply_status(statuses[i].r) != statuses[i].status ||
            reply_retry_after(statuses[i].r) != statuses[i].retry)
            fail_msg("%s: %u", result_name(statuses[i].r), reply_status(statuses[i].r));
}

static void
problem_documents(void **state)
{
    struct buf out = BUF_INIT(10000);
    struct reply r;

    (void)state;
    reply_refusal(RES_CHAIN_EKU, "certificate 0: \"x\"\n", &out, &r);
    assert_true(span_equal(
        r.body,
        span_str("{\"type\":\"urn:cartulary:problem:extended-key-usage\",\"title\":\"the leaf "
                 "carries none of the accepted extended key usages\",\"status\":400,"
                 "\"detail\":\"S/MIME BR 7.1.2.3 f: certificate 0: \\\"x\\\"\\u000a\"}\n")));
    /* What is broken here is not the peer's to know. */
    out.n = 0;
    reply_refusal(RES_IO, "/var/lib/log: No space left on device", &out, &r);
    assert_null(memmem(r.body.p, r.body.n, "detail", 6));
    assert_null(memmem(r.body.p, r.body.n, "/var", 4));
    buf_release(&out);
    /* No room for a document: an answer all the same. */
    buf_init(&out, 10);
    reply_refusal(RES_IO, NULL, &out, &r);
    assert_int_equal(r.status, 500);
    assert_int_equal(r.body.n, 0);
    assert_int_equal(out.n, 0);
    buf_release(&out);
}

static void
dates(void **state)
{
    char out[REPLY_DATE_SIZE];

    (void)state;
    reply_date(784111777, out); /* RFC 9110 5.6.7 */
    assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
    reply_date(INT64_MAX, out);
    assert_int_equal(strlen(out), 29);
}

static const struct {
    const char *says;
    enum method method;
    const char *path;
    enum result want;
    const char *label;
} routes[] = {
    {"a checkpoint", METHOD_GET, "/checkpoint", RES_OK, "/checkpoint"},
    {"HEAD is GET", METHOD_HEAD, "/checkpoint", RES_OK, "/checkpoint"},
    {"a data tile is not a tile", METHOD_GET, "/tile/data/000", RES_OK, "/tile/data"},
    {"a tile", METHOD_GET, "/tile/0/000", RES_OK, "/tile"},
    {"a submission", METHOD_POST, "/ct/v1/add-chain", RES_OK, "/ct/v1/add-chain"},
    {"a submission by GET", METHOD_GET, "/ct/v1/add-chain", RES_HTTP_METHOD, "/ct/v1/add-chain"},
    {"a head by POST", METHOD_POST, "/ct/v1/get-sth", RES_HTTP_METHOD, "/ct/v1/get-sth"},
    {"options of a path", METHOD_OPTIONS, "/ct/v1/get-sth", RES_HTTP_METHOD, "/ct/v1/get-sth"},
    {"a slash too many", METHOD_GET, "/checkpoint/", RES_HTTP_NOT_FOUND, NULL},
    {"a name that only begins so", METHOD_GET, "/ct/v1/get-sth2", RES_HTTP_NOT_FOUND, NULL},
    {"an encoded letter", METHOD_GET, "/%63heckpoint", RES_HTTP_NOT_FOUND, NULL},
    {"the other case", METHOD_GET, "/Checkpoint", RES_HTTP_NOT_FOUND, NULL},
    {"two slashes", METHOD_GET, "//checkpoint", RES_HTTP_NOT_FOUND, NULL},
    {"nothing", METHOD_GET, "/", RES_HTTP_NOT_FOUND, NULL},
};

static void
every_route(void **state)
{
    struct routes table = api_routes(1000);

    (void)state;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        struct request rq = {.method = routes[i].method, .path = span_str(routes[i].path)};
        const struct route *row = NULL;
        const char *allow = NULL;
        enum result r = route_find(&table, &rq, &row, &allow);

        if (r != routes[i].want || (row == NULL) != (routes[i].label == NULL) ||
            (row != NULL && strcmp(row->label, routes[i].label) != 0))
            fail_msg("%s: %s", routes[i].says, result_name(r));
        assert_true((allow != NULL) == (r == RES_HTTP_METHOD));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(heads_that_are_alike),
        cmocka_unit_test(every_result_has_a_head),
        cmocka_unit_test(every_status),
        cmocka_unit_test(problem_documents),
        cmocka_unit_test(dates),
        cmocka_unit_test(every_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
