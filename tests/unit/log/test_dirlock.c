/* log/dirlock: who may serve a directory. */
#include "log/dirlock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_dirlock.XXXXXX";
static char lock[64];
static char store[64];
static char data[64];

static int
setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(lock, sizeof(lock), "%s/lock", dir);
    (void)snprintf(store, sizeof(store), "%s/store", dir);
    (void)snprintf(data, sizeof(data), "%s/store/data.mdb", dir);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    (void)unlink(data);
    (void)rmdir(store);
    (void)unlink(lock);
    return rmdir(dir);
}

static void
make_store(void)
{
    FILE *f;
    assert_int_equal(mkdir(store, 0700), 0);
    f = fopen(data, "w");
    assert_non_null(f);
    (void)fclose(f);
}

static void
one_at_a_time(void **state)
{
    struct dirlock first = DIRLOCK_NONE, second = DIRLOCK_NONE;
    struct log_trouble why = {""};
    (void)state;
    /* Before there is a store, and then with one. */
    for (int round = 0; round < 2; round++) {
        if (round == 1)
            make_store();
        assert_int_equal(dirlock_take(&first, dir, &why), RES_OK);
        assert_int_equal(dirlock_take(&second, dir, &why), RES_EXISTS);
        assert_non_null(strstr(why.text, "another cartularyd serves this directory"));
        dirlock_release(&second);
        dirlock_release(&first);
        dirlock_release(&first);
        assert_int_equal(dirlock_take(&second, dir, &why), RES_OK);
        dirlock_release(&second);
    }
}

/* Removing DIR/lock, or a directory linked to the same store, lets no second one in. */
static void
the_store_is_locked_too(void **state)
{
    struct dirlock first = DIRLOCK_NONE, second = DIRLOCK_NONE;
    struct log_trouble why = {""};
    (void)state;
    assert_int_equal(dirlock_take(&first, dir, &why), RES_OK);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(dirlock_take(&second, dir, &why), RES_EXISTS);
    assert_non_null(strstr(why.text, "store/data.mdb"));
    dirlock_release(&second);
    dirlock_release(&first);
    assert_int_equal(dirlock_take(&second, dir, &why), RES_OK);
    dirlock_release(&second);
}

static void
no_directory(void **state)
{
    struct dirlock l = DIRLOCK_NONE;
    struct log_trouble why = {""};
    char nowhere[64];
    (void)state;
    (void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere", dir);
    assert_int_equal(dirlock_take(&l, nowhere, &why), RES_ABSENT);
    dirlock_release(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(the_store_is_locked_too),
        cmocka_unit_test(no_directory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
