/* fsck: sound on a sound log, and every bit that flips in the store is found. */
#include "testlog.h"

#include "log/files.h"
#include "log/fsck.h"
#include "log/store/index.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* One full bundle and tile, a tail of 14, partial tiles at levels 0 and 1. */
#define SIZE 270

static struct testca ca;
static char *scratch;
static char path[256];
static struct buf golden;

static const char *const TABLES[] = {"meta", "tail", "bundle", "tile", "edge", "issuer"};
enum { META, TAIL, BUNDLE, TILE, EDGE, ISSUER, TABLES_N };

static uint64_t findings;
/* Signatures are looked at where they may have changed: they are most of the time it takes. */
static unsigned sct_every = 1;

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    assert_true(where[0] != 0 && what[0] != 0);
    findings++;
}

static enum result
check(struct fsck_report *report)
{
    struct log_trouble why;
    struct fsck_options o = {.dir = path, .sct_every = sct_every, .finding = on_finding};
    findings = 0;
    enum result rc = fsck_run(&o, report, &why);
    if (rc == RES_OK)
        assert_int_equal(findings, 0);
    else if (rc == RES_STORE_DAMAGED)
        assert_true(findings > 0 && findings == report->findings);
    else
        assert_true(why.text[0] != 0);
    return rc;
}

static struct lmdb *
open_tables(void)
{
    char name[FILES_PATH_MAX];
    struct lmdb *env;
    struct lmdb_options o = {.path = name, .map_size = UINT64_C(1) << 30, .readers = 8};
    for (size_t i = 0; i < TABLES_N; i++)
        o.tables[i] = TABLES[i];
    assert_int_equal(files_path(path, "store", name), RES_OK);
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    return env;
}

enum change { FLIP, TRUNCATE, LENGTHEN, DELETE };

/* Changes the value under key; bit is taken modulo its length. */
static void
change_record(unsigned table, struct span key, enum change change, uint64_t bit)
{
    struct lmdb *env = open_tables();
    struct lmdb_txn *t;
    struct span v;
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_get(t, table, key, &v), RES_OK);
    uint8_t *copy = calloc(v.n + 1, 1);
    memcpy(copy, v.p, v.n);
    if (change == FLIP)
        copy[bit / 8 % v.n] ^= (uint8_t)(1 << bit % 8);
    if (change == DELETE)
        assert_int_equal(lmdb_delete(t, table, key), RES_OK);
    else
        assert_int_equal(lmdb_put(t, table, key,
                                  span_of(copy, v.n - (change == TRUNCATE) + (change == LENGTHEN)),
                                  false),
                         RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    free(copy);
    lmdb_close(env);
}

static void
must_find(unsigned table, struct span key, enum change change, uint64_t bit)
{
    static const char *const NAMES[] = {"flip", "truncate", "lengthen", "delete"};
    struct fsck_report report;
    testlog_put_store(path, buf_span(&golden));
    change_record(table, key, change, bit);
    if (check(&report) == RES_OK)
        fail_msg("not found: table %s, key %02x…, %s, bit %llu", TABLES[table], key.p[key.n - 1],
                 NAMES[change], (unsigned long long)bit);
}

struct key {
    uint8_t p[64];
    size_t n;
};

/* The keys of a table. */
static size_t
list_keys(unsigned table, struct key *ret, size_t cap)
{
    testlog_put_store(path, buf_span(&golden));
    struct lmdb *env = open_tables();
    struct lmdb_txn *t;
    struct span key, v;
    struct key from = {{0}, 1};
    size_t n = 0;
    assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    while (n < cap && lmdb_seek(t, table, span_of(from.p, from.n), &key, &v) == RES_OK) {
        ret[n].n = key.n;
        memcpy(ret[n++].p, key.p, key.n);
        memcpy(from.p, key.p, key.n);
        from.p[key.n] = 0;
        from.n = key.n + 1;
    }
    lmdb_reader_free(t);
    lmdb_close(env);
    return n;
}

static void
test_sound(void **state)
{
    (void)state;
    struct fsck_report report;
    testlog_put_store(path, buf_span(&golden));
    assert_int_equal(check(&report), RES_OK);
    assert_int_equal(report.size, SIZE);
}

static void
test_every_table(void **state)
{
    static const struct {
        unsigned table;
        size_t records, every; /* how many there are; one in so many is changed */
        unsigned flips;
    } ROWS[] = {{META, 3, 1, 12}, {TAIL, SIZE - 256, 5, 8}, {BUNDLE, 1, 1, 30},
                {TILE, 1, 1, 25}, {EDGE, 2, 1, 20},         {ISSUER, 3, 1, 8}};
    struct rng rng = rng_start("test_fsck");
    struct key keys[64];
    unsigned changes = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        size_t n = list_keys(ROWS[i].table, keys, 64);
        assert_int_equal(n, ROWS[i].records);
        sct_every = ROWS[i].table == TAIL || ROWS[i].table == BUNDLE ? 1 : 0;
        for (size_t k = 0; k < n; k += ROWS[i].every) {
            struct span key = span_of(keys[k].p, keys[k].n);
            for (unsigned f = 0; f < ROWS[i].flips; f++, changes++)
                must_find(ROWS[i].table, key, FLIP, rng_next(&rng) >> 8);
            for (enum change c = TRUNCATE; c <= DELETE; c++, changes++)
                must_find(ROWS[i].table, key, c, 0);
        }
    }
    sct_every = 1;
    print_message("%u changes, all found\n", changes);
}

/* A head that counts more than anyone could read through: the check ends. */
/* An index that claims a unit of which no run stands. */
static void
test_index(void **state)
{
    static const uint8_t COVERED[8] = {0, 0, 0, 0, 0, 0, 0x10, 0};
    (void)state;
    char name[FILES_PATH_MAX];
    struct lmdb *env;
    struct lmdb_txn *t;
    struct fsck_report report;
    struct lmdb_options o = {
        .path = name, .tables = {"meta", "chunk"}, .map_size = UINT64_C(1) << 30, .readers = 8};
    testlog_put_store(path, buf_span(&golden));
    assert_int_equal(files_path(path, "store/index", name), RES_OK);
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    assert_int_equal(lmdb_put(t, 0, span_str("covered"), span_of(COVERED, 8), false), RES_OK);
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
    assert_int_equal(check(&report), RES_STORE_DAMAGED);
    assert_int_equal(findings, 1);
    assert_int_equal(index_remove(name), RES_OK);
    assert_int_equal(check(&report), RES_OK);
}

static void
test_huge_size(void **state)
{
    struct key keys[3];
    (void)state;
    assert_int_equal(list_keys(META, keys, 3), 3);
    for (size_t k = 0; k < 3; k++)
        if (keys[k].n == 4 && memcmp(keys[k].p, "head", 4) == 0)
            must_find(META, span_of(keys[k].p, 4), FLIP, 8 * 8 + 5); /* 2^61 more */
}

/* Bytes of the file itself: found or without effect (free pages), never a crash. */
static void
test_file_bytes(void **state)
{
    struct rng rng = rng_start("test_file_bytes");
    unsigned found = 0;
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        struct fsck_report report;
        uint64_t at = rng_next(&rng) % golden.n;
        uint8_t bit = (uint8_t)(1 << (rng_next(&rng) >> 32) % 8);
        golden.p[at] ^= bit;
        testlog_put_store(path, buf_span(&golden));
        golden.p[at] ^= bit;
        /* LMDB follows its pages' numbers unchecked: in a process of its own. */
        pid_t child = fork();
        if (child == 0)
            _exit(check(&report) == RES_OK ? 0 : 1);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        found += status != 0;
    }
    print_message("%u of 60 flips found or fatal\n", found);
    assert_true(found > 8);
}

static void
test_cut_short(void **state)
{
    static const size_t PERMILLE[] = {800, 500, 100, 20};
    (void)state;
    for (size_t i = 0; i < sizeof(PERMILLE) / sizeof(PERMILLE[0]); i++) {
        struct fsck_report report;
        testlog_put_store(path, span_of(golden.p, golden.n / 1000 * PERMILLE[i]));
        if (check(&report) == RES_OK)
            fail_msg("cut to %zu of 1000: not found", PERMILLE[i]);
    }
    struct fsck_report report;
    testlog_put_store(path, span_of(golden.p, 0));
    assert_int_not_equal(check(&report), RES_OK);
}

/* What is beside the store: without it nothing can be checked. */
static void
test_cannot_check(void **state)
{
    static const char *const NAMES[] = {"log.pub.pem", "policy", "cartulary.conf",
                                        "store/data.mdb"};
    (void)state;
    testlog_put_store(path, buf_span(&golden));
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct fsck_report report;
        char name[FILES_PATH_MAX], away[FILES_PATH_MAX];
        assert_int_equal(files_path(path, NAMES[i], name), RES_OK);
        assert_int_equal(files_path(path, "away", away), RES_OK);
        assert_int_equal(rename(name, away), 0);
        enum result rc = check(&report);
        assert_true(rc != RES_OK && rc != RES_STORE_DAMAGED);
        assert_int_equal(rename(away, name), 0);
    }
}

/* Another log's keys do not fit this head. */
static void
test_other_keys(void **state)
{
    static const char *const NAMES[] = {"log.pub.pem", "policy"};
    char other[256], name[FILES_PATH_MAX];
    char *second = scratch_new();
    (void)state;
    testlog_create(second, &ca, "", other);
    testlog_put_store(path, buf_span(&golden));
    for (size_t i = 0; i < 2; i++) {
        struct buf theirs = BUF_INIT(65536), ours = BUF_INIT(65536);
        struct fsck_report report;
        assert_int_equal(files_path(other, NAMES[i], name), RES_OK);
        assert_int_equal(files_read(name, &theirs), RES_OK);
        assert_int_equal(files_path(path, NAMES[i], name), RES_OK);
        assert_int_equal(files_read(name, &ours), RES_OK);
        assert_int_equal(files_replace(name, buf_span(&theirs), 0644), RES_OK);
        assert_int_equal(check(&report), RES_STORE_DAMAGED);
        assert_int_equal(files_replace(name, buf_span(&ours), 0644), RES_OK);
        buf_release(&theirs);
        buf_release(&ours);
    }
    scratch_free(second);
}

static void
test_exit_codes(void **state)
{
    char command[900];
    const char *bin = getenv("CARTULARY_BIN");
    struct key key[3];
    (void)state;
    (void)snprintf(command, sizeof(command), "%s/cartularyd", bin ? bin : "");
    if (!bin || access(command, X_OK) != 0) {
        print_message("skipped: no cartularyd beside this test\n");
        skip();
    }
    testlog_put_store(path, buf_span(&golden));
    (void)snprintf(command, sizeof(command), "%s/cartularyd fsck %s >/dev/null 2>&1", bin, path);
    int status = system(command);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(list_keys(BUNDLE, key, 3), 1);
    change_record(BUNDLE, span_of(key[0].p, key[0].n), FLIP, 50000);
    status = system(command);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    (void)snprintf(command, sizeof(command), "%s/cartularyd fsck %s/none >/dev/null 2>&1", bin,
                   path);
    status = system(command);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

static int
make_log(void **state)
{
    (void)state;
    testca_init(&ca);
    scratch = scratch_new();
    golden = BUF_INIT(64 << 20);
    testlog_create(scratch, &ca, "", path);
    struct log *l = testlog_serve(path);
    testlog_fill(l, &ca, 0, SIZE);
    testlog_stop(l);
    testlog_take_store(path, &golden);
    return 0;
}

static int
drop_log(void **state)
{
    (void)state;
    buf_release(&golden);
    scratch_free(scratch);
    testca_release(&ca);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),      cmocka_unit_test(test_every_table),
        cmocka_unit_test(test_huge_size),  cmocka_unit_test(test_file_bytes),
        cmocka_unit_test(test_cut_short),  cmocka_unit_test(test_cannot_check),
        cmocka_unit_test(test_other_keys), cmocka_unit_test(test_index),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, make_log, drop_log);
}
