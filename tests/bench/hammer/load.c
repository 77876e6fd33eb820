#include "tests/bench/hammer/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* How long the last answers are waited for once no more requests are sent. */
#define PATIENCE_NS (UINT64_C(20) * 1000000000)
#define FIRST_READ 16384

struct connection {
    int fd; /* -1: broken, not opened again */
    bool busy;
    uint64_t since; /* the moment its latency counts from */
    struct load_request request;
    int part; /* of the request: the first not wholly sent */
    uint8_t *in;
    size_t n, cap;
    struct connection *next_idle;
};

struct load {
    const struct load_options *o;
    const struct load_source *s;
    struct load_result *r;
    struct connection *connections;
    struct connection *idle;
    unsigned busy, alive;
    int epoll, timer;
    uint64_t start, stop_at; /* stop_at 0: never */
    uint64_t issued;
    uint64_t last_answer;
    bool drained; /* the source has ended, or the time, or the server */
};

uint64_t
load_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
watch(struct load *l, struct connection *c, uint32_t events, int op)
{
    struct epoll_event e = {.events = events, .data.ptr = c};
    if (epoll_ctl(l->epoll, op, c->fd, &e) != 0)
        perror("hammer: epoll_ctl");
}

static bool
open_connection(struct load *l, struct connection *c)
{
    c->fd = target_connect(l->o->target);
    if (c->fd < 0)
        return false;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    watch(l, c, EPOLLIN, EPOLL_CTL_ADD);
    l->alive++;
    return true;
}

static void
rest(struct load *l, struct connection *c)
{
    c->next_idle = l->idle;
    l->idle = c;
}

/* The connection is gone; opened again unless the server went on purpose. */
static void
lose(struct load *l, struct connection *c)
{
    close(c->fd);
    c->fd = -1;
    l->alive--;
    if (c->busy) {
        c->busy = false;
        l->busy--;
        l->r->lost++;
    }
    if (l->o->stop_on_loss)
        l->drained = true;
    else if (!l->drained && open_connection(l, c))
        rest(l, c);
}

/* Sends what is left of the request; false when the connection broke. */
static bool
push(struct load *l, struct connection *c)
{
    while (c->part < c->request.parts) {
        struct msghdr m = {.msg_iov = c->request.part + c->part,
                           .msg_iovlen = (size_t)(c->request.parts - c->part)};
        ssize_t sent = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            watch(l, c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return true;
        }
        if (sent < 0)
            return false;
        size_t left = (size_t)sent;
        while (c->part < c->request.parts && left >= c->request.part[c->part].iov_len)
            left -= c->request.part[c->part++].iov_len;
        if (c->part < c->request.parts) {
            struct iovec *v = &c->request.part[c->part];
            v->iov_base = (uint8_t *)v->iov_base + left;
            v->iov_len -= left;
        }
    }
    return true;
}

/* Sends the next request on c, which is free; due is the moment it was meant for. */
static bool
start(struct load *l, struct connection *c, uint64_t due)
{
    if (!l->s->next(l->s->arg, &c->request)) {
        l->drained = true;
        return false;
    }
    c->part = 0;
    c->n = 0;
    c->busy = true;
    c->since = due;
    l->busy++;
    l->issued++;
    if (!push(l, c))
        lose(l, c);
    return true;
}

static uint64_t
due_of(const struct load *l, uint64_t i)
{
    return l->start + (uint64_t)((double)i / l->o->rate * 1e9);
}

/* Arms the timer for the next request that is not yet due. */
static void
arm(struct load *l)
{
    uint64_t at = due_of(l, l->issued);
    struct itimerspec t = {.it_value = {(time_t)(at / 1000000000), (long)(at % 1000000000)}};
    timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

/* Gives work to connections that are free. */
static void
dispatch(struct load *l)
{
    uint64_t now = load_now();
    if (l->stop_at != 0 && now >= l->stop_at)
        l->drained = true;
    while (!l->drained && l->idle != NULL) {
        uint64_t due = l->o->rate > 0 ? due_of(l, l->issued) : now;
        if (due > now) {
            arm(l);
            return;
        }
        struct connection *c = l->idle;
        l->idle = c->next_idle;
        if (!start(l, c, due))
            rest(l, c);
    }
}

/* Takes what has come; false when the connection is to be given up. */
static bool
pull(struct load *l, struct connection *c)
{
    if (c->cap - c->n < FIRST_READ / 2) {
        size_t cap = c->cap == 0 ? FIRST_READ : c->cap * 2;
        uint8_t *in = realloc(c->in, cap);
        if (in == NULL)
            return false;
        c->in = in;
        c->cap = cap;
    }
    ssize_t got = recv(c->fd, c->in + c->n, c->cap - c->n, 0);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0 || !c->busy)
        return false;
    c->n += (size_t)got;
    int status = 0;
    size_t body = 0;
    bool ends = false;
    long head = answer_head(c->in, c->n, &status, &body, &ends);
    if (head < 0)
        return false;
    if (head == 0 || c->n < (size_t)head + body)
        return true;
    l->last_answer = load_now();
    c->busy = false;
    l->busy--;
    l->r->requests++;
    if (l->s->answer(l->s->arg, c->request.tag, status, span_of(c->in + head, body)))
        histogram_add(&l->r->latency, l->last_answer - c->since);
    else
        l->r->errors++;
    if (ends || c->n != (size_t)head + body)
        return false;
    rest(l, c);
    return true;
}

static void
serve_event(struct load *l, const struct epoll_event *e)
{
    struct connection *c = e->data.ptr;
    if (c == NULL) {
        uint64_t ticks;
        if (read(l->timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
            perror("hammer: timerfd");
        return;
    }
    if (c->fd < 0)
        return;
    bool fine = true;
    if ((e->events & EPOLLOUT) != 0) {
        watch(l, c, EPOLLIN, EPOLL_CTL_MOD);
        fine = push(l, c);
    }
    if (fine && (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        fine = pull(l, c);
    if (fine)
        return;
    /* A connection that rested is on the list of free ones: take it off before it goes. */
    for (struct connection **p = &l->idle; *p != NULL; p = &(*p)->next_idle)
        if (*p == c) {
            *p = c->next_idle;
            break;
        }
    lose(l, c);
}

static void
spin(struct load *l)
{
    struct epoll_event events[256];
    uint64_t give_up = 0;
    dispatch(l);
    while (!l->drained || l->busy > 0) {
        if (l->alive == 0)
            break;
        if (l->drained && give_up == 0)
            give_up = load_now() + PATIENCE_NS;
        int n = epoll_wait(l->epoll, events, 256, 100);
        for (int i = 0; i < n; i++)
            serve_event(l, &events[i]);
        dispatch(l);
        if (give_up != 0 && load_now() > give_up)
            break;
    }
    l->r->lost += l->busy;
}

static bool
begin(struct load *l)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    l->connections = calloc(l->o->connections, sizeof *l->connections);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    if (l->epoll < 0 || l->timer < 0 || l->connections == NULL ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &e) != 0) {
        perror("hammer");
        return false;
    }
    for (unsigned i = 0; i < l->o->connections; i++)
        l->connections[i].fd = -1;
    for (unsigned i = 0; i < l->o->connections; i++) {
        if (!open_connection(l, &l->connections[i])) {
            perror("hammer: connect");
            return false;
        }
        rest(l, &l->connections[i]);
    }
    return true;
}

static void
end(struct load *l)
{
    for (unsigned i = 0; l->connections != NULL && i < l->o->connections; i++) {
        if (l->connections[i].fd >= 0)
            close(l->connections[i].fd);
        free(l->connections[i].in);
    }
    free(l->connections);
    if (l->epoll >= 0)
        close(l->epoll);
    if (l->timer >= 0)
        close(l->timer);
}

bool
load_run(const struct load_options *o, const struct load_source *s, struct load_result *ret)
{
    struct load l = {.o = o, .s = s, .r = ret, .epoll = -1, .timer = -1};
    struct process_use before, after;
    memset(ret, 0, sizeof *ret);
    histogram_init(&ret->latency);
    bool ok = begin(&l);
    if (ok) {
        ret->processes_read = o->processes->n > 0 && process_read(o->processes, &before);
        l.start = load_now();
        l.last_answer = l.start;
        if (o->duration > 0)
            l.stop_at = l.start + (uint64_t)(o->duration * 1e9);
        spin(&l);
        ret->seconds = (double)(l.last_answer - l.start) / 1e9;
        if (ret->processes_read)
            ret->processes_read = process_read(o->processes, &after);
        if (ret->processes_read) {
            ret->cpu_seconds = after.cpu_seconds - before.cpu_seconds;
            ret->rss_anon = after.rss_anon;
        }
    }
    end(&l);
    return ok;
}
