#include "log/directory/outputs.h"

/* Below this many a thread costs more than it saves. */
#define SMALL 8

/* A change to make the output of; NULL when there is no more. */
static struct change *
take(struct outputs *o)
{
    struct change *ret = NULL;

    (void)pthread_mutex_lock(&o->lock);
    while (o->next == o->n && !o->all)
        (void)pthread_cond_wait(&o->offered, &o->lock);
    if (o->next < o->n && o->failed == RES_OK)
        ret = &o->at[o->next++];
    (void)pthread_mutex_unlock(&o->lock);
    return ret;
}

static void
fail(struct outputs *o, enum result rc)
{
    (void)pthread_mutex_lock(&o->lock);
    if (o->failed == RES_OK)
        o->failed = rc;
    (void)pthread_mutex_unlock(&o->lock);
}

static void *
run(void *arg)
{
    struct outputs *o = arg;
    struct change *c;

    while ((c = take(o)) != NULL) {
        enum result rc = RES_OK;

        if (!c->has_output)
            rc = signer_vrf_output(o->signer, span_of(c->label.b, c->label.n), c->version,
                                   &c->output);
        c->has_output = rc == RES_OK;
        if (rc != RES_OK)
            fail(o, rc);
    }
    return NULL;
}

void
outputs_begin(struct outputs *o, const struct signer *s, struct change *at, size_t most,
              unsigned threads)
{
    *o = (struct outputs){.signer = s, .at = at, .failed = RES_OK};
    (void)pthread_mutex_init(&o->lock, NULL);
    (void)pthread_cond_init(&o->offered, NULL);
    while (most >= SMALL && o->threads < threads && o->threads < OUTPUTS_THREADS_MAX &&
           pthread_create(&o->thread[o->threads], NULL, run, o) == 0)
        o->threads++;
}

void
outputs_offer(struct outputs *o, size_t n)
{
    (void)pthread_mutex_lock(&o->lock);
    o->n = n;
    (void)pthread_cond_signal(&o->offered);
    (void)pthread_mutex_unlock(&o->lock);
}

enum result
outputs_end(struct outputs *o, bool abandon)
{
    (void)pthread_mutex_lock(&o->lock);
    o->all = true;
    if (abandon)
        o->n = o->next;
    (void)pthread_cond_broadcast(&o->offered);
    (void)pthread_mutex_unlock(&o->lock);
    (void)run(o);
    while (o->threads > 0)
        (void)pthread_join(o->thread[--o->threads], NULL);
    (void)pthread_cond_destroy(&o->offered);
    (void)pthread_mutex_destroy(&o->lock);
    return o->failed;
}

enum result
outputs_make(const struct signer *s, struct change *at, size_t n, unsigned threads)
{
    struct outputs o;

    outputs_begin(&o, s, at, n, threads);
    outputs_offer(&o, n);
    return outputs_end(&o, false);
}
