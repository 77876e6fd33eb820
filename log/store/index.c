#include "log/store/index.h"
#include "log/store/merger.h"
#include "log/store/recent.h"
#include "log/store/runs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Full units that may wait for the background thread: 6 MB. */
#define BEHIND_MAX 64
/* Readers kept for the next look-up; there are about as many as threads. */
#define IDLE_MAX 64

struct index {
    struct lmdb *env;
    pthread_t thread;
    struct merger
        *merger; /* the background thread's; NULL when read_only, then there is no thread */

    /*
     * Guards all below.  Never held during I/O.  An entry leaves the queue only after the commit of
     * a run that covers it: who looks into the queue first and then begins a snapshot meets every
     * entry at least once.
     */
    pthread_mutex_t lock;
    pthread_cond_t work; /* a unit is full, or stop */
    pthread_cond_t room; /* a unit is gone, or failed */
    struct recent recent;
    uint64_t next;  /* the entry to be added next */
    uint64_t units; /* covered on disk */
    enum result failed;
    bool stop;
    struct lmdb_txn *idle[IDLE_MAX];
    unsigned idle_n;
};

/* ---- the background thread ---- */

/* The next full unit; NULL when the thread is to stop. */
static struct unit *
wait_for_unit(struct index *x)
{
    struct unit *u;
    pthread_mutex_lock(&x->lock);
    while ((u = recent_full(&x->recent)) == NULL && !x->stop)
        pthread_cond_wait(&x->work, &x->lock);
    if (x->stop)
        u = NULL;
    pthread_mutex_unlock(&x->lock);
    return u;
}

/* Lets go of the unit that the runs cover now, if one more is covered; returns whether to go on. */
static bool
after_step(struct index *x)
{
    pthread_mutex_lock(&x->lock);
    if (x->units < x->merger->units) {
        x->units = x->merger->units;
        recent_drop_first(&x->recent);
        pthread_cond_broadcast(&x->room);
    }
    bool go_on = !x->stop;
    pthread_mutex_unlock(&x->lock);
    return go_on;
}

static enum result
merge_until_stopped(struct index *x)
{
    for (;;) {
        if (x->merger->state == MERGER_IDLE) {
            struct unit *u = wait_for_unit(x);
            if (u == NULL)
                return RES_OK;
            merger_begin(x->merger, u);
        }
        enum result r = merger_step(x->merger);
        if (r != RES_OK)
            return r;
        if (!after_step(x))
            return RES_OK;
    }
}

static void *
background(void *arg)
{
    struct index *x = arg;
    enum result r = merge_until_stopped(x);
    if (r == RES_OK)
        return NULL;
    if (r == RES_STORE_DAMAGED && runs_condemn(x->env) != RES_OK)
        r = RES_IO;
    pthread_mutex_lock(&x->lock);
    x->failed = r;
    pthread_cond_broadcast(&x->room);
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

/* ---- life ---- */

enum result
index_remove(const char *path)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[4096];
        if ((size_t)snprintf(name, sizeof(name), "%s/%s", path, names[i]) >= sizeof(name))
            return RES_IO;
        if (unlink(name) != 0 && errno != ENOENT)
            return RES_IO;
    }
    return RES_OK;
}

static enum result
open_or_begin_anew(const struct index_options *o, struct lmdb **ret, uint64_t *ret_units)
{
    if (o->read_only)
        return runs_open(o, ret, ret_units);
    if (mkdir(o->path, 0700) != 0 && errno != EEXIST)
        return RES_IO;
    enum result r = runs_open(o, ret, ret_units);
    if (r != RES_STORE_DAMAGED)
        return r;
    r = index_remove(o->path);
    return r == RES_OK ? runs_open(o, ret, ret_units) : r;
}

static enum result
start(struct index *x)
{
    if (pthread_mutex_init(&x->lock, NULL) != 0)
        return RES_MEMORY;
    if (pthread_cond_init(&x->work, NULL) == 0) {
        if (pthread_cond_init(&x->room, NULL) == 0) {
            if (x->merger == NULL || pthread_create(&x->thread, NULL, background, x) == 0)
                return RES_OK;
            pthread_cond_destroy(&x->room);
        }
        pthread_cond_destroy(&x->work);
    }
    pthread_mutex_destroy(&x->lock);
    return RES_MEMORY;
}

static void
release(struct index *x)
{
    for (unsigned i = 0; i < x->idle_n; i++)
        lmdb_reader_free(x->idle[i]);
    merger_free(x->merger);
    recent_release(&x->recent);
    lmdb_close(x->env);
    free(x);
}

enum result
index_open(const struct index_options *o, uint64_t *ret_covered, struct index **ret)
{
    struct index *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return RES_MEMORY;
    x->recent = RECENT_INIT;
    x->failed = RES_OK;
    enum result r = open_or_begin_anew(o, &x->env, &x->units);
    if (r == RES_OK && !o->read_only)
        r = merger_new(x->env, x->units, &x->merger);
    x->next = x->units * INDEX_UNIT;
    uint64_t covered = x->next;
    if (r == RES_OK)
        r = start(x);
    if (r != RES_OK) {
        release(x);
        return r;
    }
    *ret_covered = covered;
    *ret = x;
    return RES_OK;
}

void
index_close(struct index *x)
{
    if (x == NULL)
        return;
    pthread_mutex_lock(&x->lock);
    x->stop = true;
    pthread_cond_broadcast(&x->work);
    pthread_mutex_unlock(&x->lock);
    if (x->merger != NULL)
        pthread_join(x->thread, NULL);
    pthread_cond_destroy(&x->work);
    pthread_cond_destroy(&x->room);
    pthread_mutex_destroy(&x->lock);
    release(x);
}

/* ---- adding and finding ---- */

enum result
index_add(struct index *x, uint64_t index, const struct hash keys[static INDEX_MAPS])
{
    assert(index <= RECORD_INDEX_MAX && x->merger != NULL);
    pthread_mutex_lock(&x->lock);
    assert(index == x->next);
    while (x->recent.count > BEHIND_MAX && recent_full(&x->recent) != NULL &&
           x->recent.last->n == INDEX_UNIT && x->failed == RES_OK)
        pthread_cond_wait(&x->room, &x->lock);
    enum result r = x->failed == RES_OK ? recent_add(&x->recent, index, keys) : RES_IO;
    if (r == RES_OK) {
        x->next++;
        if (x->recent.last->n == INDEX_UNIT)
            pthread_cond_signal(&x->work);
    }
    pthread_mutex_unlock(&x->lock);
    return r;
}

/* Takes a reader that is not in use; NULL when there is none.  Requires the lock. */
static struct lmdb_txn *
take_idle(struct index *x)
{
    return x->idle_n > 0 ? x->idle[--x->idle_n] : NULL;
}

/* Begins a snapshot with *t, or with a new reader when that is NULL. */
static enum result
renew(struct index *x, struct lmdb_txn **t)
{
    enum result r = *t == NULL ? lmdb_reader_new(x->env, t) : RES_OK;
    return r == RES_OK ? lmdb_reader_renew(*t) : r;
}

static void
give_back(struct index *x, struct lmdb_txn *t)
{
    pthread_mutex_lock(&x->lock);
    bool kept = x->idle_n < IDLE_MAX;
    if (kept)
        x->idle[x->idle_n++] = t;
    pthread_mutex_unlock(&x->lock);
    if (!kept)
        lmdb_reader_free(t);
}

/* The chunk of the live run of that level in which prefix would stand; false when there is no such
 * run. */
static enum result
chunk_for(struct lmdb_txn *t, enum index_map map, uint64_t units, unsigned level, uint64_t prefix,
          struct chunk *ret, bool *ret_there)
{
    struct chunk_id id = {.map = map, .level = level};
    *ret_there = runs_live(units, level, &id.number);
    if (!*ret_there)
        return RES_OK;
    id.chunk = level == 0 ? 0 : (uint32_t)(prefix >> (64 - level));
    return runs_chunk(t, id, ret);
}

static enum result
find_in_runs(struct lmdb_txn *t, enum index_map map, uint64_t prefix, struct found *f)
{
    uint64_t units;
    enum result r = runs_units(t, &units);
    for (unsigned level = 0; r == RES_OK && units >> level != 0; level++) {
        struct chunk c;
        bool there;
        r = chunk_for(t, map, units, level, prefix, &c, &there);
        if (r != RES_OK || !there)
            continue;
        for (size_t i = chunk_lower(&c, level, prefix); i < c.n; i++) {
            struct record record = chunk_record(&c, i);
            if (record.prefix != prefix)
                break;
            found_add(f, record.index);
        }
    }
    return r;
}

/* The last record of prefix whose index is below: by halving, since one prefix may stand often. */
static bool
newest_in_chunk(const struct chunk *c, unsigned level, uint64_t prefix, uint64_t below,
                uint64_t *ret)
{
    size_t first = chunk_lower(c, level, prefix), lo = first, hi = c->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        struct record record = chunk_record(c, mid);
        if (record.prefix == prefix && record.index < below)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == first)
        return false;
    *ret = chunk_record(c, lo - 1).index;
    return true;
}

/* From the youngest run to the oldest: each covers entries before those of the one before it. */
static enum result
newest_in_runs(struct lmdb_txn *t, enum index_map map, uint64_t prefix, uint64_t below,
               uint64_t *ret)
{
    uint64_t units;
    enum result r = runs_units(t, &units);
    for (unsigned level = 0; r == RES_OK && units >> level != 0; level++) {
        struct chunk c;
        bool there;
        r = chunk_for(t, map, units, level, prefix, &c, &there);
        if (r == RES_OK && there && newest_in_chunk(&c, level, prefix, below, ret))
            return RES_OK;
    }
    return r == RES_OK ? RES_ABSENT : r;
}

enum result
index_find(struct index *x, enum index_map map, const struct hash *key, uint64_t *ret, size_t cap,
           size_t *ret_n)
{
    struct found f = {.at = ret, .cap = cap};
    uint64_t prefix = record_prefix(key);
    /* Memory first: what leaves it has come to the runs before. */
    pthread_mutex_lock(&x->lock);
    recent_find(&x->recent, map, prefix, &f);
    struct lmdb_txn *t = take_idle(x);
    pthread_mutex_unlock(&x->lock);
    enum result r = renew(x, &t);
    if (r == RES_OK) {
        r = find_in_runs(t, map, prefix, &f);
        lmdb_reader_reset(t);
    }
    if (t != NULL)
        give_back(x, t);
    if (r != RES_OK)
        return r;
    *ret_n = f.n;
    return f.more ? RES_TOO_LARGE : RES_OK;
}

enum result
index_find_newest(struct index *x, enum index_map map, const struct hash *key, uint64_t below,
                  uint64_t *ret)
{
    uint64_t prefix = record_prefix(key);
    pthread_mutex_lock(&x->lock);
    bool found = recent_newest(&x->recent, map, prefix, below, ret);
    struct lmdb_txn *t = found ? NULL : take_idle(x);
    pthread_mutex_unlock(&x->lock);
    if (found)
        return RES_OK;
    enum result r = renew(x, &t);
    if (r == RES_OK) {
        r = newest_in_runs(t, map, prefix, below, ret);
        lmdb_reader_reset(t);
    }
    if (t != NULL)
        give_back(x, t);
    return r;
}

/* ---- looking at it ---- */

uint64_t
index_covered(struct index *x)
{
    pthread_mutex_lock(&x->lock);
    uint64_t covered = x->units * INDEX_UNIT;
    pthread_mutex_unlock(&x->lock);
    return covered;
}

enum result
index_check(struct index *x)
{
    struct lmdb_txn *t;
    enum result r = lmdb_reader_new(x->env, &t);
    if (r != RES_OK)
        return r;
    r = lmdb_reader_renew(t);
    if (r == RES_OK)
        r = runs_check(t);
    lmdb_reader_free(t);
    return r;
}

uint64_t
index_bytes(struct index *x)
{
    return lmdb_bytes(x->env);
}
