#include "log/directory/rebuild.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/copy_directory.h"
#include "log/directory/directory_private.h"
#include "log/directory/swap.h"
#include "log/files.h"

/* Epochs between two calls of progress. */
#define PROGRESS 16

struct rebuild {
    const struct rebuild_parts *parts;
    struct log_trouble *why;
    char path[FILES_PATH_MAX];    /* DIR/directory */
    char scratch[FILES_PATH_MAX]; /* DIR/directory/rebuild */
    char feed_origin[CONFIG_TEXT_MAX + 8];
    struct directory_head old; /* size 0: there is none to compare with */
    struct store_head log;     /* size 0: an empty log */
    struct recipes *recipes;
    struct keyring *keys;
    struct shelf *shelf; /* the new one */
    struct versions *versions;
    struct epoch *epoch;
    struct buf bytes; /* of a recipe */
};

/* ---- what was signed before ---- */

/* The head of an old data.mdb counts when its signature is ours: a damaged one proves nothing. */
static bool
is_ours(const struct rebuild *b, const struct shelf *s, const struct directory_head *h)
{
    const struct kt_config *c = shelf_config(s);

    return memcmp(c->signature_key, signer_directory_public(b->parts->signer), KT_KEY_SIZE) == 0 &&
           kt_head_verify(c, h->size, &h->root, span_of(h->signature, 64)) == RES_OK;
}

static enum result
read_old(struct rebuild *b)
{
    struct shelf_options o = {
        .path = b->path, .map_size = b->parts->config->map_size, .read_only = true};
    struct directory_head h;
    struct shelf_view *v;
    struct shelf *s;

    if (b->parts->old_unreadable)
        return RES_OK;
    enum result rc = shelf_open(&o, &s);
    if (rc == RES_ABSENT || rc == RES_STORE_DAMAGED)
        return RES_OK;
    if (rc != RES_OK)
        return rc;
    rc = shelf_view_new(s, &v);
    if (rc == RES_OK) {
        rc = shelf_view_begin(v);
        if (rc == RES_OK) {
            rc = shelf_get_head(v, &h);
            if (rc == RES_OK && is_ours(b, s, &h))
                b->old = h;
            shelf_view_end(v);
        }
        shelf_view_free(v);
    }
    shelf_close(s);
    return rc == RES_ABSENT || rc == RES_STORE_DAMAGED ? RES_OK : rc;
}

/* Told now rather than when all has been computed. */
static enum result
judge_length(struct rebuild *b)
{
    char path[FILES_PATH_MAX];
    struct stat st;
    enum result rc = files_path(b->path, "recipes", path);

    if (rc != RES_OK)
        return rc;
    if (stat(path, &st) != 0)
        return RES_IO;
    if ((uint64_t)st.st_size >= b->old.recipes)
        return RES_OK;
    log_say(b->why,
            "%.300s has %" PRIu64 " bytes, and data.mdb was made from %" PRIu64
            ": bring it back from a newer backup",
            path, (uint64_t)st.st_size, b->old.recipes);
    return RES_STORE_BEHIND;
}

/* ---- what it is made from ---- */

static enum result
read_log(struct rebuild *b)
{
    struct store_view *v;
    enum result rc = store_view_new(b->parts->store, &v);

    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(v);
    if (rc == RES_OK) {
        rc = store_get_head(v, &b->log);
        if (rc == RES_ABSENT) {
            b->log.size = 0;
            rc = RES_OK;
        }
        store_view_end(v);
    }
    store_view_free(v);
    return rc;
}

/* A key that was erased takes along what its label's commitments were made with. */
static enum result
look_for_erased(struct rebuild *b)
{
    uint8_t opening[COMMITMENT_OPENING_SIZE];

    for (uint64_t n = 0; n < keyring_drawn(b->keys); n++) {
        enum result rc = keyring_opening(b->keys, n, 0, opening);

        if (rc == RES_ABSENT)
            log_say(b->why,
                    "label number %" PRIu64
                    " was erased, and its commitments stand in data.mdb alone: bring data.mdb back "
                    "from a backup",
                    n);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

static enum result
open_sources(struct rebuild *b)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(b->path, "keys", path);

    if (rc == RES_OK)
        rc = keyring_open(path, &b->keys);
    if (rc == RES_OK)
        rc = files_path(b->path, "recipes", path);
    if (rc == RES_OK)
        rc = recipes_open(path, 0, 0, true, &b->recipes);
    if (rc != RES_OK) {
        log_say(b->why, "%.300s: %s: bring it back from a backup, nothing can make it again", path,
                result_sentence(rc));
        return rc;
    }
    keyring_fix(b->keys); /* drawn now, one would be another than was used */
    rc = look_for_erased(b);
    return rc == RES_OK ? read_log(b) : rc;
}

/* ---- the new one ---- */

static enum result
make_shelf(struct rebuild *b)
{
    const struct config *c = b->parts->config;
    /* A sync for each epoch would cost more than all else; there is one before it is published. */
    struct shelf_options o = {.path = b->scratch, .map_size = c->map_size, .unsynced = true};
    struct buf configuration = BUF_INIT(256);
    enum result rc = swap_clear(b->scratch);

    if (rc == RES_OK && mkdir(b->scratch, 0700) != 0)
        rc = RES_IO;
    if (rc != RES_OK) {
        log_say(b->why, "%.300s: %s", b->scratch, strerror(errno));
        return rc;
    }
    rc = directory_configure(b->parts->signer, &configuration);
    if (rc == RES_OK)
        rc = shelf_create(&o, c->origin, buf_span(&configuration));
    if (rc == RES_OK)
        rc = shelf_open(&o, &b->shelf);
    buf_release(&configuration);
    return rc;
}

static enum result
make_parts(struct rebuild *b)
{
    char path[FILES_PATH_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    enum result rc = make_shelf(b);

    if (rc == RES_OK)
        rc = files_path(b->scratch, "index", path);
    if (rc == RES_OK)
        rc = versions_open(path, b->parts->config->map_size, b->shelf, b->keys, &b->versions);
    if (rc != RES_OK)
        return rc;
    struct epoch_parts e = {.shelf = b->shelf,
                            .versions = b->versions,
                            .keys = b->keys,
                            .signer = b->parts->signer,
                            .store = b->parts->store,
                            .feed_origin = b->feed_origin,
                            .threads = cores > 1 ? (unsigned)cores - 1 : 0};
    return epoch_new(&e, &b->epoch);
}

static void
close_parts(struct rebuild *b)
{
    epoch_free(b->epoch);
    versions_close(b->versions);
    shelf_close(b->shelf);
    b->epoch = NULL;
    b->versions = NULL;
    b->shelf = NULL;
}

/* ---- epochs ---- */

/* What can be said of the recipe before it is followed. */
static enum result
judge_recipe(struct rebuild *b, const struct recipe *q)
{
    const struct feed_entry *before = epoch_newest(b->epoch);

    if (q->timestamp < before->timestamp || q->certificates < before->certificates) {
        log_say(b->why,
                "recipe %" PRIu64 " goes back behind the one before: bring recipes back "
                "from a backup",
                q->number);
        return RES_STORE_DAMAGED;
    }
    if (q->certificates > b->log.size) {
        log_say(b->why,
                "recipe %" PRIu64 " reaches to entry %" PRIu64 ", the certificate log has %" PRIu64
                " entries: bring the newer store back",
                q->number, q->certificates, b->log.size);
        return RES_STORE_BEHIND;
    }
    return RES_OK;
}

/* An epoch that could not be made; *ret_end when all that was signed stands without it. */
static enum result
judge_failure(struct rebuild *b, const struct recipe *q, enum result rc, bool *ret_end)
{
    *ret_end = rc == RES_RANGE && b->old.size > 0 && q->number >= b->old.size;
    if (*ret_end)
        return RES_OK;
    if (rc == RES_RANGE) {
        log_say(b->why,
                "keys ends before the labels of epoch %" PRIu64 ": bring it back from a "
                "backup",
                q->number);
        return RES_STORE_BEHIND;
    }
    log_say(b->why, "epoch %" PRIu64 " cannot be made: %s (%s)", q->number, result_sentence(rc),
            result_name(rc));
    return rc;
}

/* Moves to the next recipe.  What a crash has torn is none. */
static enum result
pass(struct rebuild *b, uint64_t number)
{
    char path[FILES_PATH_MAX];
    uint64_t end = recipes_offset(b->recipes);
    enum result rc = recipes_pass(b->recipes);

    if (rc != RES_STORE_DAMAGED)
        return rc;
    recipes_close(b->recipes);
    b->recipes = NULL;
    rc = files_path(b->path, "recipes", path);
    if (rc == RES_OK)
        rc = recipes_open(path, number + 1, end, true, &b->recipes);
    if (rc == RES_STORE_DAMAGED)
        log_say(b->why, "recipe %" PRIu64 " is damaged: bring recipes back from a backup",
                number + 1);
    return rc;
}

/* Makes one epoch; *ret_end when there is none to be made any more. */
static enum result
make_epoch(struct rebuild *b, bool *ret_end)
{
    struct recipe q;
    bool committed;
    enum result rc = recipes_next(b->recipes, &b->bytes, &q);

    *ret_end = rc == RES_ABSENT;
    if (rc != RES_OK)
        return *ret_end ? RES_OK : rc;
    rc = judge_recipe(b, &q);
    if (rc != RES_OK)
        return rc;
    rc = epoch_run(b->epoch, &q, recipes_offset(b->recipes), NULL, 0, &committed);
    return rc == RES_OK ? pass(b, q.number) : judge_failure(b, &q, rc, ret_end);
}

static enum result
make_epochs(struct rebuild *b)
{
    const struct rebuild_parts *p = b->parts;
    bool end = false;
    enum result rc = RES_OK;

    while (rc == RES_OK && !end) {
        uint64_t covered = epoch_newest(b->epoch)->certificates;

        if (p->progress != NULL && epoch_size(b->epoch) % PROGRESS == 0)
            p->progress(p->arg, "entries in the directory", covered, b->log.size);
        rc = make_epoch(b, &end);
    }
    if (rc == RES_OK && epoch_size(b->epoch) == 0) {
        log_say(b->why, "recipes has none: bring it back from a backup");
        rc = RES_STORE_BEHIND;
    }
    if (rc == RES_OK && p->progress != NULL)
        p->progress(p->arg, "entries in the directory", b->log.size, b->log.size);
    return rc;
}

/* ---- comparing ---- */

static enum result
compare_old(struct rebuild *b, struct shelf_view *v)
{
    const struct directory_head *old = &b->old;
    struct entry_row row;

    if (old->size > epoch_size(b->epoch)) {
        log_say(b->why,
                "data.mdb has %" PRIu64 " signed epochs, recipes give %" PRIu64
                ": recipes are behind, bring them back from a newer backup",
                old->size, epoch_size(b->epoch));
        return RES_STORE_BEHIND;
    }
    enum result rc = shelf_get_entry(v, old->size - 1, &row);
    if (rc == RES_OK && !hash_equal(&row.feed.root, &old->root)) {
        log_say(b->why,
                "what recipes, keys and the certificate log give is another tree than data.mdb's "
                "head of %" PRIu64 " epochs, which was signed: one of them is of another time or "
                "another log; nothing was changed",
                old->size);
        rc = RES_CONFLICT;
    }
    return rc;
}

/* With all that is known of what was signed; the new one's facts into *ret. */
static enum result
compare(struct rebuild *b, struct rebuild_report *ret)
{
    struct directory_head h;
    struct shelf_view *v;
    uint64_t made;
    enum result rc = shelf_view_new(b->shelf, &v);

    if (rc != RES_OK)
        return rc;
    rc = shelf_view_begin(v);
    if (rc == RES_OK) {
        rc = shelf_get_head(v, &h);
        if (rc == RES_OK && b->old.size > 0)
            rc = compare_old(b, v);
        shelf_view_end(v);
    }
    shelf_view_free(v);
    if (rc == RES_OK && b->parts->feed.n > 0)
        rc = copy_compare_feed(b->parts->config, b->shelf, b->parts->feed, &made, b->why);
    if (rc != RES_OK)
        return rc;
    ret->size = h.size;
    ret->versions = h.versions;
    ret->labels = h.labels;
    ret->root = h.root;
    ret->compared = b->old.size > 0 || b->parts->feed.n > 0;
    return RES_OK;
}

/* ---- all of it ---- */

static enum result
make(struct rebuild *b, struct rebuild_report *ret)
{
    enum result rc = files_path(b->parts->config->dir, "directory", b->path);

    if (rc == RES_OK)
        rc = files_path(b->path, "rebuild", b->scratch);
    if (rc == RES_OK)
        rc = open_sources(b);
    if (rc == RES_OK)
        rc = read_old(b);
    if (rc == RES_OK)
        rc = judge_length(b);
    if (rc == RES_OK)
        rc = make_parts(b);
    if (rc == RES_OK)
        rc = make_epochs(b);
    if (rc == RES_OK)
        rc = compare(b, ret);
    if (rc == RES_OK)
        rc = shelf_sync(b->shelf);
    close_parts(b);
    if (rc == RES_OK)
        return swap_in(b->path, b->scratch, ret->kept, b->why);
    if (b->scratch[0] != '\0' && swap_clear(b->scratch) != RES_OK)
        return rc; /* the next attempt begins with that */
    return rc;
}

enum result
rebuild_directory(const struct rebuild_parts *parts, struct rebuild_report *ret,
                  struct log_trouble *why)
{
    struct rebuild *b = calloc(1, sizeof(*b));
    struct rebuild_report made = {.size = 0};

    why->text[0] = '\0';
    if (b == NULL) {
        log_say(why, "%s", result_sentence(RES_MEMORY));
        return RES_MEMORY;
    }
    b->parts = parts;
    b->why = why;
    b->bytes = BUF_INIT(RECIPE_MAX + 64);
    (void)snprintf(b->feed_origin, sizeof(b->feed_origin), "%s/feed", parts->config->origin);
    enum result rc = make(b, &made);
    recipes_close(b->recipes);
    keyring_close(b->keys);
    buf_release(&b->bytes);
    if (rc == RES_OK)
        *ret = made;
    else if (why->text[0] == '\0')
        log_say(why, "%.300s: %s (%s)", b->path, result_sentence(rc), result_name(rc));
    free(b);
    return rc;
}
