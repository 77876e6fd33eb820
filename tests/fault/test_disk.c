/* The model of a disk that loses power: what was synced stays, what was not may go, and torn is a
 * mixture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fault/disk.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

static char folder[64], top[128], base[128];
static struct disk *disk;
static uint64_t seq;

static void
apply(enum pc_kind kind, uint64_t file, uint64_t a, uint64_t b, const void *p, size_t n)
{
    struct pc_record r = {(uint32_t)kind, (uint32_t)n, file, a, b};
    assert_true(disk_apply(disk, seq++, &r, n == 0 ? (const uint8_t *)"" : p));
}

static void
apply_text(enum pc_kind kind, uint64_t file, uint64_t a, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s%s", top, name);
    apply(kind, file, a, 0, path, strlen(path));
}

static int
setup(void **state)
{
    (void)state;
    char path[256];
    snprintf(folder, sizeof folder, "/tmp/test-disk-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(top, sizeof top, "%s/top", folder);
    snprintf(base, sizeof base, "%s/base", folder);
    mkdir(top, 0700);
    mkdir(base, 0700);
    snprintf(path, sizeof path, "%s/old", base);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < PAGE; i++)
        fputc('o', f);
    fclose(f);
    seq = 0;
    disk = disk_load(base, top);
    apply_text(PC_OPEN, 7, 0, "/old");
    return disk == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    char command[256];
    (void)state;
    disk_free(disk);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* The file's bytes after a cut; -1 when it is not there. */
static long
after(enum disk_keep keep, uint64_t seed, const char *name, uint8_t *ret, size_t cap)
{
    char path[256];
    assert_true(disk_cut(disk, keep, seed));
    snprintf(path, sizeof path, "%s%s", top, name);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return -1;
    long n = (long)fread(ret, 1, cap, f);
    fclose(f);
    return n;
}

static bool
all(const uint8_t *p, size_t n, uint8_t c)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != c)
            return false;
    return true;
}

static void
write_page(uint64_t file, uint64_t at, int c, uint64_t through)
{
    uint8_t page[PAGE];
    memset(page, c, sizeof page);
    apply(PC_WRITE, file, at, through, page, sizeof page);
}

static void
an_unsynced_write_may_go(void **state)
{
    uint8_t got[3 * PAGE];
    (void)state;
    write_page(7, 0, 'n', 0);
    assert_int_equal(after(DISK_NONE, 1, "/old", got, sizeof got), PAGE);
    assert_true(all(got, PAGE, 'o'));
    assert_int_equal(after(DISK_ALL, 1, "/old", got, sizeof got), PAGE);
    assert_true(all(got, PAGE, 'n'));
}

static void
a_synced_write_stays(void **state)
{
    uint8_t got[3 * PAGE];
    (void)state;
    write_page(7, 0, 'n', 0);
    apply(PC_SYNC, 7, seq, 0, NULL, 0);
    write_page(7, PAGE, 'x', 0);
    assert_int_equal(after(DISK_NONE, 1, "/old", got, sizeof got), PAGE);
    assert_true(all(got, PAGE, 'n'));
}

static void
a_sync_covers_only_what_was_before_it_began(void **state)
{
    uint8_t got[3 * PAGE];
    (void)state;
    uint64_t began = seq;
    write_page(7, 0, 'n', 0);
    apply(PC_SYNC, 7, began, 0, NULL, 0);
    assert_int_equal(after(DISK_NONE, 1, "/old", got, sizeof got), PAGE);
    assert_true(all(got, PAGE, 'o'));
}

static void
a_write_through_covers_itself_only(void **state)
{
    uint8_t got[3 * PAGE];
    (void)state;
    write_page(7, 0, 'n', 0);
    write_page(7, PAGE, 't', 1);
    assert_int_equal(after(DISK_NONE, 1, "/old", got, sizeof got), 2 * PAGE);
    assert_true(all(got, PAGE, 'o'));
    assert_true(all(got + PAGE, PAGE, 't'));
}

static void
torn_is_a_mixture_of_whole_sectors(void **state)
{
    uint8_t got[3 * PAGE];
    int sectors_mixed = 0, pages_whole = 0;
    (void)state;
    write_page(7, 0, 'a', 0);
    write_page(7, 0, 'b', 0);
    for (uint64_t seed = 0; seed < 64; seed++) {
        assert_int_equal(after(DISK_TORN, seed, "/old", got, sizeof got), PAGE);
        bool whole = true;
        for (size_t s = 0; s < PAGE; s += 512) {
            assert_true(all(got + s, 512, got[s]));
            assert_non_null(memchr("oab", got[s], 3));
            whole = whole && got[s] == got[0];
        }
        sectors_mixed += !whole;
        pages_whole += whole;
    }
    assert_true(sectors_mixed > 10);
    assert_true(pages_whole > 10);
}

static void
a_new_name_is_sure_after_its_file_or_directory_was_synced(void **state)
{
    uint8_t got[3 * PAGE];
    (void)state;
    apply_text(PC_OPEN, 8, 1, "/new");
    write_page(8, 0, 'n', 0);
    assert_int_equal(after(DISK_NONE, 1, "/new", got, sizeof got), -1);
    assert_int_equal(after(DISK_ALL, 1, "/new", got, sizeof got), PAGE);
    apply(PC_SYNC, 8, seq, 0, NULL, 0);
    assert_int_equal(after(DISK_NONE, 1, "/new", got, sizeof got), PAGE);
}

static void
a_rename_is_sure_after_its_directory_was_synced(void **state)
{
    uint8_t got[3 * PAGE];
    char both[512];
    (void)state;
    apply_text(PC_OPEN, 8, 1, "/new");
    write_page(8, 0, 'n', 0);
    apply(PC_SYNC, 8, seq, 0, NULL, 0);
    int n = snprintf(both, sizeof both, "%s/new", top);
    int m = snprintf(both + n + 1, sizeof both - (size_t)n - 1, "%s/old", top);
    apply(PC_RENAME, 0, 0, 0, both, (size_t)(n + 1 + m));
    assert_int_equal(after(DISK_NONE, 1, "/old", got, sizeof got), PAGE);
    assert_true(all(got, PAGE, 'o'));
    assert_int_equal(after(DISK_ALL, 1, "/new", got, sizeof got), -1);
    apply_text(PC_OPEN, 9, 0, "");
    apply(PC_SYNC, 9, seq, 0, NULL, 0);
    assert_int_equal(after(DISK_NONE, 1, "/old", got, sizeof got), PAGE);
    assert_true(all(got, PAGE, 'n'));
    assert_int_equal(after(DISK_NONE, 1, "/new", got, sizeof got), -1);
}

static void
a_cut_changes_nothing_in_the_model(void **state)
{
    uint8_t got[3 * PAGE];
    (void)state;
    write_page(7, 0, 'n', 0);
    (void)after(DISK_NONE, 1, "/old", got, sizeof got);
    (void)after(DISK_TORN, 2, "/old", got, sizeof got);
    assert_int_equal(after(DISK_ALL, 1, "/old", got, sizeof got), PAGE);
    assert_true(all(got, PAGE, 'n'));
}

#define ON_A_DISK(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_DISK(an_unsynced_write_may_go),
        ON_A_DISK(a_synced_write_stays),
        ON_A_DISK(a_sync_covers_only_what_was_before_it_began),
        ON_A_DISK(a_write_through_covers_itself_only),
        ON_A_DISK(torn_is_a_mixture_of_whole_sectors),
        ON_A_DISK(a_new_name_is_sure_after_its_file_or_directory_was_synced),
        ON_A_DISK(a_rename_is_sure_after_its_directory_was_synced),
        ON_A_DISK(a_cut_changes_nothing_in_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
