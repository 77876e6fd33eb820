/* client/io/statefile: whole files or the old ones, and one run at a time. */
#include "client/io/statefile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char root[] = "/tmp/statefile.XXXXXX";

static int
make_root(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL;
}

static int
remove_root(void **state)
{
    static const char *const names[] = {"a/b/one", "a/b/lock", "a/b", "a"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", root, names[i]);
        (void)remove(path);
    }
    return rmdir(root);
}

static void
files_are_replaced_whole(void **state)
{
    struct statedir d = STATEDIR_INIT;
    struct buf b = BUF_INIT(8);
    char path[128];
    struct stat st;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/a/b", root);
    assert_int_equal(statedir_open(path, 0, &d), RES_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(statedir_read(&d, "one", &b), RES_ABSENT);
    assert_int_equal(statedir_write(&d, "one", span_str("first")), RES_OK);
    assert_int_equal(statedir_write(&d, "one", span_str("2nd")), RES_OK);
    assert_int_equal(statedir_read(&d, "one", &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("2nd")));
    buf_clear(&b);
    /* What a crash left behind does not hinder. */
    int fd = openat(d.fd, "one.tmp", O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && write(fd, "torn and long", 13) == 13);
    (void)close(fd);
    assert_int_equal(statedir_write(&d, "one", span_str("third")), RES_OK);
    assert_int_equal(statedir_read(&d, "one", &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("third")));
    assert_int_equal(faccessat(d.fd, "one.tmp", F_OK, 0), -1);
    buf_clear(&b);
    assert_int_equal(statedir_write(&d, "one", span_str("larger than the ceiling")), RES_OK);
    assert_int_equal(statedir_read(&d, "one", &b), RES_TOO_LARGE);
    assert_int_equal(statedir_write(&d, "no/such", span_str("x")), RES_IO);
    buf_release(&b);
    statedir_close(&d);
    statedir_close(&d);
}

/* Whoever may write to the directory could lead the bytes elsewhere. */
static void
no_link_is_followed(void **state)
{
    static const char *const targets[] = {"victim", "missing"};
    struct statedir d = STATEDIR_INIT;
    struct buf b = BUF_INIT(16);
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/a/b", root);
    assert_int_equal(statedir_open(path, 0, &d), RES_OK);
    assert_int_equal(statedir_write(&d, "victim", span_str("precious")), RES_OK);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_int_equal(symlinkat(targets[i], d.fd, "two.tmp"), 0);
        assert_int_equal(statedir_write(&d, "two", span_str("evidence")), RES_IO);
        assert_int_equal(faccessat(d.fd, "two", F_OK, AT_SYMLINK_NOFOLLOW), -1);
        assert_int_equal(unlinkat(d.fd, "two.tmp", 0), 0);
    }
    assert_int_equal(faccessat(d.fd, "missing", F_OK, 0), -1);
    assert_int_equal(statedir_read(&d, "victim", &b), RES_OK);
    assert_true(span_equal(buf_span(&b), span_str("precious")));
    assert_int_equal(unlinkat(d.fd, "victim", 0), 0);
    buf_release(&b);
    statedir_close(&d);
}

static void
one_run_at_a_time(void **state)
{
    struct statedir d = STATEDIR_INIT, second = STATEDIR_INIT;
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/a/b", root);
    assert_int_equal(statedir_open(path, 0, &d), RES_OK);
    assert_int_equal(statedir_open(path, 0, &second), RES_BUSY);
    assert_int_equal(second.fd, -1);
    statedir_close(&d);
    assert_int_equal(statedir_open(path, 0, &second), RES_OK);
    statedir_close(&second);
}

static void
a_path_that_is_a_file_is_no_directory(void **state)
{
    struct statedir d = STATEDIR_INIT;
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/a/b/one/deeper", root);
    assert_int_equal(statedir_open(path, 0, &d), RES_IO);
    assert_int_equal(d.fd, -1);
    assert_int_equal(statedir_open("", 0, &d), RES_IO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_replaced_whole),
        cmocka_unit_test(no_link_is_followed),
        cmocka_unit_test(one_run_at_a_time),
        cmocka_unit_test(a_path_that_is_a_file_is_no_directory),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
