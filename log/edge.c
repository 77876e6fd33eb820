#include "log/edge.h"

struct append {
    struct edge *e;
    edge_tile_fn *full;
    void *arg;
    enum result rc;
};

void
edge_init(struct edge *e)
{
    memset(e, 0, sizeof(*e));
    range_init(&e->range);
}

/* A node was completed: it is the root of a tile, whose record is then whole, and it lies in a tile
 * of its own. */
static void
on_node(void *arg, struct node n, const struct hash *h)
{
    struct append *a = arg;
    struct edge *e = a->e;
    if (n.height > 0 && n.height % TILE_HEIGHT == 0) {
        unsigned below = n.height / TILE_HEIGHT - 1;
        if (a->rc == RES_OK)
            a->rc = a->full(a->arg, below, n.index, true, e->record[below]);
        memset(e->record[below], 0, sizeof(e->record[below]));
        e->dirty[below] = false;
    }
    struct tile_slot slot = tile_slot_of(n);
    e->record[slot.level][slot.slot] = *h;
    e->dirty[slot.level] = true;
}

enum result
edge_append(struct edge *e, const struct hash *leaf, edge_tile_fn *full, void *arg)
{
    struct append a = {.e = e, .full = full, .arg = arg, .rc = RES_OK};
    range_append(&e->range, leaf, on_node, &a);
    return a.rc;
}

enum result
edge_partials(struct edge *e, edge_tile_fn *partial, void *arg)
{
    for (unsigned level = 0; level < EDGE_LEVELS; level++) {
        if (!e->dirty[level])
            continue;
        e->dirty[level] = false;
        enum result rc =
            partial(arg, level, tile_full_count(level, e->range.size), false, e->record[level]);
        if (rc != RES_OK)
            return rc;
    }
    return RES_OK;
}

/* Fills record from its bottom row of width hashes: every node that is complete. */
static void
fill(struct hash record[TILE_NODES], unsigned width)
{
    unsigned row = 0, size = TILE_WIDTH;
    for (unsigned have = width / 2; size > 2; have /= 2, size /= 2) {
        unsigned above = row + size;
        for (unsigned i = 0; i < have; i++)
            hash_node(&record[row + 2 * i], &record[row + 2 * i + 1], &record[above + i]);
        row = above;
    }
}

/* The peaks of the compact range lie in the partial tiles' records: one for each one bit of the
 * width. */
static unsigned
take_peaks(const struct edge *e, uint64_t size, struct hash *peaks)
{
    unsigned n = 0;
    for (int height = NODE_HEIGHT_MAX; height >= 0; height--) {
        if (!(size >> height & 1))
            continue;
        struct node peak = {(unsigned)height, (size >> height) - 1};
        struct tile_slot slot = tile_slot_of(peak);
        peaks[n++] = e->record[slot.level][slot.slot];
    }
    return n;
}

enum result
edge_load(struct edge *e, struct store_view *v, uint64_t size)
{
    edge_init(e);
    for (unsigned level = 0; level < EDGE_LEVELS; level++) {
        unsigned width = tile_partial_width(level, size);
        if (width == 0)
            continue;
        const struct hash *stored;
        enum result rc = store_get_tile(v, level, tile_full_count(level, size), &stored);
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
        memcpy(e->record[level], stored, width * HASH_SIZE);
        fill(e->record[level], width);
        if (memcmp(e->record[level], stored, TILE_RECORD_SIZE) != 0)
            return RES_STORE_DAMAGED;
    }
    struct hash peaks[NODE_HEIGHT_MAX + 1];
    unsigned n = take_peaks(e, size, peaks);
    return range_from_peaks(size, peaks, n, &e->range);
}
