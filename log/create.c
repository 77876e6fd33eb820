#include "log/create.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/directory/directory_private.h"
#include "log/files.h"
#include "log/log_private.h"
#include "log/rootsfile.h"
#include "log/signer.h"
#include "merkle/base/text.h"

#define POLICY_MAX_HERE 8192
/* An empty store's address space.  The log takes what its configuration says; that can be lowered
 * only when it is there. */
#define EMPTY_MAP (UINT64_C(1) << 24)

static enum result
write_file(const char *dir, const char *name, struct span data, unsigned mode)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(dir, name, path);
    return rc == RES_OK ? files_replace(path, data, mode) : rc;
}

static enum result
make_dir(const char *dir, const char *name, unsigned mode)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(dir, name, path);
    if (rc != RES_OK)
        return rc;
    return mkdir(path, (mode_t)mode) == 0 ? RES_OK : errno == EEXIST ? RES_EXISTS : RES_IO;
}

/* Every key that cartulary.conf knows stands there, as a remark where the default holds. */
static enum result
config_text(const struct create_options *o, struct buf *out)
{
    enum result rc =
        buf_printf(out,
                   "# A log's configuration; every key is explained in cartulary.conf(5).\n"
                   "origin = %s\nurl = %s\nentries = %s\n",
                   o->origin, o->url, o->entries_public ? "public" : "auditors");
    if (rc == RES_OK && o->not_after_start)
        rc = buf_printf(out, "not-after-start = %s\n", o->not_after_start);
    if (rc == RES_OK && o->not_after_limit)
        rc = buf_printf(out, "not-after-limit = %s\n", o->not_after_limit);
    if (rc == RES_OK)
        rc =
            buf_printf(out, "\n# A file on another disk: a store that was rolled back is refused.\n"
                            "# highwater = /var/lib/cartulary-highwater/log\n"
                            "\n# eku = 1.3.6.1.5.5.7.3.4\n# any-eku = no\n# no-eku = no\n"
                            "# disk-floor = 1073741824\n# scrub-period = 604800\n"
                            "# workers = 0\n# pool = 4096\n# connections = 1024\n"
                            "# lookup-rate = 60\n# lookup-burst = 30\n");
    return rc;
}

enum result
create_policy(const char *origin, const char *url, bool entries_public, struct span spki,
              const uint8_t *note_public, struct buf *out)
{
    struct note_key key;
    enum result rc = note_key_ed25519(origin, KEY_ED25519, note_public, &key);
    if (rc == RES_OK)
        rc = buf_printf(out, "# The policy of %s: give it to whoever checks this log.\nlog ",
                        origin);
    if (rc == RES_OK)
        rc = note_key_write(&key, out);
    if (rc == RES_OK)
        rc = buf_printf(out, " %s\n#cartulary ct-key %s ", url, origin);
    if (rc == RES_OK)
        rc = text_base64(spki, out);
    if (rc == RES_OK)
        rc = buf_printf(out, "\n#cartulary mmd %s 60\n#cartulary serves %s rfc6962 static-ct\n",
                        origin, origin);
    if (rc == RES_OK && !entries_public)
        rc = buf_printf(out, "# Bodies of entries are given to auditors only: no RFC 6962 log for "
                             "monitors.\n");
    return rc == RES_OK ? buf_printf(out, "quorum none\n") : rc;
}

/* A PEM block of the public key, for programs that take one. */
static enum result
public_pem(struct span spki, struct buf *out)
{
    struct buf text = BUF_INIT(1024);
    enum result rc = text_base64(spki, &text);
    if (rc == RES_OK)
        rc = buf_printf(out, "-----BEGIN PUBLIC KEY-----\n");
    for (size_t at = 0; rc == RES_OK && at < text.n; at += 64)
        rc = buf_printf(out, "%.*s\n", (int)(text.n - at < 64 ? text.n - at : 64),
                        (const char *)text.p + at);
    if (rc == RES_OK)
        rc = buf_printf(out, "-----END PUBLIC KEY-----\n");
    buf_release(&text);
    return rc;
}

/* The lines about the key directory: client/FORMATS.md, "The directory". */
static enum result
add_directory(const struct config *c, struct signer *s, struct buf *out)
{
    struct buf config = BUF_INIT(256);
    struct note_key feed;
    char name[CONFIG_TEXT_MAX + 8];
    enum result rc = directory_configure(s, &config);
    if (rc == RES_OK)
        rc = buf_printf(out, "#cartulary directory %s ", c->origin);
    if (rc == RES_OK)
        rc = text_base64(buf_span(&config), out);
    buf_release(&config);
    (void)snprintf(name, sizeof(name), "%s/feed", c->origin);
    if (rc == RES_OK)
        rc = note_key_ed25519(name, KEY_ED25519, signer_feed_public(s), &feed);
    if (rc == RES_OK)
        rc = buf_printf(out, "\n#cartulary feed %s ", c->origin);
    if (rc == RES_OK)
        rc = note_key_write(&feed, out);
    if (rc == RES_OK)
        rc = buf_printf(out, "\n#cartulary directory-delay %s %u\n", c->origin, c->directory_delay);
    return rc;
}

static enum result
write_public(const struct create_options *o, const struct config *c, struct signer *s)
{
    struct buf out = BUF_INIT(POLICY_MAX_HERE);
    struct span spki = p256_key_spki(signer_public(s));
    enum result rc =
        create_policy(o->origin, o->url, o->entries_public, spki, signer_note_public(s), &out);
    if (rc == RES_OK && log_has_directory(c))
        rc = add_directory(c, s, &out);
    if (rc == RES_OK)
        rc = write_file(o->dir, "policy", buf_span(&out), 0644);
    buf_clear(&out);
    if (rc == RES_OK)
        rc = public_pem(spki, &out);
    if (rc == RES_OK)
        rc = write_file(o->dir, "log.pub.pem", buf_span(&out), 0644);
    buf_release(&out);
    return rc;
}

/* The configuration is written first and read back by the code that serve uses, so that a mistake
 * shows now. */
static enum result
write_config(const struct create_options *o, struct config *c, struct log_trouble *why)
{
    struct buf text = BUF_INIT(POLICY_MAX_HERE);
    char detail[CONFIG_TEXT_MAX];
    int line;
    enum result rc = config_text(o, &text);
    if (rc == RES_OK)
        rc = write_file(o->dir, "cartulary.conf", buf_span(&text), 0644);
    buf_release(&text);
    if (rc != RES_OK)
        return rc;
    rc = config_load(o->dir, c, &line, detail);
    if (rc == RES_CONFIG)
        log_say(why, "%s", detail);
    return rc;
}

static enum result
write_roots(const struct create_options *o, struct log_trouble *why)
{
    struct roots *roots;
    size_t line;
    enum result rc = rootsfile_parse(o->roots_pem, &roots, &line);
    if (rc != RES_OK) {
        log_say(why, "roots, line %zu: %s (%s)", line, result_sentence(rc), result_name(rc));
        return rc;
    }
    roots_unref(roots);
    return write_file(o->dir, "roots.pem", o->roots_pem, 0644);
}

static enum result
make_store(const struct create_options *o)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(o->dir, "store", path);
    struct store_options options = {.path = path, .map_size = EMPTY_MAP};
    return rc == RES_OK ? store_create(&options, o->origin) : rc;
}

static void
no_head(void *arg, struct store_head *ret)
{
    (void)arg;
    memset(ret, 0, sizeof(*ret));
}

static struct roots *
no_roots(void *arg)
{
    return roots_ref(arg);
}

static void
not_halted(void *arg, enum result why, const char *what)
{
    (void)arg;
    (void)why;
    (void)what;
}

/* The directory with epoch 0, the empty tree: before any entry, whatever the roots are bound to. */
static enum result
first_epoch(const struct config *c, struct signer *s, struct store *store, struct log_trouble *why)
{
    struct directory_hooks hooks = {
        .head = no_head, .roots = no_roots, .halted = not_halted, .now_ms = log_now_ms};
    struct directory *d;
    struct roots *none;
    enum result rc = roots_new(&none);
    if (rc != RES_OK)
        return rc;
    hooks.arg = none;
    rc = directory_create(c, s);
    if (rc == RES_OK)
        rc = directory_open(c, s, store, &hooks, &d, why);
    if (rc == RES_OK) {
        rc = directory_turn(d);
        directory_close(d);
    }
    roots_unref(none);
    return rc;
}

static enum result
make_directory(const struct config *c, struct signer *s, struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    struct store *store;
    struct config small = *c;
    uint32_t format;
    if (!log_has_directory(c))
        return RES_OK;
    small.map_size = EMPTY_MAP;
    enum result rc = files_path(c->dir, "store", path);
    struct store_options o = {.path = path, .map_size = EMPTY_MAP};
    if (rc == RES_OK)
        rc = store_open(&o, &format, &store);
    if (rc != RES_OK)
        return rc;
    rc = first_epoch(&small, s, store, why);
    store_close(store);
    return rc;
}

static enum result
fill(const struct create_options *o, struct log_trouble *why)
{
    struct config c;
    struct signer *s = NULL;
    if (!note_key_name_ok(span_str(o->origin))) {
        log_say(why, "the origin may hold no blanks and no '+': log.example/2026");
        return RES_CONFIG;
    }
    if (strpbrk(o->url, " \t\r\n")) { /* it would be more than one word in policy */
        log_say(why, "the url may hold no blanks");
        return RES_CONFIG;
    }
    enum result rc = write_config(o, &c, why);
    if (rc == RES_OK)
        rc = write_roots(o, why);
    if (rc == RES_OK)
        rc = make_dir(o->dir, "keys", 0700);
    if (rc == RES_OK)
        rc = signer_create(o->dir);
    if (rc == RES_OK)
        rc = signer_open(o->dir, &s);
    if (rc == RES_OK)
        rc = write_public(o, &c, s);
    if (rc == RES_OK)
        rc = make_dir(o->dir, "store", 0755);
    if (rc == RES_OK)
        rc = make_store(o);
    if (rc == RES_OK)
        rc = make_directory(&c, s, why);
    signer_close(s);
    return rc == RES_OK ? files_sync_dir(o->dir) : rc;
}

/* Takes away what was made, in the order of its making reversed; what is not there is no loss. */
static void
unmake(const char *dir, bool made)
{
    static const char *const FILES[] = {"directory/index/data.mdb",
                                        "directory/index/lock.mdb",
                                        "directory/index",
                                        "directory/data.mdb",
                                        "directory/lock.mdb",
                                        "directory/recipes",
                                        "directory/keys",
                                        "directory",
                                        "store/data.mdb",
                                        "store/lock.mdb",
                                        "store",
                                        "keys/vrf.pem",
                                        "keys/feed.pem",
                                        "keys/directory.pem",
                                        "keys/checkpoint.pem",
                                        "keys/log.pem",
                                        "keys",
                                        "log.pub.pem",
                                        "policy",
                                        "roots.pem",
                                        "cartulary.conf"};
    char path[FILES_PATH_MAX];
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++)
        if (files_path(dir, FILES[i], path) == RES_OK)
            (void)remove(path);
    if (made)
        (void)rmdir(dir);
}

static bool
is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    size_t names = 0;
    if (!d)
        return false;
    while (names < 3 && readdir(d))
        names++;
    (void)closedir(d);
    return names == 2; /* "." and ".." */
}

/* An empty directory that is there already is taken as it is: its owner and mode are somebody's
 * will. */
static enum result
take_dir(const char *dir, bool *ret_made, struct log_trouble *why)
{
    *ret_made = mkdir(dir, 0755) == 0;
    if (*ret_made)
        return RES_OK;
    if (errno != EEXIST) {
        log_say(why, "%.300s: cannot be made: %s", dir, strerror(errno));
        return RES_IO;
    }
    if (is_empty(dir))
        return RES_OK;
    log_say(why, "%.300s is there and not an empty directory; name another", dir);
    return RES_EXISTS;
}

enum result
create_log(const struct create_options *o, struct log_trouble *why)
{
    bool made;
    why->text[0] = 0;
    enum result rc = take_dir(o->dir, &made, why);
    if (rc != RES_OK)
        return rc;
    rc = fill(o, why);
    if (rc == RES_OK && made)
        rc = files_sync_parent(o->dir);
    if (rc == RES_OK)
        return RES_OK;
    if (!why->text[0])
        log_say(why, "%.300s: %s (%s)", o->dir, result_sentence(rc), result_name(rc));
    unmake(o->dir, made);
    return rc;
}
