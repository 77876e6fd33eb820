/* Making a directory again: the same bytes from recipes, keys and log; and what is refused. */
#include "log/directory/rebuild.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/directory/check.h"
#include "log/directory/directory_private.h"
#include "log/files.h"
#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "tests/fault/failalloc.h"
#include "tests/fault/mdbfail.h"
#include "tests/unit/directory/recorded.h"
#include "tests/vectors/check.h"

#define DATA RECORDED_DATA
#define RECIPES RECORDED_RECIPES
#define KEYS RECORDED_KEYS
#define EPOCHS RECORDED_EPOCHS

static struct recorded rec;
static struct config config;
static struct ground twin; /* what was there at first, open */
static struct rebuild_report made;
static struct log_trouble why;

static int
make(void **state)
{
    (void)state;
    recorded_init(&rec);
    ground_new(&twin, &rec.log, NULL);
    ground_close(&twin);
    for (int i = 0; i < RECORDED_FILES_N; i++) {
        char path[FILES_PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/directory/%s", twin.path, RECORDED_FILES[i]);
        recorded_write(path, buf_span(&rec.golden[i]));
    }
    ground_open(&twin);
    (void)snprintf(config.dir, sizeof(config.dir), "%s", rec.d.path);
    /* the signer's, for --feed */
    char from[FILES_PATH_MAX], to[FILES_PATH_MAX];
    assert_int_equal(files_path(rec.log.path, "keys", from), RES_OK);
    assert_int_equal(files_path(rec.d.path, "keys", to), RES_OK);
    assert_int_equal(symlink(from, to), 0);
    (void)snprintf(config.origin, sizeof(config.origin), "%s", TESTLOG_ORIGIN);
    config.map_size = RECORDED_MAP;
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    ground_release(&twin);
    recorded_release(&rec);
    return 0;
}

/* ---- files ---- */

static const char *
file(const char *name)
{
    return recorded_file(&rec, name);
}

static void
remove_kept(void)
{
    char name[64];

    for (unsigned i = 1; i < 9; i++) {
        (void)snprintf(name, sizeof(name), "data.mdb.replaced-%u", i);
        (void)unlink(file(name));
    }
}

static int
fresh(void **state)
{
    (void)state;
    remove_kept();
    recorded_put_back(&rec);
    return 0;
}

static void
lose(const char *name)
{
    assert_int_equal(unlink(file(name)), 0);
}

static void
flip(int which, size_t at)
{
    struct buf b = BUF_INIT(RECORDED_FILE_MAX);

    assert_int_equal(buf_add(&b, buf_span(&rec.golden[which])), RES_OK);
    assert_true(at < b.n);
    b.p[at] ^= 1;
    recorded_write(file(RECORDED_FILES[which]), buf_span(&b));
    buf_release(&b);
}

static void
cut(int which, size_t n)
{
    recorded_write(file(RECORDED_FILES[which]), span_of(rec.golden[which].p, n));
}

/* Another recipe behind those that are there. */
static void
one_more(uint64_t certificates)
{
    struct recipe q = {
        .number = EPOCHS, .timestamp = GROUND_MS + 1000 * EPOCHS, .certificates = certificates};
    struct recipes *r;

    ground_root(&rec.log, RECORDED_MAILS, &q.certificates_root);
    hash_empty(&q.crls_root);
    assert_int_equal(recipes_open(file("recipes"), EPOCHS, rec.golden[RECIPES].n, false, &r),
                     RES_OK);
    assert_int_equal(recipes_append(r, &q), RES_OK);
    recipes_close(r);
}

static bool
holds(const char *name, struct span bytes)
{
    struct buf b = BUF_INIT(RECORDED_FILE_MAX);
    enum result rc = files_read(file(name), &b);
    bool same = rc == RES_OK && span_equal(buf_span(&b), bytes);

    buf_release(&b);
    return same;
}

/* ---- making it ---- */

static struct rebuild_parts
parts(void)
{
    return (struct rebuild_parts){
        .config = &config, .signer = rec.log.signer, .store = rec.log.store};
}

static enum result
run(const struct rebuild_parts *p)
{
    return rebuild_directory(p, &made, &why);
}

static void
must_make(const struct rebuild_parts *p)
{
    enum result rc = run(p);

    if (rc != RES_OK)
        fail_msg("%s", why.text);
    assert_false(files_exist(file("rebuild")));
}

static void
no_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    fail_msg("%s: %s", where, what);
}

static void
must_be_sound(void)
{
    char path[FILES_PATH_MAX];
    struct check_parts p = {.path = path,
                            .origin = TESTLOG_ORIGIN,
                            .map_size = RECORDED_MAP,
                            .config = *shelf_config(twin.shelf),
                            .feed_public = signer_feed_public(rec.log.signer),
                            .store = rec.log.store,
                            .finding = no_finding};
    struct check_report r;

    assert_int_equal(files_path(rec.d.path, "directory", path), RES_OK);
    assert_int_equal(check_directory(&p, &r, &why), RES_OK);
}

/* It is what it was. */
static void
must_be_the_same(void)
{
    struct directory_head h = ground_head(&twin);

    assert_int_equal(made.size, h.size);
    assert_int_equal(made.versions, h.versions);
    assert_int_equal(made.labels, h.labels);
    assert_true(hash_equal(&made.root, &h.root));
    must_be_sound();
    ground_open(&rec.d);
    ground_same(&rec.d, &twin);
    ground_audit(&rec.d); /* finds labels by the index, too */
    ground_close(&rec.d);
}

/* ---- the same again ---- */

static void
a_lost_one_is_the_same_again(void **state)
{
    struct rebuild_parts p = parts();

    (void)state;
    lose("data.mdb");
    must_make(&p);
    assert_string_equal(made.kept, "");
    assert_false(made.compared);
    must_be_the_same();
}

static void
a_damaged_one_is_the_same_again_and_kept(void **state)
{
    struct rebuild_parts p = parts();
    struct span noise = span_str("nothing at all");

    (void)state;
    recorded_write(file("data.mdb"), noise);
    must_make(&p);
    assert_false(made.compared);
    assert_string_equal(made.kept, "data.mdb.replaced-1");
    assert_true(holds(made.kept, noise));
    must_be_the_same();
    /* Its bytes are as good as noise for who is told not to look. */
    p.old_unreadable = true;
    must_make(&p);
    assert_false(made.compared);
    assert_string_equal(made.kept, "data.mdb.replaced-2");
    assert_true(holds("data.mdb.replaced-1", noise));
    must_be_the_same();
}

static void
a_sound_one_is_compared(void **state)
{
    struct rebuild_parts p = parts();

    (void)state;
    must_make(&p);
    assert_true(made.compared);
    assert_true(holds(made.kept, buf_span(&rec.golden[DATA])));
    must_be_the_same();
}

/* The index is lost, or that of another. */
static void
the_index_follows(void **state)
{
    static const char *const NAMES[] = {"index/data.mdb", "index/lock.mdb"};
    struct rebuild_parts p = parts();

    (void)state;
    for (size_t i = 0; i < 2; i++)
        recorded_write(file(NAMES[i]), span_str("nothing at all"));
    lose("data.mdb");
    must_make(&p);
    must_be_the_same();
}

static void
recipes_that_wait_are_followed(void **state)
{
    struct rebuild_parts p = parts();

    (void)state;
    one_more(RECORDED_MAILS);
    must_make(&p);
    assert_true(made.compared);
    assert_int_equal(made.size, EPOCHS + 1);
    must_be_sound();
}

static void
what_a_crash_has_torn_is_left(void **state)
{
    struct rebuild_parts p = parts();
    struct buf b = BUF_INIT(RECORDED_FILE_MAX);

    (void)state;
    assert_int_equal(buf_add(&b, buf_span(&rec.golden[RECIPES])), RES_OK);
    assert_int_equal(buf_add(&b, span_of(rec.golden[RECIPES].p, 77)), RES_OK);
    recorded_write(file("recipes"), buf_span(&b));
    must_make(&p);
    must_be_the_same();
    assert_true(holds("recipes", buf_span(&b)));
    buf_release(&b);
}

/* ---- refusals ---- */

/* Refused so, with nothing changed. */
static void
must_refuse(const struct rebuild_parts *p, enum result want, const char *says)
{
    struct buf before[RECORDED_FILES_N];

    for (int i = 0; i < RECORDED_FILES_N; i++) {
        before[i] = BUF_INIT(RECORDED_FILE_MAX);
        enum result rc = files_read(file(RECORDED_FILES[i]), &before[i]);
        assert_true(rc == RES_OK || rc == RES_ABSENT);
    }
    enum result rc = run(p);
    if (rc != want || strstr(why.text, says) == NULL)
        fail_msg("wanted '%s': %s (%s)", says, why.text, result_name(rc));
    assert_false(files_exist(file("rebuild")));
    assert_false(files_exist(file("data.mdb.replaced-1")));
    for (int i = 0; i < RECORDED_FILES_N; i++) {
        if (files_exist(file(RECORDED_FILES[i])))
            assert_true(holds(RECORDED_FILES[i], buf_span(&before[i])));
        else
            assert_int_equal(before[i].n, 0);
        buf_release(&before[i]);
    }
}

static void
recipes_that_are_cut(void **state)
{
    struct rebuild_parts p = parts();
    size_t n = rec.golden[RECIPES].n;

    (void)state;
    cut(RECIPES, n - RECORDED_RECIPE);
    must_refuse(&p, RES_STORE_BEHIND, "newer backup");
    cut(RECIPES, n - 1);
    must_refuse(&p, RES_STORE_BEHIND, "newer backup");
    cut(RECIPES, 0);
    must_refuse(&p, RES_STORE_BEHIND, "newer backup");
    lose("recipes");
    must_refuse(&p, RES_ABSENT, "recipes");
    (void)fresh(NULL);
    flip(RECIPES, 3 * RECORDED_RECIPE + 60);
    must_refuse(&p, RES_STORE_DAMAGED, "recipe 3 is damaged");
    flip(RECIPES, n - 20);
    must_refuse(&p, RES_STORE_BEHIND, "signed epochs");
    /* Without the old one, too. */
    lose("data.mdb");
    flip(RECIPES, 3 * RECORDED_RECIPE + 60);
    must_refuse(&p, RES_STORE_DAMAGED, "recipe 3 is damaged");
    cut(RECIPES, 0);
    must_refuse(&p, RES_STORE_BEHIND, "recipes has none");
}

static void
keys_that_are_cut_or_others(void **state)
{
    struct rebuild_parts p = parts();
    struct keyring *k;

    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        (void)fresh(NULL);
        if (lost)
            lose("data.mdb");
        cut(KEYS, 32 * 20);
        must_refuse(&p, RES_STORE_BEHIND, "keys ends before");
        cut(KEYS, 0);
        must_refuse(&p, RES_STORE_DAMAGED, "keys");
        lose("keys");
        must_refuse(&p, RES_ABSENT, "keys");
        recorded_put_back(&rec);
        if (lost)
            lose("data.mdb");
        assert_int_equal(keyring_open(file("keys"), &k), RES_OK);
        assert_int_equal(keyring_erase(k, 7), RES_OK);
        keyring_close(k);
        must_refuse(&p, RES_ABSENT, "label number 7 was erased");
    }
    (void)fresh(NULL);
    lose("keys");
    assert_int_equal(keyring_create(file("keys")), RES_OK);
    must_refuse(&p, RES_CONFLICT, "another tree");
    flip(KEYS, 32 * 5);
    must_refuse(&p, RES_CONFLICT, "another tree");
}

static void
a_log_that_does_not_fit(void **state)
{
    struct rebuild_parts p = parts();
    struct ground_log other;
    static const struct mail mails[] = {{.san = "email:a@one.example", .serial = 1}};

    (void)state;
    one_more(RECORDED_MAILS + 1);
    must_refuse(&p, RES_STORE_BEHIND, "bring the newer store back");
    (void)fresh(NULL);
    ground_log_init(&other, mails, 1);
    p.store = other.store;
    must_refuse(&p, RES_STORE_DAMAGED, "epoch 1 cannot be made");
    ground_log_release(&other);
}

/* Signed by other keys, it is another directory: the old head proves nothing, and a head that is
 * known outside does. */
static void
append_feed(struct ground *d, struct signer *s, struct buf *out)
{
    struct directory_head h = ground_head(d);
    struct note_key key;
    const char *name = TESTLOG_ORIGIN "/feed";

    buf_clear(out);
    assert_int_equal(checkpoint_write(name, h.size, &h.feed_root, out), RES_OK);
    assert_int_equal(buf_printf(out, "\n"), RES_OK);
    assert_int_equal(note_key_ed25519(name, KEY_ED25519, signer_feed_public(s), &key), RES_OK);
    assert_int_equal(note_signature_line(name, key.id, span_of(h.feed_signature, 64), out), RES_OK);
}

static void
a_head_known_outside(void **state)
{
    struct rebuild_parts p = parts();
    struct buf feed = BUF_INIT(4096);

    (void)state;
    append_feed(&twin, rec.log.signer, &feed);
    p.feed = buf_span(&feed);
    lose("data.mdb");
    must_make(&p);
    assert_true(made.compared);
    must_be_the_same();
    lose("data.mdb");
    cut(RECIPES, rec.golden[RECIPES].n - RECORDED_RECIPE);
    must_refuse(&p, RES_STORE_BEHIND, "outside");
    (void)fresh(NULL);
    lose("data.mdb");
    lose("keys");
    assert_int_equal(keyring_create(file("keys")), RES_OK);
    must_refuse(&p, RES_CONFLICT, "different trees");
    p.feed = span_str("no checkpoint\n");
    (void)fresh(NULL);
    lose("data.mdb");
    must_refuse(&p, RES_NOTE, "is not a checkpoint");
    buf_release(&feed);
    /* Without one, what is left is made; who asked is told that nothing was compared. */
    p.feed = span_of(NULL, 0);
    cut(RECIPES, rec.golden[RECIPES].n - RECORDED_RECIPE);
    must_make(&p);
    assert_false(made.compared);
    assert_int_equal(made.size, EPOCHS - 1);
}

/* A head that is damaged, or is not ours, is no proof of anything. */
static void
an_old_head_counts_by_its_signature(void **state)
{
    struct rebuild_parts p = parts();
    struct directory_head h = ground_head(&twin);
    struct buf b = BUF_INIT(RECORDED_FILE_MAX);
    size_t at = 0, n = 0;

    (void)state;
    assert_int_equal(buf_add(&b, buf_span(&rec.golden[DATA])), RES_OK);
    for (; at + 64 <= b.n; at++)
        if (memcmp(b.p + at, h.signature, 64) == 0) {
            b.p[at - 33] ^= 0x40; /* of the size: many more epochs */
            n++;
        }
    assert_true(n > 0);
    recorded_write(file("data.mdb"), buf_span(&b));
    must_make(&p);
    assert_false(made.compared);
    must_be_the_same();
    buf_release(&b);
}

/* ---- crashes ---- */

static unsigned ends_after;

static void
end_in_between(void *arg, const char *of_what, uint64_t done, uint64_t of)
{
    (void)arg;
    assert_non_null(of_what);
    assert_true(done <= of);
    if (ends_after-- == 0)
        _exit(9);
}

/* Ends in the middle; what was there is as it was, and the next attempt begins anew. */
static void
a_process_that_ends_changes_nothing(void **state)
{
    struct rebuild_parts p = parts();

    (void)state;
    p.progress = end_in_between;
    for (unsigned k = 0; k < 4; k++) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
            ends_after = k;
            _exit(run(&p) == RES_OK ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
        assert_true(files_exist(file("rebuild")));
        assert_true(holds("data.mdb", buf_span(&rec.golden[DATA])));
        must_be_sound();
    }
    p.progress = NULL;
    must_make(&p);
    must_be_the_same();
}

/* Between the steps of putting it in its place: the old one has its second name already, the index
 * is gone, and the file of locks is that of another. */
static void
what_a_crash_in_the_last_steps_leaves(void **state)
{
    struct rebuild_parts p = parts();
    char from[FILES_PATH_MAX];

    (void)state;
    (void)snprintf(from, sizeof(from), "%s", file("data.mdb"));
    assert_int_equal(link(from, file("data.mdb.replaced-1")), 0);
    (void)snprintf(from, sizeof(from), "%s", file("index"));
    assert_int_equal(index_remove(from), RES_OK);
    ground_open(&rec.d);
    ground_audit(&rec.d);
    ground_close(&rec.d);
    must_make(&p);
    assert_string_equal(made.kept, "data.mdb.replaced-1");
    assert_false(files_exist(file("data.mdb.replaced-2")));
    must_be_the_same();
}

/* ---- memory ---- */

static void
memory_that_fails_changes_nothing(void **state)
{
    struct rebuild_parts p = parts();

    (void)state;
    failalloc_at(0);
    assert_int_equal(run(&p), RES_OK);
    size_t n = failalloc_count();
    (void)fresh(NULL);
    for (size_t i = 1; i <= n; i += 1 + i / 3) {
        failalloc_at(i);
        enum result rc = run(&p);
        bool reached = failalloc_count() >= i;
        failalloc_at(0);
        if (reached && rc != RES_MEMORY && rc != RES_OK)
            fail_msg("allocation %zu of %zu: %s", i, n, result_name(rc));
        if (rc == RES_OK) {
            must_be_the_same();
            (void)fresh(NULL);
        }
        assert_true(holds("data.mdb", buf_span(&rec.golden[DATA])));
    }
    must_make(&p);
    must_be_the_same();
}

/* ---- a store that fails ---- */

/* Whichever call of LMDB's it is, before or after it did its work. */
static void
a_store_that_fails_changes_nothing(void **state)
{
    struct rebuild_parts p = parts();
    unsigned told = 0;

    (void)state;
    mdbfail_at(0, MDBFAIL_BEFORE);
    assert_int_equal(run(&p), RES_OK);
    size_t n = mdbfail_count();
    (void)fresh(NULL);
    for (enum mdbfail_when when = MDBFAIL_BEFORE; when <= MDBFAIL_AFTER; when++)
        /* the first, some between, and the last, of which one is the sync */
        for (size_t i = 1; i <= n; i += i < 30 || i + 30 > n ? 1 : n / 17) {
            mdbfail_at(i, when);
            enum result rc = run(&p);
            const char *what = mdbfail_what();
            mdbfail_at(0, MDBFAIL_BEFORE);
            if (rc == RES_OK) { /* one that does not matter: what it was for was done without it */
                must_be_the_same();
                (void)fresh(NULL);
            } else if (what == NULL) {
                fail_msg("call %zu of %zu: %s without a failure", i, n, result_name(rc));
            }
            told += rc != RES_OK;
            assert_true(holds("data.mdb", buf_span(&rec.golden[DATA])));
        }
    print_message("%u of %zu calls failed\n", told, n);
    assert_true(told > 60);
    must_make(&p);
    must_be_the_same();
}

int
main(void)
{
#define ROW(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        ROW(a_lost_one_is_the_same_again),
        ROW(a_damaged_one_is_the_same_again_and_kept),
        ROW(a_sound_one_is_compared),
        ROW(the_index_follows),
        ROW(recipes_that_wait_are_followed),
        ROW(what_a_crash_has_torn_is_left),
        ROW(recipes_that_are_cut),
        ROW(keys_that_are_cut_or_others),
        ROW(a_log_that_does_not_fit),
        ROW(a_head_known_outside),
        ROW(an_old_head_counts_by_its_signature),
        ROW(a_process_that_ends_changes_nothing),
        ROW(what_a_crash_in_the_last_steps_leaves),
        ROW(memory_that_fails_changes_nothing),
        ROW(a_store_that_fails_changes_nothing),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
