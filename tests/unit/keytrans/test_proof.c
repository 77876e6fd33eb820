#include "merkle/keytrans/proof.h"

#include "tests/unit/keytrans/whole.h"

AGAIN(result, prefix_lookup, prefix_result_get, prefix_result_put)
AGAIN(prefix, prefix_proof, prefix_proof_get, prefix_proof_put)
AGAIN(combined, combined_proof, combined_proof_get, combined_proof_put)

static uint8_t fill[96];

static void
results_of_each_type(void **state)
{
    uint8_t leaf[66] = {PREFIX_NON_INCLUSION_LEAF};

    (void)state;
    whole(again_result, span_of("\1\7", 2));
    whole(again_result, span_of("\3\xff", 2));
    whole(again_result, span_of(leaf, sizeof(leaf)));
    refused_at(again_result, span_of("\1\7", 2), 0, 0, RES_VALUE, "reserved");
    refused_at(again_result, span_of("\1\7", 2), 0, 4, RES_VALUE, "unknown");
}

/* Counts are of elements: two hashes are 2, not 64. */
static void
vectors_count_elements(void **state)
{
    struct prefix_proof p = {{span_of("\1\7\3\7", 4), 2}, {fill, 64}};
    struct buf one = BUF_INIT(1024), all = BUF_INIT(1024);
    struct writer w = writer_to(&one), aw = writer_to(&all);
    struct combined_proof c = {.timestamps = {{fill, 24}, 3}, .prefix_roots = {{fill, 32}, 1}};

    (void)state;
    prefix_proof_put(&w, &p);
    assert_memory_equal(one.p, "\2\1\7\3\7\0\2", 7);
    whole(again_prefix, buf_span(&one));
    c.prefix_proofs = (struct proof_queue){buf_span(&one), 1};
    c.inclusion = span_of(fill, 96);
    combined_proof_put(&aw, &c);
    assert_int_equal(all.n, 1 + 24 + 1 + one.n + 1 + 32 + 2 + 96);
    assert_int_equal(all.p[0], 3);
    whole(again_combined, buf_span(&all));
    refused_at(again_combined, buf_span(&all), 27, 9, RES_VALUE, "a result of no type");
    whole(again_combined, span_of("\0\0\0\0\0", 5));
    buf_release(&one);
    buf_release(&all);
}

static void
queues_that_are_too_long_are_not_written(void **state)
{
    struct buf out = BUF_INIT(1u << 22);
    struct combined_proof c = {.timestamps = {{NULL, 0}, PROOF_QUEUE_MAX + 1}};
    struct writer w = writer_to(&out);

    (void)state;
    combined_proof_put(&w, &c);
    assert_int_equal(writer_end(&w), RES_VALUE);
    c = (struct combined_proof){.inclusion = {fill, (size_t)65536 * HASH_SIZE}};
    w = writer_to(&out);
    combined_proof_put(&w, &c);
    assert_int_equal(writer_end(&w), RES_VALUE);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_each_type),
        cmocka_unit_test(vectors_count_elements),
        cmocka_unit_test(queues_that_are_too_long_are_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
