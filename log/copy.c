#include "log/copy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/copy_directory.h"
#include "log/files.h"
#include "log/fsck.h"
#include "log/guard.h"
#include "log/headage.h"
#include "log/marker.h"
#include "log/opening.h"
#include "log/signer.h"
#include "merkle/note/checkpoint.h"

#define FILE_MAX_HERE (16 * 1024 * 1024)
/* What the marker of a backup says until all of it is there. */
#define UNFINISHED "unfinished"

/* Says which path failed and, where the system said why, so; rc is what is handed on. */
static enum result
failed_at(enum result rc, const char *doing, const char *path, struct log_trouble *why)
{
    int error = errno;
    if (rc != RES_OK && !why->text[0])
        log_say(why, "cannot %s %.200s: %s", doing, path,
                rc == RES_IO && error != 0 ? strerror(error) : result_sentence(rc));
    return rc;
}

static enum result
copy_file(const char *dir, const char *dest, const char *name, struct log_trouble *why)
{
    char from[FILES_PATH_MAX], to[FILES_PATH_MAX];
    struct buf data = BUF_INIT(FILE_MAX_HERE);
    enum result rc = files_path(dir, name, from);
    if (rc == RES_OK)
        rc = files_path(dest, name, to);
    errno = 0;
    if (rc == RES_OK)
        rc = failed_at(files_read(from, &data), "read", from, why);
    if (rc == RES_OK)
        rc = failed_at(files_replace(to, buf_span(&data), 0644), "write", to, why);
    buf_release(&data);
    return rc;
}

static enum result
copy_store(const char *dir, const char *dest, uint64_t map_size, struct log_trouble *why)
{
    char from[FILES_PATH_MAX], to[FILES_PATH_MAX];
    uint32_t format;
    struct store *store;
    enum result rc = files_path(dir, "store", from);
    if (rc == RES_OK)
        rc = files_path(dest, "store", to);
    if (rc == RES_OK && mkdir(to, 0755) != 0)
        rc = failed_at(RES_IO, "make", to, why);
    if (rc != RES_OK)
        return rc;
    struct store_options o = {.path = from, .map_size = map_size, .read_only = true};
    errno = 0;
    rc = store_open(&o, &format, &store);
    if (rc != RES_OK)
        return failed_at(rc, "read", from, why);
    errno = 0;
    rc = failed_at(store_copy(store, to), "copy the store to", to, why);
    store_close(store);
    return rc == RES_OK ? files_sync_dir(to) : rc;
}

/* The head of the store in dir. */
static enum result
read_head(const char *dir, uint64_t map_size, struct store_head *ret, uint64_t root_at,
          struct hash *ret_root)
{
    char path[FILES_PATH_MAX];
    uint32_t format;
    struct store *store;
    struct store_view *v;
    enum result rc = files_path(dir, "store", path);
    struct store_options o = {.path = path, .map_size = map_size, .read_only = true};
    if (rc == RES_OK)
        rc = store_open(&o, &format, &store);
    if (rc != RES_OK)
        return rc;
    rc = store_view_new(store, &v);
    if (rc == RES_OK) {
        rc = store_view_begin(v);
        if (rc == RES_OK) {
            rc = store_get_head(v, ret);
            if (rc == RES_OK && ret_root && root_at <= ret->size)
                rc = opening_root_at(v, root_at, ret_root);
            store_view_end(v);
        }
        store_view_free(v);
    }
    store_close(store);
    return rc;
}

static enum result
load_config(const char *dir, struct config *c, struct log_trouble *why)
{
    char detail[CONFIG_TEXT_MAX];
    int line;
    enum result rc = config_load(dir, c, &line, detail);
    if (rc == RES_CONFIG)
        log_say(why, "%.200s/cartulary.conf, line %d: %s", dir, line, detail);
    else if (rc != RES_OK)
        log_say(why, "%.200s/cartulary.conf: %s", dir, result_sentence(rc));
    return rc;
}

static enum result
finish(enum result rc, const char *what, struct log_trouble *why)
{
    if (rc != RES_OK && !why->text[0])
        log_say(why, "%.200s: %s (%s)", what, result_sentence(rc), result_name(rc));
    return rc;
}

enum result
copy_backup(const char *dir, const char *dest, struct store_head *ret, struct log_trouble *why)
{
    static const char *const FILES[] = {"cartulary.conf", "roots.pem", "policy", "log.pub.pem"};
    struct config c;
    char text[MARKER_TEXT_MAX];
    why->text[0] = 0;
    enum result rc = load_config(dir, &c, why);
    if (rc != RES_OK)
        return rc;
    if (mkdir(dest, 0755) != 0) {
        log_say(why, "%.300s: %s", dest,
                errno == EEXIST ? "is there already; a backup wants a new directory"
                                : strerror(errno));
        return errno == EEXIST ? RES_EXISTS : RES_IO;
    }
    /* The marker first: whatever else happens, this directory does not serve. */
    rc = marker_set(dest, MARKER_COPY, UNFINISHED);
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]) && rc == RES_OK; i++)
        rc = copy_file(dir, dest, FILES[i], why);
    if (rc == RES_OK)
        rc = copy_directory(dir, dest, c.map_size, why);
    if (rc == RES_OK)
        rc = copy_store(dir, dest, c.map_size, why);
    if (rc == RES_OK) {
        rc = read_head(dest, c.map_size, ret, 0, NULL);
        /* A log that never served has no head; a file that is missing is another matter. */
        if (rc == RES_ABSENT) {
            memset(ret, 0, sizeof(*ret));
            rc = RES_OK;
        }
    }
    if (rc == RES_OK) {
        (void)snprintf(text, sizeof(text), "of %.150s at size %" PRIu64, c.origin, ret->size);
        rc = marker_set(dest, MARKER_COPY, text);
    }
    rc = finish(rc, dest, why);
    if (rc != RES_OK) {
        const struct log_trouble what = *why;
        log_say(why, "%.300s; the backup is not finished: remove %.150s before trying again",
                what.text, dest);
    }
    return rc;
}

/* The keys in DIR must be those that signed what the store holds. */
static enum result
check_keys(const char *dir, const struct config *c, const struct store_head *head,
           struct span checkpoint, struct checkpoint *ret, uint64_t *ret_timestamp,
           struct log_trouble *why)
{
    struct signer *s;
    struct note_key keys[2];
    enum result rc = signer_open(dir, &s);
    const char *open_file = rc == RES_KEY ? signer_open_to_others(dir) : NULL;
    if (open_file) {
        log_say(why, "%.200s/keys/%s is open to others: chmod 600 %.200s/keys/%s", dir, open_file,
                dir, open_file);
        return rc;
    }
    if (rc != RES_OK) {
        log_say(why, "%.200s/keys: %s; bring the log's keys back first (mode 0600)", dir,
                result_sentence(rc));
        return rc;
    }
    struct guard g = {
        .origin = c->origin, .key = signer_public(s), .note_public = signer_note_public(s)};
    rc = guard_head(&g, head);
    if (rc != RES_OK)
        log_say(why, "the keys in %.200s/keys did not sign this copy's head", dir);
    struct p256_key *key = NULL;
    if (rc == RES_OK)
        rc = p256_key_parse(p256_key_spki(signer_public(s)), &key);
    if (rc == RES_OK)
        rc = note_key_rfc6962(c->origin, key, &keys[0]);
    if (rc == RES_OK)
        rc = note_key_ed25519(c->origin, KEY_ED25519, signer_note_public(s), &keys[1]);
    if (rc == RES_OK)
        rc = checkpoint_open_ct(checkpoint, keys, ret, ret_timestamp);
    if (rc != RES_OK && !why->text[0])
        log_say(why, "the head given is not a checkpoint of this log: %s", result_sentence(rc));
    p256_key_free(key);
    signer_close(s);
    return rc;
}

enum result
copy_promote(const char *dir, struct span checkpoint, struct span feed, uint64_t now_ms,
             uint64_t max_age_ms, struct log_trouble *why)
{
    uint64_t timestamp = 0;
    struct config c;
    struct store_head head;
    struct checkpoint outside;
    struct hash root;
    char text[MARKER_TEXT_MAX];
    why->text[0] = 0;
    enum result rc = marker_get(dir, MARKER_COPY, text);
    if (rc == RES_ABSENT)
        log_say(why, "%.200s is no backup: there is nothing to promote", dir);
    if (rc == RES_OK && strcmp(text, UNFINISHED) == 0) {
        log_say(why, "%.200s: this backup was never finished; make another", dir);
        return RES_COPY;
    }
    if (rc == RES_OK)
        rc = load_config(dir, &c, why);
    if (rc == RES_OK)
        rc = read_head(dir, c.map_size, &head, 0, NULL);
    if (rc == RES_OK)
        rc = check_keys(dir, &c, &head, checkpoint, &outside, &timestamp, why);
    if (rc != RES_OK)
        return finish(rc, dir, why);
    if (outside.size > head.size) {
        log_say(why,
                "a head of size %" PRIu64 " is known outside, this copy stands at %" PRIu64
                ": to serve it would fork the log; find a newer copy, or freeze this log",
                outside.size, head.size);
        return RES_STORE_BEHIND;
    }
    rc = read_head(dir, c.map_size, &head, outside.size, &root);
    if (rc == RES_OK && !hash_equal(&root, &outside.root)) {
        log_say(why, "the head given and this copy are different trees: keep both as evidence");
        return RES_CONFLICT;
    }
    if (rc == RES_OK)
        rc = headage_check("head", timestamp, now_ms, max_age_ms, why);
    if (rc == RES_OK)
        rc = copy_check_feed(&c, feed, now_ms, max_age_ms, why);
    if (rc == RES_OK)
        rc = marker_clear(dir, MARKER_COPY);
    return finish(rc, dir, why);
}
