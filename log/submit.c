/* Submitting: the chain check in the caller's thread, the duplicate check, the pool. */
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>

#include "log/directory/directory.h"
#include "log/log_private.h"
#include "log/stored.h"

#define CANDIDATES_MAX 16
/* Free space is asked for at most this often. */
#define DISK_CHECK_MS 500

struct log_worker {
    struct log *log;
    struct store_view *view;
};

enum result
log_worker_new(struct log *l, struct log_worker **ret)
{
    struct log_worker *w = calloc(1, sizeof(*w));
    if (!w)
        return RES_MEMORY;
    w->log = l;
    enum result rc = store_view_new(l->store, &w->view);
    if (rc != RES_OK) {
        free(w);
        return rc;
    }
    *ret = w;
    return RES_OK;
}

void
log_worker_free(struct log_worker *w)
{
    if (!w)
        return;
    store_view_free(w->view);
    free(w);
}

static uint64_t
coarse_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + 1;
}

uint64_t
log_disk_free(struct log *l)
{
    uint64_t now = coarse_ms(), last = atomic_load(&l->disk_checked_ms);
    struct statvfs st;
    if ((!last || now - last >= DISK_CHECK_MS) &&
        atomic_compare_exchange_strong(&l->disk_checked_ms, &last, now) &&
        statvfs(l->config.dir, &st) == 0)
        atomic_store(&l->disk_free, (uint64_t)st.f_bavail * st.f_frsize);
    return atomic_load(&l->disk_free);
}

/* Finds the entry among those published.  *checked: below it there is none. */
static enum result
find_published(struct log_worker *w, const struct chain *c, uint64_t *checked,
               struct log_receipt *ret)
{
    struct store_head head;
    uint64_t candidate[CANDIDATES_MAX];
    size_t n;
    log_head(w->log, &head, NULL);
    *checked = head.size;
    enum result rc =
        index_find(w->log->index, INDEX_ENTRY_KEY, &c->key, candidate, CANDIDATES_MAX, &n);
    if (rc != RES_OK)
        return rc;
    if (n == 0)
        return RES_ABSENT;
    rc = store_view_begin(w->view);
    if (rc != RES_OK)
        return rc;
    rc = RES_ABSENT;
    for (size_t i = 0; i < n && rc == RES_ABSENT; i++)
        rc = stored_receipt(w->view, candidate[i], &c->entry, ret);
    store_view_end(w->view);
    return rc;
}

static enum result
queue(struct log_worker *w, const struct chain *c, uint64_t checked, log_receipt_fn *done,
      void *arg)
{
    struct pending *p;
    bool known[CHAIN_MAX];
    for (size_t i = 0; i < c->issuer_count; i++)
        known[i] = known_has(w->log->known, &c->issuer_sha256[i]);
    enum result rc = pending_new(c, known, done, arg, &p);
    if (rc != RES_OK)
        return rc;
    p->checked = checked;
    rc = pool_put(w->log->pool, p);
    if (rc != RES_OK)
        pending_free(p);
    return rc;
}

static enum result
submit(struct log_worker *w, const struct chain *c, log_receipt_fn *done, void *arg)
{
    struct log_receipt receipt;
    uint64_t checked;
    enum result rc = find_published(w, c, &checked, &receipt);
    if (rc == RES_OK) {
        atomic_fetch_add(&w->log->duplicates, 1);
        done(arg, RES_OK, &receipt);
        return RES_OK;
    }
    if (rc != RES_ABSENT)
        return rc;
    /* Only what is new counts: a CA that submits again what it has an SCT for costs next to
     * nothing. */
    rc = rate_take(w->log->rate, &c->issuing_key, coarse_ms());
    if (rc != RES_OK)
        return rc;
    return queue(w, c, checked, done, arg);
}

/* Whether the directory has used up half of the time in which an entry must come into it: what is
 * taken now waits behind what waits already. */
static bool
is_behind(const struct log *l)
{
    return l->directory &&
           directory_lag(l->directory) * 2 > (uint64_t)l->config.directory_delay * 1000;
}

enum result
log_submit(struct log_worker *w, enum entry_type type, const struct span *certs, size_t n,
           log_receipt_fn *done, void *arg, struct chain_refusal *refusal)
{
    struct log *l = w->log;
    struct chain chain = CHAIN_INIT;
    refusal->why = RES_OK;
    refusal->detail[0] = 0;
    (void)log_disk_free(l); /* looks at the disk before something is accepted, not after */
    enum result rc = log_ready(l);
    if (rc == RES_OK && is_behind(l))
        rc = RES_DIRECTORY_BEHIND;
    if (rc == RES_OK) {
        struct roots *roots = log_roots(l);
        rc = chain_accept(&l->config.policy, roots, l->issuers, type, certs, n, &chain, refusal);
        if (rc == RES_OK) {
            rc = submit(w, &chain, done, arg);
            chain_release(&chain);
        }
        roots_unref(roots);
    }
    if (rc != RES_OK)
        atomic_fetch_add(&l->refused[rc], 1);
    return rc;
}
