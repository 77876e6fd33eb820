/* client/policy_log: what our lines say about a log, and the URLs of a policy. */
#include "client/policy_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A P-256 SubjectPublicKeyInfo: the generator of SEC 2 section 2.4.2. */
#define SPKI                                                           \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt" \
    "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="

static char detail[POLICY_DETAIL_MAX];

static struct policy_line
line_of(const char *text)
{
    struct policy_line l = {.detail = detail};
    struct span rest = span_str(text);
    detail[0] = '\0';
    assert_int_equal(policy_line_next(&l, &rest, true), RES_OK);
    return l;
}

typedef enum result taker(struct policy_line *l, struct policy_log *log);

static const struct {
    const char *text;
    taker *take;
    enum result want;
} rows[] = {
    {"#cartulary mmd o 1", policy_log_mmd, RES_OK},
    {"#cartulary mmd o 604800", policy_log_mmd, RES_OK},
    {"#cartulary mmd o 0", policy_log_mmd, RES_CONFIG},
    {"#cartulary mmd o 604801", policy_log_mmd, RES_CONFIG},
    {"#cartulary mmd o 60s", policy_log_mmd, RES_CONFIG},
    {"#cartulary mmd o", policy_log_mmd, RES_CONFIG},
    {"#cartulary mmd o 1 2", policy_log_mmd, RES_CONFIG},
    {"#cartulary serves o rfc6962", policy_log_serves, RES_OK},
    {"#cartulary serves o rfc6962 static-ct", policy_log_serves, RES_OK},
    {"#cartulary serves o", policy_log_serves, RES_CONFIG},
    {"#cartulary serves o static-ct", policy_log_serves, RES_CONFIG},
    {"#cartulary serves o rfc6962 tiles", policy_log_serves, RES_CONFIG},
    {"#cartulary serves o rfc6962 static-ct x", policy_log_serves, RES_CONFIG},
    {"#cartulary ct-key o " SPKI, policy_log_ct_key, RES_OK},
    {"#cartulary ct-key o AAAA", policy_log_ct_key, RES_CONFIG},
    {"#cartulary ct-key o", policy_log_ct_key, RES_CONFIG},
    {"#cartulary ct-key o " SPKI " x", policy_log_ct_key, RES_CONFIG},
};

static void
each_line_is_taken_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_log log = {.note.name = "o", .static_ct = true};
        struct policy_line l = line_of(rows[i].text);
        if (rows[i].take(&l, &log) != rows[i].want)
            fail_msg("%s", rows[i].text);
        assert_int_equal(detail[0] != '\0', rows[i].want == RES_CONFIG);
        p256_key_free(log.p256);
    }
}

static void
what_was_taken_stands_in_the_log(void **state)
{
    struct policy_log log = {.note.name = "o", .static_ct = true};
    struct policy_line l = line_of("#cartulary mmd o 86400");
    (void)state;
    assert_int_equal(policy_log_mmd(&l, &log), RES_OK);
    assert_int_equal(log.mmd_ms, 86400000);
    l = line_of("#cartulary serves o rfc6962");
    assert_int_equal(policy_log_serves(&l, &log), RES_OK);
    assert_false(log.static_ct);
    l = line_of("#cartulary ct-key o " SPKI);
    assert_int_equal(policy_log_ct_key(&l, &log), RES_OK);
    assert_int_equal(log.rfc6962.type, KEY_RFC6962);
    /* The first key stays. */
    const struct p256_key *first = log.p256;
    assert_int_equal(policy_log_ct_key(&l, &log), RES_CONFIG);
    assert_ptr_equal(log.p256, first);
    p256_key_free(log.p256);
}

static void
urls_lose_their_slashes(void **state)
{
    static const struct {
        const char *url, *kept; /* NULL: refused */
    } urls[] = {
        {"https://a", "https://a"},
        {"https://a/", "https://a"},
        {"http://a/b//", "http://a/b"},
        {"unix:/run/x", "unix:/run/x"},
        {"https://", NULL},
        {"http:///", NULL},
        {"ftp://a", NULL},
        {"a", NULL},
        {"", NULL},
        {"HTTPS://a", NULL},
    };
    char long_url[POLICY_URL_MAX + 1] = "https://", out[POLICY_URL_MAX];
    struct policy_line l = {.detail = detail};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        enum result want = urls[i].kept == NULL ? RES_CONFIG : RES_OK;
        assert_int_equal(policy_url(&l, span_str(urls[i].url), out), want);
        if (want == RES_OK)
            assert_string_equal(out, urls[i].kept);
    }
    memset(long_url + 8, 'a', sizeof long_url - 9);
    assert_int_equal(policy_url(&l, span_of(long_url, POLICY_URL_MAX), out), RES_CONFIG);
    assert_int_equal(policy_url(&l, span_of(long_url, POLICY_URL_MAX - 1), out), RES_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_taken_or_refused),
        cmocka_unit_test(what_was_taken_stands_in_the_log),
        cmocka_unit_test(urls_lose_their_slashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
