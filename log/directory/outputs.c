#include "log/directory/outputs.h"

#include <pthread.h>
#include <stdatomic.h>

/* Below this many a thread costs more than it saves. */
#define SMALL 8

struct work {
    const struct signer *signer;
    struct change *at;
    size_t n;
    _Atomic size_t next;
    _Atomic int failed; /* the first error */
};

static void *
run(void *arg)
{
    struct work *w = arg;
    size_t i;

    while ((i = atomic_fetch_add(&w->next, 1)) < w->n && atomic_load(&w->failed) == RES_OK) {
        struct change *c = &w->at[i];
        enum result rc = RES_OK;

        if (!c->has_output)
            rc = signer_vrf_output(w->signer, span_of(c->label.b, c->label.n), c->version,
                                   &c->output);
        c->has_output = rc == RES_OK;
        if (rc != RES_OK)
            atomic_store(&w->failed, (int)rc);
    }
    return NULL;
}

enum result
outputs_make(const struct signer *s, struct change *at, size_t n, unsigned threads)
{
    struct work w = {.signer = s, .at = at, .n = n, .failed = RES_OK};
    pthread_t thread[OUTPUTS_THREADS_MAX];
    unsigned made = 0;

    while (n >= SMALL && made < threads && made < OUTPUTS_THREADS_MAX &&
           pthread_create(&thread[made], NULL, run, &w) == 0)
        made++;
    (void)run(&w);
    while (made > 0)
        (void)pthread_join(thread[--made], NULL);
    return (enum result)atomic_load(&w.failed);
}
