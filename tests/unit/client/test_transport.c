/* client/io/transport_curl: against a server of a few lines on a Unix socket. */
#include "client/io/transport_curl.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char folder[] = "/tmp/transport.XXXXXX";
static char url[128];
static int listener;

/* Path: what the server says.  NULL: it says nothing. */
static const struct {
    const char *says, *path, *reply;
    enum result transport;
    unsigned status;
    uint64_t retry_after;
    const char *body;
} rows[] = {
    {"an answer", "/ok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", RES_OK, 200, 0, "hi"},
    {"an empty one", "/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", RES_OK, 200, 0, ""},
    {"a refusal with its body", "/no", "HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\n{}", RES_OK,
     400, 0, "{}"},
    {"busy, come back later", "/busy",
     "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", RES_OK, 503, 7, ""},
    {"a redirect is not followed", "/moved",
     "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", RES_OK, 302, 0, ""},
    {"as large as allowed", "/8", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678", RES_OK,
     200, 0, "12345678"},
    {"larger than allowed", "/9", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789",
     RES_TOO_LARGE, 200, 0, ""},
    {"larger, in chunks", "/chunks",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n",
     RES_TOO_LARGE, 200, 0, "12345"},
    {"cut short", "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n123", RES_UNREACHABLE, 200,
     0, "123"},
    {"not HTTP", "/what", "what?\r\n\r\n", RES_UNREACHABLE, 0, 0, NULL},
    {"closed without a word", "/closed", "", RES_UNREACHABLE, 0, 0, ""},
    {"silence", "/silent", NULL, RES_UNREACHABLE, 0, 0, ""},
};
#define ROWS (sizeof rows / sizeof *rows)

static const char *
reply_to(const char *request)
{
    char path[64];
    if (sscanf(request, "%*s %63s", path) == 1)
        for (size_t i = 0; i < ROWS; i++)
            if (strcmp(path, rows[i].path) == 0)
                return rows[i].reply;
    if (strncmp(request, "POST /echo HTTP/1.1\r\n", 21) == 0 &&
        strstr(request, "\r\n\r\n{\"a\":1}") != NULL &&
        strstr(request, "Content-Type: application/json\r\n") != NULL &&
        strstr(request, "Expect:") == NULL)
        return "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nposted";
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
}

/* One thread a connection, one request each; a silent one stays open until the client gives up. */
static void *
serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char request[4096];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof request - 1 && (got = read(fd, request + n, sizeof request - 1 - n)) > 0) {
        n += (size_t)got;
        request[n] = '\0';
        bool post = strncmp(request, "POST", 4) == 0;
        if (strstr(request, post ? "}" : "\r\n\r\n") != NULL)
            break;
    }
    const char *reply = reply_to(request);
    if (reply == NULL)
        got = read(fd, request, 1);
    else if (write(fd, reply, strlen(reply)) < 0)
        perror("write");
    (void)close(fd);
    return NULL;
}

static void *
serve(void *arg)
{
    int fd;
    (void)arg;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        pthread_t t;
        if (pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd) == 0)
            (void)pthread_detach(t);
    }
    return NULL;
}

static pthread_t server;

static int
begin(void **state)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s/s", folder);
    (void)snprintf(url, sizeof url, "unix:%s/s", folder);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    return bind(listener, (const struct sockaddr *)(const void *)&a, sizeof a) != 0 ||
           listen(listener, 64) != 0 || pthread_create(&server, NULL, serve, NULL) != 0;
}

static int
end(void **state)
{
    char path[128];
    (void)state;
    (void)shutdown(listener, SHUT_RDWR);
    (void)pthread_join(server, NULL);
    (void)close(listener);
    (void)snprintf(path, sizeof path, "%s/s", folder);
    (void)unlink(path);
    return rmdir(folder);
}

struct got {
    unsigned times;
    struct answer a;
    char body[64];
};

static void
take(void *arg, const struct answer *a)
{
    struct got *g = arg;
    g->times++;
    g->a = *a;
    (void)snprintf(g->body, sizeof g->body, "%.*s", (int)a->body.n, (const char *)a->body.p);
}

static void
ask_for(struct transport *t, const char *path, const char *body, struct got *g)
{
    struct ask ask = {.kind = ASK_FETCH, .body = span_str(body)};
    (void)snprintf(ask.path, sizeof ask.path, "%s", path);
    *g = (struct got){.times = 0};
    assert_int_equal(transport_start(t, url, &ask, take, g), RES_OK);
}

static struct transport *
make(unsigned connections)
{
    const struct transport_config c = {
        .total_ms = 2000, .answer_max = 8, .connections = connections};
    struct transport *t;
    assert_int_equal(transport_new(&c, &t), RES_OK);
    return t;
}

static void
check(size_t i, const struct got *g)
{
    if (g->times != 1 || g->a.transport != rows[i].transport || g->a.status != rows[i].status ||
        g->a.retry_after != rows[i].retry_after ||
        (rows[i].body != NULL && strcmp(g->body, rows[i].body) != 0))
        fail_msg("%s: %u times, %s, %u, \"%s\" (%s)", rows[i].says, g->times,
                 result_name(g->a.transport), g->a.status, g->body, g->a.error);
    assert_int_equal(g->a.error[0] != '\0', g->a.transport != RES_OK);
}

static void
each_answer_comes_once_as_it_is(void **state)
{
    struct transport *t = make(1);
    struct got g;
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        ask_for(t, rows[i].path, "", &g);
        while (transport_pending(t) > 0)
            assert_int_equal(transport_run(t, 100), RES_OK);
        check(i, &g);
    }
    ask_for(t, "/echo", "{\"a\":1}", &g);
    while (transport_pending(t) > 0)
        assert_int_equal(transport_run(t, 100), RES_OK);
    assert_int_equal(g.a.status, 200);
    assert_string_equal(g.body, "posted");
    transport_free(t);
}

static void
many_at_once_are_not_mixed_up(void **state)
{
    struct transport *t = make(64);
    struct got g[5 * ROWS];
    (void)state;
    for (size_t i = 0; i < 5 * ROWS; i++)
        ask_for(t, rows[i % ROWS].path, "", &g[i]);
    assert_int_equal(transport_pending(t), 5 * ROWS);
    while (transport_pending(t) > 0)
        assert_int_equal(transport_run(t, 100), RES_OK);
    for (size_t i = 0; i < 5 * ROWS; i++)
        check(i % ROWS, &g[i]);
    transport_free(t);
}

static void
what_is_cancelled_never_calls_back(void **state)
{
    struct transport *t = make(4);
    struct got g;
    (void)state;
    ask_for(t, "/silent", "", &g);
    assert_int_equal(transport_run(t, 10), RES_OK);
    transport_free(t);
    assert_int_equal(g.times, 0);
}

static void
other_urls_are_refused(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://x", "", "http"};
    struct transport *t = make(1);
    const struct ask ask = {.kind = ASK_FETCH, .path = "/"};
    struct got g = {.times = 0};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        assert_int_equal(transport_start(t, urls[i], &ask, take, &g), RES_VALUE);
    assert_int_equal(transport_pending(t), 0);
    transport_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_comes_once_as_it_is),
        cmocka_unit_test(many_at_once_are_not_mixed_up),
        cmocka_unit_test(what_is_cancelled_never_calls_back),
        cmocka_unit_test(other_urls_are_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
