#include "merkle/keytrans/window.h"

struct window_place
window_root(const struct transcript *t)
{
    return (struct window_place){.at = search_tree_root(t->size), .left = 0, .right = t->newest};
}

bool
window_wide(const struct transcript *t, const struct window_place *p)
{
    return p->right - p->left >= t->window.monitoring;
}

enum result
window_left(struct transcript *t, struct window_place *p, bool *ret_moved)
{
    uint64_t child, timestamp;
    enum result rc;

    *ret_moved = search_tree_left(p->at, &child);
    if (!*ret_moved)
        return RES_OK;
    rc = transcript_timestamp(t, p->at, &timestamp);
    if (rc == RES_OK) {
        p->right = timestamp;
        p->at = child;
    }
    return rc;
}

enum result
window_right(struct transcript *t, struct window_place *p, bool *ret_moved)
{
    uint64_t child, timestamp;
    enum result rc;

    *ret_moved = search_tree_right(p->at, t->size, &child);
    if (!*ret_moved)
        return RES_OK;
    rc = transcript_timestamp(t, p->at, &timestamp);
    if (rc == RES_OK) {
        p->left = timestamp;
        p->at = child;
    }
    return rc;
}

bool
window_expired(const struct transcript *t, uint64_t timestamp)
{
    return t->window.has_lifetime && t->newest - timestamp >= t->window.lifetime;
}

enum result
window_distinguished(struct transcript *t, uint64_t position, bool *ret)
{
    struct window_place p = window_root(t);
    bool moved = true;

    while (moved && window_wide(t, &p) && p.at != position) {
        enum result rc = position < p.at ? window_left(t, &p, &moved) : window_right(t, &p, &moved);

        if (rc != RES_OK)
            return rc;
    }
    *ret = moved && window_wide(t, &p);
    return RES_OK;
}

enum result
window_first(struct transcript *t, uint64_t x, uint64_t *ret, bool *ret_found)
{
    struct window_place p = window_root(t);
    bool moved = true, found = false;
    enum result rc = RES_OK;

    while (rc == RES_OK && moved && window_wide(t, &p)) {
        if (p.at >= x) {
            found = true;
            *ret = p.at;
        }
        if (p.at == x)
            break;
        rc = x < p.at ? window_left(t, &p, &moved) : window_right(t, &p, &moved);
    }
    if (rc == RES_OK)
        *ret_found = found;
    return rc;
}

enum result
window_rightmost(struct transcript *t, uint64_t *ret, bool *ret_found)
{
    struct window_place p = window_root(t);
    bool moved = true;
    uint64_t found = 0;
    bool any = false;

    while (moved && window_wide(t, &p)) {
        enum result rc;

        found = p.at;
        any = true;
        rc = window_right(t, &p, &moved);
        if (rc != RES_OK)
            return rc;
    }
    *ret_found = any;
    if (any)
        *ret = found;
    return RES_OK;
}
