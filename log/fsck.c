#include "log/fsck.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/audit.h"
#include "log/dirlock.h"
#include "log/files.h"
#include "log/fsck_directory.h"
#include "log/guard.h"
#include "log/log_private.h"
#include "log/policyfile.h"
#include "log/store/index.h"
#include "merkle/base/text.h"

#define PEM_MAX 4096
/* A damaged head may count 2^60 entries, each of them missing. */
#define FINDINGS_MAX 10000

/* What a log's signatures are checked with. */
struct keys {
    const char *origin;
    struct p256_key *p256;
    struct note_key note;
};

/* The base64 between the lines of a PEM block. */
static enum result
pem_body(struct span pem, struct buf *out)
{
    bool inside = false;
    while (pem.n) {
        const uint8_t *end = memchr(pem.p, '\n', pem.n);
        size_t n = end ? (size_t)(end - pem.p) : pem.n;
        struct span line = span_of(pem.p, n);
        pem = span_of(pem.p + n + (end ? 1 : 0), pem.n - n - (end ? 1 : 0));
        if (line.n >= 5 && memcmp(line.p, "-----", 5) == 0) {
            if (inside)
                return RES_OK;
            inside = true;
        } else if (inside) {
            enum result rc = buf_add(out, line);
            if (rc != RES_OK)
                return rc;
        }
    }
    return RES_KEY;
}

enum result
fsck_public_key(const char *dir, struct p256_key **ret)
{
    char path[FILES_PATH_MAX];
    struct buf pem = BUF_INIT(PEM_MAX), text = BUF_INIT(PEM_MAX), der = BUF_INIT(PEM_MAX);
    enum result rc = files_path(dir, "log.pub.pem", path);
    if (rc == RES_OK)
        rc = files_read(path, &pem);
    if (rc == RES_OK)
        rc = pem_body(buf_span(&pem), &text);
    if (rc == RES_OK)
        rc = text_unbase64(buf_span(&text), &der);
    if (rc == RES_OK)
        rc = p256_key_parse(buf_span(&der), ret);
    buf_release(&pem);
    buf_release(&text);
    buf_release(&der);
    return rc;
}

enum result
fsck_note_key(const char *dir, struct note_key *ret)
{
    struct buf text = BUF_INIT(POLICYFILE_MAX);
    struct span vkey;
    enum result rc = policyfile_read(dir, &text);
    if (rc == RES_OK)
        rc = policyfile_word(buf_span(&text), "log ", &vkey);
    if (rc == RES_OK)
        rc = note_key_parse(vkey, ret);
    if (rc == RES_OK && ret->type != KEY_ED25519)
        rc = RES_KEY;
    buf_release(&text);
    return rc;
}

/* What the kernel holds may never have reached the disk: have it read again. */
static void
drop_cache(const char *store)
{
    char path[FILES_PATH_MAX];
    if (files_path(store, "data.mdb", path) != RES_OK)
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

static enum result
check_head(const struct fsck_options *o, const struct keys *keys, struct audit *a,
           const struct store_head *head)
{
    struct guard g = {.origin = keys->origin, .key = keys->p256, .note_public = keys->note.public};
    enum result rc = guard_head(&g, head);
    if (rc == RES_SIGNATURE) {
        a->findings++;
        o->finding(o->arg, "head", "its signatures do not verify with log.pub.pem and policy");
        rc = RES_OK;
    }
    return rc == RES_OK ? audit_root(a, &head->root) : rc;
}

/* Also those that no chain refers to. */
static enum result
check_issuer(void *arg, const struct hash *sha256, struct span der)
{
    struct audit *a = arg;
    struct hash h;
    char where[sizeof("issuer ") + 2 * HASH_SIZE] = "issuer ";
    hash_sha256(der, &h);
    if (hash_equal(&h, sha256))
        return RES_OK;
    text_hex_to(hash_span(sha256), where + strlen(where));
    a->findings++;
    a->finding(a->arg, where, "does not hash to its name");
    return RES_OK;
}

static enum result
check_issuers(struct audit *a)
{
    enum result rc = store_each_issuer(a->view, check_issuer, a);
    if (rc != RES_STORE_DAMAGED)
        return rc;
    a->findings++;
    a->finding(a->arg, "issuer", "the table cannot be read");
    return RES_OK;
}

static enum result
check_bundles(const struct fsck_options *o, struct audit *a)
{
    uint64_t bundles = (a->size + STORE_BUNDLE - 1) / STORE_BUNDLE;
    for (uint64_t n = 0; n < bundles; n++) {
        enum result rc = audit_bundle(a, n);
        if (rc != RES_OK)
            return rc;
        if (a->findings >= FINDINGS_MAX) {
            o->finding(o->arg, "store", "holds more damage; the check ends here");
            a->findings++;
            return RES_OK;
        }
        if (o->progress && (n % 64 == 63 || n + 1 == bundles))
            o->progress(o->arg, "entries", n + 1 == bundles ? a->size : (n + 1) * STORE_BUNDLE,
                        a->size);
    }
    return RES_OK;
}

static enum result
check_view(const struct fsck_options *o, struct store_view *v, const struct keys *keys,
           struct fsck_report *ret)
{
    struct store_head head;
    struct known *sound;
    enum result rc = store_get_head(v, &head);
    if (rc == RES_ABSENT)
        return RES_OK; /* made by init, never served */
    if (rc == RES_STORE_DAMAGED) {
        ret->findings++;
        o->finding(o->arg, "head", "cannot be read");
        return RES_OK;
    }
    if (rc == RES_OK)
        rc = known_new(&sound);
    if (rc != RES_OK)
        return rc;
    struct audit a = {.view = v,
                      .size = head.size,
                      .key = keys->p256,
                      .sct_every = o->sct_every,
                      .issuers = sound,
                      .finding = o->finding,
                      .arg = o->arg,
                      .scratch = BUF_INIT(CERT_MAX)};
    ret->size = head.size;
    ret->root = head.root;
    rc = check_head(o, keys, &a, &head);
    if (rc == RES_OK)
        rc = check_bundles(o, &a);
    if (rc == RES_OK)
        rc = check_issuers(&a);
    ret->findings += a.findings;
    ret->erased = a.erased;
    buf_release(&a.scratch);
    known_free(sound);
    return rc;
}

static enum result
check_store(const struct fsck_options *o, const struct config *c, const struct keys *keys,
            struct fsck_report *ret, struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    uint32_t format = 0;
    struct store *store;
    struct store_view *v;
    enum result rc = files_path(o->dir, "store", path);
    if (rc != RES_OK)
        return rc;
    drop_cache(path);
    struct store_options options = {.path = path, .map_size = c->map_size, .read_only = true};
    rc = store_open(&options, &format, &store);
    if (rc == RES_STORE_FORMAT)
        log_say(why, "the store has format %u, this program knows %u", format, STORE_FORMAT);
    if (rc == RES_STORE_DAMAGED) {
        ret->findings++;
        o->finding(o->arg, "store", "is no store that can be opened");
        return RES_OK;
    }
    if (rc != RES_OK)
        return rc;
    if (strcmp(store_origin(store), c->origin) != 0) {
        ret->findings++;
        o->finding(o->arg, "store", "is of another origin than cartulary.conf");
    }
    rc = store_view_new(store, &v);
    if (rc == RES_OK) {
        rc = store_view_begin(v);
        if (rc == RES_OK) {
            rc = check_view(o, v, keys, ret);
            store_view_end(v);
        }
        store_view_free(v);
    }
    store_close(store);
    return rc;
}

/* The index follows from the entries: a damaged one costs a rebuild, but until then look-ups by
 * hash fail. */
static enum result
check_index(const struct fsck_options *o, const struct config *c, struct fsck_report *ret)
{
    char path[FILES_PATH_MAX];
    uint64_t covered = 0;
    struct index *x = NULL;
    enum result rc = files_path(o->dir, "store/index", path);
    if (rc != RES_OK)
        return rc;
    struct index_options options = {.path = path, .map_size = c->map_size / 4, .read_only = true};
    rc = index_open(&options, &covered, &x);
    if (rc == RES_ABSENT)
        return RES_OK; /* a backup, or a log that was never served */
    if (rc == RES_OK)
        rc = index_check(x);
    index_close(x);
    if (rc != RES_STORE_DAMAGED)
        return rc;
    ret->findings++;
    o->finding(o->arg, "index",
               "is damaged; stop the log and remove store/index: it is built again");
    return RES_OK;
}

static enum result
load_config(const struct fsck_options *o, struct config *c, struct fsck_report *ret,
            struct log_trouble *why)
{
    char detail[CONFIG_TEXT_MAX];
    int line;
    memset(ret, 0, sizeof(*ret));
    hash_empty(&ret->root);
    why->text[0] = 0;
    enum result rc = config_load(o->dir, c, &line, detail);
    if (rc == RES_CONFIG)
        log_say(why, "%.200s/cartulary.conf, line %d: %s", o->dir, line, detail);
    return rc;
}

/* The certificate log alone. */
static enum result
check_log(const struct fsck_options *o, const struct config *c, struct fsck_report *ret,
          struct log_trouble *why)
{
    struct keys keys = {.origin = c->origin};
    enum result rc = fsck_public_key(o->dir, &keys.p256);
    if (rc != RES_OK)
        log_say(why, "%.200s/log.pub.pem: %s", o->dir, result_sentence(rc));
    if (rc == RES_OK) {
        rc = fsck_note_key(o->dir, &keys.note);
        if (rc != RES_OK)
            log_say(why, "%.200s/policy, its line 'log': %s", o->dir, result_sentence(rc));
    }
    if (rc == RES_OK)
        rc = check_store(o, c, &keys, ret, why);
    if (rc == RES_OK)
        rc = check_index(o, c, ret);
    p256_key_free(keys.p256);
    if (rc == RES_STORE_DAMAGED) {
        ret->findings++;
        o->finding(o->arg, "store", "cannot be read to its end: its structure is damaged");
        rc = RES_OK;
    }
    return rc;
}

/* A result for who asked. */
static enum result
verdict(enum result rc, const struct fsck_options *o, const struct fsck_report *ret,
        struct log_trouble *why)
{
    if (rc == RES_OK && ret->findings)
        return RES_STORE_DAMAGED;
    if (rc != RES_OK && !why->text[0])
        log_say(why, "%.200s: %s (%s)", o->dir, result_sentence(rc), result_name(rc));
    return rc;
}

enum result
fsck_run(const struct fsck_options *o, struct fsck_report *ret, struct log_trouble *why)
{
    struct config c;
    enum result rc = load_config(o, &c, ret, why);
    if (rc == RES_OK)
        rc = check_log(o, &c, ret, why);
    if (rc == RES_OK && !o->log_alone)
        rc = fsck_directory(o, &c, ret, why);
    return verdict(rc, o, ret, why);
}

enum result
fsck_rebuild(const struct fsck_options *o, struct fsck_report *ret, struct rebuild_report *ret_made,
             struct log_trouble *why)
{
    struct config c;
    struct dirlock lock = DIRLOCK_NONE;
    enum result rc = load_config(o, &c, ret, why);
    if (rc == RES_OK && !log_has_directory(&c)) {
        log_say(why, "%.200s has no directory: it takes certificates by their notAfter", o->dir);
        rc = RES_CONFIG;
    }
    if (rc == RES_OK)
        rc = dirlock_take(&lock, o->dir, why);
    if (rc == RES_OK)
        rc = check_log(o, &c, ret, why);
    /* What is damaged would be made part of what is signed. */
    if (rc == RES_OK && ret->findings == 0)
        rc = fsck_directory_rebuild(o, &c, ret_made, why);
    else if (rc == RES_OK)
        log_say(why, "the certificate log is damaged: a directory is made from a sound one only");
    dirlock_release(&lock);
    return verdict(rc, o, ret, why);
}
