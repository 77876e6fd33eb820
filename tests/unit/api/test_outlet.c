/* api/http/outlet, over real sockets: answers that do not go at once, or never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/api/running.h"

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
    running_begin(&r, "127.0.0.1:0", 10);
    fd = running_connect(&r);
    for (size_t i = 0; i < 2; i++) {
        get(fd, paths[i], "");
        get(fd, "/quick", "");
        usleep(50000);
        assert_int_equal(read_answer(fd, head, NULL, 0, &n), 200);
        assert_int_equal(n, RUNNING_BIG);
        expect_answer(fd, 200, "quick");
    }
    get(fd, "/zip", "Accept-Encoding: gzip\r\n");
    assert_int_equal(read_answer(fd, head, NULL, 0, &n), 200);
    assert_non_null(strstr(head, "Content-Encoding: gzip\r\n"));
    assert_non_null(strstr(head, "Vary: Accept-Encoding\r\n"));
    assert_true(n < RUNNING_BIG / 10);
    get(fd, "/zip", "Accept-Encoding: gzip;q=0\r\n");
    assert_int_equal(read_answer(fd, head, NULL, 0, &n), 200);
    assert_null(strstr(head, "Content-Encoding"));
    assert_non_null(strstr(head, "Vary: Accept-Encoding\r\n"));
    assert_int_equal(n, RUNNING_BIG);
    close(fd);
    running_end(&r);
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
    running_begin_with(&r, "127.0.0.1:0", PEERS, RUNNING_BIG + RUNNING_BIG / 2, 700);
    for (int i = 0; i < PEERS; i++) {
        fd[i] = running_connect(&r);
        if (i < PEERS - 1)
            setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        get(fd[i], i % 2 ? "/worker-big" : "/big", "");
        usleep(20000);
    }
    assert_int_equal(read_answer(fd[PEERS - 1], head, NULL, 0, &n), 200);
    assert_int_equal(n, RUNNING_BIG);
    get(fd[PEERS - 1], "/quick", "");
    expect_answer(fd[PEERS - 1], 200, "quick");
    assert_int_equal(read_answer(fd[0], head, NULL, 0, &n), 0);
    assert_true(n < RUNNING_BIG);
    for (int i = 0; i < PEERS; i++)
        close(fd[i]);
    running_end(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_answers),
        cmocka_unit_test(who_does_not_read_makes_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
