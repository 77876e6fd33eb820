#include "log/fsck_directory.h"

#include <stdio.h>
#include <string.h>

#include "log/files.h"
#include "log/log_private.h"
#include "log/policyfile.h"
#include "log/store/index.h"

/* The certificate log's store; NULL when it cannot be opened, which its own check has told. */
static enum result
open_store(const struct config *c, struct store **ret)
{
    char path[FILES_PATH_MAX];
    struct store_options o = {.path = path, .map_size = c->map_size, .read_only = true};
    uint32_t format;
    enum result rc = files_path(c->dir, "store", path);

    *ret = NULL;
    if (rc == RES_OK)
        rc = store_open(&o, &format, ret);
    if (rc != RES_OK)
        *ret = NULL;
    return rc == RES_STORE_DAMAGED || rc == RES_ABSENT ? RES_OK : rc;
}

static enum result
read_policy(const struct config *c, struct kt_config *ret, struct note_key *ret_feed,
            struct log_trouble *why)
{
    struct buf text = BUF_INIT(POLICYFILE_MAX);
    enum result rc = policyfile_read(c->dir, &text);

    if (rc == RES_OK)
        rc = policyfile_directory(buf_span(&text), c->origin, ret, ret_feed);
    buf_release(&text);
    if (rc != RES_OK)
        log_say(why, "%.200s/policy, its lines 'directory' and 'feed': %s", c->dir,
                result_sentence(rc));
    return rc;
}

/* As the certificate log's: until it is built again, look-ups fail. */
static enum result
check_index(const struct fsck_options *o, const struct config *c, const char *path,
            struct fsck_report *ret)
{
    char name[FILES_PATH_MAX];
    struct index_options options = {.path = name, .map_size = c->map_size, .read_only = true};
    uint64_t covered = 0;
    struct index *x = NULL;
    enum result rc = files_path(path, "index", name);

    if (rc == RES_OK)
        rc = index_open(&options, &covered, &x);
    if (rc == RES_ABSENT)
        return RES_OK; /* a backup */
    if (rc == RES_OK)
        rc = index_check(x);
    index_close(x);
    if (rc != RES_STORE_DAMAGED)
        return rc;
    ret->directory.findings++;
    o->finding(o->arg, "directory/index",
               "is damaged; stop the log and remove directory/index: it is built again");
    return RES_OK;
}

enum result
fsck_directory(const struct fsck_options *o, const struct config *c, struct fsck_report *ret,
               struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    struct note_key feed;
    struct check_parts p = {.path = path,
                            .origin = c->origin,
                            .map_size = c->map_size,
                            .proof_every = o->proof_every,
                            .progress = o->progress,
                            .finding = o->finding,
                            .arg = o->arg};

    if (!log_has_directory(c))
        return RES_OK;
    enum result rc = files_path(c->dir, "directory", path);
    if (rc == RES_OK)
        rc = read_policy(c, &p.config, &feed, why);
    if (rc == RES_OK)
        rc = open_store(c, &p.store);
    if (rc != RES_OK)
        return rc;
    p.feed_public = feed.public;
    ret->has_directory = true;
    rc = check_directory(&p, &ret->directory, why);
    store_close(p.store);
    if (rc == RES_STORE_DAMAGED) {
        ret->directory.findings++;
        o->finding(o->arg, "directory", "cannot be read to its end: its structure is damaged");
        rc = RES_OK;
    }
    if (rc == RES_OK)
        rc = check_index(o, c, path, ret);
    ret->findings += ret->directory.findings;
    return rc;
}

/* ---- making it again ---- */

/* Clients believe the keys that policy names: no others may sign what they are given. */
static enum result
check_signer(const struct config *c, const struct signer *s, struct log_trouble *why)
{
    struct kt_config config;
    struct note_key feed;
    enum result rc = read_policy(c, &config, &feed, why);

    if (rc != RES_OK)
        return rc;
    if (memcmp(config.signature_key, signer_directory_public(s), KT_KEY_SIZE) == 0 &&
        memcmp(config.vrf_key, signer_vrf_public(s), KT_KEY_SIZE) == 0 &&
        memcmp(feed.public, signer_feed_public(s), KT_KEY_SIZE) == 0)
        return RES_OK;
    log_say(why,
            "the directory's keys in %.200s/keys are others than those that %.200s/policy names: "
            "bring the right ones back",
            c->dir, c->dir);
    return RES_KEY;
}

static enum result
open_signer(const struct config *c, struct signer **ret, struct log_trouble *why)
{
    enum result rc = signer_open(c->dir, ret);

    if (rc != RES_OK)
        log_say(why, "%.200s/keys: %s (%s); a directory is signed when it is made again", c->dir,
                result_sentence(rc), result_name(rc));
    return rc;
}

enum result
fsck_directory_rebuild(const struct fsck_options *o, const struct config *c,
                       struct rebuild_report *ret, struct log_trouble *why)
{
    struct rebuild_parts p = {.config = c,
                              .feed = o->feed,
                              .old_unreadable = o->old_unreadable,
                              .progress = o->progress,
                              .arg = o->arg};
    enum result rc = open_signer(c, &p.signer, why);

    if (rc != RES_OK)
        return rc;
    rc = check_signer(c, p.signer, why);
    if (rc == RES_OK)
        rc = open_store(c, &p.store);
    if (rc == RES_OK && p.store == NULL)
        rc = RES_ABSENT;
    if (rc == RES_OK)
        rc = rebuild_directory(&p, ret, why);
    store_close(p.store);
    signer_close(p.signer);
    return rc;
}

enum result
fsck_probe(const char *dir)
{
    char path[FILES_PATH_MAX], detail[CONFIG_TEXT_MAX];
    struct config c;
    struct shelf_options o = {.path = path, .read_only = true};
    struct directory_head head;
    struct shelf_view *v;
    struct shelf *s;
    int line;
    enum result rc = config_load(dir, &c, &line, detail);

    if (rc == RES_OK)
        rc = files_path(dir, "directory", path);
    o.map_size = c.map_size;
    if (rc == RES_OK)
        rc = shelf_open(&o, &s);
    if (rc != RES_OK)
        return rc;
    rc = shelf_view_new(s, &v);
    if (rc == RES_OK) {
        rc = shelf_view_begin(v);
        if (rc == RES_OK) {
            rc = shelf_get_head(v, &head);
            shelf_view_end(v);
        }
        shelf_view_free(v);
    }
    shelf_close(s);
    return rc;
}
