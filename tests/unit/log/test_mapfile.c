/* log/store/mapfile: a file that is short, missing, empty or somebody else's. */
#include "log/store/mapfile.h"
#include "storedata.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Makes DIR/data.mdb with that many bytes of 'x', and opens it for reading. */
static int
make(const char *dir, size_t n)
{
    char name[512];
    (void)snprintf(name, sizeof(name), "%s/data.mdb", dir);
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fputc('x', f), 'x');
    assert_int_equal(fclose(f), 0);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static uint64_t
size_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return (uint64_t)st.st_size;
}

static void
a_short_file_is_covered_with_zeros(void **state)
{
    char bytes[4];
    int fd = make(*state, 2);
    assert_int_equal(mapfile_cover(*state, fd, 4), RES_OK);
    assert_int_equal(size_of(fd), 4);
    assert_int_equal(read(fd, bytes, 4), 4);
    assert_memory_equal(bytes, "xx\0\0", 4);
    /* Never shorter. */
    assert_int_equal(mapfile_cover(*state, fd, 4), RES_OK);
    assert_int_equal(mapfile_cover(*state, fd, 1), RES_OK);
    assert_int_equal(size_of(fd), 4);
    /* What is too short was cut, and is left as it was found. */
    assert_int_equal(mapfile_cover(*state, fd, 4 + MAPFILE_SHORTFALL_MAX + 1), RES_STORE_DAMAGED);
    assert_int_equal(size_of(fd), 4);
    assert_int_equal(mapfile_cover("/nonexistent", fd, 5), RES_STORE_DAMAGED);
    assert_int_equal(mapfile_cover(*state, -1, 5), RES_IO);
    (void)close(fd);
}

static void
only_an_empty_file_is_unwritten(void **state)
{
    assert_false(mapfile_unwritten(*state));
    (void)close(make(*state, 0));
    assert_true(mapfile_unwritten(*state));
    (void)close(make(*state, 1));
    assert_false(mapfile_unwritten(*state));
    assert_false(mapfile_unwritten("/nonexistent"));
}

static void
what_is_not_there_is_not_synced(void **state)
{
    assert_int_equal(mapfile_sync_directory(*state), RES_OK);
    assert_int_equal(mapfile_sync(*state), RES_IO);
    (void)close(make(*state, 1));
    assert_int_equal(mapfile_sync(*state), RES_OK);
    mapfile_remove(*state);
    assert_int_equal(mapfile_sync(*state), RES_IO);
    mapfile_remove(*state); /* twice does no harm */
    assert_int_equal(mapfile_sync_directory("/nonexistent"), RES_IO);
    assert_int_equal(mapfile_sync_directory("/dev/null"), RES_IO);
}

static void
a_path_without_end_is_refused(void **state)
{
    char dir[5000];
    (void)state;
    memset(dir, 'a', sizeof(dir) - 1);
    dir[sizeof(dir) - 1] = '\0';
    assert_false(mapfile_unwritten(dir));
    assert_int_equal(mapfile_sync(dir), RES_IO);
    mapfile_remove(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_short_file_is_covered_with_zeros, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(only_an_empty_file_is_unwritten, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_synced, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(a_path_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
