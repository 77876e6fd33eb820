#include "merkle/tree/tile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* Takes prefix off the front of *s. */
static bool
take(struct span *s, const char *prefix)
{
    size_t n = strlen(prefix);

    if (s->n < n || memcmp(s->p, prefix, n) != 0)
        return false;
    *s = span_of(s->p + n, s->n - n);
    return true;
}

/* Takes exactly three digits. */
static bool
take_group(struct span *s, unsigned *ret)
{
    unsigned v = 0;

    if (s->n < 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s->p[i] - '0');
    }
    *ret = v;
    *s = span_of(s->p + 3, s->n - 3);
    return true;
}

/* "3-digit zero-padded path elements, all but the last ... with x": tlog-tiles.  Too large:
 * NODE_LEAVES_MAX. */
static bool
take_index(struct span *s, uint64_t *ret)
{
    uint64_t v = 0;
    bool first = true, more;
    unsigned group;

    do {
        more = take(s, "x");
        if (!take_group(s, &group))
            return false;
        if (more && (!take(s, "/") || (first && group == 0)))
            return false;
        v = v > NODE_LEAVES_MAX / 1000 ? NODE_LEAVES_MAX : v * 1000 + group;
        first = false;
    } while (more);
    *ret = v < NODE_LEAVES_MAX ? v : NODE_LEAVES_MAX;
    return true;
}

/* The kind with its '/', or the level with its. */
static bool
take_kind(struct span *s, struct tile *t)
{
    t->level = 0;
    t->kind = TILE_DATA;
    if (take(s, "data/"))
        return true;
    t->kind = TILE_ENTRIES;
    if (take(s, "entries/"))
        return true;
    t->kind = TILE_HASHES;
    if (s->n < 2 || s->p[0] < '0' || s->p[0] > '0' + TILE_LEVEL_MAX || s->p[1] != '/')
        return false;
    t->level = (unsigned)(s->p[0] - '0');
    *s = span_of(s->p + 2, s->n - 2);
    return true;
}

/* ".p/<W>" or nothing, up to the end of the path. */
static bool
take_width(struct span *s, unsigned *ret)
{
    unsigned v = 0;

    *ret = TILE_WIDTH;
    if (s->n == 0)
        return true;
    if (!take(s, ".p/") || s->n == 0 || s->n > 3 || s->p[0] == '0')
        return false;
    for (size_t i = 0; i < s->n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s->p[i] - '0');
    }
    *ret = v;
    return v < TILE_WIDTH;
}

enum result
tile_parse_path(struct span path, struct tile *ret)
{
    struct tile t;

    if (!take_kind(&path, &t) || !take_index(&path, &t.index) || !take_width(&path, &t.width))
        return RES_ENCODING;
    if (!tile_within(&t, NODE_LEAVES_MAX))
        return RES_NUMBER;
    *ret = t;
    return RES_OK;
}

size_t
tile_path(const struct tile *t, char out[static TILE_PATH_MAX])
{
    uint64_t unit = 1;
    size_t n;

    assert(t->level <= TILE_LEVEL_MAX && 1 <= t->width && t->width <= TILE_WIDTH);
    assert(t->kind == TILE_HASHES || t->level == 0);
    if (t->kind == TILE_HASHES)
        n = (size_t)snprintf(out, TILE_PATH_MAX, "%u/", t->level);
    else
        n = (size_t)snprintf(out, TILE_PATH_MAX, t->kind == TILE_DATA ? "data/" : "entries/");
    while (t->index / unit >= 1000)
        unit *= 1000;
    for (; unit > 1; unit /= 1000)
        n +=
            (size_t)snprintf(out + n, TILE_PATH_MAX - n, "x%03" PRIu64 "/", t->index / unit % 1000);
    n += (size_t)snprintf(out + n, TILE_PATH_MAX - n, "%03" PRIu64, t->index % 1000);
    if (t->width < TILE_WIDTH)
        n += (size_t)snprintf(out + n, TILE_PATH_MAX - n, ".p/%u", t->width);
    assert(n < TILE_PATH_MAX);
    return n;
}

/* Number of complete nodes in the bottom row of that level's tiles. */
static uint64_t
row_width(unsigned level, uint64_t size)
{
    assert(level <= TILE_LEVEL_MAX);
    return size >> (TILE_HEIGHT * level);
}

unsigned
tile_partial_width(unsigned level, uint64_t size)
{
    return (unsigned)(row_width(level, size) % TILE_WIDTH);
}

uint64_t
tile_full_count(unsigned level, uint64_t size)
{
    return row_width(level, size) / TILE_WIDTH;
}

bool
tile_within(const struct tile *t, uint64_t size)
{
    uint64_t full = tile_full_count(t->level, size);

    return t->index < full || (t->index == full && t->width <= tile_partial_width(t->level, size));
}

/*
 * Row r of a record, of the nodes r above the bottom row, begins where the rows below it end:
 * 256 + 128 + ... = 512 - (512 >> r).
 */
static unsigned
row_begin(unsigned r)
{
    return 2u * TILE_WIDTH - (2u * TILE_WIDTH >> r);
}

struct tile_slot
tile_slot_of(struct node n)
{
    unsigned r = n.height % TILE_HEIGHT;
    uint64_t place = n.index & ((UINT64_C(1) * TILE_WIDTH >> r) - 1);

    return (struct tile_slot){.level = n.height / TILE_HEIGHT,
                              .index = n.index >> (TILE_HEIGHT - r),
                              .slot = row_begin(r) + (unsigned)place};
}

struct node
tile_slot_node(unsigned level, uint64_t index, unsigned slot)
{
    unsigned r = 0;

    assert(slot < TILE_NODES);
    while (slot >= row_begin(r + 1))
        r++;
    return (struct node){.height = TILE_HEIGHT * level + r,
                         .index = (index << (TILE_HEIGHT - r)) + (slot - row_begin(r))};
}
