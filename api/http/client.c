/* One peer's connection from its first byte to its last: opened, read from, looked after, closed.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/answer.h"
#include "api/http/client_private.h"
#include "api/http/outlet.h"

/* ---- end ---- */

void
client_free(struct client *c)
{
    conn_release(&c->conn);
    buf_release(&c->x.out);
    buf_release(&c->x.later);
    free(c);
}

static void
on_closed(uv_handle_t *h)
{
    struct client *c = h->data;

    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    c->server->metrics.open--;
    listener_closed(c->server->listener);
    c->gone = true;
    /* The other thread reads the request's bytes: they stay until it has let go. */
    if (!c->in_flight)
        client_free(c);
}

void
client_close(struct client *c)
{
    if (!c->gone && !uv_is_closing(&c->u.handle))
        uv_close(&c->u.handle, on_closed);
}

static void
on_shutdown(uv_shutdown_t *rq, int status)
{
    (void)status;
    (void)rq;
}

/* The last answer has gone.  A peer that still sends would get a reset for it, which may overtake
 * the answer. */
static void
end_connection(struct client *c)
{
    if (!c->conn.refused || c->conn.eof ||
        uv_shutdown(&c->shutdown, &c->u.stream, on_shutdown) != 0) {
        client_close(c);
        return;
    }
    c->lingering = true;
    c->patience = client_now(c) + HTTP_LINGER_MS;
}

/* ---- reading ---- */

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    struct client *c = h->data;
    size_t n;

    (void)suggested;
    if (c->lingering) {
        *ret = uv_buf_init(c->server->waste, sizeof c->server->waste);
        return;
    }
    ret->base = (char *)conn_space(&c->conn, &n);
    ret->len = n;
}

static void
pause_reading(struct client *c)
{
    if (c->reading)
        uv_read_stop(&c->u.stream);
    c->reading = false;
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;
    size_t space;

    (void)buf;
    if (n == 0)
        return;
    if (n < 0 && (n != UV_EOF || c->lingering)) {
        client_close(c);
        return;
    }
    if (n == UV_EOF) {
        pause_reading(c);
        conn_eof(&c->conn);
        client_pump(c);
        return;
    }
    c->server->metrics.received += (uint64_t)n;
    if (c->lingering) {
        c->lingered += (size_t)n;
        if (c->lingered > HTTP_LINGER_BYTES)
            client_close(c);
        return;
    }
    conn_fed(&c->conn, (size_t)n, client_now(c));
    client_pump(c);
    conn_space(&c->conn, &space);
    if (space == 0 && !uv_is_closing(&c->u.handle))
        pause_reading(c);
}

static void
resume_reading(struct client *c)
{
    size_t space;

    conn_space(&c->conn, &space);
    if (c->reading || c->conn.eof || space == 0)
        return;
    if (uv_read_start(&c->u.stream, on_alloc, on_read) == 0)
        c->reading = true;
    else
        client_close(c);
}

void
client_pump(struct client *c)
{
    while (!c->writing && !c->in_flight && !c->lingering && !uv_is_closing(&c->u.handle)) {
        struct span out[2];

        if (!outlet_flush(c))
            return;
        switch (conn_next(&c->conn, client_now(c))) {
        case CONN_MORE:
            if (conn_output(&c->conn, out) > 0)
                continue;
            /* The answer has gone; a connection that rests holds none. */
            if (c->x.out.cap > HTTP_BUFFER_KEPT)
                buf_release(&c->x.out);
            if (c->server->drain != DRAIN_NOT && !conn_busy(&c->conn))
                client_close(c);
            else
                resume_reading(c);
            return;
        case CONN_REQUEST:
            answer_request(c);
            break;
        case CONN_REFUSED:
            answer_refusal(c);
            break;
        case CONN_ENDED:
            end_connection(c);
            /* What lingers must be read. */
            if (c->lingering)
                resume_reading(c);
            return;
        }
    }
}

/* ---- from the server ---- */

/* The address at the other end of a TCP socket; 0.0.0.0 when the peer has gone already: it must not
 * pass for one without an address. */
static struct ip
peer_of(int fd)
{
    static const uint8_t nobody[4];
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t n = sizeof a;

    memset(&a, 0, sizeof a);
    if (getpeername(fd, &a.any, &n) == 0 && a.any.sa_family == AF_INET6)
        return ip_of_bytes(a.v6.sin6_addr.s6_addr, 16);
    if (a.any.sa_family == AF_INET)
        return ip_of_bytes((const uint8_t *)&a.v4.sin_addr.s_addr, 4);
    return ip_of_bytes(nobody, sizeof nobody);
}

enum result
client_open(struct server *s, int fd, bool unix_socket)
{
    struct client *c = malloc(sizeof *c);
    int rc;

    if (c == NULL) {
        close(fd);
        return RES_MEMORY;
    }
    memset(c, 0, offsetof(struct client, conn));
    c->server = s;
    buf_init(&c->x.out, HTTP_ANSWER_MAX);
    buf_init(&c->x.later, HTTP_ANSWER_MAX);
    conn_init(&c->conn, &s->conn_options, uv_now(&s->loop));
    if (unix_socket) {
        rc = uv_pipe_init(&s->loop, &c->u.pipe, 0);
        if (rc == 0)
            rc = uv_pipe_open(&c->u.pipe, fd);
    } else {
        c->peer = peer_of(fd);
        rc = uv_tcp_init(&s->loop, &c->u.tcp);
        if (rc == 0)
            rc = uv_tcp_open(&c->u.tcp, fd);
        if (rc == 0)
            uv_tcp_nodelay(&c->u.tcp, 1);
    }
    c->u.handle.data = c;
    c->next = s->clients;
    c->link = &s->clients;
    if (c->next != NULL)
        c->next->link = &c->next;
    s->clients = c;
    s->metrics.open++;
    s->metrics.accepted++;
    if (rc != 0) {
        close(fd);
        client_close(c);
        return RES_IO;
    }
    resume_reading(c);
    return RES_OK;
}

void
client_sweep(struct client *c, uint64_t now)
{
    if (uv_is_closing(&c->u.handle) || c->in_flight)
        return;
    if (c->lingering) {
        if (now >= c->patience)
            client_close(c);
        return;
    }
    if (c->writing) {
        size_t waiting = uv_stream_get_write_queue_size(&c->u.stream);

        if (waiting != c->queue_seen) {
            c->queue_seen = waiting;
            c->patience = now + HTTP_WRITE_MS;
        } else if (now >= c->patience) {
            client_close(c);
        }
        return;
    }
    if (now < conn_deadline(&c->conn))
        return;
    if (conn_expire(&c->conn) == CONN_REFUSED)
        answer_refusal(c);
    client_pump(c);
}

bool
client_receiving(const struct client *c)
{
    return !uv_is_closing(&c->u.handle) && !c->in_flight && !c->writing && !c->lingering &&
           conn_busy(&c->conn);
}

bool
client_evict(void *server, const void *who)
{
    struct server *s = server;
    struct client *oldest = NULL;
    uint64_t now = uv_now(&s->loop), age = HTTP_BODY_GRACE_MS;

    /* The list has the newest connection first: of equal ages the last found is the oldest. */
    for (struct client *c = s->clients; c != NULL; c = c->next)
        if (client_receiving(c) && conn_body_age(&c->conn, now) >= age &&
            c->conn.message.body.cap > 0) {
            oldest = c;
            age = conn_body_age(&c->conn, now);
        }
    /* When it is the oldest itself that asks, it is the one to go. */
    if (oldest == NULL || &oldest->conn.message == who)
        return false;
    if (conn_evict(&oldest->conn) == CONN_REFUSED)
        answer_refusal(oldest);
    client_pump(oldest);
    return true;
}

uint64_t
client_rests_since(const struct client *c)
{
    bool rests = !uv_is_closing(&c->u.handle) && !c->in_flight && !c->writing && !c->lingering &&
                 c->conn.state == CONN_HEAD && c->conn.in_n == 0;

    return rests ? c->conn.since : UINT64_MAX;
}

bool
client_unread(const struct client *c)
{
    uv_os_fd_t fd;
    char first;

    return uv_fileno(&c->u.handle, &fd) == 0 && recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void
client_drain(struct client *c)
{
    if (!c->in_flight && !c->writing && !c->lingering && !conn_busy(&c->conn))
        client_close(c);
}

struct client *
client_next(const struct client *c)
{
    return c->next;
}
