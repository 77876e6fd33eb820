/*
 * What server.c (loop, threads, drain) and one peer's connection (client.c, outlet.c, answer.c)
 * share.  Private to them.
 */
#ifndef API_HTTP_SERVER_PRIVATE_H
#define API_HTTP_SERVER_PRIVATE_H

#include <pthread.h>
#include <uv.h>

#include "api/http/server.h"
#include "api/http/tick.h"
#include "api/http/workers.h"
#include "api/net/listener.h"
#include "log/rate.h"

struct client;

enum drain { DRAIN_NOT, DRAIN_REQUESTS, DRAIN_ANSWERS, DRAIN_DONE };

struct server {
    struct server_options options;
    struct conn_options conn_options;
    struct room bodies;   /* request bodies of all connections */
    struct rate *rate;    /* of clients, by their networks */
    struct rate *lookups; /* of their look-ups; its time runs 60 times slower: a minute a second */
    struct exchange *ticking; /* answers that wait for the tick, the last asked first; the loop's */
    struct tick tick;
    uv_loop_t loop;
    bool loop_made;
    struct listener *listener;
    struct workers *workers;
    struct thread threads[HTTP_WORKERS_MAX + 1]; /* the loop's is the last */
    unsigned thread_count;
    struct client *clients; /* all open ones */
    uv_timer_t sweep;
    uv_async_t wake;
    uv_signal_t signal[3];
    enum drain drain;
    uint64_t drain_began;
    size_t held; /* bytes of answers that peers have not taken */
    struct metrics metrics;
    char date[REPLY_DATE_SIZE];
    char waste[16384]; /* what lingering connections still send */

    pthread_mutex_t lock; /* finished, stop: what other threads hand to the loop */
    struct exchange *finished;
    bool stop;
};

/* ---- client.c; all on the loop's thread ---- */

/* Takes an accepted socket.  RES_MEMORY, RES_IO: fd is closed. */
MUST_CHECK enum result client_open(struct server *s, int fd, bool unix_socket);

/* Looks at the connection's deadlines; may end it. */
void client_sweep(struct client *c, uint64_t now);

/* Whether a request has begun to come and is not complete. */
bool client_receiving(const struct client *c);

/* When it began to wait for a request of which nothing has come (the loop's time); UINT64_MAX: it
 * does not wait for one. */
uint64_t client_rests_since(const struct client *c);

/* Whether bytes wait in the kernel that have not been read. */
bool client_unread(const struct client *c);

/* Makes the body that has been coming longest, for HTTP_BODY_GRACE_MS at least, give its room back;
 * its peer is told.  Not that of who.  room.evict of a struct server. */
bool client_evict(void *server, const void *who);

/* Ends it when no request is under way. */
void client_drain(struct client *c);

/* Ends it now. */
void client_close(struct client *c);

struct client *client_next(const struct client *c);

/* ---- answer.c ---- */

/* Answers those that wait for the tick and are due, in the order in which they were asked for. now:
 * uv_hrtime; UINT64_MAX: all. */
void answer_ticking(struct server *s, uint64_t now);

/* ---- server.c ---- */

/* The tick is to come, at the next multiple of HTTP_TICK_NS. */
void server_tick(struct server *s);

/* Hands a finished exchange to the loop.  Any thread. */
void server_finish(struct server *s, struct exchange *x);

#endif
