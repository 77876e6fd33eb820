/* From entries to records and labels: what a certificate is for, whom it names, what may enter. */
#include "log/directory/gather.h"

#include <openssl/pem.h>
#include <stdlib.h>

#include "log/stored.h"
#include "merkle/leaf/precert.h"
#include "tests/mint/mint.h"
#include "tests/unit/directory/ground.h"
#include "tests/vectors/check.h"

static struct ground_log ground;
static struct store_view *view;

enum {
    ANNOUNCED,
    ISSUED,
    WITH_SCTS,
    MANY,
    BOUND,
    NOBODY,
    MAILS,
};

static int
make_log(void **state)
{
    static const struct mail mails[] = {
        [ANNOUNCED] = {.san = "email:Alice@One.example", .serial = 1, .precert = true},
        [ISSUED] = {.san = "email:Alice@One.example", .serial = 1},
        [WITH_SCTS] = {.san = "email:Alice@One.example", .serial = 1, .scts = true},
        [MANY] = {.san = "email:b@two.example,email:a@one.example,email:a@two.example,"
                         "email:B@two.example",
                  .serial = 2},
        [BOUND] = {.san = "email:a@one.example,email:a@two.example", .serial = 3, .bound = true},
        [NOBODY] = {.san = "DNS:www.one.example", .serial = 4},
    };

    (void)state;
    ground_log_init(&ground, mails, MAILS);
    assert_int_equal(store_view_new(ground.store, &view), RES_OK);
    assert_int_equal(store_view_begin(view), RES_OK);
    return 0;
}

static int
drop_log(void **state)
{
    (void)state;
    store_view_end(view);
    store_view_free(view);
    ground_log_release(&ground);
    return 0;
}

/* ---- purpose ---- */

static void
what_a_key_is_for(void **state)
{
    enum { SIGN = 1u << 0, REPUDIATE = 1u << 1, KEY = 1u << 2, DATA = 1u << 3, AGREE = 1u << 4 };
    static const char rsa[] = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
                      pss[] = "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a",
                      oaep[] = "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07",
                      ec[] = "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48"
                             "\xce\x3d\x03\x01\x07",
                      ed25519[] = "\x30\x05\x06\x03\x2b\x65\x70",
                      x25519[] = "\x30\x05\x06\x03\x2b\x65\x6e";
#define A(x)                                \
    {                                       \
        (const uint8_t *)(x), sizeof(x) - 1 \
    }
    static const struct {
        const char *says;
        struct span algorithm;
        bool has;
        unsigned usage;
        enum mailbox_purpose purpose;
    } ROWS[] = {
        {"RSA without keyUsage does both", A(rsa), false, 0, MAILBOX_BOTH},
        {"RSA, digitalSignature", A(rsa), true, SIGN, MAILBOX_SIGN},
        {"RSA, nonRepudiation", A(rsa), true, REPUDIATE, MAILBOX_SIGN},
        {"RSA, keyEncipherment", A(rsa), true, KEY, MAILBOX_ENCRYPT},
        {"RSA, dataEncipherment", A(rsa), true, DATA, MAILBOX_ENCRYPT},
        {"RSA, signature and encipherment", A(rsa), true, SIGN | KEY, MAILBOX_BOTH},
        {"RSA agrees on nothing", A(rsa), true, SIGN | AGREE, MAILBOX_SIGN},
        {"RSA with a usage that says neither", A(rsa), true, 1u << 5, MAILBOX_BOTH},
        {"EC without keyUsage does both", A(ec), false, 0, MAILBOX_BOTH},
        {"EC, digitalSignature", A(ec), true, SIGN, MAILBOX_SIGN},
        {"EC, keyAgreement", A(ec), true, AGREE, MAILBOX_ENCRYPT},
        {"EC, both", A(ec), true, SIGN | AGREE, MAILBOX_BOTH},
        {"EC enciphers nothing", A(ec), true, SIGN | KEY, MAILBOX_SIGN},
        {"PSS only signs", A(pss), false, 0, MAILBOX_SIGN},
        {"PSS only signs, whatever it says", A(pss), true, KEY, MAILBOX_SIGN},
        {"OAEP only encrypts", A(oaep), false, 0, MAILBOX_ENCRYPT},
        {"OAEP, keyEncipherment", A(oaep), true, KEY, MAILBOX_ENCRYPT},
        {"Ed25519 only signs", A(ed25519), false, 0, MAILBOX_SIGN},
        {"X25519 only encrypts", A(x25519), true, AGREE, MAILBOX_ENCRYPT},
        {"X25519 does not sign", A(x25519), true, SIGN, MAILBOX_ENCRYPT},
    };
#undef A

    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct cert c = {.spki_algorithm = ROWS[i].algorithm,
                         .has_key_usage = ROWS[i].has,
                         .key_usage = (uint16_t)ROWS[i].usage};
        if (intake_purpose(&c) != ROWS[i].purpose)
            fail_msg("%s: %d", ROWS[i].says, (int)intake_purpose(&c));
    }
}

/* ---- records ---- */

static void
read_entry(uint64_t index, const struct bindings *b, struct intake *ret)
{
    static const struct bindings none;

    intake_init(ret);
    assert_int_equal(intake_read(ret, view, index, b != NULL ? b : &none), RES_OK);
}

static void
one_key_id_for_all_forms_of_a_certificate(void **state)
{
    struct intake n[3], other;
    struct tile_leaf l;
    struct span signature;
    struct hash issuer, id;
    struct cert inter;

    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        read_entry(i, NULL, &n[i]);
    read_entry(MANY, NULL, &other);
    /* SHA-256(issuer key hash || TBS), the latter as the log holds it for the precertificate */
    assert_int_equal(stored_leaf(view, ANNOUNCED, &l, &signature), RES_OK);
    assert_int_equal(cert_parse(ground.ca.inter_der, &inter), RES_OK);
    hash_sha256(inter.spki, &issuer);
    hash_sha256_parts((struct span[]){hash_span(&issuer), l.timestamped.entry.body}, 2, &id);
    for (size_t i = 0; i < 3; i++)
        assert_true(hash_equal(&n[i].record.key_id, &id));
    assert_false(hash_equal(&other.record.key_id, &id));
    for (size_t i = 0; i < 3; i++)
        intake_release(&n[i]);
    intake_release(&other);
}

static void
a_record_says_what_the_certificate_does(void **state)
{
    struct hash zero = {{0}}, sha256, leaf;
    struct tile_leaf l;
    struct span signature;
    struct intake n;
    struct cert c;

    (void)state;
    read_entry(ANNOUNCED, NULL, &n);
    assert_int_equal(n.record.precert_index, ANNOUNCED);
    assert_int_equal(n.record.final_index, MAILBOX_NO_INDEX);
    assert_true(hash_equal(&n.record.certificate_sha256, &zero));
    intake_release(&n);

    read_entry(ISSUED, NULL, &n);
    assert_int_equal(stored_leaf(view, ISSUED, &l, &signature), RES_OK);
    assert_int_equal(cert_parse(l.timestamped.entry.body, &c), RES_OK);
    hash_sha256(l.timestamped.entry.body, &sha256);
    assert_int_equal(n.record.precert_index, MAILBOX_NO_INDEX);
    assert_int_equal(n.record.final_index, ISSUED);
    assert_true(hash_equal(&n.record.certificate_sha256, &sha256));
    hash_sha256(c.spki, &sha256);
    assert_true(hash_equal(&n.record.spki_sha256, &sha256));
    assert_int_equal(n.record.not_before, 1767225600); /* 2026 */
    assert_int_equal(n.record.not_after, 1830297600);  /* 2028 */
    assert_int_equal(n.record.purpose, MAILBOX_SIGN);
    assert_int_equal(n.record.status, MAILBOX_GOOD);
    ground_leaf(&ground, ISSUED, &leaf);
    assert_true(hash_equal(&n.leaf_hash, &leaf));
    assert_int_equal(n.mailboxes.n, 1);
    assert_true(span_equal(n.mailboxes.list[0].address, span_str("alice@one.example")));
    intake_release(&n);
}

static void
who_may_enter(void **state)
{
    static const struct {
        const char *says;
        const char *domain; /* that the second root is bound to, NULL: it is public */
        bool one, two;
    } ROWS[] = {
        {"a public root, every domain", NULL, true, true},
        {"bound to the first", "one.example", true, false},
        {"bound to the second", "two.example", false, true},
        {"bound to another", "three.example", false, false},
        {"a part of a domain is none", "e.example", false, false},
        {"nor is its parent", "example", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct bindings b = BINDINGS_INIT;
        struct buf body = BUF_INIT(1024);
        struct writer w = writer_to(&body);
        struct intake n;

        put_u16(&w, 1);
        put_bytes(&w, hash_span(&ground.second_sha256));
        put_u16(&w, 1);
        if (ROWS[i].domain != NULL) {
            put_vec8(&w, span_str(ROWS[i].domain));
            assert_int_equal(writer_end(&w), RES_OK);
            assert_int_equal(bindings_read(&b, buf_span(&body)), RES_OK);
        }
        read_entry(BOUND, &b, &n);
        assert_int_equal(n.mailboxes.n, 2);
        if (n.enters[0] != ROWS[i].one || n.enters[1] != ROWS[i].two)
            fail_msg("%s: %d, %d", ROWS[i].says, n.enters[0], n.enters[1]);
        intake_release(&n);
        read_entry(MANY, &b, &n); /* under the other root: whatever the second is bound to */
        for (size_t k = 0; k < n.mailboxes.n; k++)
            assert_true(n.enters[k]);
        intake_release(&n);
        bindings_release(&b);
        buf_release(&body);
    }
}

static void
beyond_the_log_is_damage(void **state)
{
    struct bindings none = BINDINGS_INIT;
    struct intake n;

    (void)state;
    intake_init(&n);
    assert_int_equal(intake_read(&n, view, MAILS, &none), RES_STORE_DAMAGED);
    intake_release(&n);
}

/* ---- bindings ---- */

static void
malformed_bindings_change_nothing(void **state)
{
    struct bindings b = BINDINGS_INIT;
    struct buf body = BUF_INIT(1024), before = BUF_INIT(1024);
    struct writer w = writer_to(&body);

    (void)state;
    put_u16(&w, 1);
    put_bytes(&w, hash_span(&ground.second_sha256));
    put_u16(&w, 2);
    put_vec8(&w, span_str("one.example"));
    put_vec8(&w, span_str("two.example"));
    assert_int_equal(writer_end(&w), RES_OK);
    assert_int_equal(bindings_read(&b, buf_span(&body)), RES_OK);
    assert_int_equal(buf_add(&before, buf_span(&b.body)), RES_OK);
    for (size_t n = 1; n < body.n; n++)
        assert_int_not_equal(bindings_read(&b, span_of(body.p, n)), RES_OK);
    assert_int_equal(buf_add(&body, span_of("", 1)), RES_OK);
    assert_int_not_equal(bindings_read(&b, buf_span(&body)), RES_OK);
    assert_true(span_equal(buf_span(&before), buf_span(&b.body)));
    assert_int_equal(bindings_read(&b, span_of(NULL, 0)), RES_OK); /* none is bound any more */
    assert_true(bindings_allow(&b, &ground.second_sha256, span_str("three.example")));
    bindings_release(&b);
    buf_release(&body);
    buf_release(&before);
}

static void
bindings_are_those_of_the_roots(void **state)
{
    struct bindings b = BINDINGS_INIT, again = BINDINGS_INIT;
    struct roots *roots;
    size_t added, line;
    BIO *mem = BIO_new(BIO_s_mem());
    char *pem;

    (void)state;
    PEM_write_bio_X509(mem, ground.second);
    long n = BIO_get_mem_data(mem, &pem);
    struct span text = span_of(pem, (size_t)n);
    assert_int_equal(roots_new(&roots), RES_OK);
    assert_int_equal(bindings_of(&b, roots), RES_OK);
    assert_int_equal(b.body.n, 0);
    assert_int_equal(roots_add_pem(roots, text, "two.example,one.example", false, &added, &line),
                     RES_OK);
    assert_int_equal(bindings_of(&b, roots), RES_OK);
    assert_true(bindings_allow(&b, &ground.second_sha256, span_str("one.example")));
    assert_true(bindings_allow(&b, &ground.second_sha256, span_str("two.example")));
    assert_false(bindings_allow(&b, &ground.second_sha256, span_str("three.example")));
    assert_int_equal(bindings_read(&again, buf_span(&b.body)), RES_OK);
    assert_true(bindings_equal(&b, &again));
    assert_int_equal(roots_add_pem(roots, text, NULL, false, &added, &line), RES_OK);
    assert_int_equal(bindings_of(&b, roots), RES_OK); /* public again */
    assert_int_equal(b.body.n, 0);
    assert_false(bindings_equal(&b, &again));
    roots_unref(roots);
    bindings_release(&b);
    bindings_release(&again);
    BIO_free(mem);
}

/* ---- gathering ---- */

static void
touches_stand_by_label_then_by_entry(void **state)
{
    static const struct {
        uint8_t kind;
        const char *name;
        uint64_t index;
    } MUST[] = {
        {1, "a@one.example", MANY},          {1, "a@one.example", BOUND},
        {1, "a@two.example", MANY},          {1, "a@two.example", BOUND},
        {1, "alice@one.example", ANNOUNCED}, {1, "alice@one.example", ISSUED},
        {1, "alice@one.example", WITH_SCTS}, {1, "b@two.example", MANY},
        {2, "one.example", ANNOUNCED},       {2, "one.example", ISSUED},
        {2, "one.example", WITH_SCTS},       {2, "one.example", MANY},
        {2, "one.example", BOUND},           {2, "two.example", MANY},
        {2, "two.example", BOUND},
    };
    static const size_t SAME[] = {2, 2, 3, 1, 5, 2};
    struct bindings none = BINDINGS_INIT;
    struct gather g;
    size_t at = 0;

    (void)state;
    gather_init(&g);
    gather_sort(&g);                   /* of nothing */
    for (uint64_t i = MAILS; i-- > 0;) /* the order of adding does not matter */
        assert_int_equal(gather_entry(&g, view, i, &none), RES_OK);
    gather_sort(&g);
    assert_int_equal(g.n, sizeof(MUST) / sizeof(MUST[0]));
    for (size_t i = 0; i < g.n; i++) {
        struct span name = span_of(g.at[i]->label.b + 1, g.at[i]->label.n - 1);

        assert_int_equal(g.at[i]->label.b[0], MUST[i].kind);
        assert_true(span_equal(name, span_str(MUST[i].name)));
        assert_int_equal(g.at[i]->index, MUST[i].index);
    }
    for (size_t i = 0; i < sizeof(SAME) / sizeof(SAME[0]); i++) {
        assert_int_equal(gather_same(&g, at), SAME[i]);
        at += SAME[i];
    }
    assert_int_equal(at, g.n);
    gather_clear(&g);
    assert_int_equal(g.n, 0);
    gather_release(&g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_key_is_for),
        cmocka_unit_test(one_key_id_for_all_forms_of_a_certificate),
        cmocka_unit_test(a_record_says_what_the_certificate_does),
        cmocka_unit_test(who_may_enter),
        cmocka_unit_test(beyond_the_log_is_damage),
        cmocka_unit_test(malformed_bindings_change_nothing),
        cmocka_unit_test(bindings_are_those_of_the_roots),
        cmocka_unit_test(touches_stand_by_label_then_by_entry),
    };

    return cmocka_run_group_tests(tests, make_log, drop_log);
}
