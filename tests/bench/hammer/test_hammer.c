/* What the load generator says must be true: its quantiles, its reading of answers, its receipts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "merkle/leaf/entry.h"
#include "tests/bench/hammer/histogram.h"
#include "tests/bench/hammer/receipts.h"
#include "tests/bench/hammer/target.h"

static void
quantiles_are_within_a_hundredth(void **state)
{
    static struct histogram h;
    static const double Q[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
    (void)state;
    histogram_init(&h);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    for (uint64_t i = 1; i <= 100000; i++)
        histogram_add(&h, i * 1000);
    for (size_t i = 0; i < sizeof Q / sizeof Q[0]; i++) {
        double exact = Q[i] * 1e8, got = (double)histogram_quantile(&h, Q[i]);
        assert_true(got >= exact - 1 && got <= exact * 1.01);
    }
    assert_int_equal(histogram_quantile(&h, 1.0), 100000000);
}

static void
extreme_values_have_a_cell(void **state)
{
    static struct histogram h;
    (void)state;
    histogram_init(&h);
    histogram_add(&h, 0);
    assert_int_equal(histogram_quantile(&h, 1.0), 0);
    histogram_add(&h, UINT64_MAX);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    assert_int_equal(h.max, UINT64_MAX);
}

static void
answers_are_read(void **state)
{
    static const struct {
        const char *says, *text;
        long head;
        int status;
        size_t body;
        bool close;
    } ROWS[] = {
        {"a head with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 38, 200, 5,
         false},
        {"names in any case", "HTTP/1.1 503 Busy\r\ncontent-LENGTH:2\r\n\r\n", 39, 503, 2, false},
        {"a connection that ends",
         "HTTP/1.1 400 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 56, 400, 0, true},
        {"an incomplete head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", 0, 0, 0, false},
        {"no length", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", -1, 0, 0, false},
        {"another protocol", "SSH-2.0-something\r\n\r\n", -1, 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        int status = 0;
        size_t body = 0;
        bool ends = false;
        print_message("%s\n", ROWS[i].says);
        long head =
            answer_head((const uint8_t *)ROWS[i].text, strlen(ROWS[i].text), &status, &body, &ends);
        assert_int_equal(head, ROWS[i].head);
        if (head <= 0)
            continue;
        assert_int_equal(status, ROWS[i].status);
        assert_int_equal(body, ROWS[i].body);
        assert_int_equal(ends, ROWS[i].close);
    }
}

static void
receipts_are_kept(void **state)
{
    static const char SCT[] = "{\"sct_version\":0,\"id\":\"AAAA\",\"timestamp\":1700000000123,"
                              "\"extensions\":\"AAAFAAAAAQI=\",\"signature\":\"BAMAAjAA\"}";
    static const char *const BROKEN[] = {
        "{\"timestamp\":1,\"extensions\":\"\",\"signature\":\"BAMAAjAA\"}",
        "{\"timestamp\":x,\"extensions\":\"AAAFAAAAAQI=\",\"signature\":\"BAMAAjAA\"}",
        "{\"timestamp\":1,\"extensions\":\"AAAFAAAAAQI=\",\"signature\":\"\"}",
        "{\"timestamp\":1,\"extensions\":\"AAAFAAAAAQI=\"}",
    };
    struct receipt r, again;
    struct hash leaf, other, read;
    uint64_t number;
    (void)state;
    assert_true(receipt_parse(span_str(SCT), &r));
    assert_int_equal(r.timestamp, 1700000000123);
    assert_int_equal(r.index, 258);
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++)
        assert_false(receipt_parse(span_str(BROKEN[i]), &again));

    receipt_leaf_hash(&r, span_str("certificate"), &leaf);
    again = r;
    again.index++;
    receipt_leaf_hash(&again, span_str("certificate"), &other);
    assert_false(hash_equal(&leaf, &other));

    FILE *f = tmpfile();
    assert_non_null(f);
    assert_true(receipt_write(f, 7, &r, &leaf));
    rewind(f);
    assert_true(receipt_read(f, &number, &again, &read));
    assert_int_equal(number, 7);
    assert_int_equal(again.timestamp, r.timestamp);
    assert_int_equal(again.index, r.index);
    assert_true(hash_equal(&leaf, &read));
    assert_false(receipt_read(f, &number, &again, &read));
    fclose(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_within_a_hundredth),
        cmocka_unit_test(extreme_values_have_a_cell),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(receipts_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
