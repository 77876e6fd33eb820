#include "log/directory/rows.h"

#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

struct bytes {
    uint8_t b[256];
    size_t n;
};

typedef void put_fn(struct writer *w, const void *row);
typedef void get_fn(struct reader *r, void *ret);

static void
put_head(struct writer *w, const void *row)
{
    directory_head_put(w, row);
}

static void
get_head(struct reader *r, void *ret)
{
    directory_head_get(r, ret);
}

static void
put_entry(struct writer *w, const void *row)
{
    entry_row_put(w, row);
}

static void
get_entry(struct reader *r, void *ret)
{
    entry_row_get(r, ret);
}

static void
put_version(struct writer *w, const void *row)
{
    version_row_put(w, row);
}

static void
get_version(struct reader *r, void *ret)
{
    version_row_get(r, ret);
}

struct pair {
    struct prefix_ref left, right;
};

static void
put_pair(struct writer *w, const void *row)
{
    const struct pair *p = row;

    node_put(w, &p->left, &p->right);
}

static void
get_pair(struct reader *r, void *ret)
{
    struct pair *p = ret;

    node_get(r, &p->left, &p->right);
}

static enum result
put(put_fn *fn, const void *row, struct bytes *ret)
{
    struct buf out = {.p = ret->b, .cap = sizeof(ret->b), .max = sizeof(ret->b)};
    struct writer w = writer_to(&out);

    fn(&w, row);
    ret->n = out.n;
    return writer_end(&w);
}

static enum result
get(get_fn *fn, const struct bytes *bytes, size_t n, void *ret)
{
    struct reader r = reader_of(span_of(bytes->b, n));

    fn(&r, ret);
    return reader_end(&r);
}

/* What is written is read again, to the same bytes; every shorter form ends too early. */
static void
there_and_back(put_fn *p, get_fn *g, const void *row, void *room, size_t size)
{
    struct bytes first, second;

    assert_int_equal(put(p, row, &first), RES_OK);
    assert_int_equal(first.n, size);
    assert_int_equal(get(g, &first, first.n, room), RES_OK);
    assert_int_equal(put(p, room, &second), RES_OK);
    assert_int_equal(second.n, size);
    assert_memory_equal(first.b, second.b, size);
    for (size_t n = 0; n < size; n++)
        assert_true(get(g, &first, n, room) != RES_OK);
}

static struct prefix_ref
random_ref(struct rng *r, int kind)
{
    struct prefix_ref ref = {.kind = PREFIX_EMPTY};

    if (kind == 0)
        return ref;
    ref.kind = kind == 1 ? PREFIX_LEAF : PREFIX_PARENT;
    ref.ref = rng_next(r) >> (kind == 1 ? 25 : 8);
    rng_fill(r, ref.hash.b, HASH_SIZE);
    return ref;
}

static void
rows_are_read_as_written(void **state)
{
    struct rng r = rng_start("rows_are_read_as_written");

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct directory_head head = {.size = 1 + (rng_next(&r) >> 25),
                                      .stream = rng_next(&r) >> 8};
        struct entry_row entry = {.root = random_ref(&r, round % 3), .hashes = rng_next(&r)};
        struct version_row version = {.entry = rng_next(&r) >> 24,
                                      .version = (uint32_t)(1 + (rng_next(&r) >> 33)),
                                      .label = rng_next(&r) >> 16,
                                      .previous = rng_next(&r) >> 25,
                                      .state = rng_next(&r) >> 16,
                                      .state_n = (uint32_t)rng_next(&r)};
        struct directory_head head_room;
        struct entry_row entry_room;
        struct version_row version_room;

        head.versions = rng_next(&r) >> 25;
        head.labels = head.versions / 2;
        rng_fill(&r, head.root.b, HASH_SIZE);
        rng_fill(&r, head.signature, sizeof(head.signature));
        rng_fill(&r, head.feed_root.b, HASH_SIZE);
        rng_fill(&r, head.feed_signature, sizeof(head.feed_signature));
        there_and_back(put_head, get_head, &head, &head_room, 232);
        assert_int_equal(head_room.size, 0 + head.size);
        entry.feed.timestamp = rng_next(&r);
        entry.feed.prefix_root = entry.root.hash;
        rng_fill(&r, entry.feed.additions_hash.b, HASH_SIZE);
        there_and_back(put_entry, get_entry, &entry, &entry_room, ENTRY_ROW_SIZE);
        rng_fill(&r, version.leaf.key.b, HASH_SIZE);
        rng_fill(&r, version.leaf.commitment.b, HASH_SIZE);
        rng_fill(&r, version.print, sizeof(version.print));
        there_and_back(put_version, get_version, &version, &version_room, VERSION_ROW_SIZE);
    }
}

static void
nodes_are_read_as_written(void **state)
{
    struct rng r = rng_start("nodes_are_read_as_written");

    (void)state;
    for (int round = 0; round < 100; round++)
        for (int left = 0; left < 3; left++)
            for (int right = 0; right < 3; right++) {
                struct pair p = {random_ref(&r, left), random_ref(&r, right)}, room;
                struct bytes bytes;

                if ((left == 0 && right != 2) || (right == 0 && left != 2)) {
                    /* no leaves part there */
                    assert_int_equal(put(put_pair, &p, &bytes), RES_VALUE);
                    continue;
                }
                there_and_back(put_pair, get_pair, &p, &room,
                               (size_t)(left == 0 || right == 0 ? 48 : 80));
                assert_int_equal(put(put_pair, &p, &bytes), RES_OK);
                assert_int_equal(get(get_pair, &bytes, bytes.n, &room), RES_OK);
                assert_int_equal(room.left.kind, p.left.kind);
                assert_int_equal(room.right.ref, p.right.ref);
                assert_true(hash_equal(&room.left.hash, &p.left.hash));
                assert_true(hash_equal(&room.right.hash, &p.right.hash));
            }
}

static const struct {
    const char *says;
    put_fn *put;
    get_fn *get;
    size_t at; /* byte that is replaced */
    uint8_t by;
} wrong[] = {
    {"a head without epochs", put_head, get_head, 7, 0},
    {"a head of more epochs than rows can name", put_head, get_head, 2, 2},
    {"a head of more labels than versions", put_head, get_head, 223, 9},
    {"a head of more versions than rows can name", put_head, get_head, 210, 2},
    {"a root of an unknown kind", put_entry, get_entry, 188, 3},
    {"a root that is nothing and stands somewhere", put_entry, get_entry, 188, 0},
    {"a version 0 with one before it", put_version, get_version, 80, 0},
    {"a child of an unknown kind", put_pair, get_pair, 0, 7},
    {"a child that is nothing and stands somewhere", put_pair, get_pair, 0, 0},
    {"a leaf with a number that no row has", put_pair, get_pair, 9, 1},
};

static void
what_no_writer_writes_is_refused(void **state)
{
    struct directory_head head = {.size = 1, .versions = 5, .labels = 4};
    struct entry_row entry = {.root = {.kind = PREFIX_PARENT, .ref = 1}};
    struct version_row version = {.version = 1, .previous = 3};
    struct pair pair = {{.kind = PREFIX_PARENT, .ref = 4}, {.kind = PREFIX_LEAF, .ref = 1}};
    union {
        struct directory_head head;
        struct entry_row entry;
        struct version_row version;
        struct pair pair;
    } room;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const void *row = wrong[i].put == put_head      ? (const void *)&head
                          : wrong[i].put == put_entry   ? (const void *)&entry
                          : wrong[i].put == put_version ? (const void *)&version
                                                        : (const void *)&pair;
        struct bytes bytes;

        print_message("    %s\n", wrong[i].says);
        assert_int_equal(put(wrong[i].put, row, &bytes), RES_OK);
        assert_int_equal(get(wrong[i].get, &bytes, bytes.n, &room), RES_OK);
        bytes.b[wrong[i].at] = wrong[i].by;
        assert_int_equal(get(wrong[i].get, &bytes, bytes.n, &room), RES_VALUE);
    }
}

static void
what_does_not_fit_is_not_written(void **state)
{
    struct bytes bytes;
    struct directory_head head = {.size = 0};
    struct entry_row entry = {.root = {.kind = PREFIX_PARENT, .ref = UINT64_C(1) << 56}};
    struct version_row none = {.version = 0, .previous = 3}, label = {.label = UINT64_C(1) << 48},
                       late = {.entry = UINT64_C(1) << 40, .previous = VERSION_NONE};

    (void)state;
    label.previous = VERSION_NONE;
    assert_int_equal(put(put_head, &head, &bytes), RES_VALUE);
    assert_int_equal(put(put_entry, &entry, &bytes), RES_VALUE);
    assert_int_equal(put(put_version, &none, &bytes), RES_VALUE);
    assert_int_equal(put(put_version, &label, &bytes), RES_VALUE);
    assert_int_equal(put(put_version, &late, &bytes), RES_VALUE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_written),
        cmocka_unit_test(nodes_are_read_as_written),
        cmocka_unit_test(what_no_writer_writes_is_refused),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
