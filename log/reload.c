/* What roots.pem and the tokens say: at the log's opening, and read again while it serves. */
#include "log/files.h"
#include "log/log_private.h"
#include "log/rootsfile.h"

static enum result
read_roots(struct log *l, struct roots **ret, struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    size_t line = 0;
    enum result rc = files_path(l->config.dir, "roots.pem", path);
    if (rc == RES_OK)
        rc = rootsfile_load(path, ret, &line);
    if (rc != RES_OK)
        log_say(why, "%.200s, line %zu: %s (%s)", path, line, result_sentence(rc), result_name(rc));
    return rc;
}

/* A log without a root that takes submissions refuses all of them, which is rarely meant. */
static void
warn_without_roots(struct log *l, const struct roots *roots)
{
    for (size_t i = 0; i < roots_count(roots); i++)
        if (!roots_at(roots, i)->verify_only)
            return;
    log_line(l, "roots-none", "count=%zu detail=\"no root in roots.pem takes submissions\"",
             roots_count(roots));
}

enum result
log_load_roots(struct log *l, struct log_trouble *why)
{
    enum result rc = read_roots(l, &l->roots, why);
    if (rc != RES_OK)
        return rc;
    warn_without_roots(l, l->roots);
    return tokens_load(l->config.dir, &l->tokens);
}

struct roots *
log_roots(struct log *l)
{
    (void)pthread_mutex_lock(&l->lock);
    struct roots *r = roots_ref(l->roots);
    (void)pthread_mutex_unlock(&l->lock);
    return r;
}

enum result
log_reload_roots(struct log *l, size_t *ret_added, struct log_trouble *why)
{
    struct roots *fresh;
    struct tokens tokens;
    why->text[0] = 0;
    enum result rc = read_roots(l, &fresh, why);
    if (rc != RES_OK)
        return rc;
    /* Only this changes the set, so the old one can be read without the lock. */
    struct roots *old = log_roots(l);
    *ret_added = 0;
    for (size_t i = 0; i < roots_count(fresh); i++)
        *ret_added += roots_by_sha256(old, &roots_at(fresh, i)->sha256) == NULL;
    rc = roots_keep(fresh, old);
    if (rc == RES_OK)
        rc = tokens_load(l->config.dir, &tokens);
    roots_unref(old);
    if (rc != RES_OK) {
        log_say(why, "%.200s: roots or tokens: %s (%s)", l->config.dir, result_sentence(rc),
                result_name(rc));
        roots_unref(fresh);
        return rc;
    }
    (void)pthread_mutex_lock(&l->lock);
    old = l->roots;
    l->roots = fresh;
    l->tokens = tokens;
    (void)pthread_mutex_unlock(&l->lock);
    roots_unref(old);
    log_line(l, "roots", "count=%zu added=%zu", roots_count(fresh), *ret_added);
    warn_without_roots(l, fresh);
    return RES_OK;
}

bool
log_token_ok(struct log *l, struct span token)
{
    (void)pthread_mutex_lock(&l->lock);
    bool ok = tokens_match(&l->tokens, token);
    (void)pthread_mutex_unlock(&l->lock);
    return ok;
}
