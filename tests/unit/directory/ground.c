#include "tests/unit/directory/ground.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/directory/directory_private.h"
#include "log/directory/held.h"
#include "log/files.h"
#include "log/stored.h"
#include "merkle/keytrans/commitment.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/logtree.h"
#include "merkle/leaf/entry.h"
#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "merkle/tree/range.h"
#include "tests/mint/mint.h"
#include "tests/reference/refprefix.h"
#include "tests/vectors/check.h"

#define MAP (UINT64_C(1) << 30)
#define STREAM_MAX ((size_t)64 << 20)
#define FEED_ORIGIN TESTLOG_ORIGIN "/feed"

/* ---- the log ---- */

struct testchain
ground_chain(const struct ground_log *g, const struct mail *m)
{
    const struct testca *ca = &g->ca;
    struct testchain c = {.type = m->precert ? ENTRY_PRECERT : ENTRY_X509};
    struct mint_spec s = {
        .key = m->key != NULL ? m->key : ca->leaf_key,
        .issuer = m->bound ? g->second : ca->inter,
        .issuer_key = m->bound ? g->second_key : ca->inter_key,
        .serial = 1000 + m->serial,
        .not_after = m->not_after,
        .subject = {{"CN", "Mail"}},
        .extension = {{"keyUsage", m->usage != NULL ? m->usage : "critical,digitalSignature"},
                      {"extendedKeyUsage", "emailProtection"},
                      {"subjectAltName", m->san},
                      {"authorityKeyIdentifier", "keyid"},
                      {NULL, NULL}},
    };

    if (m->precert)
        s.extension[4] = (struct mint_pair){MINT_POISON, MINT_POISON_VALUE};
    else if (m->scts)
        s.extension[4] = (struct mint_pair){"1.3.6.1.4.1.11129.2.4.2", "DER:04:02:00:00"};
    X509 *x = mint_cert(&s);
    c.cert[c.n++] = mint_der(x);
    c.cert[c.n++] = m->bound ? g->second_der : ca->inter_der;
    X509_free(x);
    return c;
}

static void
accept_second(struct ground_log *g)
{
    BIO *mem = BIO_new(BIO_s_mem());
    char *pem = NULL, *text;

    g->second_key = mint_key(MINT_P256);
    g->second = mint_root("Second", g->second_key);
    g->second_der = mint_der(g->second);
    hash_sha256(g->second_der, &g->second_sha256);
    assert_int_equal(PEM_write_bio_X509(mem, g->second), 1);
    long n = BIO_get_mem_data(mem, &pem);
    text = strndup(pem, (size_t)n);
    assert_non_null(text);
    testdir_append(g->path, "roots.pem", text);
    free(text);
    BIO_free(mem);
}

static void
submit(struct ground_log *g, struct log *l, const struct mail *m)
{
    struct testchain c = ground_chain(g, m);
    struct log_receipt receipt;
    struct log_worker *w;

    assert_int_equal(log_worker_new(l, &w), RES_OK);
    enum result rc = testlog_submit(l, w, &c, &receipt);
    if (rc != RES_OK)
        fail_msg("%s is refused: %s", m->san, result_sentence(rc));
    assert_int_equal(receipt.index, g->n);
    g->n++;
    testchain_release(&c);
    log_worker_free(w);
}

void
ground_log_init(struct ground_log *g, const struct mail *mails, size_t n)
{
    char path[FILES_PATH_MAX];
    struct store_options o = {.path = path, .map_size = MAP};
    uint32_t format;

    memset(g, 0, sizeof(*g));
    assert_true(n <= GROUND_ENTRIES_MAX);
    testca_init(&g->ca);
    g->scratch = scratch_new();
    testlog_create(g->scratch, &g->ca, "", g->path);
    accept_second(g);
    struct log *l = testlog_serve(g->path);
    for (size_t i = 0; i < n; i++)
        submit(g, l, &mails[i]);
    testlog_stop(l);
    assert_int_equal(files_path(g->path, "store", path), RES_OK);
    assert_int_equal(store_open(&o, &format, &g->store), RES_OK);
    assert_int_equal(signer_open(g->path, &g->signer), RES_OK);
}

void
ground_log_reopen(struct ground_log *g)
{
    char path[FILES_PATH_MAX];
    struct store_options o = {.path = path, .map_size = MAP};
    uint32_t format;

    store_close(g->store);
    assert_int_equal(files_path(g->path, "store", path), RES_OK);
    assert_int_equal(store_open(&o, &format, &g->store), RES_OK);
}

void
ground_log_save(struct ground_log *g, struct buf *ret)
{
    char path[FILES_PATH_MAX];

    assert_int_equal(files_path(g->path, "store/data.mdb", path), RES_OK);
    assert_int_equal(files_read(path, ret), RES_OK);
}

void
ground_log_restore(struct ground_log *g, const struct buf *saved)
{
    char path[FILES_PATH_MAX];

    store_close(g->store);
    g->store = NULL;
    assert_int_equal(files_path(g->path, "store/data.mdb", path), RES_OK);
    assert_int_equal(files_replace(path, buf_span(saved), 0600), RES_OK);
    assert_int_equal(files_path(g->path, "store/lock.mdb", path), RES_OK);
    (void)unlink(path);
    ground_log_reopen(g);
}

void
ground_log_release(struct ground_log *g)
{
    store_close(g->store);
    signer_close(g->signer);
    mint_free(g->second_der);
    X509_free(g->second);
    EVP_PKEY_free(g->second_key);
    testca_release(&g->ca);
    scratch_free(g->scratch);
}

void
ground_leaf(const struct ground_log *g, uint64_t index, struct hash *ret)
{
    struct store_view *v;
    struct tile_leaf l;
    struct span signature;

    assert_int_equal(store_view_new(g->store, &v), RES_OK);
    assert_int_equal(store_view_begin(v), RES_OK);
    assert_int_equal(stored_leaf(v, index, &l, &signature), RES_OK);
    entry_leaf_hash(&l.timestamped, ret);
    store_view_end(v);
    store_view_free(v);
}

void
ground_root(const struct ground_log *g, uint64_t size, struct hash *ret)
{
    struct hash leaf[GROUND_ENTRIES_MAX];

    for (uint64_t i = 0; i < size; i++)
        ground_leaf(g, i, &leaf[i]);
    testlog_mth(leaf, size, ret);
}

/* ---- a directory ---- */

static const char *
name_in(const struct ground *d, const char *name)
{
    static char path[4][FILES_PATH_MAX];
    static unsigned next;
    char *p = path[next++ % 4];

    assert_int_equal(files_path(d->path, name, p), RES_OK);
    return p;
}

void
ground_open(struct ground *d)
{
    struct shelf_options o = {.path = name_in(d, "directory"), .map_size = MAP};

    assert_int_equal(shelf_open(&o, &d->shelf), RES_OK);
    assert_int_equal(keyring_open(name_in(d, "directory/keys"), &d->keys), RES_OK);
    assert_int_equal(
        versions_open(name_in(d, "directory/index"), MAP, d->shelf, d->keys, &d->versions), RES_OK);
    assert_int_equal(shelf_view_new(d->shelf, &d->view), RES_OK);
    struct epoch_parts parts = {.shelf = d->shelf,
                                .versions = d->versions,
                                .keys = d->keys,
                                .signer = d->log->signer,
                                .store = d->log->store,
                                .feed_origin = FEED_ORIGIN,
                                .threads = 2};
    assert_int_equal(epoch_new(&parts, &d->epoch), RES_OK);
}

void
ground_close(struct ground *d)
{
    if (d->shelf == NULL)
        return;
    epoch_free(d->epoch);
    shelf_view_free(d->view);
    versions_close(d->versions);
    keyring_close(d->keys);
    shelf_close(d->shelf);
    d->shelf = NULL;
}

void
ground_new(struct ground *d, const struct ground_log *log, const struct ground *keys)
{
    struct buf config = BUF_INIT(256), bytes = BUF_INIT(STREAM_MAX);

    *d = (struct ground){.log = log, .path = scratch_new()};
    assert_int_equal(mkdir(name_in(d, "directory"), 0700), 0);
    struct shelf_options o = {.path = name_in(d, "directory"), .map_size = MAP};
    if (keys == NULL) {
        assert_int_equal(keyring_create(name_in(d, "directory/keys")), RES_OK);
    } else {
        assert_int_equal(files_read(name_in(keys, "directory/keys"), &bytes), RES_OK);
        assert_int_equal(files_replace(name_in(d, "directory/keys"), buf_span(&bytes), 0600),
                         RES_OK);
    }
    assert_int_equal(directory_configure(log->signer, &config), RES_OK);
    assert_int_equal(shelf_create(&o, TESTLOG_ORIGIN, buf_span(&config)), RES_OK);
    buf_release(&config);
    buf_release(&bytes);
    ground_open(d);
}

void
ground_release(struct ground *d)
{
    ground_close(d);
    scratch_free(d->path);
}

struct recipe
ground_recipe(const struct ground *d, uint64_t certificates)
{
    struct recipe q = {.number = epoch_size(d->epoch), .certificates = certificates};

    q.timestamp = GROUND_MS + 1000 * q.number;
    hash_empty(&q.crls_root);
    ground_root(d->log, certificates, &q.certificates_root);
    return q;
}

void
ground_run(struct ground *d, uint64_t certificates)
{
    struct recipe q = ground_recipe(d, certificates);
    bool committed;

    assert_int_equal(epoch_run(d->epoch, &q, 110 * (q.number + 1), NULL, 0, &committed), RES_OK);
    assert_true(committed);
    assert_int_equal(epoch_size(d->epoch), q.number + 1);
}

struct directory_head
ground_head(struct ground *d)
{
    struct directory_head h = {.size = 0};

    assert_int_equal(shelf_view_begin(d->view), RES_OK);
    enum result rc = shelf_get_head(d->view, &h);
    shelf_view_end(d->view);
    assert_true(rc == RES_OK || rc == RES_ABSENT);
    return h;
}

/* ---- comparing ---- */

/* All that stands, as bytes. */
static void
dump(struct ground *d, struct buf *out)
{
    struct directory_head h = ground_head(d);
    struct writer w = writer_to(out);
    struct span s;

    assert_int_equal(shelf_view_begin(d->view), RES_OK);
    directory_head_put(&w, &h);
    for (uint64_t i = 0; i < h.size; i++) {
        struct entry_row row;
        assert_int_equal(shelf_get_entry(d->view, i, &row), RES_OK);
        entry_row_put(&w, &row);
    }
    for (uint64_t i = 0; i < h.versions; i++) {
        struct version_row row;
        assert_int_equal(shelf_get_version(d->view, i, &row), RES_OK);
        version_row_put(&w, &row);
    }
    for (uint64_t at = 0; at < h.stream; at++) {
        assert_int_equal(shelf_get_bytes(d->view, at, 1, NULL, &s), RES_OK);
        put_bytes(&w, s);
    }
    if (shelf_get_bindings(d->view, &s) == RES_OK)
        put_bytes(&w, s);
    assert_int_equal(writer_end(&w), RES_OK);
    shelf_view_end(d->view);
}

void
ground_same(struct ground *a, struct ground *b)
{
    struct buf x = BUF_INIT(STREAM_MAX), y = BUF_INIT(STREAM_MAX);

    dump(a, &x);
    dump(b, &y);
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.p, y.p, x.n);
    buf_release(&x);
    buf_release(&y);
}

/* ---- auditing ---- */

struct audit_of {
    struct ground *d;
    struct held held;
    struct prefix_leaf *leaves;
    struct buf value; /* as an UpdateValue: behind its length */
    struct logtree_peaks kt;
    struct hash feed[256];
};

static void
audit_row(struct audit_of *a, uint64_t seq, const struct version_row *row, uint64_t timestamp)
{
    struct ground *d = a->d;
    uint8_t opening[COMMITMENT_OPENING_SIZE];
    struct label label;
    struct hash output, commitment, key;
    struct version_row newest;
    uint64_t number, at;

    assert_int_equal(versions_label(d->view, d->keys, row->label, &label, &number), RES_OK);
    struct span name = span_of(label.b, label.n);
    assert_true(label_is(name));
    assert_int_equal(signer_vrf_output(d->log->signer, name, row->version, &output), RES_OK);
    assert_true(hash_equal(&output, &row->leaf.key));
    keyring_label_key(d->keys, name, &key);
    assert_memory_equal(row->print, key.b + 8, sizeof(row->print));
    /* The newest among the rows so far is this; the one before it is `previous`. */
    assert_int_equal(versions_newest(d->versions, d->view, seq + 1, name, &at, &newest), RES_OK);
    assert_int_equal(at, seq);
    enum result rc = versions_newest(d->versions, d->view, seq, name, &at, &newest);
    assert_int_equal(rc, row->version == 0 ? RES_ABSENT : RES_OK);
    assert_int_equal(row->previous, row->version == 0 ? VERSION_NONE : at);
    if (row->version > 0)
        assert_int_equal(newest.version + 1, row->version);
    buf_clear(&a->value);
    assert_int_equal(buf_add(&a->value, span_of("\0\0\0", 4)), RES_OK);
    assert_int_equal(held_value(&a->held, label.b[0], number, row, timestamp, &a->value), RES_OK);
    size_t n = a->value.n - 4;
    for (int i = 4; i-- > 0; n >>= 8)
        a->value.p[i] = (uint8_t)n;
    assert_int_equal(keyring_opening(d->keys, number, row->version, opening), RES_OK);
    assert_int_equal(commitment_make(opening, name, row->version, buf_span(&a->value), &commitment),
                     RES_OK);
    assert_true(hash_equal(&commitment, &row->leaf.commitment));
}

static void
audit_feed(struct audit_of *a, uint64_t i, const struct entry_row *e, uint64_t from, uint64_t to)
{
    struct buf bytes = BUF_INIT(STREAM_MAX);
    struct writer w = writer_to(&bytes);
    struct hash h;

    for (uint64_t seq = from; seq < to; seq++)
        feed_addition_put(&w, &a->leaves[seq]);
    assert_int_equal(writer_end(&w), RES_OK);
    hash_sha256(buf_span(&bytes), &h);
    assert_true(hash_equal(&h, &e->feed.additions_hash));
    assert_int_equal(e->feed.additions, to - from);
    ref_prefix_root(a->leaves, to, &h);
    assert_true(hash_equal(&h, &e->feed.prefix_root));
    assert_true(hash_equal(&h, &e->root.hash));
    struct log_entry entry = {e->feed.timestamp, e->feed.prefix_root};
    logtree_leaf(&entry, &h);
    logtree_append(&a->kt, &h, NULL, NULL);
    logtree_root(&a->kt, &h);
    assert_true(hash_equal(&h, &e->feed.root));
    ground_root(a->d->log, e->feed.certificates, &h);
    assert_true(hash_equal(&h, &e->feed.certificates_root));
    buf_clear(&bytes);
    w = writer_to(&bytes);
    feed_entry_put(&w, &e->feed);
    assert_int_equal(writer_end(&w), RES_OK);
    hash_leaf(buf_span(&bytes), &a->feed[i]);
    buf_release(&bytes);
}

static void
audit_head(struct audit_of *a, const struct directory_head *h)
{
    struct ground *d = a->d;
    struct buf text = BUF_INIT(1024);
    struct note_key key;
    struct hash root;

    logtree_root(&a->kt, &root);
    assert_true(hash_equal(&root, &h->root));
    testlog_mth(a->feed, h->size, &root);
    assert_true(hash_equal(&root, &h->feed_root));
    assert_int_equal(
        kt_head_verify(shelf_config(d->shelf), h->size, &h->root, span_of(h->signature, 64)),
        RES_OK);
    assert_int_equal(checkpoint_write(FEED_ORIGIN, h->size, &h->feed_root, &text), RES_OK);
    assert_int_equal(buf_printf(&text, "\n"), RES_OK);
    size_t signed_n = text.n - 1;
    assert_int_equal(
        note_key_ed25519(FEED_ORIGIN, KEY_ED25519, signer_feed_public(d->log->signer), &key),
        RES_OK);
    assert_int_equal(
        note_signature_line(FEED_ORIGIN, key.id, span_of(h->feed_signature, 64), &text), RES_OK);
    struct note note;
    assert_int_equal(note_parse(buf_span(&text), &note), RES_OK);
    assert_int_equal(note.text.n, signed_n);
    assert_int_equal(note_verify(&note, &key, 1, NULL, NULL, NULL), RES_OK);
    buf_release(&text);
}

void
ground_audit(struct ground *d)
{
    struct directory_head h = ground_head(d);
    struct audit_of *a = calloc(1, sizeof(*a));
    uint64_t seq = 0, before = 0;

    if (h.size == 0) {
        free(a);
        return;
    }
    a->d = d;
    a->value = BUF_INIT(STREAM_MAX);
    a->leaves = calloc(h.versions + 1, sizeof(*a->leaves));
    assert_true(h.size <= 256);
    assert_int_equal(held_init(&a->held, d->view, d->keys), RES_OK);
    assert_int_equal(shelf_view_begin(d->view), RES_OK);
    for (uint64_t i = 0; i < h.size; i++) {
        struct entry_row e;
        uint64_t from = seq;

        assert_int_equal(shelf_get_entry(d->view, i, &e), RES_OK);
        assert_true(e.feed.timestamp >= before);
        before = e.feed.timestamp;
        for (; seq < from + e.feed.additions; seq++) {
            struct version_row row;

            assert_int_equal(shelf_get_version(d->view, seq, &row), RES_OK);
            assert_int_equal(row.entry, i);
            a->leaves[seq] = row.leaf;
            if (seq > from)
                assert_true(memcmp(a->leaves[seq - 1].key.b, row.leaf.key.b, HASH_SIZE) < 0);
            audit_row(a, seq, &row, e.feed.timestamp);
        }
        audit_feed(a, i, &e, from, seq);
    }
    assert_int_equal(seq, h.versions);
    shelf_view_end(d->view);
    audit_head(a, &h);
    held_release(&a->held);
    buf_release(&a->value);
    free(a->leaves);
    free(a);
}

/* ---- what a label holds ---- */

static struct label
label_of(uint8_t kind, const char *name)
{
    struct label l = {.n = 1 + strlen(name)};

    l.b[0] = kind;
    memcpy(l.b + 1, name, strlen(name));
    return l;
}

uint32_t
ground_versions(struct ground *d, uint8_t kind, const char *name)
{
    struct label l = label_of(kind, name);
    struct version_row row;
    uint64_t seq, rows = ground_head(d).versions;

    assert_int_equal(shelf_view_begin(d->view), RES_OK);
    enum result rc = versions_newest(d->versions, d->view, rows, span_of(l.b, l.n), &seq, &row);
    shelf_view_end(d->view);
    assert_true(rc == RES_OK || rc == RES_ABSENT);
    return rc == RES_OK ? row.version + 1 : 0;
}

uint32_t
ground_value(struct ground *d, uint8_t kind, const char *name, uint32_t version, struct buf *out)
{
    struct label l = label_of(kind, name), text;
    struct version_row row;
    struct entry_row e;
    struct held held;
    uint64_t seq, number, rows = ground_head(d).versions;

    buf_clear(out);
    assert_int_equal(held_init(&held, d->view, d->keys), RES_OK);
    assert_int_equal(shelf_view_begin(d->view), RES_OK);
    enum result rc =
        version == UINT32_MAX
            ? versions_newest(d->versions, d->view, rows, span_of(l.b, l.n), &seq, &row)
            : versions_find(d->versions, d->view, rows, span_of(l.b, l.n), version, &seq, &row);
    if (rc != RES_OK)
        fail_msg("%s has no version %u", name, version);
    assert_int_equal(shelf_get_entry(d->view, row.entry, &e), RES_OK);
    assert_int_equal(versions_label(d->view, d->keys, row.label, &text, &number), RES_OK);
    assert_int_equal(held_value(&held, kind, number, &row, e.feed.timestamp, out), RES_OK);
    shelf_view_end(d->view);
    held_release(&held);
    return row.version;
}
