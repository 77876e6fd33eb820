/* client/directory/found: each certificate of an answer is what its record says, and was logged. */
#include "client/directory/found.h"

#include <stdlib.h>

#include "tests/mint/mint.h"
#include "tests/unit/directory/lookup.h"
#include "tests/vectors/check.h"

#define ANSWER_ROOM ((size_t)4 << 20)
#define COVERED 9 /* entries of the certificate log, most of them nobody's */

static struct lookup l;
static struct buf body = {.max = ANSWER_ROOM};
static unsigned status;
static const struct kt_optional newest;

static void
begin(void)
{
    lookup_init(&l, &(struct kt_window){.monitoring = 1});
}

static void
end(void)
{
    lookup_release(&l);
    buf_release(&body);
}

/* Asks about label 0. */
static void
ask(void)
{
    struct ask q = {.kind = ASK_FETCH, .path = "/v1/lookup"};
    struct answer a;

    q.body = span_str("{\"address\":\"user0@example.org\"}");
    lookup_answer(&l, &q, &body, &a);
    status = a.status;
}

/* What the client makes of the body; what did not hold. */
static enum result
read_as(unsigned label, bool absent, struct found *ret, const char **ret_what)
{
    const struct found_question q = {.log = &l.desk.log,
                                     .label = l.desk.t.label[label].name,
                                     .at = newest,
                                     .now = desk_now(&l.desk)};

    return found_read(&q, absent, buf_span(&body), ret, ret_what);
}

static void
expect(const char *says, enum result want, const char *what)
{
    struct found f;
    const char *failed = "";
    enum result r = read_as(0, status == 404, &f, &failed);

    if (r == RES_OK)
        found_release(&f);
    if (r != want || (want != RES_OK && strcmp(failed, what) != 0))
        fail_msg("%s: %s, %s", says, result_name(r), failed);
}

/* ---- what is told ---- */

static void
certificates_are_told(void **state)
{
    struct found f;
    const char *what;

    (void)state;
    begin();
    uint64_t first = lookup_certify(&l, 0), second = lookup_announce(&l, 0);
    struct mailbox_record a = lookup_record(&l, first, 0), b = lookup_record(&l, second, 0);
    lookup_append(&l, NULL, 2, COVERED);
    ask();
    assert_int_equal(status, 404);
    assert_int_equal(read_as(0, true, &f, &what), RES_OK);
    assert_true(!f.present && f.records_n == 0 && !f.of_time);
    assert_int_equal(f.feed.certificates, COVERED);
    found_release(&f);
    lookup_append(&l, &a, 1, COVERED);
    lookup_append(&l, &b, 1, COVERED);
    ask();
    assert_int_equal(read_as(0, false, &f, &what), RES_OK);
    assert_true(f.present);
    assert_int_equal(f.records_n, 2);
    assert_int_equal(f.issuers_n, 3);
    for (size_t i = 0; i < 2; i++) {
        const struct found_record *r = &f.records[i];
        bool announced = r->m.final_index == MAILBOX_NO_INDEX;

        assert_true(span_equal(buf_span(&r->der), l.at[announced ? second : first].der));
        assert_int_equal(r->chain_n, 2);
        for (size_t k = 0; k < 2; k++)
            assert_true(span_equal(r->chain[k], l.issuers[k]));
        assert_true(span_equal(r->mailbox.certified, span_str("user0@example.org")));
        assert_int_equal(r->mailboxes.n, 1);
    }
    assert_int_not_equal(f.records[0].m.final_index, f.records[1].m.final_index);
    found_release(&f);
    /* It is about this label, and present. */
    assert_int_not_equal(read_as(1, false, &f, &what), RES_OK);
    assert_string_equal(what, "answer");
    assert_int_not_equal(read_as(0, true, &f, &what), RES_OK);
    end();
}

/* ---- a record is what its certificate is ---- */

struct lie {
    const char *says;
    void (*tell)(struct mailbox_record *m);
    enum result want;
};

static void
nothing(struct mailbox_record *m)
{
    (void)m;
}
static void
another_key_id(struct mailbox_record *m)
{
    m->key_id.b[9] ^= 1;
}
static void
another_certificate(struct mailbox_record *m)
{
    m->certificate_sha256.b[9] ^= 1;
}
static void
another_key(struct mailbox_record *m)
{
    m->spki_sha256.b[9] ^= 1;
}
static void
valid_earlier(struct mailbox_record *m)
{
    m->not_before--;
}
static void
valid_later(struct mailbox_record *m)
{
    m->not_after++;
}
static void
another_source(struct mailbox_record *m)
{
    m->source = MAILBOX_SUBJECT_EMAIL;
}
static void
another_entry(struct mailbox_record *m)
{
    m->final_index++;
}
static void
no_entry(struct mailbox_record *m)
{
    m->final_index += COVERED;
}
static void
precert_elsewhere(struct mailbox_record *m)
{
    m->precert_index = 1;
}
static void
spelt_otherwise(struct mailbox_record *m)
{
    m->address = span_str("User0@example.org");
}
static void
revoked(struct mailbox_record *m)
{
    m->status = MAILBOX_REVOKED;
}

/* The certificate of entry 0 is that of entry 1, but for its key_id. */
static void
takes_the_next_one(struct mailbox_record *m)
{
    struct hash key_id = m->key_id;

    *m = lookup_record(&l, 1, 0);
    m->key_id = key_id;
}

static void
is_only_announced(struct mailbox_record *m)
{
    m->precert_index = m->final_index;
    m->final_index = MAILBOX_NO_INDEX;
    memset(&m->certificate_sha256, 0, sizeof(m->certificate_sha256));
}

static void
is_final_already(struct mailbox_record *m)
{
    m->final_index = m->precert_index;
    m->precert_index = MAILBOX_NO_INDEX;
    m->certificate_sha256.b[0] = 1;
}

/* What a record may say besides: it is the log's word, and no certificate says it. */
static const struct lie lies[] = {
    {"nothing but the truth", nothing, RES_OK},
    {"revoked", revoked, RES_OK},
    {"a precertificate elsewhere", precert_elsewhere, RES_OK},
    {"another key_id", another_key_id, RES_CONFLICT},
    {"another certificate", another_certificate, RES_CONFLICT},
    {"another key", another_key, RES_CONFLICT},
    {"valid earlier", valid_earlier, RES_CONFLICT},
    {"valid later", valid_later, RES_CONFLICT},
    {"another source", another_source, RES_CONFLICT},
    {"another spelling", spelt_otherwise, RES_CONFLICT},
    {"the next entry", another_entry, RES_CONFLICT},
    {"an entry that is not covered", no_entry, RES_JSON},
    {"the next certificate", takes_the_next_one, RES_CONFLICT},
    {"announced, of what is final", is_only_announced, RES_CONFLICT},
};

static const struct lie announced_lies[] = {
    {"nothing but the truth", nothing, RES_OK},
    {"another key_id", another_key_id, RES_CONFLICT},
    {"another key", another_key, RES_CONFLICT},
    {"valid earlier", valid_earlier, RES_CONFLICT},
    {"valid later", valid_later, RES_CONFLICT},
    {"another source", another_source, RES_CONFLICT},
    {"final, of what is announced", is_final_already, RES_CONFLICT},
};

static void
try_lie(const struct lie *lie, bool announced)
{
    begin();
    for (int i = 0; i < 2; i++) /* and the next */
        (void)(announced ? lookup_announce(&l, 0) : lookup_certify(&l, 0));
    struct mailbox_record m = lookup_record(&l, 0, 0);
    lie->tell(&m);
    lookup_append(&l, &m, 1, COVERED);
    ask();
    expect(lie->says, lie->want, "certificates");
    end();
}

static void
a_record_is_what_its_certificate_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        try_lie(&lies[i], false);
    for (size_t i = 0; i < sizeof(announced_lies) / sizeof(announced_lies[0]); i++)
        try_lie(&announced_lies[i], true);
}

/* ---- kinds of certificates ---- */

static X509 *
mint(const char *san, const char *email, const struct mint_pair *more, X509 *issuer,
     EVP_PKEY *issuer_key)
{
    static uint64_t serial = 100;
    struct mint_spec s = {.key = l.leaf_key,
                          .issuer = issuer,
                          .issuer_key = issuer_key,
                          .serial = serial++,
                          .subject = {{"CN", "Mail"}, {email ? "emailAddress" : NULL, email}},
                          .extension = {{"keyUsage", "critical,digitalSignature"},
                                        {"extendedKeyUsage", "emailProtection"},
                                        {"authorityKeyIdentifier", issuer ? "keyid" : "none"},
                                        {san ? "subjectAltName" : "keyUsage",
                                         san ? san : "critical,digitalSignature"}}};

    if (san == NULL)
        s.extension[3] = (struct mint_pair){NULL, NULL};
    if (more != NULL)
        s.extension[san == NULL ? 3 : 4] = *more;
    return mint_cert(&s);
}

static const struct mint_pair scts = {"1.3.6.1.4.1.11129.2.4.2", "DER:04:02:00:00"},
                              poison = {MINT_POISON, MINT_POISON_VALUE};

/* Has a certificate logged and asks for it; its address stands there. */
static void
try_certificate(const char *says, X509 *x, const struct span *chain, size_t n,
                enum mailbox_source source, const char *certified, enum result want)
{
    uint64_t index = lookup_log(&l, x, chain, n);
    struct mailbox_record m = lookup_record(&l, index, 0);

    m.source = source;
    m.address = span_str(certified);
    lookup_append(&l, &m, 1, COVERED);
    ask();
    expect(says, want, "certificates");
    end();
}

static void
kinds_of_certificates(void **state)
{
    static const char *const USER = "user0@example.org";
    struct span by_signer[3];

    (void)state;
    begin();
    try_certificate("with an SCT list",
                    mint("email:user0@example.org", NULL, &scts, l.ca, l.ca_key), l.issuers, 2,
                    MAILBOX_SAN_RFC822, USER, RES_OK);
    begin();
    try_certificate("by the root", mint("email:user0@example.org", NULL, NULL, l.root, l.root_key),
                    l.issuers + 1, 1, MAILBOX_SAN_RFC822, USER, RES_OK);
    begin();
    by_signer[0] = l.issuers[2], by_signer[1] = l.issuers[0], by_signer[2] = l.issuers[1];
    try_certificate("a precertificate by a signing certificate",
                    mint("email:user0@example.org", NULL, &poison, l.signer, l.signer_key),
                    by_signer, 3, MAILBOX_SAN_RFC822, USER, RES_OK);
    begin();
    try_certificate("in the subject", mint(NULL, USER, NULL, l.ca, l.ca_key), l.issuers, 2,
                    MAILBOX_SUBJECT_EMAIL, USER, RES_OK);
    begin();
    try_certificate("in capitals", mint("email:USER0@Example.org", NULL, NULL, l.ca, l.ca_key),
                    l.issuers, 2, MAILBOX_SAN_RFC822, "USER0@Example.org", RES_OK);
    begin();
    try_certificate("one of many",
                    mint("email:a@example.org,email:user0@example.org,email:z@example.org", NULL,
                         NULL, l.ca, l.ca_key),
                    l.issuers, 2, MAILBOX_SAN_RFC822, USER, RES_OK);
    begin();
    try_certificate("another's", mint("email:user1@example.org", NULL, NULL, l.ca, l.ca_key),
                    l.issuers, 2, MAILBOX_SAN_RFC822, USER, RES_CONFLICT);
    begin();
    try_certificate("nobody's", mint(NULL, NULL, NULL, l.ca, l.ca_key), l.issuers, 2,
                    MAILBOX_SAN_RFC822, USER, RES_CONFLICT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_told),
        cmocka_unit_test(a_record_is_what_its_certificate_is),
        cmocka_unit_test(kinds_of_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
