#include "merkle/keytrans/owner.h"

int64_t
owner_greatest_at(const struct owner_state *s, uint64_t position)
{
    size_t n = 0;

    while (n < s->upcoming_n && s->upcoming[n] <= position)
        n++;
    return s->at_start + (int64_t)n;
}

int64_t
owner_greatest(const struct owner_state *s)
{
    return s->at_start + (int64_t)s->upcoming_n;
}

/* Shows, without omitting anything, that greatest (-1: none) is the greatest version in the entry.
 */
static enum result
expect(struct transcript *t, uint64_t at, int64_t greatest)
{
    enum ladder_end how;
    enum result rc = transcript_search(t, at, greatest < 0 ? 0 : (uint32_t)greatest, false, &how);

    if (rc != RES_OK)
        return rc;
    return how == (greatest < 0 ? LADDER_LESS : LADDER_EQUAL) ? RES_OK : RES_KT_LADDER;
}

/* The left ancestors on the way down to start that have not expired, the highest first. */
static enum result
walk_to_start(struct transcript *t, uint64_t start, struct search_path *ret)
{
    struct window_place p = window_root(t);
    bool moved = true;
    uint64_t timestamp;

    ret->n = 0;
    for (;;) {
        enum result rc;

        if (!moved || !window_wide(t, &p))
            return RES_KT_START;
        rc = transcript_timestamp(t, p.at, &timestamp);
        if (rc != RES_OK)
            return rc;
        if (p.at <= start && !window_expired(t, timestamp))
            ret->at[ret->n++] = p.at;
        if (p.at == start)
            return window_expired(t, timestamp) ? RES_KT_START : RES_OK;
        rc = start < p.at ? window_left(t, &p, &moved) : window_right(t, &p, &moved);
        if (rc != RES_OK)
            return rc;
    }
}

enum result
owner_init_entries(struct transcript *t, uint64_t start, struct search_path *ret)
{
    struct search_path down;
    enum result rc;

    if (start >= t->size)
        return RES_RANGE;
    rc = walk_to_start(t, start, &down);
    if (rc != RES_OK)
        return rc;
    ret->n = 0;
    for (unsigned i = down.n; i-- > 0;)
        ret->at[ret->n++] = down.at[i];
    return RES_OK;
}

enum result
owner_init(struct transcript *t, const struct search_path *entries, const uint32_t *greatest,
           unsigned n)
{
    if (n > entries->n)
        return RES_VALUE;
    for (unsigned i = 1; i < n; i++)
        if (greatest[i] > greatest[i - 1])
            return RES_VALUE;
    for (unsigned i = 0; i < entries->n; i++) {
        enum result rc = expect(t, entries->at[i], i < n ? (int64_t)greatest[i] : -1);

        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

struct owner_walk {
    struct transcript *t;
    const struct owner_state *s;
    uint64_t reached;
    bool stopped;
};

static enum result visit(struct owner_walk *w, struct window_place p);

static enum result
visit_right(struct owner_walk *w, struct window_place p)
{
    bool moved;
    enum result rc = window_right(w->t, &p, &moved);

    return rc == RES_OK && moved ? visit(w, p) : rc;
}

static enum result
visit_left(struct owner_walk *w, struct window_place p)
{
    bool moved;
    enum result rc = window_left(w->t, &p, &moved);

    return rc == RES_OK && moved ? visit(w, p) : rc;
}

/* Steps 1 to 6 at one place; at most SEARCH_TREE_HEIGHT_MAX deep. */
static enum result
visit(struct owner_walk *w, struct window_place p)
{
    int64_t expected;
    enum result rc;

    if (!window_wide(w->t, &p))
        return RES_OK;
    if (p.at <= w->s->start)
        return visit_right(w, p);
    rc = visit_left(w, p);
    if (rc != RES_OK || w->stopped)
        return rc;
    expected = owner_greatest_at(w->s, p.at);
    rc = w->t->source.stop(w->t->source.arg, p.at, expected, &w->stopped);
    if (rc != RES_OK || w->stopped)
        return rc;
    rc = expect(w->t, p.at, expected);
    if (rc != RES_OK)
        return rc;
    w->reached = p.at;
    return visit_right(w, p);
}

enum result
owner_monitor(struct transcript *t, const struct owner_state *s, uint64_t *ret)
{
    struct owner_walk w = {.t = t, .s = s, .reached = s->start};
    enum result rc = visit(&w, window_root(t));

    if (rc == RES_OK)
        *ret = w.reached;
    return rc;
}

enum result
owner_check_arrived(const struct owner_state *s, const struct contact_waiting *waiting,
                    uint64_t reached)
{
    for (unsigned i = 0; i < waiting->n; i++)
        if (waiting->until[i] <= reached &&
            (int64_t)waiting->entries[i].version > owner_greatest_at(s, waiting->until[i]))
            return RES_KT_LADDER;
    return RES_OK;
}
