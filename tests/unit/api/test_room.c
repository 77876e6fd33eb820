/* api/http/room: what many share; and request bodies that do, over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/api/running.h"

static void
taken_and_given(void **state)
{
    static const struct {
        const char *says;
        bool take;
        size_t n;
        bool ok;
        size_t held;
    } ROWS[] = {
        {"nothing", true, 0, true, 0},
        {"more than all", true, 101, false, 0},
        {"as much as there can be", true, SIZE_MAX, false, 0},
        {"half", true, 50, true, 50},
        {"one more than is left", true, 51, false, 50},
        {"all that is left", true, 50, true, 100},
        {"one more", true, 1, false, 100},
        {"some comes back", false, 30, true, 70},
        {"and is taken", true, 30, true, 100},
        {"all comes back", false, 100, true, 0},
    };
    struct room room = {.max = 100};

    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        bool ok = true;

        if (ROWS[i].take)
            ok = room_take(&room, ROWS[i].n, NULL);
        else
            room_give(&room, ROWS[i].n);
        if (ok != ROWS[i].ok || room.held != ROWS[i].held)
            fail_msg("%s: %zu held", ROWS[i].says, room.held);
        assert_int_equal(room_scarce(&room), room.held > 50);
    }
}

struct guest {
    struct room *room;
    size_t holds[3];
};

/* Throws out the first who holds something and is not who. */
static bool
throw_out(void *arg, const void *who)
{
    struct guest *g = arg;

    for (size_t i = 0; i < 3; i++)
        if (g->holds[i] > 0 && &g->holds[i] != who) {
            room_give(g->room, g->holds[i]);
            g->holds[i] = 0;
            return true;
        }
    return false;
}

static void
a_full_room_lets_somebody_go(void **state)
{
    struct guest g = {.holds = {40, 40, 20}};
    struct room room = {.max = 100, .held = 100, .evict = throw_out, .arg = &g};

    (void)state;
    g.room = &room;
    assert_true(room_take(&room, 0, NULL));
    assert_int_equal(g.holds[0], 40); /* nobody goes for nothing */
    assert_false(room_take(&room, 101, NULL));
    assert_int_equal(g.holds[0], 40); /* nor for what can never be */
    assert_true(room_take(&room, 50, &g.holds[2]));
    assert_int_equal(g.holds[0] + g.holds[1], 0); /* as many as it takes */
    assert_int_equal(g.holds[2], 20);             /* but not who asks */
    assert_int_equal(room.held, 70);
    assert_false(room_take(&room, 50, &g.holds[2])); /* nobody else is there */
    assert_int_equal(room.held, 70);
}

/* Sends n bytes of a body of 400,000, behind its head when head. */
static void
send_body(int fd, bool head, size_t n)
{
    if (head)
        send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
    while (n > 0) {
        ssize_t sent = send(fd, running_big, n, MSG_NOSIGNAL);

        assert_true(sent > 0);
        n -= (size_t)sent;
    }
}

/* Two bodies fill the room and are slow: a third that comes after their grace sends the older one
 * away, and is taken; the younger one loses nothing. */
static void
the_oldest_body_goes(void **state)
{
    struct server_options o = running_options("127.0.0.1:0", 10, 0, 20000);
    static struct metrics counted;
    struct running r;
    char head[2048];
    char body[1024];
    size_t n;
    int fd[3];

    (void)state;
    o.bodies_max = 850000;
    running_begin_as(&r, &o);
    for (int i = 0; i < 3; i++)
        fd[i] = running_connect(&r);
    send_body(fd[0], true, 300000);
    usleep(100000);
    send_body(fd[1], true, 300000);
    usleep((HTTP_BODY_GRACE_MS + 300) * 1000);
    send_body(fd[2], true, 400000);
    assert_int_equal(read_answer(fd[2], head, body, 0, &n), 200);
    assert_int_equal(n, 400000);
    assert_int_equal(read_answer(fd[0], head, body, sizeof body, &n), 503);
    assert_non_null(strstr(head, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(body, "\"urn:cartulary:problem:too-many-bodies\""));
    expect_end(fd[0]);
    send_body(fd[1], false, 100000);
    assert_int_equal(read_answer(fd[1], head, body, 0, &n), 200);
    close(fd[1]);
    close(fd[2]);
    running_end_counted(&r, &counted);
    assert_int_equal(counted.refused[RES_HTTP_BODIES], 1);
    assert_int_equal(counted.bodies, 0);
}

/* Two slow bodies fill the room: a third is refused, what needs none is answered, the two lose
 * nothing, and then there is room again. */
static void
bodies_share_a_room(void **state)
{
    struct server_options o = running_options("127.0.0.1:0", 10, 0, 20000);
    static struct metrics counted;
    struct running r;
    char head[2048];
    char body[1024];
    size_t n;
    int fd[4];

    (void)state;
    o.bodies_max = 850000; /* two of 400,001, not three of 300,001 */
    running_begin_as(&r, &o);
    for (int i = 0; i < 4; i++)
        fd[i] = running_connect(&r);
    for (int i = 0; i < 3; i++) {
        send_body(fd[i], true, 300000);
        usleep(100000);
        get(fd[3], "/quick", "");
        expect_answer(fd[3], 200, "quick");
    }
    assert_int_equal(read_answer(fd[2], head, body, sizeof body, &n), 503);
    assert_non_null(strstr(head, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(head, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(body, "\"urn:cartulary:problem:too-many-bodies\""));
    expect_end(fd[2]);
    for (int i = 0; i < 2; i++) {
        send_body(fd[i], false, 100000);
        assert_int_equal(read_answer(fd[i], head, body, 0, &n), 200);
        assert_int_equal(n, 400000);
    }
    send_body(fd[3], true, 400000);
    assert_int_equal(read_answer(fd[3], head, body, 0, &n), 200);
    for (int i = 0; i < 4; i++)
        if (i != 2)
            close(fd[i]);
    running_end_counted(&r, &counted);
    assert_int_equal(counted.refused[RES_HTTP_BODIES], 1);
    assert_int_equal(counted.bodies, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_and_given),
        cmocka_unit_test(a_full_room_lets_somebody_go),
        cmocka_unit_test(bodies_share_a_room),
        cmocka_unit_test(the_oldest_body_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
