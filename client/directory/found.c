#include "client/directory/found.h"

#include <stdlib.h>
#include <string.h>

#include "client/directory/anchor.h"
#include "client/json.h"
#include "client/subject.h"
#include "merkle/base/text.h"
#include "merkle/leaf/cert.h"
#include "merkle/leaf/entry.h"
#include "merkle/leaf/precert.h"
#include "merkle/tree/proof.h"
#include "merkle/tree/verify.h"

void
found_init(struct found *f)
{
    memset(f, 0, sizeof(*f));
    f->answer = BUF_INIT(ASK_ANSWER_MAX);
    f->anchor = BUF_INIT(STATEMENT_MAX);
}

void
found_release(struct found *f)
{
    for (size_t i = 0; i < f->records_n; i++) {
        buf_release(&f->records[i].der);
        mailboxes_release(&f->records[i].mailboxes);
    }
    for (size_t i = 0; i < f->issuers_n; i++)
        buf_release(&f->issuers[i]);
    free(f->records);
    free(f->issuers);
    free(f->issuer_sha256);
    buf_release(&f->answer);
    buf_release(&f->anchor);
    found_init(f);
}

/* ---- the KEYTRANS answer ---- */

static enum result
read_value(struct span value, struct found *f)
{
    struct reader in = reader_of(value);

    mailbox_state_get(&in, &f->state);
    return reader_end(&in);
}

static enum result
read_answer(const struct found_question *q, bool absent, struct found *f)
{
    const struct proved_by by = {&q->log->directory, &q->log->vrf, q->last, q->now};
    struct span label = span_of(q->label.b, q->label.n), bytes = buf_span(&f->answer);
    struct span value = span_of(NULL, 0);
    enum result r;

    f->of_time = q->at.has;
    if (q->at.has) {
        r = proved_as_of(&by, label, q->at.value, bytes, &f->as_of);
        f->head = f->as_of.head;
        f->present = f->as_of.claim.has_version;
        value = f->as_of.value;
    } else if (absent) {
        r = proved_absence(&by, label, bytes, &f->head);
        f->present = false;
    } else {
        r = proved_search(&by, label, (struct kt_optional){false, 0}, bytes, &f->search);
        f->head = f->search.head;
        f->present = true;
        value = f->search.value;
    }
    return r == RES_OK && f->present ? read_value(value, f) : r;
}

/* ---- one record ---- */

/* SHA-256(issuer key hash || TBS without poison and SCT list), as the record's key_id. */
static enum result
check_key_id(const struct mailbox_record *m, const struct entry *e, const struct cert *c,
             struct span issuer)
{
    struct buf stripped = BUF_INIT(CERT_MAX);
    struct hash key = e->issuer_key_hash, id;
    struct span tbs = e->body;
    struct cert ca;
    enum result r = RES_OK;

    if (e->type == ENTRY_X509) {
        tbs = c->tbs;
        r = issuer.n > 0 ? cert_parse(issuer, &ca) : RES_OK;
        if (r == RES_OK)
            precert_issuer_key_hash(issuer.n > 0 ? &ca : c, &key);
        if (r == RES_OK && cert_find(c, CERT_OID_SCT_LIST) != NULL) {
            r = precert_final_tbs(c, &stripped);
            tbs = buf_span(&stripped);
        }
    }
    if (r == RES_OK) {
        hash_sha256_parts((struct span[]){hash_span(&key), tbs}, 2, &id);
        r = hash_equal(&id, &m->key_id) ? RES_OK : RES_CONFLICT;
    }
    buf_release(&stripped);
    return r;
}

/* The precertificate is the one that was logged: what a log makes of it is the entry. */
static enum result
check_precert(const struct found_record *r, const struct entry *e)
{
    struct span certs[1 + FOUND_CHAIN_MAX];
    struct subject_chain chain = {.certs = certs, .n = 1 + r->chain_n};
    struct subject s = SUBJECT_INIT;

    certs[0] = buf_span(&r->der);
    memcpy(certs + 1, r->chain, r->chain_n * sizeof(*certs));
    enum result rc = subject_submitted(&chain, &s);
    if (rc == RES_OK && (s.type != ENTRY_PRECERT || !span_equal(buf_span(&s.body), e->body) ||
                         !hash_equal(&s.issuer_key_hash, &e->issuer_key_hash)))
        rc = RES_CONFLICT;
    subject_release(&s);
    return rc;
}

/* What the record says of the certificate is what the certificate says. */
static enum result
check_fields(const struct mailbox_record *m, const struct cert *c)
{
    struct hash spki;
    uint64_t before = c->not_before < 0 ? 0 : (uint64_t)c->not_before;
    uint64_t after = c->not_after < 0 ? 0 : (uint64_t)c->not_after;

    hash_sha256(c->spki, &spki);
    return hash_equal(&spki, &m->spki_sha256) && before == m->not_before && after == m->not_after
               ? RES_OK
               : RES_CONFLICT;
}

/* Where the certificate names the address, and that the record says the same. */
static enum result
check_address(const struct found_question *q, struct found_record *r, const struct cert *c)
{
    struct span address = span_of(q->label.b + 1, q->label.n - 1);
    enum result rc = mailboxes_of(c, &r->mailboxes);

    if (rc != RES_OK)
        return rc;
    for (size_t i = 0; i < r->mailboxes.n; i++) {
        r->mailbox = r->mailboxes.list[i];
        if (span_equal(r->mailbox.address, address))
            return r->mailbox.source == r->m.source &&
                           span_equal(r->mailbox.certified, r->m.address)
                       ? RES_OK
                       : RES_CONFLICT;
    }
    return RES_CONFLICT;
}

static enum result
check_inclusion(const struct json_value *v, const struct timestamped_entry *t, uint64_t index,
                const struct feed_entry *feed)
{
    struct hash path[PROOF_HASHES_MAX], leaf;
    size_t n;
    enum result r = json_hashes(json_member(v, "audit_path"), path, PROOF_HASHES_MAX, &n);

    entry_leaf_hash(t, &leaf);
    return r == RES_OK ? inclusion_verify(&leaf, index, feed->certificates, path, n,
                                          &feed->certificates_root)
                       : r;
}

static enum result
find_issuer(const struct found *f, const struct json_value *v, struct span *ret)
{
    uint8_t sha256[HASH_SIZE];
    struct span text;
    enum result r = json_text(v, &text);

    if (r == RES_OK)
        r = text_unhex(text, sha256, HASH_SIZE);
    if (r != RES_OK)
        return r;
    for (size_t i = 0; i < f->issuers_n; i++) {
        if (memcmp(f->issuer_sha256[i].b, sha256, HASH_SIZE) == 0) {
            *ret = buf_span(&f->issuers[i]);
            return RES_OK;
        }
    }
    return RES_ABSENT;
}

/* The certificates that the record's chain names; there may be none. */
static enum result
read_chain(const struct found *f, const struct json_value *v, struct found_record *ret)
{
    enum result r = RES_OK;

    for (v = json_first(json_member(v, "chain")); v != NULL && r == RES_OK; v = json_next(v)) {
        if (ret->chain_n == FOUND_CHAIN_MAX)
            return RES_TOO_LARGE;
        r = find_issuer(f, v, &ret->chain[ret->chain_n]);
        ret->chain_n += r == RES_OK;
    }
    return r;
}

/* The certificate's bytes: those of the entry, or the precertificate beside it. */
static enum result
take_der(const struct json_value *v, const struct entry *e, const struct mailbox_record *m,
         struct buf *ret)
{
    struct hash sha256;
    enum result r;

    if (e->type != (m->final_index == MAILBOX_NO_INDEX ? ENTRY_PRECERT : ENTRY_X509))
        return RES_CONFLICT;
    if (e->type == ENTRY_PRECERT)
        return json_base64(json_member(v, "precertificate"), ret);
    r = buf_add(ret, e->body);
    hash_sha256(e->body, &sha256);
    return r == RES_OK && !hash_equal(&sha256, &m->certificate_sha256) ? RES_CONFLICT : r;
}

static enum result
read_record(const struct found_question *q, const struct found *f, const struct json_value *v,
            struct found_record *ret)
{
    const struct mailbox_record *m = &ret->m;
    uint64_t want = m->final_index != MAILBOX_NO_INDEX ? m->final_index : m->precert_index, index;
    struct buf leaf = BUF_INIT(ASK_ANSWER_MAX);
    struct timestamped_entry t;
    struct cert c;
    enum result r = json_u64(json_member(v, "index"), JSON_INTEGER_MAX, &index);

    if (r == RES_OK && index != want)
        r = RES_CONFLICT;
    if (r == RES_OK)
        r = json_base64(json_member(v, "leaf_input"), &leaf);
    if (r == RES_OK)
        r = entry_leaf_parse(buf_span(&leaf), &t);
    if (r == RES_OK)
        r = check_inclusion(v, &t, index, &f->feed);
    if (r == RES_OK)
        r = take_der(v, &t.entry, m, &ret->der);
    if (r == RES_OK)
        r = cert_parse(buf_span(&ret->der), &c);
    if (r == RES_OK)
        r = read_chain(f, v, ret);
    if (r == RES_OK && t.entry.type == ENTRY_PRECERT)
        r = check_precert(ret, &t.entry);
    if (r == RES_OK)
        r = check_key_id(m, &t.entry, &c, ret->chain_n > 0 ? ret->chain[0] : span_of(NULL, 0));
    if (r == RES_OK)
        r = check_fields(m, &c);
    if (r == RES_OK)
        r = check_address(q, ret, &c);
    buf_release(&leaf);
    return r;
}

/* ---- all of them ---- */

static enum result
read_issuers(const struct json *j, struct found *f)
{
    const struct json_value *v = json_first(json_get(j, "issuers"));
    size_t cap = 0;

    for (const struct json_value *a = v; a != NULL; a = json_next(a))
        cap++;
    if (cap > FOUND_ISSUERS_MAX)
        return RES_TOO_LARGE;
    f->issuers = calloc(cap + 1, sizeof(*f->issuers));
    f->issuer_sha256 = calloc(cap + 1, sizeof(*f->issuer_sha256));
    if (f->issuers == NULL || f->issuer_sha256 == NULL)
        return RES_MEMORY;
    for (; v != NULL; v = json_next(v)) {
        size_t i = f->issuers_n++;
        buf_init(&f->issuers[i], CERT_MAX);
        enum result r = json_base64(v, &f->issuers[i]);
        if (r != RES_OK)
            return r;
        hash_sha256(buf_span(&f->issuers[i]), &f->issuer_sha256[i]);
    }
    return RES_OK;
}

static enum result
read_records(const struct found_question *q, const struct json *j, struct found *f)
{
    const struct json_value *v = json_first(json_get(j, "records"));
    struct reader in = reader_of(f->state.records);
    unsigned n = f->present && !f->state.tombstone ? f->state.n : 0;
    enum result r = RES_OK;

    f->records = calloc(n + 1, sizeof(*f->records));
    if (f->records == NULL)
        return RES_MEMORY;
    for (unsigned i = 0; i < n && r == RES_OK; i++, v = json_next(v)) {
        struct found_record *one = &f->records[f->records_n++];
        buf_init(&one->der, CERT_MAX);
        one->mailboxes = MAILBOXES_INIT;
        mailbox_record_get(&in, &one->m);
        r = v == NULL ? RES_JSON : read_record(q, f, v, one);
    }
    return r == RES_OK && v != NULL ? RES_JSON : r;
}

/* All but the KEYTRANS answer. */
static enum result
read_rest(const struct found_question *q, const struct json *j, struct found *f,
          const char **ret_what)
{
    *ret_what = "anchor";
    enum result r = statement_put_anchor(json_get(j, "anchor"), &f->anchor);
    if (r == RES_OK)
        r = anchor_read(q->log, q->policy, buf_span(&f->anchor), &f->head, &f->feed);
    if (r != RES_OK)
        return r;
    *ret_what = "issuers";
    r = read_issuers(j, f);
    if (r != RES_OK)
        return r;
    *ret_what = "certificates";
    return read_records(q, j, f);
}

static enum result
read_all(const struct found_question *q, bool absent, const struct json *j, struct found *f,
         const char **ret_what)
{
    *ret_what = "answer";
    enum result r = json_base64(json_get(j, "answer"), &f->answer);
    if (r == RES_OK)
        r = read_answer(q, absent, f);
    return r == RES_OK ? read_rest(q, j, f, ret_what) : r;
}

enum result
found_read(const struct found_question *q, bool absent, struct span body, struct found *ret,
           const char **ret_what)
{
    struct json *j = NULL;
    struct found f;

    *ret_what = "document";
    ret->head.size = 0;
    enum result r = json_parse(body, &j);
    if (r != RES_OK)
        return r;
    found_init(&f);
    r = read_all(q, absent, j, &f, ret_what);
    json_free(j);
    if (r == RES_OK) {
        *ret = f;
    } else {
        ret->head = f.head;
        found_release(&f);
    }
    return r;
}

enum result
found_read_beside(const struct found_question *q, const struct proved_search *proved,
                  struct span body, struct found *ret, const char **ret_what)
{
    struct json *j = NULL;
    struct found f;

    *ret_what = "document";
    enum result r = json_parse(body, &j);
    if (r != RES_OK)
        return r;
    found_init(&f);
    f.present = true;
    f.search = *proved;
    f.head = proved->head;
    *ret_what = "value";
    r = read_value(proved->value, &f);
    if (r == RES_OK)
        r = read_rest(q, j, &f, ret_what);
    json_free(j);
    if (r == RES_OK)
        *ret = f;
    else
        found_release(&f);
    return r;
}
