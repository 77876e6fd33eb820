/*
 * One peer's connection, as the files for its life, its way out and its answers share it.
 *
 * They are client.c, outlet.c and answer.c; private to the three.  All on the loop's thread, but
 * for x while in_flight.
 */
#ifndef API_HTTP_CLIENT_PRIVATE_H
#define API_HTTP_CLIENT_PRIVATE_H

#include "api/http/server_private.h"

struct client {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct server *server;
    struct client *next;
    struct client **link;
    struct ip peer; /* its address; none over a Unix socket */
    struct exchange x;
    const struct route *route;
    enum result route_why;
    const char *allow;
    bool reading;
    bool writing;   /* a uv_write is under way */
    bool in_flight; /* x is with another thread */
    bool gone;      /* the handle is closed; the memory waits for x */
    bool lingering;
    size_t write_n;
    size_t held;         /* of server.held */
    uint64_t held_since; /* when the answer began to wait */
    size_t queue_seen;   /* bytes waiting when a slow reader was last looked at */
    uint64_t patience;   /* until when lingering or a slow reader is borne */
    size_t lingered;
    struct conn conn; /* last: its buffers are not cleared */
};

/* The loop's time, in milliseconds. */
static inline uint64_t
client_now(const struct client *c)
{
    return uv_now(&c->server->loop);
}

/* Goes on as far as it goes without waiting: writes, takes the next request, reads. */
void client_pump(struct client *c);

/* Frees it.  Requires gone and not in_flight. */
void client_free(struct client *c);

#endif
