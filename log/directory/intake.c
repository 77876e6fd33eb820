#include "log/directory/intake.h"

#include <stdlib.h>
#include <string.h>

#include "log/stored.h"
#include "merkle/leaf/precert.h"

/* keyUsage bits, RFC 5280 section 4.2.1.3 */
#define KU_SIGN ((1u << 0) | (1u << 1))        /* digitalSignature, nonRepudiation */
#define KU_RSA_ENCRYPT ((1u << 2) | (1u << 3)) /* keyEncipherment, dataEncipherment */
#define KU_AGREE (1u << 4)                     /* keyAgreement */

void
intake_init(struct intake *n)
{
    memset(n, 0, sizeof(*n));
    n->mailboxes = MAILBOXES_INIT;
    n->tbs = BUF_INIT(CERT_MAX);
}

static void
clear(struct intake *n)
{
    mailboxes_release(&n->mailboxes);
    free(n->enters);
    n->enters = NULL;
}

void
intake_release(struct intake *n)
{
    clear(n);
    buf_release(&n->tbs);
}

/* ---- purpose ---- */

/* AlgorithmIdentifiers begin with SEQUENCE, a length of one byte, then the OBJECT IDENTIFIER. */
static bool
is_algorithm(const struct cert *c, const uint8_t *oid, size_t n)
{
    struct span a = c->spki_algorithm;

    return a.n >= 2 + n && memcmp(a.p + 2, oid, n) == 0;
}

enum mailbox_purpose
intake_purpose(const struct cert *c)
{
    static const uint8_t rsa[] = {6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1};
    static const uint8_t oaep[] = {6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7};
    static const uint8_t pss[] = {6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10};
    static const uint8_t x25519[] = {6, 3, 0x2b, 0x65, 0x6e}, x448[] = {6, 3, 0x2b, 0x65, 0x6f};
    static const uint8_t ed25519[] = {6, 3, 0x2b, 0x65, 0x70}, ed448[] = {6, 3, 0x2b, 0x65, 0x71};
    bool encrypts_only = is_algorithm(c, oaep, sizeof(oaep)) ||
                         is_algorithm(c, x25519, sizeof(x25519)) ||
                         is_algorithm(c, x448, sizeof(x448));
    bool signs_only = is_algorithm(c, pss, sizeof(pss)) ||
                      is_algorithm(c, ed25519, sizeof(ed25519)) ||
                      is_algorithm(c, ed448, sizeof(ed448));
    unsigned can = encrypts_only ? MAILBOX_ENCRYPT : signs_only ? MAILBOX_SIGN : MAILBOX_BOTH;
    bool transports = is_algorithm(c, rsa, sizeof(rsa)) || is_algorithm(c, oaep, sizeof(oaep));
    unsigned may = 0;

    if (c->has_key_usage) {
        may |= c->key_usage & KU_SIGN ? MAILBOX_SIGN : 0;
        may |= c->key_usage & (transports ? KU_RSA_ENCRYPT : KU_AGREE) ? MAILBOX_ENCRYPT : 0;
    }
    return (enum mailbox_purpose)((can & may) != 0 ? can & may : can);
}

/* ---- the entry ---- */

static enum result
damaged(enum result rc)
{
    return rc == RES_OK || result_class(rc) == CLASS_BROKEN ? rc : RES_STORE_DAMAGED;
}

/* Hash of the final issuer's key: a certificate's first issuer; itself when it is a root. */
static enum result
issuer_key_hash(struct store_view *v, const struct tile_leaf *l, const struct cert *self,
                struct hash *ret)
{
    struct cert issuer;
    struct span der;

    if (l->chain_count == 0) {
        precert_issuer_key_hash(self, ret);
        return RES_OK;
    }
    enum result rc = store_get_issuer(v, &l->chain[0], &der);
    if (rc == RES_OK)
        rc = cert_parse(der, &issuer);
    if (rc == RES_OK)
        precert_issuer_key_hash(&issuer, ret);
    return damaged(rc);
}

/* SHA-256(issuer key hash || TBS without poison and SCT list). */
static enum result
key_id_of(struct intake *n, struct store_view *v, const struct tile_leaf *l, const struct cert *c,
          struct hash *ret)
{
    const struct entry *e = &l->timestamped.entry;
    struct hash key = e->issuer_key_hash;
    struct span tbs = e->body;
    enum result rc = RES_OK;

    if (e->type == ENTRY_X509) {
        rc = issuer_key_hash(v, l, c, &key);
        tbs = c->tbs;
        if (rc == RES_OK && cert_find(c, CERT_OID_SCT_LIST) != NULL) {
            buf_clear(&n->tbs);
            rc = damaged(precert_final_tbs(c, &n->tbs));
            tbs = buf_span(&n->tbs);
        }
    }
    if (rc == RES_OK)
        hash_sha256_parts((struct span[]){hash_span(&key), tbs}, 2, ret);
    return rc;
}

static uint64_t
not_negative(int64_t seconds)
{
    return seconds < 0 ? 0 : (uint64_t)seconds;
}

static void
fill_record(struct intake *n, uint64_t index, enum entry_type type, const struct cert *c)
{
    struct mailbox_record *m = &n->record;

    m->precert_index = type == ENTRY_PRECERT ? index : MAILBOX_NO_INDEX;
    m->final_index = type == ENTRY_X509 ? index : MAILBOX_NO_INDEX;
    if (type == ENTRY_X509)
        hash_sha256(c->der, &m->certificate_sha256);
    hash_sha256(c->spki, &m->spki_sha256);
    m->not_before = not_negative(c->not_before);
    m->not_after = not_negative(c->not_after);
    m->purpose = intake_purpose(c);
    m->status = MAILBOX_GOOD;
}

/* The root stands last in the chain; a certificate without a chain is its own. */
static enum result
admit(struct intake *n, const struct tile_leaf *l, const struct cert *c, const struct bindings *b)
{
    struct hash root;

    n->enters = calloc(n->mailboxes.n + 1, sizeof(*n->enters));
    if (n->enters == NULL)
        return RES_MEMORY;
    if (l->chain_count > 0)
        root = l->chain[l->chain_count - 1];
    else
        hash_sha256(c->der, &root);
    for (size_t i = 0; i < n->mailboxes.n; i++)
        n->enters[i] = bindings_allow(b, &root, n->mailboxes.list[i].domain);
    return RES_OK;
}

enum result
intake_read(struct intake *n, struct store_view *v, uint64_t index, const struct bindings *b)
{
    struct tile_leaf l;
    struct span signature;
    struct cert c;

    clear(n);
    memset(&n->record, 0, sizeof(n->record));
    enum result rc = stored_leaf(v, index, &l, &signature);
    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    const struct entry *e = &l.timestamped.entry;
    rc = damaged(cert_parse(e->type == ENTRY_X509 ? e->body : l.precertificate, &c));
    if (rc == RES_OK)
        rc = key_id_of(n, v, &l, &c, &n->record.key_id);
    if (rc == RES_OK)
        rc = mailboxes_of(&c, &n->mailboxes);
    if (rc == RES_OK)
        rc = admit(n, &l, &c, b);
    if (rc != RES_OK)
        return rc;
    fill_record(n, index, e->type, &c);
    entry_leaf_hash(&l.timestamped, &n->leaf_hash);
    return RES_OK;
}
