/* merkle/leaf/mailboxes: every mailbox that some mail program would read from a certificate. */
#include "merkle/leaf/mailboxes.h"

#include "tests/fault/failalloc.h"
#include "tests/unit/merkle/mknames.h"
#include "tests/vectors/check.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/pem.h"
#include "tests/vectors/testdata.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define DER_MAX (1 << 20)

/* What stands in der, a line for each mailbox: source, address, and as certified where it differs.
 */
static void
tell(struct span der, struct buf *out)
{
    static struct cert c;
    struct mailboxes m;
    buf_clear(out);
    assert_int_equal(cert_parse(der, &c), RES_OK);
    assert_int_equal(mailboxes_of(&c, &m), RES_OK);
    for (size_t i = 0; i < m.n; i++) {
        const struct mailbox *b = &m.list[i];
        assert_int_equal(buf_printf(out, "%d ", (int)b->source), RES_OK);
        assert_int_equal(buf_add(out, b->address), RES_OK);
        if (!span_equal(b->address, b->certified)) {
            assert_int_equal(buf_add(out, span_str(" as ")), RES_OK);
            assert_int_equal(buf_add(out, b->certified), RES_OK);
        }
        assert_int_equal(buf_add(out, span_str("\n")), RES_OK);
    }
    if (m.refused > 0)
        assert_int_equal(buf_printf(out, "refused %zu %s\n", m.refused, result_name(m.why)),
                         RES_OK);
    assert_int_equal(m.refused == 0, m.why == RES_OK);
    mailboxes_release(&m);
    assert_int_equal(buf_add(out, span_of("", 1)), RES_OK);
}

/* ---- rows ---- */

#define ALICE "alice@example.com"
#define UCS2_ALICE "\0a\0@\0b"
#define UCS4_ALICE "\0\0\0a\0\0\0@\0\0\0b"

static const struct row {
    const char *says;
    struct name names[NAMES_MAX];
    const char *want;
} rows[] = {
    {"nothing", {{0}}, ""},
    {"a rfc822Name", {{SAN_RFC822, 0, ALICE, 0}}, "1 " ALICE "\n"},
    {"as it stands, beside its form",
     {{SAN_RFC822, 0, "Alice@Example.com", 0}},
     "1 " ALICE " as Alice@Example.com\n"},
    {"a SmtpUTF8Mailbox", {{SAN_UTF8, 0, "\xc3\xa4@example.com", 0}}, "2 \xc3\xa4@example.com\n"},
    {"a SmtpUTF8Mailbox of ASCII, against RFC 9598", {{SAN_UTF8, 0, ALICE, 0}}, "2 " ALICE "\n"},
    {"a SmtpUTF8Mailbox with U-labels, as RFC 8398 had it",
     {{SAN_UTF8, 0,
       "\xc3\xa4@b\xc3\xbc"
       "cher.example",
       0}},
     "2 \xc3\xa4@xn--bcher-kva.example as \xc3\xa4@b\xc3\xbc"
     "cher.example\n"},
    {"a SmtpUTF8Mailbox that is an IA5String", {{SAN_UTF8, IA5, ALICE, 0}}, "4 " ALICE "\n"},
    {"a SmtpUTF8Mailbox that is not UTF-8",
     {{SAN_UTF8, 0, "\xe4@example.com", 0}},
     "refused 1 address-encoding\n"},
    {"a SmtpUTF8Mailbox with a byte order mark",
     {{SAN_UTF8, 0, "\xef\xbb\xbf\xc3\xa4@example.com", 0}},
     "4 \xc3\xa4@example.com\n"},
    {"emailAddress in the subject", {{SUBJECT_EMAIL, 0, ALICE, 0}}, "3 " ALICE "\n"},
    {"mail in the subject", {{SUBJECT_MAIL, 0, ALICE, 0}}, "4 " ALICE "\n"},
    {"a commonName that is an address", {{SUBJECT_CN, 0, ALICE, 0}}, "4 " ALICE "\n"},
    {"a commonName with more than the address", {{SUBJECT_CN, 0, "Alice <" ALICE ">", 0}}, ""},
    {"a commonName with two addresses", {{SUBJECT_CN, 0, ALICE " " ALICE, 0}}, ""},
    {"an organizationName that is an address", {{SUBJECT_O, 0, ALICE, 0}}, ""},
    {"directoryName: emailAddress", {{SAN_DIRECTORY_EMAIL, 0, ALICE, 0}}, "4 " ALICE "\n"},
    {"directoryName: mail", {{SAN_DIRECTORY_MAIL, 0, ALICE, 0}}, "4 " ALICE "\n"},
    {"directoryName: commonName", {{SAN_DIRECTORY_CN, 0, ALICE, 0}}, "4 " ALICE "\n"},
    {"a DNS name that is an address", {{SAN_DNS, 0, ALICE, 0}}, ""},
    {"a user principal name", {{SAN_UPN, 0, ALICE, 0}}, ""},
    {"two rfc822Names in their order",
     {{SAN_RFC822, 0, "b@example.com", 0}, {SAN_RFC822, 0, "a@example.com", 0}},
     "1 b@example.com\n1 a@example.com\n"},
    {"two emailAddresses: not the first alone",
     {{SUBJECT_EMAIL, 0, "a@example.com", 0}, {SUBJECT_EMAIL, 0, "b@example.com", 0}},
     "3 a@example.com\n3 b@example.com\n"},
    {"the subject names another mailbox than the alternative name",
     {{SUBJECT_EMAIL, 0, ALICE, 0}, {SAN_RFC822, 0, "mallory@example.net", 0}},
     "1 mallory@example.net\n3 " ALICE "\n"},
    {"one mailbox in four places: the strongest",
     {{SUBJECT_CN, 0, "ALICE@example.com", 0},
      {SUBJECT_EMAIL, 0, "Alice@example.com", 0},
      {SAN_UTF8, 0, "aliCe@example.com", 0},
      {SAN_RFC822, 0, "alicE@example.com", 0}},
     "1 " ALICE " as alicE@example.com\n"},
    {"one mailbox twice in one place: the first",
     {{SAN_RFC822, 0, "Alice@example.com", 0}, {SAN_RFC822, 0, ALICE, 0}},
     "1 " ALICE " as Alice@example.com\n"},
    {"an address that begins another",
     {{SAN_RFC822, 0, "a@b.example", 0}, {SAN_RFC822, 0, "a@b.exampl", 0}},
     "1 a@b.example\n1 a@b.exampl\n"},
    {"in quotes that are not needed",
     {{SAN_RFC822, 0, "\"alice\"@example.com", 0}},
     "1 " ALICE " as \"alice\"@example.com\n"},
    {"two addresses in one rfc822Name",
     {{SAN_RFC822, 0, "a@example.com b@example.com", 0}},
     "refused 1 several-addresses\n"},
    {"an address literal", {{SAN_RFC822, 0, "a@[127.0.0.1]", 0}}, "refused 1 address-literal\n"},
    {"NUL in a rfc822Name",
     {{SAN_RFC822, 0, ALICE "\0.example.net", 30}},
     "refused 1 address-control\n"},
    {"NUL at the end of emailAddress",
     {{SUBJECT_EMAIL, 0, ALICE "\0", 18}},
     "refused 1 address-control\n"},
    {"the first reason of two",
     {{SUBJECT_EMAIL, 0, "alice", 0}, {SAN_RFC822, 0, "a@[::1]", 0}, {SAN_RFC822, 0, ALICE, 0}},
     "1 " ALICE "\nrefused 2 no-address\n"},
    /* alphabets */
    {"emailAddress as UTF8String",
     {{SUBJECT_EMAIL, UTF8, "\xc3\xa4@example.com", 0}},
     "3 \xc3\xa4@example.com\n"},
    {"emailAddress as PrintableString, against its alphabet",
     {{SUBJECT_EMAIL, PRINTABLE, ALICE, 0}},
     "3 " ALICE "\n"},
    {"emailAddress as TeletexString of ASCII", {{SUBJECT_EMAIL, T61, ALICE, 0}}, "3 " ALICE "\n"},
    {"emailAddress as VisibleString", {{SUBJECT_EMAIL, VISIBLE, ALICE, 0}}, "3 " ALICE "\n"},
    {"emailAddress as BMPString", {{SUBJECT_EMAIL, UCS2, UCS2_ALICE, 6}}, "3 a@b\n"},
    {"emailAddress as UniversalString", {{SUBJECT_EMAIL, UCS4, UCS4_ALICE, 12}}, "3 a@b\n"},
    {"emailAddress as OCTET STRING: no program reads it", {{SUBJECT_EMAIL, OCTETS, ALICE, 0}}, ""},
    {"a BMPString of odd length",
     {{SUBJECT_EMAIL, UCS2, UCS2_ALICE, 5}},
     "refused 1 address-encoding\n"},
    {"commonName as BMPString", {{SUBJECT_CN, UCS2, UCS2_ALICE, 6}}, "4 a@b\n"},
    {"TeletexString of ISO 8859-1",
     {{SUBJECT_EMAIL, T61, "\xe4@example.com", 0}},
     "4 \xc3\xa4@example.com\n"},
    {"TeletexString that could be either: both",
     {{SUBJECT_EMAIL, T61, "\xc3\xa4@example.com", 0}},
     "4 \xc3\xa4@example.com\n4 \xc3\x83\xc2\xa4@example.com\n"},
    {"UTF-8 in a rfc822Name: both, and not as strong",
     {{SAN_RFC822, 0, "\xc3\xa4@example.com", 0}},
     "4 \xc3\xa4@example.com\n4 \xc3\x83\xc2\xa4@example.com\n"},
    {"UTF-8 whose other reading holds a control character",
     {{SAN_RFC822, 0, "\xc3\x84@example.com", 0}},
     "4 \xc3\x84@example.com\nrefused 1 address-control\n"},
    {"ISO 8859-1 in the domain of an IA5String",
     {{SAN_RFC822, 0,
       "alice@b\xfc"
       "cher.example",
       0}},
     "4 alice@xn--bcher-kva.example as alice@b\xc3\xbc"
     "cher.example\n"},
};

static void
rows_are_found(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX), got = BUF_INIT(DER_MAX);
    struct guard g;
    guard_init(&g, DER_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mknames(rows[i].names, NAMES_MAX, NULL, &der);
        tell(guard_put(&g, buf_span(&der)), &got);
        if (strcmp((const char *)got.p, rows[i].want) != 0)
            fail_msg("%s:\n%s", rows[i].says, (const char *)got.p);
    }
    guard_release(&g);
    buf_release(&der);
    buf_release(&got);
}

/* Names are told apart: a letter changed anywhere in them is told as changed. */
static void
tampered_rows_are_told_otherwise(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX), got = BUF_INIT(DER_MAX);
    static const char LETTERS[] = "alice";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strstr(rows[i].want, ALICE) == NULL)
            continue;
        mknames(rows[i].names, NAMES_MAX, NULL, &der);
        for (size_t at = 0; at + 5 < der.n; at++) {
            if (strncasecmp((const char *)der.p + at, LETTERS, 5) != 0)
                continue;
            der.p[at + 2] ^= 8; /* "alace" */
        }
        tell(buf_span(&der), &got);
        if (strstr((const char *)got.p, ALICE) != NULL)
            fail_msg("%s, with another letter:\n%s", rows[i].says, (const char *)got.p);
    }
    buf_release(&der);
    buf_release(&got);
}

/* ---- lenient readers ---- */

/* alice, 17 octets: 616c696365406578616d706c652e636f6d */
#define HEX_ALICE "616c696365406578616d706c652e636f6d"

static const struct {
    const char *says, *san, *want;
} lenient[] = {
    {"DER", "3013 8111" HEX_ALICE, "1 " ALICE "\n"},
    {"a length in more octets than needed", "308113 8111" HEX_ALICE, "4 " ALICE "\n"},
    {"with a leading zero", "30820013 8111" HEX_ALICE, "4 " ALICE "\n"},
    {"the name's length in two octets", "3014 818111" HEX_ALICE, "4 " ALICE "\n"},
    {"the name's tag in two octets", "3014 9f0111" HEX_ALICE, "4 " ALICE "\n"},
    {"tag and length in two octets, behind an empty name", "3017 8100 9f018111" HEX_ALICE,
     "4 " ALICE "\nrefused 1 no-address\n"},
    {"the SEQUENCE's tag in two octets", "3f1013 8111" HEX_ALICE, "4 " ALICE "\n"},
    {"an indefinite length", "3080 8111" HEX_ALICE "0000", "4 " ALICE "\n"},
    {"in pieces", "3017 a115 0405 616c696365 040c 406578616d706c652e636f6d", "4 " ALICE "\n"},
    {"in pieces of indefinite length",
     "3080 a180 0405 616c696365 040c 406578616d706c652e636f6d 0000 0000", "4 " ALICE "\n"},
    {"a SEQUENCE that says it is primitive", "1013 8111" HEX_ALICE, "4 " ALICE "\n"},
    {"something behind the names", "3013 8111" HEX_ALICE "0500", "4 " ALICE "\n"},
    {"a breakage behind the address", "3015 8111" HEX_ALICE "8109", "4 " ALICE "\n"},
    {"a breakage before it: no program goes on", "3015 8220 8111" HEX_ALICE, ""},
    {"no SEQUENCE", "8111" HEX_ALICE, ""},
    {"a SET", "3113 8111" HEX_ALICE, ""},
    {"nothing", "", ""},
    {"an empty SEQUENCE", "3000", ""},
    {"a length past the end", "3020 8111" HEX_ALICE, ""},
    {"an empty rfc822Name", "3002 8100", "refused 1 no-address\n"},
    {"a SmtpUTF8Mailbox in pieces",
     "3027 a025 0608 2b06010505070809 a019 2c17 0c05 616c696365 0c0e 406578616d706c652e636f6d2e2e",
     "refused 1 address-domain\n"},
    {"a SmtpUTF8Mailbox in good pieces",
     "3025 a023 0608 2b06010505070809 a017 2c15 0c05 616c696365 0c0c 406578616d706c652e636f6d",
     "4 " ALICE "\n"},
    {"another otherName",
     "301f a01d 0608 2b06010505070808 a011 0c0f 616c696365406578616d706c652e636f", ""},
    {"an otherName without value", "300c a00a 0608 2b06010505070809", ""},
    {"a directoryName with two attributes in one set",
     "3039 a437 3035 3133 300f 0603550403 0c08 6140622e63616665"
     " 3020 06092a864886f70d010901 1613 616c69636540782e6578616d706c652e636f6d",
     "4 a@b.cafe\n4 alice@x.example.com\n"},
};

static void
lenient_readers_are_followed(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX), got = BUF_INIT(DER_MAX);
    for (size_t i = 0; i < sizeof lenient / sizeof lenient[0]; i++) {
        mknames(NULL, 0, lenient[i].san, &der);
        tell(buf_span(&der), &got);
        if (strcmp((const char *)got.p, lenient[i].want) != 0)
            fail_msg("%s:\n%s", lenient[i].says, (const char *)got.p);
    }
    buf_release(&der);
    buf_release(&got);
}

/* ---- many, and long ---- */

/* A certificate as full of names as it can be hides none: the last is found as the first is. */
static void
nothing_is_cut(void **state)
{
    (void)state;
    static struct cert c;
    struct buf san = BUF_INIT(DER_MAX), der = BUF_INIT(DER_MAX);
    struct mailboxes m;
    char name[16];
    size_t n = 0;
    for (; san.n < 3 * CERT_MAX / 4; n++) {
        struct name one = {SAN_RFC822, 0, name, 0};
        snprintf(name, sizeof name, "%zx@b", n);
        mknames_general(&one, &san);
    }
    mknames_general(&(struct name){SAN_RFC822, 0, ALICE, 0}, &san);
    mknames_wrap(0x30, &san);
    char *hex = mknames_hex(&san);
    mknames(NULL, 0, hex, &der);
    free(hex);
    assert_int_equal(cert_parse(buf_span(&der), &c), RES_OK);
    assert_int_equal(mailboxes_of(&c, &m), RES_OK);
    assert_int_equal(m.n, n + 1);
    assert_true(m.n > 20000 && m.n <= MAILBOXES_MAX);
    assert_true(span_equal(m.list[0].address, span_str("0@b")));
    assert_true(span_equal(m.list[n].address, span_str(ALICE)));
    mailboxes_release(&m);
    buf_release(&san);
    buf_release(&der);
}

/* However many backslashes: the mailbox is told, in its form where the spelling is too long. */
static void
long_spellings_hide_nothing(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX), got = BUF_INIT(DER_MAX);
    char text[ADDRESS_TEXT_MAX + 8], want[1024];
    text[0] = '"';
    for (size_t i = 0; i < 200; i++)
        memcpy(text + 1 + 2 * i, "\\A", 2);
    snprintf(text + 401, sizeof text - 401, "\"@example.com");
    mknames(&(struct name){SAN_RFC822, 0, text, 0}, 1, NULL, &der);
    tell(buf_span(&der), &got);
    memset(want, 'a', 202);
    memcpy(want, "4 ", 2);
    snprintf(want + 202, sizeof want - 202, "@example.com\n");
    assert_string_equal((const char *)got.p, want);
    memset(text, 'a', sizeof text);
    mknames(&(struct name){SAN_RFC822, 0, text, sizeof text}, 1, NULL, &der);
    tell(buf_span(&der), &got);
    assert_string_equal((const char *)got.p, "refused 1 address-too-long\n");
    buf_release(&der);
    buf_release(&got);
}

/* ---- failures ---- */

static void
every_allocation_may_fail(void **state)
{
    (void)state;
    static struct cert c;
    static const struct name names[] = {{SUBJECT_EMAIL, 0, "A@example.com", 0},
                                        {SAN_RFC822, 0, ALICE, 0},
                                        {SAN_RFC822, 0xa1, "\4\3a@b", 5}};
    struct buf der = BUF_INIT(DER_MAX);
    struct mailboxes m = MAILBOXES_INIT;
    mknames(names, 3, NULL, &der);
    assert_int_equal(cert_parse(buf_span(&der), &c), RES_OK);
    failalloc_at(0);
    assert_int_equal(mailboxes_of(&c, &m), RES_OK);
    size_t n = failalloc_count();
    assert_int_equal(m.n, 3);
    mailboxes_release(&m);
    mailboxes_release(&m);
    assert_true(n >= 4);
    for (size_t i = 1; i <= n; i++) {
        failalloc_at(i);
        assert_int_equal(mailboxes_of(&c, &m), RES_MEMORY);
        assert_null(m.list);
    }
    failalloc_at(0);
    buf_release(&der);
}

/* ---- others' data ---- */

static void
rfc9598_example_is_read(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *all = testdata_json("vectors/7-ldap-email/rfc9598-smtputf8mailbox.json");
    const cJSON *example = testdata_member(all, "otherName_der");
    struct buf name = BUF_INIT(256), der = BUF_INIT(DER_MAX), got = BUF_INIT(DER_MAX);
    struct buf want = BUF_INIT(256);
    testdata_hex(testdata_string(example, "hex"), &name);
    mknames_wrap(0x30, &name);
    char *hex = mknames_hex(&name);
    mknames(NULL, 0, hex, &der);
    tell(buf_span(&der), &got);
    assert_int_equal(buf_printf(&want, "2 %s\n", testdata_string(example, "address")), RES_OK);
    assert_memory_equal(got.p, want.p, want.n);
    assert_int_equal(got.n, want.n + 1);
    free(hex);
    buf_release(&name);
    buf_release(&der);
    buf_release(&got);
    buf_release(&want);
    cJSON_Delete(all);
}

/* Whatever libcrypto would look for in a certificate is found, in its form. */
static void
libcrypto_finds_no_more(void *arg, const char *relative)
{
    static struct cert c;
    size_t *found = arg;
    struct buf der = BUF_INIT(DER_MAX);
    struct mailboxes m = MAILBOXES_INIT;
    pem_load(relative, "CERTIFICATE", &der);
    const unsigned char *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    if (x != NULL && cert_parse(buf_span(&der), &c) == RES_OK) {
        STACK_OF(OPENSSL_STRING) *emails = X509_get1_email(x);
        assert_int_equal(mailboxes_of(&c, &m), RES_OK);
        for (int i = 0; i < sk_OPENSSL_STRING_num(emails); i++) {
            struct address a;
            bool there = address_parse(span_str(sk_OPENSSL_STRING_value(emails, i)), &a) != RES_OK;
            for (size_t k = 0; k < m.n; k++)
                there = there || span_equal(m.list[k].address, address_span(&a));
            if (!there)
                fail_msg("%s: %s is not found", relative, sk_OPENSSL_STRING_value(emails, i));
            *found += 1;
        }
        X509_email_free(emails);
        mailboxes_release(&m);
    }
    X509_free(x);
    buf_release(&der);
}

static void
corpora_hold_no_more(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    size_t found = 0;
    /* Files of CRLs hold no certificate: pem_load would end the test. */
    testdata_each("corpora/nist-pkits", ".crt", libcrypto_finds_no_more, &found);
    testdata_each("corpora/pkilint", ".pem", libcrypto_finds_no_more, &found);
    testdata_each("corpora/mimekit", ".pem", libcrypto_finds_no_more, &found);
    testdata_each("corpora/zlint/smime", ".pem", libcrypto_finds_no_more, &found);
    print_message("%zu addresses of libcrypto's\n", found);
    assert_true(found > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found),
        cmocka_unit_test(tampered_rows_are_told_otherwise),
        cmocka_unit_test(lenient_readers_are_followed),
        cmocka_unit_test(nothing_is_cut),
        cmocka_unit_test(long_spellings_hide_nothing),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(rfc9598_example_is_read),
        cmocka_unit_test(corpora_hold_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
