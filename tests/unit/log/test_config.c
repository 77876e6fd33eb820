/* cartulary.conf: what is taken, and what is refused with its line. */
#include "log/config.h"
#include "testlog.h"
#include "tests/vectors/check.h"

#include <stdlib.h>

#define HEAD "origin = log.example/1\nurl = https://log.example\n"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

static enum result
load(const char *text, struct config *c, int *line, char *detail)
{
    testdir_write(scratch_shared, "cartulary.conf", text);
    return config_load(scratch_shared, c, line, detail);
}

static void
test_refused(void **state)
{
    static const struct {
        const char *says;
        const char *text;
        int line;
        const char *word;
    } ROWS[] = {
        {"an empty file names no origin", "", 0, "origin"},
        {"no url", "origin = log.example\n", 0, "url"},
        {"an origin with a scheme", "origin = https://a\nurl = https://a\n", 0, "scheme"},
        {"an origin with a slash at its end", "origin = a/\nurl = https://a\n", 0, "slash"},
        {"a url without a scheme", "origin = a\nurl = log.example\n", 0, "http"},
        {"a url of a scheme alone", "origin = a\nurl = https://\n", 0, "http"},
        {"a url with a slash at its end", "origin = a\nurl = https://a/\n", 0, "slash"},
        {"a url with a blank", "origin = a\nurl = https://a b\n", 0, "blank"},
        {"a key that nobody knows", HEAD "originn = a\n", 3, "is not a key"},
        {"keys are in lower case", HEAD "Pool = 1\n", 3, "is not a key"},
        {"a key twice", HEAD "pool = 1\npool = 1\n", 4, "stands twice"},
        {"a line continued", HEAD "pool = 1\n  2\n", 4, "stands twice"},
        {"a section", HEAD "[x]\npool = 1\n", 4, "sections"},
        {"a line that is no key", HEAD "pool\n", 3, "key = value"},
        {"a line of 191 bytes", HEAD "# " FIFTY FIFTY FIFTY TEN TEN TEN "012345678\n", 3, "190"},
        {"a number that is none", HEAD "pool = many\n", 3, "whole number"},
        {"a number with a sign", HEAD "pool = +1\n", 3, "whole number"},
        {"a number below its range", HEAD "pool = 0\n", 3, "from 1 to 65536"},
        {"a number above its range", HEAD "pool = 65537\n", 3, "from 1 to 65536"},
        {"a number above 2^64", HEAD "map-size = 99999999999999999999\n", 3, "whole number"},
        {"a map of a few pages", HEAD "map-size = 65536\n", 3, "from 16777216"},
        {"entries of a third kind", HEAD "entries = some\n", 3, "auditors or public"},
        {"a switch that is neither", HEAD "any-eku = true\n", 3, "yes or no"},
        {"a time that is a date", HEAD "not-after-start = 2026-01-01\n", 3, "1970"},
        {"a window that ends before it begins", HEAD "not-after-start = 20\nnot-after-limit = 20\n",
         0, "before"},
        {"no purposes at all", HEAD "eku =\n", 0, "no extended key usage"},
        {"a purpose that is no identifier", HEAD "eku = emailProtection\n", 3, "identifier"},
        {"one of two purposes that is none", HEAD "eku = 1.2.3, x\n", 3, "identifier"},
        {"too many purposes",
         HEAD "eku = 1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.2.6 1.2.7 1.2.8 1.2.9 1.2.10 1.2.11 1.2.12 "
              "1.2.13 1.2.14 1.2.15 1.2.16 1.2.17\n",
         3, "too many"},
        {"a proxy that is no address", HEAD "trusted-proxy = ::1 front.example\n", 3, "addresses"},
        {"a proxy's network with bits beyond", HEAD "trusted-proxy = 10.0.0.1/8\n", 3, "networks"},
        {"too many proxies",
         HEAD
         "trusted-proxy = ::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9 ::a ::b ::c ::d ::e ::f ::10 ::11\n",
         3, "too many"},
        {"a burst of nothing", HEAD "client-burst = 0\n", 3, "from 1"},
        {"a word of a list that is too long", HEAD "trusted-proxy = " FIFTY FIFTY "\n", 3, "long"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct config c;
        char detail[CONFIG_TEXT_MAX];
        int line = -1;
        enum result rc = load(ROWS[i].text, &c, &line, detail);
        if (rc != RES_CONFIG || line != ROWS[i].line || !strstr(detail, ROWS[i].word))
            fail_msg("%s: %s, line %d, '%s'", ROWS[i].says, result_name(rc), line, detail);
    }
}

static void
test_defaults(void **state)
{
    struct config c;
    char detail[CONFIG_TEXT_MAX];
    int line;
    (void)state;
    assert_int_equal(load(HEAD, &c, &line, detail), RES_OK);
    assert_string_equal(c.dir, scratch_shared);
    assert_string_equal(c.origin, "log.example/1");
    assert_string_equal(c.url, "https://log.example");
    assert_false(c.entries_public);
    assert_int_equal(c.policy.eku_count, 1);
    assert_ptr_equal(c.policy.eku[0].p, c.eku_bytes[0]);
    assert_memory_equal(c.policy.eku[0].p, "\x2b\x06\x01\x05\x05\x07\x03\x04", 8);
    assert_true(c.policy.not_after_start == INT64_MIN && c.policy.not_after_limit == INT64_MAX);
    assert_int_equal(c.map_size, UINT64_C(1) << 40);
    assert_int_equal(c.disk_floor, 1 << 30);
    assert_int_equal(c.pool, 4096);
    assert_true(c.client_rate == 0 && c.client_burst == 200);
    assert_true(c.trusted_proxies == 0 && !c.trusted_unix);
    assert_int_equal(c.body_max, 512 * 1024);
    assert_string_equal(c.high_water, "");
}

static void
test_taken(void **state)
{
    struct config c;
    char detail[CONFIG_TEXT_MAX];
    int line;
    (void)state;
    enum result rc =
        load("# a remark\r\n\n" HEAD "entries = public\neku = 1.3.6.1.5.5.7.3.4, 2.5.29.37.0\n"
             "any-eku = yes\nno-eku = no\nnot-after-start = 0\nnot-after-limit = 1900000000\n"
             "highwater = /elsewhere/high\ndisk-floor = 0\npool = 65536\nworkers = 256\n"
             "heartbeat = 100\nscrub-period = 60\n"
             "trusted-proxy = 10.0.0.0/8 ::1, unix\nclient-rate = 5\nclient-burst = 7\n",
             &c, &line, detail);
    if (rc != RES_OK)
        fail_msg("line %d: %s", line, detail);
    assert_true(c.entries_public && c.policy.allow_any_eku && !c.policy.allow_no_eku);
    assert_int_equal(c.policy.eku_count, 2);
    assert_ptr_equal(c.policy.eku[1].p, c.eku_bytes[1]);
    assert_memory_equal(c.policy.eku[1].p, "\x55\x1d\x25\x00", 4);
    assert_int_equal(c.policy.not_after_start, 0);
    assert_int_equal(c.policy.not_after_limit, 1900000000);
    assert_string_equal(c.high_water, "/elsewhere/high");
    assert_int_equal(c.disk_floor, 0);
    assert_int_equal(c.pool, 65536);
    assert_int_equal(c.workers, 256);
    assert_int_equal(c.heartbeat_ms, 100);
    assert_int_equal(c.trusted_proxies, 2);
    assert_int_equal(c.trusted_proxy[0].bits, 8);
    assert_int_equal(c.trusted_proxy[1].bits, 128);
    assert_true(c.trusted_unix);
    assert_int_equal(c.client_rate, 5);
    assert_int_equal(c.client_burst, 7);
}

static void
test_no_file(void **state)
{
    struct config c;
    char detail[CONFIG_TEXT_MAX];
    int line;
    (void)state;
    assert_int_equal(config_load("/nonexistent", &c, &line, detail), RES_ABSENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, scratch_share, scratch_unshare);
}
