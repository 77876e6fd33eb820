/* log/headage: heads of every age, and what the operator is told. */
#include "log/headage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW UINT64_C(1770000000000)
#define DAY UINT64_C(86400000)
#define ANY UINT64_MAX

static const struct {
    const char *says;
    uint64_t timestamp, now, max_age;
    enum result want;
    const char *told; /* a part of it */
} rows[] = {
    {"a millisecond old", NOW - 1, NOW, DAY, RES_OK, ""},
    {"a day old to the millisecond", NOW - DAY, NOW, DAY, RES_OK, ""},
    {"a day and a millisecond old", NOW - DAY - 1, NOW, DAY, RES_STALE, "is 24 hours old"},
    {"of 1970", 0, NOW, DAY, RES_STALE, "get a newer one"},
    {"of 1970, where any age will do", 0, NOW, ANY, RES_OK, ""},
    {"of now: the next one cannot be later", NOW, NOW, DAY, RES_CLOCK, "set the clock right"},
    {"of tomorrow", NOW + DAY, NOW, DAY, RES_CLOCK, "set the clock right"},
    {"of tomorrow, where any age will do", NOW + DAY, NOW, ANY, RES_CLOCK, "set the clock right"},
    {"of the end of time", UINT64_MAX, NOW, ANY, RES_CLOCK, "set the clock right"},
    {"a clock at 0", 0, 0, ANY, RES_CLOCK, "set the clock right"},
};

static void
ages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log_trouble why = {{0}};
        enum result rc =
            headage_check("feed's head", rows[i].timestamp, rows[i].now, rows[i].max_age, &why);

        if (rc != rows[i].want || strstr(why.text, rows[i].told) == NULL)
            fail_msg("%s: %s, \"%s\"", rows[i].says, result_name(rc), why.text);
        if (rc != RES_OK && strstr(why.text, "the feed's head given") == NULL)
            fail_msg("%s: which head is not said: \"%s\"", rows[i].says, why.text);
        if (rc == RES_OK && why.text[0] != 0)
            fail_msg("%s: \"%s\"", rows[i].says, why.text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ages)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
