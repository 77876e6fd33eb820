#include "merkle/keytrans/heads.h"

struct heads_walk {
    struct transcript *t;
    const uint64_t *stop;
    struct heads *found;
    bool ended; /* every entry further left is beyond the stop or not recent */
};

/* Steps 1 to 5 at one place; at most SEARCH_TREE_HEIGHT_MAX deep. */
static enum result
visit(struct heads_walk *w, struct window_place p)
{
    struct window_place child = p;
    uint64_t timestamp;
    bool moved;
    enum result rc;

    if (!window_wide(w->t, &p))
        return RES_OK;
    rc = transcript_timestamp(w->t, p.at, &timestamp);
    if (rc == RES_OK)
        rc = window_right(w->t, &child, &moved);
    if (rc == RES_OK && moved)
        rc = visit(w, child);
    if (rc != RES_OK || w->ended)
        return rc;
    if ((w->stop != NULL && p.at <= *w->stop) || w->found->n == HEADS_RECENT_MAX ||
        window_expired(w->t, timestamp)) {
        w->ended = true;
        return RES_OK;
    }
    w->found->at[w->found->n++] = p.at;
    child = p;
    rc = window_left(w->t, &child, &moved);
    return rc == RES_OK && moved ? visit(w, child) : rc;
}

enum result
heads_walk(struct transcript *t, const uint64_t *stop, struct heads *ret)
{
    struct heads found = {.n = 0};
    struct heads_walk w = {.t = t, .stop = stop, .found = &found};
    enum result rc = visit(&w, window_root(t));

    if (rc == RES_OK)
        *ret = found;
    return rc;
}
