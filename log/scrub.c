#include "log/scrub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log/audit.h"
#include "log/files.h"
#include "log/guard.h"
#include "merkle/base/text.h"

/* Where it stands is saved at most this often; losing it costs re-reading. */
#define SAVE_SECONDS 60
/* The pace never sleeps longer than this between bundles, so that a growing log is noticed. */
#define PAUSE_MAX_MS 60000

struct scrub {
    struct log *log;
    struct store_view *view;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards stop and the wake-up */
    pthread_cond_t wake;
    bool stop;
    _Atomic uint64_t next, began, previous; /* seconds; see the header */
    _Atomic uint64_t checked, failures;
    uint64_t saved; /* seconds */
    char what[160]; /* the first finding */
};

static uint64_t
now_seconds(void)
{
    return log_now_ms() / 1000;
}

static enum result
path_of(const struct scrub *s, char out[static FILES_PATH_MAX])
{
    return files_path(s->log->config.dir, "scrub", out);
}

/* Cuts a decimal field off the front; false when there is none. */
static bool
take_number(struct span *rest, char end, uint64_t *ret)
{
    const uint8_t *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
    if (!at)
        return false;
    size_t n = (size_t)(at - rest->p);
    bool ok = text_u64(span_of(rest->p, n), UINT64_MAX, ret) == RES_OK;
    *rest = span_of(at + 1, rest->n - n - 1);
    return ok;
}

/* A missing or malformed file begins a pass anew. */
static void
load(struct scrub *s)
{
    char path[FILES_PATH_MAX];
    struct buf in = BUF_INIT(128);
    uint64_t now = now_seconds(), next, began, previous;
    enum result rc = path_of(s, path);
    if (rc == RES_OK)
        rc = files_read(path, &in);
    struct span rest = buf_span(&in);
    if (rc == RES_OK && take_number(&rest, ' ', &next) && take_number(&rest, ' ', &began) &&
        take_number(&rest, '\n', &previous) && rest.n == 0 && began <= now && previous <= began) {
        s->next = next;
        s->began = began;
        s->previous = previous;
    } else {
        s->began = now;
        s->previous = now;
    }
    buf_release(&in);
}

static void
save(struct scrub *s)
{
    char path[FILES_PATH_MAX];
    struct buf out = BUF_INIT(128);
    enum result rc = path_of(s, path);
    if (rc == RES_OK)
        rc = buf_printf(&out, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->next, s->began,
                        s->previous);
    if (rc == RES_OK)
        rc = files_replace(path, buf_span(&out), 0644);
    buf_release(&out);
    if (rc != RES_OK)
        log_line(s->log, "scrub", "cannot-save=%s", result_name(rc));
    s->saved = now_seconds();
}

enum result
scrub_new(struct log *l, struct scrub **ret)
{
    struct scrub *s = calloc(1, sizeof(*s));
    pthread_condattr_t monotonic;
    if (!s)
        return RES_MEMORY;
    s->log = l;
    enum result rc = store_view_new(l->store, &s->view);
    if (rc != RES_OK) {
        free(s);
        return rc;
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    load(s);
    *ret = s;
    return RES_OK;
}

/* Sleeps; returns false when it is time to stop. */
static bool
pause_ms(struct scrub *s, uint64_t ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    int timed_out = 0;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->stop && !timed_out)
        timed_out = pthread_cond_timedwait(&s->wake, &s->lock, &t);
    bool go_on = !s->stop;
    (void)pthread_mutex_unlock(&s->lock);
    return go_on;
}

static void
on_finding(void *arg, const char *where, const char *what)
{
    struct scrub *s = arg;
    if (!s->what[0])
        (void)snprintf(s->what, sizeof(s->what), "%s %s", where, what);
    atomic_fetch_add(&s->failures, 1);
}

/* Audits one bundle in a snapshot of its own. */
static enum result
audit_one(struct scrub *s, uint64_t n)
{
    struct store_head head;
    struct known *sound;
    enum result rc = known_new(&sound);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(s->view);
    if (rc == RES_OK) {
        rc = store_get_head(s->view, &head);
        struct audit a = {.view = s->view,
                          .size = head.size,
                          .key = signer_public(s->log->signer),
                          .sct_every = GUARD_SCT_EVERY,
                          .issuers = sound,
                          .finding = on_finding,
                          .arg = s,
                          .scratch = BUF_INIT(CERT_MAX)};
        if (rc == RES_OK)
            rc = audit_bundle(&a, n);
        buf_release(&a.scratch);
        store_view_end(s->view);
    }
    known_free(sound);
    return rc;
}

static void
next_pass(struct scrub *s)
{
    s->previous = s->began;
    s->began = now_seconds();
    s->next = 0;
}

static void *
loop(void *arg)
{
    struct scrub *s = arg;
    for (;;) {
        struct store_head head;
        log_head(s->log, &head, NULL);
        uint64_t bundles = (head.size + STORE_BUNDLE - 1) / STORE_BUNDLE;
        uint64_t period_ms = s->log->config.scrub_seconds * 1000;
        uint64_t pause = bundles ? period_ms / bundles : PAUSE_MAX_MS;
        if (!pause_ms(s, pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS))
            break;
        /* Slower than one bundle a minute: wait until its share of the period has passed. */
        if (bundles == 0 || (now_seconds() - s->began) * 1000 / (pause ? pause : 1) < s->next)
            continue;
        if (s->next >= bundles) { /* what it stood at was a longer log's */
            next_pass(s);
            continue;
        }
        enum result rc = audit_one(s, s->next);
        if (rc == RES_MEMORY)
            continue; /* says nothing about the disk */
        if (rc != RES_OK || s->what[0]) {
            log_line(s->log, "scrub", "failed=%s bundle=%" PRIu64 " finding=\"%s\"",
                     result_name(rc), s->next, s->what);
            log_halt(s->log, rc == RES_OK ? RES_STORE_DAMAGED : rc, "scrub");
            break;
        }
        uint64_t rest = head.size - s->next * STORE_BUNDLE;
        atomic_fetch_add(&s->checked, rest < STORE_BUNDLE ? rest : STORE_BUNDLE);
        if (++s->next >= bundles)
            next_pass(s);
        if (now_seconds() - s->saved >= SAVE_SECONDS)
            save(s);
    }
    save(s);
    return NULL;
}

enum result
scrub_start(struct scrub *s)
{
    if (pthread_create(&s->thread, NULL, loop, s) != 0)
        return RES_MEMORY;
    s->started = true;
    return RES_OK;
}

void
scrub_stop(struct scrub *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_broadcast(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    if (s->started)
        (void)pthread_join(s->thread, NULL);
    s->started = false;
}

void
scrub_free(struct scrub *s)
{
    if (!s)
        return;
    store_view_free(s->view);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

void
scrub_stats(struct scrub *s, struct log_stats *ret)
{
    uint64_t now = now_seconds();
    ret->scrub_checked = s->checked;
    ret->scrub_failures = s->failures;
    /* What this pass has not reached was last read in the one before, at its beginning at the
     * earliest. */
    ret->scrub_oldest_seconds = ret->size && now > s->previous ? now - s->previous : 0;
}
