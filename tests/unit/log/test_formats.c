/*
 * Every store format there has been can be opened: tests/formats/store-N.txt holds the records of a
 * small store in hex, as it was written when N was the current format.
 *
 * A line is "table key value"; ".N." stands for N zero bytes.  (The file of LMDB itself depends on
 * the machine's page size.)  With CARTULARY_WRITE_FORMATS=1 the file of the current format is
 * written.
 */
#include "log/edge.h"
#include "log/files.h"
#include "log/store/store.h"
#include "merkle/base/text.h"
#include "merkle/leaf/datatile.h"
#include "testlog.h"
#include "tests/vectors/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define ENTRIES 3
#define MAP (UINT64_C(1) << 30)

static const char *const TABLES[] = {"meta", "tail", "bundle", "tile", "edge", "issuer"};
#define TABLES_N (sizeof(TABLES) / sizeof(TABLES[0]))

static struct lmdb *
open_tables(const char *path)
{
    struct lmdb *env;
    struct lmdb_options o = {.path = path, .map_size = MAP, .readers = 8};
    for (size_t i = 0; i < TABLES_N; i++)
        o.tables[i] = TABLES[i];
    assert_int_equal(lmdb_open(&o, &env), RES_OK);
    return env;
}

/* ---- the store that is written down ---- */

static const char ISSUER[] = "the DER of an issuer";

static void
make_leaf(unsigned i, struct buf *out, struct hash *ret_hash)
{
    static const char *const BODY[ENTRIES] = {"first", "second", "third"};
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    struct tile_leaf l = {.timestamped = {.timestamp = 1000 + i,
                                          .entry = {.type = i == 1 ? ENTRY_PRECERT : ENTRY_X509,
                                                    .body = span_str(BODY[i])},
                                          .extensions = span_of(extensions, sizeof(extensions))},
                          .precertificate = i == 1 ? span_str("precert") : span_of(NULL, 0),
                          .chain_count = 1};
    entry_leaf_index(i, extensions);
    hash_sha256(span_str(ISSUER), &l.chain[0]);
    memset(l.timestamped.entry.issuer_key_hash.b, i == 1 ? 0xcc : 0, HASH_SIZE);
    buf_clear(out);
    assert_int_equal(tile_leaf_write(&l, out), RES_OK);
    entry_leaf_hash(&l.timestamped, ret_hash);
}

static enum result
put_tile(void *arg, unsigned level, uint64_t index, bool full, const struct hash *nodes)
{
    return store_put_tile(arg, level, index, full, nodes);
}

static struct store_head
make_head(const struct edge *e)
{
    struct store_head h = {.timestamp = 2000, .size = ENTRIES, .sth_signature_n = 70};
    range_root(&e->range, &h.root);
    memset(h.sth_signature, 0xaa, h.sth_signature_n);
    memset(h.note_signature, 0xbb, sizeof(h.note_signature));
    return h;
}

/* Writes it with the code of today. */
static void
write_store(const char *path)
{
    struct store *s;
    struct store_txn *t;
    uint32_t format;
    struct hash sha256, leaf_hash;
    struct edge *e = malloc(sizeof(*e));
    struct buf leaf = BUF_INIT(1024);
    struct store_options o = {.path = path, .map_size = MAP};
    edge_init(e);
    hash_sha256(span_str(ISSUER), &sha256);
    assert_int_equal(store_create(&o, TESTLOG_ORIGIN), RES_OK);
    assert_int_equal(store_open(&o, &format, &s), RES_OK);
    assert_int_equal(store_begin(s, &t), RES_OK);
    for (unsigned i = 0; i < ENTRIES; i++) {
        make_leaf(i, &leaf, &leaf_hash);
        assert_int_equal(store_append(t, i, buf_span(&leaf), span_of("\x30\x01\x02", 2 + i % 2)),
                         RES_OK);
        assert_int_equal(edge_append(e, &leaf_hash, put_tile, t), RES_OK);
    }
    assert_int_equal(store_put_issuer(t, &sha256, span_str(ISSUER)), RES_OK);
    assert_int_equal(store_flush(t), RES_OK);
    assert_int_equal(edge_partials(e, put_tile, t), RES_OK);
    struct store_head h = make_head(e);
    assert_int_equal(store_put_head(t, &h), RES_OK);
    assert_int_equal(store_commit(t), RES_OK);
    store_close(s);
    buf_release(&leaf);
    free(e);
}

/* ---- text ---- */

static void
add_bytes(struct buf *out, struct span s)
{
    assert_int_equal(buf_printf(out, " "), RES_OK);
    while (s.n) {
        size_t zeros = 0;
        while (zeros < s.n && s.p[zeros] == 0)
            zeros++;
        if (zeros > 4) {
            assert_int_equal(buf_printf(out, ".%zu.", zeros), RES_OK);
            s = span_of(s.p + zeros, s.n - zeros);
            continue;
        }
        assert_int_equal(buf_printf(out, "%02x", s.p[0]), RES_OK);
        s = span_of(s.p + 1, s.n - 1);
    }
}

static void
dump(const char *path, struct buf *out)
{
    struct lmdb *env = open_tables(path);
    struct lmdb_txn *t;
    assert_int_equal(lmdb_reader_new(env, &t), RES_OK);
    assert_int_equal(lmdb_reader_renew(t), RES_OK);
    for (unsigned table = 0; table < TABLES_N; table++) {
        uint8_t from[600] = {0};
        size_t n = 1;
        struct span key, value;
        while (lmdb_seek(t, table, span_of(from, n), &key, &value) == RES_OK) {
            assert_int_equal(buf_printf(out, "%s", TABLES[table]), RES_OK);
            add_bytes(out, key);
            add_bytes(out, value);
            assert_int_equal(buf_printf(out, "\n"), RES_OK);
            memcpy(from, key.p, key.n);
            from[key.n] = 0;
            n = key.n + 1;
        }
    }
    lmdb_reader_free(t);
    lmdb_close(env);
}

/* Reads what add_bytes wrote, up to end; returns what follows. */
static const char *
read_bytes(const char *p, char end, struct buf *out)
{
    static const uint8_t zero;
    buf_clear(out);
    while (*p != end) {
        unsigned v;
        if (*p == '.') {
            char *after;
            for (unsigned long n = strtoul(p + 1, &after, 10); n > 0; n--)
                assert_int_equal(buf_add(out, span_of(&zero, 1)), RES_OK);
            p = after + 1;
            continue;
        }
        assert_int_equal(sscanf(p, "%2x", &v), 1);
        uint8_t byte = (uint8_t)v;
        assert_int_equal(buf_add(out, span_of(&byte, 1)), RES_OK);
        p += 2;
    }
    return p + 1;
}

static void
load(const char *path, const char *text)
{
    struct lmdb *env = open_tables(path);
    struct lmdb_txn *t;
    struct buf key = BUF_INIT(600), value = BUF_INIT(1 << 20);
    assert_int_equal(lmdb_begin_write(env, &t), RES_OK);
    while (*text) {
        unsigned table = 0;
        while (strncmp(text, TABLES[table], strcspn(text, " ")) != 0)
            assert_true(++table < TABLES_N);
        text = read_bytes(text + strcspn(text, " ") + 1, ' ', &key);
        text = read_bytes(text, '\n', &value);
        assert_int_equal(lmdb_put(t, table, buf_span(&key), buf_span(&value), false), RES_OK);
    }
    assert_int_equal(lmdb_commit(t), RES_OK);
    lmdb_close(env);
    buf_release(&key);
    buf_release(&value);
}

static void
file_name(unsigned format, char out[static 600])
{
    const char *source = getenv("CARTULARY_SOURCE");
    (void)snprintf(out, 600, "%s/tests/formats/store-%u.txt",
                   source ? source : CARTULARY_SOURCE_DIR, format);
}

static void
read_file(unsigned format, struct buf *out)
{
    char name[600];
    file_name(format, name);
    assert_int_equal(files_read(name, out), RES_OK);
    assert_int_equal(buf_add(out, span_of("", 1)), RES_OK);
}

/* ---- tests ---- */

static void
test_written_as_ever(void **state)
{
    struct buf now = BUF_INIT(1 << 20), then = BUF_INIT(1 << 20);
    char *dir = scratch_new();
    (void)state;
    write_store(dir);
    dump(dir, &now);
    if (getenv("CARTULARY_WRITE_FORMATS")) {
        char name[600];
        file_name(STORE_FORMAT, name);
        assert_int_equal(files_replace(name, buf_span(&now), 0644), RES_OK);
    }
    read_file(STORE_FORMAT, &then);
    assert_int_equal(then.n - 1, now.n);
    assert_memory_equal(then.p, now.p, now.n);
    buf_release(&now);
    buf_release(&then);
    scratch_free(dir);
}

static void
test_format_1(void **state)
{
    struct buf text = BUF_INIT(1 << 20), leaf = BUF_INIT(1024);
    struct hash leaf_hash, sha256, got;
    struct store *s;
    struct store_view *v;
    struct store_head h;
    uint32_t format = 0;
    char *dir = scratch_new();
    (void)state;
    read_file(1, &text);
    load(dir, (const char *)text.p);
    struct store_options o = {.path = dir, .map_size = MAP};
    assert_int_equal(store_open(&o, &format, &s), RES_OK);
    assert_int_equal(format, 1);
    assert_string_equal(store_origin(s), TESTLOG_ORIGIN);
    assert_int_equal(store_view_new(s, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    assert_int_equal(store_get_head(v, &h), RES_OK);
    assert_int_equal(h.size, ENTRIES);
    assert_int_equal(h.timestamp, 2000);
    struct hash leaves[ENTRIES], root;
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct store_entry e;
        make_leaf(i, &leaf, &leaf_hash);
        assert_int_equal(store_get_entry(v, i, &e), RES_OK);
        assert_true(span_equal(e.leaf, buf_span(&leaf)));
        assert_int_equal(store_get_node(v, (struct node){0, i}, &got), RES_OK);
        assert_true(hash_equal(&got, &leaf_hash));
        leaves[i] = leaf_hash;
    }
    testlog_mth(leaves, ENTRIES, &root);
    assert_true(hash_equal(&root, &h.root));
    struct span der;
    hash_sha256(span_str(ISSUER), &sha256);
    assert_int_equal(store_get_issuer(v, &sha256, &der), RES_OK);
    assert_true(span_equal(der, span_str(ISSUER)));
    store_view_end(v);
    store_view_free(v);
    store_close(s);
    buf_release(&text);
    buf_release(&leaf);
    scratch_free(dir);
}

/* A store of tomorrow is left alone. */
static void
test_unknown_format(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct store *s;
    uint32_t format = 0;
    char *dir = scratch_new();
    (void)state;
    read_file(1, &text);
    char *at = strstr((char *)text.p, "meta 666f726d6174 00000001");
    assert_non_null(at);
    at[25] = '2';
    load(dir, (const char *)text.p);
    struct store_options o = {.path = dir, .map_size = MAP};
    assert_int_equal(store_open(&o, &format, &s), RES_STORE_FORMAT);
    assert_int_equal(format, 2);
    buf_release(&text);
    scratch_free(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_as_ever),
        cmocka_unit_test(test_format_1),
        cmocka_unit_test(test_unknown_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
