#include "merkle/keytrans/logtree.h"

#include <stdlib.h>

#include "merkle/base/buf.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define SIZE 40

static struct hash values[SIZE]; /* of leaves */

/* The draft's text, range by range: a parent's left child is the largest perfect tree that leaves
 * something to the right. */
static uint64_t
split(uint64_t begin, uint64_t end)
{
    uint64_t k = 1;

    while (k * 2 < end - begin)
        k *= 2;
    return begin + k;
}

static void
slow_head(uint64_t begin, uint64_t end, struct hash *ret)
{
    uint64_t middle = split(begin, end);
    uint8_t bytes[66];
    struct hash h;

    if (end - begin == 1) {
        *ret = values[begin];
        return;
    }
    bytes[0] = middle - begin == 1 ? 0 : 1;
    bytes[33] = end - middle == 1 ? 0 : 1;
    slow_head(begin, middle, &h);
    memcpy(bytes + 1, h.b, HASH_SIZE);
    slow_head(middle, end, &h);
    memcpy(bytes + 34, h.b, HASH_SIZE);
    hash_sha256(span_of(bytes, sizeof(bytes)), ret);
}

struct range {
    uint64_t begin, end;
};

/* What a verifier starts from: leaves, and the full subtrees of last entries. */
struct start {
    uint64_t size, last;
    uint64_t leaves[SIZE];
    size_t n;
};

static bool
balanced(uint64_t begin, uint64_t end)
{
    return ((end - begin) & (end - begin - 1)) == 0;
}

/* Whether [begin, end) is one of the full subtrees of the last tree. */
static bool
full(uint64_t begin, uint64_t end, uint64_t last)
{
    uint64_t at = 0;

    for (uint64_t k = UINT64_C(1) << 32; k > 0; k >>= 1)
        if ((last & k) != 0) {
            if (begin == at && end == at + k)
                return true;
            at += k;
        }
    return false;
}

/* The subtrees whose heads the proof must bring, left to right. */
static size_t
slow_plan(const struct start *s, uint64_t begin, uint64_t end, struct range *ret)
{
    bool proved = false, holds_full = begin < s->last && s->last < end;
    size_t n;

    for (size_t i = 0; i < s->n; i++)
        proved = proved || (s->leaves[i] >= begin && s->leaves[i] < end);
    if (end - begin == 1 && proved)
        return 0;
    if (!proved && full(begin, end, s->last))
        return 0;
    if (!proved && !holds_full && balanced(begin, end)) {
        *ret = (struct range){begin, end};
        return 1;
    }
    n = slow_plan(s, begin, split(begin, end), ret);
    return n + slow_plan(s, split(begin, end), end, ret + n);
}

/* The heads of the full subtrees. */
static void
slow_peaks(uint64_t size, struct logtree_peaks *ret)
{
    uint64_t at = 0;
    unsigned n = 0;

    memset(ret, 0, sizeof(*ret));
    ret->size = size;
    for (uint64_t k = UINT64_C(1) << 32; k > 0; k >>= 1)
        if ((size & k) != 0) {
            slow_head(at, at + k, &ret->heads[n++]);
            at += k;
        }
}

static void
random_start(struct rng *r, uint64_t size, uint64_t last, struct start *ret)
{
    uint64_t every = 1 + rng_next(r) % 6;

    *ret = (struct start){.size = size, .last = last};
    for (uint64_t i = 0; i < size; i++)
        if (rng_next(r) % every == 0)
            ret->leaves[ret->n++] = i;
    if (every == 5)
        ret->n = 0;
}

static void
elements_of(const struct range *ranges, size_t n, struct buf *ret)
{
    for (size_t i = 0; i < n; i++) {
        struct hash h;

        slow_head(ranges[i].begin, ranges[i].end, &h);
        assert_int_equal(buf_add(ret, hash_span(&h)), RES_OK);
    }
}

static enum result
fold(const struct start *s, const struct logtree_peaks *last, const struct hash *leaves,
     struct span elements, struct hash *ret)
{
    struct logtree_peaks made;
    enum result rc =
        logtree_fold(s->size, s->last == 0 ? NULL : last, s->leaves, leaves, s->n, elements, &made);

    if (rc == RES_OK)
        logtree_root(&made, ret);
    return rc;
}

/* Nothing that is changed leads to the same root. */
static void
lies_are_found(struct rng *r, const struct start *s, const struct hash *leaves,
               struct buf *elements)
{
    struct logtree_peaks last;
    struct hash root, made, other[SIZE];

    slow_head(0, s->size, &root);
    slow_peaks(s->last, &last);
    memcpy(other, leaves, sizeof(other));
    if (elements->n > 0) {
        size_t i = rng_next(r) % elements->n;

        elements->p[i] ^= 4;
        assert_true(fold(s, &last, leaves, buf_span(elements), &made) != RES_OK ||
                    !hash_equal(&made, &root));
        elements->p[i] ^= 4;
        assert_int_equal(fold(s, &last, leaves, span_of(elements->p, elements->n - 32), &made),
                         RES_PROOF_LENGTH);
        assert_int_equal(fold(s, &last, leaves, span_of(elements->p, elements->n - 1), &made),
                         RES_PROOF_LENGTH);
    }
    if (s->n > 0) {
        other[rng_next(r) % s->n].b[7] ^= 1;
        assert_true(fold(s, &last, other, buf_span(elements), &made) != RES_OK ||
                    !hash_equal(&made, &root));
    }
    if (s->last > 0) {
        last.heads[rng_next(r) % (uint64_t)__builtin_popcountll(s->last)].b[0] ^= 1;
        assert_true(fold(s, &last, leaves, buf_span(elements), &made) != RES_OK ||
                    !hash_equal(&made, &root));
    }
    slow_peaks(s->last, &last);
    assert_int_equal(buf_add(elements, hash_span(&root)), RES_OK);
    assert_int_equal(fold(s, &last, leaves, buf_span(elements), &made), RES_PROOF_LENGTH);
}

static void
hold_against_twin(struct rng *r, const struct start *s)
{
    struct range ranges[2 * SIZE];
    struct node nodes[2 * SIZE];
    struct hash leaves[SIZE] = {{{0}}}, root, expected;
    struct logtree_peaks last, made;
    struct buf elements = BUF_INIT(1u << 16);
    size_t slow = slow_plan(s, 0, s->size, ranges), n, unused;

    assert_int_equal(logtree_plan(s->size, s->last, s->leaves, s->n, nodes, 2 * SIZE, &n), RES_OK);
    assert_int_equal(n, slow);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(node_begin(nodes[i]), ranges[i].begin);
        assert_int_equal(node_end(nodes[i]), ranges[i].end);
    }
    if (n > 0)
        assert_int_equal(logtree_plan(s->size, s->last, s->leaves, s->n, nodes, n - 1, &unused),
                         RES_TOO_LARGE);
    elements_of(ranges, slow, &elements);
    for (size_t i = 0; i < s->n; i++)
        leaves[i] = values[s->leaves[i]];
    slow_peaks(s->last, &last);
    assert_int_equal(logtree_fold(s->size, s->last == 0 ? NULL : &last, s->leaves, leaves, s->n,
                                  buf_span(&elements), &made),
                     RES_OK);
    slow_head(0, s->size, &expected);
    logtree_root(&made, &root);
    assert_true(hash_equal(&root, &expected));
    slow_peaks(s->size, &last);
    assert_memory_equal(made.heads, last.heads,
                        (size_t)__builtin_popcountll(s->size) * sizeof(made.heads[0]));
    lies_are_found(r, s, leaves, &elements);
    buf_release(&elements);
}

static void
all_sizes_and_all_that_was_seen(void **state)
{
    struct rng r = rng_start("all_sizes_and_all_that_was_seen");

    (void)state;
    rng_fill(&r, values, sizeof(values));
    for (uint64_t size = 1; size <= SIZE; size++)
        for (uint64_t last = 0; last <= size; last++)
            for (unsigned i = 0; i < 4; i++) {
                struct start s;

                random_start(&r, size, last, &s);
                hold_against_twin(&r, &s);
            }
}

/* A head that was kept and leaves under it that lead elsewhere: somebody changed the past. */
static void
what_was_kept_stays(void **state)
{
    struct start s = {.size = 8, .last = 4, .leaves = {1}, .n = 1};
    struct range ranges[SIZE];
    struct buf elements = BUF_INIT(1u << 16);
    struct logtree_peaks last;
    struct hash root, other = {{9}};

    (void)state;
    elements_of(ranges, slow_plan(&s, 0, 8, ranges), &elements);
    slow_peaks(4, &last);
    assert_int_equal(fold(&s, &last, &values[1], buf_span(&elements), &root), RES_OK);
    assert_int_equal(fold(&s, &last, &other, buf_span(&elements), &root), RES_ROOT_DIFFERS);
    last.heads[0].b[0] ^= 1;
    assert_int_equal(fold(&s, &last, &values[1], buf_span(&elements), &root), RES_ROOT_DIFFERS);
    buf_release(&elements);
}

static size_t seen_n[7];

static void
completed(void *arg, struct node n, const struct hash *h)
{
    struct hash expected;

    (void)arg;
    assert_int_equal(seen_n[n.height]++, n.index);
    slow_head(node_begin(n), node_end(n), &expected);
    assert_true(hash_equal(h, &expected));
}

static void
appending_names_every_head_once(void **state)
{
    struct logtree_peaks p = {.size = 0}, silent = {.size = 0}, expected;
    struct hash root, slow;

    (void)state;
    for (uint64_t i = 0; i < SIZE; i++) {
        logtree_append(&p, &values[i], completed, NULL);
        logtree_append(&silent, &values[i], NULL, NULL);
        slow_peaks(i + 1, &expected);
        assert_int_equal(p.size, i + 1);
        assert_memory_equal(p.heads, expected.heads,
                            (size_t)__builtin_popcountll(i + 1) * sizeof(p.heads[0]));
        logtree_root(&silent, &root);
        slow_head(0, i + 1, &slow);
        assert_true(hash_equal(&root, &slow));
    }
    for (unsigned h = 0; h < 6; h++)
        assert_int_equal(seen_n[h], SIZE >> h);
}

static void
requests_outside_the_tree_are_refused(void **state)
{
    static const struct {
        const char *says;
        uint64_t size, last, leaves[2];
        size_t n;
    } rows[] = {
        {"no tree", 0, 0, {0}, 0},
        {"more leaves than there can be", NODE_LEAVES_MAX + 1, 0, {0}, 0},
        {"more was seen than there is", 4, 5, {0}, 0},
        {"a leaf behind the end", 4, 0, {4}, 1},
        {"a leaf twice", 4, 0, {2, 2}, 2},
        {"leaves in disorder", 4, 0, {2, 1}, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct logtree_peaks last = {.size = rows[i].last}, made;
        struct hash leaves[2] = {{{0}}, {{0}}};
        struct node nodes[200];
        size_t n = 4711;

        if (logtree_plan(rows[i].size, rows[i].last, rows[i].leaves, rows[i].n, nodes, 200, &n) !=
                RES_RANGE ||
            logtree_fold(rows[i].size, &last, rows[i].leaves, leaves, rows[i].n, span_of(NULL, 0),
                         &made) != RES_RANGE)
            fail_msg("%s", rows[i].says);
        assert_int_equal(n, 4711);
    }
}

/* The largest tree and the most leaves stay within what is promised. */
static void
the_longest_plan_fits(void **state)
{
    struct rng r = rng_start("the_longest_plan_fits");
    struct node *nodes = calloc(LOGTREE_ELEMENTS_MAX, sizeof(*nodes));
    uint64_t leaves[LOGTREE_LEAVES_MAX];
    size_t n;

    (void)state;
    assert_non_null(nodes);
    for (unsigned i = 0; i < LOGTREE_LEAVES_MAX; i++)
        leaves[i] = (UINT64_C(1) << 61) / LOGTREE_LEAVES_MAX * 2 * i + rng_next(&r) % 1000;
    assert_int_equal(logtree_plan(NODE_LEAVES_MAX, rng_next(&r) % NODE_LEAVES_MAX, leaves,
                                  LOGTREE_LEAVES_MAX, nodes, LOGTREE_ELEMENTS_MAX, &n),
                     RES_OK);
    assert_true(n > 1000);
    free(nodes);
}

static void
leaves_and_parents_are_hashed_apart(void **state)
{
    struct log_entry e = {.timestamp = UINT64_C(0x0102030405060708), .prefix_root = {{0xaa}}};
    uint8_t bytes[40] = {1, 2, 3, 4, 5, 6, 7, 8, 0xaa};
    struct hash h, expected, a, b;

    (void)state;
    logtree_leaf(&e, &h);
    hash_sha256(span_of(bytes, sizeof(bytes)), &expected);
    assert_true(hash_equal(&h, &expected));
    logtree_parent(&h, true, &h, false, &a);
    logtree_parent(&h, false, &h, true, &b);
    assert_false(hash_equal(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes_and_all_that_was_seen),
        cmocka_unit_test(what_was_kept_stays),
        cmocka_unit_test(appending_names_every_head_once),
        cmocka_unit_test(requests_outside_the_tree_are_refused),
        cmocka_unit_test(the_longest_plan_fits),
        cmocka_unit_test(leaves_and_parents_are_hashed_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
