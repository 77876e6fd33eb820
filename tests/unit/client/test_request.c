/* client/request: what a log is asked, to the byte. */
#include "client/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
heads_and_proofs_have_their_paths(void **state)
{
    char path[ASK_PATH_MAX];
    (void)state;
    request_head(HEAD_CHECKPOINT, path);
    assert_string_equal(path, "/checkpoint");
    request_head(HEAD_STH, path);
    assert_string_equal(path, "/ct/v1/get-sth");
    request_consistency(1, UINT64_MAX, path);
    assert_string_equal(path, "/ct/v1/get-sth-consistency?first=1&second=18446744073709551615");
}

/* RFC 3986 section 2: '+', '/' and '=' mean something in a query, or may. */
static void
the_hash_is_escaped_for_a_query(void **state)
{
    struct hash h;
    char path[ASK_PATH_MAX];
    (void)state;
    memset(h.b, 0, sizeof h.b);
    request_proof(&h, 7, path);
    assert_string_equal(path, "/ct/v1/get-proof-by-hash?hash="
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&tree_size=7");
    memset(h.b, 0xff, sizeof h.b); /* all but the last are slashes: the longest there is */
    request_proof(&h, UINT64_MAX, path);
    assert_memory_equal(path + 30, "%2F%2F%2F", 9);
    assert_string_equal(path + 30 + (ptrdiff_t)42 * 3, "8%3D&tree_size=18446744073709551615");
    memcpy(h.b, "\xfb\xef\xbe", 3); /* pluses */
    request_proof(&h, 7, path);
    assert_memory_equal(path + 30, "%2B%2B%2B%2B%2F", 15);
}

static void
a_submission_is_the_chain_leaf_first(void **state)
{
    const struct span certs[] = {span_str("leaf"), span_str("ca"), span_str("root")};
    char path[ASK_PATH_MAX];
    (void)state;
    request_submission(ENTRY_X509, path);
    assert_string_equal(path, "/ct/v1/add-chain");
    request_submission(ENTRY_PRECERT, path);
    assert_string_equal(path, "/ct/v1/add-pre-chain");
    for (size_t n = 1; n <= 3; n++) {
        static const char *const bodies[] = {"{\"chain\":[\"bGVhZg==\"]}",
                                             "{\"chain\":[\"bGVhZg==\",\"Y2E=\"]}",
                                             "{\"chain\":[\"bGVhZg==\",\"Y2E=\",\"cm9vdA==\"]}"};
        const struct subject_chain chain = {.certs = certs, .n = n};
        struct buf body = BUF_INIT(REQUEST_MAX), small = BUF_INIT(20);
        assert_int_equal(request_chain(&chain, &body), RES_OK);
        assert_true(span_equal(buf_span(&body), span_str(bodies[n - 1])));
        assert_int_equal(request_chain(&chain, &small), RES_TOO_LARGE);
        buf_release(&body);
        buf_release(&small);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_and_proofs_have_their_paths),
        cmocka_unit_test(the_hash_is_escaped_for_a_query),
        cmocka_unit_test(a_submission_is_the_chain_leaf_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
