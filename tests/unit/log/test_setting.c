/* log/setting: what the keys of cartulary.conf may be. */
#include "log/setting.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *name, *value;
    enum result want;
} rows[] = {
    {"origin", "log.example/1", RES_OK},
    {"entries", "public", RES_OK},
    {"entries", "auditors", RES_OK},
    {"entries", "nobody", RES_CONFIG},
    {"any-eku", "yes", RES_OK},
    {"any-eku", "no", RES_OK},
    {"any-eku", "true", RES_CONFIG},
    {"not-after-start", "0", RES_OK},
    {"not-after-start", "2026-01-01", RES_CONFIG},
    {"not-after-limit", "253402300801", RES_CONFIG},
    {"pool", "1", RES_OK},
    {"pool", "65536", RES_OK},
    {"pool", "0", RES_CONFIG},
    {"pool", "65537", RES_CONFIG},
    {"pool", "", RES_CONFIG},
    {"pool", "0x10", RES_CONFIG},
    {"map-size", "16777216", RES_OK},
    {"map-size", "16777215", RES_CONFIG},
    {"eku", "1.3.6.1.5.5.7.3.4, 1.3.6.1.5.5.7.3.2", RES_OK},
    {"eku", "", RES_OK},
    {"eku", "emailProtection", RES_CONFIG},
    {"eku", "1.3.6.1.5.5.7.3.4 1.3.6.1.5.5.7.3.4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
     RES_CONFIG},
    {"lookup-rate", "0", RES_OK}, /* no limit */
    {"lookup-rate", "1000001", RES_CONFIG},
    {"lookup-burst", "1", RES_OK},
    {"lookup-burst", "0", RES_CONFIG},
    {"directory-delay", "1", RES_OK},
    {"directory-delay", "3600", RES_OK},
    {"directory-delay", "0", RES_CONFIG},
    {"directory-delay", "3601", RES_CONFIG},
    {"trusted-proxy", "192.0.2.1 2001:db8::1", RES_OK},
    {"trusted-proxy", "proxy.example", RES_CONFIG},
};

static void
each_value_is_taken_or_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char detail[CONFIG_TEXT_MAX] = "";
        struct config c;
        config_defaults(&c);
        assert_true(setting_known(rows[i].name));
        if (setting_set(&c, rows[i].name, rows[i].value, detail) != rows[i].want)
            fail_msg("%s = %s: %s", rows[i].name, rows[i].value, detail);
        assert_int_equal(strchr(detail, ':') != NULL, rows[i].want == RES_CONFIG);
    }
}

static void
a_value_lands_in_its_field(void **state)
{
    char detail[CONFIG_TEXT_MAX];
    struct config c;
    (void)state;
    config_defaults(&c);
    assert_int_equal(setting_set(&c, "url", "https://log.example", detail), RES_OK);
    assert_string_equal(c.url, "https://log.example");
    assert_int_equal(setting_set(&c, "map-size", "70368744177664", detail), RES_OK);
    assert_int_equal(c.map_size, UINT64_C(1) << 46);
    assert_int_equal(setting_set(&c, "pool", "7", detail), RES_OK);
    assert_int_equal(c.pool, 7);
    assert_int_equal(c.issuer_burst, 1000); /* its neighbours are not written */
    assert_int_equal(c.lookup_rate, 60);
    assert_int_equal(c.lookup_burst, 30);
    assert_int_equal(c.directory_delay, 60);
    assert_int_equal(setting_set(&c, "lookup-rate", "6", detail), RES_OK);
    assert_int_equal(setting_set(&c, "lookup-burst", "3", detail), RES_OK);
    assert_int_equal(setting_set(&c, "directory-delay", "90", detail), RES_OK);
    assert_int_equal(c.lookup_rate, 6);
    assert_int_equal(c.lookup_burst, 3);
    assert_int_equal(c.directory_delay, 90);
    assert_int_equal(setting_set(&c, "not-after-limit", "86400", detail), RES_OK);
    assert_int_equal(c.policy.not_after_limit, 86400);
    assert_int_equal(setting_set(&c, "eku", "1.3.6.1.5.5.7.3.2", detail), RES_OK);
    assert_int_equal(c.policy.eku_count, 1);
    assert_memory_equal(c.policy.eku[0].p, "\x2b\x06\x01\x05\x05\x07\x03\x02", 8);
}

static void
texts_have_an_end(void **state)
{
    char value[CONFIG_TEXT_MAX + 1], detail[CONFIG_TEXT_MAX];
    struct config c;
    (void)state;
    config_defaults(&c);
    memset(value, 'a', sizeof(value) - 1);
    value[CONFIG_TEXT_MAX] = '\0';
    assert_int_equal(setting_set(&c, "origin", value, detail), RES_CONFIG);
    value[CONFIG_TEXT_MAX - 1] = '\0';
    assert_int_equal(setting_set(&c, "origin", value, detail), RES_OK);
    assert_int_equal(strlen(c.origin), CONFIG_TEXT_MAX - 1);
}

static void
only_keys_are_known(void **state)
{
    (void)state;
    assert_true(setting_known("trusted-proxy"));
    assert_false(setting_known("trusted_proxy"));
    assert_false(setting_known("Origin"));
    assert_false(setting_known(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_is_taken_or_refused_by_name),
        cmocka_unit_test(a_value_lands_in_its_field),
        cmocka_unit_test(texts_have_an_end),
        cmocka_unit_test(only_keys_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
