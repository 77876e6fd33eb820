/*
 * bench_epochs FOLDER old|new EPOCHS ADDITIONS: epochs of the directory that bench_fill has made,
 * each with a certificate for so many mailboxes that it knows (old) or does not (new).
 *
 * The certificates are put into FOLDER's store first, without a signature that would hold; then
 * the directory makes an epoch of each so many, as it does when it serves: recipe, entries, VRF
 * outputs, commitments, tree, commit, index.  Proof records come with each next epoch, as the
 * prover hands them in, but of stand-ins.  Between epochs the bare VRF outputs of as many versions
 * are made on as many threads.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log/directory/outputs.h"
#include "log/directory/steps.h"
#include "log/edge.h"
#include "log/opening.h"
#include "merkle/leaf/datatile.h"
#include "tests/bench/bench.h"
#include "tests/bench/filled.h"
#include "tests/mint/mint.h"

#define MARK "0123456789abcdef"
#define MARK_SIZE 16
#define TOGETHER 8192
#define LEAF_MAX (1u << 16)

/* A certificate in which address and serial number are written over. */
struct stencil {
    struct span der;
    uint8_t *at[4];
    unsigned marks;
    uint8_t *serial;
    struct hash issuers[2];
    struct span issuer_der[2];
};

static struct stencil stencil;
static struct edge edge;
static struct filled f;
static uint64_t entries; /* in the certificate log */

/* ---- the certificate log ---- */

static void
cut_stencil(void)
{
    EVP_PKEY *root_key = mint_key(MINT_P256), *key = mint_key(MINT_P256);
    X509 *root = mint_root("Bench Root", root_key);
    X509 *ca = mint_ca("Bench CA", key, root, root_key);
    X509 *leaf = mint_leaf(MARK "@bench.example", mint_key(MINT_P256), ca, key);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    struct stencil *s = &stencil;

    s->der = mint_der(leaf);
    s->issuer_der[0] = mint_der(ca);
    s->issuer_der[1] = mint_der(root);
    for (int i = 0; i < 2; i++)
        hash_sha256(s->issuer_der[i], &s->issuers[i]);
    uint8_t *at = (uint8_t *)(uintptr_t)s->der.p, *end = at + s->der.n;
    s->serial =
        memmem(at, s->der.n, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    BENCH_NEED(s->serial != NULL && ASN1_STRING_length(serial) > 8);
    s->serial += 1; /* the first byte keeps it positive */
    while ((at = memmem(at, (size_t)(end - at), MARK, MARK_SIZE)) != NULL) {
        BENCH_NEED(s->marks < 4);
        s->at[s->marks++] = at;
        at += MARK_SIZE;
    }
    BENCH_NEED(s->marks > 0);
}

static enum result
put_tile(void *arg, unsigned level, uint64_t index, bool full, const struct hash *nodes)
{
    return store_put_tile(arg, level, index, full, nodes);
}

static void
put_certificate(struct store_txn *t, uint64_t label, struct buf *leaf)
{
    static const uint8_t signature[71];
    struct label l = filled_label(label);
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    struct tile_leaf e = {.timestamped = {.timestamp = f.newest_ms,
                                          .entry = {.type = ENTRY_X509, .body = stencil.der},
                                          .extensions = span_of(extensions, sizeof extensions)},
                          .chain_count = 2};
    struct hash h;

    for (unsigned i = 0; i < stencil.marks; i++)
        memcpy(stencil.at[i], l.b + 1, MARK_SIZE);
    memcpy(stencil.serial, &entries, sizeof entries);
    memcpy(e.chain, stencil.issuers, sizeof stencil.issuers);
    entry_leaf_index(entries, extensions);
    buf_clear(leaf);
    entry_leaf_hash(&e.timestamped, &h);
    BENCH_NEED(tile_leaf_write(&e, leaf) == RES_OK &&
               store_append(t, entries++, buf_span(leaf), span_of(signature, sizeof signature)) ==
                   RES_OK &&
               edge_append(&edge, &h, put_tile, t) == RES_OK);
}

static void
put_certificates(uint64_t first, uint64_t n)
{
    struct store_head h = {.timestamp = f.newest_ms, .sth_signature_n = 2};
    struct buf leaf = BUF_INIT(LEAF_MAX);
    struct store_txn *t;

    BENCH_NEED(store_begin(f.store, &t) == RES_OK);
    for (int i = 0; i < 2; i++)
        BENCH_NEED(store_put_issuer(t, &stencil.issuers[i], stencil.issuer_der[i]) == RES_OK);
    for (uint64_t i = 0; i < n; i++)
        put_certificate(t, first + i, &leaf);
    h.size = entries;
    range_root(&edge.range, &h.root);
    BENCH_NEED(store_flush(t) == RES_OK && edge_partials(&edge, put_tile, t) == RES_OK &&
               store_put_head(t, &h) == RES_OK && store_commit(t) == RES_OK);
    buf_release(&leaf);
}

/* The log's own right edge, and how many entries it has: from an earlier run on the folder. */
static void
load_edge(void)
{
    struct store_view *v;
    struct store_head h;

    BENCH_NEED(store_view_new(f.store, &v) == RES_OK && store_view_begin(v) == RES_OK);
    if (store_get_head(v, &h) == RES_OK)
        entries = h.size;
    edge_init(&edge);
    if (entries > 0)
        BENCH_NEED(edge_load(&edge, v, entries) == RES_OK);
    store_view_end(v);
    store_view_free(v);
}

static void
cover(uint64_t size)
{
    struct store_head h = {.timestamp = f.newest_ms, .size = size};
    struct store_view *v;

    BENCH_NEED(store_view_new(f.store, &v) == RES_OK && store_view_begin(v) == RES_OK &&
               opening_root_at(v, size, &h.root) == RES_OK);
    store_view_end(v);
    store_view_free(v);
    filled_cover(&h);
}

/* ---- what is measured ---- */

struct took {
    double wall, cpu;
};

static double
seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* So far, of the whole process. */
static struct took
now(void)
{
    struct timespec t;
    struct rusage u;

    BENCH_NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0 && getrusage(RUSAGE_SELF, &u) == 0);
    return (struct took){(double)t.tv_sec + (double)t.tv_nsec / 1e9,
                         seconds(u.ru_utime) + seconds(u.ru_stime)};
}

/* Bytes that were handed to write calls. */
static double
written(void)
{
    FILE *in = fopen("/proc/self/io", "r");
    char line[128];
    double n = -1;

    BENCH_NEED(in != NULL);
    while (n < 0 && fgets(line, sizeof line, in) != NULL)
        (void)sscanf(line, "wchar: %lf", &n);
    (void)fclose(in);
    return n;
}

/* The proof records of the rows [from, to); no two outputs in them are the same. */
static void
hand_in_proofs(uint64_t from, uint64_t to)
{
    static uint8_t record[LADDER_STEPS_MAX * STEP_SIZE];
    static uint64_t seed[2];
    uint32_t steps[LADDER_STEPS_MAX];
    struct version_row row;

    BENCH_NEED(shelf_view_begin(f.directory->view) == RES_OK);
    for (; from < to; from++) {
        BENCH_NEED(shelf_get_version(f.directory->view, from, &row) == RES_OK);
        unsigned n = steps_of(row.version, steps);
        for (unsigned i = 0; i < n; i++) {
            struct hash output;
            seed[0]++;
            seed[1] = from;
            hash_sha256(span_of(seed, sizeof seed), &output);
            memcpy(record + i * STEP_SIZE, output.b, HASH_SIZE);
        }
        if (n > 0)
            BENCH_NEED(builder_add_proofs(f.directory->builder, from,
                                          span_of(record, n * STEP_SIZE)) == RES_OK);
    }
    shelf_view_end(f.directory->view);
}

/* Outputs for as many versions as an epoch has, on the threads that it uses. */
static struct took
bare(uint64_t first, uint64_t n, unsigned threads)
{
    struct change *at = calloc(n, sizeof *at);

    BENCH_NEED(at != NULL);
    for (uint64_t i = 0; i < n; i++)
        at[i].label = filled_label(first + i);
    struct took before = now();
    BENCH_NEED(outputs_make(f.signer, at, n, threads) == RES_OK);
    struct took after = now();
    free(at);
    return (struct took){after.wall - before.wall, after.cpu - before.cpu};
}

static int
by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double
median(double *values, uint64_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* One epoch of the next n entries. */
static struct took
turn(uint64_t *covered, uint64_t n)
{
    uint64_t rows = f.directory->head.versions;
    struct took before, after;

    *covered += n;
    cover(*covered);
    before = now();
    BENCH_NEED(directory_turn(f.directory) == RES_OK);
    after = now();
    BENCH_NEED(f.directory->head.versions >= rows + n);
    hand_in_proofs(rows, f.directory->head.versions);
    return (struct took){after.wall - before.wall, after.cpu - before.cpu};
}

static void
rates(uint64_t covered, uint64_t first, uint64_t epochs, uint64_t n)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = cores > 1 ? (unsigned)cores - 1 : 0;
    double *wall = calloc(epochs, sizeof *wall), *cpu = calloc(epochs, sizeof *cpu);
    double *epoch_us = calloc(epochs, sizeof *cpu), *bare_us = calloc(epochs, sizeof *cpu);

    BENCH_NEED(wall != NULL && cpu != NULL && epoch_us != NULL && bare_us != NULL);
    for (uint64_t i = 0; i < epochs; i++) {
        struct took b1 = bare(first, n, threads), e = turn(&covered, n);
        struct took b2 = bare(first, n, threads);
        wall[i] = (b1.wall + b2.wall) / 2 / e.wall;
        cpu[i] = (b1.cpu + b2.cpu) / 2 / e.cpu;
        epoch_us[i] = e.cpu * 1e6 / (double)n;
        bare_us[i] = (b1.cpu + b2.cpu) / 2 * 1e6 / (double)n;
    }
    printf("rate_ratio %.4f\ncpu_ratio %.4f\n", median(wall, epochs), median(cpu, epochs));
    printf("insertion_cpu_us %.2f\noutput_cpu_us %.2f\n", median(epoch_us, epochs),
           median(bare_us, epochs));
    free(wall);
    free(cpu);
    free(epoch_us);
    free(bare_us);
}

static void
amounts(uint64_t covered, uint64_t epochs, uint64_t n)
{
    uint64_t rows = f.directory->head.versions;
    double begin = written(), cpu = now().cpu, added;

    for (uint64_t i = 0; i < epochs; i++)
        (void)turn(&covered, n);
    added = (double)(f.directory->head.versions - rows);
    printf("epoch_cpu_us_a_version %.2f\n", (now().cpu - cpu) * 1e6 / added);
    filled_close(&f); /* what of the index is under way is finished */
    printf("versions %.0f\nbytes_a_version %.1f\n", added, (written() - begin) / added);
}

int
main(int argc, char **argv)
{
    BENCH_NEED(argc == 5);
    uint64_t epochs = strtoull(argv[3], NULL, 10), n = strtoull(argv[4], NULL, 10);
    bool fresh = strcmp(argv[2], "new") == 0;

    filled_open(argv[1], &f);
    filled_warm(&f);
    cut_stencil();
    load_edge();
    uint64_t covered = entries, all = epochs * n;
    /* Those in groups have real outputs and no stand-ins; begin behind them. */
    uint64_t first = fresh ? f.labels : f.group * FILLED_GROUPS;
    BENCH_NEED(fresh || first + all <= f.labels);
    for (uint64_t i = 0; i < all; i += TOGETHER)
        put_certificates(first + i, all - i < TOGETHER ? all - i : TOGETHER);
    if (fresh && n >= 1000) {
        rates(covered, first, epochs, n);
        filled_close(&f);
    } else {
        amounts(covered, epochs, n);
    }
    return 0;
}
