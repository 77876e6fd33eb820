/* merkle/leaf/entry: the bytes of RFC 6962 sections 3.1 and 3.4, and their hashes. */
#include "merkle/leaf/entry.h"

#include "tests/unit/merkle/mkcert.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the two above first. */
#include <cmocka.h>

#define MAX (1 << 25)

static const struct entry x509 = {.type = ENTRY_X509, .body = {(const uint8_t *)"abc", 3}};
static const struct entry precert = {
    .type = ENTRY_PRECERT, .issuer_key_hash = {{0xaa, 0xbb}}, .body = {(const uint8_t *)"abc", 3}};

#define KEY_HASH_HEX "aabb000000000000000000000000000000000000000000000000000000000000"

static const struct {
    const char *says;
    const struct entry *entry;
    uint64_t timestamp;
    const char *extensions;
    const char *leaf; /* hex */
} rows[] = {
    {"a certificate", &x509, 1234, "", "0000 00000000000004d2 0000 000003 616263 0000"},
    {"a precertificate", &precert, 1234, "",
     "0000 00000000000004d2 0001" KEY_HASH_HEX "000003 616263 0000"},
    {"extensions", &x509, 1, "000005 0000000007",
     "0000 0000000000000001 0000 000003 616263 0008 000005 0000000007"},
    {"the last timestamp there is", &x509, UINT64_MAX, "",
     "0000 ffffffffffffffff 0000 000003 616263 0000"},
};

static void
leaves_are_written_hashed_and_read(void **state)
{
    (void)state;
    struct buf want = BUF_INIT(MAX), got = BUF_INIT(MAX), ext = BUF_INIT(MAX);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct timestamped_entry back;
        struct hash a, b;
        mkcert_hex(rows[i].leaf, &want);
        mkcert_hex(rows[i].extensions, &ext);
        struct timestamped_entry t = {
            .timestamp = rows[i].timestamp, .entry = *rows[i].entry, .extensions = buf_span(&ext)};
        buf_clear(&got);
        assert_int_equal(entry_leaf_write(&t, &got), RES_OK);
        if (!span_equal(buf_span(&got), buf_span(&want)))
            fail_msg("%s: other bytes", rows[i].says);
        hash_leaf(buf_span(&want), &a);
        entry_leaf_hash(&t, &b);
        assert_true(hash_equal(&a, &b));
        hash_sha256(buf_span(&want), &a);
        entry_leaf_digest(&t, &b);
        assert_true(hash_equal(&a, &b));
        assert_int_equal(entry_leaf_parse(buf_span(&want), &back), RES_OK);
        assert_int_equal(back.timestamp, t.timestamp);
        assert_int_equal(back.entry.type, t.entry.type);
        assert_true(span_equal(back.entry.body, t.entry.body));
        assert_true(span_equal(back.extensions, t.extensions));
        assert_true(hash_equal(&back.entry.issuer_key_hash, &t.entry.issuer_key_hash));
        /* The TimestampedEntry is the leaf without its first two bytes. */
        buf_clear(&got);
        assert_int_equal(timestamped_entry_write(&t, &got), RES_OK);
        assert_true(span_equal(buf_span(&got), span_of(want.p + 2, want.n - 2)));
    }
    buf_release(&want);
    buf_release(&got);
    buf_release(&ext);
}

static void
every_bit_counts(void **state)
{
    (void)state;
    struct buf leaf = BUF_INIT(MAX);
    struct hash a, b;
    struct timestamped_entry t = {.timestamp = 1234, .entry = precert}, back;
    entry_leaf_hash(&t, &a);
    assert_int_equal(entry_leaf_write(&t, &leaf), RES_OK);
    for (size_t i = 0; i < leaf.n * 8; i++) {
        leaf.p[i / 8] ^= (uint8_t)(1u << i % 8);
        if (entry_leaf_parse(buf_span(&leaf), &back) == RES_OK) {
            entry_leaf_hash(&back, &b);
            assert_false(hash_equal(&a, &b));
        }
        leaf.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    buf_release(&leaf);
}

static const struct {
    const char *says, *leaf;
    enum result want;
} bad[] = {
    {"version 2", "0100 00000000000004d2 0000 000003 616263 0000", RES_VALUE},
    {"another leaf type", "0001 00000000000004d2 0000 000003 616263 0000", RES_VALUE},
    {"another entry type", "0000 00000000000004d2 0002 000003 616263 0000", RES_VALUE},
    {"an empty certificate", "0000 00000000000004d2 0000 000000 0000", RES_VALUE},
    {"a byte left over", "0000 00000000000004d2 0000 000003 616263 0000 00", RES_TRAILING},
    {"no extensions field", "0000 00000000000004d2 0000 000003 616263", RES_TRUNCATED},
    {"extensions cut short", "0000 00000000000004d2 0000 000003 616263 0001", RES_TRUNCATED},
    {"a certificate cut short", "0000 00000000000004d2 0000 000003 6162", RES_TRUNCATED},
    {"nothing", "", RES_TRUNCATED},
};

static void
malformed_leaves_are_refused(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(MAX);
    struct timestamped_entry t;
    struct guard g;
    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mkcert_hex(bad[i].leaf, &b);
        enum result r = entry_leaf_parse(guard_put(&g, buf_span(&b)), &t);
        if (r != bad[i].want)
            fail_msg("%s: %s", bad[i].says, result_name(r));
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mkcert_hex(rows[i].leaf, &b);
        for (size_t n = 0; n < b.n; n++)
            assert_int_equal(entry_leaf_parse(guard_put(&g, span_of(b.p, n)), &t), RES_TRUNCATED);
    }
    guard_release(&g);
    buf_release(&b);
}

static void
what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    uint8_t *big = calloc(1, ENTRY_BODY_MAX + 1);
    struct buf out = BUF_INIT(MAX), small = BUF_INIT(20);
    assert_non_null(big);
    assert_int_equal(buf_add(&out, span_str("kept")), RES_OK);
    struct timestamped_entry t = {.entry = {.body = span_of(big, ENTRY_BODY_MAX + 1)}};
    assert_int_equal(entry_leaf_write(&t, &out), RES_VALUE);
    assert_int_equal(entry_write(&t.entry, &out), RES_VALUE);
    t.entry.body.n = 0;
    assert_int_equal(timestamped_entry_write(&t, &out), RES_VALUE);
    t.entry.body.n = 1;
    t.extensions = span_of(big, ENTRY_EXTENSIONS_MAX + 1);
    assert_int_equal(entry_leaf_write(&t, &out), RES_VALUE);
    assert_int_equal(out.n, 4);
    t.extensions.n = ENTRY_EXTENSIONS_MAX;
    t.entry.body.n = ENTRY_BODY_MAX;
    assert_int_equal(entry_leaf_write(&t, &out), RES_OK);
    assert_int_equal(out.n, 4 + 2 + 8 + 2 + 3 + ENTRY_BODY_MAX + 2 + ENTRY_EXTENSIONS_MAX);
    t.entry = precert;
    assert_int_equal(entry_leaf_write(&t, &small), RES_TOO_LARGE);
    assert_int_equal(small.n, 0);
    free(big);
    buf_release(&out);
    buf_release(&small);
}

static void
keys_tell_submissions_apart(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(MAX);
    struct hash a, b;
    entry_key(&precert, &a);
    assert_int_equal(entry_write(&precert, &out), RES_OK);
    hash_sha256(buf_span(&out), &b);
    assert_true(hash_equal(&a, &b));
    struct entry other = precert;
    other.issuer_key_hash.b[31] ^= 1;
    entry_key(&other, &b);
    assert_false(hash_equal(&a, &b));
    entry_key(&x509, &b);
    assert_false(hash_equal(&a, &b));
    buf_release(&out);
}

static const struct {
    const char *says, *extensions;
    enum result want;
    uint64_t index;
} indexes[] = {
    {"a leaf index", "00 0005 0000000007", RES_OK, 7},
    {"the greatest", "00 0005 ffffffffff", RES_OK, ENTRY_LEAF_INDEX_MAX},
    {"behind another extension", "01 0001 ff 00 0005 0000000100", RES_OK, 256},
    {"before another extension", "00 0005 0000000100 ff 0000", RES_OK, 256},
    {"no extension", "", RES_ABSENT, 0},
    {"another extension only", "01 0005 0000000007", RES_ABSENT, 0},
    {"twice", "00 0005 0000000007 00 0005 0000000007", RES_VALUE, 0},
    {"four bytes", "00 0004 00000007", RES_VALUE, 0},
    {"six bytes", "00 0006 000000000007", RES_VALUE, 0},
    {"cut in its data", "00 0005 00000000", RES_TRUNCATED, 0},
    {"cut in its length", "00 00", RES_TRUNCATED, 0},
    {"good, then a cut one", "00 0005 0000000007 01", RES_TRUNCATED, 0},
};

static void
leaf_indexes_are_found(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(MAX);
    uint8_t out[ENTRY_LEAF_INDEX_SIZE];
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        uint64_t index = 99;
        mkcert_hex(indexes[i].extensions, &b);
        enum result r = entry_find_leaf_index(buf_span(&b), &index);
        if (r != indexes[i].want)
            fail_msg("%s: %s", indexes[i].says, result_name(r));
        assert_int_equal(index, r == RES_OK ? indexes[i].index : 99);
    }
    entry_leaf_index(ENTRY_LEAF_INDEX_MAX - 1, out);
    mkcert_hex("00 0005 fffffffffe", &b);
    assert_true(span_equal(span_of(out, sizeof out), buf_span(&b)));
    buf_release(&b);
}

static void
extra_data_is_written(void **state)
{
    (void)state;
    struct buf want = BUF_INIT(MAX), out = BUF_INIT(MAX);
    const struct span chain[] = {span_str("ab"), span_str("c")};
    const struct span hole[] = {span_str("ab"), span_str("")};
    mkcert_hex("000009 000002 6162 000001 63", &want);
    assert_int_equal(entry_extra_data(ENTRY_X509, span_str(""), chain, 2, &out), RES_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&want)));
    buf_clear(&out);
    mkcert_hex("000001 70 000009 000002 6162 000001 63", &want);
    assert_int_equal(entry_extra_data(ENTRY_PRECERT, span_str("p"), chain, 2, &out), RES_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&want)));
    buf_clear(&out);
    mkcert_hex("000000", &want);
    assert_int_equal(entry_extra_data(ENTRY_X509, span_str(""), NULL, 0, &out), RES_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&want)));
    assert_int_equal(entry_extra_data(ENTRY_PRECERT, span_str(""), chain, 2, &out), RES_VALUE);
    assert_int_equal(entry_extra_data(ENTRY_X509, span_str(""), hole, 2, &out), RES_VALUE);
    assert_int_equal(out.n, 3);
    buf_release(&want);
    buf_release(&out);
}

/* Structures that another implementation wrote. */
static void
vectors_are_met(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/1-merkle-ct/ct-cpp-serialization.json");
    const cJSON *v = testdata_member(json, "values");
    struct buf want = BUF_INIT(MAX), got = BUF_INIT(MAX);
    struct timestamped_entry t = {.timestamp = 1234}, p = t;
    t.entry.body = span_str("certificate");
    p.entry.type = ENTRY_PRECERT;
    p.entry.body = span_str("tbs");
    memcpy(p.entry.issuer_key_hash.b, "iamapublickeyshatwofivesixdigest", HASH_SIZE);
    const struct {
        const char *name;
        const struct timestamped_entry *t;
    } leaves[] = {{"kDefaultCertSCTLeafHexString", &t}, {"kDefaultPrecertSCTLeafHexString", &p}};
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&got);
        testdata_hex(testdata_string(v, leaves[i].name), &want);
        assert_int_equal(entry_leaf_write(leaves[i].t, &got), RES_OK);
        assert_true(span_equal(buf_span(&got), buf_span(&want)));
    }
    const struct {
        const char *name;
        const struct entry *e;
    } entries[] = {{"kDefaultSignedCertEntryWithTypeHexString", &t.entry},
                   {"kDefaultSignedPrecertEntryWithTypeHexString", &p.entry}};
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&got);
        testdata_hex(testdata_string(v, entries[i].name), &want);
        assert_int_equal(entry_write(entries[i].e, &got), RES_OK);
        assert_true(span_equal(buf_span(&got), buf_span(&want)));
    }
    buf_release(&want);
    buf_release(&got);
    cJSON_Delete(json);
}

static void
cost(void **state)
{
    (void)state;
    static uint8_t body[1200];
    struct timestamped_entry t = {.entry = {.body = span_of(body, sizeof body)}};
    struct hash h = {{0}};
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (unsigned i = 0; i < 100000; i++) {
        t.timestamp = h.b[0]; /* each waits for the one before */
        entry_leaf_hash(&t, &h);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    print_message("entry_leaf_hash: %.0f ns for %zu bytes\n", ns / 100000, sizeof body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_are_written_hashed_and_read),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(malformed_leaves_are_refused),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(keys_tell_submissions_apart),
        cmocka_unit_test(leaf_indexes_are_found),
        cmocka_unit_test(extra_data_is_written),
        cmocka_unit_test(vectors_are_met),
        cmocka_unit_test(cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
