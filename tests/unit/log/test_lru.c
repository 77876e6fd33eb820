#include "log/accept/lru.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct hash
hash_of(uint64_t n)
{
    struct hash h;

    hash_sha256(span_of(&n, sizeof n), &h);
    return h;
}

static size_t released;

static void
count_release(void *value)
{
    (void)value;
    released++;
}

/* 100,000 random operations against a list that is searched and moved by hand. */
static void
lru_against_a_list(void **state)
{
    enum { CAP = 7, KEYS = 20 };
    struct lru_key k[KEYS];
    size_t list[CAP], n = 0, gone = 0; /* list[0] is the newest */
    static char values[KEYS];
    struct lru *l;

    (void)state;
    srand(1);
    released = 0;
    for (size_t i = 0; i < KEYS; i++) {
        k[i] = (struct lru_key){.a = hash_of(i), .b = hash_of(100 + i % 3)};
    }
    assert_int_equal(lru_new(CAP, count_release, &l), RES_OK);
    for (int round = 0; round < 100000; round++) {
        size_t i = (size_t)rand() % KEYS, at = 0;
        void *found = lru_get(l, &k[i]);

        while (at < n && list[at] != i) {
            at++;
        }
        assert_ptr_equal(found, at < n ? &values[i] : NULL);
        if (at == n) {
            lru_put(l, &k[i], &values[i]);
            gone += n == CAP;
            n += n < CAP;
            at = n - 1;
        }
        memmove(list + 1, list, at * sizeof list[0]);
        list[0] = i;
        assert_int_equal(lru_count(l), n);
        assert_int_equal(released, gone);
    }
    lru_free(l);
    assert_int_equal(released, gone + n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_against_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
