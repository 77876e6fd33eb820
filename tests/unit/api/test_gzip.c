/* api/http/gzip: who takes gzip, and that what is made is gzip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <libdeflate.h>

#include "api/http/gzip.h"

static const struct {
    const char *value;
    bool takes;
} rows[] = {
    {"gzip", true},
    {"GZIP", true},
    {"x-gzip", true},
    {"deflate, gzip;q=0.5, br", true},
    {"gzip;q=1.000", true},
    {"gzip ; q=0.001", true},
    {"*", true},
    {"*;q=0.1, br", true},
    {"", false},
    {"identity", false},
    {"deflate, br", false},
    {"gzip;q=0", false},
    {"gzip;q=0.000", false},
    {"*, gzip;q=0", false},
    {"gzip;q=0, *", false},
    {"*;q=0", false},
    {"gzipped", false},
    {"gzip;q=", false},
    {"gzip;q=2", false},
    {"gzip;q=0.1234", false},
    {"gzip;x=1", false},
    {";;;,,,", false},
};

static void
every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gzip_accepted(span_str(rows[i].value)) != rows[i].takes)
            fail_msg("\"%s\"", rows[i].value);
}

static void
round_trip(void **state)
{
    static uint8_t in[100000];
    static uint8_t back[sizeof in];
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    struct buf out = BUF_INIT(1 << 20);
    struct gzip *g;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * i >> 7);
    assert_int_equal(gzip_new(&g), RES_OK);
    assert_int_equal(buf_printf(&out, "before"), RES_OK);
    assert_int_equal(gzip_add(g, span_of(in, sizeof in), &out), RES_OK);
    assert_true(out.n < sizeof in);
    assert_int_equal(libdeflate_gzip_decompress(d, out.p + 6, out.n - 6, back, sizeof back, &n),
                     LIBDEFLATE_SUCCESS);
    assert_int_equal(n, sizeof in);
    assert_memory_equal(back, in, sizeof in);
    /* No room: the buffer stays as it was. */
    buf_release(&out);
    buf_init(&out, 100);
    assert_int_equal(gzip_add(g, span_of(in, sizeof in), &out), RES_TOO_LARGE);
    assert_int_equal(out.n, 0);
    buf_release(&out);
    gzip_free(g);
    libdeflate_free_decompressor(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row),
        cmocka_unit_test(round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
