/* merkle/leaf/address: one form for each mailbox, a reason for each text that is none. */
#include "merkle/leaf/address.h"

#include "tests/unit/merkle/addressrows.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/testdata.h"

#include <stdlib.h>

#define TEXT_MAX (ADDRESS_TEXT_MAX + 64)

static enum result
parse(struct span text, struct address *ret)
{
    static struct guard g;
    if (g.map == NULL)
        guard_init(&g, TEXT_MAX);
    return address_parse(guard_put(&g, text), ret);
}

/* ---- the table ---- */

static void
row_has_its_verdict(void *arg, const struct address_row *row)
{
    (void)arg;
    struct address a;
    struct label l;
    enum result r = parse(buf_span(&row->text), &a);
    if (strcmp(r == RES_OK ? "" : result_name(r), row->reason) != 0)
        fail_msg("line %u, %s: %s, not %s", row->line, row->says, result_name(r), row->reason);
    if (r != RES_OK)
        return;
    if (!span_equal(address_span(&a), buf_span(&row->form)))
        fail_msg("line %u, %s: %.*s", row->line, row->says, (int)a.n, (const char *)a.b);
    label_of_address(&a, &l);
    assert_int_equal(l.n, a.n + 1);
    assert_int_equal(l.b[0], 1);
    assert_memory_equal(l.b + 1, a.b, a.n);
    assert_int_equal(a.b[a.domain - 1], '@');
}

static void
rows_have_their_verdict(void **state)
{
    (void)state;
    assert_true(address_rows_each(row_has_its_verdict, NULL) >= ADDRESS_ROWS_MIN);
}

/* What the form says is the form of itself, and a label. */
static void
row_is_fixed(void *arg, const struct address_row *row)
{
    (void)arg;
    struct address a, again;
    struct label l;
    struct domain d;
    if (parse(buf_span(&row->text), &a) != RES_OK)
        return;
    assert_int_equal(parse(address_span(&a), &again), RES_OK);
    assert_true(span_equal(address_span(&a), address_span(&again)));
    assert_int_equal(a.domain, again.domain);
    label_of_address(&a, &l);
    assert_true(label_is(span_of(l.b, l.n)));
    assert_int_equal(domain_parse(address_domain(&a), &d), RES_OK);
    assert_true(span_equal(domain_span(&d), address_domain(&a)));
}

static void
a_form_is_its_own_form(void **state)
{
    (void)state;
    (void)address_rows_each(row_is_fixed, NULL);
}

/* ---- the same, tampered with ---- */

/* A byte put in at any place leaves no address, or at least not this one. */
static void
insert_everywhere(const struct address_row *row, uint8_t byte, const char *reason)
{
    uint8_t text[TEXT_MAX];
    struct span s = buf_span(&row->text);
    struct address a;
    for (size_t i = 0; i <= s.n; i++) {
        memcpy(text, s.p, i);
        text[i] = byte;
        memcpy(text + i + 1, s.p + i, s.n - i);
        enum result r = parse(span_of(text, s.n + 1), &a);
        bool other = r != RES_OK || !span_equal(address_span(&a), buf_span(&row->form));
        /* Inside a character of several bytes it is the encoding that breaks. */
        if (!other ||
            (reason != NULL && r != RES_ADDRESS_ENCODING && strcmp(result_name(r), reason) != 0))
            fail_msg("line %u, byte %02x at %zu: %s", row->line, byte, i, result_name(r));
    }
}

static void
change_every_byte(const struct address_row *row)
{
    uint8_t text[TEXT_MAX];
    struct address a;
    memcpy(text, row->form.p, row->form.n);
    for (size_t i = 0; i < row->form.n; i++) {
        text[i] ^= 1;
        if (parse(span_of(text, row->form.n), &a) == RES_OK &&
            span_equal(address_span(&a), buf_span(&row->form)))
            fail_msg("line %u: byte %zu changed, and the same address", row->line, i);
        text[i] ^= 1;
    }
}

static void
tamper_with_row(void *arg, const struct address_row *row)
{
    (void)arg;
    struct address a;
    uint8_t text[TEXT_MAX];
    if (row->reason[0] != '\0')
        return;
    insert_everywhere(row, '\0', "address-control");
    insert_everywhere(row, '\n', "address-control");
    insert_everywhere(row, 'q', NULL);
    change_every_byte(row);
    /* A second address behind the first, and the same in front. */
    memcpy(text, row->form.p, row->form.n);
    memcpy(text + row->form.n, ",x@y", 4);
    assert_int_equal(parse(span_of(text, row->form.n + 4), &a), RES_ADDRESS_SEVERAL);
    memcpy(text, "x@y ", 4);
    memcpy(text + 4, row->form.p, row->form.n);
    assert_int_equal(parse(span_of(text, row->form.n + 4), &a), RES_ADDRESS_SEVERAL);
}

static void
tampered_rows_are_others(void **state)
{
    (void)state;
    (void)address_rows_each(tamper_with_row, NULL);
}

/* Letters of ASCII in the other case are the same mailbox. */
static void
swap_case_of_row(void *arg, const struct address_row *row)
{
    (void)arg;
    uint8_t text[TEXT_MAX];
    struct address a;
    if (row->reason[0] != '\0')
        return;
    for (size_t i = 0; i < row->text.n; i++) {
        uint8_t c = row->text.p[i], lower = c | 0x20;
        text[i] = lower >= 'a' && lower <= 'z' && c < 0x80 ? c ^ 0x20 : c;
    }
    assert_int_equal(parse(span_of(text, row->text.n), &a), RES_OK);
    if (!span_equal(address_span(&a), buf_span(&row->form)))
        fail_msg("line %u in the other case: %.*s", row->line, (int)a.n, (const char *)a.b);
}

static void
case_of_ascii_does_not_matter(void **state)
{
    (void)state;
    (void)address_rows_each(swap_case_of_row, NULL);
}

/* ---- labels ---- */

static void
labels_are_told_from_others(void **state)
{
    (void)state;
    static const struct {
        const char *says, *bytes;
        size_t n;
        bool is;
    } rows[] = {
        {"a mailbox", "\1alice@example.com", 18, true},
        {"a domain", "\2example.com", 12, true},
        {"a mailbox with a capital", "\1Alice@example.com", 18, false},
        {"a mailbox with a final dot", "\1alice@example.com.", 19, false},
        {"a mailbox in quotes that are not needed", "\1\"a\"@b", 6, false},
        {"a domain with a capital", "\2Example.com", 12, false},
        {"a domain with a final dot", "\2example.com.", 13, false},
        {"a domain in its own script", "\2b\xc3\xbc.example", 12, false},
        {"a mailbox told as a domain", "\2alice@example.com", 18, false},
        {"a domain told as a mailbox", "\1example.com", 12, false},
        {"kind 0", "\0example.com", 12, false},
        {"kind 3", "\3example.com", 12, false},
        {"a kind alone", "\1", 1, false},
        {"nothing", "", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (label_is(span_of(rows[i].bytes, rows[i].n)) != rows[i].is)
            fail_msg("%s", rows[i].says);
}

static void
a_domain_has_its_label(void **state)
{
    (void)state;
    struct domain d;
    struct label l;
    assert_int_equal(domain_parse(span_str("Example.COM."), &d), RES_OK);
    label_of_domain(&d, &l);
    assert_true(span_equal(span_of(l.b, l.n), span_str("\2example.com")));
}

static void
the_longest_fits_exactly(void **state)
{
    (void)state;
    static uint8_t text[TEXT_MAX];
    struct address a;
    struct label l;
    memset(text, 'a', 252);
    memcpy(text + 252, "@b", 2);
    assert_int_equal(parse(span_of(text, 254), &a), RES_OK);
    label_of_address(&a, &l);
    assert_int_equal(l.n, LABEL_MAX);
    assert_true(label_is(span_of(l.b, l.n)));
    /* However it is padded: 254 bytes of form, the longest text, and one more. */
    text[0] = '"';
    memset(text + 1, '"', ADDRESS_TEXT_MAX);
    for (size_t i = 1; i < 1 + 2 * (ADDRESS_TEXT_MAX / 2 - 2); i++)
        text[i] = i % 2 == 1 ? '\\' : 'a';
    assert_int_equal(parse(span_of(text, ADDRESS_TEXT_MAX + 1), &a), RES_ADDRESS_TOO_LONG);
    memcpy(text + ADDRESS_TEXT_MAX - 3, "\"@b", 3);
    assert_int_equal(parse(span_of(text, ADDRESS_TEXT_MAX), &a), RES_ADDRESS_TOO_LONG);
}

static void
nothing_is_written_on_failure(void **state)
{
    (void)state;
    struct address a = {.n = 7}, before = a;
    struct domain d = {.n = 7}, d_before = d;
    assert_int_equal(address_parse(span_str("alice@"), &a), RES_ADDRESS_SHAPE);
    assert_memory_equal(&a, &before, sizeof a);
    assert_int_equal(domain_parse(span_str("a..b"), &d), RES_ADDRESS_DOMAIN);
    assert_memory_equal(&d, &d_before, sizeof d);
}

/* ---- others' cases ---- */

/* Refused by RFC 5321, taken here: see the header. */
static bool
laxer_here(const char *diagnosis)
{
    static const char *const known[] = {"ERR_DOT_START", "ERR_DOT_END", "LOCAL_TOOLONG"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(diagnosis, known[i]) != NULL)
            return true;
    return false;
}

/* Legal in SMTP, and yet no identity: a machine's number. */
static bool
stricter_here(const char *diagnosis)
{
    return strstr(diagnosis, "ADDRESSLITERAL") != NULL || strstr(diagnosis, "IPV6") != NULL;
}

static void
is_email_cases_agree(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *all = testdata_json("vectors/7-ldap-email/isemail-cases.json");
    struct buf text = BUF_INIT(TEXT_MAX);
    size_t n = 0, taken = 0, lax = 0, strict = 0;
    const cJSON *c;
    cJSON_ArrayForEach(c, testdata_member(all, "cases"))
    {
        struct address a;
        const char *diagnosis = testdata_string(c, "diagnosis");
        testdata_base64(testdata_string(c, "address_b64"), &text);
        enum result r = parse(buf_span(&text), &a);
        bool want = testdata_flag(c, "smtp_ok");
        if ((r == RES_OK) != want &&
            !(r == RES_OK ? laxer_here(diagnosis) : stricter_here(diagnosis)))
            fail_msg("case %s, %s: %s", testdata_string(c, "id"), diagnosis, result_name(r));
        lax += r == RES_OK && !want;
        strict += r != RES_OK && want;
        taken += r == RES_OK;
        n++;
    }
    print_message("%zu cases, %zu are addresses; %zu laxer, %zu stricter\n", n, taken, lax, strict);
    assert_int_equal(n, 164);
    buf_release(&text);
    cJSON_Delete(all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_their_verdict),
        cmocka_unit_test(a_form_is_its_own_form),
        cmocka_unit_test(tampered_rows_are_others),
        cmocka_unit_test(case_of_ascii_does_not_matter),
        cmocka_unit_test(labels_are_told_from_others),
        cmocka_unit_test(a_domain_has_its_label),
        cmocka_unit_test(the_longest_fits_exactly),
        cmocka_unit_test(nothing_is_written_on_failure),
        cmocka_unit_test(is_email_cases_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
