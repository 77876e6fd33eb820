/*
 * A server that runs in a thread of the test, with handlers of the test's own, and a peer's side of
 * it over real sockets.
 *
 * Routes: /quick on the loop, its answer borrowed from a stack; /big RUNNING_BIG bytes on the loop,
 * /worker-big on a worker, /zip compressed there; /gated… waits on a worker for running_gate and
 * says its path; POST /echo, up to 1 MiB; /later answers from another thread; /owed when the server
 * drains.  For cmocka tests, one server at a time.
 */
#ifndef TESTS_UNIT_API_RUNNING_H
#define TESTS_UNIT_API_RUNNING_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/http/server.h"

#define RUNNING_BIG (8u << 20)

extern uint8_t running_big[RUNNING_BIG];
extern _Atomic int running_gate;    /* while 0, what waits at it does not go on */
extern _Atomic int running_at_gate; /* how many wait at it, or are owed their answer */
extern _Atomic int running_drained;

struct running {
    struct server *server;
    pthread_t id;
};

/* What it is begun with at listen; for a test that wants more of it. */
struct server_options running_options(const char *listen, unsigned connections, size_t held_max,
                                      unsigned patience_ms);

/* Begins it with them. */
void running_begin_as(struct running *r, const struct server_options *o);

/* Begins it at listen; heads and bodies may take patience_ms.  held_max as in server_options. */
void running_begin_with(struct running *r, const char *listen, unsigned connections,
                        size_t held_max, unsigned patience_ms);

/* The same with 0.7 s of patience. */
void running_begin(struct running *r, const char *listen, unsigned connections);

/* Drains it and waits for its end. */
void running_end(struct running *r);

/* The same; *ret is what it has counted, unless ret is NULL. */
void running_end_counted(struct running *r, struct metrics *ret);

/* A new connection to it, over IPv4; 10 s is waited for what comes. */
int running_connect(const struct running *r);

void send_text(int fd, const char *text);

/* Sends a GET; headers: whole lines. */
void get(int fd, const char *path, const char *headers);

/* Reads one answer: its head into head, *ret_n bytes of body counted, the first of them into body.
 * Returns the status, 0 at the end. */
int read_answer(int fd, char head[static 2048], char *body, size_t cap, size_t *ret_n);

/* The next answer has that status, and that body unless it is NULL. */
void expect_answer(int fd, int status, const char *want);

/* The connection ends without another byte; closes fd. */
void expect_end(int fd);

#endif
