#include "tests/unit/api/running.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- handlers ---- */

uint8_t running_big[RUNNING_BIG];
_Atomic int running_gate;
_Atomic int running_at_gate;
_Atomic int running_drained;
static struct exchange *held; /* by the later thread; written behind the gate */

static void
quick(struct exchange *x)
{
    char borrowed[5] = "quick";

    /* On this stack: sent, or kept, before exchange_done returns. */
    exchange_ok(x, REPLY_TEXT, REPLY_NO_STORE, span_of(borrowed, sizeof borrowed));
    memset(borrowed, 'x', sizeof borrowed);
}

static void
answer_big(struct exchange *x)
{
    exchange_ok(x, REPLY_OCTETS, REPLY_NO_STORE, span_of(running_big, sizeof running_big));
}

static void
gated(struct exchange *x)
{
    atomic_fetch_add(&running_at_gate, 1);
    while (atomic_load(&running_gate) == 0)
        usleep(1000);
    atomic_fetch_sub(&running_at_gate, 1);
    exchange_ok(x, REPLY_TEXT, REPLY_NO_STORE, x->rq->path);
}

static void
echo(struct exchange *x)
{
    if (x->rq->body.n == 0)
        exchange_refuse(x, RES_JSON, "nothing");
    else
        exchange_ok(x, REPLY_OCTETS, REPLY_NO_STORE, x->rq->body);
}

static void
finish_later(struct exchange *x)
{
    exchange_ok(x, REPLY_TEXT, REPLY_NO_STORE, span_str("later"));
}

static void *
later_thread(void *arg)
{
    struct exchange *x = arg;

    usleep(20000);
    exchange_on_loop(x, finish_later);
    return NULL;
}

static void
later(struct exchange *x)
{
    pthread_t id;

    pthread_create(&id, NULL, later_thread, x);
    pthread_detach(id);
}

/* Answered by nobody until the server drains. */
static void
owed(struct exchange *x)
{
    held = x;
    atomic_fetch_add(&running_at_gate, 1);
}

static void
on_drain(void *app)
{
    (void)app;
    atomic_store(&running_drained, 1);
    if (held != NULL)
        exchange_on_loop(held, finish_later);
    held = NULL;
}

static const struct route running_rows[] = {
    {METHOD_GET, "/quick", false, quick, ROUTE_LOOP, 0, true, false, "/quick", false},
    {METHOD_GET, "/big", false, answer_big, ROUTE_LOOP, 0, true, false, "/big", false},
    {METHOD_GET, "/zip", false, answer_big, ROUTE_WORKER, 0, true, true, "/zip", false},
    {METHOD_GET, "/worker-big", false, answer_big, ROUTE_WORKER, 0, true, false, "/worker-big",
     false},
    {METHOD_GET, "/gated", true, gated, ROUTE_WORKER, 0, true, false, "/gated", false},
    {METHOD_POST, "/echo", false, echo, ROUTE_WORKER, 1 << 20, false, false, "/echo", false},
    {METHOD_GET, "/later", false, later, ROUTE_LATER, 0, true, false, "/later", false},
    {METHOD_GET, "/owed", false, owed, ROUTE_LATER, 0, true, false, "/owed", false},
};

/* ---- a server in a thread ---- */

static void *
run(void *arg)
{
    server_run(arg);
    return NULL;
}

struct server_options
running_options(const char *listen, unsigned connections, size_t held_max, unsigned patience_ms)
{
    return (struct server_options){
        .listen = listen,
        .connections = connections,
        .held_max = held_max,
        .workers = 2,
        .head_ms = patience_ms,
        .body_ms = patience_ms,
        .idle_ms = 60000,
        .routes = {.rows = running_rows, .n = sizeof running_rows / sizeof *running_rows},
        .hooks = {.drain = on_drain},
    };
}

void
running_begin_as(struct running *r, const struct server_options *o)
{
    const char *why;

    atomic_store(&running_gate, 1);
    atomic_store(&running_drained, 0);
    assert_int_equal(server_new(o, &r->server, &why), RES_OK);
    pthread_create(&r->id, NULL, run, r->server);
}

void
running_begin_with(struct running *r, const char *listen, unsigned connections, size_t held_max,
                   unsigned patience_ms)
{
    struct server_options o = running_options(listen, connections, held_max, patience_ms);

    running_begin_as(r, &o);
}

void
running_begin(struct running *r, const char *listen, unsigned connections)
{
    running_begin_with(r, listen, connections, 0, 700);
}

void
running_end_counted(struct running *r, struct metrics *ret)
{
    server_stop(r->server);
    pthread_join(r->id, NULL);
    if (ret != NULL)
        *ret = *server_metrics(r->server);
    server_free(r->server);
}

void
running_end(struct running *r)
{
    running_end_counted(r, NULL);
}

/* ---- a client ---- */

int
running_connect(const struct running *r)
{
    const char *colon = strrchr(server_address(r->server), ':');
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(colon + 1)),
                            .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct timeval wait = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

void
send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

void
get(int fd, const char *path, const char *headers)
{
    char text[512];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, headers);
    send_text(fd, text);
}

int
read_answer(int fd, char head[static 2048], char *body, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    size_t length = 0;
    const char *at;

    *ret_n = 0;
    while (n < 2047) {
        if (recv(fd, head + n, 1, 0) != 1)
            return 0;
        head[++n] = '\0';
        if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    at = strstr(head, "Content-Length: ");
    if (at != NULL)
        length = strtoul(at + 16, NULL, 10);
    while (*ret_n < length) {
        char waste[65536];
        ssize_t got =
            recv(fd, waste, length - *ret_n < sizeof waste ? length - *ret_n : sizeof waste, 0);

        if (got <= 0)
            return 0;
        if (*ret_n + (size_t)got < cap)
            memcpy(body + *ret_n, waste, (size_t)got);
        *ret_n += (size_t)got;
    }
    if (cap > 0 && *ret_n < cap)
        body[*ret_n] = '\0';
    return atoi(head + 9);
}

void
expect_answer(int fd, int status, const char *want)
{
    char head[2048];
    char body[1024] = "";
    size_t n;

    assert_int_equal(read_answer(fd, head, body, sizeof body, &n), status);
    if (want != NULL)
        assert_string_equal(body, want);
}

void
expect_end(int fd)
{
    char c;

    assert_true(recv(fd, &c, 1, 0) <= 0);
    close(fd);
}
