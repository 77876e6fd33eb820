/*
 * Where the server is, and single requests to it outside the load.
 *
 * A target is an IPv4 address with a port, or a Unix socket.  Uses nothing of the house.
 */
#ifndef TESTS_BENCH_HAMMER_TARGET_H
#define TESTS_BENCH_HAMMER_TARGET_H

#include "merkle/base/buf.h"
#include <stdbool.h>
#include <sys/socket.h>

struct target {
    struct sockaddr_storage address;
    socklen_t length;
    char host[256];   /* for the Host line */
    char prefix[256]; /* before every path, without trailing slash */
};

/* Fills in from "host" and port; from the path of a socket; from http://host[:port][/prefix].
 * False, with a sentence on stderr, when it cannot be. */
bool target_tcp(struct target *t, const char *host, unsigned port);
bool target_unix(struct target *t, const char *path);
bool target_url(struct target *t, const char *url);

/* A blocking connected socket, or -1 with errno. */
int target_connect(const struct target *t);

/* A connection for one request after the other; fd -1: none open. */
struct caller {
    const struct target *target;
    int fd;
    struct buf in;
};
#define CALLER_INIT(target_) \
    ((struct caller){.target = (target_), .fd = -1, .in = BUF_INIT(64 << 20)})

/*
 * One GET; path begins with '/' and follows the target's prefix.  Returns the status, or -1 when
 * there was no complete answer.  *ret_body is borrowed until the next call.  Connects when needed,
 * once more when a kept connection turns out to be closed.
 */
int caller_get(struct caller *c, const char *path, struct span *ret_body);

/* The same with a POST of a JSON body. */
int caller_post(struct caller *c, const char *path, struct span json, struct span *ret_body);

void caller_release(struct caller *c);

/* ---- shared with the load ---- */

/*
 * Looks at n bytes of an answer: 0 when its head is not complete, -1 when it is not understood
 * (neither Content-Length nor an end), else the length of the head; then *ret_status, *ret_body and
 * *ret_close say what follows.
 */
long answer_head(const uint8_t *p, size_t n, int *ret_status, size_t *ret_body, bool *ret_close);

#endif
