/* api/http/conn: requests one after the other, deadlines, 100 (Continue). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/api/rows.h"

#define H "Host: a\r\n"

static const struct drive_row rows[] = {
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
    {"an upgrade is not taken up",
     "GET /a HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: x\r\n\r\n"
     "GET /b HTTP/1.1\r\n" H "\r\n",
     "GET /a GET /b "},
};

static void
requests_and_their_order(void **state)
{
    (void)state;
    drive_rows(rows, sizeof rows / sizeof *rows);
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
    d.now = 2000;
    drive_feed(&d, span_str("ab"), 0);
    assert_int_equal(conn_deadline(&d.conn), 2900); /* nor does one of a body */
    assert_int_equal(d.room.held, 4);
    assert_int_equal(conn_expire(&d.conn), CONN_REFUSED);
    assert_int_equal(d.conn.why, RES_HTTP_TIMEOUT);
    assert_int_equal(d.room.held, 0); /* what has come of it holds nothing while the peer lingers */
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
    assert_true(span_equal(d.conn.message.rq.path, span_str("/a")));
    conn_answer(&d.conn, &ok, "Thu, 01 Jan 1970 00:00:00 GMT", 0);
    assert_int_equal(conn_next(&d.conn, 0), CONN_MORE);
    assert_int_equal(conn_output(&d.conn, out), 1);
    conn_wrote(&d.conn, out[0].n, 0);
    assert_int_equal(conn_next(&d.conn, 0), CONN_REQUEST);
    assert_true(span_equal(d.conn.message.rq.path, span_str("/b")));
    drive_end(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_their_order),
        cmocka_unit_test(head_sizes),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(one_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
