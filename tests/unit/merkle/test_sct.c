/* merkle/leaf/sct: SCTs, lists of them, and what SCTs and tree heads sign. */
#include "merkle/leaf/sct.h"

#include "merkle/leaf/precert.h"
#include "merkle/note/key.h"
#include "tests/unit/merkle/mkcert.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/pem.h"
#include "tests/vectors/testdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the two above first. */
#include <cmocka.h>

#define MAX (1 << 20)
#define LOG_ID "2222222222222222222222222222222222222222222222222222222222222222"
#define SCT "00" LOG_ID "00000000000004d2 0000 0403 0003 736967"
#define SCT_V2 "01 616263"

static const struct {
    const char *says, *hex;
    enum result want;
} scts[] = {
    {"an SCT", SCT, RES_OK},
    {"extensions", "00" LOG_ID "00000000000004d2 0002 aabb 0403 0003 736967", RES_OK},
    {"an empty signature: for the verifier to refuse",
     "00" LOG_ID "00000000000004d2 0000 0403 0000", RES_OK},
    {"another version", "01" LOG_ID "00000000000004d2 0000 0403 0003 736967", RES_VALUE},
    {"a byte left over", SCT "00", RES_TRAILING},
    {"nothing", "", RES_TRUNCATED},
};

static void
scts_are_read_and_written_back(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(MAX), out = BUF_INIT(MAX);
    struct guard g;
    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof scts / sizeof *scts; i++) {
        struct sct s;
        mkcert_hex(scts[i].hex, &b);
        enum result r = sct_parse(guard_put(&g, buf_span(&b)), &s);
        if (r != scts[i].want)
            fail_msg("%s: %s", scts[i].says, result_name(r));
        if (r != RES_OK)
            continue;
        assert_int_equal(s.timestamp, 1234);
        assert_int_equal(s.log_id.b[31], 0x22);
        assert_int_equal(s.signature.hash, 4);
        assert_int_equal(s.signature.algorithm, 3);
        buf_clear(&out);
        assert_int_equal(sct_write(&s, &out), RES_OK);
        assert_true(span_equal(buf_span(&out), buf_span(&b)));
        for (size_t n = 0; n < b.n; n++)
            assert_int_equal(sct_parse(guard_put(&g, span_of(b.p, n)), &s), RES_TRUNCATED);
    }
    guard_release(&g);
    buf_release(&b);
    buf_release(&out);
}

static const struct {
    const char *says, *hex;
    enum result want;
    size_t n;
} lists[] = {
    {"one SCT", "0034 0032" SCT, RES_OK, 1},
    {"two SCTs", "0068 0032" SCT "0032" SCT, RES_OK, 2},
    {"a later version between them is left out", "006e 0032" SCT "0004" SCT_V2 "0032" SCT, RES_OK,
     2},
    {"only a later version", "0006 0004" SCT_V2, RES_OK, 0},
    {"more than there is room for", "009c 0032" SCT "0032" SCT "0032" SCT, RES_TOO_LARGE, 0},
    {"an empty list", "0000", RES_VALUE, 0},
    {"an empty SCT", "0002 0000", RES_VALUE, 0},
    {"a byte after the list", "0034 0032" SCT "00", RES_TRAILING, 0},
    {"a byte after the SCT, inside it", "0035 0033" SCT "00", RES_TRAILING, 0},
    {"an SCT longer than the list", "0034 0033" SCT, RES_TRUNCATED, 0},
    {"a list longer than its bytes", "0035 0032" SCT, RES_TRUNCATED, 0},
    {"an SCT that is cut", "0006 0004 00616263", RES_TRUNCATED, 0},
    {"one byte", "00", RES_TRUNCATED, 0},
};

static void
lists_are_read(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(MAX);
    struct guard g;
    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct sct s[2];
        size_t n = 99;
        mkcert_hex(lists[i].hex, &b);
        /* The rows' lengths are those of the table's SCT. */
        enum result r = sct_list_parse(guard_put(&g, buf_span(&b)), s, 2, &n);
        if (r != lists[i].want)
            fail_msg("%s: %s", lists[i].says, result_name(r));
        assert_int_equal(n, r == RES_OK ? lists[i].n : 99);
    }
    guard_release(&g);
    buf_release(&b);
}

static void
what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(MAX), small = BUF_INIT(40);
    uint8_t *big = calloc(1, 65536);
    assert_non_null(big);
    struct sct s = {.signature = {4, 3, span_of(big, 65536)}};
    assert_int_equal(sct_write(&s, &out), RES_VALUE);
    assert_int_equal(digitally_signed_write(&s.signature, &out), RES_VALUE);
    s.signature.signature.n = 1;
    s.extensions = span_of(big, 65536);
    assert_int_equal(sct_write(&s, &out), RES_VALUE);
    assert_int_equal(out.n, 0);
    s.extensions.n = 0;
    assert_int_equal(sct_write(&s, &small), RES_TOO_LARGE);
    assert_int_equal(small.n, 0);
    free(big);
    buf_release(&out);
    buf_release(&small);
}

static void
serializations_of_another_log_are_met(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/1-merkle-ct/ct-cpp-serialization.json");
    const cJSON *v = testdata_member(json, "values");
    struct buf want = BUF_INIT(MAX), got = BUF_INIT(MAX);
    struct sct s = {.timestamp = 1234, .signature = {4, 3, span_str("signature")}}, back;
    memcpy(s.log_id.b, "iamapublickeyshatwofivesixdigest", HASH_SIZE);
    testdata_hex(testdata_string(v, "kDefaultSCTHexString"), &want);
    assert_int_equal(sct_write(&s, &got), RES_OK);
    assert_true(span_equal(buf_span(&got), buf_span(&want)));

    testdata_hex(testdata_string(v, "kDefaultSCTSignatureHexString"), &want);
    buf_clear(&got);
    assert_int_equal(digitally_signed_write(&s.signature, &got), RES_OK);
    assert_true(span_equal(buf_span(&got), buf_span(&want)));

    size_t n;
    testdata_hex(testdata_string(v, "kDefaultSCTListHexString"), &want);
    assert_int_equal(sct_list_parse(buf_span(&want), &back, 1, &n), RES_OK);
    assert_int_equal(n, 1);
    assert_true(hash_equal(&back.log_id, &s.log_id));

    struct timestamped_entry t = {.timestamp = 1234, .entry.body = span_str("certificate")};
    static const char *names[] = {"kDefaultCertSCTSignedHexString",
                                  "kDefaultCertSCTSignedHexStringExtensions",
                                  "kDefaultPrecertSCTSignedHexString"};
    for (size_t i = 0; i < 3; i++) {
        struct hash a, b;
        t.extensions = i == 1 ? span_str("hello") : span_str("");
        if (i == 2) {
            t.entry = (struct entry){.type = ENTRY_PRECERT, .body = span_str("tbs")};
            memcpy(t.entry.issuer_key_hash.b, s.log_id.b, HASH_SIZE);
        }
        testdata_hex(testdata_string(v, names[i]), &want);
        buf_clear(&got);
        assert_int_equal(sct_signed_data(&t, &got), RES_OK);
        assert_true(span_equal(buf_span(&got), buf_span(&want)));
        hash_sha256(buf_span(&want), &a);
        sct_signed_digest(&t, &b);
        assert_true(hash_equal(&a, &b));
    }

    uint8_t sth[STH_SIGNED_SIZE];
    struct hash root;
    memcpy(root.b, "imustbeexactlythirtytwobyteslong", HASH_SIZE);
    sth_signed_data(2345, 6, &root, sth);
    testdata_hex(testdata_string(v, "kDefaultSTHSignedHexString"), &want);
    assert_true(span_equal(span_of(sth, sizeof sth), buf_span(&want)));
    buf_release(&want);
    buf_release(&got);
    cJSON_Delete(json);
}

static void
hex_member(const cJSON *v, const char *name, struct buf *ret)
{
    *ret = BUF_INIT(MAX);
    testdata_hex(testdata_string(v, name), ret);
}

static void
signatures_of_another_log_verify(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *json = testdata_json("vectors/1-merkle-ct/ct-cpp-signatures.json");
    const cJSON *v = testdata_member(json, "values");
    struct buf spki = BUF_INIT(MAX), pre, cert, tbs, out = BUF_INIT(MAX);
    struct buf hash, cert_sig, pre_sig, sth_sig, root, id;
    struct p256_key *key;
    struct hash h;
    assert_true(
        pem_block(span_str(testdata_string(v, "kEcP256PublicKey")), "PUBLIC KEY", 0, &spki));
    assert_int_equal(p256_key_parse(buf_span(&spki), &key), RES_OK);
    hex_member(v, "kKeyID", &id);
    assert_true(span_equal(hash_span(p256_key_id(key)), buf_span(&id)));

    hex_member(v, "kDefaultDerCert", &cert);
    hex_member(v, "kDefaultCertSCTSignature", &cert_sig);
    struct timestamped_entry t = {.timestamp = 1348589665525, .entry.body = buf_span(&cert)};
    sct_signed_digest(&t, &h);
    assert_int_equal(p256_verify_digest(key, &h, buf_span(&cert_sig)), RES_OK);
    t.timestamp++;
    sct_signed_digest(&t, &h);
    assert_int_equal(p256_verify_digest(key, &h, buf_span(&cert_sig)), RES_SIGNATURE);

    /* The TBS that this project splices out of the precertificate is the one that log signed. */
    struct cert c;
    hex_member(v, "kDefaultDerPrecert", &pre);
    hex_member(v, "kDefaultDerTbsCert", &tbs);
    hex_member(v, "kDefaultKeyHash", &hash);
    hex_member(v, "kDefaultPrecertSCTSignature", &pre_sig);
    assert_int_equal(cert_parse(buf_span(&pre), &c), RES_OK);
    assert_int_equal(precert_tbs(&c, NULL, &out), RES_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&tbs)));
    t = (struct timestamped_entry){.timestamp = 1348589665525};
    t.entry = (struct entry){.type = ENTRY_PRECERT, .body = buf_span(&out)};
    memcpy(t.entry.issuer_key_hash.b, hash.p, HASH_SIZE);
    sct_signed_digest(&t, &h);
    assert_int_equal(p256_verify_digest(key, &h, buf_span(&pre_sig)), RES_OK);
    t.entry.issuer_key_hash.b[0] ^= 1;
    sct_signed_digest(&t, &h);
    assert_int_equal(p256_verify_digest(key, &h, buf_span(&pre_sig)), RES_SIGNATURE);

    uint8_t sth[STH_SIGNED_SIZE];
    hex_member(v, "kDefaultRootHash", &root);
    hex_member(v, "kDefaultSTHSignature", &sth_sig);
    memcpy(h.b, root.p, HASH_SIZE);
    sth_signed_data(1348589667204, 42, &h, sth);
    assert_int_equal(p256_verify(key, span_of(sth, sizeof sth), buf_span(&sth_sig)), RES_OK);
    sth_signed_data(1348589667204, 43, &h, sth);
    assert_int_equal(p256_verify(key, span_of(sth, sizeof sth), buf_span(&sth_sig)), RES_SIGNATURE);
    struct buf *all[] = {&spki, &pre,      &cert,    &tbs,     &out, &hash,
                         &id,   &cert_sig, &pre_sig, &sth_sig, &root};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_release(all[i]);
    p256_key_free(key);
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scts_are_read_and_written_back),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(serializations_of_another_log_are_met),
        cmocka_unit_test(signatures_of_another_log_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
