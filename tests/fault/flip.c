/*
 * One bit flips while a batch is written: no wrong root may be committed, and no SCT answered for
 * what is not included.
 *
 * log/ is compiled with the flip points of log/flip.h.  A batch (certificates, precertificates of
 * both kinds, a duplicate) is run once to list the points it passes, with their sizes; then again,
 * each time in a process of its own over the same store, with one bit of one of them flipped.
 * Allowed is: the batch is refused, nothing is answered or published, and once the marker is taken
 * away the store opens as it was; or the head committed is the one over the entries as submitted
 * (RFC 6962's recursion says so), everything audits sound, and every SCT verifies.  A process that
 * an assertion ends counts as refused.
 *
 *     flip [BITS]     BITS of each point, chosen at random (CARTULARY_SEED); "all": every bit of a
 *                     point of up to 128 bytes, 64 of a larger one
 */
#include "testlog.h"

#include "log/flip.h"
#include "log/fsck.h"
#include "log/marker.h"
#include "merkle/leaf/sct.h"
#include "tests/vectors/rng.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINTS_MAX 256
#define CHAINS 5
#define ALL_BITS_BELOW 128

struct point {
    const char *name;
    size_t n;
};

/* ---- what batch.c and entries.c call ---- */

static struct point points[POINTS_MAX];
static unsigned passed;
static int target = -1; /* which of them, or none */
static uint64_t target_bit;

void
flip_point(const char *name, void *p, size_t n)
{
    if (passed < POINTS_MAX)
        points[passed] = (struct point){name, n};
    if ((int)passed == target && n > 0)
        ((uint8_t *)p)[target_bit / 8 % n] ^= (uint8_t)(1 << target_bit % 8);
    passed++;
}

/* ---- the log that it is done to ---- */

static struct testca ca;
static struct testchain chain[CHAINS];
static char path[256];
static struct buf golden;
static struct hash leaf_hash[512 + CHAINS];
static uint64_t base;
static struct store_head base_head;

static void
die(const char *what)
{
    (void)fprintf(stderr, "flip: %s\n", what);
    _exit(3);
}

static void
need(bool ok, const char *what)
{
    if (!ok)
        die(what);
}

static struct testlog_outcome outcome[CHAINS + 1];

static struct pending *
make_pending(struct log *l, const struct testchain *c, struct testlog_outcome *o)
{
    struct chain got = CHAIN_INIT;
    struct chain_refusal refusal;
    struct pending *p = NULL;
    static const bool none[CHAIN_MAX];
    struct roots *roots = log_roots(l);
    need(chain_accept(&l->config.policy, roots, l->issuers, c->type, c->cert, c->n, &got,
                      &refusal) == RES_OK &&
             pending_new(&got, none, testlog_done, o, &p) == RES_OK,
         "a chain is not taken");
    chain_release(&got);
    roots_unref(roots);
    return p;
}

/* The batch: all chains, and the first once more. */
static enum result
run_batch(struct log *l)
{
    struct pending *list = NULL, **end = &list;
    memset(outcome, 0, sizeof(outcome));
    for (unsigned i = 0; i <= CHAINS; i++) {
        *end = make_pending(l, &chain[i % CHAINS], &outcome[i]);
        end = &(*end)->next;
    }
    passed = 0;
    return sequencer_turn(l->sequencer, list);
}

/* A log of size entries, its store kept in golden. */
static void
make_base(const char *scratch, uint64_t size)
{
    struct testlog_outcome o;
    testlog_create(scratch, &ca, "", path);
    struct log *l;
    target = -1;
    need(testlog_open(path, &l, NULL) == RES_OK, "open");
    for (uint64_t i = 0; i < size; i++) {
        struct testchain c = testchain_mint(&ca, CHAIN_LEAF, 1000 + i);
        need(sequencer_turn(l->sequencer, make_pending(l, &c, &o)) == RES_OK, "a base entry");
        testchain_release(&c);
    }
    need(sequencer_turn(l->sequencer, NULL) == RES_OK, "a base head");
    need(testlog_audit(l) == size, "the base");
    log_head(l, &base_head, NULL);
    struct store_view *v;
    need(store_view_new(l->store, &v) == RES_OK && store_view_begin(v) == RES_OK, "view");
    for (uint64_t i = 0; i < size; i++)
        need(store_get_node(v, (struct node){0, i}, &leaf_hash[i]) == RES_OK, "node");
    store_view_end(v);
    store_view_free(v);
    log_close(l);
    base = size;
    testlog_take_store(path, &golden);
}

/* ---- one flip ---- */

enum { COMMITTED = 10, REFUSED = 11, WRONG = 12 };

static int
wrong(const char *what)
{
    (void)fprintf(stderr, "WRONG: %s\n", what);
    return WRONG;
}

/* Everything that was answered is in the tree over the entries as submitted. */
static int
judge_committed(struct log *l)
{
    struct store_head head;
    struct hash root;
    log_head(l, &head, NULL);
    if (head.size != base + CHAINS)
        return wrong("another size was published");
    for (unsigned i = 0; i <= CHAINS; i++) {
        const struct log_receipt *r = &outcome[i].receipt;
        struct hash digest;
        struct buf tbs = BUF_INIT(CERT_MAX);
        if (outcome[i].calls != 1 || outcome[i].rc != RES_OK)
            return wrong("not everyone was answered");
        if (r->index != base + i % CHAINS)
            return wrong("another index was answered");
        testlog_demanded(&ca, &chain[i % CHAINS], r, &tbs, &leaf_hash[r->index], &digest);
        buf_release(&tbs);
        if (p256_verify_digest(signer_public(l->signer), &digest,
                               span_of(r->signature, r->signature_n)) != RES_OK)
            return wrong("an SCT does not verify");
    }
    testlog_mth(leaf_hash, head.size, &root);
    if (!hash_equal(&root, &head.root))
        return wrong("a wrong root was signed and committed");
    (void)testlog_audit(l);
    return COMMITTED;
}

static int
judge_refused(struct log *l)
{
    struct store_head head;
    char text[MARKER_TEXT_MAX];
    log_head(l, &head, NULL);
    for (unsigned i = 0; i <= CHAINS; i++)
        if (outcome[i].calls != 1 || outcome[i].rc == RES_OK)
            return wrong("an SCT was answered for a batch that was refused");
    if (head.timestamp != base_head.timestamp)
        return wrong("a head was published");
    if (marker_get(path, MARKER_HALTED, text) == RES_OK)
        return REFUSED;
    return wrong("refused without halting");
}

/* Runs in a process of its own. */
static int
flip_one(void)
{
    struct log *l;
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (testlog_open(path, &l, NULL) != RES_OK)
        return 3;
    enum result rc = run_batch(l);
    int said = rc == RES_OK ? judge_committed(l) : judge_refused(l);
    log_close(l);
    return said;
}

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    (void)fprintf(stderr, "%s: %s\n", where, what);
}

/* What is left on disk opens, and holds the base or the whole batch. */
static bool
sound_after(bool committed)
{
    struct fsck_options o = {.dir = path, .sct_every = 1, .finding = on_finding};
    struct fsck_report report;
    struct log_trouble why;
    if (marker_clear(path, MARKER_HALTED) == RES_IO)
        return false;
    if (fsck_run(&o, &report, &why) != RES_OK)
        return false;
    if (report.size != (committed ? base + CHAINS : base))
        return false;
    return committed || hash_equal(&report.root, &base_head.root);
}

struct count {
    const char *name;
    unsigned flips, refused, committed, ended, wrong;
};

static void
try(struct count *c)
{
    testlog_put_store(path, buf_span(&golden));
    (void)fflush(NULL);
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        /* An assertion's words are expected here. */
        if (!getenv("CARTULARY_LOUD") && !freopen("/dev/null", "w", stderr))
            _exit(3);
        _exit(flip_one());
    }
    int status;
    need(waitpid(child, &status, 0) == child, "wait");
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    bool ended = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    c->flips++;
    if ((code == COMMITTED || code == REFUSED || ended) && sound_after(code == COMMITTED)) {
        c->refused += code == REFUSED;
        c->committed += code == COMMITTED;
        c->ended += ended;
        return;
    }
    c->wrong++;
    (void)printf("WRONG: base %llu point %d (%s, %zu bytes) bit %llu: status %x\n",
                 (unsigned long long)base, target, points[target].name, points[target].n,
                 (unsigned long long)target_bit, (unsigned)status);
}

static struct count counts[POINTS_MAX];
static unsigned counts_n;

static struct count *
count_of(const char *name)
{
    for (unsigned i = 0; i < counts_n; i++)
        if (strcmp(counts[i].name, name) == 0)
            return &counts[i];
    counts[counts_n].name = name;
    return &counts[counts_n++];
}

static void
campaign(const char *scratch, uint64_t size, unsigned bits, bool all, struct rng *rng)
{
    struct log *l;
    make_base(scratch, size);
    testlog_put_store(path, buf_span(&golden));
    target = -1;
    need(testlog_open(path, &l, NULL) == RES_OK, "open");
    need(run_batch(l) == RES_OK && judge_committed(l) == COMMITTED, "the batch without a flip");
    log_close(l);
    unsigned n = passed;
    need(n <= POINTS_MAX, "more points than room");
    for (unsigned i = 0; i < n; i++) {
        uint64_t of = (uint64_t)points[i].n * 8;
        bool every = all && points[i].n <= ALL_BITS_BELOW;
        uint64_t tries = every ? of : bits < of ? bits : of;
        target = (int)i;
        for (uint64_t k = 0; k < tries; k++) {
            target_bit = every ? k : rng_next(rng) % of;
            try(count_of(points[i].name));
        }
    }
    target = -1;
}

int
main(int argc, char **argv)
{
    static const uint64_t SIZES[] = {2, 254};
    bool all = argc > 1 && strcmp(argv[1], "all") == 0;
    unsigned bits = all ? 64 : argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 64;
    struct rng rng = rng_start("flip");
    unsigned total = 0, bad = 0;
    golden = BUF_INIT(64 << 20);
    testca_init(&ca);
    static const enum testchain_kind KINDS[CHAINS] = {
        CHAIN_LEAF, CHAIN_PRECERT, CHAIN_PRECERT_BY_SIGNER, CHAIN_LEAF, CHAIN_PRECERT};
    for (unsigned i = 0; i < CHAINS; i++)
        chain[i] = testchain_mint(&ca, KINDS[i], i);
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        char *scratch = scratch_new();
        campaign(scratch, SIZES[i], bits, all, &rng);
        scratch_free(scratch);
    }
    (void)printf("%-18s %7s %8s %10s %6s %6s\n", "point", "flips", "refused", "harmless", "ended",
                 "WRONG");
    for (unsigned i = 0; i < counts_n; i++) {
        const struct count *c = &counts[i];
        (void)printf("%-18s %7u %8u %10u %6u %6u\n", c->name, c->flips, c->refused, c->committed,
                     c->ended, c->wrong);
        total += c->flips;
        bad += c->wrong;
    }
    (void)printf("%u flips, %u wrong\n", total, bad);
    for (unsigned i = 0; i < CHAINS; i++)
        testchain_release(&chain[i]);
    testca_release(&ca);
    buf_release(&golden);
    return bad == 0 && counts_n > 0 ? 0 : 1;
}
