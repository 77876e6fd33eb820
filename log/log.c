#include "log/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/directory/directory.h"
#include "log/directory/directory_private.h"
#include "log/log_private.h"
#include "log/marker.h"
#include "log/opening.h"
#include "log/scrub.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/checkpoint.h"

/* Keys and verified pairs of issuers kept: some hundred CAs issue S/MIME certificates. */
#define ISSUERS_CACHED 4096

const double STATS_BUCKET_MS[STATS_BUCKETS] = {0.5, 1, 2, 5, 10, 20, 50, 100, 500, 1000};

uint64_t
log_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
log_line(struct log *l, const char *event, const char *format, ...)
{
    char fields[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    if (!l->sink.line)
        return;
    (void)pthread_mutex_lock(&l->sink_lock);
    l->sink.line(l->sink.arg, event, fields);
    (void)pthread_mutex_unlock(&l->sink_lock);
}

void
log_halt(struct log *l, enum result why, const char *what)
{
    char text[MARKER_TEXT_MAX];
    if (atomic_exchange(&l->halted, true))
        return;
    sequencer_halt(l->sequencer);
    (void)snprintf(text, sizeof(text), "%s at step %s", result_name(why), what);
    /* The marker may fail to be written on a disk that fails; the process ends all the same. */
    enum result rc = marker_set(l->config.dir, MARKER_HALTED, text);
    log_line(l, "halted", "reason=%s step=%s marker=%s", result_name(why), what, result_name(rc));
    if (l->on_halt)
        l->on_halt(l->on_halt_arg);
}

/* ---- what the sequencer tells ---- */

static void
on_published(void *arg, const struct store_head *h, unsigned entries, double ms)
{
    struct log *l = arg;
    (void)pthread_mutex_lock(&l->lock);
    l->head = *h;
    atomic_fetch_add(&l->generation, 1);
    (void)pthread_mutex_unlock(&l->lock);
    unsigned bucket = 0;
    while (bucket < STATS_BUCKETS && ms > STATS_BUCKET_MS[bucket])
        bucket++;
    atomic_fetch_add(&l->commit_ms[bucket], 1);
    atomic_fetch_add(&l->commit_us, (uint64_t)(ms * 1000));
    atomic_fetch_add(&l->commits, 1);
    atomic_fetch_add(&l->commit_entries, entries);
    if (l->directory && entries > 0)
        directory_wake(l->directory, h->size);
}

static void
on_answered(void *arg, bool duplicate, enum result r)
{
    struct log *l = arg;
    if (r == RES_OK)
        atomic_fetch_add(duplicate ? &l->duplicates : &l->taken, 1);
    else
        atomic_fetch_add(&l->refused[r], 1);
}

static void
on_clock(void *arg, bool wrong)
{
    struct log *l = arg;
    if (atomic_exchange(&l->clock_wrong, wrong) != wrong)
        log_line(l, wrong ? "clock-went-back" : "clock-right", "head=%" PRIu64 " now=%" PRIu64,
                 l->head.timestamp, log_now_ms());
}

static void
on_halted(void *arg, enum result why, const char *what)
{
    log_halt(arg, why, what);
}

/* ---- what the directory asks ---- */

static void
tell_head(void *arg, struct store_head *ret)
{
    log_head(arg, ret, NULL);
}

static struct roots *
tell_roots(void *arg)
{
    return log_roots(arg);
}

/* A log that takes certificates by their notAfter alone has none: absence in one shard would mean
 * nothing. */
bool
log_has_directory(const struct config *c)
{
    return c->policy.not_after_start == INT64_MIN && c->policy.not_after_limit == INT64_MAX;
}

static enum result
open_directory(struct log *l, struct log_trouble *why)
{
    struct directory_hooks hooks = {.head = tell_head,
                                    .roots = tell_roots,
                                    .halted = on_halted,
                                    .arg = l,
                                    .now_ms = log_now_ms};
    if (!log_has_directory(&l->config))
        return RES_OK;
    return directory_open(&l->config, l->signer, l->store, &hooks, &l->directory, why);
}

/* ---- life ---- */

static enum result
open_parts(struct log *l, struct log_trouble *why)
{
    enum result rc = dirlock_take(&l->dirlock, l->config.dir, why);
    if (rc == RES_OK)
        rc = opening_check_markers(l, why);
    if (rc == RES_OK)
        rc = opening_store(l, why);
    if (rc == RES_OK)
        rc = opening_highwater(l, why);
    if (rc == RES_OK)
        rc = opening_index(l, why);
    if (rc == RES_OK)
        rc = log_load_roots(l, why);
    if (rc == RES_OK)
        rc = issuer_cache_new(ISSUERS_CACHED, &l->issuers);
    if (rc == RES_OK)
        rc = pool_new(l->config.pool, &l->pool);
    if (rc == RES_OK)
        rc = rate_new(l->config.issuer_rate, l->config.issuer_burst, RATE_KEYS_MAX, &l->rate);
    if (rc != RES_OK)
        return rc;
    struct sequencer_parts parts = {.origin = l->config.origin,
                                    .store = l->store,
                                    .index = l->index,
                                    .signer = l->signer,
                                    .highwater = l->highwater,
                                    .pool = l->pool,
                                    .known = l->known,
                                    .heartbeat_ms = l->config.heartbeat_ms,
                                    .now_ms = log_now_ms,
                                    .arg = l,
                                    .published = on_published,
                                    .answered = on_answered,
                                    .clock = on_clock,
                                    .halted = on_halted};
    rc = sequencer_new(&parts, &l->sequencer);
    return rc == RES_OK ? open_directory(l, why) : rc;
}

enum result
log_open(const struct config *c, struct log_sink sink, struct log **ret, struct log_trouble *why)
{
    struct log *l = calloc(1, sizeof(*l));
    why->text[0] = 0;
    if (!l)
        return RES_MEMORY;
    l->config = *c;
    for (size_t i = 0; i < l->config.policy.eku_count; i++)
        l->config.policy.eku[i].p = l->config.eku_bytes[i];
    l->sink = sink;
    l->dirlock = DIRLOCK_NONE;
    atomic_store(&l->disk_free, UINT64_MAX); /* until somebody has looked */
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_mutex_init(&l->sink_lock, NULL);
    enum result rc = open_parts(l, why);
    if (rc == RES_OK)
        rc = scrub_new(l, &l->scrub);
    if (rc != RES_OK) {
        if (!why->text[0])
            log_say(why, "%.200s: %s (%s)", c->dir, result_sentence(rc), result_name(rc));
        log_close(l);
        return rc;
    }
    *ret = l;
    return RES_OK;
}

enum result
log_start(struct log *l)
{
    /* A head signed now: a log that cannot sign does not begin to serve. */
    enum result rc = sequencer_turn(l->sequencer, NULL);
    if (rc == RES_CLOCK)
        rc = RES_OK; /* 503 until the clock has caught up */
    if (rc == RES_OK)
        rc = sequencer_start(l->sequencer);
    if (rc != RES_OK)
        return rc;
    l->started = true;
    if (l->directory)
        rc = directory_start(l->directory);
    return rc == RES_OK ? scrub_start(l->scrub) : rc;
}

void
log_drain(struct log *l)
{
    atomic_store(&l->draining, true);
    if (!l->started)
        return;
    pool_close(l->pool);
    sequencer_join(l->sequencer);
    if (l->directory)
        directory_stop(l->directory);
    scrub_stop(l->scrub);
    l->started = false;
}

void
log_close(struct log *l)
{
    if (!l)
        return;
    if (l->started)
        log_drain(l);
    scrub_free(l->scrub);
    directory_close(l->directory);
    sequencer_free(l->sequencer);
    pool_free(l->pool);
    issuer_cache_free(l->issuers);
    rate_free(l->rate);
    roots_unref(l->roots);
    known_free(l->known);
    if (l->index)
        index_close(l->index);
    highwater_close(l->highwater);
    if (l->store)
        store_close(l->store);
    signer_close(l->signer);
    dirlock_release(&l->dirlock);
    (void)pthread_mutex_destroy(&l->lock);
    (void)pthread_mutex_destroy(&l->sink_lock);
    free(l);
}

enum result
log_ready(const struct log *l)
{
    if (atomic_load(&l->halted))
        return store_latched(l->store) ? RES_STORE_LATCHED : RES_HALTED;
    if (atomic_load(&l->draining))
        return RES_DRAINING;
    if (atomic_load(&l->clock_wrong))
        return RES_CLOCK;
    if (atomic_load(&l->disk_free) < l->config.disk_floor)
        return RES_DISK_FLOOR;
    return RES_OK;
}

void
log_on_halt(struct log *l, void (*fn)(void *arg), void *arg)
{
    l->on_halt = fn;
    l->on_halt_arg = arg;
}

/* ---- facts ---- */

void
log_head(const struct log *l, struct store_head *ret, uint64_t *ret_generation)
{
    struct log *m = (struct log *)(uintptr_t)l; /* the lock is not the log's meaning */
    (void)pthread_mutex_lock(&m->lock);
    *ret = m->head;
    if (ret_generation)
        *ret_generation = atomic_load(&m->generation);
    (void)pthread_mutex_unlock(&m->lock);
}

uint64_t
log_head_generation(const struct log *l)
{
    return atomic_load(&l->generation);
}

struct directory *
log_directory(struct log *l)
{
    return l->directory;
}

struct span
log_spki(const struct log *l)
{
    return p256_key_spki(signer_public(l->signer));
}

const struct hash *
log_id(const struct log *l)
{
    return p256_key_id(signer_public(l->signer));
}

const uint8_t *
log_note_public(const struct log *l)
{
    return signer_note_public(l->signer);
}

const struct config *
log_config(const struct log *l)
{
    return &l->config;
}

enum result
log_checkpoint(const struct log *l, const struct store_head *h, struct buf *out)
{
    struct note_key key;
    struct buf body = BUF_INIT(512);
    struct digitally_signed sth = {
        .hash = 4, .algorithm = 3, .signature = span_of(h->sth_signature, h->sth_signature_n)};
    enum result rc = checkpoint_write(l->config.origin, h->size, &h->root, out);
    if (rc == RES_OK)
        rc = buf_printf(out, "\n");
    if (rc == RES_OK)
        rc = checkpoint_rfc6962_body(h->timestamp, &sth, &body);
    if (rc == RES_OK)
        rc = note_signature_line(
            l->config.origin,
            note_key_id(span_str(l->config.origin), KEY_RFC6962, hash_span(log_id(l))),
            buf_span(&body), out);
    if (rc == RES_OK)
        rc = note_key_ed25519(l->config.origin, KEY_ED25519, log_note_public(l), &key);
    if (rc == RES_OK)
        rc = note_signature_line(l->config.origin, key.id,
                                 span_of(h->note_signature, sizeof(h->note_signature)), out);
    buf_release(&body);
    return rc;
}

void
log_stats(struct log *l, struct log_stats *ret)
{
    memset(ret, 0, sizeof(*ret));
    struct store_head head;
    log_head(l, &head, NULL);
    ret->size = head.size;
    ret->head_timestamp = head.timestamp;
    ret->taken = atomic_load(&l->taken);
    ret->duplicates = atomic_load(&l->duplicates);
    ret->commits = atomic_load(&l->commits);
    ret->guard_checks = ret->commits; /* none is published without */
    ret->commit_entries = atomic_load(&l->commit_entries);
    ret->commit_ms_sum = (double)atomic_load(&l->commit_us) / 1000;
    for (unsigned i = 0; i <= STATS_BUCKETS; i++)
        ret->commit_ms[i] = atomic_load(&l->commit_ms[i]);
    for (unsigned i = 0; i < RESULT_COUNT; i++)
        ret->refused[i] = atomic_load(&l->refused[i]);
    ret->waiting = pool_waiting(l->pool);
    struct roots *roots = log_roots(l);
    ret->roots = roots_count(roots);
    roots_unref(roots);
    ret->disk_free = log_disk_free(l);
    ret->store_bytes = store_bytes(l->store);
    ret->index_bytes = index_bytes(l->index);
    scrub_stats(l->scrub, ret);
}
