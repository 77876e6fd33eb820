#include "merkle/tree/range.h"
#include "tests/reference/nodestore.h"
#include "tests/reference/refmerkle.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

#define ALL_LEAVES 300

static void
append_leaf(struct range *r, const struct ref_tree *t)
{
    uint8_t d[16];
    struct hash h;

    ref_leaf(t, r->size, d);
    hash_leaf(span_of(d, sizeof(d)), &h);
    range_append(r, &h, NULL, NULL);
}

static void
every_small_range_is_its_tree(void **state)
{
    struct hash root, expected;
    struct ref_tree t;
    struct range r;

    (void)state;
    ref_tree_init(&t, 1, ALL_LEAVES);
    range_init(&r);
    for (uint64_t size = 0; size <= ALL_LEAVES; size++) {
        uint64_t end = 0;

        assert_int_equal(r.size, size);
        range_root(&r, &root);
        ref_mth(&t, 0, size, &expected);
        assert_true(hash_equal(&root, &expected));
        /* The peaks stand side by side from the first leaf to the last, ever smaller. */
        for (unsigned k = 0; k < range_peaks(&r); k++) {
            struct node n = range_peak_node(&r, k);

            assert_int_equal(node_begin(n), end);
            end = node_end(n);
            ref_mth(&t, node_begin(n), end, &expected);
            assert_true(hash_equal(&r.peaks[k], &expected));
            if (k > 0)
                assert_true(n.height < range_peak_node(&r, k - 1).height);
        }
        assert_int_equal(end, size);
        if (size < ALL_LEAVES)
            append_leaf(&r, &t);
    }
    ref_tree_release(&t);
}

struct calls {
    struct node nodes[64];
    unsigned n;
};

static void
record_call(void *arg, struct node n, const struct hash *h)
{
    struct calls *c = arg;

    assert_non_null(h);
    c->nodes[c->n++] = n;
}

static void
an_append_completes_from_the_leaf_upwards(void **state)
{
    struct hash leaf;
    struct range r;

    (void)state;
    range_init(&r);
    hash_empty(&leaf);
    for (uint64_t i = 0; i < 1000; i++) {
        struct calls c = {.n = 0};

        range_append(&r, &leaf, record_call, &c);
        assert_int_equal(c.n, 1 + __builtin_ctzll(i + 1));
        for (unsigned k = 0; k < c.n; k++) {
            assert_int_equal(c.nodes[k].height, k);
            assert_int_equal(node_end(c.nodes[k]), i + 1);
        }
    }
}

static void
every_completed_node_is_its_subtree(void **state)
{
    struct rng rng = rng_start("every_completed_node_is_its_subtree");
    struct hash expected;
    struct nodestore s;
    struct ref_tree t;

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        ref_tree_init(&t, rng_next(&rng), 513 + rng_next(&rng) % 20000);
        nodestore_init(&s, &t);
        range_root(&s.range, &expected);
        {
            struct hash root;

            ref_mth(&t, 0, t.n, &root);
            assert_true(hash_equal(&root, &expected));
        }
        for (unsigned h = 0; h < NODESTORE_HEIGHTS; h++) {
            for (unsigned k = 0; k < 4 && s.n[h] > 0; k++) {
                struct node n = {h, k == 0 ? s.n[h] - 1 : rng_next(&rng) % s.n[h]};

                ref_mth(&t, node_begin(n), node_end(n), &expected);
                assert_true(hash_equal(nodestore_get(&s, n), &expected));
            }
        }
        nodestore_release(&s);
        ref_tree_release(&t);
    }
}

static void
a_range_resumes_from_its_peaks(void **state)
{
    struct hash root, expected;
    struct range r, again;
    struct ref_tree t;

    (void)state;
    ref_tree_init(&t, 2, ALL_LEAVES);
    range_init(&r);
    for (uint64_t size = 0; size < ALL_LEAVES; size++) {
        assert_int_equal(range_from_peaks(size, r.peaks, range_peaks(&r), &again), RES_OK);
        range_root(&r, &root);
        range_root(&again, &expected);
        assert_true(hash_equal(&root, &expected));
        append_leaf(&r, &t);
        append_leaf(&again, &t);
        range_root(&r, &root);
        range_root(&again, &expected);
        assert_true(hash_equal(&root, &expected));
    }
    ref_tree_release(&t);
}

static void
peaks_of_another_number_are_refused(void **state)
{
    static const struct {
        const char *says;
        uint64_t size;
        size_t n;
        enum result rc;
    } rows[] = {
        {"nothing of nothing", 0, 0, RES_OK},
        {"a peak of nothing", 0, 1, RES_PROOF_LENGTH},
        {"no peak of one leaf", 1, 0, RES_PROOF_LENGTH},
        {"two of three", 3, 2, RES_OK},
        {"one of three", 3, 1, RES_PROOF_LENGTH},
        {"three of three", 3, 3, RES_PROOF_LENGTH},
        {"the largest tree has one", NODE_LEAVES_MAX, 1, RES_OK},
        {"one leaf less has sixty-two", NODE_LEAVES_MAX - 1, 62, RES_OK},
        {"a tree too large", NODE_LEAVES_MAX + 1, 2, RES_RANGE},
        {"the largest number", UINT64_MAX, 64, RES_RANGE},
    };
    static const struct hash peaks[64];
    struct range r;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum result rc;

        range_init(&r);
        r.size = 12345;
        rc = range_from_peaks(rows[i].size, peaks, rows[i].n, &r);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].says, result_name(rc));
        assert_true(r.size == (rc == RES_OK ? rows[i].size : 12345));
    }
}

static void
the_last_leaf_of_the_largest_tree_fits(void **state)
{
    static const struct hash peaks[62];
    struct calls c = {.n = 0};
    struct range r;

    (void)state;
    assert_int_equal(range_from_peaks(NODE_LEAVES_MAX - 1, peaks, 62, &r), RES_OK);
    range_append(&r, &peaks[0], record_call, &c);
    assert_true(r.size == NODE_LEAVES_MAX);
    assert_int_equal(range_peaks(&r), 1);
    assert_int_equal(range_peak_node(&r, 0).height, NODE_HEIGHT_MAX);
    assert_int_equal(c.n, 63);
    assert_true(node_end(c.nodes[62]) == NODE_LEAVES_MAX);
}

static void
the_golden_tree_of_eight_leaves(void **state)
{
    const cJSON *input, *roots;
    struct buf b = BUF_INIT(1000);
    struct range r;
    struct hash h;
    cJSON *json;

    (void)state;
    TESTDATA_OR_SKIP();
    json = testdata_json("vectors/1-merkle-ct/merkle-golden-8leaf.json");
    roots = testdata_member(json, "root_hex_by_tree_size");
    assert_int_equal(cJSON_GetArraySize(roots), 9);
    range_init(&r);
    cJSON_ArrayForEach(input, testdata_member(json, "leaf_inputs_hex"))
    {
        range_root(&r, &h);
        testdata_hex(cJSON_GetArrayItem(roots, (int)r.size)->valuestring, &b);
        assert_true(span_equal(hash_span(&h), buf_span(&b)));
        testdata_hex(input->valuestring, &b);
        hash_leaf(buf_span(&b), &h);
        range_append(&r, &h, NULL, NULL);
    }
    assert_int_equal(r.size, 8);
    range_root(&r, &h);
    testdata_hex(cJSON_GetArrayItem(roots, 8)->valuestring, &b);
    assert_true(span_equal(hash_span(&h), buf_span(&b)));
    buf_release(&b);
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_range_is_its_tree),
        cmocka_unit_test(an_append_completes_from_the_leaf_upwards),
        cmocka_unit_test(every_completed_node_is_its_subtree),
        cmocka_unit_test(a_range_resumes_from_its_peaks),
        cmocka_unit_test(peaks_of_another_number_are_refused),
        cmocka_unit_test(the_last_leaf_of_the_largest_tree_fits),
        cmocka_unit_test(the_golden_tree_of_eight_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
