#include "merkle/keytrans/view.h"

#include <string.h>

#include "merkle/keytrans/window.h"
#include "tests/unit/keytrans/asked.h"
#include "tests/vectors/check.h"

/* A log of 13 entries of which version 0 to 2 stand in entries 1, 5 and 9; the last two are close
 * together, so that 11 is the rightmost distinguished one.  KEYTRANS, "Worked Example". */
static void
worked_example(struct memtree *tree, struct memlabel *label)
{
    memtree_init(tree);
    *label = (struct memlabel){.name = 3};
    for (unsigned i = 0; i < 13; i++)
        memtree_append(tree, i < 12 ? 1000 + 100 * i : 2110, label,
                       &(unsigned){i == 1 || i == 5 || i == 9}, 1);
}

static const struct kt_window window = {.monitoring = 200};

static void
the_drafts_worked_example(void **state)
{
    struct memtree tree;
    struct memlabel label;
    struct asked_of of = {.tree = &tree, .label = &label, .size = 13, .last = 4, .window = &window};
    struct asked a = {.kind = ASK_GREATEST, .version = 2}, out;
    struct buf bytes = BUF_INIT(1u << 16);
    struct combined_proof proof;
    struct prefix_proof first, second;
    struct reader r, proofs, times;
    static const struct node inclusion[] = {{1, 2}, {0, 6}, {1, 4}, {0, 10}};

    (void)state;
    worked_example(&tree, &label);
    assert_int_equal(asked_both(&of, &a, &out), RES_OK);
    assert_int_equal(out.terminal, 11);
    assert_int_equal(asked_prove(&of, &a, &bytes), RES_OK);
    r = reader_of(buf_span(&bytes));
    combined_proof_get(&r, &proof);
    assert_int_equal(reader_end(&r), RES_OK);
    times = reader_of(proof.timestamps.bytes);
    assert_int_equal(proof.timestamps.n, 3);
    assert_int_equal(get_u64(&times), tree.entries[7].timestamp);
    assert_int_equal(get_u64(&times), tree.entries[11].timestamp);
    assert_int_equal(get_u64(&times), tree.entries[12].timestamp);
    proofs = reader_of(proof.prefix_proofs.bytes);
    assert_int_equal(proof.prefix_proofs.n, 2);
    prefix_proof_get(&proofs, &first);
    prefix_proof_get(&proofs, &second);
    assert_int_equal(first.results.n, 4);  /* 0, 1, 3, 2 */
    assert_int_equal(second.results.n, 1); /* 3 */
    assert_int_equal(proof.prefix_roots.n, 1);
    assert_memory_equal(proof.prefix_roots.bytes.p, tree.roots[7].hash.b, HASH_SIZE);
    assert_int_equal(proof.inclusion.n, 4 * HASH_SIZE);
    for (unsigned i = 0; i < 4; i++)
        assert_memory_equal(proof.inclusion.p + i * HASH_SIZE,
                            tree.heads[inclusion[i].height][inclusion[i].index].b, HASH_SIZE);
    buf_release(&bytes);
    memlabel_release(&label);
    memtree_release(&tree);
}

/* A source that has timestamps alone, and remembers for what it was asked. */
struct clock {
    const uint64_t *times;
    uint64_t asked[64];
    unsigned n;
};

static enum result
tell(void *arg, uint64_t position, uint64_t *ret)
{
    struct clock *c = arg;

    c->asked[c->n++] = position;
    *ret = c->times[position];
    return RES_OK;
}

static void
begin(struct transcript *t, struct clock *c, uint64_t size, const struct kt_window *w,
      const struct kt_view *last)
{
    struct transcript_source source = {.arg = c, .timestamp = tell};

    c->n = 0;
    assert_int_equal(transcript_init(t, size, w, last, &source), RES_OK);
}

static const uint64_t times[13] = {0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950, 1000, 1010};

static void
the_frontier_is_asked_for_once(void **state)
{
    static const struct {
        uint64_t size, last;
        unsigned n;
        uint64_t asked[4];
    } rows[] = {
        {13, 0, 3, {7, 11, 12}}, {13, 4, 3, {7, 11, 12}}, {13, 13, 0, {0}}, {13, 12, 1, {12}},
        {13, 9, 3, {9, 11, 12}}, {10, 9, 1, {9}},         {1, 0, 1, {0}},   {8, 5, 2, {5, 7}},
        {6, 5, 1, {5}},          {7, 1, 4, {1, 3, 5, 6}},
    };
    static struct transcript t;
    struct clock c = {.times = times};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kt_view last = {.peaks = {.size = rows[i].last}};
        struct search_path path = {.n = 0};

        if (rows[i].last > 0)
            search_tree_frontier(rows[i].last, &path);
        last.n = path.n;
        for (unsigned k = 0; k < path.n; k++)
            last.frontier[k] = (struct kt_kept){path.at[k], {.timestamp = times[path.at[k]]}};
        begin(&t, &c, rows[i].size, &window, rows[i].last > 0 ? &last : NULL);
        assert_int_equal(view_update(&t), RES_OK);
        assert_memory_equal(c.asked, rows[i].asked, rows[i].n * sizeof(c.asked[0]));
        assert_int_equal(c.n, rows[i].n);
        assert_int_equal(t.newest, times[rows[i].size - 1]);
    }
}

static void
time_does_not_run_back(void **state)
{
    static const uint64_t wrong[4] = {0, 5, 0, 4};
    static struct transcript t;
    struct clock c = {.times = wrong};
    uint64_t time;
    struct kt_view none = {.peaks = {.size = 0}}, more = {.peaks = {.size = 5}};
    struct transcript_source source = {.arg = &c, .timestamp = tell};

    (void)state;
    begin(&t, &c, 4, &window, NULL);
    assert_int_equal(view_update(&t), RES_OK);
    assert_int_equal(transcript_timestamp(&t, 1, &time), RES_KT_TIMESTAMP);
    assert_int_equal(transcript_timestamp(&t, 0, &time), RES_OK);
    assert_int_equal(transcript_init(&t, 4, &window, &none, &source), RES_RANGE);
    assert_int_equal(transcript_init(&t, 4, &window, &more, &source), RES_RANGE);
    assert_int_equal(transcript_init(&t, 0, &window, NULL, &source), RES_RANGE);
}

static void
the_newest_entry_is_of_now(void **state)
{
    static const struct {
        const char *says;
        uint64_t now;
        enum result rc;
    } rows[] = {
        {"now", 1010, RES_OK},
        {"as far ahead as may be", 1000, RES_OK},
        {"farther", 999, RES_KT_AHEAD},
        {"as far behind as may be", 1030, RES_OK},
        {"farther", 1031, RES_KT_BEHIND},
        {"long ago", UINT64_MAX, RES_KT_BEHIND},
        {"far ahead", 0, RES_KT_AHEAD},
    };
    static struct transcript t;
    struct clock c = {.times = times};
    struct kt_config config = {.max_ahead = 10, .max_behind = 20};

    (void)state;
    begin(&t, &c, 13, &window, NULL);
    assert_int_equal(view_update(&t), RES_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (view_fresh(&t, &config, rows[i].now) != rows[i].rc)
            fail_msg("%s", rows[i].says);
}

/* Distinguished is what stands in a stretch of time as long as the window, with all above it. */
static bool
slow_distinguished(uint64_t size, uint64_t monitoring, uint64_t x)
{
    struct search_path path;
    uint64_t left = 0, right = times[size - 1];

    search_tree_path(x, size, &path);
    for (unsigned i = 0; i < path.n; i++) {
        if (right - left < monitoring)
            return false;
        if (x < path.at[i])
            right = times[path.at[i]];
        else
            left = times[path.at[i]];
    }
    return true;
}

static void
distinguished_is_what_stands_wide(void **state)
{
    static struct transcript t;
    struct clock c = {.times = times};

    (void)state;
    for (uint64_t size = 1; size <= 13; size++)
        for (uint64_t monitoring = 0; monitoring <= 1020; monitoring += 10) {
            struct kt_window w = {.monitoring = monitoring};
            uint64_t slow = 0, fast = 0;
            bool any = false, found, is;

            for (uint64_t x = 0; x < size; x++) {
                begin(&t, &c, size, &w, NULL);
                assert_int_equal(view_update(&t), RES_OK);
                assert_int_equal(window_distinguished(&t, x, &is), RES_OK);
                assert_int_equal(is, slow_distinguished(size, monitoring, x));
                if (is) {
                    any = true;
                    slow = x;
                }
            }
            assert_int_equal(window_rightmost(&t, &fast, &found), RES_OK);
            assert_int_equal(found, any);
            assert_int_equal(fast, slow);
        }
}

static void
entries_expire_by_the_newest(void **state)
{
    static struct transcript t;
    struct clock c = {.times = times};
    struct kt_window w = {.monitoring = 10, .has_lifetime = true, .lifetime = 110};

    (void)state;
    begin(&t, &c, 13, &w, NULL);
    assert_int_equal(view_update(&t), RES_OK);
    assert_true(window_expired(&t, 900));
    assert_false(window_expired(&t, 901));
    t.window.has_lifetime = false;
    assert_false(window_expired(&t, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_drafts_worked_example),
        cmocka_unit_test(the_frontier_is_asked_for_once),
        cmocka_unit_test(time_does_not_run_back),
        cmocka_unit_test(the_newest_entry_is_of_now),
        cmocka_unit_test(distinguished_is_what_stands_wide),
        cmocka_unit_test(entries_expire_by_the_newest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
