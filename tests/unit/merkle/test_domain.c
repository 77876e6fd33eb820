/* merkle/leaf/domain: one form for each domain, and what libidn2 must not be trusted with. */
#include "merkle/leaf/domain.h"

#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const struct {
    const char *says, *text;
    const char *form; /* NULL: none */
    enum result r;
} rows[] = {
    {"a name", "example.com", "example.com", RES_OK},
    {"in capitals", "EXAMPLE.Com", "example.com", RES_OK},
    {"one label", "com", "com", RES_OK},
    {"one letter", "a", "a", RES_OK},
    {"a final dot", "example.com.", "example.com", RES_OK},
    {"digits", "127.0.0.1", "127.0.0.1", RES_OK},
    {"253 octets",
     L63 "." L63 "." L63 "."
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi",
     L63 "." L63 "." L63 "."
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi",
     RES_OK},
    {"254",
     L63 "." L63 "." L63 "."
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij",
     NULL, RES_ADDRESS_TOO_LONG},
    {"a label of 63", L63, L63, RES_OK},
    {"a label of 64", L63 "l", NULL, RES_ADDRESS_DOMAIN},
    {"nothing", "", NULL, RES_ADDRESS_DOMAIN},
    {"a dot", ".", NULL, RES_ADDRESS_DOMAIN},
    {"two dots", "..", NULL, RES_ADDRESS_DOMAIN},
    {"a dot in front", ".a", NULL, RES_ADDRESS_DOMAIN},
    {"two dots inside", "a..b", NULL, RES_ADDRESS_DOMAIN},
    {"two final dots", "a..", NULL, RES_ADDRESS_DOMAIN},
    {"a hyphen in front", "-a", NULL, RES_ADDRESS_DOMAIN},
    {"a hyphen behind", "a-.b", NULL, RES_ADDRESS_DOMAIN},
    {"an underscore is not deleted", "a_b.example", NULL, RES_ADDRESS_DOMAIN},
    {"a blank is not deleted", "a b.example", NULL, RES_ADDRESS_DOMAIN},
    {"an underscore in a label that is mapped", "a_\xc3\xbc.example", NULL, RES_ADDRESS_DOMAIN},
    {"a blank in one", "a \xc3\xbc.example", NULL, RES_ADDRESS_IDN},
    {"an exclamation mark in one", "a!\xc3\xbc.example", NULL, RES_ADDRESS_IDN},
    {"an @", "a@b", NULL, RES_ADDRESS_DOMAIN},
    {"a slash that comes out of a sign (U+2100)", "\xe2\x84\x80.example", NULL, RES_ADDRESS_DOMAIN},
    {"not UTF-8", "\xfc.example", NULL, RES_ADDRESS_DOMAIN},
    {"a control character", "a\n.example", NULL, RES_ADDRESS_CONTROL},
    {"a control character in a label that is mapped", "\xc3\xbc\1.example", NULL,
     RES_ADDRESS_CONTROL},
    {"a control character of C1", "a\xc2\x85.example", NULL, RES_ADDRESS_CONTROL},
    {"a U-label",
     "b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example", RES_OK},
    {"decomposed",
     "bu\xcc\x88"
     "cher.example",
     "xn--bcher-kva.example", RES_OK},
    {"in capitals",
     "B\xc3\x9c"
     "CHER.example",
     "xn--bcher-kva.example", RES_OK},
    {"a sharp s is not two letters",
     "stra\xc3\x9f"
     "e.example",
     "xn--strae-oqa.example", RES_OK},
    {"its A-label", "xn--strae-oqa.example", "xn--strae-oqa.example", RES_OK},
    {"an A-label of a capital is another name", "xn--bcher-kva.example", "xn--bcher-kva.example",
     RES_OK},
    {"an A-label that IDNA2008 forbids (U+2603)", "xn--n3h.example", "xn--n3h.example", RES_OK},
    {"what it stands for", "\xe2\x98\x83.example", NULL, RES_ADDRESS_IDN},
    {"an A-label of nothing", "xn--.example", NULL, RES_ADDRESS_DOMAIN},
    {"an A-label with a digit too many", "xn--999999999.example", "xn--999999999.example", RES_OK},
    {"hyphens in the third and fourth place", "r3--x.example", "r3--x.example", RES_OK},
    {"beside a U-label", "\xc3\xbc.r3--x.example", "xn--tda.r3--x.example", RES_OK},
    {"full-width letters", "\xef\xbd\x81\xef\xbd\x82.example", "ab.example", RES_OK},
    {"a full-width A-label", "\xef\xbd\x98n--bcher-kva.example", "xn--bcher-kva.example", RES_OK},
    {"U+3002 between labels",
     "a\xe3\x80\x82"
     "b",
     "a.b", RES_OK},
    {"U+FF0E between labels",
     "a\xef\xbc\x8e"
     "b",
     "a.b", RES_OK},
    {"U+FF61 at the end", "a.b\xef\xbd\xa1", "a.b", RES_OK},
    {"U+3002 after a dot", "a.\xe3\x80\x82", NULL, RES_ADDRESS_DOMAIN},
    {"a soft hyphen",
     "a\xc2\xad"
     "b.example",
     "ab.example", RES_OK},
    {"a soft hyphen alone", "\xc2\xad.example", NULL, RES_ADDRESS_DOMAIN},
    {"an unassigned character", "\xcd\xb8.example", NULL, RES_ADDRESS_IDN},
    {"a right-to-left override",
     "a\xe2\x80\xae"
     "b.example",
     NULL, RES_ADDRESS_IDN},
};

static void
rows_have_their_form(void **state)
{
    (void)state;
    struct guard g;
    guard_init(&g, DOMAIN_TEXT_MAX + 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct domain d, again;
        enum result r = domain_parse(guard_put(&g, span_str(rows[i].text)), &d);
        if (r != rows[i].r)
            fail_msg("%s: %s, not %s", rows[i].says, result_name(r), result_name(rows[i].r));
        if (r != RES_OK)
            continue;
        if (!span_equal(domain_span(&d), span_str(rows[i].form)))
            fail_msg("%s: %.*s", rows[i].says, (int)d.n, (const char *)d.b);
        assert_int_equal(domain_parse(domain_span(&d), &again), RES_OK);
        assert_true(span_equal(domain_span(&d), domain_span(&again)));
    }
    guard_release(&g);
}

/* A NUL anywhere is refused: libidn2 would read up to it. */
static void
nul_hides_nothing(void **state)
{
    (void)state;
    uint8_t text[DOMAIN_TEXT_MAX];
    struct domain d;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].text);
        for (size_t at = 0; rows[i].r == RES_OK && at <= n; at++) {
            memcpy(text, rows[i].text, at);
            text[at] = '\0';
            memcpy(text + at + 1, rows[i].text + at, n - at);
            enum result r = domain_parse(span_of(text, n + 1), &d);
            /* Inside a character it is no UTF-8 any more. */
            assert_true(r == RES_ADDRESS_CONTROL || r == RES_ADDRESS_DOMAIN);
        }
    }
}

/* No two forms are one: a letter changed in a form is another form or none. */
static void
a_changed_letter_is_another_domain(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct domain d, other;
        if (rows[i].r != RES_OK)
            continue;
        assert_int_equal(domain_parse(span_str(rows[i].text), &d), RES_OK);
        struct domain changed = d;
        for (size_t k = 0; k < d.n; k++) {
            changed.b[k] ^= 1;
            if (domain_parse(domain_span(&changed), &other) == RES_OK)
                assert_false(span_equal(domain_span(&d), domain_span(&other)));
            changed.b[k] ^= 1;
        }
    }
}

static void
long_texts_end(void **state)
{
    (void)state;
    static uint8_t text[DOMAIN_TEXT_MAX + 1];
    struct domain d;
    /* U+00AD, which is dropped, as often as there is room; then a letter. */
    for (size_t i = 0; i + 2 <= DOMAIN_TEXT_MAX; i += 2)
        memcpy(text + i, "\xc2\xad", 2);
    text[DOMAIN_TEXT_MAX - 2] = 'a';
    text[DOMAIN_TEXT_MAX - 1] = 'b';
    enum result r = domain_parse(span_of(text, DOMAIN_TEXT_MAX), &d);
    assert_true(r == RES_OK || r == RES_ADDRESS_IDN);
    assert_int_equal(domain_parse(span_of(text, DOMAIN_TEXT_MAX + 1), &d), RES_ADDRESS_TOO_LONG);
    for (size_t i = 0; i + 2 <= DOMAIN_TEXT_MAX; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    assert_int_equal(domain_parse(span_of(text, DOMAIN_TEXT_MAX), &d), RES_ADDRESS_IDN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_their_form),
        cmocka_unit_test(nul_hides_nothing),
        cmocka_unit_test(a_changed_letter_is_another_domain),
        cmocka_unit_test(long_texts_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
