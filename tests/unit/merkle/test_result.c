#include "merkle/base/result.h"
#include "tests/vectors/check.h"

#include <string.h>

static void
every_name_is_stable_text(void **state)
{
    (void)state;
    for (int r = 0; r < RESULT_COUNT; r++) {
        const char *name = result_name((enum result)r);

        assert_true(strlen(name) > 1 && strlen(name) < 40);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
        assert_true(name[0] != '-' && name[strlen(name) - 1] != '-');
        for (int other = 0; other < r; other++)
            assert_string_not_equal(name, result_name((enum result)other));
    }
}

static void
every_sentence_stands_alone(void **state)
{
    (void)state;
    for (int r = 0; r < RESULT_COUNT; r++) {
        const char *sentence = result_sentence((enum result)r);

        assert_true(strlen(sentence) > 3);
        assert_int_not_equal(sentence[strlen(sentence) - 1], '.');
        assert_null(strchr(sentence, '\n'));
        assert_true(strlen(result_source((enum result)r)) > 0);
        for (int other = 0; other < r; other++)
            assert_string_not_equal(sentence, result_sentence((enum result)other));
    }
}

static void
only_ok_is_of_class_ok(void **state)
{
    (void)state;
    assert_int_equal(RES_OK, 0);
    for (int r = 0; r < RESULT_COUNT; r++)
        assert_int_equal(result_class((enum result)r) == CLASS_OK, r == RES_OK);
}

static void
rows_keep_their_columns(void **state)
{
    static const struct {
        enum result r;
        enum result_class cls;
        const char *name, *source;
    } rows[] = {
        {RES_OK, CLASS_OK, "ok", "-"},
        {RES_TRUNCATED, CLASS_INPUT, "truncated", "RFC 8446 3.4"},
        {RES_ROOT_DIFFERS, CLASS_FALSE, "root-differs", "RFC 6962 2.1"},
        {RES_CHAIN_ROOT, CLASS_INPUT, "unknown-root", "RFC 6962 3.1"},
        {RES_UNKNOWN_HASH, CLASS_ABSENT, "unknown-hash", "RFC 6962 4.5"},
        {RES_RATE, CLASS_LATER, "rate-limited", "RFC 6585 4"},
        {RES_MEMORY, CLASS_BROKEN, "out-of-memory", "-"},
        {RES_BUG, CLASS_BUG, "bug", "-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(result_class(rows[i].r), rows[i].cls);
        assert_string_equal(result_name(rows[i].r), rows[i].name);
        assert_string_equal(result_source(rows[i].r), rows[i].source);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_stable_text),
        cmocka_unit_test(every_sentence_stands_alone),
        cmocka_unit_test(only_ok_is_of_class_ok),
        cmocka_unit_test(rows_keep_their_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
