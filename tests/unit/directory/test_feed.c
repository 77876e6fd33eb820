/* The feed as its readers see it: checkpoint, tiles, entries, additions, anchors. */
#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "merkle/tree/verify.h"
#include "tests/unit/directory/testdir.h"
#include "tests/vectors/check.h"

#define OUT_MAX (1u << 20)
#define ENTRIES 300

static struct testdir t;

static int
setup(void **state)
{
    const struct kt_window window = {.monitoring = 50};
    struct rng r = rng_start("feed");

    (void)state;
    testdir_init(&t, &window);
    testdir_random(&t, &r, ENTRIES);
    testdir_open(&t);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    testdir_release(&t);
    return 0;
}

static void
entry_bytes(uint64_t i, uint8_t ret[static FEED_ENTRY_SIZE])
{
    struct buf out = {.p = ret, .cap = FEED_ENTRY_SIZE, .max = FEED_ENTRY_SIZE};
    struct writer w = writer_to(&out);

    feed_entry_put(&w, &t.feed[i]);
    assert_int_equal(writer_end(&w), RES_OK);
}

/* The node of the model's feed; requires that it is complete. */
static struct hash
node_at(struct node n)
{
    uint8_t bytes[FEED_ENTRY_SIZE];
    struct hash left, right;

    if (n.height == 0) {
        entry_bytes(n.index, bytes);
        hash_leaf(span_of(bytes, sizeof(bytes)), &left);
        return left;
    }
    left = node_at((struct node){n.height - 1, 2 * n.index});
    right = node_at((struct node){n.height - 1, 2 * n.index + 1});
    hash_node(&left, &right, &left);
    return left;
}

/* Takes a signed note apart: one signature, by the feed's key. */
static void
read_checkpoint(struct span bytes, struct checkpoint *ret)
{
    static struct note note;
    struct note_key key;

    assert_int_equal(note_parse(bytes, &note), RES_OK);
    assert_int_equal(
        note_key_ed25519(TESTDIR_ORIGIN "/feed", KEY_ED25519, signer_feed_public(t.signer), &key),
        RES_OK);
    assert_int_equal(note.count, 1);
    assert_int_equal(note_verify(&note, &key, 1, NULL, NULL, NULL), RES_OK);
    assert_int_equal(checkpoint_parse(note.text, ret), RES_OK);
    assert_true(span_equal(ret->origin, span_str(TESTDIR_ORIGIN "/feed")));
}

static void
test_checkpoint(void **state)
{
    struct buf out = BUF_INIT(OUT_MAX);
    struct checkpoint c;
    struct hash root;

    (void)state;
    assert_int_equal(directory_feed_checkpoint(t.r, &out), RES_OK);
    read_checkpoint(buf_span(&out), &c);
    range_root(&t.feed_range, &root);
    assert_int_equal(c.size, ENTRIES);
    assert_true(hash_equal(&c.root, &root));
    buf_release(&out);
}

static void
check_hashes(unsigned level, uint64_t index, unsigned width)
{
    const struct tile tile = {TILE_HASHES, level, index, width};
    struct buf out = BUF_INIT(OUT_MAX);

    assert_int_equal(directory_feed_tile(t.r, &tile, &out), RES_OK);
    assert_int_equal(out.n, width * HASH_SIZE);
    for (unsigned i = 0; i < width; i++) {
        struct hash h = node_at((struct node){8 * level, index * TILE_WIDTH + i});
        assert_memory_equal(out.p + i * HASH_SIZE, h.b, HASH_SIZE);
    }
    buf_release(&out);
}

static void
check_entries(uint64_t index, unsigned width)
{
    const struct tile tile = {TILE_ENTRIES, 0, index, width};
    struct buf out = BUF_INIT(OUT_MAX);
    struct reader r;

    assert_int_equal(directory_feed_tile(t.r, &tile, &out), RES_OK);
    r = reader_of(buf_span(&out));
    for (unsigned i = 0; i < width; i++) {
        uint8_t bytes[FEED_ENTRY_SIZE];
        struct span s = get_vec16(&r, FEED_ENTRY_SIZE, FEED_ENTRY_SIZE);

        entry_bytes(index * TILE_WIDTH + i, bytes);
        assert_true(span_equal(s, span_of(bytes, sizeof(bytes))));
    }
    assert_int_equal(reader_end(&r), RES_OK);
    buf_release(&out);
}

static void
test_tiles(void **state)
{
    static const struct tile absent[] = {
        {TILE_HASHES, 0, 1, ENTRIES - TILE_WIDTH + 1},
        {TILE_HASHES, 0, 2, 1},
        {TILE_HASHES, 1, 0, 2},
        {TILE_HASHES, 1, 1, 1},
        {TILE_HASHES, 2, 0, 1},
        {TILE_HASHES, TILE_LEVEL_MAX, 0, 1},
        {TILE_HASHES, 63, 0, 1},
        {TILE_HASHES, 0, UINT64_MAX, 256},
        {TILE_ENTRIES, 0, 1, ENTRIES - TILE_WIDTH + 1},
        {TILE_ENTRIES, 0, UINT64_MAX, 256},
        {TILE_DATA, 0, 0, 1},
    };

    (void)state;
    check_hashes(0, 0, TILE_WIDTH);
    for (unsigned width = 1; width <= ENTRIES - TILE_WIDTH; width++) {
        check_hashes(0, 1, width);
        check_entries(1, width);
    }
    check_hashes(0, 0, 7);
    check_hashes(1, 0, 1);
    check_entries(0, TILE_WIDTH);
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        struct buf out = BUF_INIT(OUT_MAX);

        assert_int_equal(buf_add(&out, span_str("before")), RES_OK);
        if (directory_feed_tile(t.r, &absent[i], &out) != RES_ABSENT || out.n != 6)
            fail_msg("tile of row %zu is there", i);
        buf_release(&out);
    }
}

/* Whoever replays the feed comes to the prefix tree of each entry: here, to its additions. */
static void
test_additions(void **state)
{
    struct buf out = BUF_INIT(OUT_MAX);

    (void)state;
    for (uint64_t i = 0; i < ENTRIES; i++) {
        struct hash h;

        buf_clear(&out);
        assert_int_equal(directory_feed_additions(t.r, i, &out), RES_OK);
        assert_int_equal(out.n, t.feed[i].additions * (size_t)FEED_ADDITION_SIZE);
        hash_sha256(buf_span(&out), &h);
        assert_true(hash_equal(&h, &t.feed[i].additions_hash));
        for (size_t k = FEED_ADDITION_SIZE; k < out.n; k += FEED_ADDITION_SIZE)
            assert_true(memcmp(out.p + k - FEED_ADDITION_SIZE, out.p + k, HASH_SIZE) < 0);
    }
    buf_clear(&out);
    assert_int_equal(directory_feed_additions(t.r, ENTRIES, &out), RES_ABSENT);
    assert_int_equal(directory_feed_additions(t.r, UINT64_MAX, &out), RES_ABSENT);
    assert_int_equal(out.n, 0);
    buf_release(&out);
}

static void
test_anchor(void **state)
{
    struct buf note = BUF_INIT(OUT_MAX);
    struct hash proof[PROOF_HASHES_MAX], leaf;
    struct feed_entry e;
    struct checkpoint c;
    unsigned n;

    (void)state;
    for (uint64_t size = 1; size <= ENTRIES; size++) {
        buf_clear(&note);
        assert_int_equal(directory_feed_anchor(t.r, size, &e, proof, &n, &note), RES_OK);
        read_checkpoint(buf_span(&note), &c);
        leaf = node_at((struct node){0, size - 1});
        assert_int_equal(c.size, ENTRIES);
        assert_memory_equal(&e.root, &t.feed[size - 1].root, HASH_SIZE);
        assert_int_equal(e.timestamp, t.feed[size - 1].timestamp);
        assert_int_equal(inclusion_verify(&leaf, size - 1, c.size, proof, n, &c.root), RES_OK);
        leaf.b[0] ^= 1;
        assert_int_not_equal(inclusion_verify(&leaf, size - 1, c.size, proof, n, &c.root), RES_OK);
    }
    buf_clear(&note);
    assert_int_equal(directory_feed_anchor(t.r, 0, &e, proof, &n, &note), RES_RANGE);
    assert_int_equal(directory_feed_anchor(t.r, ENTRIES + 1, &e, proof, &n, &note), RES_RANGE);
    assert_int_equal(directory_feed_anchor(t.r, UINT64_MAX, &e, proof, &n, &note), RES_RANGE);
    assert_int_equal(note.n, 0);
    buf_release(&note);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_additions),
        cmocka_unit_test(test_anchor),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
