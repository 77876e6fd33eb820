/* Recipes: what was appended stands; what a crash tore is cut off; what is damaged is not. */
#include "log/directory/recipe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"
#include "merkle/base/text.h"
#include "tests/fault/failalloc.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"

#define RECORD 110 /* without acts */
#define FILE_TEST_MAX ((size_t)1 << 26)

static const char *
path_in(void **state)
{
    static char path[600];

    snprintf(path, sizeof(path), "%s/recipes", (char *)*state);
    return path;
}

static struct recipe
recipe_of(uint64_t number)
{
    struct recipe q = {.number = number, .timestamp = 1000 + number, .certificates = 2 * number};

    memset(q.certificates_root.b, (int)number, HASH_SIZE);
    memset(q.crls_root.b, 7, HASH_SIZE);
    return q;
}

static void
same(const struct recipe *a, const struct recipe *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->timestamp, b->timestamp);
    assert_int_equal(a->certificates, b->certificates);
    assert_true(hash_equal(&a->certificates_root, &b->certificates_root));
    assert_int_equal(a->crls, b->crls);
    assert_true(hash_equal(&a->crls_root, &b->crls_root));
    assert_int_equal(a->acts_n, b->acts_n);
    assert_true(span_equal(a->acts, b->acts));
}

/* Makes a file of n recipes. */
static void
make(const char *path, uint64_t n)
{
    struct recipes *r;

    (void)unlink(path);
    assert_int_equal(recipes_create(path), RES_OK);
    assert_int_equal(recipes_open(path, 0, 0, false, &r), RES_OK);
    for (uint64_t i = 0; i < n; i++) {
        struct recipe q = recipe_of(i);

        assert_int_equal(recipes_append(r, &q), RES_OK);
        assert_int_equal(recipes_offset(r), (i + 1) * RECORD);
        assert_int_equal(recipes_pass(r), RES_OK);
        assert_int_equal(recipes_offset(r), (i + 1) * RECORD);
    }
    recipes_close(r);
}

static uint64_t
size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static void
flip(const char *path, uint64_t at)
{
    int fd = open(path, O_RDWR);
    uint8_t b;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &b, 1, (off_t)at), 1);
    b ^= 1;
    assert_int_equal(pwrite(fd, &b, 1, (off_t)at), 1);
    close(fd);
}

/* Whether recipe n, and only that, stands behind n epochs. */
static void
stands(const char *path, uint64_t n, bool there)
{
    struct buf bytes = BUF_INIT(FILE_TEST_MAX);
    struct recipe q, want = recipe_of(n);
    struct recipes *r;

    assert_int_equal(recipes_open(path, n, n * RECORD, false, &r), RES_OK);
    assert_int_equal(recipes_next(r, &bytes, &q), there ? RES_OK : RES_ABSENT);
    if (there)
        same(&q, &want);
    recipes_close(r);
    buf_release(&bytes);
}

static void
the_example_is_as_written(void **state)
{
    /* log/directory/FORMATS.md, "recipes" */
    static const char example[] =
        "0000006200000000000000000000019c1c38a4000000000000000000"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        "0000000000000000e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        "0000b02f3b5ba06e0815";
    const char *path = path_in(state), *source = getenv("CARTULARY_SOURCE");
    struct recipe q = {.timestamp = UINT64_C(1770000000000)};
    struct buf bytes = BUF_INIT(FILE_TEST_MAX), hex = BUF_INIT(FILE_TEST_MAX);
    struct recipes *r;
    char name[600];

    hash_empty(&q.certificates_root);
    hash_empty(&q.crls_root);
    assert_int_equal(recipes_create(path), RES_OK);
    assert_int_equal(recipes_open(path, 0, 0, false, &r), RES_OK);
    assert_int_equal(recipes_append(r, &q), RES_OK);
    recipes_close(r);
    assert_int_equal(files_read(path, &bytes), RES_OK);
    assert_int_equal(text_hex(buf_span(&bytes), &hex), RES_OK);
    assert_true(span_equal(buf_span(&hex), span_str(example)));
    if (source != NULL) { /* and the document has it, with spaces */
        size_t n = 0;

        snprintf(name, sizeof(name), "%s/log/directory/FORMATS.md", source);
        buf_clear(&bytes);
        assert_int_equal(files_read(name, &bytes), RES_OK);
        for (size_t i = 0; i < bytes.n; i++)
            if (bytes.p[i] != ' ' && bytes.p[i] != '\n')
                bytes.p[n++] = bytes.p[i];
        assert_non_null(memmem(bytes.p, n, example, sizeof(example) - 1));
    }
    buf_release(&bytes);
    buf_release(&hex);
}

static void
what_was_appended_is_read_in_order(void **state)
{
    const char *path = path_in(state);
    struct buf bytes = BUF_INIT(FILE_TEST_MAX);
    struct recipes *r;
    struct recipe q;

    make(path, 5);
    assert_int_equal(recipes_create(path), RES_EXISTS);
    assert_int_equal(recipes_open(path, 0, 0, true, &r), RES_OK);
    for (uint64_t i = 0; i < 5; i++) {
        struct recipe want = recipe_of(i);

        assert_int_equal(recipes_next(r, &bytes, &q), RES_OK);
        same(&q, &want);
        assert_int_equal(recipes_next(r, &bytes, &q), RES_OK); /* it stays until it is passed */
        assert_int_equal(recipes_pass(r), RES_OK);
    }
    assert_int_equal(recipes_next(r, &bytes, &q), RES_ABSENT);
    recipes_close(r);
    recipes_close(NULL);
    for (uint64_t i = 0; i <= 5; i++)
        stands(path, i, i < 5);
    buf_release(&bytes);
}

static void
acts_are_read_as_written(void **state)
{
    const char *path = path_in(state);
    struct buf acts = BUF_INIT(FILE_TEST_MAX), bytes = BUF_INIT(FILE_TEST_MAX);
    struct act first = {.kind = ACT_BINDINGS, .body = span_str("body of an act")}, second = {0};
    struct writer w = writer_to(&acts);
    struct recipe q = recipe_of(0), got;
    struct recipes *r;
    struct reader in;

    second.kind = ACT_BINDINGS;
    act_put(&w, &first);
    act_put(&w, &second);
    assert_int_equal(writer_end(&w), RES_OK);
    q.acts_n = 2;
    q.acts = buf_span(&acts);
    assert_int_equal(recipes_create(path), RES_OK);
    assert_int_equal(recipes_open(path, 0, 0, false, &r), RES_OK);
    assert_int_equal(recipes_append(r, &q), RES_OK);
    assert_int_equal(recipes_next(r, &bytes, &got), RES_OK);
    same(&got, &q);
    in = reader_of(got.acts);
    act_get(&in, &second);
    assert_true(span_equal(second.body, first.body));
    act_get(&in, &second);
    assert_int_equal(second.body.n, 0);
    assert_int_equal(reader_end(&in), RES_OK);
    recipes_close(r);
    acts.p[0] = 3; /* an act of a kind that is not known */
    in = reader_of(buf_span(&acts));
    act_get(&in, &second);
    assert_int_equal(in.err, RES_VALUE);
    buf_release(&acts);
    buf_release(&bytes);
}

static void
a_torn_tail_is_cut_off(void **state)
{
    const char *path = path_in(state);
    struct recipes *r;
    struct recipe q = recipe_of(2);

    for (uint64_t keep = 1; keep < RECORD; keep++) {
        make(path, 3);
        assert_int_equal(truncate(path, (off_t)(2 * RECORD + keep)), 0);
        assert_int_equal(recipes_open(path, 2, 2 * RECORD, true, &r), RES_OK);
        assert_int_equal(recipes_offset(r), 2 * RECORD);
        recipes_close(r);
        assert_int_equal(size_of(path), 2 * RECORD + keep); /* read only */
        stands(path, 2, false);
        assert_int_equal(size_of(path), 2 * RECORD);
        assert_int_equal(recipes_open(path, 2, 2 * RECORD, false, &r), RES_OK);
        assert_int_equal(recipes_append(r, &q), RES_OK);
        recipes_close(r);
        stands(path, 2, true);
    }
    for (uint64_t at = 0; at < RECORD; at++) { /* whole in length, and not in sense */
        make(path, 3);
        flip(path, 2 * RECORD + at);
        stands(path, 2, false);
        assert_int_equal(size_of(path), 2 * RECORD);
    }
}

static void
damage_before_others_is_refused_and_nothing_is_cut(void **state)
{
    const char *path = path_in(state);
    struct buf bytes = BUF_INIT(FILE_TEST_MAX);
    struct recipes *r;
    struct recipe q;

    for (uint64_t at = 0; at < RECORD; at++) {
        make(path, 4);
        flip(path, RECORD + at);
        /* epoch 1 is made anew from here */
        assert_int_equal(recipes_open(path, 1, RECORD, false, &r), RES_STORE_DAMAGED);
        /* all are */
        assert_int_equal(recipes_open(path, 0, 0, false, &r), RES_OK);
        assert_int_equal(recipes_next(r, &bytes, &q), RES_OK);
        assert_int_equal(recipes_pass(r), RES_STORE_DAMAGED);
        recipes_close(r);
        assert_int_equal(size_of(path), 4 * RECORD);
        flip(path, RECORD + at);
        flip(path, at);
        assert_int_equal(recipes_open(path, 0, 0, false, &r), RES_STORE_DAMAGED);
        assert_int_equal(size_of(path), 4 * RECORD);
        stands(path, 3, true); /* what is made already is not looked at */
    }
    buf_release(&bytes);
}

static void
more_than_one_record_was_never_torn(void **state)
{
    const char *path = path_in(state);
    struct recipes *r;

    make(path, 1);
    assert_int_equal(truncate(path, (off_t)(RECORD + RECIPE_MAX + 13)), 0);
    assert_int_equal(recipes_open(path, 1, RECORD, false, &r), RES_STORE_DAMAGED);
    assert_int_equal(truncate(path, (off_t)(RECORD + 1000)),
                     0); /* zeros, as a file system leaves */
    stands(path, 1, false);
    assert_int_equal(size_of(path), RECORD);
}

static void
what_does_not_follow_is_refused(void **state)
{
    const char *path = path_in(state);
    struct recipes *r;
    struct recipe q = recipe_of(7);

    assert_int_equal(recipes_open(path, 0, 0, false, &r), RES_ABSENT);
    make(path, 2);
    assert_int_equal(recipes_open(path, 3, 3 * RECORD, false, &r), RES_STORE_DAMAGED);
    assert_int_equal(recipes_open(path, 2, 2 * RECORD, false, &r), RES_OK);
    assert_int_equal(recipes_append(r, &q), RES_BUG);
    q = recipe_of(2);
    q.acts.n = RECIPE_MAX;
    assert_int_equal(recipes_append(r, &q), RES_TOO_LARGE);
    q = recipe_of(2);
    assert_int_equal(recipes_append(r, &q), RES_OK);
    q.number = 3;
    assert_int_equal(recipes_append(r, &q), RES_BUG); /* the one before is not passed */
    recipes_close(r);
    assert_int_equal(size_of(path), 3 * RECORD);
}

static void
memory_that_fails_is_told(void **state)
{
    const char *path = path_in(state);
    struct buf bytes = BUF_INIT(FILE_TEST_MAX);
    size_t n = 1;

    for (size_t i = 0; i <= n; i++) {
        struct recipes *r = NULL;
        struct recipe q, next = recipe_of(3);
        enum result rc;

        make(path, 3);
        buf_release(&bytes);
        failalloc_at(i);
        rc = recipes_open(path, 2, 2 * RECORD, false, &r);
        if (rc == RES_OK)
            rc = recipes_next(r, &bytes, &q);
        if (rc == RES_OK)
            rc = recipes_pass(r);
        if (rc == RES_OK)
            rc = recipes_append(r, &next);
        if (i == 0)
            n = failalloc_count();
        failalloc_at(0);
        recipes_close(r);
        assert_int_equal(rc, i == 0 ? RES_OK : RES_MEMORY);
        stands(path, 2, true); /* nothing is lost */
    }
    assert_true(n >= 4);
    buf_release(&bytes);
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        ROW(the_example_is_as_written),
        ROW(what_was_appended_is_read_in_order),
        ROW(acts_are_read_as_written),
        ROW(a_torn_tail_is_cut_off),
        ROW(damage_before_others_is_refused_and_nothing_is_cut),
        ROW(more_than_one_record_was_never_torn),
        ROW(what_does_not_follow_is_refused),
        ROW(memory_that_fails_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
