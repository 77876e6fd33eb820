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
read_policy(const struct config *c, struct check_parts *p, struct note_key *ret_feed,
            struct log_trouble *why)
{
    struct buf text = BUF_INIT(POLICYFILE_MAX);
    enum result rc = policyfile_read(c->dir, &text);

    if (rc == RES_OK)
        rc = policyfile_directory(buf_span(&text), c->origin, &p->config, ret_feed);
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
        rc = read_policy(c, &p, &feed, why);
    if (rc == RES_OK)
        rc = open_store(c, &p.store);
    if (rc != RES_OK)
        return rc;
    p.feed_public = feed.public;
    ret->has_directory = true;
    rc = check_directory(&p, &ret->directory, why);
    store_close(p.store);
    if (rc == RES_OK)
        rc = check_index(o, c, path, ret);
    ret->findings += ret->directory.findings;
    return rc;
}
