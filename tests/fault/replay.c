/*
 * replay RECORDING BASE DIR [--log NAME] [--cuts N] [--seed N] [--fsck PROGRAM]: cuts the power
 * N times.
 *
 * RECORDING was made by powercut.c while a log served in DIR/NAME; BASE is a copy of DIR from
 * before. At N points of the recording, spread over all of it, the half of them right after an
 * answer left, DIR is made anew as a power cut at that point may leave it.  Then PROGRAM fsck must
 * call it sound, and in the store
 *
 *   every SCT whose answer had left stands at its index with its timestamp and its signature;
 *   no head that had left is larger than the store's.
 *
 * Exit: 0 all held, 1 some did not (each is said with its cut and seed), 2 could not be done.
 */
#include "log/store/store.h"
#include "merkle/base/text.h"
#include "merkle/leaf/datatile.h"
#include "tests/bench/hammer/receipts.h"
#include "tests/fault/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX 20

struct promises {
    struct receipt *receipt;
    size_t n, cap;
    uint64_t head;  /* the largest tree that was shown */
    uint64_t heads; /* how often one was */
};

struct run {
    struct span recording;
    uint64_t records, answers;
    const char *dir;    /* all that was recorded */
    char log[PATH_MAX]; /* the log in it */
    const char *fsck;
    uint64_t cuts, seed;
    uint64_t done[3], failures[3];
    uint64_t unsound, missing, behind, kept_nothing;
    struct promises left;
};

static const char *const KEEPS[] = {"none", "all", "torn"};

/* The record at *at; false at the end (a recording may be cut in its last record: the server was
 * killed). */
static bool
next_record(struct span recording, size_t *at, struct pc_record *r, const uint8_t **data)
{
    if (recording.n - *at < sizeof *r)
        return false;
    memcpy(r, recording.p + *at, sizeof *r);
    if (recording.n - *at - sizeof *r < r->n)
        return false;
    *data = recording.p + *at + sizeof *r;
    *at += sizeof *r + r->n;
    return true;
}

static void
note_answer(struct promises *p, struct span bytes)
{
    static const char SIZE[] = "\"tree_size\":";
    struct receipt r;
    if (receipt_parse(bytes, &r)) {
        if (p->n == p->cap) {
            p->cap = p->cap * 2 + 1024;
            p->receipt = realloc(p->receipt, p->cap * sizeof *p->receipt);
            if (p->receipt == NULL)
                abort();
        }
        p->receipt[p->n++] = r;
        return;
    }
    const char *size = memmem(bytes.p, bytes.n, SIZE, strlen(SIZE));
    if (size == NULL)
        return;
    uint64_t shown = strtoull(size + strlen(SIZE), NULL, 10);
    p->heads++;
    if (shown > p->head)
        p->head = shown;
}

/* Whether the stored entry is the one that was promised. */
static bool
kept(struct store_view *v, const struct receipt *r)
{
    struct store_entry e;
    struct tile_leaf leaf;
    struct buf signature = BUF_INIT(256);
    if (store_get_entry(v, r->index, &e) != RES_OK)
        return false;
    struct reader in = reader_of(e.leaf);
    bool same =
        tile_leaf_read(&in, &leaf) == RES_OK && leaf.timestamped.timestamp == r->timestamp &&
        text_unbase64(span_of(r->signature, r->signature_n), &signature) == RES_OK &&
        signature.n > 4 && span_equal(span_of(signature.p + 4, signature.n - 4), e.sct_signature);
    buf_release(&signature);
    return same;
}

static bool
check_view(struct run *run, struct store_view *v)
{
    struct store_head head = {0};
    uint64_t missing = 0;
    /* A log that was never started has no head yet: sound as long as none was shown. */
    bool behind =
        store_get_head(v, &head) != RES_OK ? run->left.heads > 0 : head.size < run->left.head;
    for (size_t i = 0; i < run->left.n; i++)
        if (run->left.receipt[i].index >= head.size || !kept(v, &run->left.receipt[i]))
            missing++;
    run->missing += missing;
    run->behind += behind;
    return missing == 0 && !behind;
}

static bool
check_store(struct run *run)
{
    char path[PATH_MAX];
    uint32_t format;
    struct store *s = NULL;
    struct store_view *v = NULL;
    if ((size_t)snprintf(path, sizeof path, "%s/store", run->log) >= sizeof path)
        return false;
    struct store_options o = {.path = path, .map_size = UINT64_C(1) << 34, .read_only = true};
    bool ok = store_open(&o, &format, &s) == RES_OK && store_view_new(s, &v) == RES_OK &&
              store_view_begin(v) == RES_OK;
    if (ok) {
        ok = check_view(run, v);
        store_view_end(v);
    } else {
        run->missing += run->left.n;
    }
    store_view_free(v);
    store_close(s);
    return ok;
}

static bool
check_fsck(struct run *run)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        execl(run->fsck, run->fsck, "fsck", run->log, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status) == 127) {
        perror("replay: fsck");
        exit(2);
    }
    return WEXITSTATUS(status) == 0;
}

static void
cut(struct run *run, const struct disk *d, uint64_t at, enum disk_keep keep)
{
    if (!disk_cut(d, keep, run->seed ^ at * 3))
        exit(2);
    run->done[keep]++;
    run->kept_nothing += run->left.n == 0;
    bool sound = run->fsck == NULL || check_fsck(run);
    /* Whoever reads a store that fsck calls damaged may be led astray by it. */
    bool held = sound && check_store(run);
    run->unsound += !sound;
    if (sound && held)
        return;
    uint64_t all = run->failures[0] + run->failures[1] + run->failures[2];
    run->failures[keep]++;
    if (all < SAID_MAX)
        printf("cut after record %" PRIu64 ", %s kept: %s%s%zu SCTs had left\n", at, KEEPS[keep],
               sound ? "" : "fsck says damaged, ", sound && !held ? "a promise is broken, " : "",
               run->left.n);
}

/* Counts records and answers, so that the cuts can be spread over them. */
static void
survey(struct run *run)
{
    struct pc_record r;
    const uint8_t *data;
    for (size_t at = 0; next_record(run->recording, &at, &r, &data); run->records++)
        run->answers += r.kind == PC_ANSWER;
}

static void
replay(struct run *run, struct disk *d)
{
    struct pc_record r;
    const uint8_t *data;
    uint64_t seq = 0, answer = 0, turn = run->seed, half = run->cuts * 3 / 5 + 1;
    for (size_t at = 0; next_record(run->recording, &at, &r, &data); seq++) {
        if (!disk_apply(d, seq, &r, data))
            fprintf(stderr, "replay: record %" PRIu64 " makes no sense\n", seq);
        bool chosen = seq * half / run->records != (seq + 1) * half / run->records;
        if (r.kind == PC_ANSWER) {
            note_answer(&run->left, span_of(data, r.n));
            chosen |= answer * half / run->answers != (answer + 1) * half / run->answers;
            answer++;
        }
        if (chosen)
            cut(run, d, seq, (enum disk_keep)(turn++ % 3));
    }
}

static bool
map_recording(const char *path, struct span *ret)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
        return false;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    *ret = span_of(p, (size_t)st.st_size);
    return p != MAP_FAILED;
}

static int
say(const struct run *run)
{
    uint64_t failures = run->failures[0] + run->failures[1] + run->failures[2];
    printf("%" PRIu64 " records, %" PRIu64 " answers left, %zu SCTs, largest head shown %" PRIu64
           "\n",
           run->records, run->answers, run->left.n, run->left.head);
    for (int k = 0; k < 3; k++)
        printf("%" PRIu64 " cuts with %s of what was not synced kept: %" PRIu64 " failed\n",
               run->done[k], KEEPS[k], run->failures[k]);
    printf("damaged by fsck %" PRIu64 ", SCTs missing %" PRIu64 ", behind a head %" PRIu64
           ", cuts before the first SCT %" PRIu64 "\n",
           run->unsound, run->missing, run->behind, run->kept_nothing);
    return failures == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"cuts", 1, 0, 'n'}, {"seed", 1, 0, 's'}, {"fsck", 1, 0, 'f'}, {"log", 1, 0, 'l'}, {0}};
    struct run run = {.cuts = 1000, .seed = 1};
    const char *name = "log";
    int option;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (option == 'n')
            run.cuts = strtoull(optarg, NULL, 10);
        else if (option == 's')
            run.seed = strtoull(optarg, NULL, 10);
        else if (option == 'f')
            run.fsck = optarg;
        else if (option == 'l')
            name = optarg;
        else
            return 2;
    }
    if (optind + 3 != argc || run.cuts == 0) {
        fprintf(stderr, "usage: replay RECORDING BASE DIR [--log NAME] [--cuts N] [--seed N] "
                        "[--fsck PROGRAM]\n");
        return 2;
    }
    run.dir = argv[optind + 2];
    if ((size_t)snprintf(run.log, sizeof run.log, "%s/%s", run.dir, name) >= sizeof run.log)
        return 2;
    struct disk *d = disk_load(argv[optind + 1], run.dir);
    if (d == NULL || !map_recording(argv[optind], &run.recording)) {
        perror("replay");
        return 2;
    }
    survey(&run);
    if (run.answers > 0)
        replay(&run, d);
    int rc = run.answers == 0 ? 2 : say(&run);
    disk_free(d);
    free(run.left.receipt);
    return rc;
}
