/* api/http/answer, over real sockets: each place that a handler runs at, order, peers that leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/api/running.h"

static void
each_place_answers(void **state)
{
    struct running r;
    int fd;

    (void)state;
    running_begin(&r, "127.0.0.1:0", 10);
    fd = running_connect(&r);
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
    running_end(&r);
    assert_int_equal(running_drained, 1);
}

/* Slow and quick ones mixed: answers come in the order of the requests. */
static void
pipelined_in_order(void **state)
{
    struct running r;
    int fd;

    (void)state;
    running_begin(&r, "127.0.0.1:0", 10);
    fd = running_connect(&r);
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
    running_end(&r);
}

/* Peers that go away while their request is with another thread, or while their answer is being
 * written. */
static void
peers_that_leave(void **state)
{
    struct running r;
    int fd;

    (void)state;
    running_begin(&r, "127.0.0.1:0", 100);
    for (int i = 0; i < 30; i++) {
        fd = running_connect(&r);
        get(fd, i % 3 == 0 ? "/later" : i % 3 == 1 ? "/gated/x" : "/big", "");
        if (i % 2 == 0) {
            struct linger hard = {.l_onoff = 1};

            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        close(fd);
    }
    fd = running_connect(&r);
    get(fd, "/quick", "");
    expect_answer(fd, 200, "quick");
    close(fd);
    running_end(&r);
}

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
get_from(int fd, const char *path, const char *client)
{
    char header[128];

    snprintf(header, sizeof header, "X-Forwarded-For: %s\r\n", client);
    get(fd, path, header);
}

/* Who has used up its burst is told to wait, on a connection that stays; its network shares that,
 * others do not, and what costs no worker is answered still. */
static void
each_network_has_its_rate(void **state)
{
    static const struct {
        const char *says, *path, *client;
        int status;
    } ROWS[] = {
        {"the first of two", "/gated/a", "198.51.100.7", 200},
        {"the second, of a neighbour", "/gated/a", "198.51.100.200", 200},
        {"the third is too many", "/gated/a", "198.51.100.7", 429},
        {"what runs on the loop is not", "/quick", "198.51.100.7", 200},
        {"what there is not costs nothing", "/nowhere", "198.51.100.7", 404},
        {"nor a method that is not taken", "/echo", "198.51.100.7", 405},
        {"another network has its own", "/later", "198.51.101.7", 200},
        {"a client behind the same front", "/gated/a", "2001:db8::1", 200},
        {"its lie about itself is not read", "/gated/a", "203.0.113.1, 198.51.100.7", 429},
    };
    struct server_options o = running_options("127.0.0.1:0", 10, 0, 20000);
    static struct metrics counted;
    struct ip_net front;
    struct running r;
    char head[2048];
    char body[1024];
    size_t n;
    int fd;

    (void)state;
    assert_int_equal(ip_net_parse(span_str("127.0.0.0/8"), &front), RES_OK);
    o.client_rate = 1;
    o.client_burst = 2;
    o.trust = (struct origin_trust){.nets = &front, .n = 1};
    running_begin_as(&r, &o);
    fd = running_connect(&r);
    uint64_t began = now_ms();
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        get_from(fd, ROWS[i].path, ROWS[i].client);
        int status = read_answer(fd, head, body, sizeof body, &n);

        /* On a machine that stood still for a second a token has come in. */
        if (status != ROWS[i].status && now_ms() - began < 1000)
            fail_msg("%s: %d", ROWS[i].says, status);
        if (status != 429)
            continue;
        assert_non_null(strstr(head, "\r\nRetry-After: 1\r\n"));
        assert_non_null(strstr(body, "\"urn:cartulary:problem:client-rate-limited\""));
        assert_null(strstr(body, "198.51")); /* nor is the address told to anyone */
    }
    close(fd);
    running_end_counted(&r, &counted);
    assert_int_equal(counted.networks, 3);
    assert_true(now_ms() - began >= 1000 || counted.refused[RES_CLIENT_RATE] == 2);
}

/* Nobody is trusted, or nothing is limited: what a client says of itself changes nothing. */
static void
rate_without_trust_or_limit(void **state)
{
    struct server_options o = running_options("127.0.0.1:0", 10, 0, 20000);
    static struct metrics counted;
    struct running r;
    char client[32];
    int fd;

    (void)state;
    for (unsigned limited = 0; limited < 2; limited++) {
        o.client_rate = limited;
        o.client_burst = 1;
        running_begin_as(&r, &o);
        uint64_t began = now_ms();
        fd = running_connect(&r);
        for (unsigned i = 0; i < 5; i++) {
            snprintf(client, sizeof client, "192.0.%u.1", i);
            get_from(fd, "/gated/a", client);
            if (i == 0 || !limited)
                expect_answer(fd, 200, NULL);
        }
        /* At five in a row one at least is too many, whatever time passes between them. */
        for (unsigned i = 1; i < 5 && limited; i++) {
            char head[2048];
            size_t n;

            assert_true(read_answer(fd, head, NULL, 0, &n) > 0);
        }
        /* A body that is not wanted is not read: the connection ends with the answer. */
        for (int i = 0; i < 2 && limited && now_ms() - began < 700; i++) {
            send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
            expect_answer(fd, 429, NULL);
            expect_end(fd);
            fd = running_connect(&r);
        }
        close(fd);
        running_end_counted(&r, &counted);
        assert_int_equal(counted.networks, limited);
        assert_int_equal(counted.refused[RES_CLIENT_RATE] > 0, limited);
        assert_int_equal(counted.bodies, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_answers),
        cmocka_unit_test(pipelined_in_order),
        cmocka_unit_test(peers_that_leave),
        cmocka_unit_test(each_network_has_its_rate),
        cmocka_unit_test(rate_without_trust_or_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
