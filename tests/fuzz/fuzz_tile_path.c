/*
 * Tile paths: one form for each tile, so what is taken is written back as the same bytes; a tile
 * that stands in a tree stands in every larger one; and each place of its record is one node's.
 */
#include "merkle/tree/tile.h"
#include "tests/fuzz/fuzz.h"

static void
check_places(const struct tile *t)
{
    if (t->index > UINT64_MAX >> TILE_HEIGHT)
        return;
    for (unsigned slot = 0; slot < TILE_NODES; slot++) {
        struct node n = tile_slot_node(t->level, t->index, slot);
        struct tile_slot s = tile_slot_of(n);
        FUZZ_CHECK(s.level == t->level && s.index == t->index && s.slot == slot);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[TILE_PATH_MAX];
    struct tile t;
    enum result r = tile_parse_path(span_of(data, size), &t);
    size_t n;

    FUZZ_CHECK(r == RES_OK || r == RES_ENCODING || r == RES_NUMBER);
    if (r != RES_OK)
        return 0;
    FUZZ_CHECK(t.width >= 1 && t.width <= TILE_WIDTH && t.level <= TILE_LEVEL_MAX);
    n = tile_path(&t, path);
    if (PLANT && t.index >= 1000000)
        path[1] = '0'; /* the planted bug: the first of three groups is written wrongly */
    FUZZ_CHECK(n < sizeof path && path[n] == '\0');
    FUZZ_CHECK(span_equal(span_of(path, n), span_of(data, size)));
    for (uint64_t tree = 1; tree < NODE_LEAVES_MAX; tree <<= 1)
        FUZZ_CHECK(!tile_within(&t, tree) || tile_within(&t, tree * 2));
    check_places(&t);
    return 0;
}
