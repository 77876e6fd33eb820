/* client/directory/memory_file: what is kept of a directory comes back, and no other file is one.
 */
#include <stdlib.h>
#include <string.h>

#include "client/directory/memory.h"
#include "tests/fault/failalloc.h"
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

/* ---- there and back ---- */

static void
comes_back(const struct memory *m)
{
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX), again = BUF_INIT(MEMORYDATA_FILE_MAX);
    struct memory back;

    memory_init(&back);
    memorydata_write(&data, m, &text);
    assert_int_equal(memory_parse(buf_span(&text), &data.log, &back), RES_OK);
    assert_true(memorydata_same(m, &back));
    memorydata_write(&data, &back, &again);
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
no_byte_can_be_another(void **state)
{
    struct rng r = rng_start("memory file: changed");
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX);

    (void)state;
    memorydata_write_any(&data, &r, &text);
    for (size_t at = 0; at < text.n; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text.p[at] ^= (uint8_t)(1u << bit);
            if (memorydata_parse(&data, buf_span(&text)) == RES_OK)
                fail_msg("byte %zu of %zu, bit %u", at, text.n, bit);
            text.p[at] ^= (uint8_t)(1u << bit);
        }
        if (memorydata_parse(&data, span_of(text.p, at)) == RES_OK)
            fail_msg("cut to %zu bytes of %zu", at, text.n);
    }
    assert_int_equal(memorydata_parse(&data, buf_span(&text)), RES_OK);
    assert_int_equal(buf_add(&text, span_str("\n")), RES_OK);
    assert_int_not_equal(memorydata_parse(&data, buf_span(&text)), RES_OK);
    buf_release(&text);
}

/* ---- whose it is ---- */

static void
a_file_is_of_one_directory(void **state)
{
    struct rng r = rng_start("memory file: whose");
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX);
    struct policy_log log = data.log, other = data.log;
    struct memory m;

    (void)state;
    memory_init(&m);
    memorydata_write_any(&data, &r, &text);
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
    memorydata_write(&data, &m, &text);
    assert_int_equal(memorydata_parse(&data, buf_span(&text)), RES_SIGNATURE);
    m.signature[9] ^= 1;
    m.view.peaks.heads[0].b[0] ^= 1;
    memorydata_write(&data, &m, &text);
    assert_int_equal(memorydata_parse(&data, buf_span(&text)), RES_SIGNATURE);
    m.view.peaks.heads[0].b[0] ^= 1;
    m.view.frontier[1].position++;
    memorydata_write(&data, &m, &text);
    assert_int_equal(memorydata_parse(&data, buf_span(&text)), RES_VALUE);
    m.view.frontier[1].position--;
    m.view.n--;
    memorydata_write(&data, &m, &text);
    assert_int_equal(memorydata_parse(&data, buf_span(&text)), RES_VALUE);
    m.view.n++;
    memorydata_write(&data, &m, &text);
    assert_int_equal(memorydata_parse(&data, buf_span(&text)), RES_OK);
    memory_release(&m);
    buf_release(&text);
}

/* ---- no memory ---- */

static void
each_allocation_may_fail(void **state)
{
    struct rng r = rng_start("memory file: allocations");
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX);
    struct memory m, back;
    enum result rc = RES_MEMORY;

    (void)state;
    memory_init(&m);
    memorydata_view(&data, &r, 1000, &m);
    while (m.n < 20)
        (void)memorydata_label(&r, m.n, 3, &m);
    for (size_t nth = 1; rc != RES_OK; nth++) {
        buf_release(&text);
        text = BUF_INIT(MEMORYDATA_FILE_MAX);
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
    struct buf text = BUF_INIT(MEMORYDATA_FILE_MAX), little;
    struct memory m;

    (void)state;
    memorydata_fill(&data, &r, &m);
    memorydata_write(&data, &m, &text);
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
        cmocka_unit_test(a_file_is_of_one_directory),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_file_has_a_limit),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
