/* api/http/answer, over real sockets: each place that a handler runs at, order, peers that leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/socket.h>
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_answers),
        cmocka_unit_test(pipelined_in_order),
        cmocka_unit_test(peers_that_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
