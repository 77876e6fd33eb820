/* client/directory/offer: what is offered of what was found, and why nothing is. */
#include "client/directory/offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fault/failalloc.h"
#include "tests/mint/mint.h"

#define ALICE "alice@good.example"
#define IN_2027 1800000000 /* everything that the mint makes is valid then */
#define EARLIER (IN_2027 - 1000)
#define LATER (IN_2027 + 1000)
#define RECORDS_MAX 20

static EVP_PKEY *key_root, *key_ca, *key_leaf, *key_evil;
static X509 *root, *ca, *old_ca, *late_ca, *evil; /* old_ca: the key and name of ca, expired */
static struct trust_anchors *anchors;

/* A record of alice's, by itself. */
struct kind {
    const char *says;
    enum offer_outcome outcome; /* when there is no other; the smaller comes nearer to an offer */
    enum trust_reason why;
    X509 **issuer; /* NULL: the CA */
    EVP_PKEY **issuer_key;
    const char *san, *usage, *subject_email;
    int64_t not_before, not_after;
    enum mailbox_status status; /* 0: good */
    uint64_t invalid_from;
    bool announced;
};

static const struct kind kinds[] = {
    {.says = "nothing wrong", .outcome = OFFER_YES},
    {.says = "revoked from later on",
     .outcome = OFFER_YES,
     .status = MAILBOX_REVOKED,
     .invalid_from = IN_2027 + 1},
    {.says = "announced", .outcome = OFFER_ANNOUNCED, .why = TRUST_CRITICAL, .announced = true},
    {.says = "a key that signs",
     .outcome = OFFER_PURPOSE,
     .why = TRUST_KEY_USAGE,
     .usage = "critical,digitalSignature"},
    {.says = "expired", .outcome = OFFER_EXPIRED, .why = TRUST_EXPIRED, .not_after = EARLIER},
    {.says = "not valid yet", .outcome = OFFER_EXPIRED, .why = TRUST_NOT_YET, .not_before = LATER},
    {.says = "revoked",
     .outcome = OFFER_REVOKED,
     .why = TRUST_REVOKED,
     .status = MAILBOX_REVOKED,
     .invalid_from = IN_2027},
    {.says = "on hold",
     .outcome = OFFER_REVOKED,
     .why = TRUST_REVOKED,
     .status = MAILBOX_HELD,
     .invalid_from = EARLIER},
    {.says = "revoked, and announced",
     .outcome = OFFER_REVOKED,
     .why = TRUST_REVOKED,
     .status = MAILBOX_REVOKED,
     .announced = true},
    {.says = "under a root that nobody believes",
     .outcome = OFFER_UNTRUSTED,
     .why = TRUST_NO_PATH,
     .issuer = &evil,
     .issuer_key = &key_evil},
    {.says = "announced under a root that nobody believes",
     .outcome = OFFER_UNTRUSTED,
     .why = TRUST_NO_PATH,
     .issuer = &evil,
     .issuer_key = &key_evil,
     .announced = true},
    {.says = "announced, and expired",
     .outcome = OFFER_EXPIRED,
     .why = TRUST_EXPIRED,
     .not_after = EARLIER,
     .announced = true},
    {.says = "under a CA that has expired, itself has not",
     .outcome = OFFER_UNTRUSTED,
     .why = TRUST_EXPIRED,
     .issuer = &late_ca},
    {.says = "mallory's, with alice in the subject",
     .outcome = OFFER_UNTRUSTED,
     .why = TRUST_ADDRESS,
     .san = "email:mallory@evil.example",
     .subject_email = ALICE},
    {.says = "in other capitals",
     .outcome = OFFER_UNTRUSTED,
     .why = TRUST_ADDRESS,
     .san = "email:Alice@good.example"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A certificate, one that is to come, one for another purpose, one of another time, one that was
 * taken back, one that nobody should trust. */
static const enum offer_outcome NEAREST_FIRST[] = {OFFER_YES,     OFFER_ANNOUNCED, OFFER_PURPOSE,
                                                   OFFER_EXPIRED, OFFER_REVOKED,   OFFER_UNTRUSTED};

static size_t
distance(enum offer_outcome o)
{
    size_t i = 0;
    while (NEAREST_FIRST[i] != o)
        i++;
    return i;
}

/* ---- making what was found ---- */

static struct span ders[KINDS];

static struct span
certificate_of(const struct kind *k)
{
    struct mint_spec m = {
        .key = key_leaf,
        .issuer = k->issuer ? *k->issuer : ca,
        .issuer_key = k->issuer_key ? *k->issuer_key : key_ca,
        .serial = (uint64_t)(k - kinds) + 1,
        .not_before = k->not_before,
        .not_after = k->not_after,
        .subject = {{"CN", "Alice"}, {k->subject_email ? "emailAddress" : NULL, k->subject_email}},
        .extension = {{"keyUsage", k->usage ? k->usage : "critical,keyAgreement"},
                      {"extendedKeyUsage", "emailProtection"},
                      {"subjectAltName", k->san ? k->san : "email:" ALICE},
                      {k->announced ? MINT_POISON : NULL, MINT_POISON_VALUE}}};
    X509 *x = mint_cert(&m);
    struct span der = mint_der(x);
    X509_free(x);
    return der;
}

/* What was found, as found_read leaves it. */
struct finding {
    struct found f;
    struct found_record records[RECORDS_MAX];
    struct buf *issuers;
};

static void
put(struct buf *b, const X509 *x)
{
    struct span der = mint_der(x);
    *b = BUF_INIT(CERT_MAX);
    assert_int_equal(buf_add(b, der), RES_OK);
    mint_free(der);
}

/* With room for so many issuers. */
static void
open_finding(struct finding *t, size_t issuers)
{
    found_init(&t->f);
    t->f.present = true;
    t->f.records = t->records;
    t->issuers = calloc(issuers, sizeof(*t->issuers));
    assert_non_null(t->issuers);
    t->f.issuers = t->issuers;
}

static void
add_issuer(struct finding *t, const X509 *x)
{
    put(&t->f.issuers[t->f.issuers_n++], x);
}

static struct found_record *
add_record(struct finding *t, const struct kind *k)
{
    struct found_record *r = &t->records[t->f.records_n++];
    *r = (struct found_record){
        .m = {.precert_index = 1,
              .final_index = k->announced ? MAILBOX_NO_INDEX : 2,
              .not_before = (uint64_t)(k->not_before ? k->not_before : EARLIER),
              .not_after = (uint64_t)(k->not_after ? k->not_after : LATER),
              .purpose = MAILBOX_BOTH,
              .status = k->status ? k->status : MAILBOX_GOOD,
              .invalid_from = k->invalid_from},
        .der = BUF_INIT(CERT_MAX),
        .mailboxes = MAILBOXES_INIT};
    assert_int_equal(buf_add(&r->der, ders[k - kinds]), RES_OK);
    return r;
}

/* With all issuers that the kinds have, and each one's own as its chain. */
static void
open_usual(struct finding *t)
{
    open_finding(t, 3);
    add_issuer(t, ca);
    add_issuer(t, evil);
    add_issuer(t, late_ca);
}

static void
add_usual(struct finding *t, const struct kind *k)
{
    struct found_record *r = add_record(t, k);
    size_t i = k->issuer == &evil ? 1 : k->issuer == &late_ca ? 2 : 0;
    r->chain[r->chain_n++] = buf_span(&t->issuers[i]);
}

static void
close_finding(struct finding *t)
{
    for (size_t i = 0; i < t->f.records_n; i++)
        buf_release(&t->records[i].der);
    for (size_t i = 0; i < t->f.issuers_n; i++)
        buf_release(&t->issuers[i]);
    free(t->issuers);
}

static struct offer_question
question(void)
{
    return (struct offer_question){.anchors = anchors,
                                   .time = IN_2027,
                                   .purpose = MAILBOX_ENCRYPT,
                                   .address = span_str(ALICE)};
}

static enum offer_outcome
offer(const struct finding *t, const struct offer_question *q, struct offer *ret)
{
    enum offer_outcome outcome = OFFER_ERASED;
    assert_int_equal(offers_make(&t->f, q, ret, &outcome), RES_OK);
    return outcome;
}

static void
expect(const struct kind *k, const struct offer *o)
{
    if (o->offered != (k->outcome == OFFER_YES) || o->why != k->why || o->announced != k->announced)
        fail_msg("%s: %s, %s", k->says, o->offered ? "offered" : "not offered",
                 trust_reason_name(o->why));
}

/* ---- tests ---- */

static void
each_kind_alone(void **state)
{
    struct offer_question q = question();
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct finding t;
        struct offer o[RECORDS_MAX];
        open_usual(&t);
        add_usual(&t, &kinds[i]);
        enum offer_outcome outcome = offer(&t, &q, o);
        if (outcome != kinds[i].outcome)
            fail_msg("%s: %s", kinds[i].says, offer_outcome_name(outcome));
        expect(&kinds[i], &o[0]);
        close_finding(&t);
    }
}

/* One record changes nothing of another; the outcome is that of the one nearest to an offer. */
static void
each_pair(void **state)
{
    struct offer_question q = question();
    (void)state;
    for (size_t i = 0; i < KINDS * KINDS; i++) {
        const struct kind *a = &kinds[i / KINDS], *b = &kinds[i % KINDS];
        struct finding t;
        struct offer o[RECORDS_MAX];
        open_usual(&t);
        add_usual(&t, a);
        add_usual(&t, b);
        enum offer_outcome want =
            distance(a->outcome) <= distance(b->outcome) ? a->outcome : b->outcome;
        enum offer_outcome outcome = offer(&t, &q, o);
        if (outcome != want)
            fail_msg("%s, and %s: %s", a->says, b->says, offer_outcome_name(outcome));
        expect(a, &o[0]);
        expect(b, &o[1]);
        close_finding(&t);
    }
}

static void
nothing_was_found(void **state)
{
    struct offer_question q = question();
    struct finding t;
    struct offer o[RECORDS_MAX];
    (void)state;
    open_finding(&t, 1);
    t.f.present = false;
    assert_int_equal(offer(&t, &q, o), OFFER_NEVER);
    t.f.present = true; /* a version without records: all that there were have expired */
    assert_int_equal(offer(&t, &q, o), OFFER_EXPIRED);
    t.f.state.tombstone = true;
    assert_int_equal(offer(&t, &q, o), OFFER_ERASED);
    close_finding(&t);
}

static void
as_it_was_asked(void **state)
{
    struct offer_question q = question();
    struct finding t;
    struct offer o[RECORDS_MAX];
    (void)state;
    open_finding(&t, 1);
    add_issuer(&t, ca);
    (void)add_record(&t, &kinds[KINDS - 1]); /* Alice */
    q.fold = true;
    assert_int_equal(offer(&t, &q, o), OFFER_YES);
    q.fold = false;
    q.address = span_str("Alice@good.example");
    assert_int_equal(offer(&t, &q, o), OFFER_YES);
    q.purpose = MAILBOX_SIGN;
    assert_int_equal(offer(&t, &q, o), OFFER_PURPOSE);
    q.purpose = MAILBOX_BOTH;
    assert_int_equal(offer(&t, &q, o), OFFER_YES);
    close_finding(&t);
    /* A revoked one, at the time when it was not yet. */
    open_finding(&t, 1);
    add_issuer(&t, ca);
    (void)add_record(&t, &kinds[6]);
    q = question();
    q.time = IN_2027 - 1;
    assert_int_equal(offer(&t, &q, o), OFFER_YES);
    close_finding(&t);
}

/* The issuers of newer records are no obstacle: a record's own chain is looked at by itself. */
static void
behind_the_issuers_of_others(void **state)
{
    struct offer_question q = question();
    struct finding t;
    struct offer o[RECORDS_MAX];
    (void)state;
    open_finding(&t, TRUST_ISSUERS_MAX + 1);
    for (uint64_t i = 0; i < TRUST_ISSUERS_MAX; i++)
        add_issuer(&t, evil);
    add_issuer(&t, ca);
    struct found_record *r = add_record(&t, &kinds[0]);
    assert_int_equal(offer(&t, &q, o), OFFER_UNTRUSTED);
    r->chain[0] = buf_span(&t.issuers[TRUST_ISSUERS_MAX]);
    r->chain_n = 1;
    assert_int_equal(offer(&t, &q, o), OFFER_YES);
    close_finding(&t);
}

/* A chain that leads nowhere, or as long as it may be, is no obstacle when another's leads on. */
static void
by_the_issuers_of_others(void **state)
{
    struct offer_question q = question();
    struct finding t;
    struct offer o[RECORDS_MAX];
    (void)state;
    open_finding(&t, 2);
    add_issuer(&t, evil);
    add_issuer(&t, ca);
    struct found_record *r = add_record(&t, &kinds[0]);
    while (r->chain_n < FOUND_CHAIN_MAX) {
        r->chain[r->chain_n++] = buf_span(&t.issuers[0]);
        assert_int_equal(offer(&t, &q, o), OFFER_YES);
    }
    close_finding(&t);
    /* Its own CA has expired; the same CA's certificate that has not came with another. */
    open_finding(&t, 2);
    add_issuer(&t, old_ca);
    add_issuer(&t, ca);
    r = add_record(&t, &kinds[0]);
    r->chain[r->chain_n++] = buf_span(&t.issuers[0]);
    assert_int_equal(offer(&t, &q, o), OFFER_YES);
    t.f.issuers_n = 1; /* its twin: the other is not there */
    assert_int_equal(offer(&t, &q, o), OFFER_UNTRUSTED);
    assert_int_equal(o[0].why, TRUST_EXPIRED);
    t.f.issuers_n = 2;
    close_finding(&t);
}

/* Strangers' records use up what may be looked at beyond each one's own chain, and no more. */
static void
work_is_bounded(void **state)
{
    enum { STRANGERS = OFFER_ISSUERS_MAX / TRUST_ISSUERS_MAX };
    struct offer_question q = question();
    (void)state;
    for (int strangers = STRANGERS - 1; strangers <= STRANGERS; strangers++) {
        struct finding t;
        struct offer o[RECORDS_MAX];
        open_finding(&t, TRUST_ISSUERS_MAX);
        add_issuer(&t, ca);
        while (t.f.issuers_n < TRUST_ISSUERS_MAX)
            add_issuer(&t, evil);
        const struct kind *foreign = &kinds[9];
        assert_int_equal(foreign->why, TRUST_NO_PATH);
        for (int i = 0; i < strangers; i++)
            (void)add_record(&t, foreign);
        (void)add_record(&t, &kinds[0]); /* without a chain */
        struct found_record *r = add_record(&t, &kinds[0]);
        r->chain[r->chain_n++] = buf_span(&t.issuers[0]);
        assert_int_equal(offer(&t, &q, o), OFFER_YES);
        assert_int_equal(o[strangers].offered, strangers < STRANGERS);
        assert_true(o[strangers + 1].offered);
        close_finding(&t);
    }
}

/* Nothing is said when there was no memory to judge. */
static void
each_allocation_fails(void **state)
{
    struct offer_question q = question();
    struct finding t;
    struct offer o[RECORDS_MAX];
    size_t n;
    (void)state;
    open_finding(&t, 1);
    add_issuer(&t, ca);
    (void)add_record(&t, &kinds[0]);
    failalloc_at(0);
    assert_int_equal(offer(&t, &q, o), OFFER_YES);
    n = failalloc_count();
    assert_true(n > 0);
    for (size_t i = 1; i <= n; i++) {
        enum offer_outcome outcome = OFFER_ERASED;
        failalloc_at(i);
        assert_int_equal(offers_make(&t.f, &q, o, &outcome), RES_MEMORY);
        assert_int_equal(outcome, OFFER_ERASED);
    }
    failalloc_at(0);
    close_finding(&t);
}

static void
each_outcome_has_a_name(void **state)
{
    static const char *const names[] = {"yes",     "never",     "none-for-purpose", "expired",
                                        "revoked", "announced", "untrusted",        "erased"};
    (void)state;
    for (int i = OFFER_YES; i <= OFFER_ERASED; i++)
        assert_string_equal(offer_outcome_name((enum offer_outcome)i), names[i]);
}

static X509 *
expired_ca(const struct mint_pair *subject, uint64_t serial)
{
    struct mint_spec m = {.key = key_ca,
                          .issuer = root,
                          .issuer_key = key_root,
                          .serial = serial,
                          .not_after = EARLIER,
                          .subject = {subject[0], subject[1]}};
    mint_ca_extensions(m.extension);
    return mint_cert(&m);
}

static int
setup(void **state)
{
    (void)state;
    key_root = mint_key(MINT_P256);
    key_ca = mint_key(MINT_P256);
    key_leaf = mint_key(MINT_P256);
    key_evil = mint_key(MINT_P256);
    root = mint_root("Root", key_root);
    ca = mint_ca("CA", key_ca, root, key_root);
    late_ca = expired_ca((struct mint_pair[]){{"O", "Mint"}, {"CN", "Late CA"}}, 9);
    old_ca = expired_ca((struct mint_pair[]){{"O", "Mint"}, {"CN", "CA"}}, 10);
    evil = mint_root("Evil", key_evil);
    for (size_t i = 0; i < KINDS; i++)
        ders[i] = certificate_of(&kinds[i]);
    struct span der = mint_der(root);
    enum result r = trust_anchors_new(&der, 1, &anchors);
    mint_free(der);
    return r == RES_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    X509 *certs[] = {root, ca, old_ca, late_ca, evil};
    EVP_PKEY *keys[] = {key_root, key_ca, key_leaf, key_evil};
    (void)state;
    for (int i = 0; i < 5; i++)
        X509_free(certs[i]);
    for (int i = 0; i < 4; i++)
        EVP_PKEY_free(keys[i]);
    for (size_t i = 0; i < KINDS; i++)
        mint_free(ders[i]);
    trust_anchors_free(anchors);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_alone),
        cmocka_unit_test(each_pair),
        cmocka_unit_test(nothing_was_found),
        cmocka_unit_test(as_it_was_asked),
        cmocka_unit_test(behind_the_issuers_of_others),
        cmocka_unit_test(by_the_issuers_of_others),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(each_outcome_has_a_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
