#include "log/directory/directory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/directory/directory_private.h"
#include "log/files.h"
#include "log/opening.h"

/* An empty store's address space, as that of the certificate log's. */
#define EMPTY_MAP (UINT64_C(1) << 24)
/* KEYTRANS configuration; every head signs it, so a log keeps what it was made with. */
#define MAX_AHEAD_MS (UINT64_C(5) * 60 * 1000)
#define MAX_BEHIND_MS (UINT64_C(60) * 60 * 1000)
#define MONITORING_WINDOW_MS (UINT64_C(24) * 60 * 60 * 1000)

/* ---- making ---- */

enum result
directory_configure(const struct signer *s, struct buf *out)
{
    struct kt_config c = {.max_ahead = MAX_AHEAD_MS,
                          .max_behind = MAX_BEHIND_MS,
                          .window = {.monitoring = MONITORING_WINDOW_MS}};
    struct writer w = writer_to(out);

    memcpy(c.signature_key, signer_directory_public(s), KT_KEY_SIZE);
    memcpy(c.vrf_key, signer_vrf_public(s), KT_KEY_SIZE);
    kt_config_put(&w, &c);
    return writer_end(&w);
}

static enum result
make_file(const char *dir, const char *name, enum result (*make)(const char *path))
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(dir, name, path);

    return rc == RES_OK ? make(path) : rc;
}

enum result
directory_create(const struct config *c, const struct signer *s)
{
    char path[FILES_PATH_MAX];
    struct shelf_options o = {.path = path, .map_size = EMPTY_MAP};
    struct buf config = BUF_INIT(256);
    enum result rc = files_path(c->dir, "directory", path);

    if (rc == RES_OK && mkdir(path, 0700) != 0)
        rc = errno == EEXIST ? RES_EXISTS : RES_IO;
    if (rc == RES_OK)
        rc = make_file(path, "keys", keyring_create);
    if (rc == RES_OK)
        rc = make_file(path, "recipes", recipes_create);
    if (rc == RES_OK)
        rc = directory_configure(s, &config);
    if (rc == RES_OK)
        rc = shelf_create(&o, c->origin, buf_span(&config));
    buf_release(&config);
    return rc;
}

/* ---- opening ---- */

void
directory_published(struct directory *d, struct directory_head *ret)
{
    (void)pthread_mutex_lock(&d->lock);
    *ret = d->head;
    (void)pthread_mutex_unlock(&d->lock);
}

/* Reads what was committed last and lets it be answered in.  The builder's thread. */
static enum result
publish(struct directory *d)
{
    struct directory_head head;
    struct entry_row row;
    enum result rc = shelf_view_begin(d->view);

    if (rc != RES_OK)
        return rc;
    rc = shelf_get_head(d->view, &head);
    if (rc == RES_OK)
        rc = shelf_get_entry(d->view, head.size - 1, &row);
    shelf_view_end(d->view);
    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_OK : rc; /* before the first epoch */
    (void)pthread_mutex_lock(&d->lock);
    d->head = head;
    d->newest = row.feed;
    (void)pthread_mutex_unlock(&d->lock);
    if (d->prover)
        prover_wake(d->prover, head.versions);
    return RES_OK;
}

static void
on_closed(void *arg, uint64_t ms)
{
    struct directory *d = arg;

    if (ms > 0)
        atomic_store(&d->build_ms, ms);
    enum result rc = publish(d);
    if (rc != RES_OK && result_class(rc) == CLASS_BROKEN && rc != RES_MEMORY)
        d->hooks.halted(d->hooks.arg, rc, "directory-publish");
}

static void
on_head(void *arg, struct store_head *ret)
{
    struct directory *d = arg;

    d->hooks.head(d->hooks.arg, ret);
}

static struct roots *
on_roots(void *arg)
{
    struct directory *d = arg;

    return d->hooks.roots(d->hooks.arg);
}

static void
on_halted(void *arg, enum result why, const char *what)
{
    struct directory *d = arg;

    d->hooks.halted(d->hooks.arg, why, what);
}

/* The store was made with the signer's keys, and its head was signed with them. */
static enum result
check_keys(struct directory *d, const struct config *c, struct log_trouble *why)
{
    const struct kt_config *k = &d->config;
    struct directory_head h;

    if (strcmp(shelf_origin(d->shelf), c->origin) != 0 ||
        memcmp(k->signature_key, signer_directory_public(d->signer), KT_KEY_SIZE) != 0 ||
        memcmp(k->vrf_key, signer_vrf_public(d->signer), KT_KEY_SIZE) != 0) {
        log_say(why, "%.200s/directory is of another log than the keys in %.200s/keys", c->dir,
                c->dir);
        return RES_STORE_DAMAGED;
    }
    directory_published(d, &h);
    if (h.size > 0 && kt_head_verify(k, h.size, &h.root, span_of(h.signature, 64)) != RES_OK) {
        log_say(why, "the directory's head is not signed by its key; run fsck");
        return RES_STORE_DAMAGED;
    }
    return RES_OK;
}

/* The root of the certificate log's first entries, as many as are covered. */
static enum result
covered_root(struct directory *d, struct hash *ret)
{
    struct store_view *v;
    enum result rc = store_view_new(d->store, &v);

    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(v);
    if (rc == RES_OK) {
        rc = opening_root_at(v, d->newest.certificates, ret);
        store_view_end(v);
    }
    store_view_free(v);
    return rc;
}

/* The certificate log has all that the directory covers, and it is the same. */
static enum result
check_covered(struct directory *d, struct log_trouble *why)
{
    struct store_head head;
    struct hash root;

    d->hooks.head(d->hooks.arg, &head);
    if (d->newest.certificates > head.size) {
        log_say(why,
                "the directory covers %" PRIu64 " entries, the log has %" PRIu64
                ": the store is older than the directory",
                d->newest.certificates, head.size);
        return RES_STORE_BEHIND;
    }
    if (d->newest.certificates == 0)
        return RES_OK;
    enum result rc = covered_root(d, &root);
    if (rc == RES_OK && !hash_equal(&root, &d->newest.certificates_root)) {
        log_say(why,
                "the directory covers %" PRIu64 " entries of another tree than the log's: one of "
                "store and directory is of a fork",
                d->newest.certificates);
        rc = RES_STORE_DAMAGED;
    }
    return rc;
}

/* What to do when a file is lost or damaged: the one can be computed again, the other not. */
static enum result
say_lost(enum result rc, const struct config *c, const char *name, bool computed,
         struct log_trouble *why)
{
    const char *how = rc == RES_ABSENT ? "is not there" : "is damaged";

    if (rc != RES_ABSENT && rc != RES_STORE_DAMAGED)
        return rc;
    if (computed)
        log_say(why,
                "%.150s/directory/%s %s: 'cartularyd fsck %.150s --rebuild' makes it again from "
                "the log, recipes and keys",
                c->dir, name, how, c->dir);
    else
        log_say(why,
                "%.150s/directory/%s %s: nothing can make it again, bring it back from a backup",
                c->dir, name, how);
    return rc;
}

static enum result
open_keys(struct directory *d, const struct config *c, const char *path, struct log_trouble *why)
{
    char file[FILES_PATH_MAX];
    enum result rc = files_path(path, "keys", file);

    return rc == RES_OK ? say_lost(keyring_open(file, &d->keys), c, "keys", false, why) : rc;
}

static enum result
open_recipes(struct directory *d, const struct config *c, const char *path, struct log_trouble *why)
{
    char file[FILES_PATH_MAX];
    enum result rc = files_path(path, "recipes", file);

    if (rc != RES_OK)
        return rc;
    rc = recipes_open(file, d->head.size, d->head.recipes, false, &d->recipes);
    return say_lost(rc, c, "recipes", false, why);
}

static enum result
open_files(struct directory *d, const struct config *c, const char *path, struct log_trouble *why)
{
    char file[FILES_PATH_MAX];
    struct shelf_options o = {.path = path, .map_size = c->map_size};
    enum result rc = say_lost(shelf_open(&o, &d->shelf), c, "data.mdb", true, why);

    if (rc == RES_OK)
        rc = open_keys(d, c, path, why);
    if (rc == RES_OK)
        rc = files_path(path, "index", file);
    if (rc == RES_OK)
        rc = versions_open(file, c->map_size, d->shelf, d->keys, &d->versions);
    if (rc == RES_OK)
        rc = shelf_view_new(d->shelf, &d->view);
    if (rc == RES_OK) {
        d->config = *shelf_config(d->shelf);
        rc = publish(d);
    }
    return rc == RES_OK ? open_recipes(d, c, path, why) : rc;
}

static enum result
open_parts(struct directory *d, const struct config *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct epoch_parts e = {.shelf = d->shelf,
                            .versions = d->versions,
                            .keys = d->keys,
                            .signer = d->signer,
                            .store = d->store,
                            .feed_origin = d->feed_origin,
                            .threads = cores > 1 ? (unsigned)cores - 1 : 0};
    enum result rc = epoch_new(&e, &d->epoch);
    struct builder_parts b = {.epoch = d->epoch,
                              .recipes = d->recipes,
                              .head = on_head,
                              .roots = on_roots,
                              .closed = on_closed,
                              .halted = on_halted,
                              .arg = d,
                              .now_ms = d->hooks.now_ms};

    (void)c;
    if (rc == RES_OK)
        rc = builder_new(&b, &d->builder);
    if (rc == RES_OK)
        rc = proofs_new(d->signer, d->keys, &d->proofs);
    if (rc == RES_OK)
        rc = prover_new(d->shelf, d->keys, d->proofs, d->builder, &d->prover);
    return rc;
}

/*
 * An erasure that a crash has left half done: its epoch is made here, where nobody else writes to
 * the certificate log's store.  What stands in pages that are free is wiped when nobody reads them.
 */
static enum result
finish_erasure(struct directory *d)
{
    struct buf bytes = BUF_INIT(RECIPE_MAX + 64);
    struct recipe q;
    bool erases = false;
    enum result rc = recipes_next(d->recipes, &bytes, &q);

    if (rc == RES_OK) {
        struct reader r = reader_of(q.acts);
        for (unsigned i = 0; i < q.acts_n; i++) {
            struct act act;
            act_get(&r, &act);
            erases = erases || act.kind == ACT_ERASE;
        }
    }
    buf_release(&bytes);
    if (rc != RES_OK || !erases)
        return rc == RES_ABSENT ? RES_OK : rc;
    rc = directory_turn(d);
    if (rc == RES_OK)
        rc = store_wipe(d->store);
    return rc == RES_BUSY ? RES_OK : rc;
}

enum result
directory_open(const struct config *c, struct signer *s, struct store *store,
               const struct directory_hooks *hooks, struct directory **ret, struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    struct directory *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return RES_MEMORY;
    d->signer = s;
    d->store = store;
    d->hooks = *hooks;
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)snprintf(d->feed_origin, sizeof(d->feed_origin), "%s/feed", c->origin);
    enum result rc = files_path(c->dir, "directory", path);
    if (rc == RES_OK)
        rc = open_files(d, c, path, why);
    if (rc == RES_OK)
        rc = check_keys(d, c, why);
    if (rc == RES_OK)
        rc = check_covered(d, why);
    if (rc == RES_OK)
        rc = open_parts(d, c);
    if (rc == RES_OK)
        rc = finish_erasure(d);
    if (rc != RES_OK) {
        if (!why->text[0])
            log_say(why, "%.200s: %s (%s)", path, result_sentence(rc), result_name(rc));
        directory_close(d);
        return rc;
    }
    *ret = d;
    return RES_OK;
}

void
directory_close(struct directory *d)
{
    if (d == NULL)
        return;
    directory_stop(d);
    prover_free(d->prover);
    builder_free(d->builder);
    proofs_free(d->proofs);
    epoch_free(d->epoch);
    recipes_close(d->recipes);
    shelf_view_free(d->view);
    versions_close(d->versions);
    keyring_close(d->keys);
    shelf_close(d->shelf);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}

/* ---- running ---- */

enum result
directory_turn(struct directory *d)
{
    bool fatal;

    return builder_turn(d->builder, &fatal);
}

enum result
directory_start(struct directory *d)
{
    enum result rc = builder_start(d->builder);
    struct directory_head head;

    if (rc != RES_OK)
        return rc;
    d->started = true;
    directory_published(d, &head);
    prover_wake(d->prover, head.versions);
    return prover_start(d->prover);
}

void
directory_stop(struct directory *d)
{
    if (!d->started)
        return;
    prover_stop(d->prover);
    builder_stop(d->builder);
    d->started = false;
}

void
directory_wake(struct directory *d, uint64_t size)
{
    builder_wake(d->builder, size);
}

/* ---- facts ---- */

const struct kt_config *
directory_config(const struct directory *d)
{
    return &d->config;
}

const uint8_t *
directory_feed_public(const struct directory *d)
{
    return signer_feed_public(d->signer);
}

uint64_t
directory_lag(const struct directory *d)
{
    return builder_lag(d->builder);
}

void
directory_stats(struct directory *d, struct directory_stats *ret)
{
    memset(ret, 0, sizeof(*ret));
    (void)pthread_mutex_lock(&d->lock);
    ret->size = d->head.size;
    ret->versions = d->head.versions;
    ret->labels = d->head.labels;
    ret->timestamp = d->newest.timestamp;
    ret->certificates = d->newest.certificates;
    (void)pthread_mutex_unlock(&d->lock);
    ret->proofs = prover_done(d->prover);
    ret->bytes = shelf_bytes(d->shelf);
    ret->index_bytes = versions_index_bytes(d->versions);
    ret->lag_ms = directory_lag(d);
    ret->build_ms = atomic_load(&d->build_ms);
}
