#include "merkle/keytrans/search.h"

enum result
search_greatest(struct transcript *t, uint32_t version, uint64_t *ret_terminal)
{
    uint64_t at = 0, terminal = 0;
    bool found, more = true, held = false;
    enum ladder_end how = LADDER_OPEN;
    enum result rc = window_rightmost(t, &at, &found);

    if (rc != RES_OK)
        return rc;
    if (!found)
        at = search_tree_root(t->size);
    while (more) {
        rc = transcript_search(t, at, version, true, &how);
        if (rc != RES_OK)
            return rc;
        if (how == LADDER_GREATER)
            return RES_KT_LADDER;
        if (how == LADDER_EQUAL && !held) {
            held = true;
            terminal = at;
        }
        more = search_tree_right(at, t->size, &at);
    }
    if (how != LADDER_EQUAL)
        return RES_KT_LADDER;
    *ret_terminal = terminal;
    return RES_OK;
}

enum result
search_absent(struct transcript *t)
{
    uint64_t at = 0;
    bool found, more = true;
    enum result rc = window_rightmost(t, &at, &found);

    if (!found)
        at = search_tree_root(t->size);
    while (rc == RES_OK && more) {
        enum ladder_end how = LADDER_OPEN;

        rc = transcript_search(t, at, 0, true, &how);
        if (rc == RES_OK && how != LADDER_LESS)
            rc = RES_KT_LADDER;
        more = search_tree_right(at, t->size, &at);
    }
    return rc;
}

/* Where a search for one version is, and what it passed. */
struct fixed {
    struct window_place place;
    bool ended;
    bool expired;          /* an expired entry was met */
    bool vouched;          /* an unexpired distinguished entry was met */
    uint64_t voucher;      /* the leftmost of them */
    bool candidate;        /* an entry was met where a greater version is the greatest */
    uint64_t candidate_at; /* the leftmost of them */
};

static enum result
fixed_right(struct transcript *t, struct fixed *f)
{
    bool moved;
    enum result rc = window_right(t, &f->place, &moved);

    f->ended = !moved;
    return rc;
}

static enum result
fixed_left(struct transcript *t, struct fixed *f)
{
    bool moved;
    enum result rc;

    if (!f->candidate || f->place.at < f->candidate_at) {
        f->candidate = true;
        f->candidate_at = f->place.at;
    }
    rc = window_left(t, &f->place, &moved);
    f->ended = !moved;
    return rc;
}

/* Step 5: the version is the greatest here; one entry at or to the left of it must have been
 * checked by the owner when the entries above have expired.  Entries met on the way here are the
 * direct path. */
static enum result
fixed_equal(const struct fixed *f, uint64_t *ret_terminal)
{
    if (f->expired && !(f->vouched && f->voucher <= f->place.at))
        return RES_KT_EXPIRED;
    *ret_terminal = f->place.at;
    return RES_OK;
}

/* Step 6: nowhere was the version the greatest; the leftmost entry that has a greater one has this
 * one, or nobody has. */
static enum result
fixed_between(struct transcript *t, const struct fixed *f, uint32_t version, uint64_t *ret_terminal)
{
    bool there;
    enum result rc;

    if (!f->candidate)
        return RES_KT_NO_VERSION;
    /* "Clients MUST NOT accept a proof where the identified log entry is itself the leftmost
     * unexpired and distinguished log entry." */
    if (f->expired && !(f->vouched && f->voucher < f->candidate_at))
        return RES_KT_EXPIRED;
    rc = transcript_versions(t, f->candidate_at, &version, 1, &there);
    if (rc != RES_OK || !there)
        return rc != RES_OK ? rc : RES_KT_NO_VERSION;
    *ret_terminal = f->candidate_at;
    return RES_OK;
}

/* Steps 1 to 4 at one entry. */
static enum result
fixed_step(struct transcript *t, struct fixed *f, uint32_t version, enum ladder_end *ret)
{
    uint64_t timestamp;
    enum result rc = transcript_timestamp(t, f->place.at, &timestamp);

    if (rc != RES_OK)
        return rc;
    if (window_expired(t, timestamp)) {
        f->expired = true;
        *ret = LADDER_OPEN;
        return fixed_right(t, f);
    }
    if (window_wide(t, &f->place) && (!f->vouched || f->place.at < f->voucher)) {
        f->vouched = true;
        f->voucher = f->place.at;
    }
    rc = transcript_search(t, f->place.at, version, true, ret);
    if (rc == RES_OK && *ret == LADDER_LESS)
        rc = fixed_right(t, f);
    else if (rc == RES_OK && *ret == LADDER_GREATER)
        rc = fixed_left(t, f);
    return rc;
}

enum result
search_fixed(struct transcript *t, uint32_t version, uint64_t *ret_terminal)
{
    struct fixed f = {.place = window_root(t)};

    while (!f.ended) {
        enum ladder_end how = LADDER_OPEN;
        enum result rc = fixed_step(t, &f, version, &how);

        if (rc != RES_OK)
            return rc;
        if (how == LADDER_EQUAL)
            return fixed_equal(&f, ret_terminal);
    }
    return fixed_between(t, &f, version, ret_terminal);
}

enum result
search_must_monitor(struct transcript *t, uint64_t terminal, bool *ret)
{
    uint64_t rightmost;
    bool found;
    enum result rc = window_rightmost(t, &rightmost, &found);

    if (rc == RES_OK)
        *ret = !found || terminal > rightmost;
    return rc;
}
