/* A log as a whole: make it, feed it from several threads, read it back, stop it, open it again. */
#include "testlog.h"

#include "log/marker.h"
#include "merkle/note/checkpoint.h"
#include "merkle/tree/verify.h"
#include "tests/mint/mint.h"
#include "tests/vectors/check.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char *scratch;
    char path[256];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->scratch = scratch_new();
    testlog_create(f->scratch, &testlog_ca, "heartbeat = 60000\n", f->path);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    scratch_free(f->scratch);
    free(f);
    return 0;
}

static bool
same_sct(const struct log_receipt *a, const struct log_receipt *b)
{
    return a->timestamp == b->timestamp && a->index == b->index &&
           a->signature_n == b->signature_n &&
           memcmp(a->signature, b->signature, a->signature_n) == 0;
}

/* ---- several threads ---- */

#define THREADS 4
#define EACH 40

struct feeder {
    struct log *log;
    uint64_t first;
    struct testchain chain[EACH];
    struct log_receipt receipt[EACH];
};

static void *
feed(void *arg)
{
    struct feeder *f = arg;
    struct log_worker *w;
    assert_int_equal(log_worker_new(f->log, &w), RES_OK);
    for (unsigned i = 0; i < EACH; i++)
        assert_int_equal(testlog_submit(f->log, w, &f->chain[i], &f->receipt[i]), RES_OK);
    log_worker_free(w);
    return NULL;
}

struct head_list {
    struct store_head head[THREADS * EACH + 16];
    unsigned n;
};

/* Every head that the log has had is a prefix of the last. */
static void
check_consistency(struct log *l, const struct head_list *heads)
{
    struct log_reader *r;
    struct hash proof[PROOF_HASHES_MAX];
    struct store_head last;
    unsigned n;
    assert_int_equal(log_reader_new(l, &r), RES_OK);
    assert_int_equal(log_reader_begin(r, &last), RES_OK);
    for (unsigned i = 0; i < heads->n; i++)
        for (unsigned k = i; k < heads->n; k++) {
            const struct store_head *a = &heads->head[i], *b = &heads->head[k];
            assert_int_equal(log_reader_consistency(r, a->size, b->size, proof, &n), RES_OK);
            assert_int_equal(consistency_verify(a->size, b->size, &a->root, &b->root, proof, n),
                             RES_OK);
            if (a->size > 0 && a->size < b->size && n > 0) { /* the twin that tampers */
                proof[n / 2].b[7] ^= 1;
                assert_int_not_equal(
                    consistency_verify(a->size, b->size, &a->root, &b->root, proof, n), RES_OK);
            }
        }
    assert_int_equal(log_reader_consistency(r, 1, last.size + 1, proof, &n), RES_RANGE);
    log_reader_end(r);
    log_reader_free(r);
}

static void
test_threads(void **state)
{
    struct fixture *f = *state;
    struct log *l = testlog_serve(f->path);
    static struct feeder feeder[THREADS];
    static struct head_list heads;
    pthread_t thread[THREADS];
    uint64_t generation = 0;
    for (unsigned t = 0; t < THREADS; t++) {
        feeder[t] = (struct feeder){.log = l, .first = 1000 * t};
        for (unsigned i = 0; i < EACH; i++)
            feeder[t].chain[i] =
                testchain_mint(&testlog_ca, (enum testchain_kind)(i % CHAIN_KINDS), 1000 * t + i);
    }
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, feed, &feeder[t]), 0);
    heads.n = 0;
    while (log_head_generation(l) < 10000) {
        uint64_t now;
        struct store_head h;
        log_head(l, &h, &now);
        if (now != generation && heads.n < sizeof(heads.head) / sizeof(heads.head[0])) {
            if (heads.n)
                assert_true(h.timestamp > heads.head[heads.n - 1].timestamp);
            heads.head[heads.n++] = h;
        }
        generation = now;
        if (h.size == THREADS * EACH)
            break;
        (void)usleep(200);
    }
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(thread[t], NULL), 0);
    assert_int_equal(testlog_audit(l), THREADS * EACH);
    check_consistency(l, &heads);
    bool seen[THREADS * EACH] = {false};
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < EACH; i++) {
            struct log_receipt r = feeder[t].receipt[i];
            const struct testchain *c = &feeder[t].chain[i];
            assert_true(r.index < THREADS * EACH && !seen[r.index] && !r.duplicate);
            seen[r.index] = true;
            assert_true(testlog_included(l, &testlog_ca, c, &r));
            if (c->n == 2) { /* OpenSSL knows no precertificate signing certificates */
                assert_true(testlog_sct_valid(l, &testlog_ca, c, &r));
                r.signature[r.signature_n - 1] ^= 1;
                assert_false(testlog_sct_valid(l, &testlog_ca, c, &r));
            }
            r.timestamp++;
            assert_false(testlog_included(l, &testlog_ca, c, &r));
        }
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < EACH; i++)
            testchain_release(&feeder[t].chain[i]);
    testlog_stop(l);
}

/* ---- reading ---- */

static void
test_tiles_and_issuers(void **state)
{
    struct fixture *f = *state;
    struct log *l = testlog_serve(f->path);
    struct log_worker *w;
    struct log_reader *r;
    struct store_head head;
    struct log_receipt receipt;
    struct span tile, der;
    struct hash sha256;
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    for (unsigned i = 0; i < 5; i++) {
        struct testchain c = testchain_mint(&testlog_ca, (enum testchain_kind)(i % CHAIN_KINDS), i);
        assert_int_equal(testlog_submit(l, w, &c, &receipt), RES_OK);
        assert_int_equal(receipt.index, i);
        assert_int_equal(testlog_audit(l), i + 1);
        testchain_release(&c);
    }
    assert_int_equal(log_reader_new(l, &r), RES_OK);
    assert_int_equal(log_reader_begin(r, &head), RES_OK);
    struct buf room = BUF_INIT(1 << 20);
    assert_int_equal(buf_add(&room, span_str("old")), RES_OK);
    static const struct {
        const char *says;
        struct tile tile;
        enum result rc;
    } ROWS[] = {
        {"the partial hash tile", {TILE_HASHES, 0, 0, 5}, RES_OK},
        {"a prefix of it", {TILE_HASHES, 0, 0, 3}, RES_OK},
        {"one hash too many", {TILE_HASHES, 0, 0, 6}, RES_ABSENT},
        {"the full tile that is not there yet", {TILE_HASHES, 0, 0, 256}, RES_ABSENT},
        {"the tile after it", {TILE_HASHES, 0, 1, 1}, RES_ABSENT},
        {"a level that has not begun", {TILE_HASHES, 1, 0, 1}, RES_ABSENT},
        {"the data tile", {TILE_DATA, 0, 0, 5}, RES_OK},
        {"a prefix of it", {TILE_DATA, 0, 0, 1}, RES_OK},
        {"a wider one", {TILE_DATA, 0, 0, 6}, RES_ABSENT},
        {"entries tiles are of other logs", {TILE_ENTRIES, 0, 0, 1}, RES_ABSENT},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        print_message("%s\n", ROWS[i].says);
        room.n = 3;
        assert_int_equal(log_reader_tile(r, &ROWS[i].tile, &room, &tile), ROWS[i].rc);
        bool made = ROWS[i].rc == RES_OK && ROWS[i].tile.kind == TILE_DATA;
        assert_int_equal(room.n, made ? 3 + tile.n : 3); /* what is there already stays */
        if (ROWS[i].rc != RES_OK)
            continue;
        if (ROWS[i].tile.kind == TILE_HASHES) {
            assert_int_equal(tile.n, ROWS[i].tile.width * HASH_SIZE);
            continue;
        }
        struct reader in = reader_of(tile);
        for (unsigned k = 0; k < ROWS[i].tile.width; k++) {
            struct tile_leaf leaf;
            assert_int_equal(tile_leaf_read(&in, &leaf), RES_OK);
            for (size_t n = 0; n < leaf.chain_count; n++) {
                assert_int_equal(log_reader_issuer(r, &leaf.chain[n], &der), RES_OK);
                hash_sha256(der, &sha256);
                assert_true(hash_equal(&sha256, &leaf.chain[n]));
            }
            assert_true(span_equal(der, testlog_ca.root_der));
        }
        assert_int_equal(reader_end(&in), RES_OK);
    }
    sha256.b[0] ^= 1;
    assert_int_equal(log_reader_issuer(r, &sha256, &der), RES_ABSENT);
    assert_int_equal(log_reader_find_leaf(r, &sha256, head.size, &receipt.index), RES_UNKNOWN_HASH);
    struct hash proof[PROOF_HASHES_MAX];
    unsigned n;
    assert_int_equal(log_reader_inclusion(r, 5, 5, proof, &n), RES_RANGE);
    assert_int_equal(log_reader_inclusion(r, 0, 6, proof, &n), RES_RANGE);
    struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
    assert_int_equal(log_reader_entry(r, 5, &a, &b), RES_RANGE);
    buf_release(&a);
    buf_release(&b);
    buf_release(&room);
    log_reader_end(r);
    log_reader_free(r);
    log_worker_free(w);
    testlog_stop(l);
}

static void
test_checkpoint(void **state)
{
    struct fixture *f = *state;
    struct log *l = testlog_serve(f->path);
    struct store_head head;
    struct buf text = BUF_INIT(4096);
    struct p256_key *key;
    struct note_key keys[2];
    struct checkpoint got;
    uint64_t timestamp;
    log_head(l, &head, NULL);
    assert_int_equal(log_checkpoint(l, &head, &text), RES_OK);
    assert_int_equal(p256_key_parse(log_spki(l), &key), RES_OK);
    assert_int_equal(note_key_rfc6962(TESTLOG_ORIGIN, key, &keys[0]), RES_OK);
    assert_int_equal(note_key_ed25519(TESTLOG_ORIGIN, KEY_ED25519, log_note_public(l), &keys[1]),
                     RES_OK);
    assert_int_equal(checkpoint_open_ct(buf_span(&text), keys, &got, &timestamp), RES_OK);
    assert_int_equal(got.size, 0);
    assert_int_equal(timestamp, head.timestamp);
    assert_true(hash_equal(&got.root, &head.root));
    text.p[sizeof(TESTLOG_ORIGIN)] = '1'; /* the size, 0 */
    assert_int_not_equal(checkpoint_open_ct(buf_span(&text), keys, &got, &timestamp), RES_OK);
    p256_key_free(key);
    buf_release(&text);
    testlog_stop(l);
}

/* ---- duplicates ---- */

static void
test_duplicates_and_restart(void **state)
{
    struct fixture *f = *state;
    struct testchain chain[CHAIN_KINDS];
    struct log_receipt first[CHAIN_KINDS], again;
    for (unsigned round = 0; round < 3; round++) {
        struct log *l = testlog_serve(f->path);
        struct log_worker *w;
        assert_int_equal(log_worker_new(l, &w), RES_OK);
        for (unsigned k = 0; k < CHAIN_KINDS; k++) {
            if (round == 0) {
                chain[k] = testchain_mint(&testlog_ca, (enum testchain_kind)k, k);
                assert_int_equal(testlog_submit(l, w, &chain[k], &first[k]), RES_OK);
                assert_false(first[k].duplicate);
            }
            assert_int_equal(testlog_submit(l, w, &chain[k], &again), RES_OK);
            assert_true(again.duplicate && same_sct(&first[k], &again));
        }
        assert_int_equal(testlog_audit(l), CHAIN_KINDS);
        /* The root at the end makes no other entry. */
        struct testchain longer = chain[0];
        longer.cert[longer.n++] = testlog_ca.root_der;
        assert_int_equal(testlog_submit(l, w, &longer, &again), RES_OK);
        assert_true(again.duplicate && same_sct(&first[0], &again));
        /* Nor does a precertificate that another key signed: the certificate is the same. */
        struct testchain other =
            testchain_mint(&testlog_ca, CHAIN_PRECERT_BY_SIGNER, CHAIN_PRECERT);
        assert_int_equal(testlog_submit(l, w, &other, &again), RES_OK);
        assert_true(again.duplicate && same_sct(&first[CHAIN_PRECERT], &again));
        testchain_release(&other);
        struct log_stats stats;
        log_stats(l, &stats);
        assert_int_equal(stats.taken, round == 0 ? CHAIN_KINDS : 0);
        assert_int_equal(stats.duplicates, CHAIN_KINDS + 2);
        log_worker_free(w);
        testlog_stop(l);
    }
    for (unsigned k = 0; k < CHAIN_KINDS; k++)
        testchain_release(&chain[k]);
}

/* ---- refusals ---- */

static void
test_refusals(void **state)
{
    struct fixture *f = *state;
    struct log *l = testlog_serve(f->path);
    struct log_worker *w;
    struct log_receipt r;
    struct chain_refusal refusal;
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1),
                     p = testchain_mint(&testlog_ca, 1, 1);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    c.n = 1;
    assert_int_equal(testlog_submit(l, w, &c, &r), RES_CHAIN_ROOT);
    c.n = 2;
    assert_int_equal(log_submit(w, ENTRY_PRECERT, c.cert, c.n, NULL, NULL, &refusal),
                     RES_CERT_POISON);
    assert_int_equal(refusal.why, RES_CERT_POISON);
    assert_true(refusal.detail[0] != 0);
    assert_int_equal(log_submit(w, ENTRY_X509, p.cert, p.n, NULL, NULL, &refusal),
                     RES_CERT_POISONED);
    assert_int_equal(log_submit(w, ENTRY_X509, c.cert, 0, NULL, NULL, &refusal), RES_CHAIN_EMPTY);
    struct log_stats stats;
    log_stats(l, &stats);
    assert_int_equal(stats.refused[RES_CHAIN_ROOT], 1);
    assert_int_equal(stats.refused[RES_CERT_POISON], 1);
    assert_int_equal(testlog_audit(l), 0);
    log_drain(l);
    assert_int_equal(testlog_submit(l, w, &c, &r), RES_DRAINING);
    assert_int_equal(log_ready(l), RES_DRAINING);
    testchain_release(&c);
    testchain_release(&p);
    log_worker_free(w);
    log_close(l);
}

static void
test_disk_floor(void **state)
{
    struct fixture *f = *state;
    testdir_append(f->path, "cartulary.conf", "# the floor above all disks\n");
    char text[2048] = "";
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/cartulary.conf", f->path);
    FILE *in = fopen(path, "r");
    size_t n = fread(text, 1, sizeof(text) - 1, in);
    assert_int_equal(fclose(in), 0);
    text[n] = 0;
    char *floor = strstr(text, "\ndisk-floor = 0\n");
    assert_non_null(floor);
    memset(floor + 1, '#', 14);
    testdir_write(f->path, "cartulary.conf", text);
    testdir_append(f->path, "cartulary.conf", "disk-floor = 1125899906842624\n");
    struct log *l = testlog_serve(f->path);
    struct log_worker *w;
    struct log_receipt r;
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    assert_int_equal(testlog_submit(l, w, &c, &r), RES_DISK_FLOOR);
    assert_int_equal(log_ready(l), RES_DISK_FLOOR);
    assert_int_equal(testlog_audit(l), 0);
    testchain_release(&c);
    log_worker_free(w);
    testlog_stop(l);
}

/* ---- markers, the lock ---- */

static void
test_markers(void **state)
{
    struct fixture *f = *state;
    struct log *l;
    struct log_trouble why;
    static const struct {
        const char *name;
        enum result rc;
    } ROWS[] = {{MARKER_HALTED, RES_HALTED}, {MARKER_COPY, RES_COPY}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(marker_set(f->path, ROWS[i].name, "a reason of its own"), RES_OK);
        assert_int_equal(testlog_open(f->path, &l, &why), ROWS[i].rc);
        assert_non_null(strstr(why.text, "a reason of its own"));
        assert_int_equal(marker_clear(f->path, ROWS[i].name), RES_OK);
        assert_int_equal(testlog_open(f->path, &l, &why), RES_OK);
        log_close(l);
    }
}

static void
second_is_refused(const struct fixture *f)
{
    pid_t child = fork();
    if (child == 0) {
        struct config c;
        struct log *second;
        struct log_trouble why;
        char detail[CONFIG_TEXT_MAX];
        int line;
        enum result rc = config_load(f->path, &c, &line, detail);
        if (rc == RES_OK)
            rc = log_open(&c, (struct log_sink){NULL, NULL}, &second, &why);
        _exit(rc == RES_EXISTS && strstr(why.text, "stop it first") ? 7 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void
test_one_process(void **state)
{
    struct fixture *f = *state;
    char lock[300];
    struct log *l = testlog_serve(f->path);
    second_is_refused(f);
    (void)snprintf(lock, sizeof(lock), "%s/lock", f->path);
    assert_int_equal(unlink(lock), 0);
    second_is_refused(f);
    testlog_stop(l);
    testlog_stop(testlog_serve(f->path));
}

static uint64_t halts;

static void
on_halt(void *arg)
{
    (void)arg;
    halts++;
}

static void
test_halt(void **state)
{
    struct fixture *f = *state;
    struct log *l;
    struct log_worker *w;
    struct log_receipt r;
    struct store_head before, after;
    char text[MARKER_TEXT_MAX];
    struct testchain c = testchain_mint(&testlog_ca, CHAIN_LEAF, 1);
    assert_int_equal(testlog_open(f->path, &l, NULL), RES_OK);
    halts = 0;
    log_on_halt(l, on_halt, NULL);
    assert_int_equal(log_start(l), RES_OK);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    log_halt(l, RES_STORE_DAMAGED, "test");
    log_halt(l, RES_STORE_DAMAGED, "twice");
    assert_int_equal(halts, 1);
    assert_int_equal(log_ready(l), RES_HALTED);
    assert_int_equal(testlog_submit(l, w, &c, &r), RES_HALTED);
    assert_int_equal(marker_get(f->path, MARKER_HALTED, text), RES_OK);
    assert_string_equal(text, "store-damaged at step test");
    /* Nothing is signed any more, whoever found the damage. */
    log_drain(l);
    log_head(l, &before, NULL);
    assert_int_equal(sequencer_turn(l->sequencer, NULL), RES_HALTED);
    log_head(l, &after, NULL);
    assert_int_equal(before.timestamp, after.timestamp);
    log_worker_free(w);
    testchain_release(&c);
    log_close(l);
    assert_int_equal(testlog_open(f->path, &l, NULL), RES_HALTED);
}

/* ---- roots ---- */

static void
write_roots(const char *dir, X509 *x)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/roots.pem", dir);
    FILE *out = fopen(path, "w");
    assert_int_equal(PEM_write_X509(out, x), 1);
    assert_int_equal(fclose(out), 0);
}

static void
test_reload_roots(void **state)
{
    struct fixture *f = *state;
    struct testca other;
    struct log *l = testlog_serve(f->path);
    struct log_worker *w;
    struct log_receipt first, r;
    struct log_trouble why;
    size_t added;
    testca_init(&other);
    struct testchain old = testchain_mint(&testlog_ca, CHAIN_LEAF, 1),
                     old2 = testchain_mint(&testlog_ca, 0, 2);
    struct testchain new = testchain_mint(&other, CHAIN_LEAF, 1);
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    assert_int_equal(testlog_submit(l, w, &old, &first), RES_OK);
    /* Its root has the accepted one's name, and another key. */
    assert_int_equal(testlog_submit(l, w, &new, &r), RES_CHAIN_SIGNATURE);
    testdir_write(f->path, "roots.pem", "-----BEGIN CERTIFICATE-----\nno base64\n");
    assert_int_equal(log_reload_roots(l, &added, &why), RES_ENCODING);
    assert_non_null(strstr(why.text, "roots.pem, line 1"));
    assert_int_equal(testlog_submit(l, w, &old, &r), RES_OK);
    write_roots(f->path, other.root);
    assert_int_equal(log_reload_roots(l, &added, &why), RES_OK);
    assert_int_equal(added, 1);
    assert_int_equal(testlog_submit(l, w, &new, &r), RES_OK);
    assert_int_equal(testlog_submit(l, w, &old2, &r), RES_CHAIN_ROOT_VERIFY_ONLY);
    struct roots *roots = log_roots(l);
    assert_int_equal(roots_count(roots), 2);
    roots_unref(roots);
    assert_int_equal(log_reload_roots(l, &added, &why), RES_OK);
    assert_int_equal(added, 0);
    assert_int_equal(testlog_audit(l), 2);
    testchain_release(&old);
    testchain_release(&old2);
    testchain_release(&new);
    log_worker_free(w);
    testlog_stop(l);
    testca_release(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_threads),    TEST(test_tiles_and_issuers),
        TEST(test_checkpoint), TEST(test_duplicates_and_restart),
        TEST(test_refusals),   TEST(test_disk_floor),
        TEST(test_markers),    TEST(test_one_process),
        TEST(test_halt),       TEST(test_reload_roots),
    };
    return cmocka_run_group_tests(tests, testlog_make_ca, testlog_drop_ca);
}
