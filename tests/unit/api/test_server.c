/* api/http/server, client and api/net/listener, over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/api/running.h"

/* A body over the limit is refused while it is still being sent, and the refusal arrives. */
static void
refusal_arrives(void **state)
{
    struct running r;
    int fd;

    (void)state;
    running_begin(&r, "127.0.0.1:0", 10);
    fd = running_connect(&r);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n");
    for (int i = 0; i < 10; i++)
        assert_true(send(fd, running_big, 65536, MSG_NOSIGNAL) > 0);
    expect_answer(fd, 413, NULL);
    close(fd);
    running_end(&r);
}

static void
slow_peers(void **state)
{
    struct running r;
    int head;
    int body;
    int idle;

    (void)state;
    running_begin(&r, "127.0.0.1:0", 10);
    head = running_connect(&r);
    send_text(head, "GET /quick HT");
    body = running_connect(&r);
    send_text(body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
    idle = running_connect(&r); /* says nothing at all */
    expect_answer(head, 408, NULL);
    expect_end(head);
    expect_answer(body, 408, NULL);
    expect_end(body);
    expect_end(idle);
    running_end(&r);
}

static void
connections_are_counted(void **state)
{
    struct running r;
    int fd[3];

    (void)state;
    running_begin(&r, "127.0.0.1:0", 2);
    atomic_store(&running_gate, 0);
    atomic_store(&running_at_gate, 0);
    for (int i = 0; i < 2; i++) {
        fd[i] = running_connect(&r);
        get(fd[i], "/gated/a", "");
    }
    while (atomic_load(&running_at_gate) < 2)
        usleep(1000);
    /* Who is served keeps its place. */
    fd[2] = running_connect(&r);
    assert_int_equal(recv(fd[2], running_big, 12, MSG_WAITALL), 12);
    assert_memory_equal(running_big, "HTTP/1.1 503", 12);
    close(fd[2]);
    atomic_store(&running_gate, 1);
    for (int i = 0; i < 2; i++)
        expect_answer(fd[i], 200, "/gated/a");
    /* One goes, one may come. */
    close(fd[0]);
    for (int tries = 0; tries < 100; tries++) {
        char head[2048];
        size_t n;
        int status;

        fd[0] = running_connect(&r);
        (void)!send(fd[0], "GET /quick HTTP/1.0\r\n\r\n", 23, MSG_NOSIGNAL);
        status = read_answer(fd[0], head, NULL, 0, &n);
        close(fd[0]);
        if (status == 200)
            break;
        assert_int_not_equal(tries, 99);
        usleep(10000);
    }
    close(fd[1]);
    running_end(&r);
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
    running_begin(&r, "127.0.0.1:0", 100);
    fd = running_connect(&r);
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
    fd = running_connect(&r);
    get(fd, "/later", "");
    expect_answer(fd, 200, "later");
    close(fd);
    running_end(&r);
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
    running_begin(&r, "127.0.0.1:0", 10);
    atomic_store(&running_gate, 0);
    atomic_store(&running_at_gate, 0);
    idle = running_connect(&r);
    get(idle, "/quick", "");
    expect_answer(idle, 200, "quick");
    slow = running_connect(&r);
    get(slow, "/gated/s", "");
    debt = running_connect(&r);
    get(debt, "/owed", "");
    while (atomic_load(&running_at_gate) < 2)
        usleep(1000);
    half = running_connect(&r);
    send_text(half, "GET /quick HTTP/1.1\r\n");
    usleep(50000);
    server_stop(r.server);
    expect_end(idle);
    send_text(half, "Host: a\r\n\r\n");
    expect_answer(half, 200, "quick");
    expect_end(half);
    assert_int_equal(running_drained, 0);
    atomic_store(&running_gate, 1);
    expect_answer(slow, 200, "/gated/s");
    expect_end(slow);
    expect_answer(debt, 200, "later");
    expect_end(debt);
    pthread_join(r.id, NULL);
    server_free(r.server);
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
    running_begin_with(&r, "127.0.0.1:0", PLACES, 0, 60000);
    for (int i = 0; i < PLACES; i++) {
        fd[i] = running_connect(&r);
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
        late[i] = running_connect(&r);
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
    running_end(&r);
    /* What has never said a word is no better. */
    running_begin_with(&r, "127.0.0.1:0", PLACES, 0, 60000);
    for (int i = 0; i < PLACES; i++) {
        fd[i] = running_connect(&r);
        usleep(20000);
    }
    late[0] = running_connect(&r);
    get(late[0], "/quick", "");
    expect_answer(late[0], 200, "quick");
    expect_end(fd[0]);
    for (int i = 1; i < PLACES; i++)
        close(fd[i]);
    close(late[0]);
    running_end(&r);
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
    running_begin_with(&r, "127.0.0.1:0", 10, 0, 60000);
    for (int i = 0; i < 2; i++) {
        fd[i] = running_connect(&r);
        send_text(fd[i], halves[i]);
    }
    usleep(50000);
    clock_gettime(CLOCK_MONOTONIC, &from);
    running_end(&r);
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

        running_begin(&r, listen, 10);
        assert_string_equal(server_address(r.server), listen);
        assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
        get(fd, "/quick", "");
        expect_answer(fd, 200, "quick");
        close(fd);
        running_end(&r);
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
                                   .hooks = {.app = NULL}};
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
