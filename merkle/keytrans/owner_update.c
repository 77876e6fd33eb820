#include "merkle/keytrans/owner.h"

/* Where the owner last knew of an insertion. */
static uint64_t
last_known(const struct owner_state *s)
{
    return s->upcoming_n > 0 && s->upcoming[s->upcoming_n - 1] > s->start
               ? s->upcoming[s->upcoming_n - 1]
               : s->start;
}

unsigned
owner_besides_ladder(int64_t greatest, unsigned count, uint32_t *ret)
{
    uint32_t ladder[LADDER_STEPS_MAX];
    uint32_t last = (uint32_t)(greatest + count);
    unsigned steps = ladder_base(last, ladder), n = 0;

    for (unsigned i = 1; i <= count; i++) {
        uint32_t version = (uint32_t)(greatest + i);
        bool in_ladder = false;

        for (unsigned k = 0; k < steps; k++)
            in_ladder = in_ladder || ladder[k] == version;
        if (!in_ladder)
            ret[n++] = version;
    }
    return n;
}

/* Step 1: the first entry on the way to position that is not distinguished; *ret_found false when
 * all are. */
static enum result
first_plain(struct transcript *t, uint64_t position, uint64_t *ret, bool *ret_found)
{
    struct window_place p = window_root(t);
    bool moved = true;

    while (window_wide(t, &p)) {
        enum result rc;

        if (p.at == position) {
            *ret_found = false;
            return RES_OK;
        }
        rc = position < p.at ? window_left(t, &p, &moved) : window_right(t, &p, &moved);
        if (rc != RES_OK || !moved)
            return rc != RES_OK ? rc : RES_BUG;
    }
    *ret = p.at;
    *ret_found = true;
    return RES_OK;
}

/* Step 2 at one entry of the previous frontier; before is the entry before it there (NULL: none).
 */
static enum result
check_previous(struct transcript *t, const struct owner_state *s, uint64_t at,
               const uint64_t *before)
{
    int64_t greatest = owner_greatest(s);
    int64_t known = before == NULL || *before < s->start ? -1 : owner_greatest_at(s, *before);
    enum ladder_end how;
    enum result rc;

    if (greatest >= 0 && at <= last_known(s))
        return RES_OK;
    rc = transcript_search_known(t, at, greatest < 0 ? 0 : (uint32_t)greatest, known, &how);
    if (rc != RES_OK)
        return rc;
    return how == (greatest < 0 ? LADDER_LESS : LADDER_EQUAL) ? RES_OK : RES_KT_LADDER;
}

/* Steps 1 and 2: in the tree before position nothing was newer than what the owner knows. */
static enum result
check_previous_tree(struct transcript *t, const struct owner_state *s, uint64_t position)
{
    struct search_path path;
    uint64_t plain = 0;
    bool found, reached = false;
    const uint64_t *before = NULL;
    enum result rc = first_plain(t, position - 1, &plain, &found);

    if (rc != RES_OK || !found)
        return rc;
    /* The previous tree's frontier: the ancestors of its last entry that it had. */
    search_tree_path(position - 1, t->size, &path);
    for (unsigned i = 0; rc == RES_OK && i < path.n; i++) {
        reached = reached || path.at[i] == plain;
        if (path.at[i] >= position)
            continue;
        if (reached)
            rc = check_previous(t, s, path.at[i], before);
        before = &path.at[i];
    }
    return rc;
}

/* Steps 3 and 4: what was inserted at position is what the owner was told. */
static enum result
check_insertion(struct transcript *t, const struct owner_state *s, uint64_t position,
                unsigned count, struct contact_map *m)
{
    uint32_t besides[OWNER_NEW_VERSIONS_MAX];
    int64_t greatest = owner_greatest(s);
    unsigned n = owner_besides_ladder(greatest, count, besides);
    uint32_t last = (uint32_t)(greatest + count);
    enum ladder_end how = LADDER_EQUAL;
    bool distinguished, all = true;
    enum result rc = window_distinguished(t, position, &distinguished);

    if (rc == RES_OK && !distinguished)
        rc = transcript_search(t, position, last, true, &how);
    if (rc == RES_OK && how == LADDER_EQUAL)
        rc = transcript_versions(t, position, besides, n, &all);
    if (rc == RES_OK && (how != LADDER_EQUAL || !all))
        rc = RES_KT_LADDER;
    if (rc == RES_OK && !distinguished && m != NULL)
        rc = contact_add(m, position, last);
    return rc;
}

enum result
owner_update(struct transcript *t, const struct owner_state *s, uint64_t position, unsigned count,
             struct contact_map *m)
{
    enum result rc;

    if (position >= t->size || position <= last_known(s) || count == 0 ||
        count > OWNER_NEW_VERSIONS_MAX || owner_greatest(s) + (int64_t)count > (int64_t)UINT32_MAX)
        return RES_KT_POSITION;
    rc = check_previous_tree(t, s, position);
    return rc == RES_OK ? check_insertion(t, s, position, count, m) : rc;
}
