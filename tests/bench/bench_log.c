/*
 * What a durable submission costs without HTTP: a log in a scratch directory, leaves from a file of
 * `mint --bench`, some submitting threads that keep a bounded number under way.
 *
 *   bench_log LEAVES.mint DIR [threads [outstanding [leaves]]]
 *
 * Prints entries, seconds, entries per second, CPU microseconds per entry (this process, all
 * threads), mean batch.
 */
#include <openssl/evp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "log/create.h"
#include "log/log.h"
#include "merkle/base/text.h"
#include "tests/mint/mintfile.h"

struct run {
    struct log *log;
    const char *path;
    unsigned threads, number;
    uint64_t limit;
    sem_t *slots;
    _Atomic uint64_t *done, *failed;
};

static void
on_receipt(void *arg, enum result r, const struct log_receipt *receipt)
{
    struct run *run = arg;
    (void)receipt;
    (*run->done)++;
    if (r != RES_OK)
        (*run->failed)++;
    sem_post(run->slots);
}

static void *
submitter(void *arg)
{
    struct run *run = arg;
    struct log_worker *w;
    struct mint_file f;
    struct chain_refusal refusal;
    struct span chain[2];
    if (!mint_file_open(&f, run->path) || log_worker_new(run->log, &w) != RES_OK)
        abort();
    chain[1] = f.intermediate;
    for (uint64_t i = 0; i < run->limit && mint_file_next(&f, &chain[0]); i++) {
        if (i % run->threads != run->number)
            continue;
        sem_wait(run->slots);
        enum result rc = log_submit(w, ENTRY_X509, chain, 2, on_receipt, run, &refusal);
        if (rc != RES_OK) {
            fprintf(stderr, "%s %s\n", result_name(rc), refusal.detail);
            on_receipt(run, rc, NULL);
        }
    }
    log_worker_free(w);
    mint_file_close(&f);
    return NULL;
}

static double
cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 +
           (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
}

static double
wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum result
make(const char *dir, struct span root, struct config *c)
{
    struct buf pem = BUF_INIT(1 << 20);
    struct log_trouble why;
    char detail[CONFIG_TEXT_MAX];
    int line;
    enum result rc = buf_printf(&pem, "-----BEGIN CERTIFICATE-----\n");
    if (rc == RES_OK)
        rc = text_base64(root, &pem);
    if (rc == RES_OK)
        rc = buf_printf(&pem, "\n-----END CERTIFICATE-----\n");
    struct create_options o = {.dir = dir,
                               .origin = "bench.example/log",
                               .url = "http://127.0.0.1",
                               .entries_public = true,
                               .roots_pem = buf_span(&pem)};
    if (rc == RES_OK)
        rc = create_log(&o, &why);
    if (rc != RES_OK && rc != RES_EXISTS)
        fprintf(stderr, "%s\n", why.text);
    buf_release(&pem);
    return rc == RES_OK || rc == RES_EXISTS ? config_load(dir, c, &line, detail) : rc;
}

int
main(int argc, char **argv)
{
    struct config c;
    struct log *log;
    struct log_trouble why;
    struct mint_file f;
    struct log_stats stats;
    static _Atomic uint64_t done, failed;
    sem_t slots;
    if (argc < 3 || !mint_file_open(&f, argv[1])) {
        fprintf(stderr, "bench_log LEAVES.mint DIR [threads [outstanding [leaves]]]\n");
        return 2;
    }
    unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 2;
    unsigned outstanding = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 64;
    uint64_t limit = argc > 5 ? strtoull(argv[5], NULL, 10) : f.count;
    enum result rc = make(argv[2], f.root, &c);
    if (rc == RES_OK)
        rc = log_open(&c, (struct log_sink){NULL, NULL}, &log, &why);
    if (rc == RES_OK)
        rc = log_start(log);
    if (rc != RES_OK) {
        fprintf(stderr, "%s: %s\n", result_name(rc), why.text);
        return 5;
    }
    sem_init(&slots, 0, outstanding);
    pthread_t thread[64];
    struct run run[64];
    double cpu = cpu_seconds(), wall = wall_seconds();
    for (unsigned i = 0; i < threads && i < 64; i++) {
        run[i] = (struct run){log, argv[1], threads, i, limit, &slots, &done, &failed};
        pthread_create(&thread[i], NULL, submitter, &run[i]);
    }
    for (unsigned i = 0; i < threads && i < 64; i++)
        pthread_join(thread[i], NULL);
    log_drain(log);
    cpu = cpu_seconds() - cpu;
    wall = wall_seconds() - wall;
    log_stats(log, &stats);
    printf("entries %llu failed %llu seconds %.2f rate %.0f cpu_us %.1f batch %.1f commit_ms %.2f "
           "store_bytes_per_entry %.0f index %.1f\n",
           (unsigned long long)done, (unsigned long long)failed, wall, (double)done / wall,
           cpu * 1e6 / (double)done, (double)stats.commit_entries / (double)stats.commits,
           stats.commit_ms_sum / (double)stats.commits,
           (double)stats.store_bytes / (double)stats.size,
           (double)stats.index_bytes / (double)stats.size);
    log_close(log);
    return failed ? 1 : 0;
}
