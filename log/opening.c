#include "log/opening.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "log/audit.h"
#include "log/files.h"
#include "log/guard.h"
#include "log/marker.h"
#include "log/stored.h"
#include "merkle/leaf/entry.h"
#include "merkle/tree/range.h"

enum result
opening_check_markers(struct log *l, struct log_trouble *why)
{
    char text[MARKER_TEXT_MAX];
    enum result rc = marker_get(l->config.dir, MARKER_HALTED, text);
    if (rc == RES_OK) {
        log_say(why,
                "the log has halted (%s); run 'cartularyd fsck %.120s', and when it is sound "
                "'cartularyd resume %.120s'",
                text, l->config.dir, l->config.dir);
        return RES_HALTED;
    }
    if (rc != RES_ABSENT)
        return rc;
    rc = marker_get(l->config.dir, MARKER_COPY, text);
    if (rc == RES_OK) {
        log_say(why, "this is a backup (%s); it serves only after 'cartularyd promote %.120s'",
                text, l->config.dir);
        return RES_COPY;
    }
    return rc == RES_ABSENT ? RES_OK : rc;
}

enum result
opening_root_at(struct store_view *v, uint64_t size, struct hash *ret)
{
    struct hash peaks[NODE_HEIGHT_MAX + 1];
    struct range range;
    unsigned n = 0;
    for (int height = NODE_HEIGHT_MAX; height >= 0; height--) {
        if (!(size >> height & 1))
            continue;
        struct node peak = {(unsigned)height, (size >> height) - 1};
        enum result rc = store_get_node(v, peak, &peaks[n++]);
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    }
    enum result rc = range_from_peaks(size, peaks, n, &range);
    if (rc == RES_OK)
        range_root(&range, ret);
    return rc;
}

static void
on_finding(void *arg, const char *where, const char *what)
{
    struct log_trouble *why = arg;
    log_say(why, "%s %s; run fsck", where, what);
}

/* The last two bundles: what a crash could have touched. */
static enum result
audit_newest(struct log *l, struct store_view *v, struct log_trouble *why)
{
    uint64_t bundles = (l->head.size + STORE_BUNDLE - 1) / STORE_BUNDLE;
    struct known *sound;
    enum result rc = known_new(&sound);
    if (rc != RES_OK)
        return rc;
    struct audit a = {.view = v,
                      .size = l->head.size,
                      .key = signer_public(l->signer),
                      .sct_every = GUARD_SCT_EVERY,
                      .issuers = sound,
                      .finding = on_finding,
                      .arg = why,
                      .scratch = BUF_INIT(CERT_MAX)};
    for (uint64_t n = bundles > 2 ? bundles - 2 : 0; n < bundles && rc == RES_OK; n++)
        rc = audit_bundle(&a, n);
    if (rc == RES_OK && a.findings)
        rc = RES_STORE_DAMAGED;
    buf_release(&a.scratch);
    known_free(sound);
    return rc;
}

static enum result
note_issuer(void *arg, const struct hash *sha256, struct span der)
{
    (void)der;
    return known_add(arg, sha256);
}

static enum result
check_head(struct log *l, struct store_view *v, struct log_trouble *why)
{
    struct guard g = {.origin = l->config.origin,
                      .key = signer_public(l->signer),
                      .note_public = signer_note_public(l->signer)};
    struct hash root;
    enum result rc = guard_head(&g, &l->head);
    if (rc != RES_OK) {
        log_say(why, "the stored head is not signed by the keys in %.200s/keys", l->config.dir);
        return rc == RES_SIGNATURE ? RES_STORE_DAMAGED : rc;
    }
    rc = guard_root(v, l->head.size, &root);
    if (rc == RES_OK && !hash_equal(&root, &l->head.root))
        rc = RES_STORE_DAMAGED;
    if (rc != RES_OK) {
        log_say(why, "the signed root is not the root of the stored tiles; run fsck");
        return rc;
    }
    return audit_newest(l, v, why);
}

static enum result
read_store(struct log *l, struct log_trouble *why)
{
    struct store_view *v;
    enum result rc = store_view_new(l->store, &v);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(v);
    if (rc == RES_OK) {
        rc = store_get_head(v, &l->head);
        if (rc == RES_OK)
            rc = check_head(l, v, why);
        else if (rc == RES_ABSENT)
            rc = RES_OK; /* made by init, never served */
        if (rc == RES_OK)
            rc = store_each_issuer(v, note_issuer, l->known);
        store_view_end(v);
    }
    store_view_free(v);
    return rc;
}

enum result
opening_store(struct log *l, struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    uint32_t format = 0;
    enum result rc = signer_open(l->config.dir, &l->signer);
    const char *open_file = rc == RES_KEY ? signer_open_to_others(l->config.dir) : NULL;
    if (open_file) {
        log_say(why, "%.200s/keys/%s is open to others: chmod 600 %.200s/keys/%s", l->config.dir,
                open_file, l->config.dir, open_file);
        return rc;
    }
    if (rc != RES_OK) {
        log_say(why,
                "%.200s/keys: %s (%s); key files must be there and readable by their owner only",
                l->config.dir, result_sentence(rc), result_name(rc));
        return rc;
    }
    rc = known_new(&l->known);
    if (rc == RES_OK)
        rc = files_path(l->config.dir, "store", path);
    if (rc != RES_OK)
        return rc;
    struct store_options o = {.path = path, .map_size = l->config.map_size};
    rc = store_open(&o, &format, &l->store);
    if (rc == RES_STORE_FORMAT)
        log_say(why, "%.200s has format %u, this program knows %u; see 'cartularyd upgrade'", path,
                format, STORE_FORMAT);
    if (rc == RES_MEMORY)
        log_say(why,
                "no address space for a map of %" PRIu64
                " bytes; lower map-size in cartulary.conf or lift the limit (ulimit -v)",
                l->config.map_size);
    if (rc != RES_OK)
        return rc;
    if (strcmp(store_origin(l->store), l->config.origin) != 0) {
        log_say(why, "the store is of %.200s, the configuration of %.200s", store_origin(l->store),
                l->config.origin);
        return RES_CONFIG;
    }
    return read_store(l, why);
}

static enum result
compare_mark(struct log *l, const struct highwater_mark *mark, struct log_trouble *why)
{
    if (mark->size > l->head.size || mark->timestamp > l->head.timestamp) {
        log_say(why,
                "a head of size %" PRIu64 " was signed and published, the store stands at %" PRIu64
                ": it was rolled back; bring the newer store back",
                mark->size, l->head.size);
        return RES_STORE_BEHIND;
    }
    struct store_view *v;
    struct hash root;
    enum result rc = store_view_new(l->store, &v);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(v);
    if (rc == RES_OK) {
        rc = opening_root_at(v, mark->size, &root);
        store_view_end(v);
    }
    store_view_free(v);
    if (rc == RES_OK && !hash_equal(&root, &mark->root)) {
        log_say(why, "the tree is not a continuation of the one that was signed at size %" PRIu64,
                mark->size);
        rc = RES_STORE_DAMAGED;
    }
    return rc;
}

enum result
opening_highwater(struct log *l, struct log_trouble *why)
{
    struct highwater_mark mark;
    bool found;
    if (!l->config.high_water[0])
        return RES_OK;
    /* A file that is not there is no reason to believe the store: its disk may not be mounted. */
    if (l->head.timestamp != 0 && !files_exist(l->config.high_water)) {
        log_say(why,
                "high-water file %.200s is not there, and this log has signed heads: bring the "
                "file back; only if it never had one, make an empty file",
                l->config.high_water);
        return RES_STORE_BEHIND;
    }
    enum result rc = highwater_open(l->config.high_water, &l->highwater, &mark, &found);
    if (rc != RES_OK) {
        log_say(why, "high-water file %.200s: %s", l->config.high_water, result_sentence(rc));
        return rc;
    }
    return found ? compare_mark(l, &mark, why) : RES_OK;
}

/* Hands the index the entries that its runs do not cover. */
static enum result
catch_up(struct log *l, struct store_view *v, uint64_t from)
{
    for (uint64_t i = from; i < l->head.size; i++) {
        struct tile_leaf leaf;
        struct span signature;
        struct hash keys[INDEX_MAPS];
        enum result rc = stored_leaf(v, i, &leaf, &signature);
        if (rc == RES_ERASED) { /* no certificate leads to it any more */
            rc = store_get_node(v, (struct node){0, i}, &keys[INDEX_LEAF_HASH]);
            keys[INDEX_ENTRY_KEY] = keys[INDEX_LEAF_HASH];
        } else if (rc == RES_OK) {
            entry_key(&leaf.timestamped.entry, &keys[INDEX_ENTRY_KEY]);
            entry_leaf_hash(&leaf.timestamped, &keys[INDEX_LEAF_HASH]);
        }
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
        rc = index_add(l->index, i, keys);
        if (rc != RES_OK)
            return rc;
        if ((i + 1) % 1000000 == 0)
            log_line(l, "index", "built=%" PRIu64 " of=%" PRIu64, i + 1, l->head.size);
    }
    return RES_OK;
}

/* Opens the index; one that does not add up is begun anew: its entries are all in the store, and
 * what it hides would be logged twice. */
static enum result
open_index(struct log *l, const char *path, uint64_t *covered)
{
    struct index_options o = {.path = path, .map_size = l->config.map_size / 4};
    enum result rc = index_open(&o, covered, &l->index);
    if (rc != RES_OK)
        return rc;
    rc = index_check(l->index);
    if (rc != RES_STORE_DAMAGED)
        return rc;
    log_line(l, "index", "damaged=yes covered=%" PRIu64 " rebuilding=yes", *covered);
    index_close(l->index);
    l->index = NULL;
    rc = index_remove(path);
    return rc == RES_OK ? index_open(&o, covered, &l->index) : rc;
}

enum result
opening_index(struct log *l, struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    uint64_t covered = 0;
    enum result rc = files_path(l->config.dir, "store/index", path);
    if (rc != RES_OK)
        return rc;
    rc = open_index(l, path, &covered);
    if (rc == RES_OK && covered > l->head.size) {
        /* It was built over a longer store than this one: take it away. */
        log_say(why, "%.200s is ahead of the store; remove that directory, it is built again",
                path);
        return RES_STORE_DAMAGED;
    }
    struct store_view *v;
    if (rc == RES_OK)
        rc = store_view_new(l->store, &v);
    if (rc != RES_OK)
        return rc;
    rc = store_view_begin(v);
    if (rc == RES_OK) {
        rc = catch_up(l, v, covered);
        store_view_end(v);
    }
    store_view_free(v);
    return rc;
}
