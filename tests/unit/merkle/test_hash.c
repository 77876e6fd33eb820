#include "merkle/base/text.h"
#include "merkle/tree/hash.h"
#include "tests/vectors/check.h"
#include "tests/vectors/testdata.h"

static void
assert_hash(const struct hash *h, const char *hex)
{
    char got[2 * HASH_SIZE + 1];

    text_hex_to(hash_span(h), got);
    assert_string_equal(got, hex);
}

static void
sha256_is_sha256(void **state)
{
    /* FIPS 180-2, appendix B. */
    static const struct {
        const char *in, *hash;
    } rows[] = {
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    };
    struct hash h;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hash_sha256(span_str(rows[i].in), &h);
        assert_hash(&h, rows[i].hash);
    }
    hash_sha256(span_of(NULL, 0), &h);
    assert_hash(&h, rows[2].hash);
    hash_empty(&h);
    assert_hash(&h, rows[2].hash);
}

static void
parts_hash_like_their_concatenation(void **state)
{
    const char *whole = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    struct hash expected, h;

    (void)state;
    hash_sha256(span_str(whole), &expected);
    for (size_t i = 0; i <= strlen(whole); i++) {
        const struct span parts[] = {span_of(whole, i), span_of(NULL, 0), span_str(whole + i)};

        hash_sha256_parts(parts, 3, &h);
        assert_true(hash_equal(&h, &expected));
    }
    hash_sha256_parts(NULL, 0, &h);
    hash_empty(&expected);
    assert_true(hash_equal(&h, &expected));
}

static void
prefixes_keep_leaves_and_nodes_apart(void **state)
{
    struct hash left, right, h, leaf, plain;
    uint8_t b[65] = {0};

    (void)state;
    hash_sha256(span_str("left"), &left);
    hash_sha256(span_str("right"), &right);
    memcpy(b + 1, left.b, 32);
    memcpy(b + 33, right.b, 32);
    hash_leaf(span_of(b + 1, 64), &leaf);
    hash_sha256(span_of(b, 65), &plain);
    assert_true(hash_equal(&leaf, &plain));
    b[0] = 1;
    hash_node(&left, &right, &h);
    hash_sha256(span_of(b, 65), &plain);
    assert_true(hash_equal(&h, &plain));
    assert_false(hash_equal(&h, &leaf));
    hash_node(&right, &left, &plain);
    assert_false(hash_equal(&h, &plain));
}

static void
a_node_may_replace_its_child(void **state)
{
    struct hash left, right, h, l, r;

    (void)state;
    hash_sha256(span_str("left"), &left);
    hash_sha256(span_str("right"), &right);
    hash_node(&left, &right, &h);
    l = left;
    r = right;
    hash_node(&l, &right, &l);
    hash_node(&left, &r, &r);
    assert_true(hash_equal(&l, &h));
    assert_true(hash_equal(&r, &h));
}

static void
every_bit_counts_in_equality(void **state)
{
    struct hash a, b;

    (void)state;
    hash_empty(&a);
    for (unsigned i = 0; i < 8 * HASH_SIZE; i++) {
        b = a;
        assert_true(hash_equal(&a, &b));
        b.b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_false(hash_equal(&a, &b));
    }
}

static void
single_hashes_of_others(void **state)
{
    struct buf left = BUF_INIT(1000), right = BUF_INIT(1000);
    struct hash h, l, r;
    const cJSON *row;
    cJSON *json;
    size_t n = 0;

    (void)state;
    TESTDATA_OR_SKIP();
    json = testdata_json("vectors/1-merkle-ct/merkle-hash-single.json");
    hash_empty(&h);
    assert_hash(&h, testdata_string(json, "empty"));
    cJSON_ArrayForEach(row, testdata_member(json, "leaves"))
    {
        testdata_hex(cJSON_GetArrayItem(row, 0)->valuestring, &left);
        hash_leaf(buf_span(&left), &h);
        assert_hash(&h, cJSON_GetArrayItem(row, 1)->valuestring);
        n++;
    }
    cJSON_ArrayForEach(row, testdata_member(json, "node"))
    {
        testdata_hex(cJSON_GetArrayItem(row, 0)->valuestring, &left);
        testdata_hex(cJSON_GetArrayItem(row, 1)->valuestring, &right);
        assert_true(left.n == HASH_SIZE && right.n == HASH_SIZE);
        memcpy(l.b, left.p, HASH_SIZE);
        memcpy(r.b, right.p, HASH_SIZE);
        hash_node(&l, &r, &h);
        assert_hash(&h, cJSON_GetArrayItem(row, 2)->valuestring);
        n++;
    }
    assert_int_equal(n, 3);
    cJSON_Delete(json);
    buf_release(&left);
    buf_release(&right);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_sha256),
        cmocka_unit_test(parts_hash_like_their_concatenation),
        cmocka_unit_test(prefixes_keep_leaves_and_nodes_apart),
        cmocka_unit_test(a_node_may_replace_its_child),
        cmocka_unit_test(every_bit_counts_in_equality),
        cmocka_unit_test(single_hashes_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
