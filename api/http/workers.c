#include "api/http/workers.h"

#include <pthread.h>
#include <stdlib.h>

struct runner {
    pthread_t id;
    struct workers *all;
    struct thread *thread;
};

struct workers {
    pthread_mutex_t lock; /* head, tail, waiting, stop */
    pthread_cond_t work;
    struct exchange *head;
    struct exchange **tail;
    unsigned waiting;
    unsigned queue_max;
    bool stop;
    unsigned n;
    struct runner runner[HTTP_WORKERS_MAX];
};

/* The next job, or NULL: no more will come. */
static struct exchange *
take(struct workers *w)
{
    struct exchange *x;

    pthread_mutex_lock(&w->lock);
    while (w->head == NULL && !w->stop)
        pthread_cond_wait(&w->work, &w->lock);
    x = w->head;
    if (x != NULL) {
        w->head = x->next;
        if (w->head == NULL)
            w->tail = &w->head;
        w->waiting--;
    }
    pthread_mutex_unlock(&w->lock);
    return x;
}

static void *
run(void *arg)
{
    struct runner *me = arg;
    struct exchange *x;

    while ((x = take(me->all)) != NULL) {
        x->next = NULL;
        x->thread = me->thread;
        x->route->handler(x);
    }
    return NULL;
}

enum result
workers_start(struct thread *threads, unsigned n, unsigned queue_max, struct workers **ret)
{
    struct workers *w = calloc(1, sizeof *w);

    if (w == NULL)
        return RES_MEMORY;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    w->tail = &w->head;
    w->queue_max = queue_max;
    for (; w->n < n && w->n < HTTP_WORKERS_MAX; w->n++) {
        struct runner *r = &w->runner[w->n];

        r->all = w;
        r->thread = &threads[w->n];
        if (pthread_create(&r->id, NULL, run, r) != 0) {
            workers_stop(w);
            workers_free(w);
            return RES_MEMORY;
        }
    }
    *ret = w;
    return RES_OK;
}

enum result
workers_add(struct workers *w, struct exchange *x)
{
    enum result r = RES_OK;

    x->next = NULL;
    pthread_mutex_lock(&w->lock);
    if (w->stop) {
        r = RES_DRAINING;
    } else if (w->waiting >= w->queue_max) {
        r = RES_BUSY;
    } else {
        *w->tail = x;
        w->tail = &x->next;
        w->waiting++;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return r;
}

unsigned
workers_waiting(struct workers *w)
{
    unsigned n;

    pthread_mutex_lock(&w->lock);
    n = w->waiting;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void
workers_stop(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n; i++)
        pthread_join(w->runner[i].id, NULL);
    w->n = 0;
}

void
workers_free(struct workers *w)
{
    if (w == NULL)
        return;
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
