/* client/directory/memory_file: its lines have one form, and no more of them than are kept. */
#include <stdlib.h>
#include <string.h>

#include "client/directory/memory.h"
#include "tests/unit/client/memorydata.h"
#include "tests/vectors/check.h"

static struct memorydata data;

static int
setup(void **state)
{
    (void)state;
    memorydata_init(&data);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    memorydata_release(&data);
    return 0;
}

/* Bytes are changed, left out or doubled and the digest made anew: another form is refused, so that
 * what is taken is written as it was. */
static void
there_is_one_form(void **state)
{
    struct rng r = rng_start("memory file: forms");
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX), bent = BUF_INIT(MEMORYDATA_FILE_MAX),
               other = BUF_INIT(MEMORYDATA_FILE_MAX), again = BUF_INIT(MEMORYDATA_FILE_MAX);
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 6000; i++) {
        struct memory back;

        if (i % 500 == 0)
            memorydata_write_any(&data, &r, &text);
        size_t lines = text.n - MEMORYDATA_DIGEST_LINE, at = rng_next(&r) % lines,
               n = rng_next(&r) % 3;
        size_t skip = at + n > lines ? 0 : n;
        buf_clear(&bent);
        assert_int_equal(buf_add(&bent, span_of(text.p, at)), RES_OK);
        if (i % 2)
            assert_int_equal(buf_add(&bent, span_of(&"0 1-9\nA="[rng_next(&r) % 8], 1)), RES_OK);
        assert_int_equal(buf_add(&bent, span_of(text.p + at + skip, lines - at - skip)), RES_OK);
        memorydata_seal(buf_span(&bent), &other);
        memory_init(&back);
        if (memory_parse(buf_span(&other), &data.log, &back) == RES_OK) {
            taken++;
            memorydata_write(&data, &back, &again);
            if (!span_equal(buf_span(&other), buf_span(&again)))
                fail_msg("%.*s\n---- is written\n%.*s", (int)other.n, other.p, (int)again.n,
                         again.p);
            memory_release(&back);
        }
    }
    print_message("%u of 6000 were another memory\n", taken);
    assert_true(taken > 0);
    buf_release(&text);
    buf_release(&bent);
    buf_release(&other);
    buf_release(&again);
}

/* ---- lines ---- */

#define LABEL "label AXVzZXIwQGV4YW1wbGUub3Jn\n" /* user0@example.org */
#define OTHER "label AXVzZXIxQGV4YW1wbGUub3Jn\n"
#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define BOTH \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

static const struct {
    const char *says, *lines;
    enum result want;
} rows[] = {
    {"nothing is kept", "", RES_OK},
    {"a label and nothing of it", LABEL, RES_OK},
    {"two of them", LABEL OTHER, RES_OK},
    {"one of them twice", LABEL OTHER LABEL, RES_VALUE},
    {"a domain", "label AmV4YW1wbGUub3Jn\n", RES_OK},
    {"a label of a third kind", "label A2V4YW1wbGUub3Jn\n", RES_VALUE},
    {"an address in capitals", "label AVVzZXJAZXhhbXBsZS5vcmc=\n", RES_VALUE},
    {"a label that is empty", "label =\n", RES_ENCODING},
    {"no base64", "label AXVzZXIwQGV4YW1wbGUub3J\n", RES_ENCODING},
    {"entries", LABEL "entry 3 1\nentry 4 5\n", RES_OK},
    {"entries that do not ascend", LABEL "entry 4 1\nentry 3 5\n", RES_VALUE},
    {"one position twice", LABEL "entry 4 1\nentry 4 5\n", RES_VALUE},
    {"one version twice", LABEL "entry 4 1\nentry 5 1\n", RES_VALUE},
    {"the greatest numbers", LABEL "entry 4611686018427387903 4294967295\n", RES_OK},
    {"a position beyond them", LABEL "entry 4611686018427387904 1\n", RES_VALUE},
    {"a version beyond them", LABEL "entry 1 4294967296\n", RES_VALUE},
    {"a version is missing", LABEL "entry 1\n", RES_VALUE},
    {"two blanks", LABEL "entry 1  2\n", RES_VALUE},
    {"a blank at the end", LABEL "entry 1 2 \n", RES_VALUE},
    {"a leading zero", LABEL "entry 01 2\n", RES_VALUE},
    {"a sign", LABEL "entry +1 2\n", RES_VALUE},
    {"steps", LABEL "step 3 " KEY "\nstep 4 " BOTH "\n", RES_OK},
    {"steps that do not ascend", LABEL "step 4 " KEY "\nstep 3 " BOTH "\n", RES_VALUE},
    {"one step twice", LABEL "step 4 " KEY "\nstep 4 " BOTH "\n", RES_VALUE},
    {"a step without a key", LABEL "step 4\n", RES_VALUE},
    {"a key that is too short", LABEL "step 4 AAAA\n", RES_VALUE},
    {"a key of other characters", LABEL "step 4 _" KEY "\n", RES_ENCODING},
    {"steps before entries", LABEL "step 3 " KEY "\nentry 3 1\n", RES_ABSENT},
    {"watched", LABEL "owner 9 4\nupcoming 10\nupcoming 10\nupcoming 12\n", RES_OK},
    {"watched, with no version", LABEL "owner 9 -1\n", RES_OK},
    {"less than none", LABEL "owner 9 -2\n", RES_VALUE},
    {"a version beyond all", LABEL "owner 9 4294967296\n", RES_VALUE},
    {"no version", LABEL "owner 9\n", RES_VALUE},
    {"watched twice", LABEL "owner 9 4\nowner 9 4\n", RES_ABSENT},
    {"later versions that descend", LABEL "owner 9 4\nupcoming 12\nupcoming 11\n", RES_VALUE},
    {"later versions of who is not watched", LABEL "upcoming 12\n", RES_ABSENT},
    {"later than what", LABEL "owner 9 4\nupcoming 9\n", RES_VALUE},
    {"lines before any label", "entry 3 1\n", RES_ABSENT},
    {"a line that nobody knows", LABEL "seen 3\n", RES_ABSENT},
    {"a view behind the labels", LABEL "view AAAA\n", RES_ABSENT},
    {"no view", "view AAAA\n", RES_VALUE},
};

static void
lines_have_one_form(void **state)
{
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX), file = BUF_INIT(MEMORYDATA_FILE_MAX);
    struct memory empty;

    (void)state;
    memory_init(&empty);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memorydata_write(&data, &empty, &text);
        text.n -= MEMORYDATA_DIGEST_LINE;
        assert_int_equal(buf_add(&text, span_str(rows[i].lines)), RES_OK);
        memorydata_seal(buf_span(&text), &file);
        enum result r = memorydata_parse(&data, buf_span(&file));
        if (r != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(r));
    }
    buf_release(&text);
    buf_release(&file);
}

/* One line more than is kept of it. */
static void
lines_have_a_limit(void **state)
{
    static const struct {
        const char *key, *rest;
        unsigned max;
        enum result beyond;
    } kinds[] = {{"entry", " 7", CONTACT_ENTRIES_MAX, RES_TOO_LARGE},
                 {"step", " " KEY, PROVED_STEPS_MAX, RES_VALUE},
                 {"upcoming", "", MEMORY_UPCOMING_MAX, RES_VALUE}};
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX), file = BUF_INIT(MEMORYDATA_FILE_MAX);
    struct memory empty;

    (void)state;
    memory_init(&empty);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        memorydata_write(&data, &empty, &text);
        text.n -= MEMORYDATA_DIGEST_LINE;
        assert_int_equal(buf_printf(&text, "%s%s", LABEL, k == 2 ? "owner 0 0\n" : ""), RES_OK);
        for (unsigned i = 1; i <= kinds[k].max + 1; i++) {
            if (k == 0)
                assert_int_equal(buf_printf(&text, "entry %u %u\n", i, i), RES_OK);
            else
                assert_int_equal(buf_printf(&text, "%s %u%s\n", kinds[k].key, i, kinds[k].rest),
                                 RES_OK);
            if (i < kinds[k].max)
                continue;
            memorydata_seal(buf_span(&text), &file);
            assert_int_equal(memorydata_parse(&data, buf_span(&file)),
                             i == kinds[k].max ? RES_OK : kinds[k].beyond);
        }
    }
    buf_release(&text);
    buf_release(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_one_form),
        cmocka_unit_test(lines_have_one_form),
        cmocka_unit_test(lines_have_a_limit),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
