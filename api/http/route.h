/*
 * Routes: a table, a row per endpoint; and the exchange, one request on its way to its answer.
 *
 * A handler gets an exchange, fills x->reply and calls exchange_done, once: on the loop
 * (ROUTE_LOOP), on a worker's thread (ROUTE_WORKER), or from wherever its answer comes later
 * (ROUTE_LATER: the handler runs on a worker). What reply.body borrows need live only until
 * exchange_done returns. Uses conn, reply, gzip.
 */
#ifndef API_HTTP_ROUTE_H
#define API_HTTP_ROUTE_H

#include "api/http/conn.h"
#include "api/http/gzip.h"
#include "api/http/reply.h"

enum route_where {
    ROUTE_LOOP,   /* quick, at most a few snapshot reads */
    ROUTE_WORKER, /* much reading or compressing */
    ROUTE_LATER   /* checked on a worker, answered from another thread after a commit */
};

struct exchange;
typedef void route_fn(struct exchange *x);

struct route {
    enum method method; /* METHOD_GET serves HEAD too */
    const char *path;
    bool prefix; /* path is a beginning; the rest is the handler's */
    route_fn *handler;
    enum route_where where;
    size_t body_max;
    bool cors;         /* any page may read it; answers OPTIONS as a preflight */
    bool gzip;         /* answers of GZIP_MIN bytes and more are compressed for who takes it */
    const char *label; /* in metrics, static */
    bool lookup;       /* about one address: counts against lookup_rate, leaves on a tick */
};

/* Most rows in one table: metrics have a row for each, and one for what no route took. */
#define ROUTES_MAX 31

struct routes {
    const struct route *rows; /* longer prefixes before shorter ones */
    size_t n;
};

/*
 * The row for a request.  RES_HTTP_NOT_FOUND: no row has that path; RES_HTTP_METHOD: one has, with
 * another method: *ret_allow is then Allow's value; also for OPTIONS, which every path takes: *ret
 * is then the path's row.
 */
MUST_CHECK enum result route_find(const struct routes *t, const struct request *rq,
                                  const struct route **ret, const char **ret_allow);

/* What a thread that runs handlers has: the loop has one, each worker has one. */
struct thread {
    struct gzip *gzip;
    struct buf scratch; /* compressed answers are made here */
    void *own;          /* the application's, from server_hooks.thread_new */
};

struct exchange {
    const struct request *rq;
    const struct route *route;
    struct thread *thread; /* of the thread that runs the handler; NULL in a later one */
    void *app;
    struct reply reply;
    enum result why; /* RES_OK, or what the reply refuses with: for metrics */
    struct buf out;  /* owned; answers that no one else keeps are made here */
    /* The server's. */
    void (*done)(struct exchange *x);
    struct exchange *next; /* finished, or waiting for the tick */
    uint64_t due;          /* not before that tick, uv_hrtime */
    route_fn *on_loop;
    struct buf later; /* a handler's own bytes between its worker and exchange_on_loop */
};

/* Hands x to the loop, where fn will finish it: for threads that have better things to do.  Instead
 * of exchange_done, from any thread, by a ROUTE_WORKER or ROUTE_LATER exchange. */
void exchange_on_loop(struct exchange *x, route_fn *fn);

/* The reply is complete. */
void exchange_done(struct exchange *x);

/* Answers 200 with body, as the route says. */
void exchange_ok(struct exchange *x, enum reply_type type, enum reply_cache cache,
                 struct span body);

/* Answers with the refusal r; detail as in reply_problem_body.  exchange_refuse_as with another
 * status. */
void exchange_refuse(struct exchange *x, enum result r, const char *detail);
void exchange_refuse_as(struct exchange *x, enum result r, unsigned status, const char *detail);

#endif
