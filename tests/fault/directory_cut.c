/*
 * The power is cut at each step of the directory's epochs, and the same epochs stand afterwards.
 *
 * A log takes certificates while powercut.so records what it writes and syncs; each new head of the
 * directory is shown through a socket.  Then, for each record chosen, the disk is made as a power
 * cut after it may leave it (disk.h; "all" is what kill -9 leaves), the log is opened, and in it
 *
 *   every epoch whose recipe was whole on that disk is the one that was made without the cut, in
 *   every byte of its feed entry: its roots, its time, its additions;
 *   no head that had been shown is larger than the directory, and each is of this feed;
 *   and, where it is waited for, all certificates of the store are covered and fsck finds nothing.
 *
 *   CARTULARY_CUTS   how many; 0: after every record, each way of keeping (an hour)
 *   CARTULARY_SEED   chooses them
 *
 * Called as `directory_cut record DIR CHAINS` it is the log that is recorded.
 */
#include "log/directory/directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log/directory/recipe.h"
#include "log/directory/shelf.h"
#include "log/files.h"
#include "log/fsck.h"
#include "merkle/base/text.h"
#include "tests/fault/disk.h"
#include "tests/unit/log/testlog.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define EPOCHS_MAX 64
#define SHOWN_MAX 4096
#define CUTS 30
#define PATIENCE_MS 20000
/* One in so many cuts waits until all is covered: an epoch takes a second to close. */
#define WAIT_EVERY 8

/* Certificates for each epoch. */
static const unsigned batches[] = {1, 9, 30, 2};
#define BATCHES (sizeof(batches) / sizeof(batches[0]))

static void
nap(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

/* ---- the log that is recorded ---- */

/* Shows the directory's head when it is a new one. */
static void
show_head(int to, struct directory_reader *r, uint64_t size, uint64_t *shown)
{
    struct buf note = BUF_INIT(4096);

    if (size == *shown)
        return;
    *shown = size;
    if (directory_feed_checkpoint(r, &note) != RES_OK || write(to, note.p, note.n) < 0)
        exit(2);
    buf_release(&note);
}

static void
wait_covered(struct log *l, uint64_t certificates, int to, struct directory_reader *r,
             uint64_t *shown)
{
    struct directory_stats s = {0};

    for (unsigned ms = 0; ms < PATIENCE_MS; ms += 2, nap(2)) {
        directory_stats(log_directory(l), &s);
        if (r != NULL)
            show_head(to, r, s.size, shown);
        if (s.certificates >= certificates)
            return;
    }
    fprintf(stderr, "directory_cut: the directory covers %llu of %llu certificates\n",
            (unsigned long long)s.certificates, (unsigned long long)certificates);
    exit(2);
}

static void
submit_file(struct log *l, struct log_worker *w, const char *chains, unsigned i)
{
    struct buf cert[4];
    struct testchain c = {.n = 0};
    struct log_receipt receipt;
    char path[512];

    for (; c.n < 4; c.n++) {
        (void)snprintf(path, sizeof(path), "%s/%u-%zu", chains, i, c.n);
        buf_init(&cert[c.n], 65536);
        if (files_read(path, &cert[c.n]) != RES_OK)
            break;
        c.cert[c.n] = buf_span(&cert[c.n]);
    }
    (void)snprintf(path, sizeof(path), "%s/%u-type-1", chains, i);
    c.type = files_exist(path) ? ENTRY_PRECERT : ENTRY_X509;
    if (testlog_submit(l, w, &c, &receipt) != RES_OK)
        exit(2);
    for (size_t k = 0; k < c.n; k++)
        buf_release(&cert[k]);
}

static int
record(const char *dir, const char *chains)
{
    struct log *l = testlog_serve(dir);
    struct directory_reader *r;
    struct log_worker *w;
    uint64_t n = 0, shown = 0;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        directory_reader_new(log_directory(l), &r) != RES_OK || log_worker_new(l, &w) != RES_OK)
        return 2;
    for (size_t b = 0; b < BATCHES; b++) {
        for (unsigned i = 0; i < batches[b]; i++)
            submit_file(l, w, chains, (unsigned)n++);
        wait_covered(l, n, pair[0], r, &shown);
    }
    directory_reader_free(r);
    log_worker_free(w);
    testlog_stop(l);
    return 0;
}

/* ---- what stands ---- */

struct epochs {
    uint8_t entry[EPOCHS_MAX][256]; /* FeedEntry */
    size_t entry_n[EPOCHS_MAX];
    struct hash leaf[EPOCHS_MAX];
    uint64_t n;
};

static void
read_epochs(const char *dir, struct epochs *ret)
{
    char path[FILES_PATH_MAX];
    struct shelf_options o = {.path = path, .map_size = UINT64_C(1) << 30, .read_only = true};
    struct entry_row row;
    struct shelf *s;
    struct shelf_view *v;

    assert_int_equal(files_path(dir, "directory", path), RES_OK);
    assert_int_equal(shelf_open(&o, &s), RES_OK);
    assert_int_equal(shelf_view_new(s, &v), RES_OK);
    assert_int_equal(shelf_view_begin(v), RES_OK);
    for (ret->n = 0; shelf_get_entry(v, ret->n, &row) == RES_OK; ret->n++) {
        struct buf b = BUF_INIT(256);
        struct writer w = writer_to(&b);

        assert_true(ret->n < EPOCHS_MAX);
        feed_entry_put(&w, &row.feed);
        assert_int_equal(writer_end(&w), RES_OK);
        memcpy(ret->entry[ret->n], b.p, b.n);
        ret->entry_n[ret->n] = b.n;
        hash_leaf(buf_span(&b), &ret->leaf[ret->n]);
        buf_release(&b);
    }
    shelf_view_end(v);
    shelf_view_free(v);
    shelf_close(s);
}

/* How many whole recipes the disk has, from the first on. */
static uint64_t
count_recipes(const char *dir)
{
    char path[FILES_PATH_MAX];
    struct buf bytes = BUF_INIT(RECIPE_MAX);
    struct recipe q;
    struct recipes *r;
    uint64_t n = 0;

    assert_int_equal(files_path(dir, "directory/recipes", path), RES_OK);
    assert_int_equal(recipes_open(path, 0, 0, true, &r), RES_OK);
    while (recipes_next(r, &bytes, &q) == RES_OK && recipes_pass(r) == RES_OK)
        n++;
    recipes_close(r);
    buf_release(&bytes);
    return n;
}

/* ---- cutting ---- */

struct shown {
    uint64_t size;
    struct hash root;
};

static struct world {
    char *scratch;
    char dir[300], top[300], base[300], chains[300], recording[300];
    struct span bytes;
    uint64_t records;
    struct epochs made;
    struct shown shown[SHOWN_MAX];
    size_t shown_n;
    uint64_t cuts, whole, waited;
} w;

static void
run(const char *const *argv, const char *preload)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (preload != NULL) {
            (void)setenv("POWERCUT_DIR", w.top, 1);
            (void)setenv("POWERCUT_LOG", w.recording, 1);
            (void)setenv("LD_PRELOAD", preload, 1);
        }
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
keep_chains(unsigned n)
{
    char path[512];

    for (unsigned i = 0; i < n; i++) {
        struct testchain c = testchain_mint(&testlog_ca, (enum testchain_kind)(i % CHAIN_KINDS), i);

        for (size_t k = 0; k < c.n; k++) {
            (void)snprintf(path, sizeof(path), "%s/%u-%zu", w.chains, i, k);
            assert_int_equal(files_replace(path, c.cert[k], 0600), RES_OK);
        }
        (void)snprintf(path, sizeof(path), "%s/%u-type-%d", w.chains, i, c.type == ENTRY_PRECERT);
        assert_int_equal(files_replace(path, span_str("x"), 0600), RES_OK);
        testchain_release(&c);
    }
}

static void
map_recording(void)
{
    struct stat st;
    int fd = open(w.recording, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0);
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(p != MAP_FAILED);
    (void)close(fd);
    w.bytes = span_of(p, (size_t)st.st_size);
}

static bool
next_record(size_t *at, struct pc_record *r, const uint8_t **data)
{
    if (w.bytes.n - *at < sizeof(*r))
        return false;
    memcpy(r, w.bytes.p + *at, sizeof(*r));
    if (w.bytes.n - *at - sizeof(*r) < r->n)
        return false;
    *data = w.bytes.p + *at + sizeof(*r);
    *at += sizeof(*r) + r->n;
    return true;
}

/* A checkpoint: origin, size, root, each on a line. */
static void
note_shown(struct span note)
{
    char text[4096], root[64];
    unsigned long long size;
    struct shown *s = &w.shown[w.shown_n++];

    assert_true(w.shown_n < SHOWN_MAX && note.n < sizeof(text));
    memcpy(text, note.p, note.n);
    text[note.n] = 0;
    assert_int_equal(sscanf(text, "%*[^\n]\n%llu\n%63[^\n]", &size, root), 2);
    s->size = size;
    assert_int_equal(text_unbase64_exact(span_str(root), s->root.b, HASH_SIZE), RES_OK);
}

static const char *const keeps[] = {"none", "all", "torn"};

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    fprintf(stderr, "%s: %s\n", where, what);
}

/* The whole log, its directory's trees and rows too. */
static void
assert_sound(uint64_t at, enum disk_keep keep)
{
    const struct fsck_options o = {
        .dir = w.dir, .sct_every = 1, .proof_every = 1, .finding = on_finding};
    struct fsck_report report;
    struct log_trouble why = {{0}};
    enum result rc = fsck_run(&o, &report, &why);

    if (rc != RES_OK)
        fail_msg("cut after record %llu, %s kept: fsck says %s %s", (unsigned long long)at,
                 keeps[keep], result_name(rc), why.text);
}

static void
check_cut(uint64_t at, enum disk_keep keep, bool wait)
{
    struct epochs now;
    uint64_t shown = 0, recipes = count_recipes(w.dir);
    struct log_trouble why;
    struct log *l;

    if (testlog_open(w.dir, &l, &why) != RES_OK)
        fail_msg("cut after record %llu, %s kept: %s", (unsigned long long)at, keeps[keep],
                 why.text);
    assert_int_equal(log_start(l), RES_OK);

    for (unsigned ms = 0; ms < PATIENCE_MS; ms += 2, nap(2)) {
        struct directory_stats s;
        directory_stats(log_directory(l), &s);
        if (s.size >= recipes)
            break;
    }
    if (wait)
        wait_covered(l, testlog_audit(l), -1, NULL, &shown);
    testlog_stop(l);
    if (wait)
        assert_sound(at, keep);
    read_epochs(w.dir, &now);
    if (now.n < recipes)
        fail_msg("cut after record %llu, %s kept: %llu epochs of %llu recipes",
                 (unsigned long long)at, keeps[keep], (unsigned long long)now.n,
                 (unsigned long long)recipes);
    for (uint64_t i = 0; i < recipes && i < w.made.n; i++)
        if (!span_equal(span_of(now.entry[i], now.entry_n[i]),
                        span_of(w.made.entry[i], w.made.entry_n[i])))
            fail_msg("cut after record %llu, %s kept: epoch %llu is another",
                     (unsigned long long)at, keeps[keep], (unsigned long long)i);
    for (size_t i = 0; i < w.shown_n; i++) {
        struct hash root;
        if (w.shown[i].size > now.n)
            fail_msg("cut after record %llu, %s kept: a head of size %llu was shown and is lost",
                     (unsigned long long)at, keeps[keep], (unsigned long long)w.shown[i].size);
        testlog_mth(now.leaf, w.shown[i].size, &root);
        assert_true(hash_equal(&root, &w.shown[i].root));
    }
    w.cuts++;
    w.whole += recipes;
    w.waited += wait;
}

/* Whether the cut after that record is one of those asked for; 0: all are. */
static bool
is_chosen(struct rng *r, uint64_t cuts)
{
    return cuts == 0 || rng_next(r) % w.records < cuts;
}

static void
cut_all(struct rng *rng, uint64_t cuts)
{
    struct disk *d = disk_load(w.base, w.top);
    struct pc_record r;
    const uint8_t *data;
    uint64_t seq = 0;

    assert_non_null(d);
    for (size_t at = 0; next_record(&at, &r, &data); seq++) {
        assert_true(disk_apply(d, seq, &r, data));
        if (r.kind == PC_ANSWER)
            note_shown(span_of(data, r.n));
        for (enum disk_keep keep = DISK_NONE; keep <= DISK_TORN; keep++) {
            if (!is_chosen(rng, cuts == 0 ? 0 : (cuts + 2) / 3))
                continue;
            uint64_t seed = rng_next(rng);
            assert_true(disk_cut(d, keep, seed));
            check_cut(seq, keep, seed % WAIT_EVERY == 0);
        }
    }
    disk_free(d);
}

static void
the_same_epochs_stand_after_a_cut(void **state)
{
    const char *asked = getenv("CARTULARY_CUTS");
    uint64_t cuts = asked == NULL ? CUTS : strtoull(asked, NULL, 10);
    struct rng rng = rng_start("directory_cut");
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct pc_record r;
    const uint8_t *data;
    unsigned chains = 0;

    (void)state;
    assert_true(n > 0);
    self[n] = 0;
    for (size_t b = 0; b < BATCHES; b++)
        chains += batches[b];
    keep_chains(chains);
    run((const char *const[]){"cp", "-a", w.top, w.base, NULL}, NULL);
    run((const char *const[]){self, "record", w.dir, w.chains, NULL}, POWERCUT);
    map_recording();
    for (size_t at = 0; next_record(&at, &r, &data);)
        w.records++;
    read_epochs(w.dir, &w.made);
    assert_true(w.made.n > BATCHES);
    cut_all(&rng, cuts);
    assert_true(w.cuts > 0 && w.shown_n > BATCHES);
    print_message(
        "%llu records, %llu epochs, %zu heads shown; %llu cuts, %llu epochs made again or "
        "found, all covered %llu times\n",
        (unsigned long long)w.records, (unsigned long long)w.made.n, w.shown_n,
        (unsigned long long)w.cuts, (unsigned long long)w.whole, (unsigned long long)w.waited);
}

static int
setup(void **state)
{
    char path[256];

    (void)state;
    w.scratch = scratch_new();
    (void)snprintf(w.top, sizeof(w.top), "%s/run", w.scratch);
    (void)snprintf(w.base, sizeof(w.base), "%s/base", w.scratch);
    (void)snprintf(w.chains, sizeof(w.chains), "%s/chains", w.scratch);
    (void)snprintf(w.recording, sizeof(w.recording), "%s/recording", w.scratch);
    assert_int_equal(mkdir(w.top, 0700), 0);
    assert_int_equal(mkdir(w.chains, 0700), 0);
    testlog_create(w.top, &testlog_ca, "", path);
    (void)snprintf(w.dir, sizeof(w.dir), "%s", path);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    if (getenv("CARTULARY_KEEP") == NULL)
        scratch_free(w.scratch);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_epochs_stand_after_a_cut, setup, teardown),
    };

    if (argc == 4 && strcmp(argv[1], "record") == 0)
        return record(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, testlog_make_ca, testlog_drop_ca);
}
