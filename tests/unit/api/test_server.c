/* api/http/server and api/net/listener, over real sockets, with handlers of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "api/http/server.h"

#define BIG (8u << 20)

/* ---- handlers ---- */

static uint8_t big[BIG];
static _Atomic int gate;      /* while closed, what waits at it does not go on */
static _Atomic int at_gate;   /* how many do */
static struct exchange *held; /* by the later thread; written behind the gate */
static _Atomic int drained;

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
    exchange_ok(x, REPLY_OCTETS, REPLY_NO_STORE, span_of(big, sizeof big));
}

static void
gated(struct exchange *x)
{
    atomic_fetch_add(&at_gate, 1);
    while (atomic_load(&gate) == 0)
        usleep(1000);
    atomic_fetch_sub(&at_gate, 1);
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
    atomic_fetch_add(&at_gate, 1);
}

static void
on_drain(void *app)
{
    (void)app;
    atomic_store(&drained, 1);
    if (held != NULL)
        exchange_on_loop(held, finish_later);
    held = NULL;
}

static const struct route rows[] = {
    {METHOD_GET, "/quick", false, quick, ROUTE_LOOP, 0, true, false, "/quick"},
    {METHOD_GET, "/big", false, answer_big, ROUTE_LOOP, 0, true, false, "/big"},
    {METHOD_GET, "/zip", false, answer_big, ROUTE_WORKER, 0, true, true, "/zip"},
    {METHOD_GET, "/worker-big", false, answer_big, ROUTE_WORKER, 0, true, false, "/worker-big"},
    {METHOD_GET, "/gated", true, gated, ROUTE_WORKER, 0, true, false, "/gated"},
    {METHOD_POST, "/echo", false, echo, ROUTE_WORKER, 1 << 20, false, false, "/echo"},
    {METHOD_GET, "/later", false, later, ROUTE_LATER, 0, true, false, "/later"},
    {METHOD_GET, "/owed", false, owed, ROUTE_LATER, 0, true, false, "/owed"},
};

/* ---- a server in a thread ---- */

struct running {
    struct server *server;
    pthread_t id;
    char path[64];
};

static void *
run(void *arg)
{
    server_run(arg);
    return NULL;
}

static void
begin_with(struct running *r, const char *listen, unsigned connections, size_t held_max,
           unsigned patience_ms)
{
    struct server_options o = {
        .listen = listen,
        .connections = connections,
        .held_max = held_max,
        .workers = 2,
        .head_ms = patience_ms,
        .body_ms = patience_ms,
        .idle_ms = 60000,
        .routes = {.rows = rows, .n = sizeof rows / sizeof *rows},
        .hooks = {.drain = on_drain},
    };
    const char *why;

    atomic_store(&gate, 1);
    atomic_store(&drained, 0);
    assert_int_equal(server_new(&o, &r->server, &why), RES_OK);
    pthread_create(&r->id, NULL, run, r->server);
}

static void
begin(struct running *r, const char *listen, unsigned connections)
{
    begin_with(r, listen, connections, 0, 700);
}

static void
end(struct running *r)
{
    server_stop(r->server);
    pthread_join(r->id, NULL);
    server_free(r->server);
}

/* ---- a client ---- */

static int
connect_to(const struct running *r)
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

static void
send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void
get(int fd, const char *path, const char *headers)
{
    char text[512];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, headers);
    send_text(fd, text);
}

/* Reads one answer; its head into head, *ret_n bytes of body counted.  Returns the status, 0 at the
 * end. */
static int
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

static void
expect_answer(int fd, int status, const char *want)
{
    char head[2048];
    char body[1024] = "";
    size_t n;

    assert_int_equal(read_answer(fd, head, body, sizeof body, &n), status);
    if (want != NULL)
        assert_string_equal(body, want);
}

static void
expect_end(int fd)
{
    char c;

    assert_true(recv(fd, &c, 1, 0) <= 0);
    close(fd);
}

/* ---- tests ---- */

static void
each_place_answers(void **state)
{
    struct running r;
    int fd;

    (void)state;
    begin(&r, "127.0.0.1:0", 10);
    fd = connect_to(&r);
    get(fd, "/quick", "");
    expect_answer(fd, 200, "quick");
    get(fd, "/gated/a", "");
    expect_answer(fd, 200, "/gated/a");
    get(fd, "/later", "");
    expect_answer(fd, 200, "later");
    get(fd, "/nowhere", "");
    expect_answer(fd, 404, NULL);
    get(fd, "/echo", "");
    expect_answer(fd, 405, NULL);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    expect_answer(fd, 200, "hi");
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    expect_answer(fd, 400, NULL);
    send_text(fd, "GET /quick HTTP/1.1\r\n\r\n");
    expect_answer(fd, 400, NULL);
    expect_end(fd);
    end(&r);
    assert_int_equal(drained, 1);
}

/* Slow and quick ones mixed: answers come in the order of the requests. */
static void
pipelined_in_order(void **state)
{
    struct running r;
    int fd;

    (void)state;
    begin(&r, "127.0.0.1:0", 10);
    fd = connect_to(&r);
    for (int i = 0; i < 50; i++) {
        get(fd, "/later", "");
        get(fd, "/quick", "");
        get(fd, "/gated/x", "");
    }
    for (int i = 0; i < 50; i++) {
        expect_answer(fd, 200, "later");
        expect_answer(fd, 200, "quick");
        expect_answer(fd, 200, "/gated/x");
    }
    close(fd);
    end(&r);
}

/* An answer larger than the socket's buffers, to a peer that takes its time. */
static void
large_answers(void **state)
{
    static const char *const paths[] = {"/big", "/worker-big"};
    struct running r;
    char head[2048];
    size_t n;
    int fd;

    (void)state;
    begin(&r, "127.0.0.1:0", 10);
    fd = connect_to(&r);
    for (size_t i = 0; i < 2; i++) {
        get(fd, paths[i], "");
        get(fd, "/quick", "");
        usleep(50000);
        assert_int_equal(read_answer(fd, head, NULL, 0, &n), 200);
        assert_int_equal(n, BIG);
        expect_answer(fd, 200, "quick");
    }
    get(fd, "/zip", "Accept-Encoding: gzip\r\n");
    assert_int_equal(read_answer(fd, head, NULL, 0, &n), 200);
    assert_non_null(strstr(head, "Content-Encoding: gzip\r\n"));
    assert_non_null(strstr(head, "Vary: Accept-Encoding\r\n"));
    assert_true(n < BIG / 10);
    get(fd, "/zip", "Accept-Encoding: gzip;q=0\r\n");
    assert_int_equal(read_answer(fd, head, NULL, 0, &n), 200);
    assert_null(strstr(head, "Content-Encoding"));
    assert_non_null(strstr(head, "Vary: Accept-Encoding\r\n"));
    assert_int_equal(n, BIG);
    close(fd);
    end(&r);
}

/* Answers that nobody takes are memory: past the limit the oldest of them makes room. */
static void
who_does_not_read_makes_room(void **state)
{
    enum { PEERS = 12 };
    struct running r;
    char head[2048];
    size_t n;
    int fd[PEERS];
    int small = 65536;

    (void)state;
    begin_with(&r, "127.0.0.1:0", PEERS, BIG + BIG / 2, 700);
    for (int i = 0; i < PEERS; i++) {
        fd[i] = connect_to(&r);
        if (i < PEERS - 1)
            setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        get(fd[i], i % 2 ? "/worker-big" : "/big", "");
        usleep(20000);
    }
    assert_int_equal(read_answer(fd[PEERS - 1], head, NULL, 0, &n), 200);
    assert_int_equal(n, BIG);
    get(fd[PEERS - 1], "/quick", "");
    expect_answer(fd[PEERS - 1], 200, "quick");
    assert_int_equal(read_answer(fd[0], head, NULL, 0, &n), 0);
    assert_true(n < BIG);
    for (int i = 0; i < PEERS; i++)
        close(fd[i]);
    end(&r);
}

/* Peers that go away while their request is with another thread, or while their answer is being
 * written. */
static void
peers_that_leave(void **state)
{
    struct running r;
    int fd;

    (void)state;
    begin(&r, "127.0.0.1:0", 100);
    for (int i = 0; i < 30; i++) {
        fd = connect_to(&r);
        get(fd, i % 3 == 0 ? "/later" : i % 3 == 1 ? "/gated/x" : "/big", "");
        if (i % 2 == 0) {
            struct linger hard = {.l_onoff = 1};

            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        close(fd);
    }
    fd = connect_to(&r);
    get(fd, "/quick", "");
    expect_answer(fd, 200, "quick");
    close(fd);
    end(&r);
}

/* A body over the limit is refused while it is still being sent, and the refusal arrives. */
static void
refusal_arrives(void **state)
{
    struct running r;
    int fd;

    (void)state;
    begin(&r, "127.0.0.1:0", 10);
    fd = connect_to(&r);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
    for (int i = 0; i < 10; i++)
        assert_true(send(fd, big, 65536, MSG_NOSIGNAL) > 0);
    expect_answer(fd, 413, NULL);
    close(fd);
    end(&r);
}

static void
slow_peers(void **state)
{
    struct running r;
    int head;
    int body;
    int idle;

    (void)state;
    begin(&r, "127.0.0.1:0", 10);
    head = connect_to(&r);
    send_text(head, "GET /quick HT");
    body = connect_to(&r);
    send_text(body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
    idle = connect_to(&r); /* says nothing at all */
    expect_answer(head, 408, NULL);
    expect_end(head);
    expect_answer(body, 408, NULL);
    expect_end(body);
    expect_end(idle);
    end(&r);
}

static void
connections_are_counted(void **state)
{
    struct running r;
    int fd[3];

    (void)state;
    begin(&r, "127.0.0.1:0", 2);
    atomic_store(&gate, 0);
    atomic_store(&at_gate, 0);
    for (int i = 0; i < 2; i++) {
        fd[i] = connect_to(&r);
        get(fd[i], "/gated/a", "");
    }
    while (atomic_load(&at_gate) < 2)
        usleep(1000);
    /* Who is served keeps its place. */
    fd[2] = connect_to(&r);
    assert_int_equal(recv(fd[2], big, 12, MSG_WAITALL), 12);
    assert_memory_equal(big, "HTTP/1.1 503", 12);
    close(fd[2]);
    atomic_store(&gate, 1);
    for (int i = 0; i < 2; i++)
        expect_answer(fd[i], 200, "/gated/a");
    /* One goes, one may come. */
    close(fd[0]);
    for (int tries = 0; tries < 100; tries++) {
        char head[2048];
        size_t n;
        int status;

        fd[0] = connect_to(&r);
        (void)!send(fd[0], "GET /quick HTTP/1.0\r\n\r\n", 23, MSG_NOSIGNAL);
        status = read_answer(fd[0], head, NULL, 0, &n);
        close(fd[0]);
        if (status == 200)
            break;
        assert_int_not_equal(tries, 99);
        usleep(10000);
    }
    close(fd[1]);
    end(&r);
}

/* One peer cannot keep others out by holding connections on which it says nothing. */
static void
who_rests_longest_makes_room(void **state)
{
    enum { PLACES = 4 };
    struct running r;
    int fd[PLACES];
    int late[PLACES];

    (void)state;
    begin_with(&r, "127.0.0.1:0", PLACES, 0, 60000);
    for (int i = 0; i < PLACES; i++) {
        fd[i] = connect_to(&r);
        get(fd[i], "/quick", "");
        expect_answer(fd[i], 200, "quick");
        usleep(20000);
    }
    /* The first to come is not the one that has rested longest, the third has begun a head. */
    get(fd[0], "/quick", "");
    expect_answer(fd[0], 200, "quick");
    send_text(fd[2], "GET /quick HTTP/1.1\r\n");
    usleep(20000);
    for (int i = 0; i < 3; i++) {
        late[i] = connect_to(&r);
        get(late[i], "/quick", "");
        expect_answer(late[i], 200, "quick");
        usleep(20000);
        if (i == 0)
            expect_end(fd[1]);
        if (i == 1)
            expect_end(fd[3]);
        if (i == 2)
            expect_end(fd[0]);
    }
    send_text(fd[2], "Host: a\r\n\r\n");
    expect_answer(fd[2], 200, "quick");
    close(fd[2]);
    for (int i = 0; i < 3; i++)
        close(late[i]);
    end(&r);
    /* What has never said a word is no better. */
    begin_with(&r, "127.0.0.1:0", PLACES, 0, 60000);
    for (int i = 0; i < PLACES; i++) {
        fd[i] = connect_to(&r);
        usleep(20000);
    }
    late[0] = connect_to(&r);
    get(late[0], "/quick", "");
    expect_answer(late[0], 200, "quick");
    expect_end(fd[0]);
    for (int i = 1; i < PLACES; i++)
        close(fd[i]);
    close(late[0]);
    end(&r);
}

/* No descriptor is left: who connects is told so, who is connected is served, and afterwards all is
 * well. */
static void
descriptors_run_out(void **state)
{
    struct running r;
    struct rlimit before;
    struct rlimit few;
    int fd;
    int waiting[3];
    int hog[64];
    int hogs = 0;

    (void)state;
    begin(&r, "127.0.0.1:0", 100);
    fd = connect_to(&r);
    get(fd, "/quick", "");
    expect_answer(fd, 200, "quick");
    for (int i = 0; i < 3; i++)
        waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 60;
    setrlimit(RLIMIT_NOFILE, &few);
    while (hogs < 64 && (hog[hogs] = dup(0)) >= 0)
        hogs++;
    assert_true(hogs < 64);
    for (int i = 0; i < 3; i++) {
        const char *colon = strrchr(server_address(r.server), ':');
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(colon + 1)),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
        char head[256] = "";

        assert_int_equal(connect(waiting[i], (struct sockaddr *)&a, sizeof a), 0);
        assert_true(recv(waiting[i], head, sizeof head - 1, 0) > 12);
        assert_memory_equal(head, "HTTP/1.1 503", 12);
        close(waiting[i]);
        /* That made room again. */
        hog[hogs++] = dup(0);
    }
    get(fd, "/quick", "");
    expect_answer(fd, 200, "quick");
    while (hogs > 0) {
        if (hog[--hogs] >= 0)
            close(hog[hogs]);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    close(fd);
    fd = connect_to(&r);
    get(fd, "/later", "");
    expect_answer(fd, 200, "later");
    close(fd);
    end(&r);
}

/* Told to stop: idle ones end, what has begun is answered, also what is answered only by the drain.
 */
static void
drain_answers_all(void **state)
{
    struct running r;
    int idle;
    int slow;
    int half;
    int debt;

    (void)state;
    begin(&r, "127.0.0.1:0", 10);
    atomic_store(&gate, 0);
    atomic_store(&at_gate, 0);
    idle = connect_to(&r);
    get(idle, "/quick", "");
    expect_answer(idle, 200, "quick");
    slow = connect_to(&r);
    get(slow, "/gated/s", "");
    debt = connect_to(&r);
    get(debt, "/owed", "");
    while (atomic_load(&at_gate) < 2)
        usleep(1000);
    half = connect_to(&r);
    send_text(half, "GET /quick HTTP/1.1\r\n");
    usleep(50000);
    server_stop(r.server);
    expect_end(idle);
    send_text(half, "Host: a\r\n\r\n");
    expect_answer(half, 200, "quick");
    expect_end(half);
    assert_int_equal(drained, 0);
    atomic_store(&gate, 1);
    expect_answer(slow, 200, "/gated/s");
    expect_end(slow);
    expect_answer(debt, 200, "later");
    expect_end(debt);
    pthread_join(r.id, NULL);
    server_free(r.server);
}

/* Half a head, and half a body, hold up the end no longer than they may take. */
static void
drain_does_not_wait_for_halves(void **state)
{
    static const char *const halves[] = {
        "GET /quick HTTP/1.1\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
    };
    struct running r;
    struct timespec from;
    struct timespec to;
    int fd[2];

    (void)state;
    begin_with(&r, "127.0.0.1:0", 10, 0, 60000);
    for (int i = 0; i < 2; i++) {
        fd[i] = connect_to(&r);
        send_text(fd[i], halves[i]);
    }
    usleep(50000);
    clock_gettime(CLOCK_MONOTONIC, &from);
    end(&r);
    clock_gettime(CLOCK_MONOTONIC, &to);
    for (int i = 0; i < 2; i++)
        close(fd[i]);
    assert_in_range(to.tv_sec - from.tv_sec, 0, (HTTP_DRAIN_REQUESTS_MS + HTTP_DRAIN_MS) / 2000);
}

static void
unix_socket(void **state)
{
    char dir[] = "/tmp/test_server.XXXXXX";
    char listen[64];
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct running r;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(a.sun_path, sizeof a.sun_path, "%s/http", dir);
    snprintf(listen, sizeof listen, "unix:%s/http", dir);
    for (int round = 0; round < 2; round++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        begin(&r, listen, 10);
        assert_string_equal(server_address(r.server), listen);
        assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
        get(fd, "/quick", "");
        expect_answer(fd, 200, "quick");
        close(fd);
        end(&r);
        assert_int_not_equal(access(a.sun_path, F_OK), 0);
        if (round == 0) {
            /* What a killed process leaves behind does not stop the next one. */
            fd = socket(AF_UNIX, SOCK_STREAM, 0);
            assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
            close(fd);
        }
    }
    rmdir(dir);
}

static const struct {
    const char *listen;
    bool insecure;
    enum result want;
} addresses[] = {
    {"127.0.0.1:0", false, RES_OK},
    {"127.1.2.3:0", false, RES_OK},
    {"localhost:0", false, RES_OK},
    {"0.0.0.0:0", false, RES_CONFIG},
    {"0.0.0.0:0", true, RES_OK},
    {"192.0.2.1:0", false, RES_CONFIG},
    {"[::]:0", false, RES_CONFIG},
    {"example.org:80", true, RES_CONFIG},
    {"127.0.0.1", false, RES_CONFIG},
    {"127.0.0.1:", false, RES_CONFIG},
    {"127.0.0.1:65536", false, RES_CONFIG},
    {"127.0.0.1:1x", false, RES_CONFIG},
    {":80", false, RES_CONFIG},
    {"unix:", false, RES_CONFIG},
    {"", false, RES_CONFIG},
    {"::1:80", false, RES_CONFIG},
};

static void
listen_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct server_options o = {.listen = addresses[i].listen,
                                   .insecure = addresses[i].insecure,
                                   .connections = 1,
                                   .routes = {.rows = rows, .n = 1}};
        struct server *s = NULL;
        const char *why = "";
        enum result r = server_new(&o, &s, &why);

        if (r != addresses[i].want)
            fail_msg("%s: %s %s", addresses[i].listen, result_name(r), why);
        assert_true((r == RES_OK) == (why == NULL || why[0] == '\0'));
        server_free(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_answers),
        cmocka_unit_test(pipelined_in_order),
        cmocka_unit_test(large_answers),
        cmocka_unit_test(who_does_not_read_makes_room),
        cmocka_unit_test(peers_that_leave),
        cmocka_unit_test(refusal_arrives),
        cmocka_unit_test(slow_peers),
        cmocka_unit_test(connections_are_counted),
        cmocka_unit_test(descriptors_run_out),
        cmocka_unit_test(drain_answers_all),
        cmocka_unit_test(who_rests_longest_makes_room),
        cmocka_unit_test(drain_does_not_wait_for_halves),
        cmocka_unit_test(unix_socket),
        cmocka_unit_test(listen_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
