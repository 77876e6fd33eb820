/* Checking a directory: recipes, each against the one before, its entry, and the certificate log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log/directory/check_private.h"
#include "log/directory/erasure.h"
#include "log/files.h"
#include "log/opening.h"

static void
tell(struct checking *k, uint64_t number, const char *what)
{
    char where[64];

    (void)snprintf(where, sizeof(where), "recipes, recipe %" PRIu64, number);
    check_tell_file(k, where, what);
}

/* Of the certificate log: as many entries as the recipe reaches to, with that root. */
static enum result
check_covered(struct checking *k, const struct recipe *q)
{
    struct store_head head;
    struct hash root;

    if (k->log == NULL || k->said.covered)
        return RES_OK;
    enum result rc = store_get_head(k->log, &head);
    if (rc == RES_ABSENT)
        head.size = 0;
    if (rc == RES_ABSENT || (rc == RES_OK && q->certificates == 0))
        rc = RES_OK;
    if (rc == RES_OK && q->certificates > head.size) {
        k->said.covered = true;
        tell(k, q->number, "reaches further than the certificate log");
        return RES_OK;
    }
    if (rc == RES_OK)
        rc = opening_root_at(k->log, q->certificates, &root);
    if (rc != RES_OK)
        return check_ends(rc) ? rc : RES_OK; /* the log's own findings say it */
    if (!hash_equal(&root, &q->certificates_root)) {
        k->said.covered = true;
        tell(k, q->number, "was made over another tree than the certificate log's");
    }
    return RES_OK;
}

/* An erasure: counted, and when its epoch is to be made yet, its label needs no tombstone. */
static enum result
take_erasure(struct checking *k, const struct recipe *q, struct span body)
{
    struct reader r = reader_of(body);
    struct erasure e;

    erasure_get(&r, &e);
    enum result rc = reader_end(&r);
    if (rc != RES_OK)
        return rc;
    k->erasures++;
    if (q->number >= k->head.size && e.number < k->last_cap)
        k->last[e.number] = CHECK_NO_ROW;
    return RES_OK;
}

/* What holds from it on. */
static enum result
take_acts(struct checking *k, const struct recipe *q)
{
    struct reader r = reader_of(q->acts);

    k->erasures = 0;
    for (unsigned i = 0; i < q->acts_n; i++) {
        struct act act;

        act_get(&r, &act);
        enum result rc = r.err;
        if (rc == RES_OK)
            rc = act.kind == ACT_ERASE ? take_erasure(k, q, act.body)
                                       : bindings_read(&k->bindings, act.body);
        if (rc == RES_OK)
            continue;
        if (rc != RES_MEMORY)
            tell(k, q->number, "has an act that cannot be read");
        return rc == RES_MEMORY ? rc : RES_OK;
    }
    return RES_OK;
}

static void
compare(struct checking *k, const struct recipe *q, const struct feed_entry *e)
{
    if (q->timestamp != e->timestamp || q->certificates != e->certificates || q->crls != e->crls ||
        !hash_equal(&q->certificates_root, &e->certificates_root) ||
        !hash_equal(&q->crls_root, &e->crls_root))
        check_tell(k, "entry", q->number, "is not what its recipe says");
}

/* Compares no more recipes. */
static void
stop(struct checking *k)
{
    recipes_close(k->recipes);
    k->recipes = NULL;
}

/* What stands behind the recipe that was passed is none.  A crash leaves such a thing behind those
 * that have entries, and so does who writes one now. */
static enum result
judge_end(struct checking *k, uint64_t number)
{
    char path[FILES_PATH_MAX];
    enum result rc = RES_STORE_DAMAGED;

    stop(k);
    if (number >= k->head.size)
        rc = files_path(k->parts->path, "recipes", path);
    if (rc == RES_OK)
        rc = recipes_open(path, number, k->recipes_end, true, &k->recipes);
    if (rc != RES_STORE_DAMAGED)
        return rc;
    k->recipes = NULL;
    tell(k, number, "is damaged; no more are read");
    return RES_OK;
}

/* Against the one before it. */
static enum result
check_order(struct checking *k, const struct recipe *q)
{
    const struct recipe *before = &k->newest;

    if (q->number > 0 && (q->timestamp < before->timestamp ||
                          q->certificates < before->certificates || q->crls < before->crls))
        tell(k, q->number, "goes back behind the one before");
    if (q->number == 0 || q->certificates != before->certificates)
        return check_covered(k, q);
    if (!hash_equal(&q->certificates_root, &before->certificates_root))
        tell(k, q->number, "has another root than the one before, of as many entries");
    return RES_OK;
}

enum result
check_recipe(struct checking *k, uint64_t number, const struct feed_entry *entry)
{
    struct recipe q;

    k->told = false;
    if (k->recipes == NULL)
        return RES_OK;
    enum result rc = recipes_next(k->recipes, &k->recipe, &q);
    if (check_ends(rc))
        return rc;
    if (rc != RES_OK) {
        tell(k, number, rc == RES_ABSENT ? "is not there" : "is damaged; no more are read");
        stop(k);
        return RES_OK;
    }
    rc = check_order(k, &q);
    if (rc == RES_OK)
        rc = take_acts(k, &q);
    if (entry != NULL)
        compare(k, &q, entry);
    k->newest = q;
    k->told = true;
    k->recipes_end = recipes_offset(k->recipes);
    if (number + 1 == k->head.size && k->recipes_end != k->head.recipes)
        check_tell(k, "head", CHECK_NO_ROW, "says that its recipes end elsewhere");
    if (rc == RES_OK)
        rc = recipes_pass(k->recipes);
    return rc == RES_STORE_DAMAGED ? judge_end(k, number + 1) : rc;
}

/* The certificate log as it is now: it grows. */
static enum result
renew_log(struct checking *k)
{
    if (k->log == NULL)
        return RES_OK;
    store_view_end(k->log);
    enum result rc = store_view_begin(k->log);
    if (rc != RES_OK) {
        store_view_free(k->log);
        k->log = NULL;
    }
    return check_ends(rc) ? rc : RES_OK; /* the log's own findings say it */
}

enum result
check_recipes_end(struct checking *k)
{
    struct recipe q;

    if (k->recipes == NULL)
        return RES_OK;
    enum result rc = renew_log(k);
    while (rc == RES_OK && k->recipes != NULL) {
        rc = recipes_next(k->recipes, &k->recipe, &q);
        if (rc == RES_ABSENT)
            return RES_OK;
        if (rc == RES_OK)
            rc = check_recipe(k, q.number, NULL);
    }
    return rc;
}
