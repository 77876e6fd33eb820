#include "merkle/keytrans/search_tree.h"

uint64_t
search_tree_root(uint64_t n)
{
    uint64_t root = 0;

    while (root < n >> 1)
        root = root << 1 | 1;
    return root;
}

unsigned
search_tree_level(uint64_t x)
{
    unsigned level = 0;

    while ((x >> level & 1) == 1)
        level++;
    return level;
}

bool
search_tree_left(uint64_t x, uint64_t *ret)
{
    unsigned level = search_tree_level(x);

    if (level == 0)
        return false;
    *ret = x ^ UINT64_C(1) << (level - 1);
    return true;
}

bool
search_tree_right(uint64_t x, uint64_t n, uint64_t *ret)
{
    unsigned level = search_tree_level(x);
    uint64_t right;

    if (level == 0 || x + 1 >= n)
        return false;
    right = x ^ UINT64_C(3) << (level - 1);
    /* Where the perfect tree's child lies beyond the end, what there is of its left subtree stands
     * in its place. */
    while (right >= n)
        right ^= UINT64_C(1) << (search_tree_level(right) - 1);
    *ret = right;
    return true;
}

void
search_tree_path(uint64_t x, uint64_t n, struct search_path *ret)
{
    uint64_t at = search_tree_root(n);
    bool child = true;

    ret->n = 0;
    ret->at[ret->n++] = at;
    while (at != x && child) {
        child = x < at ? search_tree_left(at, &at) : search_tree_right(at, n, &at);
        ret->at[ret->n++] = at;
    }
}

void
search_tree_frontier(uint64_t n, struct search_path *ret)
{
    search_tree_path(n - 1, n, ret);
}
