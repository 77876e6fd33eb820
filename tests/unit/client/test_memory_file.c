/* client/directory/memory_file: what is kept of a directory comes back, and no other file is one.
 */
#include <stdlib.h>
#include <string.h>

#include "client/directory/memory.h"
#include "client/record.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/client/memorydata.h"
#include "tests/vectors/check.h"

#define FILE_ROOM ((size_t)4 << 20)

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

static void
write_file(const struct memory *m, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(memory_write(m, &data.log, out), RES_OK);
}

static enum result
parse(struct span text)
{
    struct memory m;
    enum result r;

    memory_init(&m);
    r = memory_parse(text, &data.log, &m);
    if (r != RES_OK) /* nothing is written */
        assert_true(m.n == 0 && m.labels == NULL && !m.has_view);
    memory_release(&m);
    return r;
}

/* ---- there and back ---- */

static void
comes_back(const struct memory *m)
{
    struct buf text = BUF_INIT(FILE_ROOM), again = BUF_INIT(FILE_ROOM);
    struct memory back;

    memory_init(&back);
    write_file(m, &text);
    assert_int_equal(memory_parse(buf_span(&text), &data.log, &back), RES_OK);
    assert_true(memorydata_same(m, &back));
    write_file(&back, &again);
    assert_true(span_equal(buf_span(&text), buf_span(&again)));
    memory_release(&back);
    buf_release(&text);
    buf_release(&again);
}

static void
what_is_written_comes_back(void **state)
{
    struct rng r = rng_start("memory file: back");

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        struct memory m;

        memorydata_fill(&data, &r, &m);
        comes_back(&m);
        memory_release(&m);
    }
}

static void
as_much_as_is_kept_comes_back(void **state)
{
    struct rng r = rng_start("memory file: full");
    struct memory m;

    (void)state;
    memory_init(&m);
    memorydata_view(&data, &r, NODE_LEAVES_MAX - 1, &m); /* the longest view */
    struct memory_label *l = memorydata_label(&r, 1, 1, &m);
    l->watched = true;
    l->start = 0;
    l->at_start = UINT32_MAX;
    l->upcoming_n = MEMORY_UPCOMING_MAX;
    for (size_t i = 0; i < MEMORY_UPCOMING_MAX; i++)
        l->upcoming[i] = NODE_LEAVES_MAX - 1;
    l->steps_n = PROVED_STEPS_MAX;
    for (uint32_t i = 0; i < PROVED_STEPS_MAX; i++)
        l->steps[i] = memorydata_step(UINT32_MAX - PROVED_STEPS_MAX + 1 + i, true);
    l->map.n = CONTACT_ENTRIES_MAX;
    for (unsigned i = 0; i < CONTACT_ENTRIES_MAX; i++)
        l->map.entries[i] =
            (struct contact_entry){NODE_LEAVES_MAX - CONTACT_ENTRIES_MAX + i, UINT32_MAX - i};
    comes_back(&m);
    memory_release(&m);
}

/* ---- damage ---- */

static void
make_one(struct rng *r, struct buf *text)
{
    struct memory m;

    memory_init(&m);
    memorydata_view(&data, r, 1 + rng_next(r) % 1000, &m);
    while (m.n < 3)
        (void)memorydata_label(r, m.n, 5, &m);
    write_file(&m, text);
    memory_release(&m);
}

static void
no_byte_can_be_another(void **state)
{
    struct rng r = rng_start("memory file: changed");
    struct buf text = BUF_INIT(FILE_ROOM);

    (void)state;
    make_one(&r, &text);
    for (size_t at = 0; at < text.n; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text.p[at] ^= (uint8_t)(1u << bit);
            if (parse(buf_span(&text)) == RES_OK)
                fail_msg("byte %zu of %zu, bit %u", at, text.n, bit);
            text.p[at] ^= (uint8_t)(1u << bit);
        }
        if (parse(span_of(text.p, at)) == RES_OK)
            fail_msg("cut to %zu bytes of %zu", at, text.n);
    }
    assert_int_equal(parse(buf_span(&text)), RES_OK);
    assert_int_equal(buf_add(&text, span_str("\n")), RES_OK);
    assert_int_not_equal(parse(buf_span(&text)), RES_OK);
    buf_release(&text);
}

/* Puts the digest anew behind all lines but the last. */
static void
seal(struct span lines, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(buf_add(out, lines), RES_OK);
    assert_int_equal(record_write_digest(out), RES_OK);
}

#define DIGEST_LINE (7 + 64 + 1)

/* Bytes are changed, left out or doubled and the digest made anew: another form is refused, so that
 * what is taken is written as it was. */
static void
there_is_one_form(void **state)
{
    struct rng r = rng_start("memory file: forms");
    struct buf text = BUF_INIT(FILE_ROOM), bent = BUF_INIT(FILE_ROOM), other = BUF_INIT(FILE_ROOM),
               again = BUF_INIT(FILE_ROOM);
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 6000; i++) {
        struct memory back;

        if (i % 500 == 0)
            make_one(&r, &text);
        size_t lines = text.n - DIGEST_LINE, at = rng_next(&r) % lines, n = rng_next(&r) % 3;
        size_t skip = at + n > lines ? 0 : n;
        buf_clear(&bent);
        assert_int_equal(buf_add(&bent, span_of(text.p, at)), RES_OK);
        if (i % 2)
            assert_int_equal(buf_add(&bent, span_of(&"0 1-9\nA="[rng_next(&r) % 8], 1)), RES_OK);
        assert_int_equal(buf_add(&bent, span_of(text.p + at + skip, lines - at - skip)), RES_OK);
        seal(buf_span(&bent), &other);
        memory_init(&back);
        if (memory_parse(buf_span(&other), &data.log, &back) == RES_OK) {
            taken++;
            write_file(&back, &again);
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
    struct buf text = BUF_INIT(FILE_ROOM), file = BUF_INIT(FILE_ROOM);
    struct memory empty;

    (void)state;
    memory_init(&empty);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_file(&empty, &text);
        text.n -= DIGEST_LINE;
        assert_int_equal(buf_add(&text, span_str(rows[i].lines)), RES_OK);
        seal(buf_span(&text), &file);
        enum result r = parse(buf_span(&file));
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
    struct buf text = BUF_INIT(FILE_ROOM), file = BUF_INIT(FILE_ROOM);
    struct memory empty;

    (void)state;
    memory_init(&empty);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        write_file(&empty, &text);
        text.n -= DIGEST_LINE;
        assert_int_equal(buf_printf(&text, "%s%s", LABEL, k == 2 ? "owner 0 0\n" : ""), RES_OK);
        for (unsigned i = 1; i <= kinds[k].max + 1; i++) {
            if (k == 0)
                assert_int_equal(buf_printf(&text, "entry %u %u\n", i, i), RES_OK);
            else
                assert_int_equal(buf_printf(&text, "%s %u%s\n", kinds[k].key, i, kinds[k].rest),
                                 RES_OK);
            if (i < kinds[k].max)
                continue;
            seal(buf_span(&text), &file);
            assert_int_equal(parse(buf_span(&file)), i == kinds[k].max ? RES_OK : kinds[k].beyond);
        }
    }
    buf_release(&text);
    buf_release(&file);
}

/* ---- whose it is ---- */

static void
a_file_is_of_one_directory(void **state)
{
    struct rng r = rng_start("memory file: whose");
    struct buf text = BUF_INIT(FILE_ROOM);
    struct policy_log log = data.log, other = data.log;
    struct memory m;

    (void)state;
    memory_init(&m);
    make_one(&r, &text);
    other.note.public[0] ^= 1;
    assert_int_equal(memory_parse(buf_span(&text), &other, &m), RES_KEY);
    other = log;
    other.directory.vrf_key[5] ^= 1;
    assert_int_equal(memory_parse(buf_span(&text), &other, &m), RES_KEY);
    other = log;
    other.directory.max_behind++;
    assert_int_equal(memory_parse(buf_span(&text), &other, &m), RES_KEY);
    other = log;
    other.directory.signature_key[5] ^= 1;
    assert_int_equal(memory_parse(buf_span(&text), &other, &m), RES_KEY);
    assert_int_equal(m.n, 0);

    /* A head that its directory did not sign. */
    memorydata_view(&data, &r, 77, &m);
    m.signature[9] ^= 1;
    write_file(&m, &text);
    assert_int_equal(parse(buf_span(&text)), RES_SIGNATURE);
    m.signature[9] ^= 1;
    m.view.peaks.heads[0].b[0] ^= 1;
    write_file(&m, &text);
    assert_int_equal(parse(buf_span(&text)), RES_SIGNATURE);
    m.view.peaks.heads[0].b[0] ^= 1;
    m.view.frontier[1].position++;
    write_file(&m, &text);
    assert_int_equal(parse(buf_span(&text)), RES_VALUE);
    m.view.frontier[1].position--;
    m.view.n--;
    write_file(&m, &text);
    assert_int_equal(parse(buf_span(&text)), RES_VALUE);
    m.view.n++;
    write_file(&m, &text);
    assert_int_equal(parse(buf_span(&text)), RES_OK);
    memory_release(&m);
    buf_release(&text);
}

/* ---- no memory ---- */

static void
each_allocation_may_fail(void **state)
{
    struct rng r = rng_start("memory file: allocations");
    struct buf text = BUF_INIT(FILE_ROOM);
    struct memory m, back;
    enum result rc = RES_MEMORY;

    (void)state;
    memory_init(&m);
    memorydata_view(&data, &r, 1000, &m);
    while (m.n < 20)
        (void)memorydata_label(&r, m.n, 3, &m);
    for (size_t nth = 1; rc != RES_OK; nth++) {
        buf_release(&text);
        text = BUF_INIT(FILE_ROOM);
        failalloc_at(nth);
        rc = memory_write(&m, &data.log, &text);
        failalloc_at(0);
        assert_true(rc == RES_OK || rc == RES_MEMORY);
    }
    rc = RES_MEMORY;
    for (size_t nth = 1; rc != RES_OK; nth++) {
        memory_init(&back);
        failalloc_at(nth);
        rc = memory_parse(buf_span(&text), &data.log, &back);
        failalloc_at(0);
        assert_true(rc == RES_OK || rc == RES_MEMORY);
        assert_int_equal(back.n, rc == RES_OK ? m.n : 0);
    }
    assert_true(memorydata_same(&m, &back));
    memory_release(&back);
    memory_release(&m);
    buf_release(&text);
}

static void
a_file_has_a_limit(void **state)
{
    struct rng r = rng_start("memory file: limit");
    struct buf text = BUF_INIT(FILE_ROOM), little;
    struct memory m;

    (void)state;
    memorydata_fill(&data, &r, &m);
    write_file(&m, &text);
    for (size_t max = 0; max < text.n; max += 1 + max / 8) {
        little = BUF_INIT(max);
        assert_int_equal(memory_write(&m, &data.log, &little), RES_TOO_LARGE);
        buf_release(&little);
    }
    little = BUF_INIT(text.n);
    assert_int_equal(memory_write(&m, &data.log, &little), RES_OK);
    buf_release(&little);
    buf_release(&text);
    memory_release(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_back),
        cmocka_unit_test(as_much_as_is_kept_comes_back),
        cmocka_unit_test(no_byte_can_be_another),
        cmocka_unit_test(there_is_one_form),
        cmocka_unit_test(lines_have_one_form),
        cmocka_unit_test(lines_have_a_limit),
        cmocka_unit_test(a_file_is_of_one_directory),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_file_has_a_limit),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
