/* merkle/keytrans/commitment: every byte of what is committed to counts. */
#include "merkle/base/text.h"
#include "merkle/keytrans/commitment.h"
#include "tests/fault/failalloc.h"
#include "tests/vectors/check.h"

static const uint8_t opening[COMMITMENT_OPENING_SIZE] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                         8, 9, 10, 11, 12, 13, 14, 15};
/* UpdateValue of "value", without a suffix. */
static const uint8_t update[] = {0, 0, 0, 5, 'v', 'a', 'l', 'u', 'e'};

static void
assert_commitment(const uint8_t *o, const char *label, uint32_t version, struct span u,
                  const char *hex)
{
    struct hash h, want;
    assert_int_equal(text_unhex(span_str(hex), want.b, sizeof want.b), RES_OK);
    assert_int_equal(commitment_make(o, span_str(label), version, u, &h), RES_OK);
    assert_true(hash_equal(&h, &want));
    assert_int_equal(commitment_verify(&want, o, span_str(label), version, u), RES_OK);
}

/* Computed with another HMAC: the reference in tests/reference/ecvrf.py. */
static void
values_of_the_reference(void **state)
{
    (void)state;
    static const uint8_t zeroes[COMMITMENT_OPENING_SIZE];
    assert_commitment(opening, "alice", 7, span_of(update, sizeof update),
                      "9598e9ed161ee7b717f3087a2185bfa12ddf01814904ffbc3ed1f001c816ccf7");
    assert_commitment(zeroes, "", 0, span_of("\0\0\0\0", 4),
                      "c2fcfa44e025056658f2c4723499fed97c6c9b810f1fb827d5e77c04b1a22879");
}

static void
tampering_is_refused(void **state)
{
    (void)state;
    uint8_t o[sizeof opening], u[sizeof update], label[] = "alice";
    struct span l = span_of(label, 5), v = span_of(u, sizeof u);
    struct hash h;
    memcpy(o, opening, sizeof o);
    memcpy(u, update, sizeof u);
    failalloc_at(0);
    assert_int_equal(commitment_make(o, l, 7, v, &h), RES_OK);
    for (size_t i = 0; i < HASH_SIZE; i++) {
        h.b[i] ^= 1;
        assert_int_equal(commitment_verify(&h, o, l, 7, v), RES_COMMITMENT);
        h.b[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof o; i++) {
        o[i] ^= 0x80;
        assert_int_equal(commitment_verify(&h, o, l, 7, v), RES_COMMITMENT);
        o[i] ^= 0x80;
    }
    for (size_t i = 0; i < l.n; i++) {
        label[i] ^= 1;
        assert_int_equal(commitment_verify(&h, o, l, 7, v), RES_COMMITMENT);
        label[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof u; i++) {
        u[i] ^= 1;
        assert_int_equal(commitment_verify(&h, o, l, 7, v), RES_COMMITMENT);
        u[i] ^= 1;
    }
    for (int bit = 0; bit < 32; bit++)
        assert_int_equal(commitment_verify(&h, o, l, 7 ^ UINT32_C(1) << bit, v), RES_COMMITMENT);
    assert_int_equal(commitment_verify(&h, o, span_of(label, 4), 7, v), RES_COMMITMENT);
    assert_int_equal(commitment_verify(&h, o, l, 7, span_of(u, sizeof u - 1)), RES_COMMITMENT);
    assert_int_equal(commitment_verify(&h, o, l, 7, v), RES_OK);
    assert_int_equal(failalloc_count(), 0);
}

/* Where the label ends is part of what is committed to. */
static void
bytes_do_not_move_between_fields(void **state)
{
    (void)state;
    struct hash a, b;
    assert_int_equal(commitment_make(opening, span_of("a\0\0\0\7", 5), 7, span_of("u", 1), &a),
                     RES_OK);
    assert_int_equal(commitment_make(opening, span_of("a", 1), 7, span_of("\0\0\0\7u", 5), &b),
                     RES_OK);
    assert_false(hash_equal(&a, &b));
}

static void
labels_have_a_limit(void **state)
{
    (void)state;
    uint8_t label[COMMITMENT_LABEL_MAX + 1] = {0};
    struct span u = span_of(update, sizeof update);
    struct hash h, before;
    assert_int_equal(commitment_make(opening, span_of(label, COMMITMENT_LABEL_MAX), 0, u, &h),
                     RES_OK);
    before = h;
    assert_int_equal(commitment_make(opening, span_of(label, sizeof label), 0, u, &h), RES_VALUE);
    assert_true(hash_equal(&h, &before));
    assert_int_equal(commitment_verify(&h, opening, span_of(label, sizeof label), 0, u), RES_VALUE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_the_reference),
        cmocka_unit_test(tampering_is_refused),
        cmocka_unit_test(bytes_do_not_move_between_fields),
        cmocka_unit_test(labels_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
