#include "tests/bench/hammer/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/un.h>
#include <unistd.h>

bool
target_tcp(struct target *t, const char *host, unsigned port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char service[16];
    snprintf(service, sizeof service, "%u", port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0) {
        fprintf(stderr, "hammer: %s: %s\n", host, gai_strerror(rc));
        return false;
    }
    memcpy(&t->address, found->ai_addr, found->ai_addrlen);
    t->length = found->ai_addrlen;
    freeaddrinfo(found);
    snprintf(t->host, sizeof t->host, "%s:%u", host, port);
    return true;
}

bool
target_unix(struct target *t, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&t->address;
    if (strlen(path) >= sizeof un->sun_path) {
        fprintf(stderr, "hammer: %s: too long for a socket's path\n", path);
        return false;
    }
    memset(un, 0, sizeof *un);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    t->length = sizeof *un;
    snprintf(t->host, sizeof t->host, "localhost");
    return true;
}

bool
target_url(struct target *t, const char *url)
{
    char host[200] = "";
    unsigned port = 80;
    int used = 0;
    if (sscanf(url, "http://%199[^:/]%n", host, &used) != 1) {
        fprintf(stderr, "hammer: %s: not an http:// address\n", url);
        return false;
    }
    const char *rest = url + used;
    if (*rest == ':') {
        char *end;
        port = (unsigned)strtoul(rest + 1, &end, 10);
        rest = end;
    }
    size_t n = strlen(rest);
    while (n > 0 && rest[n - 1] == '/')
        n--;
    snprintf(t->prefix, sizeof t->prefix, "%.*s", (int)n, rest);
    return target_tcp(t, host, port);
}

int
target_connect(const struct target *t)
{
    int fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&t->address, t->length) < 0) {
        close(fd);
        return -1;
    }
    int one = 1;
    if (t->address.ss_family == AF_INET)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* The value of a header line that stands in the head, or NULL. */
static const char *
header(const uint8_t *p, size_t head, const char *name)
{
    size_t n = strlen(name);
    const char *end = (const char *)p + head;
    const char *line = memchr(p, '\n', head);
    while (line != NULL && line + 1 + n < end) {
        line++;
        if (strncasecmp(line, name, n) == 0)
            return line + n;
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return NULL;
}

long
answer_head(const uint8_t *p, size_t n, int *ret_status, size_t *ret_body, bool *ret_close)
{
    const uint8_t *blank = memmem(p, n, "\r\n\r\n", 4);
    if (blank == NULL)
        return n > 65536 ? -1 : 0;
    size_t head = (size_t)(blank - p) + 4;
    if (head < 16 || memcmp(p, "HTTP/1.1 ", 9) != 0)
        return -1;
    *ret_status = atoi((const char *)p + 9);
    const char *length = header(p, head, "content-length:");
    if (length == NULL && *ret_status != 204 && *ret_status != 304)
        return -1;
    *ret_body = length == NULL ? 0 : strtoul(length, NULL, 10);
    const char *connection = header(p, head, "connection:");
    *ret_close =
        connection != NULL && strncasecmp(connection + strspn(connection, " "), "close", 5) == 0;
    return (long)head;
}

static bool
send_all(int fd, struct span s)
{
    while (s.n > 0) {
        ssize_t w = send(fd, s.p, s.n, MSG_NOSIGNAL);
        if (w <= 0)
            return false;
        s = span_of(s.p + w, s.n - (size_t)w);
    }
    return true;
}

static void
hang_up(struct caller *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* Reads one answer into c->in; its status or -1. */
static int
receive(struct caller *c, struct span *ret_body)
{
    int status = 0;
    size_t body = 0;
    bool ends = false;
    long head = 0;
    buf_clear(&c->in);
    while (head == 0 || c->in.n < (size_t)head + body) {
        if (buf_reserve(&c->in, 65536) != RES_OK)
            return -1;
        ssize_t got = recv(c->fd, c->in.p + c->in.n, 65536, 0);
        if (got <= 0)
            return -1;
        c->in.n += (size_t)got;
        if (head == 0)
            head = answer_head(c->in.p, c->in.n, &status, &body, &ends);
        if (head < 0)
            return -1;
    }
    *ret_body = span_of(c->in.p + head, body);
    if (ends)
        hang_up(c);
    return status;
}

static int
call(struct caller *c, const char *method, const char *path, struct span json,
     struct span *ret_body)
{
    struct buf out = BUF_INIT(64 << 20);
    int status = -1;
    enum result r = buf_printf(&out, "%s %s%s HTTP/1.1\r\nHost: %s\r\n", method, c->target->prefix,
                               path, c->target->host);
    if (r == RES_OK && json.p != NULL)
        r = buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", json.n);
    if (r == RES_OK)
        r = buf_add(&out, span_str("\r\n"));
    if (r == RES_OK && json.p != NULL)
        r = buf_add(&out, json);
    for (int attempt = 0; r == RES_OK && status < 0 && attempt < 2; attempt++) {
        bool kept = c->fd >= 0;
        if (!kept)
            c->fd = target_connect(c->target);
        if (c->fd < 0)
            break;
        if (send_all(c->fd, buf_span(&out)))
            status = receive(c, ret_body);
        if (status < 0)
            hang_up(c);
        if (!kept)
            break;
    }
    buf_release(&out);
    return status;
}

int
caller_get(struct caller *c, const char *path, struct span *ret_body)
{
    return call(c, "GET", path, span_of(NULL, 0), ret_body);
}

int
caller_post(struct caller *c, const char *path, struct span json, struct span *ret_body)
{
    return call(c, "POST", path, json, ret_body);
}

void
caller_release(struct caller *c)
{
    hang_up(c);
    buf_release(&c->in);
}
