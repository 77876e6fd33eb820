#include "api/http/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "api/http/answer.h"
#include "api/http/server_private.h"

/* What a peer hears that finds no room; prepared, because there is no memory or descriptor to ask
 * for. */
#define TURNED_AWAY(name, title)                                                     \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n" \
    "Retry-After: 1\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"         \
    "{\"type\":\"urn:cartulary:problem:" name "\",\"title\":\"" title "\",\"status\":503}\n"

static const char full_text[] = TURNED_AWAY("busy", "the queue is full");
static const char no_descriptor_text[] =
    TURNED_AWAY("too-many-open-files", "no file descriptor is free");

static void
line(const struct server *s, const char *event, const char *fields)
{
    if (s->options.hooks.line != NULL)
        s->options.hooks.line(s->options.hooks.app, event, fields);
}

/* ---- what the listener calls ---- */

static void
on_accepted(void *arg, int fd, bool unix_socket)
{
    struct server *s = arg;
    unsigned before = (unsigned)s->metrics.open;

    if (client_open(s, fd, unix_socket) == RES_OK)
        return;
    s->metrics.turned_away++;
    if (s->metrics.open == before)
        listener_closed(s->listener);
}

/*
 * All connections are taken: the one that has rested longest goes, so that nobody holds them all by
 * saying nothing.  A request that has just come ends its rest, though nobody has read it yet.
 */
static bool
on_full(void *arg)
{
    struct server *s = arg;
    struct client *oldest = NULL;
    uint64_t since = UINT64_MAX;

    for (struct client *c = s->clients; c != NULL; c = client_next(c)) {
        uint64_t began = client_rests_since(c);

        /* The list begins with the newest: of equals the last came first. */
        if (began <= since && began != UINT64_MAX) {
            oldest = c;
            since = began;
        }
    }
    if (oldest == NULL || client_unread(oldest))
        return false;
    client_close(oldest);
    return true;
}

static void
on_turned_away(void *arg, enum result why)
{
    struct server *s = arg;

    s->metrics.turned_away++;
    s->metrics.refused[why]++;
}

/* ---- what other threads hand over ---- */

void
server_finish(struct server *s, struct exchange *x)
{
    bool first;

    pthread_mutex_lock(&s->lock);
    first = s->finished == NULL;
    x->next = s->finished;
    s->finished = x;
    pthread_mutex_unlock(&s->lock);
    /* A list that was not empty has its wake-up under way: a commit of a hundred entries wakes the
     * loop once. */
    if (first)
        uv_async_send(&s->wake);
}

static void
take_finished(struct server *s)
{
    struct exchange *x;
    struct exchange *ordered = NULL;

    pthread_mutex_lock(&s->lock);
    x = s->finished;
    s->finished = NULL;
    pthread_mutex_unlock(&s->lock);
    while (x != NULL) {
        struct exchange *next = x->next;

        x->next = ordered;
        ordered = x;
        x = next;
    }
    while (ordered != NULL) {
        x = ordered;
        ordered = x->next;
        answer_resume(x);
    }
}

/* ---- drain ---- */

static void
begin_drain(struct server *s)
{
    if (s->drain != DRAIN_NOT)
        return;
    line(s, "drain", "");
    s->drain = DRAIN_REQUESTS;
    s->drain_began = uv_now(&s->loop);
    listener_stop(s->listener);
    for (struct client *c = s->clients; c != NULL; c = client_next(c))
        client_drain(c);
    uv_timer_set_repeat(&s->sweep, 10);
    uv_timer_again(&s->sweep);
}

static void
end_loop(struct server *s)
{
    answer_ticking(s, UINT64_MAX);
    s->drain = DRAIN_DONE;
    tick_close(&s->tick);
    uv_close((uv_handle_t *)&s->sweep, NULL);
    uv_close((uv_handle_t *)&s->wake, NULL);
    for (int i = 0; s->options.signals && i < 3; i++)
        uv_close((uv_handle_t *)&s->signal[i], NULL);
}

static void
go_on_draining(struct server *s, uint64_t now)
{
    uint64_t spent = now - s->drain_began;

    if (s->drain == DRAIN_REQUESTS) {
        /* What has not come by then is not waited for; its connection would only hold up the end.
         */
        for (struct client *c = s->clients; c != NULL; c = client_next(c)) {
            if (!client_receiving(c))
                continue;
            if (spent < HTTP_DRAIN_REQUESTS_MS)
                return;
            client_close(c);
        }
        /* Requests that are complete are with the workers; then nobody submits any more. */
        workers_stop(s->workers);
        if (s->options.hooks.drain != NULL)
            s->options.hooks.drain(s->options.hooks.app);
        s->drain = DRAIN_ANSWERS;
        take_finished(s);
    }
    if (s->drain == DRAIN_ANSWERS && spent >= HTTP_DRAIN_MS)
        for (struct client *c = s->clients; c != NULL; c = client_next(c))
            client_close(c);
    if (s->drain == DRAIN_ANSWERS && s->clients == NULL)
        end_loop(s);
}

/* ---- what the loop calls ---- */

static void
on_sweep(uv_timer_t *t)
{
    struct server *s = t->data;
    uint64_t now = uv_now(&s->loop);

    reply_date((int64_t)time(NULL), s->date);
    for (struct client *c = s->clients, *next; c != NULL; c = next) {
        next = client_next(c);
        client_sweep(c, now);
    }
    if (s->drain != DRAIN_NOT)
        go_on_draining(s, now);
}

static void
on_tick(void *arg, uint64_t now)
{
    answer_ticking(arg, now);
}

void
server_tick(struct server *s)
{
    /* Without a clock they would wait for ever. */
    if (tick_arm(&s->tick) != RES_OK)
        answer_ticking(s, UINT64_MAX);
}

static void
on_wake(uv_async_t *a)
{
    struct server *s = a->data;
    bool stop;

    take_finished(s);
    pthread_mutex_lock(&s->lock);
    stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    if (stop)
        begin_drain(s);
}

static void
on_signal(uv_signal_t *h, int number)
{
    struct server *s = h->data;

    if (number != SIGHUP)
        begin_drain(s);
    else if (s->options.hooks.hangup != NULL)
        s->options.hooks.hangup(s->options.hooks.app);
}

/* ---- life ---- */

static enum result
make_thread(struct server *s)
{
    struct thread *t = &s->threads[s->thread_count];
    enum result r = gzip_new(&t->gzip);

    if (r != RES_OK)
        return r;
    buf_init(&t->scratch, HTTP_ANSWER_MAX);
    if (s->options.hooks.thread_new != NULL)
        r = s->options.hooks.thread_new(s->options.hooks.app, &t->own);
    if (r != RES_OK) {
        gzip_free(t->gzip);
        return r;
    }
    s->thread_count++;
    return RES_OK;
}

static void
free_threads(struct server *s)
{
    while (s->thread_count > 0) {
        struct thread *t = &s->threads[--s->thread_count];

        if (s->options.hooks.thread_free != NULL)
            s->options.hooks.thread_free(s->options.hooks.app, t->own);
        gzip_free(t->gzip);
        buf_release(&t->scratch);
    }
}

static enum result
make_handles(struct server *s)
{
    static const int numbers[3] = {SIGTERM, SIGINT, SIGHUP};

    if (tick_open(&s->tick, &s->loop, HTTP_TICK_NS, on_tick, s) != RES_OK ||
        uv_timer_init(&s->loop, &s->sweep) != 0 || uv_async_init(&s->loop, &s->wake, on_wake) != 0)
        return RES_IO;
    s->sweep.data = s;
    s->wake.data = s;
    uv_timer_start(&s->sweep, on_sweep, HTTP_SWEEP_MS, HTTP_SWEEP_MS);
    for (int i = 0; s->options.signals && i < 3; i++) {
        if (uv_signal_init(&s->loop, &s->signal[i]) != 0)
            return RES_IO;
        s->signal[i].data = s;
        if (uv_signal_start(&s->signal[i], on_signal, numbers[i]) != 0)
            return RES_IO;
    }
    return RES_OK;
}

static enum result
open_listener(struct server *s, const char **why)
{
    struct listener_options o = {
        .listen = s->options.listen,
        .insecure = s->options.insecure,
        .connections = s->options.connections,
        .full = span_str(full_text),
        .no_descriptor = span_str(no_descriptor_text),
        .make_room = on_full,
        .accepted = on_accepted,
        .turned_away = on_turned_away,
        .arg = s,
    };

    return listener_open(&s->loop, &o, &s->listener, why);
}

static enum result
start(struct server *s, const char **why)
{
    unsigned workers = s->options.workers;
    enum result r = RES_OK;

    r = rate_new(s->options.client_rate, s->options.client_rate == 0 ? 1 : s->options.client_burst,
                 HTTP_CLIENTS_MAX, &s->rate);
    if (r == RES_OK)
        r = rate_new(s->options.lookup_rate,
                     s->options.lookup_rate == 0 ? 1 : s->options.lookup_burst, HTTP_CLIENTS_MAX,
                     &s->lookups);
    if (r != RES_OK)
        return r;
    if (uv_loop_init(&s->loop) != 0)
        return RES_IO;
    s->loop_made = true;
    r = make_handles(s);
    if (r == RES_OK)
        r = open_listener(s, why);
    for (unsigned i = 0; r == RES_OK && i < workers + 1; i++)
        r = make_thread(s);
    if (r == RES_OK)
        r = workers_start(s->threads, workers, HTTP_JOBS_MAX, &s->workers);
    return r;
}

enum result
server_new(const struct server_options *options, struct server **ret, const char **why)
{
    struct server *s = calloc(1, sizeof *s);
    enum result r;

    if (s == NULL)
        return RES_MEMORY;
    *why = "";
    s->options = *options;
    if (s->options.held_max == 0)
        s->options.held_max = HTTP_HELD_MAX;
    if (s->options.workers < 1)
        s->options.workers = 1;
    if (s->options.workers > HTTP_WORKERS_MAX)
        s->options.workers = HTTP_WORKERS_MAX;
    s->bodies = (struct room){
        .max = options->bodies_max != 0 ? options->bodies_max : HTTP_BODIES_MAX,
        .evict = client_evict,
        .arg = s,
    };
    s->conn_options = (struct conn_options){.body_max = answer_body_max,
                                            .room = &s->bodies,
                                            .head_ms = options->head_ms,
                                            .body_ms = options->body_ms,
                                            .idle_ms = options->idle_ms};
    pthread_mutex_init(&s->lock, NULL);
    reply_date((int64_t)time(NULL), s->date);
    r = start(s, why);
    if (r != RES_OK) {
        server_free(s);
        return r;
    }
    *ret = s;
    return RES_OK;
}

const char *
server_address(const struct server *s)
{
    return listener_address(s->listener);
}

void
server_run(struct server *s)
{
    /* A peer that has gone is an error of write, not a signal. */
    signal(SIGPIPE, SIG_IGN);
    uv_run(&s->loop, UV_RUN_DEFAULT);
}

void
server_stop(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_mutex_unlock(&s->lock);
    uv_async_send(&s->wake);
}

const struct metrics *
server_metrics(struct server *s)
{
    size_t asking = rate_keys(s->rate), looking_up = rate_keys(s->lookups);

    s->metrics.bodies = s->bodies.held;
    /* Who looks up is in both when both are limited. */
    s->metrics.networks = asking > looking_up ? asking : looking_up;
    return &s->metrics;
}

const struct routes *
server_routes(const struct server *s)
{
    return &s->options.routes;
}

static void
close_handle(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

void
server_free(struct server *s)
{
    if (s == NULL)
        return;
    if (s->workers != NULL)
        workers_stop(s->workers);
    if (s->listener != NULL)
        listener_stop(s->listener);
    if (s->loop_made) {
        /* Nothing is left after server_run; before it, the handles of a server that never ran. */
        uv_walk(&s->loop, close_handle, NULL);
        uv_run(&s->loop, UV_RUN_DEFAULT);
        uv_loop_close(&s->loop);
        tick_release(&s->tick);
    }
    listener_free(s->listener);
    workers_free(s->workers);
    free_threads(s);
    rate_free(s->rate);
    rate_free(s->lookups);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
