/*
 * The request cases of other parsers' test suites, held against ours.
 *
 * Those parsers are libraries: they leave to the server what only a server can know.  Where our
 * verdict differs from theirs it does so on purpose, and the table below says why; a difference
 * that is not in it fails the test, as does a row that no longer occurs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/api/drive.h"
#include "tests/vectors/testdata.h"

#define LLHTTP_CASES "vectors/6-http-hostile/llhttp-cases.json"
#define PICO_CASES "vectors/6-http-hostile/picohttpparser-cases.json"

/* Where they accept and we refuse: by our reason. */
static struct stricter {
    enum result why;
    const char *says;
    unsigned seen;
} stricter[] = {
    {RES_HTTP_HOST, "HTTP/1.1 demands one Host; a parser does not look", 0},
    {RES_HTTP_VERSION, "HTTP/0.9 and protocols that resemble HTTP are not spoken", 0},
    {RES_HTTP_METHOD, "CONNECT, and methods that only other protocols have", 0},
    {RES_HTTP_TRANSFER_CODING, "chunked alone, never behind another coding", 0},
    {RES_HTTP_SYNTAX,
     "trailers, obs-fold, bare LF, fragments, absolute form and odd characters in targets", 0},
    {RES_HTTP_LENGTH, "no length beside a coding", 0},
};

/* Where they refuse and we go on: by title, and what we say instead. */
static struct looser {
    const char *title;
    const char *ours;
    const char *says;
    unsigned seen;
} looser[] = {
    {"No restart when keep-alive is off (1.0)", "OTHER /url $ ",
     "the first request is answered; what follows it is never looked at", 0},
    {"Multiple tokens with folding and LWS", "GET /demo ",
     "an offer to upgrade is ignored, as RFC 9110 7.8 allows; the next bytes are the next request",
     0},
    {"Setting a flag and pausing", "OTHER /url ", "the same", 0},
    {"Emitting part of body and pausing", "OTHER /url[4] ", "the same", 0},
    {"Error on `Content-Length` overflow", "", "judged when the line is complete", 0},
    {"Error on duplicate `Content-Length`", "", "the same", 0},
    {"Invalid HTTP version", "", "the same", 0},
    {"Invalid space after start line", "", "the same", 0},
    {"Missing last-chunk", "", "we wait for the last chunk until the body's deadline", 0},
};

/* Puts "Host: a" behind the first request line, and the empty line behind a head that lacks it, so
 * that what a case is about is reached: many stop where that parser had seen enough. */
static void
with_host(struct span in, struct buf *out)
{
    const uint8_t *lf = in.n > 0 ? memchr(in.p, '\n', in.n) : NULL;
    const uint8_t *second;

    out->n = 0;
    /* An empty line in front. */
    if (lf != NULL && lf - in.p == 1 && in.p[0] == '\r') {
        second = memchr(lf + 1, '\n', in.n - 2);
        lf = second != NULL ? second : lf;
    }
    if (lf == NULL || lf == in.p || lf[-1] != '\r') {
        assert_int_equal(buf_add(out, in), RES_OK);
        return;
    }
    assert_int_equal(buf_add(out, span_of(in.p, (size_t)(lf + 1 - in.p))), RES_OK);
    assert_int_equal(buf_add(out, span_str("Host: a\r\n")), RES_OK);
    assert_int_equal(buf_add(out, span_of(lf + 1, in.n - (size_t)(lf + 1 - in.p))), RES_OK);
    if (memmem(out->p, out->n, "\r\n\r\n", 4) == NULL &&
        memcmp(out->p + out->n - 2, "\r\n", 2) == 0)
        assert_int_equal(buf_add(out, span_str("\r\n")), RES_OK);
}

static enum result
reason_of(const char *said)
{
    const char *at = strchr(said, '!');
    size_t n = at == NULL ? 0 : strcspn(at + 1, " ");

    for (int r = 0; at != NULL && r < RESULT_COUNT; r++)
        if (strlen(result_name((enum result)r)) == n &&
            memcmp(result_name((enum result)r), at + 1, n) == 0)
            return (enum result)r;
    return RES_OK;
}

/* What we say to the bytes, fed in pieces of step. */
static const char *
verdict(struct span in, size_t step)
{
    static struct drive d;

    drive_begin(&d, 65536);
    drive_feed(&d, in, step);
    drive_end(&d);
    return d.said;
}

static bool
explained(const char *title, bool accepted, const char *said)
{
    enum result why = reason_of(said);

    if (accepted) {
        for (size_t i = 0; i < sizeof stricter / sizeof *stricter; i++)
            if (stricter[i].why == why)
                return stricter[i].seen++, true;
        return false;
    }
    for (size_t i = 0; i < sizeof looser / sizeof *looser; i++)
        if (strcmp(looser[i].title, title) == 0 && strcmp(looser[i].ours, said) == 0)
            return looser[i].seen++, true;
    return false;
}

/* Whole, in single bytes, and split at every place: always the same verdict.  Returns it. */
static const char *
steady_verdict(const char *title, struct span in)
{
    static char whole[4096];

    snprintf(whole, sizeof whole, "%s", verdict(in, 0));
    for (size_t step = 1; step < in.n && step < 200; step++)
        if (strcmp(whole, verdict(in, step)) != 0)
            fail_msg("%s: \"%s\" whole, \"%s\" in pieces of %zu", title, whole, verdict(in, step),
                     step);
    return whole;
}

static bool
judge(const char *title, struct span in, bool accepted, const char *repr)
{
    static struct buf hosted;
    const char *said;
    bool refused;

    buf_init(&hosted, 1 << 20);
    with_host(in, &hosted);
    said = steady_verdict(title, buf_span(&hosted));
    refused = strchr(said, '!') != NULL;
    buf_release(&hosted);
    if (accepted == !refused || explained(title, accepted, said))
        return true;
    print_error("%s: they %s, we say \"%s\": %s\n", title, accepted ? "accept" : "refuse", said,
                repr);
    return false;
}

static void
cases_of_llhttp(void **state)
{
    struct buf in = BUF_INIT(1 << 20);
    unsigned wrong = 0;
    unsigned n = 0;

    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *all = testdata_json(LLHTTP_CASES);
    const cJSON *c;

    cJSON_ArrayForEach(c, testdata_member(all, "cases"))
    {
        if (strcmp(testdata_string(c, "type"), "request") != 0)
            continue;
        testdata_base64(testdata_string(c, "input_b64"), &in);
        n++;
        if (!judge(testdata_string(c, "title"), buf_span(&in),
                   cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(c, "error")),
                   testdata_string(c, "input_repr")))
            wrong++;
    }
    cJSON_Delete(all);
    buf_release(&in);
    print_message("%u cases of llhttp\n", n);
    assert_true(n > 100);
    assert_int_equal(wrong, 0);
}

static void
cases_of_picohttpparser(void **state)
{
    struct buf in = BUF_INIT(1 << 20);
    unsigned wrong = 0;
    unsigned n = 0;

    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *all = testdata_json(PICO_CASES);
    const cJSON *c;

    cJSON_ArrayForEach(c, testdata_member(all, "cases"))
    {
        if (strcmp(testdata_string(c, "kind"), "request") != 0)
            continue;
        testdata_base64(testdata_string(c, "input_b64"), &in);
        n++;
        if (!judge(testdata_string(c, "comment"), buf_span(&in),
                   strcmp(testdata_string(c, "result"), "error") != 0, testdata_string(c, "repr")))
            wrong++;
    }
    cJSON_Delete(all);
    buf_release(&in);
    print_message("%u cases of picohttpparser\n", n);
    assert_true(n > 30);
    assert_int_equal(wrong, 0);
}

/* The table of differences holds nothing that does not occur. */
static void
every_difference_occurs(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    for (size_t i = 0; i < sizeof stricter / sizeof *stricter; i++) {
        print_message("stricter: %2u x %s: %s\n", stricter[i].seen, result_name(stricter[i].why),
                      stricter[i].says);
        assert_true(stricter[i].seen > 0);
    }
    for (size_t i = 0; i < sizeof looser / sizeof *looser; i++) {
        print_message("looser: %s: %s\n", looser[i].title, looser[i].says);
        if (looser[i].seen == 0)
            fail_msg("does not occur: %s", looser[i].title);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_of_llhttp),
        cmocka_unit_test(cases_of_picohttpparser),
        cmocka_unit_test(every_difference_occurs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
