/* Slot, Bundle and Head: the bytes of FORMATS.md, and every damage to them. */
#include "storedata.h"

#include "log/store/bundle.h"
#include "log/store/head.h"
#include "merkle/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
the_head_is_the_example_of_the_format(void **state)
{
    (void)state;
    struct store_head h = {
        .timestamp = 1, .size = 1, .sth_signature = {0x30, 0}, .sth_signature_n = 2};
    memset(h.root.b, 0xaa, HASH_SIZE);
    memset(h.note_signature, 0xbb, sizeof(h.note_signature));
    struct buf out = BUF_INIT(1024), hex = BUF_INIT(4096);
    assert_int_equal(head_write(&h, &out), RES_OK);
    assert_int_equal(text_hex(buf_span(&out), &hex), RES_OK);
    assert_int_equal(hex.n, 2 * (8 + 8 + 32 + 1 + 2 + 64));
    assert_memory_equal(hex.p, "00000000000000010000000000000001aaaa", 36);
    assert_memory_equal(hex.p + 2 * 48, "023000bbbb", 10);

    struct store_head again;
    assert_int_equal(head_read(buf_span(&out), &again), RES_OK);
    assert_memory_equal(&again, &h, sizeof(h));
    for (size_t n = 0; n < out.n; n++)
        assert_int_equal(head_read(span_of(out.p, n), &again), RES_STORE_DAMAGED);
    assert_int_equal(buf_add(&out, span_str("x")), RES_OK);
    assert_int_equal(head_read(buf_span(&out), &again), RES_STORE_DAMAGED);
    out.n--;
    out.p[8] = 0x80; /* a tree beyond 2^62 */
    assert_int_equal(head_read(buf_span(&out), &again), RES_STORE_DAMAGED);
    buf_release(&out);
    buf_release(&hex);
}

static void
a_slot_is_read_as_written_and_bounded(void **state)
{
    static const struct {
        const char *says;
        const char *bytes;
        size_t n;
        enum result want;
    } rows[] = {
        {"one byte each", "\1sL", 3, RES_OK},
        {"a longer leaf", "\2ssleaf", 7, RES_OK},
        {"nothing", "", 0, RES_STORE_DAMAGED},
        {"no signature", "\0L", 2, RES_STORE_DAMAGED},
        {"a signature that ends with the record", "\2ss", 3, RES_STORE_DAMAGED},
        {"a signature that passes the record", "\3ss", 3, RES_STORE_DAMAGED},
        {"a signature longer than any",
         "\x49xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxx",
         90, RES_STORE_DAMAGED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct store_entry e;
        print_message("    %s\n", rows[i].says);
        struct span record = span_of(rows[i].bytes, rows[i].n);
        assert_int_equal(slot_read(record, &e), rows[i].want);
        if (rows[i].want != RES_OK)
            continue;
        uint8_t out[16];
        assert_int_equal(slot_size(&e), rows[i].n);
        slot_write(&e, out);
        assert_memory_equal(out, rows[i].bytes, rows[i].n);
    }
}

/* A bundle of the entries from `first` on; to be freed. */
static struct span
make_bundle(uint64_t first)
{
    uint32_t leaves_n = 0;
    for (unsigned i = 0; i < STORE_BUNDLE; i++)
        leaves_n += (uint32_t)data_entry(first + i).leaf.n;
    uint8_t *out = malloc(bundle_size(leaves_n));
    assert_non_null(out);
    struct bundle_writer w;
    bundle_writer_init(&w, out, leaves_n);
    for (unsigned i = 0; i < STORE_BUNDLE; i++) {
        assert_false(bundle_writer_whole(&w));
        struct store_entry e = data_entry(first + i);
        assert_int_equal(bundle_writer_add(&w, &e), RES_OK);
    }
    assert_true(bundle_writer_whole(&w));
    return span_of(out, bundle_size(leaves_n));
}

static void
a_bundle_is_read_as_written(void **state)
{
    (void)state;
    struct span record = make_bundle(1000);
    struct bundle b;
    assert_int_equal(bundle_read(record, &b), RES_OK);
    size_t at = 0;
    for (unsigned i = 0; i < STORE_BUNDLE; i++) {
        struct store_entry e, want = data_entry(1000 + i);
        struct span leaves;
        assert_int_equal(bundle_entry(&b, i, &e), RES_OK);
        assert_true(span_equal(e.leaf, want.leaf));
        assert_true(span_equal(e.sct_signature, want.sct_signature));
        assert_ptr_equal(e.leaf.p, record.p + 257 * 4 + at); /* the data tile, byte for byte */
        at += want.leaf.n;
        assert_int_equal(bundle_leaves(&b, i + 1, &leaves), RES_OK);
        assert_int_equal(leaves.n, at);
    }
    assert_int_equal(record.n, 257 * 4 + at + 256 * 73);
    for (size_t n = 0; n < record.n; n += n < 20000 ? 1 : 977)
        assert_int_equal(bundle_read(span_of(record.p, n), &b), RES_STORE_DAMAGED);
    free((void *)(uintptr_t)record.p);
}

static void
a_bundle_takes_what_was_announced_only(void **state)
{
    (void)state;
    static uint8_t out[257 * 4 + 10 + 256 * 73];
    struct bundle_writer w;
    struct store_entry e = {.leaf = span_str("12345678"), .sct_signature = span_str("s")};
    bundle_writer_init(&w, out, 10);
    assert_int_equal(bundle_writer_add(&w, &e), RES_OK);
    assert_int_equal(bundle_writer_add(&w, &e), RES_STORE_DAMAGED);
    assert_false(bundle_writer_whole(&w));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_is_the_example_of_the_format),
        cmocka_unit_test(a_slot_is_read_as_written_and_bounded),
        cmocka_unit_test(a_bundle_is_read_as_written),
        cmocka_unit_test(a_bundle_takes_what_was_announced_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
