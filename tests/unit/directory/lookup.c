#include "tests/unit/directory/lookup.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "client/json.h"
#include "merkle/base/text.h"
#include "merkle/leaf/cert.h"
#include "merkle/leaf/precert.h"
#include "merkle/note/checkpoint.h"
#include "merkle/note/note.h"
#include "tests/mint/mint.h"
#include "tests/vectors/check.h"

#define FIRST_NOT_BEFORE 1767225600 /* 2026-01-01 */
#define OK(call) assert_int_equal(call, RES_OK)

void
lookup_init(struct lookup *l, const struct kt_window *window)
{
    memset(l, 0, sizeof(*l));
    desk_init(&l->desk, window);
    testlog_init(&l->feed);
    OK(note_key_ed25519(LOOKUP_FEED_ORIGIN, KEY_ED25519, l->feed.ed_public, &l->desk.log.feed));
    l->root_key = mint_key(MINT_P256);
    l->ca_key = mint_key(MINT_P256);
    l->signer_key = mint_key(MINT_P256);
    l->leaf_key = mint_key(MINT_P256);
    l->root = mint_root("Root", l->root_key);
    l->ca = mint_ca("CA", l->ca_key, l->root, l->root_key);
    l->signer = mint_precert_signer("Signer", l->signer_key, l->ca, l->ca_key);
    l->issuers[0] = mint_der(l->ca);
    l->issuers[1] = mint_der(l->root);
    l->issuers[2] = mint_der(l->signer);
    testdir_append(&l->desk.t, 1000000, 0);
}

void
lookup_release(struct lookup *l)
{
    for (uint64_t i = 0; i < l->n; i++) {
        mint_free(l->at[i].der);
        buf_release(&l->at[i].leaf);
    }
    for (size_t i = 0; i < 3; i++)
        mint_free(l->issuers[i]);
    X509_free(l->root);
    X509_free(l->ca);
    X509_free(l->signer);
    EVP_PKEY_free(l->root_key);
    EVP_PKEY_free(l->ca_key);
    EVP_PKEY_free(l->signer_key);
    EVP_PKEY_free(l->leaf_key);
    testlog_release(&l->feed);
    desk_release(&l->desk);
}

/* ---- the certificate log ---- */

static void
make_precert(const struct cert *pre, const struct cert *issuer, struct buf *tbs, struct entry *ret)
{
    OK(precert_tbs(pre, precert_is_signer(issuer) ? issuer : NULL, tbs));
    ret->type = ENTRY_PRECERT;
    ret->body = buf_span(tbs);
}

uint64_t
lookup_log(struct lookup *l, X509 *x, const struct span *chain, size_t n)
{
    struct lookup_entry *e = &l->at[l->n];
    struct buf tbs = BUF_INIT(CERT_MAX);
    struct timestamped_entry t = {.timestamp = 900000 + l->n};
    struct cert c, issuer;

    assert_true(l->n < TESTLOG_LEAVES && n <= LOOKUP_CHAIN_MAX);
    e->der = mint_der(x);
    X509_free(x);
    OK(cert_parse(e->der, &c));
    OK(cert_parse(n > 0 ? chain[0] : e->der, &issuer));
    t.entry = (struct entry){.type = ENTRY_X509, .body = e->der};
    if (precert_is(&c))
        make_precert(&c, &issuer, &tbs, &t.entry);
    if (precert_is_signer(&issuer))
        OK(cert_parse(chain[1], &issuer));
    precert_issuer_key_hash(&issuer, &e->issuer_key);
    if (t.entry.type == ENTRY_PRECERT)
        t.entry.issuer_key_hash = e->issuer_key;
    e->leaf = BUF_INIT(2 * CERT_MAX);
    OK(entry_leaf_write(&t, &e->leaf));
    entry_leaf_hash(&t, &l->desk.ct.leaf[l->n]);
    OK(entry_leaf_parse(buf_span(&e->leaf), &t));
    e->entry = t.entry;
    for (size_t i = 0; i < n; i++)
        hash_sha256(chain[i], &e->chain[i]);
    e->chain_n = n;
    buf_release(&tbs);
    return l->n++;
}

static const char *
address_of(const struct lookup *l, unsigned label)
{
    static char text[LABEL_MAX];
    struct span name = testdir_name(&l->desk.t, label);

    (void)snprintf(text, sizeof(text), "%.*s", (int)name.n - 1, name.p + 1);
    return text;
}

/* Each has a serial number of its own: it is no other's precertificate; and begins later than the
 * one before, so that it stands before it. */
static uint64_t
log_for(struct lookup *l, unsigned label, bool poisoned)
{
    char san[LABEL_MAX + 8];
    struct mint_spec s = {.key = l->leaf_key,
                          .issuer = l->ca,
                          .issuer_key = l->ca_key,
                          .serial = 1000 + l->n,
                          .not_before = FIRST_NOT_BEFORE + 3600 * (int64_t)l->n,
                          .subject = {{"CN", "Mail"}},
                          .extension = {{"keyUsage", "critical,digitalSignature"},
                                        {"extendedKeyUsage", "emailProtection"},
                                        {"subjectAltName", san},
                                        {poisoned ? MINT_POISON : NULL, MINT_POISON_VALUE}}};

    (void)snprintf(san, sizeof(san), "email:%s", address_of(l, label));
    return lookup_log(l, mint_cert(&s), l->issuers, 2);
}

uint64_t
lookup_certify(struct lookup *l, unsigned label)
{
    return log_for(l, label, false);
}

uint64_t
lookup_announce(struct lookup *l, unsigned label)
{
    return log_for(l, label, true);
}

/* SHA-256(issuer key hash || TBS without poison and SCT list). */
static void
key_id_of(const struct lookup_entry *e, const struct cert *c, struct hash *ret)
{
    struct span tbs = e->entry.type == ENTRY_X509 ? c->tbs : e->entry.body;
    struct buf bare = BUF_INIT(CERT_MAX);

    if (e->entry.type == ENTRY_X509 && precert_final_tbs(c, &bare) == RES_OK)
        tbs = buf_span(&bare);
    hash_sha256_parts((struct span[]){hash_span(&e->issuer_key), tbs}, 2, ret);
    buf_release(&bare);
}

struct mailbox_record
lookup_record(const struct lookup *l, uint64_t index, unsigned label)
{
    const struct lookup_entry *e = &l->at[index];
    struct span name = testdir_name(&l->desk.t, label);
    struct mailbox_record m = {.precert_index = MAILBOX_NO_INDEX,
                               .final_index = MAILBOX_NO_INDEX,
                               .purpose = MAILBOX_SIGN,
                               .source = MAILBOX_SAN_RFC822,
                               .address = span_of(name.p + 1, name.n - 1),
                               .status = MAILBOX_GOOD};
    struct cert c;

    assert_true(index < l->n);
    OK(cert_parse(e->der, &c));
    if (e->entry.type == ENTRY_PRECERT) {
        m.precert_index = index;
    } else {
        m.final_index = index;
        hash_sha256(e->der, &m.certificate_sha256);
    }
    key_id_of(e, &c, &m.key_id);
    hash_sha256(c.spki, &m.spki_sha256);
    m.not_before = (uint64_t)c.not_before;
    m.not_after = (uint64_t)c.not_after;
    return m;
}

/* ---- the directory ---- */

void
lookup_append(struct lookup *l, const struct mailbox_record *record, unsigned labels,
              uint64_t covers)
{
    assert_true(l->desk.t.n < TESTLOG_LEAVES);
    l->covers[l->desk.t.n] = covers;
    l->desk.t.record = record;
    desk_append(&l->desk, 1, labels);
    l->desk.t.record = NULL;
}

void
lookup_see(const struct lookup *l, uint64_t size, uint64_t timestamp, struct view *v)
{
    struct view_head h;

    testlog_view_head(&l->desk.ct, size, timestamp, &h);
    OK(view_advance(v, h.form, &h.head, buf_span(&h.bytes)));
    buf_release(&h.bytes);
}

/* ---- answers ---- */

static void
put_base64(const char *before, struct span bytes, struct buf *out)
{
    OK(buf_add(out, span_str(before)));
    OK(json_write_base64(bytes, out));
}

/* "audit_path":[…]} */
static void
put_path(const struct testlog *tree, uint64_t index, uint64_t size, struct buf *out)
{
    struct buf proof = BUF_INIT(1 << 16);

    testlog_proof(tree, index, size, &proof);
    struct span all = buf_span(&proof);
    size_t skip = (size_t)snprintf(NULL, 0, "{\"leaf_index\":%" PRIu64 ",", index);
    OK(buf_add(out, span_of(all.p + skip, all.n - skip)));
    buf_release(&proof);
}

static struct feed_entry
feed_entry_of(const struct lookup *l, size_t i)
{
    struct feed_entry e = l->desk.t.feed[i];

    e.certificates = l->covers[i];
    testlog_root(&l->desk.ct, e.certificates, &e.certificates_root);
    return e;
}

static void
put_checkpoint(const struct lookup *l, uint64_t size, struct buf *out)
{
    struct buf note = BUF_INIT(1 << 12);
    uint8_t signature[64];
    struct hash root;

    testlog_root(&l->feed, size, &root);
    OK(checkpoint_write(LOOKUP_FEED_ORIGIN, size, &root, &note));
    (void)crypto_sign_detached(signature, NULL, note.p, note.n, l->feed.ed_secret);
    OK(buf_add(&note, span_str("\n")));
    OK(note_signature_line(LOOKUP_FEED_ORIGIN, l->desk.log.feed.id,
                           span_of(signature, sizeof(signature)), &note));
    OK(buf_add(out, span_str(",\"checkpoint\":")));
    OK(json_write_string(buf_span(&note), out));
    buf_release(&note);
}

static void
put_anchor(struct lookup *l, uint64_t size, struct buf *out)
{
    struct buf bytes = BUF_INIT(FEED_ENTRY_SIZE);

    for (size_t i = 0; i < l->desk.t.n; i++) {
        struct feed_entry e = feed_entry_of(l, i);
        struct writer w = writer_to(&bytes);

        buf_clear(&bytes);
        feed_entry_put(&w, &e);
        OK(writer_end(&w));
        hash_leaf(buf_span(&bytes), &l->feed.leaf[i]);
        if (i == size - 1)
            put_base64(",\"anchor\":{\"entry\":", buf_span(&bytes), out);
    }
    OK(buf_printf(out, ",\"size\":%" PRIu64, size));
    put_checkpoint(l, l->desk.t.n, out);
    OK(buf_add(out, span_str(",")));
    put_path(&l->feed, size - 1, l->desk.t.n, out);
    buf_release(&bytes);
}

static void
put_record(const struct lookup *l, uint64_t index, uint64_t covered, struct buf *out)
{
    const struct lookup_entry *e = &l->at[index];

    assert_true(index < l->n && index < covered);
    OK(buf_printf(out, "{\"index\":%" PRIu64, index));
    put_base64(",\"leaf_input\":", buf_span(&e->leaf), out);
    if (e->entry.type == ENTRY_PRECERT)
        put_base64(",\"precertificate\":", e->der, out);
    OK(buf_add(out, span_str(",\"chain\":[")));
    for (size_t i = 0; i < e->chain_n; i++) {
        OK(buf_add(out, span_str(i == 0 ? "\"" : ",\"")));
        OK(text_hex(hash_span(&e->chain[i]), out));
        OK(buf_add(out, span_str("\"")));
    }
    OK(buf_add(out, span_str("],")));
    put_path(&l->desk.ct, index, covered, out);
}

/* Of records whose entries the log does not have the test says what it likes: they are left out. */
static void
put_records(const struct lookup *l, struct span value, uint64_t covered, struct buf *out)
{
    struct reader in = reader_of(value);
    struct mailbox_state state;
    bool first = true;

    mailbox_state_get(&in, &state);
    OK(reader_end(&in));
    in = reader_of(state.records);
    for (unsigned i = 0; i < state.n; i++) {
        struct mailbox_record m;

        mailbox_record_get(&in, &m);
        uint64_t index = m.final_index != MAILBOX_NO_INDEX ? m.final_index : m.precert_index;
        if (index >= l->n || index >= covered)
            continue;
        if (!first)
            OK(buf_add(out, span_str(",")));
        put_record(l, index, covered, out);
        first = false;
    }
}

/* Everything that was asked for is in the body: the label's address, and numbers. */
static void
read_question(struct span body, struct label *ret_label, struct kt_optional *ret_last,
              struct kt_optional *ret_at)
{
    struct json *j;
    struct span text;
    struct address a;

    *ret_last = *ret_at = (struct kt_optional){false, 0};
    OK(json_parse(body, &j));
    OK(json_text(json_get(j, "address"), &text));
    OK(address_parse(text, &a));
    label_of_address(&a, ret_label);
    ret_last->has = json_u64(json_get(j, "last"), JSON_INTEGER_MAX, &ret_last->value) == RES_OK;
    ret_at->has = json_u64(json_get(j, "at"), JSON_INTEGER_MAX, &ret_at->value) == RES_OK;
    assert_int_equal(json_count(j), 1 + ret_last->has + ret_at->has);
    json_free(j);
}

static void
answer_question(struct lookup *l, struct span question, struct buf *body, struct answer *ret)
{
    struct buf answer = BUF_INIT(DESK_ANSWER_MAX);
    struct directory_found found;
    struct kt_optional last, at;
    struct label label;

    read_question(question, &label, &last, &at);
    enum result r = directory_lookup(l->desk.t.r, &label, last, at, &answer, &found);
    assert_true(r == RES_OK || r == RES_KT_NO_LABEL);
    put_base64("{\"answer\":", buf_span(&answer), body);
    put_anchor(l, found.size, body);
    OK(buf_add(body, span_str(",\"records\":[")));
    if (found.present)
        put_records(l, found.value, l->covers[found.size - 1], body);
    for (size_t i = 0; i < 3; i++)
        put_base64(i == 0 ? "],\"issuers\":[" : ",", l->issuers[i], body);
    OK(buf_add(body, span_str("]}")));
    buf_release(&answer);
    *ret = (struct answer){.status = r == RES_OK ? 200 : 404, .body = buf_span(body)};
}

void
lookup_answer(struct lookup *l, const struct ask *ask, struct buf *body, struct answer *ret)
{
    uint64_t first, second;

    buf_clear(body);
    if (strcmp(ask->path, "/v1/lookup") == 0) {
        assert_false(ask->octets);
        answer_question(l, ask->body, body, ret);
    } else if (sscanf(ask->path, "/ct/v1/get-sth-consistency?first=%" SCNu64 "&second=%" SCNu64,
                      &first, &second) == 2) {
        testlog_consistency(&l->desk.ct, first, second, body);
        *ret = (struct answer){.status = 200, .body = buf_span(body)};
    } else {
        desk_answer(&l->desk, ask, body, ret);
    }
}

/* ---- bending ---- */

static size_t
place_of(const struct buf *body, const char *text)
{
    const uint8_t *at = memmem(body->p, body->n, text, strlen(text));

    if (at == NULL)
        fail_msg("there is no %s", text);
    return (size_t)(at - body->p);
}

void
lookup_bend(struct buf *body, const char *from, const char *to)
{
    struct buf bent = BUF_INIT(body->max);
    size_t at = place_of(body, from), end = at + strlen(from);

    OK(buf_add(&bent, span_of(body->p, at)));
    OK(buf_add(&bent, span_str(to)));
    OK(buf_add(&bent, span_of(body->p + end, body->n - end)));
    buf_release(body);
    *body = bent;
}

void
lookup_flip(struct buf *body, const char *after, size_t nth)
{
    uint8_t *p = body->p + place_of(body, after) + strlen(after) + nth;

    assert_true(p < body->p + body->n);
    *p = *p == 'A' ? 'B' : 'A';
}
