/* client/certs: the certificates of a file. */
#include "client/certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define B "-----BEGIN CERTIFICATE-----\n"
#define E "-----END CERTIFICATE-----\n"

static const struct {
    const char *says, *text;
    enum result want;
    size_t n;
} rows[] = {
    {"one", B "MAA=\n" E, RES_OK, 1},
    {"two with words around them", "hello\n" B "MAA=\n" E "between\n" B "MAEB\n" E "after", RES_OK,
     2},
    {"carriage returns and short lines", "-----BEGIN CERTIFICATE-----\r\nMA\r\nA=\r\n" E, RES_OK,
     1},
    {"other blocks are passed over",
     "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" B "MAA=\n" E, RES_OK, 1},
    {"DER as it stands", "0\x01x", RES_OK, 1},
    {"nothing", "", RES_ABSENT, 0},
    {"no block", "hello", RES_ABSENT, 0},
    {"a block that does not end", B "MAA=\n", RES_ENCODING, 0},
    {"an empty block", B E, RES_ENCODING, 0},
    {"not base64", B "MA*=\n" E, RES_ENCODING, 0},
    {"padding missing", B "MAA\n" E, RES_ENCODING, 0},
    {"a good block, then a bad one", B "MAA=\n" E B "M\n" E, RES_ENCODING, 0},
};

static void
blocks_are_read_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct certs p = CERTS_INIT;
        enum result r = certs_parse(span_str(rows[i].text), &p);
        if (r != rows[i].want || p.n != rows[i].n)
            fail_msg("%s: %s, %zu", rows[i].says, result_name(r), p.n);
        if (i == 1) {
            assert_true(span_equal(p.certs[0], span_of("\x30\0", 2)));
            assert_true(span_equal(p.certs[1], span_of("\x30\1\1", 3)));
        }
        certs_release(&p);
        certs_release(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_read_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
