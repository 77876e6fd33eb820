/* client/policy_line: which lines of a policy say something, and in which words. */
#include "client/policy_line.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *says, *text;
    bool ours;
    const char *told; /* number:word,word … of each line, then the result when it is no end */
} rows[] = {
    {"nothing", "", false, ""},
    {"a line", "a b\n", false, "1:a,b "},
    {"without a newline", "a b", false, "1:a,b "},
    {"blanks and tabs", " \ta \t b\t \n", false, "1:a,b "},
    {"empty lines count", "\n \t\n\na\n\n", false, "4:a "},
    {"comments are passed over", "# x\n\t#y\na #b\n", false, "3:a,#b "},
    {"ours are comments to the others", "#cartulary a\nb\n", false, "2:b "},
    {"the others are nothing to ours", "a\n #cartulary b\n#cartulary\n", true,
     "2:#cartulary,b 3:#cartulary "},
    {"a longer word is not ours", "#cartularyx a\n#cartular b\n# cartulary c\n", true, ""},
    {"a tab behind ours", "#cartulary\ta\n", true, "1:#cartulary,a "},
};

static void
lines_are_told_as_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char detail[POLICY_DETAIL_MAX] = "", told[256] = "";
        struct policy_line l = {.detail = detail};
        struct span rest = span_str(rows[i].text);
        size_t n = 0;
        while (policy_line_next(&l, &rest, rows[i].ours) == RES_OK)
            for (size_t w = 0; w < l.words; w++) {
                if (w == 0)
                    n += (size_t)snprintf(told + n, sizeof told - n, "%zu:", l.number);
                n += (size_t)snprintf(told + n, sizeof told - n, "%.*s%s", POLICY_SHOWN(l.word[w]),
                                      w + 1 < l.words ? "," : " ");
            }
        if (strcmp(told, rows[i].told) != 0)
            fail_msg("%s: \"%s\"", rows[i].says, told);
        assert_int_equal(rest.n, 0);
        assert_string_equal(detail, "");
    }
}

static void
words_have_a_limit_but_in_comments(void **state)
{
    char text[4 * POLICY_WORDS_MAX + 8], detail[POLICY_DETAIL_MAX] = "";
    (void)state;
    for (int comment = 0; comment < 2; comment++)
        for (size_t words = POLICY_WORDS_MAX; words <= POLICY_WORDS_MAX + 1; words++) {
            struct policy_line l = {.detail = detail};
            size_t n = 0;
            for (size_t i = 0; i < words; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s ",
                                      comment && i == 0 ? "#" : "w");
            struct span rest = span_of(text, n);
            enum result want = comment                     ? RES_ABSENT
                               : words == POLICY_WORDS_MAX ? RES_OK
                                                           : RES_CONFIG;
            detail[0] = '\0';
            assert_int_equal(policy_line_next(&l, &rest, false), want);
            assert_int_equal(detail[0] != '\0', want == RES_CONFIG);
            assert_int_equal(l.number, 1);
        }
}

static void
control_bytes_are_found_at_their_line(void **state)
{
    char detail[POLICY_DETAIL_MAX];
    struct policy_line l = {.detail = detail};
    (void)state;
    assert_int_equal(policy_line_octets(&l, span_str("a\tb\n\xc3\xa9\x80 \n")), RES_OK);
    for (unsigned c = 0; c < 0x80; c++) {
        char text[] = "a\nb?c\n";
        text[3] = (char)c;
        bool bad = (c < 0x20 && c != '\t' && c != '\n') || c == 0x7f;
        assert_int_equal(policy_line_octets(&l, span_of(text, sizeof text - 1)),
                         bad ? RES_CONFIG : RES_OK);
        if (bad)
            assert_int_equal(l.number, 2);
    }
    assert_string_equal(detail, "the control byte 0x7f");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_told_as_words),
        cmocka_unit_test(words_have_a_limit_but_in_comments),
        cmocka_unit_test(control_bytes_are_found_at_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
