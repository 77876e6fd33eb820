/* api/http/message and head: one row per rule, as a connection says it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fault/failalloc.h"
#include "tests/unit/api/rows.h"

#define H "Host: a\r\n"

static struct room room = {.max = 1 << 20};

static const struct drive_row rows[] = {
    {"* for GET", "GET * HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"a method others use", "DELETE /a HTTP/1.1\r\n" H "\r\n", "OTHER /a "},
    {"a method nobody knows", "FROB /a HTTP/1.1\r\n" H "\r\n", "!method-not-allowed $ "},
    {"no method at all", "\x16\x03\x01 / HTTP/1.1\r\n" H "\r\n", "!bad-request $ "},
    {"CONNECT", "CONNECT a:1 HTTP/1.1\r\n" H "\r\n", "!method-not-allowed $ "},
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

static void
every_rule(void **state)
{
    (void)state;
    drive_rows(rows, sizeof rows / sizeof *rows);
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

/* Without a connection around it: what belongs to the request is used, and no byte more. */
static void
a_body_in_pieces(void **state)
{
    static const struct {
        const char *says;
        const char *head;
        const char *pieces[3];
        size_t used;   /* of the last piece */
        enum result r; /* of the last piece */
    } in[] = {
        {"told",
         "POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n",
         {"a", "b", "cGET"},
         1,
         RES_OK},
        {"chunked",
         "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
         {"3\r\nab", "c\r\n0\r", "\n\r\nGET"},
         3,
         RES_OK},
        {"chunked, with a trailer",
         "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
         {"3\r\nab", "c\r\n0\r", "\nX: y\r\n\r\n"},
         0,
         RES_HTTP_SYNTAX},
        {"chunked, over what is allowed",
         "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
         {"3\r\nab", "c\r\n", "1\r\n"},
         0,
         RES_HTTP_BODY},
    };
    struct message m;

    (void)state;
    message_init(&m, &room);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        size_t used = 0;
        bool whole = false;

        assert_int_equal(message_head(&m, span_str(in[i].head)), RES_OK);
        assert_true(message_has_body(&m));
        assert_int_equal(message_allow(&m, 3), RES_OK);
        for (int p = 0; p < 2; p++) {
            assert_int_equal(message_body(&m, span_str(in[i].pieces[p]), &used, &whole), RES_OK);
            assert_int_equal(used, strlen(in[i].pieces[p]));
            assert_false(whole);
        }
        used = 0;
        if (message_body(&m, span_str(in[i].pieces[2]), &used, &whole) != in[i].r)
            fail_msg("%s: another result", in[i].says);
        assert_int_equal(used, in[i].used);
        assert_int_equal(whole, in[i].r == RES_OK);
        if (whole)
            assert_true(span_equal(m.rq.body, span_str("abc")));
    }
    message_release(&m);
    message_release(&m);
}

/* Two bodies and a room that does not hold both: what one has the other has not, and all of it
 * comes back. */
static void
bodies_share_a_room(void **state)
{
    static uint8_t bytes[2000];
    struct span head = span_str("POST /a HTTP/1.1\r\n" H "Content-Length: 2000\r\n\r\n");
    struct room small = {.max = 3000};
    struct message a, b;
    size_t used;
    bool whole;

    (void)state;
    message_init(&a, &small);
    message_init(&b, &small);
    assert_int_equal(message_head(&a, head), RES_OK);
    assert_int_equal(message_head(&b, head), RES_OK);
    assert_int_equal(message_allow(&a, 2000), RES_OK);
    assert_int_equal(message_body(&a, span_of(bytes, 1500), &used, &whole), RES_OK);
    assert_int_equal(small.held, 2001); /* all it may become, and its NUL */
    assert_int_equal(message_allow(&b, 2000), RES_HTTP_BODIES);
    assert_int_equal(small.held, 2001);
    assert_int_equal(message_body(&a, span_of(bytes, 500), &used, &whole), RES_OK);
    assert_true(whole);
    message_rest(&a); /* small enough to be kept, but room is scarce */
    assert_int_equal(small.held, 0);
    assert_int_equal(message_head(&b, head), RES_OK);
    assert_int_equal(message_allow(&b, 2000), RES_OK);
    assert_int_equal(small.held, 1024);
    message_rest(&b); /* now it is not */
    assert_int_equal(small.held, 1024);
    message_release(&b);
    message_release(&b);
    message_release(&a);
    assert_int_equal(small.held, 0);
}

/* A body that has begun is refused too when it would grow beyond the room; one byte less is not. */
static void
a_body_grows_as_far_as_the_room(void **state)
{
    static const struct {
        const char *says, *head, *piece;
        size_t max;
        enum result r;
    } in[] = {
        {"told, room for it and its NUL", "Content-Length: 1024", "", 1025, RES_OK},
        {"told, no room for its NUL", "Content-Length: 1024", "", 1024, RES_HTTP_BODIES},
        {"chunked, with room", "Transfer-Encoding: chunked", "400\r\n", 2048, RES_OK},
        {"chunked, without", "Transfer-Encoding: chunked", "400\r\n", 2047, RES_HTTP_BODIES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        struct room small = {.max = in[i].max};
        struct message m;
        char text[1200] = "";
        size_t used;
        bool whole;

        message_init(&m, &small);
        snprintf(text, sizeof text, "POST /a HTTP/1.1\r\n" H "%s\r\n\r\n", in[i].head);
        assert_int_equal(message_head(&m, span_str(text)), RES_OK);
        assert_int_equal(message_allow(&m, in[i].max < 1025 ? 1024 : 8000), RES_OK);
        snprintf(text, sizeof text, "%s%01024d", in[i].piece, 0);
        if (message_body(&m, span_str(text), &used, &whole) != in[i].r)
            fail_msg("%s: another result", in[i].says);
        assert_int_equal(small.held, m.body.cap);
        assert_true(small.held <= small.max);
        message_release(&m);
        assert_int_equal(small.held, 0);
    }
}

/* Takes a body of 4,000 bytes in two pieces. */
static enum result
take_in_two(struct message *m, bool chunked)
{
    static const uint8_t zeros[2000];
    size_t used;
    bool whole;
    enum result r = message_head(
        m, chunked ? span_str("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n")
                   : span_str("POST /a HTTP/1.1\r\n" H "Content-Length: 4000\r\n\r\n"));

    if (r == RES_OK)
        r = message_allow(m, 4000);
    if (r == RES_OK && chunked)
        r = message_body(m, span_str("FA0\r\n"), &used, &whole);
    for (int i = 0; i < 2 && r == RES_OK; i++)
        r = message_body(m, span_of(zeros, sizeof zeros), &used, &whole);
    return r;
}

/* Every allocation fails once: what it had been given room for is given back. */
static void
memory_that_fails_holds_no_room(void **state)
{
    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        size_t n = 1;

        for (size_t i = 0; i <= n; i++) {
            struct room all = {.max = 1 << 20};
            struct message m;
            enum result r;

            message_init(&m, &all);
            failalloc_at(i);
            r = take_in_two(&m, chunked);
            if (i == 0)
                n = failalloc_count();
            failalloc_at(0);
            assert_int_equal(r, i == 0 ? RES_OK : RES_MEMORY);
            assert_int_equal(all.held, m.body.cap);
            message_release(&m);
            assert_int_equal(all.held, 0);
        }
        assert_true(n >= 3);
    }
}

/* A message is refused before a byte of its body has come; one byte less is not. */
static void
what_is_told_is_held_against_what_is_allowed(void **state)
{
    struct span head = span_str("POST /a HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n");
    struct message m;

    (void)state;
    message_init(&m, &room);
    assert_int_equal(message_head(&m, head), RES_OK);
    assert_int_equal(message_allow(&m, 2), RES_HTTP_BODY);
    assert_int_equal(message_head(&m, head), RES_OK);
    assert_int_equal(message_allow(&m, 3), RES_OK);
    message_release(&m);
}

static void
a_method_nobody_knows_has_its_own_status(void **state)
{
    struct message m;

    (void)state;
    message_init(&m, &room);
    assert_int_equal(message_head(&m, span_str("FROB /a HTTP/1.1\r\n" H "\r\n")), RES_HTTP_METHOD);
    assert_int_equal(m.status, 501);
    assert_int_equal(message_head(&m, span_str("CONNECT a:1 HTTP/1.1\r\n" H "\r\n")),
                     RES_HTTP_METHOD);
    assert_int_equal(m.status, 0);
    message_release(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),
        cmocka_unit_test(too_many_headers),
        cmocka_unit_test(long_bodies),
        cmocka_unit_test(chunk_framing_is_bounded),
        cmocka_unit_test(a_body_in_pieces),
        cmocka_unit_test(bodies_share_a_room),
        cmocka_unit_test(a_body_grows_as_far_as_the_room),
        cmocka_unit_test(memory_that_fails_holds_no_room),
        cmocka_unit_test(what_is_told_is_held_against_what_is_allowed),
        cmocka_unit_test(a_method_nobody_knows_has_its_own_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
