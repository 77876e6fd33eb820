#include "log/directory/builder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/directory/bindings.h"

/* Kept from the time in which an epoch must be there: for the scheduler. */
#define MARGIN_MS 50
/* Wait after what may pass: no memory. */
#define RETRY_MS 1000

struct proofs {
    struct epoch_proof *at;
    size_t n, cap;
};

struct builder {
    struct builder_parts parts;
    struct buf recipe; /* scratch */
    uint64_t took_ms;  /* the last epoch; the thread's own */
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* guards all below: what other threads hand over */
    pthread_cond_t changed;
    bool stop, failed;
    uint64_t size;      /* of the certificate log */
    uint64_t cut;       /* what the epoch under way, or the last one, covers */
    uint64_t first;     /* when the first entry beyond cut was committed; 0: there is none */
    uint64_t under_way; /* when the first that the epoch under way covers was; 0: there is none */
    struct proofs proofs;
    uint64_t proofs_since; /* when the first of them came */
};

static uint64_t
steady_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + 1;
}

enum result
builder_new(const struct builder_parts *parts, struct builder **ret)
{
    struct builder *b = calloc(1, sizeof(*b));
    pthread_condattr_t attr;

    if (b == NULL)
        return RES_MEMORY;
    b->parts = *parts;
    b->recipe = BUF_INIT(RECIPE_MAX + 64);
    (void)pthread_mutex_init(&b->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&b->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    b->cut = b->size = epoch_newest(parts->epoch)->certificates;
    *ret = b;
    return RES_OK;
}

static void
drop_proofs(struct proofs *p)
{
    for (size_t i = 0; i < p->n; i++)
        free((void *)(uintptr_t)p->at[i].steps.p);
    free(p->at);
    *p = (struct proofs){0};
}

void
builder_free(struct builder *b)
{
    if (b == NULL)
        return;
    drop_proofs(&b->proofs);
    buf_release(&b->recipe);
    (void)pthread_cond_destroy(&b->changed);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}

/* ---- handed over by others ---- */

void
builder_wake(struct builder *b, uint64_t size)
{
    (void)pthread_mutex_lock(&b->lock);
    if (size > b->size)
        b->size = size;
    if (b->size > b->cut && b->first == 0) {
        b->first = steady_ms();
        (void)pthread_cond_signal(&b->changed);
    } else if (b->size >= b->cut + BUILDER_ENTRIES) {
        (void)pthread_cond_signal(&b->changed);
    }
    (void)pthread_mutex_unlock(&b->lock);
}

uint64_t
builder_lag(struct builder *b)
{
    (void)pthread_mutex_lock(&b->lock);
    uint64_t first = b->under_way != 0 ? b->under_way : b->first;
    (void)pthread_mutex_unlock(&b->lock);
    return first == 0 ? 0 : steady_ms() - first;
}

static enum result
push_proof(struct proofs *p, uint64_t seq, struct span steps)
{
    if (p->n == p->cap) {
        size_t cap = p->cap == 0 ? 64 : 2 * p->cap;
        struct epoch_proof *at = realloc(p->at, cap * sizeof(*at));

        if (at == NULL)
            return RES_MEMORY;
        p->at = at;
        p->cap = cap;
    }
    uint8_t *copy = malloc(steps.n + 1);
    if (copy == NULL)
        return RES_MEMORY;
    memcpy(copy, steps.p, steps.n);
    p->at[p->n++] = (struct epoch_proof){seq, span_of(copy, steps.n)};
    return RES_OK;
}

enum result
builder_add_proofs(struct builder *b, uint64_t seq, struct span steps)
{
    enum result rc = RES_BUSY;

    (void)pthread_mutex_lock(&b->lock);
    if (b->proofs.n < BUILDER_PROOFS)
        rc = push_proof(&b->proofs, seq, steps);
    if (rc == RES_OK && b->proofs.n == 1)
        b->proofs_since = steady_ms();
    if (rc == RES_OK && (b->proofs.n == 1 || b->proofs.n == BUILDER_PROOFS))
        (void)pthread_cond_signal(&b->changed);
    (void)pthread_mutex_unlock(&b->lock);
    return rc;
}

static struct proofs
take_proofs(struct builder *b)
{
    (void)pthread_mutex_lock(&b->lock);
    struct proofs p = b->proofs;
    b->proofs = (struct proofs){0};
    (void)pthread_mutex_unlock(&b->lock);
    return p;
}

/* Those that an epoch takes along. */
static struct proofs
take_many_proofs(struct builder *b)
{
    struct proofs none = {0};

    (void)pthread_mutex_lock(&b->lock);
    bool few = b->proofs.n < BUILDER_PROOFS_TOGETHER &&
               steady_ms() < b->proofs_since + BUILDER_PROOFS_MS - BUILDER_CLOSE_MS;
    (void)pthread_mutex_unlock(&b->lock);
    return few ? none : take_proofs(b);
}

/* After a failure that may pass.  When others have come, these are made again when they are needed.
 */
static void
give_proofs_back(struct builder *b, struct proofs *p)
{
    (void)pthread_mutex_lock(&b->lock);
    if (b->proofs.n == 0) {
        drop_proofs(&b->proofs);
        b->proofs = *p;
        *p = (struct proofs){0};
    }
    (void)pthread_mutex_unlock(&b->lock);
    drop_proofs(p);
}

/* ---- one epoch ---- */

/* The bindings as they are now, when they are not those that held. */
static enum result
act_of_bindings(struct builder *b, const struct bindings *now, struct recipe *q, struct buf *acts)
{
    struct writer w = writer_to(acts);

    if (span_equal(buf_span(&now->body), epoch_bindings(b->parts.epoch)))
        return RES_OK;
    act_put(&w, &(struct act){ACT_BINDINGS, buf_span(&now->body)});
    q->acts_n++;
    return writer_end(&w);
}

/* A recipe for now, made durable; with one more act, unless NULL. */
static enum result
write_recipe(struct builder *b, builder_act *more, void *arg)
{
    struct epoch *e = b->parts.epoch;
    struct bindings now = BINDINGS_INIT;
    struct buf acts = BUF_INIT(RECIPE_MAX);
    struct roots *roots = b->parts.roots(b->parts.arg);
    struct recipe q = {.number = epoch_size(e), .timestamp = b->parts.now_ms()};
    struct store_head head;
    enum result rc = bindings_of(&now, roots);

    roots_unref(roots);
    b->parts.head(b->parts.arg, &head);
    if (q.timestamp < epoch_newest(e)->timestamp)
        q.timestamp = epoch_newest(e)->timestamp;
    q.certificates = head.size;
    q.certificates_root = head.root;
    hash_empty(&q.crls_root);
    if (head.size == 0)
        hash_empty(&q.certificates_root);
    if (rc == RES_OK)
        rc = act_of_bindings(b, &now, &q, &acts);
    if (rc == RES_OK && more != NULL) {
        rc = more(arg, q.timestamp, &acts);
        q.acts_n++;
    }
    q.acts = buf_span(&acts);
    if (rc == RES_OK)
        rc = recipes_append(b->parts.recipes, &q);
    bindings_release(&now);
    buf_release(&acts);
    return rc;
}

/* An epoch begins that covers so many entries. */
static void
begin_cut(struct builder *b, uint64_t certificates)
{
    (void)pthread_mutex_lock(&b->lock);
    b->under_way = b->first;
    b->cut = certificates;
    if (b->size < certificates)
        b->size = certificates;
    /* Entries beyond it, if any, came a moment ago. */
    b->first = b->size > b->cut ? steady_ms() : 0;
    (void)pthread_mutex_unlock(&b->lock);
}

static void
end_cut(struct builder *b)
{
    (void)pthread_mutex_lock(&b->lock);
    b->under_way = 0;
    (void)pthread_mutex_unlock(&b->lock);
}

/* It came to nothing: what it was to cover waits as before. */
static void
undo_cut(struct builder *b)
{
    (void)pthread_mutex_lock(&b->lock);
    b->cut = epoch_newest(b->parts.epoch)->certificates;
    if (b->under_way != 0)
        b->first = b->under_way;
    else if (b->size > b->cut && b->first == 0)
        b->first = steady_ms();
    b->under_way = 0;
    (void)pthread_mutex_unlock(&b->lock);
}

/* Follows the recipe at the cursor. */
static enum result
follow(struct builder *b, const struct recipe *q, bool *ret_fatal)
{
    struct recipes *recipes = b->parts.recipes;
    struct proofs proofs = take_many_proofs(b);
    bool committed;
    enum result rc =
        epoch_run(b->parts.epoch, q, recipes_offset(recipes), proofs.at, proofs.n, &committed);

    *ret_fatal = rc != RES_OK && (committed || rc != RES_MEMORY);
    if (rc == RES_OK || *ret_fatal)
        drop_proofs(&proofs);
    else
        give_proofs_back(b, &proofs);
    return rc == RES_OK ? recipes_pass(recipes) : rc;
}

enum result
builder_turn(struct builder *b, bool *ret_fatal)
{
    uint64_t began = steady_ms();
    struct recipe q;

    *ret_fatal = false;
    enum result rc = recipes_next(b->parts.recipes, &b->recipe, &q);
    if (rc == RES_ABSENT) {
        rc = write_recipe(b, NULL, NULL);
        *ret_fatal = rc == RES_IO;
        if (rc == RES_OK)
            rc = recipes_next(b->parts.recipes, &b->recipe, &q);
    }
    /* It would write to the certificate log's store beside its one writer: the next start does it.
     */
    if (rc == RES_OK && b->started && recipe_erases(&q)) {
        *ret_fatal = true;
        rc = RES_BUSY;
    }
    if (rc != RES_OK)
        return rc;
    begin_cut(b, q.certificates);
    rc = follow(b, &q, ret_fatal);
    if (rc != RES_OK) {
        undo_cut(b);
        return rc;
    }
    end_cut(b);
    b->took_ms = steady_ms() - began;
    b->parts.closed(b->parts.arg, b->took_ms);
    return RES_OK;
}

enum result
builder_turn_with(struct builder *b, builder_act *act, void *arg, bool *ret_fatal)
{
    struct recipe q;
    enum result rc = recipes_next(b->parts.recipes, &b->recipe, &q);

    *ret_fatal = false;
    if (rc != RES_ABSENT)
        return rc == RES_OK ? RES_BUSY : rc;
    rc = write_recipe(b, act, arg);
    *ret_fatal = rc == RES_IO;
    return rc == RES_OK ? builder_turn(b, ret_fatal) : rc;
}

/* ---- the thread ---- */

enum due { DUE_NOTHING, DUE_EPOCH, DUE_PROOFS };

/* What is due now; *ret_wait: how long until something is.  Holds the lock. */
static enum due
look(struct builder *b, uint64_t *ret_wait)
{
    uint64_t now = steady_ms(), idle = b->parts.now_ms(), close = BUILDER_CLOSE_MS;
    uint64_t last = epoch_newest(b->parts.epoch)->timestamp;

    *ret_wait = idle < last + BUILDER_HEARTBEAT_MS ? last + BUILDER_HEARTBEAT_MS - idle : 0;
    if (*ret_wait > BUILDER_HEARTBEAT_MS)
        *ret_wait = BUILDER_HEARTBEAT_MS; /* the clock went back */
    if (*ret_wait == 0 || b->size >= b->cut + BUILDER_ENTRIES)
        return DUE_EPOCH;
    close -= b->took_ms + MARGIN_MS < close ? b->took_ms + MARGIN_MS : close;
    if (b->first != 0 && now >= b->first + close)
        return DUE_EPOCH;
    if (b->proofs.n >= BUILDER_PROOFS ||
        (b->proofs.n > 0 && b->first == 0 && now >= b->proofs_since + BUILDER_PROOFS_MS))
        return DUE_PROOFS;
    if (b->first != 0 && *ret_wait > b->first + close - now)
        *ret_wait = b->first + close - now;
    else if (b->proofs.n > 0 && b->first == 0 && *ret_wait > BUILDER_PROOFS_MS)
        *ret_wait = BUILDER_PROOFS_MS;
    return DUE_NOTHING;
}

static void
wait_for(struct builder *b, uint64_t ms)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&b->changed, &b->lock, &t);
}

/* Waits until something is due; false when the thread is to end. */
static bool
next_due(struct builder *b, enum due *ret)
{
    uint64_t wait;

    (void)pthread_mutex_lock(&b->lock);
    while (!b->stop && (*ret = look(b, &wait)) == DUE_NOTHING)
        wait_for(b, wait);
    bool go_on = !b->stop;
    (void)pthread_mutex_unlock(&b->lock);
    return go_on;
}

static enum result
commit_proofs(struct builder *b, bool *ret_fatal)
{
    struct proofs proofs = take_proofs(b);
    enum result rc = epoch_proofs(b->parts.epoch, proofs.at, proofs.n, ret_fatal);

    *ret_fatal = rc != RES_OK && (*ret_fatal || rc != RES_MEMORY);
    if (rc == RES_OK || *ret_fatal)
        drop_proofs(&proofs);
    else
        give_proofs_back(b, &proofs);
    if (rc == RES_OK)
        b->parts.closed(b->parts.arg, 0);
    return rc;
}

/* False when the thread must end. */
static bool
act(struct builder *b, enum due due)
{
    bool fatal;
    enum result rc = due == DUE_EPOCH ? builder_turn(b, &fatal) : commit_proofs(b, &fatal);

    if (rc == RES_OK)
        return true;
    if (!fatal && rc == RES_MEMORY) {
        (void)pthread_mutex_lock(&b->lock);
        wait_for(b, RETRY_MS);
        (void)pthread_mutex_unlock(&b->lock);
        return true;
    }
    (void)pthread_mutex_lock(&b->lock);
    b->failed = true;
    (void)pthread_mutex_unlock(&b->lock);
    b->parts.halted(b->parts.arg, rc, due == DUE_EPOCH ? "directory-epoch" : "directory-proofs");
    return false;
}

static void *
run(void *arg)
{
    struct builder *b = arg;
    enum due due;

    while (next_due(b, &due))
        if (!act(b, due))
            return NULL;
    if (b->size > b->cut) /* nobody adds any more */
        (void)act(b, DUE_EPOCH);
    if (b->proofs.n > 0 && !b->failed)
        (void)act(b, DUE_PROOFS);
    return NULL;
}

enum result
builder_start(struct builder *b)
{
    struct store_head head;

    /* What was promised before a crash is due now, whether or not anything follows it. */
    b->parts.head(b->parts.arg, &head);
    builder_wake(b, head.size);
    b->started = true; /* before the thread, which reads it */
    if (pthread_create(&b->thread, NULL, run, b) == 0)
        return RES_OK;
    b->started = false;
    return RES_MEMORY;
}

void
builder_stop(struct builder *b)
{
    if (!b->started)
        return;
    (void)pthread_mutex_lock(&b->lock);
    b->stop = true;
    (void)pthread_cond_signal(&b->changed);
    (void)pthread_mutex_unlock(&b->lock);
    (void)pthread_join(b->thread, NULL);
    b->started = false;
}
