/* merkle/leaf/datatile: TileLeaf, and a data tile that another log served. */
#include "merkle/leaf/datatile.h"

#include "tests/unit/merkle/mkcert.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/testdata.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the two above first. */
#include <cmocka.h>

#define MAX (1 << 25)
#define H32 "1111111111111111111111111111111111111111111111111111111111111111"

static const struct {
    const char *says, *hex;
    enum result want;
} rows[] = {
    {"a certificate without issuers", "0000000000000001 0000 000001 61 0000 0000", RES_OK},
    {"a certificate with two issuers", "0000000000000001 0000 000001 61 0000 0040" H32 H32, RES_OK},
    {"a precertificate", "0000000000000001 0001" H32 "000001 61 0000 000002 7071 0020" H32, RES_OK},
    {"a precertificate whose submission is empty",
     "0000000000000001 0001" H32 "000001 61 0000 000000 0020" H32, RES_VALUE},
    {"an issuer of 31 bytes",
     "0000000000000001 0000 000001 61 0000 001f"
     "11111111111111111111111111111111111111111111111111111111111111",
     RES_VALUE},
    {"an unknown entry type", "0000000000000001 0002 000001 61 0000 0000", RES_VALUE},
    {"an issuer cut short", "0000000000000001 0000 000001 61 0000 0020 1111", RES_TRUNCATED},
    {"no chain", "0000000000000001 0000 000001 61 0000", RES_TRUNCATED},
};

static void
rows_are_read_and_written_back(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(MAX), out = BUF_INIT(MAX);
    struct guard g;
    guard_init(&g, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tile_leaf l;
        mkcert_hex(rows[i].hex, &b);
        struct reader r = reader_of(guard_put(&g, buf_span(&b)));
        enum result got = tile_leaf_read(&r, &l);
        if (got != rows[i].want)
            fail_msg("%s: %s", rows[i].says, result_name(got));
        if (got != RES_OK)
            continue;
        assert_int_equal(reader_end(&r), RES_OK);
        buf_clear(&out);
        assert_int_equal(tile_leaf_write(&l, &out), RES_OK);
        assert_true(span_equal(buf_span(&out), buf_span(&b)));
        for (size_t n = 0; n < b.n; n++) {
            r = reader_of(guard_put(&g, span_of(b.p, n)));
            assert_int_equal(tile_leaf_read(&r, &l), RES_TRUNCATED);
        }
    }
    guard_release(&g);
    buf_release(&b);
    buf_release(&out);
}

static void
what_follows_stays_in_the_reader(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(MAX);
    struct tile_leaf l;
    mkcert_hex("0000000000000001 0000 000001 61 0000 0000 ee", &b);
    struct reader r = reader_of(buf_span(&b));
    assert_int_equal(tile_leaf_read(&r, &l), RES_OK);
    assert_int_equal(reader_end(&r), RES_TRAILING);
    assert_int_equal(get_u8(&r), 0xee);
    buf_release(&b);
}

static void
limits_are_kept(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(MAX), small = BUF_INIT(10);
    struct tile_leaf l = {.timestamped.entry.body = span_str("a")}, back;
    l.chain_count = DATATILE_CHAIN_MAX;
    assert_int_equal(tile_leaf_write(&l, &out), RES_OK);
    struct reader r = reader_of(buf_span(&out));
    assert_int_equal(tile_leaf_read(&r, &back), RES_OK);
    assert_int_equal(back.chain_count, DATATILE_CHAIN_MAX);
    /* One more issuer: the length is in the two bytes before the hashes. */
    size_t length = out.n - DATATILE_CHAIN_MAX * HASH_SIZE - 2;
    static const uint8_t more[HASH_SIZE];
    assert_int_equal(buf_add(&out, span_of(more, HASH_SIZE)), RES_OK);
    out.p[length] = (DATATILE_CHAIN_MAX + 1) * HASH_SIZE >> 8;
    out.p[length + 1] = (DATATILE_CHAIN_MAX + 1) * HASH_SIZE & 0xff;
    r = reader_of(buf_span(&out));
    assert_int_equal(tile_leaf_read(&r, &back), RES_TOO_LARGE);
    assert_int_equal(tile_leaf_write(&l, &small), RES_TOO_LARGE);
    assert_int_equal(small.n, 0);
    l.timestamped.entry.type = ENTRY_PRECERT;
    assert_int_equal(tile_leaf_write(&l, &small), RES_TOO_LARGE);
    size_t n = out.n;
    assert_int_equal(tile_leaf_write(&l, &out), RES_VALUE);
    assert_int_equal(out.n, n);
    buf_release(&out);
    buf_release(&small);
}

static void
a_tile_of_another_log_is_read(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    struct buf tile, out = BUF_INIT(MAX);
    unsigned count = 0, precerts = 0;
    testdata_load("vectors/1-merkle-ct/tesseract-testdata/example_tile", &tile);
    struct reader r = reader_of(buf_span(&tile));
    while (!reader_done(&r)) {
        struct tile_leaf l;
        struct timestamped_entry back;
        struct hash a, b;
        const uint8_t *begin = r.p;
        assert_int_equal(tile_leaf_read(&r, &l), RES_OK);
        buf_clear(&out);
        assert_int_equal(tile_leaf_write(&l, &out), RES_OK);
        assert_true(span_equal(buf_span(&out), span_of(begin, (size_t)(r.p - begin))));
        /* static-ct-api: every entry carries its leaf index, here in order. */
        uint64_t index;
        assert_int_equal(entry_find_leaf_index(l.timestamped.extensions, &index), RES_OK);
        assert_int_equal(index % 256, count);
        /* The MerkleTreeLeaf built anew reads back as the same entry and hashes alike both ways. */
        buf_clear(&out);
        assert_int_equal(entry_leaf_write(&l.timestamped, &out), RES_OK);
        assert_int_equal(entry_leaf_parse(buf_span(&out), &back), RES_OK);
        assert_true(span_equal(back.entry.body, l.timestamped.entry.body));
        hash_leaf(buf_span(&out), &a);
        entry_leaf_hash(&l.timestamped, &b);
        assert_true(hash_equal(&a, &b));
        precerts += l.timestamped.entry.type == ENTRY_PRECERT;
        count++;
    }
    assert_int_equal(reader_end(&r), RES_OK);
    assert_int_equal(count, 256);
    print_message("256 entries, %u of them precertificates\n", precerts);
    buf_release(&tile);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_and_written_back),
        cmocka_unit_test(what_follows_stays_in_the_reader),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(a_tile_of_another_log_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
