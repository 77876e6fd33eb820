#include "merkle/tree/tile.h"
#include "tests/reference/nodestore.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

#include <stdio.h>
#include <stdlib.h>

static enum result
parse(const char *path, struct tile *ret)
{
    struct guard g;
    enum result rc;

    guard_init(&g, 4096);
    rc = tile_parse_path(guard_put(&g, span_str(path)), ret);
    guard_release(&g);
    return rc;
}

static void
paths_read_and_write(void **state)
{
    static const struct {
        const char *path;
        struct tile t;
    } rows[] = {
        {"0/000", {TILE_HASHES, 0, 0, 256}},
        {"0/000.p/1", {TILE_HASHES, 0, 0, 1}},
        {"0/000.p/255", {TILE_HASHES, 0, 0, 255}},
        {"1/042", {TILE_HASHES, 1, 42, 256}},
        {"5/999", {TILE_HASHES, 5, 999, 256}},
        {"0/x001/000", {TILE_HASHES, 0, 1000, 256}},
        {"0/x001/x234/067.p/89", {TILE_HASHES, 0, 1234067, 89}},
        {"data/x999/999", {TILE_DATA, 0, 999999, 256}},
        {"data/x001/x000/x000/000.p/7", {TILE_DATA, 0, 1000000000, 7}},
        {"entries/x123/x456/789", {TILE_ENTRIES, 0, 123456789, 256}},
        {"7/000.p/64", {TILE_HASHES, 7, 0, 64}},
        /* The last full tile of the largest tree. */
        {"0/x018/x014/x398/x509/x481/983", {TILE_HASHES, 0, (UINT64_C(1) << 54) - 1, 256}},
        {"6/063", {TILE_HASHES, 6, 63, 256}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[TILE_PATH_MAX];
        struct tile t;

        if (parse(rows[i].path, &t) != RES_OK)
            fail_msg("%s: refused", rows[i].path);
        assert_int_equal(t.kind, rows[i].t.kind);
        assert_int_equal(t.level, rows[i].t.level);
        assert_true(t.index == rows[i].t.index);
        assert_int_equal(t.width, rows[i].t.width);
        assert_int_equal(tile_path(&t, path), strlen(rows[i].path));
        assert_string_equal(path, rows[i].path);
    }
}

static void
other_forms_are_refused(void **state)
{
    static const struct {
        const char *says, *path;
        enum result rc;
    } rows[] = {
        {"nothing", "", RES_ENCODING},
        {"a level alone", "0", RES_ENCODING},
        {"no index", "0/", RES_ENCODING},
        {"a slash in front", "/0/000", RES_ENCODING},
        {"a slash behind", "0/000/", RES_ENCODING},
        {"two digits", "0/00", RES_ENCODING},
        {"four digits", "0/0000", RES_ENCODING},
        {"no x in a group that is not the last", "0/001/000", RES_ENCODING},
        {"x in the last group", "0/x000", RES_ENCODING},
        {"x in the last of two", "0/x001/x000", RES_ENCODING},
        {"a group of zeros in front", "0/x000/001", RES_ENCODING},
        {"a capital X", "0/X001/000", RES_ENCODING},
        {"a letter", "0/00a", RES_ENCODING},
        {"a sign", "0/-01", RES_ENCODING},
        {"a space", "0/ 01", RES_ENCODING},
        {"a level of two digits", "00/000", RES_ENCODING},
        {"the first level too many", "8/000", RES_ENCODING},
        {"a level that tlog-tiles allows and no tree here has", "63/000", RES_ENCODING},
        {"a negative level", "-1/000", RES_ENCODING},
        {"a level that is a word", "abc/000", RES_ENCODING},
        {"data with a level", "data/0/000", RES_ENCODING},
        {"data in capitals", "Data/000", RES_ENCODING},
        {"no data", "data/", RES_ENCODING},
        {"entries without a slash", "entries000", RES_ENCODING},
        {"a width of nothing", "0/000.p/", RES_ENCODING},
        {"no width", "0/000.p", RES_ENCODING},
        {"a dot", "0/000.", RES_ENCODING},
        {"a width of zero", "0/000.p/0", RES_ENCODING},
        {"a full width", "0/000.p/256", RES_ENCODING},
        {"a width of four digits", "0/000.p/1000", RES_ENCODING},
        {"a leading zero in the width", "0/000.p/01", RES_ENCODING},
        {"a letter in the width", "0/000.p/1a", RES_ENCODING},
        {"a slash behind the width", "0/000.p/1/", RES_ENCODING},
        {"a capital P", "0/000.P/1", RES_ENCODING},
        {"two widths", "0/000.p/1.p/1", RES_ENCODING},
        {"a step up", "0/../000", RES_ENCODING},
        {"one past the last tile of the largest tree", "0/x018/x014/x398/x509/x481/984",
         RES_NUMBER},
        {"a part of the tile behind the last", "0/x018/x014/x398/x509/x481/984.p/1", RES_NUMBER},
        {"a full tile at the top", "7/000", RES_NUMBER},
        {"one too wide at the top", "7/000.p/65", RES_NUMBER},
        {"the second tile at the top", "7/001.p/1", RES_NUMBER},
        {"more than 64 bits", "0/x999/x999/x999/x999/x999/x999/x999/999", RES_NUMBER},
        {"exactly 2^64", "0/x018/x446/x744/x073/x709/x551/616", RES_NUMBER},
        {"too large and malformed", "0/x999/x999/x999/x999/x999/x999/x999/99", RES_ENCODING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tile t = {.width = 12345};
        enum result rc = parse(rows[i].path, &t);

        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].says, result_name(rc));
        assert_int_equal(t.width, 12345);
    }
}

static void
a_path_with_a_nul_is_refused(void **state)
{
    struct tile t;

    (void)state;
    assert_int_equal(tile_parse_path(span_of("0/000\0", 6), &t), RES_ENCODING);
    assert_int_equal(tile_parse_path(span_of("0/00\0", 5), &t), RES_ENCODING);
}

static void
random_tiles_keep_their_path(void **state)
{
    struct rng rng = rng_start("random_tiles_keep_their_path");

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct tile t = {.kind = (enum tile_kind)(rng_next(&rng) % 3)}, again;
        char path[TILE_PATH_MAX];
        size_t n;

        t.level = t.kind == TILE_HASHES ? (unsigned)(rng_next(&rng) % 7) : 0;
        t.index = rng_scaled(&rng, NODE_LEAVES_MAX >> (8 * t.level + 8));
        t.width = 1 + (unsigned)(rng_next(&rng) % 256);
        n = tile_path(&t, path);
        assert_int_equal(n, strlen(path));
        assert_int_equal(tile_parse_path(span_str(path), &again), RES_OK);
        assert_true(t.kind == again.kind && t.level == again.level && t.index == again.index &&
                    t.width == again.width);
    }
}

static void
counts_follow_the_size(void **state)
{
    static const struct {
        unsigned level;
        uint64_t size, full;
        unsigned partial;
    } rows[] = {
        {0, 0, 0, 0},
        {0, 1, 0, 1},
        {0, 255, 0, 255},
        {0, 256, 1, 0},
        {0, 257, 1, 1},
        {1, 255, 0, 0},
        {1, 256, 0, 1},
        /* tlog-tiles: a tree of 70,000 has 273 full tiles and one of 112; 1 full and one of 17; one
           of 1. */
        {0, 70000, 273, 112},
        {1, 70000, 1, 17},
        {2, 70000, 0, 1},
        {3, 70000, 0, 0},
        {7, NODE_LEAVES_MAX, 0, 64},
        {6, NODE_LEAVES_MAX, 64, 0},
        {0, NODE_LEAVES_MAX - 1, (UINT64_C(1) << 54) - 1, 255},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tile t = {TILE_HASHES, rows[i].level, rows[i].full, rows[i].partial};

        assert_true(tile_full_count(rows[i].level, rows[i].size) == rows[i].full);
        assert_int_equal(tile_partial_width(rows[i].level, rows[i].size), rows[i].partial);
        if (t.width > 0)
            assert_true(tile_within(&t, rows[i].size));
        t.width++;
        assert_false(tile_within(&t, rows[i].size));
        t.width = 256;
        assert_false(tile_within(&t, rows[i].size));
        t.index++;
        t.width = 1;
        assert_false(tile_within(&t, rows[i].size));
        if (rows[i].full > 0) {
            t = (struct tile){TILE_HASHES, rows[i].level, rows[i].full - 1, 256};
            assert_true(tile_within(&t, rows[i].size));
            t.width = 1;
            assert_true(tile_within(&t, rows[i].size));
        }
    }
}

static void
slots_hold_every_node_once(void **state)
{
    (void)state;
    for (unsigned level = 0; level <= TILE_LEVEL_MAX; level++) {
        for (uint64_t index = 0; index < 40; index += 13) {
            unsigned slot = 0;

            /* 256 of the bottom row, then 128, 64, 32, 16, 8, 4, 2. */
            for (unsigned r = 0; r < 8; r++) {
                for (uint64_t k = 0; k < 256u >> r; k++, slot++) {
                    struct node n = {8 * level + r, index * (256u >> r) + k}, back;
                    struct tile_slot s = tile_slot_of(n);

                    assert_int_equal(s.level, level);
                    assert_int_equal(s.index, index);
                    assert_int_equal(s.slot, slot);
                    back = tile_slot_node(level, index, slot);
                    assert_int_equal(back.height, n.height);
                    assert_int_equal(back.index, n.index);
                }
            }
            assert_int_equal(slot, TILE_NODES);
        }
    }
    assert_int_equal(TILE_RECORD_SIZE, 16320);
}

/* The records that a store would keep for a tree, against MTH of each place's leaves. */
static void
records_hold_the_subtrees(void **state)
{
    struct nodestore s;
    struct ref_tree t;

    (void)state;
    ref_tree_init(&t, 5, 509);
    nodestore_init(&s, &t);
    for (unsigned level = 0; level < 2; level++) {
        for (uint64_t index = 0; index <= tile_full_count(level, t.n); index++) {
            size_t complete = 0, bottom = 0;

            for (unsigned slot = 0; slot < TILE_NODES; slot++) {
                struct node n = tile_slot_node(level, index, slot);
                struct hash expected;

                if (node_end(n) > t.n)
                    continue;
                complete++;
                bottom += slot < TILE_WIDTH;
                ref_mth(&t, node_begin(n), node_end(n), &expected);
                assert_true(hash_equal(nodestore_get(&s, n), &expected));
            }
            if (index < tile_full_count(level, t.n))
                assert_int_equal(complete, TILE_NODES);
            else
                assert_int_equal(bottom, tile_partial_width(level, t.n));
        }
    }
    nodestore_release(&s);
    ref_tree_release(&t);
}

static const char *
without_tile(const char *path)
{
    assert_memory_equal(path, "tile/", 5);
    return path + 5;
}

static unsigned
width_of(const cJSON *row, const char *name)
{
    unsigned p =
        cJSON_GetObjectItemCaseSensitive(row, name) ? (unsigned)testdata_u64(row, name) : 0;

    return p == 0 ? TILE_WIDTH : p;
}

static void
assert_path(const struct tile *t, const char *expected)
{
    char path[TILE_PATH_MAX];
    struct tile again;

    tile_path(t, path);
    assert_string_equal(path, expected);
    assert_int_equal(tile_parse_path(span_str(path), &again), RES_OK);
    assert_true(again.index == t->index && again.width == t->width && again.level == t->level);
}

static void
paths_of_others(void **state)
{
    unsigned written = 0, refused = 0, read = 0;
    const cJSON *row;
    cJSON *json;

    (void)state;
    TESTDATA_OR_SKIP();
    json = testdata_json("vectors/1-merkle-ct/tile-paths.json");
    cJSON_ArrayForEach(row, testdata_member(json, "entries_path_for_index"))
    {
        uint64_t seq = testdata_u64(row, "seq"), size = testdata_u64(row, "logSize");
        struct tile t = {TILE_ENTRIES, 0, seq / 256, 256};

        if (t.index == tile_full_count(0, size))
            t.width = tile_partial_width(0, size);
        assert_path(&t, without_tile(testdata_string(row, "wantPath")));
        written++;
    }
    cJSON_ArrayForEach(row, testdata_member(json, "entries_path"))
    {
        struct tile t = {TILE_ENTRIES, 0, testdata_u64(row, "N"), width_of(row, "p")};

        assert_path(&t, without_tile(testdata_string(row, "wantPath")));
        written++;
    }
    cJSON_ArrayForEach(row, testdata_member(json, "tile_path"))
    {
        struct tile t = {TILE_HASHES, (unsigned)testdata_u64(row, "level"),
                         testdata_u64(row, "index"), width_of(row, "p")};
        const char *path = without_tile(testdata_string(row, "wantPath"));

        if (t.level <= TILE_LEVEL_MAX) {
            assert_path(&t, path);
            written++;
        } else {
            assert_int_equal(tile_parse_path(span_str(path), &t), RES_ENCODING);
            refused++;
        }
    }
    cJSON_ArrayForEach(row, testdata_member(json, "parse"))
    {
        char path[200];
        struct tile t;
        enum result rc;

        snprintf(path, sizeof(path), "%s/%s", testdata_string(row, "pathLevel"),
                 testdata_string(row, "pathIndex"));
        rc = tile_parse_path(span_str(path), &t);
        /* Levels above ours are in order there and refused here. */
        if (testdata_flag(row, "wantErr") || testdata_u64(row, "wantLevel") > TILE_LEVEL_MAX) {
            assert_int_equal(rc, RES_ENCODING);
            refused++;
            continue;
        }
        assert_int_equal(rc, RES_OK);
        assert_true(t.level == testdata_u64(row, "wantLevel") &&
                    t.index == testdata_u64(row, "wantIndex") && t.width == width_of(row, "wantP"));
        read++;
    }
    print_message("tile paths: %u written, %u read, %u refused\n", written, read, refused);
    assert_true(written == 14 && read == 3 && refused == 18);
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_read_and_write),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(a_path_with_a_nul_is_refused),
        cmocka_unit_test(random_tiles_keep_their_path),
        cmocka_unit_test(counts_follow_the_size),
        cmocka_unit_test(slots_hold_every_node_once),
        cmocka_unit_test(records_hold_the_subtrees),
        cmocka_unit_test(paths_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
