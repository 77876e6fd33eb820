/* Checking a directory in which mailboxes were erased. */
#include "log/directory/check.h"

#include <stdio.h>
#include <string.h>

#include "log/directory/erasure.h"
#include "log/files.h"
#include "tests/unit/directory/testdir.h"
#include "tests/vectors/check.h"

#define WINDOW_MS 5000
#define ERASED 0 /* the labels of these tests: one that goes, one that stays */
#define STAYS 1

static const struct kt_window window = {.monitoring = WINDOW_MS};

static char found[300];
static uint64_t findings;

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    if (findings++ == 0)
        (void)snprintf(found, sizeof(found), "%s: %s", where, what);
}

static struct check_report
check(struct testdir *t)
{
    char path[FILES_PATH_MAX];
    struct check_parts p = {.path = path,
                            .origin = TESTDIR_ORIGIN,
                            .map_size = TESTDIR_MAP,
                            .config = t->kt,
                            .feed_public = signer_feed_public(t->signer),
                            .proof_every = 1,
                            .finding = on_finding};
    struct check_report r;
    struct log_trouble why;

    findings = 0;
    assert_int_equal(files_path(t->path, "directory", path), RES_OK);
    assert_int_equal(check_directory(&p, &r, &why), RES_OK);
    assert_int_equal(r.findings, findings);
    return r;
}

static const char *
file(const struct testdir *t, const char *name)
{
    static char path[FILES_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/directory/%s", t->path, name);
    return path;
}

/* Label 0 in all entries but the newest few, and erased when `erase`. */
static void
fill(struct testdir *t, bool erase)
{
    testdir_init(t, &window);
    for (uint64_t i = 0; i < 24; i++)
        testdir_append(t, 1000000 + 1000 * i,
                       i == 0 ? 0 : (i < 12 ? 1u : 0u) | 2u | 1u << TESTDIR_DOMAIN);
    testdir_append(t, 1000000 + 24000 + WINDOW_MS, 0);
    testdir_open(t);
    if (erase)
        assert_int_equal(directory_erase(t->d, &t->label[ERASED].name, MAILBOX_ERASED_REQUEST),
                         RES_OK);
    directory_reader_free(t->r);
    t->r = NULL;
    directory_close(t->d);
    t->d = NULL;
}

static void
an_erased_mailbox_is_sound(void **state)
{
    struct testdir t;

    (void)state;
    for (int erase = 0; erase < 2; erase++) {
        fill(&t, erase);
        struct check_report r = check(&t);
        if (findings > 0)
            fail_msg("%s", found);
        assert_int_equal(r.erased, erase);
        assert_int_equal(r.size, 25 + erase);
        testdir_release(&t);
    }
}

/* Overwrites the key of a label, or flips a bit of it. */
static void
spoil_key(const struct testdir *t, uint64_t number, bool zero)
{
    struct buf b = BUF_INIT(1 << 20);

    assert_int_equal(files_read(file(t, "keys"), &b), RES_OK);
    if (zero)
        memset(b.p + 32 * (1 + number), 0, 32);
    else
        b.p[32 * (1 + number)] ^= 1;
    assert_int_equal(files_replace(file(t, "keys"), buf_span(&b), 0600), RES_OK);
    buf_release(&b);
}

static void
a_key_that_is_gone_needs_a_tombstone(void **state)
{
    struct testdir t;

    (void)state;
    fill(&t, false);
    spoil_key(&t, 1, true);
    (void)check(&t);
    assert_true(findings > 0);
    assert_non_null(strstr(found, "is of a label whose key is gone, and no tombstone"));
    testdir_release(&t);
}

static void
a_tombstone_needs_a_key_that_is_gone(void **state)
{
    struct testdir t;

    (void)state;
    fill(&t, true);
    spoil_key(&t, 0, false);
    (void)check(&t);
    assert_true(findings > 0);
    testdir_release(&t);
}

/* Any bit of a tombstone's row, LabelText or State. */
static void
every_byte_of_a_tombstone(void **state)
{
    struct testdir t;
    struct buf golden = BUF_INIT(16 << 20), b = BUF_INIT(16 << 20);
    struct shelf_options o = {.map_size = TESTDIR_MAP, .read_only = true};
    struct version_row row;
    struct shelf *s;
    struct shelf_view *v;
    struct span bytes;
    uint8_t part[3][256];
    size_t part_n[3];

    (void)state;
    fill(&t, true);
    char path[FILES_PATH_MAX];
    assert_int_equal(files_path(t.path, "directory", path), RES_OK);
    o.path = path;
    assert_int_equal(shelf_open(&o, &s), RES_OK);
    assert_int_equal(shelf_view_new(s, &v), RES_OK);
    assert_int_equal(shelf_view_begin(v), RES_OK);
    struct directory_head h;
    assert_int_equal(shelf_get_head(v, &h), RES_OK);
    assert_int_equal(shelf_get_version(v, h.versions - 1, &row), RES_OK);
    struct buf out = {.p = part[0], .cap = 256, .max = 256};
    struct writer w = writer_to(&out);
    version_row_put(&w, &row);
    assert_int_equal(writer_end(&w), RES_OK);
    part_n[0] = out.n;
    assert_int_equal(shelf_get_bytes(v, row.label, 6 + ERASURE_TEXT_SIZE, NULL, &bytes), RES_OK);
    part_n[1] = bytes.n;
    memcpy(part[1], bytes.p, bytes.n);
    assert_int_equal(shelf_get_bytes(v, row.state, row.state_n, NULL, &bytes), RES_OK);
    part_n[2] = bytes.n;
    memcpy(part[2], bytes.p, bytes.n);
    shelf_view_end(v);
    shelf_view_free(v);
    shelf_close(s);
    assert_int_equal(part_n[2], ERASURE_STATE_SIZE);
    assert_int_equal(files_read(file(&t, "data.mdb"), &golden), RES_OK);
    for (int i = 0; i < 3; i++)
        for (size_t at = 0; at < part_n[i]; at++) {
            unsigned n = 0;

            buf_clear(&b);
            assert_int_equal(buf_add(&b, buf_span(&golden)), RES_OK);
            for (uint8_t *p = b.p; (p = memmem(p, (size_t)(b.p + b.n - p), part[i], part_n[i]));
                 n++)
                p[at] ^= 1;
            assert_true(n > 0);
            FILE *f = fopen(file(&t, "data.mdb"), "wb");
            assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
            assert_int_equal(fclose(f), 0);
            (void)check(&t);
            if (findings == 0)
                fail_msg("part %d, byte %zu: nothing is found", i, at);
        }
    buf_release(&golden);
    buf_release(&b);
    testdir_release(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erased_mailbox_is_sound),
        cmocka_unit_test(a_key_that_is_gone_needs_a_tombstone),
        cmocka_unit_test(a_tombstone_needs_a_key_that_is_gone),
        cmocka_unit_test(every_byte_of_a_tombstone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
