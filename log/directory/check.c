#include "log/directory/check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/directory/check_private.h"
#include "log/files.h"
#include "merkle/note/checkpoint.h"
#include "merkle/note/key.h"

#define TEXT_MAX 1024

void
check_tell_file(struct checking *k, const char *file, const char *what)
{
    char where[128];

    (void)snprintf(where, sizeof(where), "directory/%s", file);
    k->ret->findings++;
    k->parts->finding(k->parts->arg, where, what);
}

void
check_tell(struct checking *k, const char *kind, uint64_t number, const char *what)
{
    char where[96];

    if (number == CHECK_NO_ROW)
        (void)snprintf(where, sizeof(where), "data.mdb, %s", kind);
    else
        (void)snprintf(where, sizeof(where), "data.mdb, %s %" PRIu64, kind, number);
    check_tell_file(k, where, what);
}

/* ---- opening ---- */

/* What the kernel holds may never have reached the disk: have it read again. */
static void
drop_cache(const char *path)
{
    char file[FILES_PATH_MAX];

    if (files_path(path, "data.mdb", file) != RES_OK)
        return;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

/* What cannot be made again: k->keys and k->recipes are NULL where it is damaged or not there. */
static enum result
open_sources(struct checking *k, struct log_trouble *why)
{
    char file[FILES_PATH_MAX];
    enum result rc = files_path(k->parts->path, "keys", file);

    if (rc == RES_OK)
        rc = keyring_open(file, &k->keys);
    if (rc == RES_KEY)
        log_say(why, "%.200s may be read by others than its owner: chmod 600 %.200s", file, file);
    if (rc == RES_ABSENT || rc == RES_STORE_DAMAGED) {
        check_tell_file(k, "keys",
                        "is not there: nothing can make it again, bring it back from a "
                        "backup");
        rc = RES_OK;
    }
    if (rc == RES_OK)
        rc = files_path(k->parts->path, "recipes", file);
    if (rc == RES_OK)
        rc = recipes_open(file, 0, 0, true, &k->recipes);
    if (rc == RES_ABSENT || rc == RES_STORE_DAMAGED) {
        check_tell_file(k, "recipes",
                        rc == RES_ABSENT
                            ? "is not there: nothing can make it again, bring it back from a backup"
                            : "is damaged from its beginning");
        k->recipes = NULL;
        rc = RES_OK;
    }
    return rc;
}

/* k->view is NULL when there is nothing that could be read. */
static enum result
open_shelf(struct checking *k, struct log_trouble *why)
{
    struct shelf_options o = {
        .path = k->parts->path, .map_size = k->parts->map_size, .read_only = true};
    enum result rc = shelf_open(&o, &k->shelf);

    if (rc == RES_STORE_FORMAT)
        log_say(why, "%.200s/data.mdb has another format than %u, which this program knows",
                k->parts->path, SHELF_FORMAT);
    if (rc == RES_ABSENT || rc == RES_STORE_DAMAGED) {
        k->shelf = NULL;
        check_tell_file(k, "data.mdb",
                        rc == RES_ABSENT ? "is not there" : "is no store that can be opened");
        return RES_OK;
    }
    if (rc == RES_OK)
        rc = shelf_view_new(k->shelf, &k->view);
    if (rc != RES_OK)
        return rc;
    rc = shelf_view_begin(k->view);
    if (rc == RES_OK)
        return rc;
    shelf_view_free(k->view);
    k->view = NULL;
    if (rc == RES_STORE_DAMAGED)
        check_tell(k, "head", CHECK_NO_ROW, "cannot be read");
    return rc == RES_STORE_DAMAGED ? RES_OK : rc;
}

static enum result
open_log(struct checking *k)
{
    if (k->parts->store == NULL)
        return RES_OK;
    enum result rc = store_view_new(k->parts->store, &k->log);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(k->log);
    if (rc == RES_OK)
        return rc;
    store_view_free(k->log);
    k->log = NULL;
    return rc == RES_STORE_DAMAGED ? RES_OK : rc;
}

static void
release(struct checking *k)
{
    if (k->log != NULL) {
        store_view_end(k->log);
        store_view_free(k->log);
    }
    held_release(&k->held);
    if (k->view != NULL) {
        shelf_view_end(k->view);
        shelf_view_free(k->view);
    }
    shelf_close(k->shelf);
    keyring_close(k->keys);
    recipes_close(k->recipes);
    bindings_release(&k->bindings);
    buf_release(&k->recipe);
    buf_release(&k->hashes[0]);
    buf_release(&k->hashes[1]);
    buf_release(&k->value);
    buf_release(&k->bytes);
    free(k->last);
}

/* ---- what stands once ---- */

/* Origin and configuration are what clients are told. */
static enum result
check_meta(struct checking *k)
{
    struct buf told = BUF_INIT(256), stands = BUF_INIT(256);
    struct writer a = writer_to(&told), b = writer_to(&stands);

    if (strcmp(shelf_origin(k->shelf), k->parts->origin) != 0)
        check_tell(k, "origin", CHECK_NO_ROW, "is another than that of cartulary.conf");
    kt_config_put(&a, &k->parts->config);
    kt_config_put(&b, shelf_config(k->shelf));
    enum result rc = writer_end(&a);
    if (rc == RES_OK)
        rc = writer_end(&b);
    if (rc == RES_OK && !span_equal(buf_span(&told), buf_span(&stands)))
        check_tell(k, "configuration", CHECK_NO_ROW, "is another than that of policy");
    buf_release(&told);
    buf_release(&stands);
    return rc;
}

static enum result
check_signatures(struct checking *k)
{
    const struct directory_head *h = &k->head;
    char name[SHELF_ORIGIN_MAX + 8];
    struct buf text = BUF_INIT(TEXT_MAX);
    enum result rc =
        kt_head_verify(&k->parts->config, h->size, &h->root, span_of(h->signature, 64));

    if (rc == RES_SIGNATURE) {
        check_tell(k, "head", CHECK_NO_ROW, "its signature does not verify with policy");
        rc = RES_OK;
    }
    (void)snprintf(name, sizeof(name), "%s/feed", k->parts->origin);
    if (rc == RES_OK)
        rc = checkpoint_write(name, h->size, &h->feed_root, &text);
    if (rc == RES_OK)
        rc = ed25519_verify(k->parts->feed_public, buf_span(&text), span_of(h->feed_signature, 64));
    buf_release(&text);
    if (rc == RES_SIGNATURE) {
        check_tell(k, "head", CHECK_NO_ROW, "the feed's signature does not verify with policy");
        rc = RES_OK;
    }
    return rc;
}

/* The bindings that hold are those of the newest recipe that names some. */
static enum result
check_bindings(struct checking *k)
{
    struct span stand = {NULL, 0};
    enum result rc = shelf_get_bindings(k->view, &stand);

    if (rc != RES_OK && rc != RES_ABSENT)
        return rc;
    /* When all of them were read. */
    if (k->recipes != NULL && k->newest.number + 1 == k->head.size &&
        !span_equal(stand, buf_span(&k->bindings.body)))
        check_tell(k, "bindings", CHECK_NO_ROW, "are others than the recipes'");
    return RES_OK;
}

static enum result
check_stored(struct checking *k)
{
    enum result rc = check_meta(k);

    if (rc == RES_OK)
        rc = shelf_get_head(k->view, &k->head);
    if (rc == RES_ABSENT) {
        check_tell(k, "head", CHECK_NO_ROW, "is not there: not even the first epoch was made");
        return RES_OK;
    }
    if (rc == RES_OK)
        rc = check_signatures(k);
    if (rc != RES_OK)
        return rc;
    k->ret->size = k->head.size;
    k->ret->versions = k->head.versions;
    k->ret->labels = k->head.labels;
    k->ret->root = k->head.root;
    rc = shelf_check_ends(k->view);
    if (rc == RES_STORE_DAMAGED) {
        check_tell(k, "head", CHECK_NO_ROW, "counts other pages than stand; no more was checked");
        return RES_OK;
    }
    if (rc == RES_OK && k->head.labels > keyring_drawn(k->keys))
        check_tell_file(k, "keys",
                        "has fewer keys than there are labels: bring it back from a "
                        "backup");
    if (rc == RES_OK)
        rc = check_epochs(k);
    if (rc == RES_OK)
        rc = check_bindings(k);
    return rc == RES_OK ? check_proofs(k) : rc;
}

static enum result
check_all(struct checking *k, struct log_trouble *why)
{
    enum result rc = open_shelf(k, why);

    /* Behind the snapshot, so that they have all that it needs. */
    if (rc == RES_OK)
        rc = open_sources(k, why);
    if (rc == RES_OK)
        rc = open_log(k);
    if (rc == RES_OK && k->view != NULL && k->keys != NULL) {
        rc = held_init(&k->held, k->view, k->keys);
        k->nodes.view = k->view;
        k->stored = nodes_store(&k->nodes);
        if (rc == RES_OK)
            rc = check_stored(k);
    }
    if (rc == RES_STORE_DAMAGED) {
        check_tell(k, "pages", CHECK_NO_ROW, "cannot be read to their end");
        rc = RES_OK;
    }
    if (rc == RES_OK)
        rc = check_recipes_end(k);
    return rc == RES_OK && k->view != NULL ? check_erased(k) : rc;
}

enum result
check_directory(const struct check_parts *parts, struct check_report *ret, struct log_trouble *why)
{
    struct checking *k = calloc(1, sizeof(*k));

    memset(ret, 0, sizeof(*ret));
    why->text[0] = 0;
    if (k == NULL) {
        log_say(why, "%s", result_sentence(RES_MEMORY));
        return RES_MEMORY;
    }
    k->parts = parts;
    k->ret = ret;
    k->recipe = BUF_INIT(RECIPE_MAX + 64);
    k->bindings = BINDINGS_INIT;
    k->hashes[0] = k->hashes[1] = BUF_INIT((NODE_HEIGHT_MAX + 1) * HASH_SIZE);
    k->value = k->bytes = BUF_INIT(HELD_STATE_MAX);
    range_init(&k->feed);
    drop_cache(parts->path);
    enum result rc = vrf_public_parse(parts->config.vrf_key, &k->vrf);
    if (rc == RES_KEY)
        log_say(why, "the VRF's key in policy is none");
    if (rc == RES_OK)
        rc = check_all(k, why);
    if (rc != RES_OK && !why->text[0])
        log_say(why, "%.200s: %s (%s)", parts->path, result_sentence(rc), result_name(rc));
    release(k);
    free(k);
    return rc;
}
