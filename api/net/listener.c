#include "api/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that wait in the kernel. */
#define BACKLOG 1024
/* Accepted in one go, before others have their turn. */
#define ACCEPT_BURST 64

struct listener {
    struct listener_options options;
    uv_poll_t poll;
    int fd;
    int reserve;
    unsigned open;
    bool unix_socket;
    bool stopped;
    char address[LISTENER_ADDRESS_MAX];
    struct sockaddr_un path; /* to unlink */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

/* ---- addresses ---- */

static bool
is_loopback(const union address *a)
{
    if (a->any.sa_family == AF_INET)
        return (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* Reads "PORT". */
static bool
read_port(const char *s, in_port_t *ret)
{
    char *end;
    unsigned long v;

    if (s[0] < '0' || s[0] > '9')
        return false;
    v = strtoul(s, &end, 10);
    if (*end != '\0' || v > 65535)
        return false;
    *ret = htons((uint16_t)v);
    return true;
}

static const char *
read_tcp(const char *listen, bool insecure, union address *ret, socklen_t *ret_n)
{
    const char *colon = strrchr(listen, ':');
    char host[64];
    size_t n = colon == NULL ? 0 : (size_t)(colon - listen);
    bool bracket = n >= 2 && listen[0] == '[' && listen[n - 1] == ']';

    if (colon == NULL || n == 0 || n >= sizeof host)
        return "not HOST:PORT or unix:PATH";
    memcpy(host, listen + (bracket ? 1 : 0), n - (bracket ? 2 : 0));
    host[n - (bracket ? 2 : 0)] = '\0';
    if (strcmp(host, "localhost") == 0)
        snprintf(host, sizeof host, "127.0.0.1");
    if (!bracket && inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        *ret_n = sizeof ret->v4;
        if (!read_port(colon + 1, &ret->v4.sin_port))
            return "the port is not a number up to 65535";
    } else if (bracket && inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        *ret_n = sizeof ret->v6;
        if (!read_port(colon + 1, &ret->v6.sin6_port))
            return "the port is not a number up to 65535";
    } else {
        return "the host is not a numeric address";
    }
    if (!insecure && !is_loopback(ret))
        return "not a loopback address; put a TLS front before it, or say --insecure";
    return NULL;
}

static const char *
read_unix(const char *path, union address *ret, socklen_t *ret_n)
{
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof ret->un.sun_path)
        return "the socket's path is empty or too long";
    ret->un.sun_family = AF_UNIX;
    memcpy(ret->un.sun_path, path, n + 1);
    *ret_n = sizeof ret->un;
    return NULL;
}

/* A socket file that nobody listens on any more stands in the way of the next start. */
static void
remove_stale(const struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)un, sizeof *un) != 0 && errno == ECONNREFUSED)
        unlink(un->sun_path);
    close(fd);
}

/* Writes the bound address back as text. */
static void
tell_address(struct listener *l)
{
    union address a;
    socklen_t n = sizeof a;
    char host[INET6_ADDRSTRLEN] = "";

    memset(&a, 0, sizeof a);
    if (l->unix_socket) {
        snprintf(l->address, sizeof l->address, "unix:%s", l->path.sun_path);
    } else if (getsockname(l->fd, &a.any, &n) == 0 && a.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof host);
        snprintf(l->address, sizeof l->address, "%s:%u", host, ntohs(a.v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof host);
        snprintf(l->address, sizeof l->address, "[%s]:%u", host, ntohs(a.v6.sin6_port));
    }
}

/* ---- accepting ---- */

/* Tells the peer why, as far as it goes without waiting, and closes. */
static void
turn_away(struct listener *l, int fd, enum result why)
{
    struct span text = why == RES_BUSY ? l->options.full : l->options.no_descriptor;
    char waste[4096];

    (void)!send(fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    /* Unread bytes would turn the close into a reset, which may overtake the text. */
    (void)!recv(fd, waste, sizeof waste, MSG_DONTWAIT);
    close(fd);
    l->options.turned_away(l->options.arg, why);
}

static void
open_reserve(struct listener *l)
{
    if (l->reserve < 0)
        l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is free: the reserve serves one peer after the other.  Whether there may be more of
 * them. */
static bool
accept_on_reserve(struct listener *l)
{
    int fd;

    if (l->reserve < 0)
        return false;
    close(l->reserve);
    l->reserve = -1;
    fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        turn_away(l, fd, RES_DESCRIPTORS);
    open_reserve(l);
    return fd >= 0;
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;

    (void)events;
    if (status < 0)
        return;
    open_reserve(l);
    for (int i = 0; i < ACCEPT_BURST && !l->stopped; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            if (!accept_on_reserve(l))
                return;
        } else if (fd < 0 && (errno == ECONNABORTED || errno == EINTR)) {
            continue;
        } else if (fd < 0) {
            return;
        } else if (l->open >= l->options.connections && !l->options.make_room(l->options.arg)) {
            turn_away(l, fd, RES_BUSY);
        } else {
            l->open++;
            l->options.accepted(l->options.arg, fd, l->unix_socket);
        }
    }
}

/* ---- life ---- */

static const char *
open_socket(struct listener *l, const union address *a, socklen_t n)
{
    int one = 1;

    l->fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return "no socket";
    if (l->unix_socket)
        remove_stale(&a->un);
    else
        setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(l->fd, &a->any, n) != 0) {
        const char *why =
            errno == EADDRINUSE ? "the address is taken" : "the address cannot be bound";

        close(l->fd);
        return why;
    }
    if (listen(l->fd, BACKLOG) != 0) {
        close(l->fd);
        return "the address cannot be listened on";
    }
    return NULL;
}

enum result
listener_open(uv_loop_t *loop, const struct listener_options *options, struct listener **ret,
              const char **why)
{
    struct listener *l = calloc(1, sizeof *l);
    union address a;
    socklen_t n = 0;

    if (l == NULL)
        return RES_MEMORY;
    memset(&a, 0, sizeof a);
    l->options = *options;
    l->reserve = -1;
    l->unix_socket = strncmp(options->listen, "unix:", 5) == 0;
    *why = l->unix_socket ? read_unix(options->listen + 5, &a, &n)
                          : read_tcp(options->listen, options->insecure, &a, &n);
    if (*why == NULL)
        *why = open_socket(l, &a, n);
    if (*why != NULL) {
        free(l);
        return RES_CONFIG;
    }
    if (l->unix_socket)
        l->path = a.un;
    tell_address(l);
    open_reserve(l);
    if (uv_poll_init(loop, &l->poll, l->fd) != 0) {
        close(l->fd);
        close(l->reserve);
        free(l);
        return RES_IO;
    }
    l->poll.data = l;
    uv_poll_start(&l->poll, UV_READABLE, on_ready);
    *ret = l;
    return RES_OK;
}

const char *
listener_address(const struct listener *l)
{
    return l->address;
}

void
listener_closed(struct listener *l)
{
    l->open--;
    /* A descriptor has become free: the reserve comes first. */
    open_reserve(l);
}

static void
on_closed(uv_handle_t *h)
{
    struct listener *l = h->data;

    close(l->fd);
    l->fd = -1;
}

void
listener_stop(struct listener *l)
{
    if (l->stopped)
        return;
    l->stopped = true;
    if (l->unix_socket)
        unlink(l->path.sun_path);
    if (l->reserve >= 0)
        close(l->reserve);
    l->reserve = -1;
    uv_close((uv_handle_t *)&l->poll, on_closed);
}

void
listener_free(struct listener *l)
{
    free(l);
}
