#include "testlog.h"

#include "log/audit.h"
#include "log/create.h"
#include "log/files.h"
#include "log/guard.h"
#include "merkle/base/text.h"
#include "merkle/leaf/precert.h"
#include "merkle/leaf/sct.h"
#include "merkle/tree/verify.h"
#include "tests/mint/mint.h"
#include "tests/vectors/check.h"

#include <openssl/ct.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the CA ---- */

void
testca_init(struct testca *ca)
{
    ca->root_key = mint_key(MINT_P256);
    ca->inter_key = mint_key(MINT_P256);
    ca->signer_key = mint_key(MINT_P256);
    ca->leaf_key = mint_key(MINT_P256);
    ca->root = mint_root("Root", ca->root_key);
    ca->inter = mint_ca("Inter", ca->inter_key, ca->root, ca->root_key);
    ca->signer = mint_precert_signer("Signer", ca->signer_key, ca->inter, ca->inter_key);
    ca->root_der = mint_der(ca->root);
    ca->inter_der = mint_der(ca->inter);
    ca->signer_der = mint_der(ca->signer);
}

void
testca_release(struct testca *ca)
{
    X509 *certs[] = {ca->root, ca->inter, ca->signer};
    EVP_PKEY *keys[] = {ca->root_key, ca->inter_key, ca->signer_key, ca->leaf_key};
    for (size_t i = 0; i < 3; i++)
        X509_free(certs[i]);
    for (size_t i = 0; i < 4; i++)
        EVP_PKEY_free(keys[i]);
    mint_free(ca->root_der);
    mint_free(ca->inter_der);
    mint_free(ca->signer_der);
}

struct testchain
testchain_mint(const struct testca *ca, enum testchain_kind kind, uint64_t i)
{
    char address[64];
    struct testchain c = {.type = kind == CHAIN_LEAF ? ENTRY_X509 : ENTRY_PRECERT};
    X509 *x;
    (void)snprintf(address, sizeof(address), "user%llu@example.org", (unsigned long long)i);
    if (kind == CHAIN_LEAF)
        x = mint_leaf(address, ca->leaf_key, ca->inter, ca->inter_key);
    else if (kind == CHAIN_PRECERT)
        x = mint_precert(address, ca->leaf_key, ca->inter, ca->inter_key);
    else
        x = mint_precert(address, ca->leaf_key, ca->signer, ca->signer_key);
    c.cert[c.n++] = mint_der(x);
    if (kind == CHAIN_PRECERT_BY_SIGNER)
        c.cert[c.n++] = ca->signer_der;
    c.cert[c.n++] = ca->inter_der;
    X509_free(x);
    return c;
}

void
testchain_release(struct testchain *c)
{
    mint_free(c->cert[0]);
    c->n = 0;
}

/* ---- fixtures ---- */

struct testca testlog_ca;

int
testlog_make_ca(void **state)
{
    (void)state;
    testca_init(&testlog_ca);
    return 0;
}

int
testlog_drop_ca(void **state)
{
    (void)state;
    testca_release(&testlog_ca);
    return 0;
}

void
testlog_done(void *arg, enum result rc, const struct log_receipt *r)
{
    struct testlog_outcome *o = arg;
    o->calls++;
    o->rc = rc;
    assert_int_equal(rc == RES_OK, r != NULL);
    if (r)
        o->receipt = *r;
}

/* ---- directories ---- */

static void
write_text(const char *dir, const char *name, const char *text, const char *mode)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

void
testdir_write(const char *dir, const char *name, const char *text)
{
    write_text(dir, name, text, "w");
}

void
testdir_append(const char *dir, const char *name, const char *text)
{
    write_text(dir, name, text, "a");
}

/* ---- the log ---- */

void
testlog_create(const char *scratch, const struct testca *ca, const char *extra,
               char path[static 256])
{
    struct log_trouble why;
    BIO *mem = BIO_new(BIO_s_mem());
    char *pem = NULL;
    (void)snprintf(path, 256, "%.200s/log", scratch);
    assert_int_equal(PEM_write_bio_X509(mem, ca->root), 1);
    long n = BIO_get_mem_data(mem, &pem);
    struct create_options o = {.dir = path,
                               .origin = TESTLOG_ORIGIN,
                               .url = "https://log.example",
                               .entries_public = true,
                               .roots_pem = span_of(pem, (size_t)n)};
    enum result rc = create_log(&o, &why);
    if (rc != RES_OK)
        fail_msg("create: %s", why.text);
    BIO_free(mem);
    testdir_append(path, "cartulary.conf", "map-size = " TESTLOG_MAP "\ndisk-floor = 0\n");
    testdir_append(path, "cartulary.conf", extra);
}

enum result
testlog_open(const char *path, struct log **ret, struct log_trouble *why)
{
    struct config c;
    struct log_trouble mine;
    char detail[CONFIG_TEXT_MAX];
    int line;
    if (config_load(path, &c, &line, detail) != RES_OK)
        fail_msg("line %d: %s", line, detail);
    return log_open(&c, (struct log_sink){NULL, NULL}, ret, why ? why : &mine);
}

struct log *
testlog_serve(const char *path)
{
    struct log *l;
    struct log_trouble why;
    if (testlog_open(path, &l, &why) != RES_OK)
        fail_msg("open: %s", why.text);
    assert_int_equal(log_start(l), RES_OK);
    return l;
}

void
testlog_stop(struct log *l)
{
    log_drain(l);
    log_close(l);
}

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t come;
    bool there;
    enum result rc;
    struct log_receipt receipt;
};

static void
on_answer(void *arg, enum result rc, const struct log_receipt *r)
{
    struct answer *a = arg;
    (void)pthread_mutex_lock(&a->lock);
    a->there = true;
    a->rc = rc;
    if (r)
        a->receipt = *r;
    (void)pthread_cond_signal(&a->come);
    (void)pthread_mutex_unlock(&a->lock);
}

enum result
testlog_submit(struct log *l, struct log_worker *w, const struct testchain *c,
               struct log_receipt *ret)
{
    struct answer a = {.lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER};
    struct chain_refusal refusal;
    (void)l;
    enum result rc = log_submit(w, c->type, c->cert, c->n, on_answer, &a, &refusal);
    if (rc != RES_OK)
        return rc;
    (void)pthread_mutex_lock(&a.lock);
    while (!a.there)
        (void)pthread_cond_wait(&a.come, &a.lock);
    (void)pthread_mutex_unlock(&a.lock);
    if (a.rc == RES_OK)
        *ret = a.receipt;
    return a.rc;
}

void
testlog_take_store(const char *path, struct buf *ret)
{
    char name[FILES_PATH_MAX];
    buf_clear(ret);
    assert_int_equal(files_path(path, "store/data.mdb", name), RES_OK);
    assert_int_equal(files_read(name, ret), RES_OK);
}

void
testlog_put_store(const char *path, struct span data)
{
    static const char *const GONE[] = {"store/lock.mdb", "store/index/data.mdb",
                                       "store/index/lock.mdb", "halted"};
    char name[FILES_PATH_MAX];
    for (size_t i = 0; i < sizeof(GONE) / sizeof(GONE[0]); i++) {
        assert_int_equal(files_path(path, GONE[i], name), RES_OK);
        (void)unlink(name);
    }
    assert_int_equal(files_path(path, "store/data.mdb", name), RES_OK);
    /* Not synced: hundreds of these are tried. */
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data.p, 1, data.n, f), data.n);
    assert_int_equal(fclose(f), 0);
}

static const char *const DIRECTORY_FILES[] = {"directory/data.mdb", "directory/recipes",
                                              "directory/keys"};

void
testlog_take_directory(const char *path, struct testlog_directory *ret)
{
    char name[FILES_PATH_MAX];
    for (size_t i = 0; i < 3; i++) {
        ret->file[i] = BUF_INIT(64 << 20);
        assert_int_equal(files_path(path, DIRECTORY_FILES[i], name), RES_OK);
        assert_int_equal(files_read(name, &ret->file[i]), RES_OK);
    }
}

void
testlog_put_directory(const char *path, const struct testlog_directory *d)
{
    static const char *const GONE[] = {"directory/lock.mdb", "directory/index/data.mdb",
                                       "directory/index/lock.mdb"};
    char name[FILES_PATH_MAX];
    for (size_t i = 0; i < sizeof(GONE) / sizeof(GONE[0]); i++) {
        assert_int_equal(files_path(path, GONE[i], name), RES_OK);
        (void)unlink(name);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(files_path(path, DIRECTORY_FILES[i], name), RES_OK);
        assert_int_equal(files_replace(name, buf_span(&d->file[i]), 0600), RES_OK);
    }
}

void
testlog_release_directory(struct testlog_directory *d)
{
    for (size_t i = 0; i < 3; i++)
        buf_release(&d->file[i]);
}

struct filling {
    pthread_mutex_t lock;
    pthread_cond_t come;
    uint64_t waiting;
};

static void
on_filled(void *arg, enum result rc, const struct log_receipt *r)
{
    struct filling *f = arg;
    (void)pthread_mutex_lock(&f->lock);
    if (rc == RES_OK && r)
        f->waiting--;
    (void)pthread_cond_signal(&f->come);
    (void)pthread_mutex_unlock(&f->lock);
}

void
testlog_fill(struct log *l, const struct testca *ca, uint64_t from, uint64_t to)
{
    struct filling f = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, to - from};
    struct log_worker *w;
    struct chain_refusal refusal;
    assert_int_equal(log_worker_new(l, &w), RES_OK);
    for (uint64_t i = from; i < to; i++) {
        struct testchain c = testchain_mint(ca, (enum testchain_kind)(i % CHAIN_KINDS), i);
        assert_int_equal(log_submit(w, c.type, c.cert, c.n, on_filled, &f, &refusal), RES_OK);
        testchain_release(&c);
    }
    (void)pthread_mutex_lock(&f.lock);
    while (f.waiting)
        (void)pthread_cond_wait(&f.come, &f.lock);
    (void)pthread_mutex_unlock(&f.lock);
    log_worker_free(w);
}

/* ---- checking ---- */

static void
sha256(const uint8_t *p, size_t n, struct hash *ret)
{
    assert_int_equal(EVP_Digest(p, n, ret->b, NULL, EVP_sha256(), NULL), 1);
}

void
testlog_mth(const struct hash *leaf, uint64_t n, struct hash *ret)
{
    struct hash pair[2];
    uint8_t in[65] = {1};
    uint64_t k = 1;
    if (n == 0) {
        sha256(in, 0, ret);
        return;
    }
    if (n == 1) {
        *ret = leaf[0];
        return;
    }
    while (2 * k < n)
        k *= 2;
    testlog_mth(leaf, k, &pair[0]);
    testlog_mth(leaf + k, n - k, &pair[1]);
    memcpy(in + 1, pair, sizeof(pair));
    sha256(in, sizeof(in), ret);
}

static void
on_finding(void *arg, const char *where, const char *what)
{
    (void)arg;
    print_error("%s: %s\n", where, what);
}

/* MTH over what get-entries would give. */
static void
check_reference(struct log *l, const struct store_head *head)
{
    struct log_reader *r;
    struct buf input = BUF_INIT(1 << 20), extra = BUF_INIT(1 << 20), leaf = BUF_INIT(1 << 20);
    struct hash *leaves = calloc((size_t)head->size + 1, sizeof(*leaves)), root;
    assert_non_null(leaves);
    assert_int_equal(log_reader_new(l, &r), RES_OK);
    assert_int_equal(log_reader_begin(r, NULL), RES_OK);
    for (uint64_t i = 0; i < head->size; i++) {
        buf_clear(&input);
        buf_clear(&extra);
        buf_clear(&leaf);
        assert_int_equal(log_reader_entry(r, i, &input, &extra), RES_OK);
        assert_int_equal(buf_add(&leaf, span_of("", 1)), RES_OK);
        assert_int_equal(buf_add(&leaf, buf_span(&input)), RES_OK);
        sha256(leaf.p, leaf.n, &leaves[i]);
    }
    log_reader_end(r);
    log_reader_free(r);
    testlog_mth(leaves, head->size, &root);
    assert_memory_equal(root.b, head->root.b, HASH_SIZE);
    free(leaves);
    buf_release(&input);
    buf_release(&extra);
    buf_release(&leaf);
}

uint64_t
testlog_audit(struct log *l)
{
    struct store_head head;
    struct known *sound;
    struct guard g = {.origin = TESTLOG_ORIGIN,
                      .key = signer_public(l->signer),
                      .note_public = signer_note_public(l->signer)};
    struct audit a = {
        .key = g.key, .sct_every = 1, .finding = on_finding, .scratch = BUF_INIT(CERT_MAX)};
    assert_int_equal(known_new(&sound), RES_OK);
    assert_int_equal(store_view_new(l->store, &a.view), RES_OK);
    assert_int_equal(store_view_begin(a.view), RES_OK);
    assert_int_equal(store_get_head(a.view, &head), RES_OK);
    a.size = head.size;
    a.issuers = sound;
    assert_int_equal(guard_head(&g, &head), RES_OK);
    for (uint64_t n = 0; n * STORE_BUNDLE < head.size; n++)
        assert_int_equal(audit_bundle(&a, n), RES_OK);
    assert_int_equal(audit_root(&a, &head.root), RES_OK);
    assert_int_equal(a.findings, 0);
    store_view_end(a.view);
    store_view_free(a.view);
    known_free(sound);
    buf_release(&a.scratch);
    log_head(l, &head, NULL);
    check_reference(l, &head);
    return head.size;
}

/* OpenSSL takes a list of logs from a file only. */
static CTLOG_STORE *
ctlogs(struct log *l)
{
    char path[300];
    struct buf text = BUF_INIT(1024);
    CTLOG_STORE *store = CTLOG_STORE_new();
    assert_int_equal(buf_printf(&text, "enabled_logs=test\n[test]\ndescription=test\nkey="),
                     RES_OK);
    assert_int_equal(text_base64(log_spki(l), &text), RES_OK);
    assert_int_equal(buf_add(&text, span_of("\n", 2)), RES_OK);
    testdir_write(log_config(l)->dir, "ctlogs", (const char *)text.p);
    (void)snprintf(path, sizeof(path), "%s/ctlogs", log_config(l)->dir);
    assert_int_equal(CTLOG_STORE_load_file(store, path), 1);
    assert_int_equal(unlink(path), 0);
    buf_release(&text);
    return store;
}

bool
testlog_sct_valid(struct log *l, const struct testca *ca, const struct testchain *c,
                  const struct log_receipt *r)
{
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    const uint8_t *p = c->cert[0].p;
    X509 *x = d2i_X509(NULL, &p, (long)c->cert[0].n);
    SCT *sct = SCT_new();
    CT_POLICY_EVAL_CTX *ctx = CT_POLICY_EVAL_CTX_new();
    CTLOG_STORE *store = ctlogs(l);
    entry_leaf_index(r->index, extensions);
    bool made =
        x && SCT_set_version(sct, SCT_VERSION_V1) == 1 &&
        SCT_set_log_entry_type(sct, c->type == ENTRY_X509 ? CT_LOG_ENTRY_TYPE_X509
                                                          : CT_LOG_ENTRY_TYPE_PRECERT) == 1 &&
        SCT_set1_log_id(sct, log_id(l)->b, HASH_SIZE) == 1 &&
        SCT_set_signature_nid(sct, NID_ecdsa_with_SHA256) == 1 &&
        SCT_set1_extensions(sct, extensions, sizeof(extensions)) == 1 &&
        SCT_set1_signature(sct, r->signature, r->signature_n) == 1;
    SCT_set_timestamp(sct, r->timestamp);
    assert_true(made);
    assert_int_equal(CT_POLICY_EVAL_CTX_set1_cert(ctx, x), 1);
    assert_int_equal(CT_POLICY_EVAL_CTX_set1_issuer(ctx, ca->inter), 1);
    CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(ctx, store);
    CT_POLICY_EVAL_CTX_set_time(ctx, r->timestamp);
    bool valid = SCT_validate(sct, ctx) == 1 &&
                 SCT_get_validation_status(sct) == SCT_VALIDATION_STATUS_VALID;
    CT_POLICY_EVAL_CTX_free(ctx);
    CTLOG_STORE_free(store);
    SCT_free(sct);
    X509_free(x);
    return valid;
}

void
testlog_demanded(const struct testca *ca, const struct testchain *c, const struct log_receipt *r,
                 struct buf *tbs, struct hash *ret_leaf, struct hash *ret_digest)
{
    uint8_t extensions[ENTRY_LEAF_INDEX_SIZE];
    struct cert pre, signer, inter;
    struct buf leaf = BUF_INIT(1 << 20);
    struct timestamped_entry t = {.timestamp = r->timestamp,
                                  .entry = {.type = c->type, .body = c->cert[0]},
                                  .extensions = span_of(extensions, sizeof(extensions))};
    entry_leaf_index(r->index, extensions);
    if (c->type == ENTRY_PRECERT) {
        assert_int_equal(cert_parse(c->cert[0], &pre), RES_OK);
        assert_int_equal(cert_parse(ca->signer_der, &signer), RES_OK);
        assert_int_equal(cert_parse(ca->inter_der, &inter), RES_OK);
        assert_int_equal(precert_tbs(&pre, c->n == 3 ? &signer : NULL, tbs), RES_OK);
        precert_issuer_key_hash(&inter, &t.entry.issuer_key_hash);
        t.entry.body = buf_span(tbs);
    }
    /* A MerkleTreeLeaf, RFC 6962 section 3.4, behind the zero of section 2.1; what an SCT signs has
     * the same bytes without it. */
    assert_int_equal(buf_add(&leaf, span_of("", 1)), RES_OK);
    assert_int_equal(entry_leaf_write(&t, &leaf), RES_OK);
    sha256(leaf.p, leaf.n, ret_leaf);
    sha256(leaf.p + 1, leaf.n - 1, ret_digest);
    buf_release(&leaf);
}

bool
testlog_included(struct log *l, const struct testca *ca, const struct testchain *c,
                 const struct log_receipt *r)
{
    struct log_reader *reader;
    struct store_head head;
    struct hash leaf, digest, proof[PROOF_HASHES_MAX];
    struct buf tbs = BUF_INIT(CERT_MAX);
    unsigned n = 0;
    uint64_t index = UINT64_MAX;
    testlog_demanded(ca, c, r, &tbs, &leaf, &digest);
    buf_release(&tbs);
    assert_int_equal(log_reader_new(l, &reader), RES_OK);
    assert_int_equal(log_reader_begin(reader, &head), RES_OK);
    bool ok = log_reader_find_leaf(reader, &leaf, head.size, &index) == RES_OK &&
              index == r->index &&
              log_reader_inclusion(reader, index, head.size, proof, &n) == RES_OK &&
              inclusion_verify(&leaf, index, head.size, proof, n, &head.root) == RES_OK;
    log_reader_end(reader);
    log_reader_free(reader);
    return ok;
}
