#include "merkle/keytrans/view.h"

/* The ancestors of the last tree's end that are new, from below: each lies to the right of the one
 * before. */
static enum result
new_ancestors(struct transcript *t, uint64_t last_size)
{
    struct search_path path;
    uint64_t timestamp;

    search_tree_path(last_size - 1, t->size, &path);
    for (unsigned i = path.n; i-- > 0;) {
        if (path.at[i] >= last_size) {
            enum result rc = transcript_timestamp(t, path.at[i], &timestamp);

            if (rc != RES_OK)
                return rc;
        }
    }
    return RES_OK;
}

/* The frontier, from the root.  What is known is not asked for again. */
static enum result
frontier(struct transcript *t)
{
    struct search_path path;

    search_tree_frontier(t->size, &path);
    for (unsigned i = 0; i < path.n; i++) {
        enum result rc = transcript_timestamp(t, path.at[i], &t->newest);

        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

enum result
view_update(struct transcript *t)
{
    enum result rc = RES_OK;

    if (t->last != NULL)
        rc = new_ancestors(t, t->last->peaks.size);
    return rc == RES_OK ? frontier(t) : rc;
}

enum result
view_fresh(const struct transcript *t, const struct kt_config *config, uint64_t now)
{
    if (t->newest > now && t->newest - now > config->max_ahead)
        return RES_KT_AHEAD;
    if (t->newest < now && now - t->newest > config->max_behind)
        return RES_KT_BEHIND;
    return RES_OK;
}

enum result
view_keep(const struct transcript *t, const struct logtree_peaks *peaks, struct kt_view *ret)
{
    struct search_path path;
    struct kt_view kept = {.peaks = *peaks};

    search_tree_frontier(peaks->size, &path);
    for (unsigned i = 0; i < path.n; i++) {
        const struct transcript_entry *e = transcript_find(t, path.at[i]);

        if (e == NULL || !e->has_root)
            return RES_BUG;
        kept.frontier[kept.n++] = (struct kt_kept){e->position, e->entry};
    }
    *ret = kept;
    return RES_OK;
}
