/* api/http/conn and head: one row per rule, whole, in single bytes, and split at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/api/drive.h"

#define H "Host: a\r\n"

static const struct {
    const char *says;
    const char *in;
    const char *out;
} rows[] = {
    {"a plain GET", "GET /a HTTP/1.1\r\n" H "\r\n", "GET /a "},
    {"the query is cut off the path", "GET /a?b=c?d HTTP/1.1\r\n" H "\r\n", "GET /a?b=c?d "},
    {"HEAD is handed out as HEAD", "HEAD /a HTTP/1.1\r\n" H "\r\n", "HEAD /a "},
    {"two in a row", "GET /a HTTP/1.1\r\n" H "\r\nGET /b HTTP/1.1\r\n" H "\r\n", "GET /a GET /b "},
    {"an empty line in front is passed over", "\r\nGET /a HTTP/1.1\r\n" H "\r\n", "GET /a "},
    {"Connection: close ends it", "GET /a HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "GET /a $ "},
    {"what follows Connection: close is not read",
     "GET /a HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /b HTTP/1.1\r\n" H "\r\n", "GET /a $ "},
    {"HTTP/1.0 ends by itself", "GET /a HTTP/1.0\r\n\r\n", "GET /a $ "},
    {"HTTP/1.0 stays when it says so",
     "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
     "GET /a GET /b $ "},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * "},
    {"* for GET", "GET * HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a method others use", "DELETE /a HTTP/1.1\r\n" H "\r\n", "OTHER /a "},
    {"a method nobody knows", "FROB /a HTTP/1.1\r\n" H "\r\n", "!method-not-allowed $ "},
    {"no method at all", "\x16\x03\x01 / HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"CONNECT", "CONNECT a:1 HTTP/1.1\r\n" H "\r\n", "!method-not-allowed $ "},
    {"an upgrade is not taken up",
     "GET /a HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: x\r\n\r\n"
     "GET /b HTTP/1.1\r\n" H "\r\n",
     "GET /a GET /b "},
    /* bodies */
    {"a body", "POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "POST /a[3] "},
    {"an empty body", "POST /a HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST /a "},
    {"no body, no length", "POST /a HTTP/1.1\r\n" H "\r\n", "POST /a "},
    {"a request behind a body",
     "POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n" H "\r\n",
     "POST /a[3] GET /b "},
    {"a body of the largest size", "POST /a HTTP/1.1\r\n" H "Content-Length: 8\r\n\r\n12345678",
     "POST /a[8] "},
    {"a body over the limit", "POST /a HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n123456789",
     "!body-too-large $ "},
    {"a length over 64 bit",
     "POST /a HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n", "!bad-length $ "},
    {"the largest length", "POST /a HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\n",
     "!body-too-large $ "},
    {"chunks",
     "POST /a HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
     "GET /b HTTP/1.1\r\n" H "\r\n",
     "POST /a[5] GET /b "},
    {"chunks over the limit",
     "POST /a HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n",
     "!body-too-large $ "},
    {"a chunk announced longer than what is left is not waited for",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n",
     "!body-too-large $ "},
    {"a chunk as long as what is left",
     "POST /a HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n",
     "POST /a[8] "},
    {"the longest chunk",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
     "!body-too-large $ "},
    {"a chunk without its CRLF",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n",
     "!bad-request $ "},
    {"a chunk size in hex with 0x",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
     "!bad-request $ "},
    {"a chunk with a bare LF",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
     "!bad-request $ "},
    {"a trailer",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
     "!bad-request $ "},
    {"refused at once, body unread",
     "POST /now HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n" H "\r\n",
     "POST /now $ "},
    /* smuggling */
    {"two equal Content-Length",
     "POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
     "!bad-length $ "},
    {"two Content-Length",
     "POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
     "!bad-length $ "},
    {"a list of lengths", "POST /a HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc",
     "!bad-length $ "},
    {"a signed length", "POST /a HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", "!bad-length $ "},
    {"a bare LF behind the last chunk",
     "POST /a HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\nGET /b HTTP/1.1\r\n" H "\r\n",
     "!bad-request $ "},
    {"length, then chunked",
     "POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "!bad-length $ "},
    {"chunked, then length",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
     "!bad-length $ "},
    {"gzip, chunked", "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     "!transfer-coding $ "},
    {"chunked, gzip", "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
     "!transfer-coding $ "},
    {"chunked twice",
     "POST /a HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "!transfer-coding $ "},
    {"identity", "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n",
     "!transfer-coding $ "},
    {"xchunked", "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
     "!transfer-coding $ "},
    {"CHUNKED is chunked", "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
     "POST /a "},
    {"chunked in HTTP/1.0", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "!transfer-coding $ "},
    {"obs-fold with a blank", "GET /a HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", "!bad-request $ "},
    {"obs-fold with a tab", "GET /a HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", "!bad-request $ "},
    {"obs-fold in Transfer-Encoding",
     "POST /a HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "!bad-request $ "},
    {"a blank before the first field", "GET /a HTTP/1.1\r\n X: a\r\n" H "\r\n", "!bad-request $ "},
    {"a blank before the colon", "GET /a HTTP/1.1\r\n" H "X : a\r\n\r\n", "!bad-request $ "},
    {"a field without a name", "GET /a HTTP/1.1\r\n" H ": a\r\n\r\n", "!bad-request $ "},
    {"a field without a colon", "GET /a HTTP/1.1\r\n" H "X\r\n\r\n", "!bad-request $ "},
    {"bare LF after the request line", "GET /a HTTP/1.1\n" H "\r\n", "!bad-request $ "},
    {"bare LF after a field", "GET /a HTTP/1.1\r\nHost: a\n\r\n", "!bad-request $ "},
    {"bare LF as the empty line", "GET /a HTTP/1.1\r\n" H "\n", "!bad-request $ "},
    {"bare CR in a value", "GET /a HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", "!bad-request $ "},
    {"a CR too many", "GET /a HTTP/1.1\r\n" H "X: a\r\r\n\r\n", "!bad-request $ "},
    {"control byte in a value", "GET /a HTTP/1.1\r\n" H "X: \x01\r\n\r\n", "!bad-request $ "},
    {"a bracket in a name", "GET /a HTTP/1.1\r\n" H "X(: a\r\n\r\n", "!bad-request $ "},
    /* host, version, target */
    {"no Host", "GET /a HTTP/1.1\r\n\r\n", "!bad-host $ "},
    {"two Hosts", "GET /a HTTP/1.1\r\n" H H "\r\n", "!bad-host $ "},
    {"two Hosts in HTTP/1.0", "GET /a HTTP/1.0\r\n" H H "\r\n", "!bad-host $ "},
    {"an empty Host is allowed", "GET /a HTTP/1.1\r\nHost:\r\n\r\n", "GET /a "},
    {"a Host that is none", "GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", "!bad-host $ "},
    {"two credentials",
     "GET /a HTTP/1.1\r\n" H "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
     "!bad-request $ "},
    {"HTTP/2.0", "GET /a HTTP/2.0\r\n" H "\r\n", "!http-version $ "},
    {"HTTP/1.2", "GET /a HTTP/1.2\r\n" H "\r\n", "!http-version $ "},
    {"HTTP/0.9", "GET /a\r\n\r\n", "!http-version $ "},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!http-version $ "},
    {"two blanks in the request line", "GET  /a HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a blank in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"absolute form", "GET http://a/b HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a quote in the target", "GET /a\"b HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a byte above ASCII in the target", "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a broken percent sequence", "GET /a%4 HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a whole percent sequence", "GET /a%41 HTTP/1.1\r\n" H "\r\n", "GET /a%41 "},
    {"a compressed request",
     "POST /a HTTP/1.1\r\n" H "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
     "!unsupported-media $ "},
};

#define ROWS (sizeof rows / sizeof *rows)

static void
expect(const char *says, const char *how, const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s (%s): said \"%s\", not \"%s\"", says, how, got, want);
}

static void
every_row_whole_and_in_bytes(void **state)
{
    static struct drive d;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t step = 0; step < 3; step++) {
            drive_begin(&d, 8);
            drive_feed(&d, span_str(rows[i].in), step);
            expect(rows[i].says, "in pieces", d.said, rows[i].out);
            drive_end(&d);
        }
    }
}

static void
every_row_split_everywhere(void **state)
{
    static struct drive d;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span s = span_str(rows[i].in);

        for (size_t at = 1; at < s.n; at++) {
            drive_begin(&d, 8);
            drive_feed(&d, span_of(s.p, at), 0);
            drive_feed(&d, span_of(s.p + at, s.n - at), 0);
            expect(rows[i].says, "split", d.said, rows[i].out);
            drive_end(&d);
        }
    }
}

/* A row that is cut short says nothing but what was complete, and ends when the peer does. */
static void
every_row_cut_short(void **state)
{
    static struct drive d;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct span s = span_str(rows[i].in);

        drive_begin(&d, 8);
        drive_feed(&d, span_of(s.p, s.n - 1), 0);
        drive_eof(&d);
        if (!drive_ended(&d))
            fail_msg("%s: does not end with the peer", rows[i].says);
        drive_end(&d);
    }
}

static struct span
long_head(char *buf, size_t n)
{
    struct span begin = span_str("GET /a HTTP/1.1\r\nHost: a\r\nX: ");
    struct span end = span_str("\r\n\r\n");

    memset(buf, 'x', n);
    memcpy(buf, begin.p, begin.n);
    memcpy(buf + n - end.n, end.p, end.n);
    return span_of(buf, n);
}

static void
head_sizes(void **state)
{
    static char buf[HTTP_HEAD_MAX + 1];
    static struct drive d;

    (void)state;
    for (size_t step = 0; step < 2; step++) {
        drive_begin(&d, 8);
        drive_feed(&d, long_head(buf, HTTP_HEAD_MAX), step * 1000);
        assert_string_equal(d.said, "GET /a ");
        drive_end(&d);
        drive_begin(&d, 8);
        drive_feed(&d, long_head(buf, HTTP_HEAD_MAX + 1), step * 1000);
        assert_string_equal(d.said, "!head-too-large $ ");
        drive_end(&d);
    }
}

static void
too_many_headers(void **state)
{
    static char buf[8192];
    static struct drive d;

    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        size_t n = (size_t)snprintf(buf, sizeof buf, "GET /a HTTP/1.1\r\n" H);

        for (int i = 0; i < HTTP_HEADERS_MAX - 1 + extra; i++)
            n += (size_t)snprintf(buf + n, sizeof buf - n, "X: y\r\n");
        snprintf(buf + n, sizeof buf - n, "\r\n");
        drive_begin(&d, 8);
        drive_feed(&d, span_str(buf), 0);
        assert_string_equal(d.said, extra ? "!head-too-large $ " : "GET /a ");
        drive_end(&d);
    }
}

/* A body longer than the connection's own buffer, told and chunked. */
static void
long_bodies(void **state)
{
    static uint8_t body[200000];
    static struct drive d;
    char head[128];

    (void)state;
    memset(body, 'b', sizeof body);
    drive_begin(&d, sizeof body);
    snprintf(head, sizeof head, "POST /a HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n",
             sizeof body);
    drive_feed(&d, span_str(head), 0);
    drive_feed(&d, span_of(body, sizeof body), 0);
    drive_feed(&d, span_str("POST /b HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), 0);
    for (int i = 0; i < 20; i++) {
        snprintf(head, sizeof head, "%x\r\n", 10000);
        drive_feed(&d, span_str(head), 0);
        drive_feed(&d, span_of(body, 10000), 0);
        drive_feed(&d, span_str("\r\n"), 0);
    }
    drive_feed(&d, span_str("0\r\n\r\n"), 0);
    assert_string_equal(d.said, "POST /a[200000] POST /b[200000] ");
    drive_end(&d);
}

/* Endless chunk extensions are framing without content. */
static void
chunk_framing_is_bounded(void **state)
{
    static struct drive d;
    static char extension[1000];

    (void)state;
    memset(extension, 'x', sizeof extension);
    drive_begin(&d, 100);
    drive_feed(&d, span_str("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;"), 0);
    for (int i = 0; i < 100; i++)
        drive_feed(&d, span_of(extension, sizeof extension), 0);
    assert_string_equal(d.said, "!body-too-large $ ");
    drive_end(&d);
}

static void
expect_continue(void **state)
{
    static struct drive d;
    const char *head = "POST /a HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n";

    (void)state;
    drive_begin(&d, 8);
    drive_feed(&d, span_str(head), 0);
    assert_string_equal(d.out, "HTTP/1.1 100 Continue\r\n\r\n");
    drive_feed(&d, span_str("abc"), 0);
    assert_string_equal(d.said, "POST /a[3] ");
    drive_end(&d);
    /* The tampered twin: nothing is asked for that would be refused. */
    drive_begin(&d, 2);
    drive_feed(&d, span_str(head), 0);
    assert_string_equal(d.said, "!body-too-large $ ");
    assert_null(strstr(d.out, "100 Continue"));
    drive_end(&d);
}

static void
head_has_no_body(void **state)
{
    static struct drive d;

    (void)state;
    drive_begin(&d, 8);
    drive_feed(&d, span_str("HEAD /a HTTP/1.1\r\n" H "\r\n"), 0);
    assert_non_null(strstr(d.out, "Content-Length: 2\r\n"));
    assert_string_equal(d.out + d.out_n - 4, "\r\n\r\n");
    drive_feed(&d, span_str("GET /a HTTP/1.1\r\n" H "\r\n"), 0);
    assert_string_equal(d.out + d.out_n - 6, "\r\n\r\nok");
    drive_end(&d);
}

static void
deadlines(void **state)
{
    static struct drive d;

    (void)state;
    drive_begin(&d, 8);
    assert_int_equal(conn_deadline(&d.conn), 1000); /* a fresh connection owes a head */
    d.now = 500;
    drive_feed(&d, span_str("GET /a HT"), 0);
    assert_int_equal(conn_deadline(&d.conn), 1500);
    d.now = 900;
    drive_feed(&d, span_str("TP/1.1\r\n"), 0);
    assert_int_equal(conn_deadline(&d.conn), 1500); /* a trickle does not prolong it */
    drive_feed(&d, span_str(H "\r\n"), 0);
    assert_int_equal(conn_deadline(&d.conn), 3900); /* idle */
    drive_feed(&d, span_str("POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"), 0);
    assert_int_equal(conn_deadline(&d.conn), 2900);
    assert_int_equal(conn_expire(&d.conn), CONN_REFUSED);
    assert_int_equal(d.conn.why, RES_HTTP_TIMEOUT);
    drive_end(&d);
    /* Nothing had begun: it just ends. */
    drive_begin(&d, 8);
    assert_int_equal(conn_expire(&d.conn), CONN_ENDED);
    drive_end(&d);
}

/* While one request waits, the next ones are buffered and not looked at. */
static void
one_at_a_time(void **state)
{
    static struct drive d;
    const char *two = "GET /a HTTP/1.1\r\n" H "\r\nGET /b HTTP/1.1\r\n" H "\r\n";
    struct reply ok = {.status = 200, .type = REPLY_TEXT};
    size_t space;
    struct span out[2];

    (void)state;
    drive_begin(&d, 8);
    memcpy(conn_space(&d.conn, &space), two, strlen(two));
    conn_fed(&d.conn, strlen(two), 0);
    assert_int_equal(conn_next(&d.conn, 0), CONN_REQUEST);
    assert_int_equal(conn_next(&d.conn, 0), CONN_MORE);
    assert_int_equal(conn_deadline(&d.conn), UINT64_MAX);
    assert_true(span_equal(d.conn.rq.path, span_str("/a")));
    conn_answer(&d.conn, &ok, "Thu, 01 Jan 1970 00:00:00 GMT", 0);
    assert_int_equal(conn_next(&d.conn, 0), CONN_MORE);
    assert_int_equal(conn_output(&d.conn, out), 1);
    conn_wrote(&d.conn, out[0].n, 0);
    assert_int_equal(conn_next(&d.conn, 0), CONN_REQUEST);
    assert_true(span_equal(d.conn.rq.path, span_str("/b")));
    drive_end(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_whole_and_in_bytes),
        cmocka_unit_test(every_row_split_everywhere),
        cmocka_unit_test(every_row_cut_short),
        cmocka_unit_test(head_sizes),
        cmocka_unit_test(too_many_headers),
        cmocka_unit_test(long_bodies),
        cmocka_unit_test(chunk_framing_is_bounded),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(one_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
