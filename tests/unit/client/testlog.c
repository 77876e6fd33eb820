#include "tests/unit/client/testlog.h"

#include <inttypes.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/json.h"
#include "merkle/base/text.h"
#include "merkle/leaf/sct.h"
#include "merkle/note/checkpoint.h"
#include "merkle/tree/proof.h"

static void
need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "testlog: %s\n", what);
    abort();
}
#define OK(call) need((call) == RES_OK, #call)

void
testlog_init(struct testlog *l)
{
    unsigned char *spki = NULL;
    struct note_key key;
    size_t line;
    char detail[POLICY_DETAIL_MAX];
    *l = (struct testlog){.policy_text = BUF_INIT(65536)};
    need(sodium_init() >= 0, "sodium");
    l->p256 = EVP_EC_gen("P-256");
    int n = i2d_PUBKEY(l->p256, &spki);
    need(n > 0, "P-256");
    (void)crypto_sign_keypair(l->ed_public, l->ed_secret);
    for (uint64_t i = 0; i < TESTLOG_LEAVES; i++)
        hash_leaf(span_of(&i, sizeof i), &l->leaf[i]);
    OK(note_key_ed25519(TESTLOG_ORIGIN, KEY_ED25519, l->ed_public, &key));
    OK(buf_add(&l->policy_text, span_str("log ")));
    OK(note_key_write(&key, &l->policy_text));
    OK(buf_add(&l->policy_text,
               span_str(" http://127.0.0.1:6962/\n#cartulary ct-key " TESTLOG_ORIGIN " ")));
    OK(text_base64(span_of(spki, (size_t)n), &l->policy_text));
    OK(buf_add(&l->policy_text, span_str("\n#cartulary mmd " TESTLOG_ORIGIN " 60\nquorum none\n")));
    OPENSSL_free(spki);
    OK(policy_parse(buf_span(&l->policy_text), &l->policy, &line, detail));
    l->log = policy_log(l->policy, 0);
}

void
testlog_release(struct testlog *l)
{
    EVP_PKEY_free(l->p256);
    buf_release(&l->policy_text);
    policy_free(l->policy);
}

/* ---- RFC 6962 section 2.1, word for word ---- */

static uint64_t
split(uint64_t n)
{
    uint64_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

static void
mth(const struct hash *d, uint64_t n, struct hash *ret)
{
    struct hash left, right;
    if (n == 0) {
        hash_empty(ret);
    } else if (n == 1) {
        *ret = d[0];
    } else {
        uint64_t k = split(n);
        mth(d, k, &left);
        mth(d + k, n - k, &right);
        hash_node(&left, &right, ret);
    }
}

static size_t
path(uint64_t m, const struct hash *d, uint64_t n, struct hash *out)
{
    if (n == 1)
        return 0;
    uint64_t k = split(n);
    size_t used = m < k ? path(m, d, k, out) : path(m - k, d + k, n - k, out);
    if (m < k)
        mth(d + k, n - k, &out[used]);
    else
        mth(d, k, &out[used]);
    return used + 1;
}

static size_t
subproof(uint64_t m, const struct hash *d, uint64_t n, bool whole, struct hash *out)
{
    size_t used = 0;
    if (m == n) {
        if (!whole)
            mth(d, n, &out[used++]);
        return used;
    }
    uint64_t k = split(n);
    if (m <= k) {
        used = subproof(m, d, k, whole, out);
        mth(d + k, n - k, &out[used]);
    } else {
        used = subproof(m - k, d + k, n - k, false, out);
        mth(d, k, &out[used]);
    }
    return used + 1;
}

void
testlog_root(const struct testlog *l, uint64_t size, struct hash *ret)
{
    mth(l->leaf, size, ret);
}

/* ---- signatures ---- */

static void
sign(const struct testlog *l, struct span msg, struct buf *out)
{
    uint8_t sig[128];
    size_t n = sizeof sig;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    need(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, l->p256) == 1 &&
             EVP_DigestSign(ctx, sig, &n, msg.p, msg.n) == 1,
         "sign");
    EVP_MD_CTX_free(ctx);
    OK(buf_add(out, span_of(sig, n)));
}

static void
sign_head(const struct testlog *l, uint64_t size, uint64_t timestamp, struct buf *out)
{
    uint8_t data[STH_SIGNED_SIZE];
    struct hash root;
    testlog_root(l, size, &root);
    sth_signed_data(timestamp, size, &root, data);
    sign(l, span_of(data, sizeof data), out);
}

void
testlog_checkpoint(const struct testlog *l, uint64_t size, uint64_t timestamp, struct buf *out)
{
    struct buf sig = BUF_INIT(256), body = BUF_INIT(512);
    uint8_t ed[64];
    struct hash root;
    testlog_root(l, size, &root);
    sign_head(l, size, timestamp, &sig);
    const struct digitally_signed d = {4, 3, buf_span(&sig)};
    buf_clear(out);
    OK(checkpoint_write(TESTLOG_ORIGIN, size, &root, out));
    (void)crypto_sign_detached(ed, NULL, out->p, out->n, l->ed_secret);
    OK(checkpoint_rfc6962_body(timestamp, &d, &body));
    OK(buf_add(out, span_str("\n")));
    OK(note_signature_line(TESTLOG_ORIGIN, l->log->rfc6962.id, buf_span(&body), out));
    OK(note_signature_line(TESTLOG_ORIGIN, l->log->note.id, span_of(ed, sizeof ed), out));
    buf_release(&sig);
    buf_release(&body);
}

static void
base64(struct span s, struct buf *out)
{
    OK(json_write_base64(s, out));
}

void
testlog_sth(const struct testlog *l, uint64_t size, uint64_t timestamp, struct buf *out)
{
    struct buf sig = BUF_INIT(256), ds = BUF_INIT(512);
    struct hash root;
    testlog_root(l, size, &root);
    sign_head(l, size, timestamp, &sig);
    const struct digitally_signed d = {4, 3, buf_span(&sig)};
    OK(digitally_signed_write(&d, &ds));
    buf_clear(out);
    OK(buf_printf(out, "{\"tree_size\":%" PRIu64 ",\"timestamp\":%" PRIu64 ",\"sha256_root_hash\":",
                  size, timestamp));
    base64(hash_span(&root), out);
    OK(buf_printf(out, ",\"tree_head_signature\":"));
    base64(buf_span(&ds), out);
    OK(buf_printf(out, "}"));
    buf_release(&sig);
    buf_release(&ds);
}

static void
hashes(const struct hash *h, size_t n, struct buf *out)
{
    OK(buf_printf(out, "["));
    for (size_t i = 0; i < n; i++) {
        OK(buf_printf(out, "%s", i == 0 ? "" : ","));
        base64(hash_span(&h[i]), out);
    }
    OK(buf_printf(out, "]}"));
}

void
testlog_consistency(const struct testlog *l, uint64_t first, uint64_t second, struct buf *out)
{
    struct hash h[PROOF_HASHES_MAX];
    buf_clear(out);
    OK(buf_printf(out, "{\"consistency\":"));
    hashes(h, subproof(first, l->leaf, second, true, h), out);
}

void
testlog_proof(const struct testlog *l, uint64_t index, uint64_t size, struct buf *out)
{
    struct hash h[PROOF_HASHES_MAX];
    buf_clear(out);
    OK(buf_printf(out, "{\"leaf_index\":%" PRIu64 ",\"audit_path\":", index));
    hashes(h, path(index, l->leaf, size, h), out);
}

void
testlog_sct(struct testlog *l, const struct entry *entry, uint64_t timestamp, uint64_t index,
            struct buf *out)
{
    uint8_t extension[ENTRY_LEAF_INDEX_SIZE];
    struct buf data = BUF_INIT(1 << 20), sig = BUF_INIT(256);
    struct timestamped_entry t = {.timestamp = timestamp, .entry = *entry};
    if (index != UINT64_MAX) {
        entry_leaf_index(index, extension);
        t.extensions = span_of(extension, sizeof extension);
        entry_leaf_hash(&t, &l->leaf[index]);
    }
    OK(sct_signed_data(&t, &data));
    sign(l, buf_span(&data), &sig);
    const struct sct s = {.log_id = *p256_key_id(l->log->p256),
                          .timestamp = timestamp,
                          .extensions = t.extensions,
                          .signature = {4, 3, buf_span(&sig)}};
    buf_clear(out);
    OK(sct_write(&s, out));
    buf_release(&data);
    buf_release(&sig);
}

void
testlog_sct_json(struct span sct, struct buf *out)
{
    struct buf ds = BUF_INIT(512);
    struct sct s;
    OK(sct_parse(sct, &s));
    OK(digitally_signed_write(&s.signature, &ds));
    buf_clear(out);
    OK(buf_printf(out, "{\"sct_version\":0,\"id\":"));
    base64(hash_span(&s.log_id), out);
    OK(buf_printf(out, ",\"timestamp\":%" PRIu64 ",\"extensions\":", s.timestamp));
    base64(s.extensions, out);
    OK(buf_printf(out, ",\"signature\":"));
    base64(buf_span(&ds), out);
    OK(buf_printf(out, "}"));
    buf_release(&ds);
}

void
testlog_view_head(const struct testlog *l, uint64_t size, uint64_t timestamp, struct view_head *ret)
{
    ret->form = HEAD_CHECKPOINT;
    buf_init(&ret->bytes, HEAD_MAX);
    testlog_checkpoint(l, size, timestamp, &ret->bytes);
    OK(head_open(l->log, l->policy, ret->form, buf_span(&ret->bytes), &ret->head));
}
