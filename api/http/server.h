/*
 * The HTTP server: connections on libuv, a loop thread, worker threads, a graceful end.
 *
 * Knows routes and nothing of what they serve.  One thread runs the loop (server_run); ROUTE_LOOP
 * handlers run on it, the others on the workers.  An exchange that is out on another thread keeps
 * its connection's memory until it has come back, also when the peer has gone meanwhile. Uses
 * listener, conn, route, workers, metrics,
 * origin, log/rate.h.
 */
#ifndef API_HTTP_SERVER_H
#define API_HTTP_SERVER_H

#include "api/http/metrics.h"
#include "api/http/origin.h"
#include "api/http/route.h"

struct server;

/* What the server asks of the application; app is handed back each time. */
struct server_hooks {
    void *app;
    /* A thread's own state (struct thread.own), made before the thread runs; may be NULL, then
     * there is none. */
    enum result (*thread_new)(void *app, void **ret);
    void (*thread_free)(void *app, void *own);
    /* The workers have ended: give the answers of ROUTE_LATER that are still owed; may block.  May
     * be NULL. */
    void (*drain)(void *app);
    /* SIGHUP.  May be NULL. */
    void (*hangup)(void *app);
    /* A structured log line; any thread.  May be NULL. */
    void (*line)(void *app, const char *event, const char *fields);
};

struct server_options {
    const char *listen; /* see listener.h */
    bool insecure;
    bool signals; /* SIGTERM and SIGINT drain, SIGHUP calls hangup */
    unsigned connections;
    size_t held_max;   /* bytes of answers that peers have not taken; 0: HTTP_HELD_MAX */
    size_t bodies_max; /* bytes of request bodies held at once; 0: HTTP_BODIES_MAX */
    unsigned workers;
    unsigned head_ms, body_ms, idle_ms;
    /* Requests a second that one client's network (log/ip.h) may have a worker do, and so many at
     * once; beyond, RES_CLIENT_RATE.  0: no limit.  burst >= 1 otherwise. */
    unsigned client_rate, client_burst;
    /* Look-ups a minute of one client's network, and so many at once; beyond, RES_LOOKUP_RATE.  0:
     * no limit. */
    unsigned lookup_rate, lookup_burst;
    struct origin_trust trust; /* its nets borrowed for the server's life */
    struct routes routes;      /* rows borrowed for the server's life */
    struct server_hooks hooks;
};

/* Binds and starts the workers.  RES_CONFIG (*why tells what is wrong with listen), RES_MEMORY,
 * RES_IO, and what thread_new returns. */
MUST_CHECK enum result server_new(const struct server_options *options, struct server **ret,
                                  const char **why);

/* Where it listens, the real port in it. */
const char *server_address(const struct server *s);

/* Serves until it has been told to stop and has drained: no new connections, requests that have
 * begun are answered, hooks.drain is called, the last answers leave. */
void server_run(struct server *s);

/* Makes server_run drain and return.  Any thread; also from hooks. */
void server_stop(struct server *s);

/* The table it serves. */
const struct routes *server_routes(const struct server *s);

/* Counters, as of now; the loop's thread, or when there is none. */
const struct metrics *server_metrics(struct server *s);

/* After server_run has returned, or instead of it.  NULL does nothing. */
void server_free(struct server *s);

#endif
