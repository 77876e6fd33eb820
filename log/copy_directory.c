#include "log/copy_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/directory/directory_private.h"
#include "log/files.h"
#include "log/headage.h"
#include "log/log_private.h"
#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "merkle/tree/range.h"

#define PIECE (1u << 20)

/* ---- copying ---- */

static enum result
copy_pieces(int from, int to)
{
    uint8_t *piece = malloc(PIECE);
    enum result rc = piece == NULL ? RES_MEMORY : RES_OK;
    ssize_t n = 1;

    while (rc == RES_OK && n > 0) {
        n = read(from, piece, PIECE);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            rc = RES_IO;
        else
            rc = files_write(to, span_of(piece, (size_t)n));
    }
    free(piece);
    return rc == RES_OK && fsync(to) != 0 ? RES_IO : rc;
}

/* A file that only grows: as much of it as there is now. */
static enum result
copy_growing(const char *dir, const char *dest, const char *name, struct log_trouble *why)
{
    char from[FILES_PATH_MAX], to[FILES_PATH_MAX];
    int in = -1, out = -1;
    enum result rc = files_path(dir, name, from);

    if (rc == RES_OK)
        rc = files_path(dest, name, to);
    if (rc == RES_OK && (in = open(from, O_RDONLY | O_CLOEXEC)) < 0)
        rc = RES_IO;
    if (rc == RES_OK && (out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
        rc = RES_IO;
    if (rc == RES_OK)
        rc = copy_pieces(in, out);
    if (rc != RES_OK)
        log_say(why, "cannot copy %.200s: %s", from,
                rc == RES_IO ? strerror(errno) : result_sentence(rc));
    if (in >= 0)
        (void)close(in);
    if (out >= 0 && close(out) != 0 && rc == RES_OK)
        rc = RES_IO;
    return rc;
}

static enum result
copy_pages(const char *from, const char *to, uint64_t map_size, struct log_trouble *why)
{
    struct shelf_options o = {.path = from, .map_size = map_size, .read_only = true};
    struct shelf *s;
    enum result rc = shelf_open(&o, &s);

    if (rc == RES_OK) {
        rc = shelf_copy(s, to);
        shelf_close(s);
    }
    if (rc != RES_OK)
        log_say(why, "cannot copy the directory in %.200s: %s", from, result_sentence(rc));
    return rc;
}

enum result
copy_directory(const char *dir, const char *dest, uint64_t map_size, struct log_trouble *why)
{
    char from[FILES_PATH_MAX], to[FILES_PATH_MAX];
    enum result rc = files_path(dir, "directory", from);

    if (rc == RES_OK)
        rc = files_path(dest, "directory", to);
    if (rc != RES_OK || !files_exist(from))
        return rc;
    if (mkdir(to, 0700) != 0) {
        log_say(why, "cannot make %.200s: %s", to, strerror(errno));
        return RES_IO;
    }
    rc = copy_pages(from, to, map_size, why);
    if (rc == RES_OK)
        rc = copy_growing(from, to, "recipes", why);
    if (rc == RES_OK)
        rc = copy_growing(from, to, "keys", why);
    return rc == RES_OK ? files_sync_dir(to) : rc;
}

/* ---- before a copy goes on ---- */

static enum result
open_feed(const struct config *c, struct span feed, struct checkpoint *ret, struct log_trouble *why)
{
    struct signer *s = NULL;
    struct note_key key;
    struct note note;
    char name[CONFIG_TEXT_MAX + 8];
    enum result rc = signer_open(c->dir, &s);

    (void)snprintf(name, sizeof(name), "%s/feed", c->origin);
    if (rc == RES_OK)
        rc = note_key_ed25519(name, KEY_ED25519, signer_feed_public(s), &key);
    if (rc == RES_OK)
        rc = note_parse(feed, &note);
    if (rc == RES_OK)
        rc = note_verify(&note, &key, 1, NULL, NULL, NULL);
    if (rc == RES_OK)
        rc = checkpoint_parse(note.text, ret);
    if (rc == RES_OK && !span_equal(ret->origin, span_str(name)))
        rc = RES_ORIGIN;
    signer_close(s);
    if (rc != RES_OK)
        log_say(why, "the feed's head given is not a checkpoint of %.150s: %s", name,
                result_sentence(rc));
    return rc;
}

/* The root of the feed's first size entries. */
static enum result
feed_root_at(struct shelf_view *v, uint64_t size, struct hash *ret)
{
    struct hash peaks[NODE_HEIGHT_MAX + 1];
    struct range range;
    unsigned n = 0;
    enum result rc = RES_OK;

    for (int h = NODE_HEIGHT_MAX; h >= 0 && rc == RES_OK; h--)
        if (size >> h & 1)
            rc = shelf_get_feed_node(v, (struct node){(unsigned)h, (size >> h) - 1}, &peaks[n++]);
    if (rc == RES_OK)
        rc = range_from_peaks(size, peaks, n, &range);
    if (rc == RES_OK)
        range_root(&range, ret);
    return rc;
}

/* The size of the copy's feed, and when the entry was made that the head outside ends with. */
struct compared {
    uint64_t size, timestamp;
};

static enum result
compare(struct shelf *s, const struct checkpoint *outside, struct compared *ret)
{
    struct directory_head head;
    struct entry_row newest;
    struct shelf_view *v;
    struct hash root;
    enum result rc = shelf_view_new(s, &v);

    if (rc != RES_OK)
        return rc;
    rc = shelf_view_begin(v);
    if (rc == RES_OK) {
        rc = shelf_get_head(v, &head);
        ret->size = rc == RES_OK ? head.size : 0;
        if (rc == RES_OK && outside->size > head.size)
            rc = RES_STORE_BEHIND;
        if (rc == RES_OK)
            rc = feed_root_at(v, outside->size, &root);
        if (rc == RES_OK && !hash_equal(&root, &outside->root))
            rc = RES_CONFLICT;
        if (rc == RES_OK)
            rc = shelf_get_entry(v, outside->size - 1, &newest);
        if (rc == RES_OK)
            ret->timestamp = newest.feed.timestamp;
        shelf_view_end(v);
    }
    shelf_view_free(v);
    return rc;
}

enum result
copy_compare_feed(const struct config *c, struct shelf *s, struct span feed,
                  uint64_t *ret_timestamp, struct log_trouble *why)
{
    struct checkpoint outside;
    struct compared copy = {0, 0};
    enum result rc = open_feed(c, feed, &outside, why);

    if (rc != RES_OK)
        return rc;
    if (outside.size == 0) { /* any feed begins so */
        log_say(why, "the feed's head given is of a feed without entries: get a newer one");
        return RES_STALE;
    }
    rc = compare(s, &outside, &copy);
    if (rc == RES_STORE_BEHIND)
        log_say(why,
                "the feed had %" PRIu64 " entries outside, this copy's has %" PRIu64
                ": to serve it would fork the directory; find a newer copy",
                outside.size, copy.size);
    else if (rc == RES_CONFLICT)
        log_say(why, "the feed's head given and this copy are different trees: keep both as "
                     "evidence");
    else if (rc == RES_OK)
        *ret_timestamp = copy.timestamp;
    return rc;
}

enum result
copy_check_feed(const struct config *c, struct span feed, uint64_t now_ms, uint64_t max_age_ms,
                struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    struct shelf_options o = {.path = path, .map_size = c->map_size, .read_only = true};
    struct shelf *s;
    uint64_t timestamp;
    enum result rc = files_path(c->dir, "directory", path);

    if (rc != RES_OK || !files_exist(path))
        return rc;
    if (feed.n == 0) {
        log_say(why, "this log has a key directory, which signs heads of its own: hand in the "
                     "newest that is known outside too, --feed FILE, a saved /feed/checkpoint");
        return RES_CONFIG;
    }
    rc = shelf_open(&o, &s);
    if (rc != RES_OK)
        return rc;
    rc = copy_compare_feed(c, s, feed, &timestamp, why);
    shelf_close(s);
    return rc == RES_OK ? headage_check("feed's head", timestamp, now_ms, max_age_ms, why) : rc;
}
