#include "log/directory/prover.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* How long it waits when the builder has enough. */
#define PAUSE_NS 20000000

struct prover {
    struct shelf_view *view;
    struct keyring *keys;
    struct proofs *proofs;
    struct builder *builder;
    pthread_t thread;
    bool started;
    _Atomic uint64_t done;

    pthread_mutex_t lock; /* guards the next two */
    pthread_cond_t changed;
    bool stop;
    uint64_t rows;
};

enum result
prover_new(struct shelf *s, struct keyring *k, struct proofs *proofs, struct builder *b,
           struct prover **ret)
{
    struct prover *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return RES_MEMORY;
    p->keys = k;
    p->proofs = proofs;
    p->builder = b;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    enum result rc = shelf_view_new(s, &p->view);
    if (rc != RES_OK) {
        prover_free(p);
        return rc;
    }
    *ret = p;
    return RES_OK;
}

void
prover_free(struct prover *p)
{
    if (p == NULL)
        return;
    shelf_view_free(p->view);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

static bool
stopping(struct prover *p)
{
    (void)pthread_mutex_lock(&p->lock);
    bool stop = p->stop;
    (void)pthread_mutex_unlock(&p->lock);
    return stop;
}

/* Hands it over; false when it is to stop. */
static bool
hand_over(struct prover *p, uint64_t seq, struct span record)
{
    while (builder_add_proofs(p->builder, seq, record) != RES_OK) {
        const struct timespec pause = {0, PAUSE_NS};
        if (stopping(p))
            return false;
        (void)nanosleep(&pause, NULL);
    }
    proofs_keep(p->proofs, seq, record);
    return true;
}

/* What is to be proved of row seq; false when nothing is. */
static bool
needed(struct prover *p, uint64_t seq, struct version_row *row, struct label *label)
{
    uint32_t steps[LADDER_STEPS_MAX];
    struct span stored;
    uint64_t number;
    bool needs = shelf_view_begin(p->view) == RES_OK;

    if (!needs)
        return false;
    needs = shelf_get_version(p->view, seq, row) == RES_OK && steps_of(row->version, steps) > 0 &&
            shelf_get_proofs(p->view, seq, &stored) == RES_ABSENT &&
            versions_label(p->view, p->keys, row->label, label, &number) == RES_OK;
    shelf_view_end(p->view);
    return needs;
}

/* Makes the record of row seq, unless it stands; false when it is to stop. */
static bool
prove(struct prover *p, uint64_t seq)
{
    uint8_t record[PROOF_RECORD_MAX];
    struct version_row row;
    struct label label;
    size_t n = 0;

    if (!needed(p, seq, &row, &label) || proofs_get(p->proofs, seq, record, &n))
        return true;
    /* What fails here is made when it is needed, and is told there. */
    if (proofs_make(p->proofs, span_of(label.b, label.n), row.version, record, &n) != RES_OK)
        return true;
    return hand_over(p, seq, span_of(record, n));
}

static void *
run(void *arg)
{
    const struct sched_param none = {0};
    struct prover *p = arg;
    uint64_t next = 0;

    (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
    for (;;) {
        (void)pthread_mutex_lock(&p->lock);
        while (!p->stop && next >= p->rows)
            (void)pthread_cond_wait(&p->changed, &p->lock);
        bool stop = p->stop;
        (void)pthread_mutex_unlock(&p->lock);
        if (stop || !prove(p, next))
            return NULL;
        atomic_store(&p->done, ++next);
    }
}

enum result
prover_start(struct prover *p)
{
    if (pthread_create(&p->thread, NULL, run, p) != 0)
        return RES_MEMORY;
    p->started = true;
    return RES_OK;
}

void
prover_stop(struct prover *p)
{
    if (!p->started)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_cond_signal(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    p->started = false;
}

void
prover_wake(struct prover *p, uint64_t rows)
{
    (void)pthread_mutex_lock(&p->lock);
    p->rows = rows;
    (void)pthread_cond_signal(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
}

uint64_t
prover_done(const struct prover *p)
{
    return atomic_load(&p->done);
}
