/*
 * A listening socket on a libuv loop: accepts, within limits, and stops.
 *
 * Accepting is done here and not by libuv, because libuv answers a lack of file descriptors by
 * closing the peer's connection without a word.  A descriptor is kept in reserve instead: when
 * there is no other, the peer is accepted on it, told 503 by a prepared text, and closed. One
 * thread, the loop's.  Uses libuv, result.
 */
#ifndef API_NET_LISTENER_H
#define API_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "merkle/base/result.h"
#include "merkle/base/span.h"

struct listener;

#define LISTENER_ADDRESS_MAX 128

struct listener_options {
    const char *listen; /* "HOST:PORT" (numeric or "localhost"; "[…]:PORT" for IPv6; port 0: any) or
                           "unix:PATH" */
    bool insecure;      /* an address that is not loopback is allowed */
    unsigned connections;      /* open at once */
    struct span full;          /* what a peer is told beyond that, borrowed */
    struct span no_descriptor; /* what it is told when there is no descriptor, borrowed */
    /* All connections are taken: whether one that was handed out is being closed for the next one.
     * Until its listener_closed there is one more. */
    bool (*make_room)(void *arg);
    /* A connection: the callee owns fd (non-blocking, close-on-exec) and calls listener_closed when
     * it is gone. unix: a Unix socket. */
    void (*accepted)(void *arg, int fd, bool unix_socket);
    /* A connection was turned away with RES_BUSY or RES_DESCRIPTORS. */
    void (*turned_away)(void *arg, enum result why);
    void *arg;
};

/*
 * Binds and listens; accepting begins with the loop.  RES_CONFIG: *why says what is wrong with
 * options->listen (also a foreign address without insecure, and one that is taken); RES_IO,
 * RES_MEMORY.
 */
MUST_CHECK enum result listener_open(uv_loop_t *loop, const struct listener_options *options,
                                     struct listener **ret, const char **why);

/* Where it listens, as options->listen is written, the port being the real one. */
const char *listener_address(const struct listener *l);

/* A connection that was handed out is gone. */
void listener_closed(struct listener *l);

/* Accepts no more; connections that wait in the kernel are reset.  Twice does nothing. */
void listener_stop(struct listener *l);

/* After listener_stop and after the loop has run its close callbacks.  NULL does nothing. */
void listener_free(struct listener *l);

#endif
