/* merkle/leaf/cert: what a certificate must be, what it need not be, and files that others made. */
#include "merkle/leaf/cert.h"

#include "tests/unit/merkle/mkcert.h"
#include "tests/vectors/guard.h"
#include "tests/vectors/pem.h"
#include "tests/vectors/rng.h"
#include "tests/vectors/testdata.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#define DER_MAX (2 * 1024 * 1024)

/* Pieces for the rows. */
#define BASIC_CA "300f 0603551d13 0101ff 0405 3003 0101ff"
#define KU_SIGN "300e 0603551d0f 0101ff 0404 0302 0186"
#define POISON "3013 060a 2b06010401d679020403 0101ff 0402 0500"
#define BYTES_16 "01020304050607080910111213141516"
#define BYTES_128 BYTES_16 BYTES_16 BYTES_16 BYTES_16 BYTES_16 BYTES_16 BYTES_16 BYTES_16
#define EKU_EMAIL "3013 0603551d25 040c 300a 0608 2b06010505070304"

static const struct {
    const char *says;
    struct mkcert m;
    enum result want;
} rows[] = {
    {"the default of the table is a certificate", {0}, RES_OK},
    {"version 1 by absence", {.version = ""}, RES_OK},
    {"version 1 written out, though DEFAULT", {.version = "a003 020100"}, RES_OK},
    {"version 2", {.version = "a003 020101"}, RES_OK},
    {"version 4 is unknown", {.version = "a003 020103"}, RES_CERT},
    {"a negative version", {.version = "a003 0201ff"}, RES_CERT},
    {"a version that is no INTEGER", {.version = "a003 040102"}, RES_DER},
    {"two INTEGERs in the version", {.version = "a006 020102 020102"}, RES_DER},
    {"a negative serial", {.serial = "0201 ff"}, RES_OK},
    {"a serial of zero", {.serial = "0201 00"}, RES_OK},
    {"a serial of 37 bytes",
     {.serial = "0225 01020304050607080910111213141516171819202122232425262728293031323334353637"},
     RES_OK},
    {"a serial with a zero too many", {.serial = "0202 0001"}, RES_DER},
    {"a serial with an ff too many", {.serial = "0202 ff81"}, RES_DER},
    {"an empty serial", {.serial = "0200"}, RES_DER},
    {"a length in two bytes that fits one", {.serial = "028101 01"}, RES_DER},
    {"a length of 20 in two bytes",
     {.serial = "028114 0102030405060708091011121314151617181920"},
     RES_DER},
    {"a length of 128 in two bytes", {.serial = "028180" BYTES_128}, RES_OK},
    {"a length of 128 in three bytes", {.serial = "02820080" BYTES_128}, RES_DER},
    {"a length with a leading zero", {.serial = "02820001 01"}, RES_DER},
    {"an indefinite length", {.subject = "3080 0000"}, RES_DER},
    {"a length of five bytes", {.serial = "02850000000001 01"}, RES_DER},
    {"the reserved length ff", {.serial = "02ff 01"}, RES_DER},
    {"a length past the end", {.tail = "0405 01"}, RES_DER},
    {"an algorithm without OID", {.algorithm = "3000"}, RES_DER},
    {"an empty OID", {.algorithm = "3002 0600"}, RES_DER},
    {"an OID that ends inside a number", {.algorithm = "3003 060181"}, RES_DER},
    {"an OID with a padded number", {.algorithm = "3005 06032a8001"}, RES_DER},
    {"an unknown algorithm", {.algorithm = "3005 06032a0304"}, RES_OK},
    {"other algorithms inside and outside: admission decides",
     {.outer = "3005 06032a0304"},
     RES_OK},
    {"two parameters", {.algorithm = "3009 06032a0304 0500 0500"}, RES_DER},
    {"parameters with a length that is not minimal inside",
     {.algorithm = "300a 06032a0304 3003 028100"},
     RES_DER},
    {"an empty issuer", {.issuer = "3000"}, RES_OK},
    {"an issuer that is a SET", {.issuer = "3100"}, RES_DER},
    {"a name whose element is no SET", {.subject = "3002 3000"}, RES_DER},
    {"an attribute without value", {.subject = "3009 3107 3005 0603550403"}, RES_DER},
    {"an attribute with two values",
     {.subject = "300f 310d 300b 0603550403 0c0161 0c0162"},
     RES_DER},
    {"an attribute value of a tag that cannot be: NULL, constructed",
     {.subject = "300b 3109 3007 0603550403 2500"},
     RES_DER},
    {"an attribute value of a string in parts, which is BER",
     {.subject = "300e 310c 300a 0603550403 2c03 0c0161"},
     RES_DER},
    {"an attribute value that is not UTF-8",
     {.subject = "300c 310a 3008 0603550403 0c01ff"},
     RES_OK},
    {"UTCTime without seconds", {.not_before = "170b 373030313031303030305a"}, RES_CERT_TIME},
    {"UTCTime with an offset",
     {.not_before = "1711 3730303130313030303030302b30303030"},
     RES_CERT_TIME},
    {"a thirteenth month", {.not_before = "170d 3730313330313030303030305a"}, RES_CERT_TIME},
    {"February 29 of 2023", {.not_before = "170d 3233303232393030303030305a"}, RES_CERT_TIME},
    {"February 29 of 2024", {.not_before = "170d 3234303232393030303030305a"}, RES_OK},
    {"February 29 of 1900", {.not_before = "180f 31393030303232393030303030305a"}, RES_CERT_TIME},
    {"February 29 of 2200", {.not_before = "180f 32323030303232393030303030305a"}, RES_CERT_TIME},
    {"February 29 of 2000", {.not_before = "180f 32303030303232393030303030305a"}, RES_OK},
    {"hour 24", {.not_before = "170d 3730303130313234303030305a"}, RES_CERT_TIME},
    {"minute 60", {.not_before = "170d 3730303130313030363030305a"}, RES_CERT_TIME},
    {"second 60", {.not_before = "170d 3730303130313030303036305a"}, RES_CERT_TIME},
    {"a letter for a digit", {.not_before = "170d 3730303130313030303030415a"}, RES_CERT_TIME},
    {"small z", {.not_before = "170d 3730303130313030303030307a"}, RES_CERT_TIME},
    {"GeneralizedTime with a fraction",
     {.not_after = "1811 32303530303130313030303030302e355a"},
     RES_CERT_TIME},
    {"GeneralizedTime before 2050: a rule for CAs that the log does not keep",
     {.not_after = "180f 32303439303130313030303030305a"},
     RES_OK},
    {"year 0", {.not_after = "180f 30303030303130313030303030305a"}, RES_CERT_TIME},
    {"a date that is an INTEGER", {.not_after = "020101"}, RES_CERT_TIME},
    {"three dates", {.not_after = "170d 3730303130313030303030305a 020101"}, RES_DER},
    {"a key with a count of unused bits above 7",
     {.spki = "300b 3005 06032b6570 0302 0800"},
     RES_DER},
    {"a key with unused bits that are not zero",
     {.spki = "300b 3005 06032b6570 0302 0101"},
     RES_DER},
    {"an empty key", {.spki = "300a 3005 06032b6570 0301 00"}, RES_OK},
    {"something after the key", {.spki = "300d 3005 06032b6570 0302 0000 0500"}, RES_DER},
    {"unique identifiers", {.ids = "8102 00aa 8202 00bb"}, RES_OK},
    {"unique identifiers the wrong way round", {.ids = "8202 00bb 8102 00aa"}, RES_DER},
    {"a unique identifier in version 1", {.version = "", .ids = "8102 00aa"}, RES_CERT},
    {"an empty unique identifier", {.ids = "8100"}, RES_DER},
    {"a unique identifier of no bits", {.ids = "8101 00"}, RES_OK},
    {"a unique identifier with 48 unused bits", {.ids = "8102 30aa"}, RES_DER},
    {"a unique identifier whose unused bits are not zero", {.ids = "8202 01ab"}, RES_DER},
    {"a unique identifier with an unused bit and none at all", {.ids = "8101 01"}, RES_DER},
    {"one extension", {.extensions = BASIC_CA}, RES_OK},
    {"no extension in [3]", {.extensions = ""}, RES_CERT},
    {"extensions in version 1", {.version = "", .extensions = BASIC_CA}, RES_CERT},
    {"extensions in version 2", {.version = "a003 020101", .extensions = BASIC_CA}, RES_CERT},
    {"the same extension twice",
     {.extensions = POISON BASIC_CA POISON},
     RES_CERT_DUPLICATE_EXTENSION},
    {"something after the extensions in [3]", {.raw3 = "a30b 3007 3005 06012a 0400 0500"}, RES_DER},
    {"something after [3]", {.extensions = BASIC_CA, .tbs_tail = "0500"}, RES_DER},
    {"critical FALSE written out, though DEFAULT",
     {.extensions = "300c 0603551d13 010100 0402 3000"},
     RES_OK},
    {"a BOOLEAN of 03", {.extensions = "300c 0603551d13 010103 0402 3000"}, RES_DER},
    {"an empty BOOLEAN", {.extensions = "300b 0603551d13 0100 0402 3000"}, RES_DER},
    {"an extension without value", {.extensions = "3005 0603551d13"}, RES_DER},
    {"an unknown critical extension of nonsense",
     {.extensions = "300b 06032a0304 0101ff 0401 ff"},
     RES_OK},
    {"basicConstraints: path length 0",
     {.extensions = "3012 0603551d13 0101ff 0408 3006 0101ff 020100"},
     RES_OK},
    {"basicConstraints: a negative path length",
     {.extensions = "3012 0603551d13 0101ff 0408 3006 0101ff 0201ff"},
     RES_CERT},
    {"basicConstraints: something left over",
     {.extensions = "3014 0603551d13 0101ff 040a 3006 0101ff 020100 0500"},
     RES_CERT},
    {"basicConstraints: empty value", {.extensions = "3007 0603551d13 0400"}, RES_CERT},
    {"keyUsage", {.extensions = KU_SIGN}, RES_OK},
    {"keyUsage: an OCTET STRING", {.extensions = "300b 0603551d0f 0404 0402 0186"}, RES_CERT},
    {"keyUsage: trailing zero bits, which DER forbids in a list of named bits",
     {.extensions = "300b 0603551d0f 0404 0302 0080"},
     RES_OK},
    {"extKeyUsage", {.extensions = EKU_EMAIL}, RES_OK},
    {"extKeyUsage: empty", {.extensions = "3009 0603551d25 0402 3000"}, RES_CERT},
    {"extKeyUsage: not an OID", {.extensions = "300b 0603551d25 0404 3002 0500"}, RES_CERT},
    {"a signature with unused bits", {.signature = "0302 01fe"}, RES_CERT},
    {"a signature that is no BIT STRING", {.signature = "0402 00ff"}, RES_DER},
    {"an empty BIT STRING", {.signature = "0300"}, RES_DER},
    {"no signature", {.signature = ""}, RES_DER},
    {"something after the signature", {.tail = "0500"}, RES_DER},
    {"a tag number in the long form", {.tail = "1f2a00"}, RES_DER},
};

static void
rows_have_their_verdict(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX);
    struct guard g;
    guard_init(&g, DER_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cert c;
        mkcert(&rows[i].m, &der);
        enum result got = cert_parse(guard_put(&g, buf_span(&der)), &c);
        if (got != rows[i].want)
            fail_msg("%s: %s, not %s", rows[i].says, result_name(got), result_name(rows[i].want));
    }
    guard_release(&g);
    buf_release(&der);
}

static struct span
field(const struct cert *c, size_t begin, size_t n)
{
    return span_of(c->der.p + begin, n);
}

static void
fields_are_what_stands_there(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX);
    struct cert c;
    mkcert(&(struct mkcert){.extensions = BASIC_CA KU_SIGN EKU_EMAIL POISON}, &der);
    assert_int_equal(cert_parse(buf_span(&der), &c), RES_OK);
    assert_true(span_equal(c.der, buf_span(&der)));
    assert_int_equal(c.version, 3);
    assert_int_equal(c.serial.n, 1);
    assert_int_equal(c.serial.p[0], 1);
    assert_int_equal(c.not_before, 0);
    assert_int_equal(c.not_after, 2524607999);
    assert_int_equal(c.subject.n, 2);
    assert_int_equal(c.issuer.n, 14);
    assert_int_equal(c.spki.n, 44);
    assert_int_equal(c.spki_algorithm.n, 7);
    assert_true(span_equal(c.algorithm, c.tbs_algorithm));
    assert_int_equal(c.signature.n, 1);
    assert_int_equal(c.signature.p[0], 0xff);
    /* The TBS ends where its extensions end; then come algorithm and signature. */
    assert_ptr_equal(c.tbs.p + c.tbs.n, c.extensions.p + c.extensions.n);
    assert_ptr_equal(c.tbs.p + c.tbs.n, c.algorithm.p);
    assert_true(span_equal(c.tbs, field(&c, (size_t)(c.tbs.p - der.p), c.tbs.n)));
    assert_int_equal(c.extension_count, 4);
    assert_true(c.has_basic_constraints && c.is_ca && c.has_key_usage && c.has_eku);
    assert_int_equal(c.key_usage,
                     CERT_KU_DIGITAL_SIGNATURE | CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN);
    assert_true(cert_has_eku(&c, CERT_OID_EMAIL_PROTECTION));
    assert_false(cert_has_eku(&c, CERT_OID_ANY_EKU));
    const struct cert_extension *x = cert_find(&c, CERT_OID_POISON);
    assert_non_null(x);
    assert_true(x->critical);
    assert_int_equal(x->value.n, 2);
    assert_int_equal(x->whole.n, 21);
    assert_null(cert_find(&c, CERT_OID_SCT_LIST));
    buf_release(&der);
}

static void
limits_are_kept(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX);
    struct cert c;
    char list[(CERT_EXTENSIONS_MAX + 1) * 20 + 1];
    for (unsigned n = CERT_EXTENSIONS_MAX; n <= CERT_EXTENSIONS_MAX + 1; n++) {
        for (unsigned i = 0; i < n; i++)
            snprintf(list + 20 * i, 21, "30080602%02x%02x04020500", i + 1, 1);
        mkcert(&(struct mkcert){.extensions = list}, &der);
        assert_int_equal(cert_parse(buf_span(&der), &c),
                         n > CERT_EXTENSIONS_MAX ? RES_TOO_LARGE : RES_OK);
    }
    for (unsigned n = CERT_EKUS_MAX; n <= CERT_EKUS_MAX + 1; n++) {
        int at = snprintf(list, sizeof list, "3081%02x0603551d250481%02x3081%02x", 11 + 3 * n,
                          3 + 3 * n, 3 * n);
        /* Below 128 bytes of content lengths stand in one byte. */
        if (3 * n + 11 < 0x80)
            at = snprintf(list, sizeof list, "30%02x0603551d2504%02x30%02x", 9 + 3 * n, 2 + 3 * n,
                          3 * n);
        for (unsigned i = 0; i < n; i++)
            at += snprintf(list + at, sizeof list - (size_t)at, "0601%02x", i + 1);
        mkcert(&(struct mkcert){.extensions = list}, &der);
        assert_int_equal(cert_parse(buf_span(&der), &c),
                         n > CERT_EKUS_MAX ? RES_TOO_LARGE : RES_OK);
    }
    uint8_t *big = calloc(1, CERT_MAX + 1);
    assert_non_null(big);
    assert_int_equal(cert_parse(span_of(big, CERT_MAX + 1), &c), RES_TOO_LARGE);
    assert_int_equal(cert_parse(span_of(big, CERT_MAX), &c), RES_DER);
    assert_int_equal(cert_parse(span_of(NULL, 0), &c), RES_DER);
    free(big);
    buf_release(&der);
}

static void
deep_nesting_ends(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX);
    struct cert c;
    /* Parameters of n SEQUENCEs inside one another. */
    for (unsigned n = 16; n <= 17; n++) {
        char hex[256];
        int at = snprintf(hex, sizeof hex, "30%02x06032a0304", 5 + 2 * n);
        for (unsigned i = 0; i < n; i++)
            at += snprintf(hex + at, sizeof hex - (size_t)at, "30%02x", 2 * (n - 1 - i));
        mkcert(&(struct mkcert){.algorithm = hex}, &der);
        assert_int_equal(cert_parse(buf_span(&der), &c), n > 16 ? RES_TOO_LARGE : RES_OK);
    }
    buf_release(&der);
}

static void
oid_text_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } oids[] = {
        {"1.3.6.1.5.5.7.3.4", "2b06010505070304"},
        {"1.3.6.1.4.1.11129.2.4.3", "2b06010401d679020403"},
        {"2.5.29.37.0", "551d2500"},
        {"2.999", "8837"},
        {"0.0", "00"},
        {"1.39", "4f"},
        {"", ""},
        {"1", ""},
        {"1.", ""},
        {".1", ""},
        {"1.40", ""},
        {"3.1", ""},
        {"1.3.", ""},
        {"1..3", ""},
        {"1.03", ""},
        {"1.3 ", ""},
        {"1.3.x", ""},
        {"1.-3", ""},
        {"1.3.99999999999999999999", ""},
        {"1.3.6.1.4.1.11129.2.4.3.1.1.1.1.1.1.1.1.1.1", ""},
    };
    struct buf want = BUF_INIT(64);
    uint8_t got[16];
    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++) {
        mkcert_hex(oids[i].hex, &want);
        size_t n = cert_oid_from_text(oids[i].text, got, sizeof got);
        if (!span_equal(span_of(got, n), buf_span(&want)))
            fail_msg("%s reads as %zu bytes", oids[i].text, n);
    }
    buf_release(&want);
}

static void
every_truncation_and_extension_is_refused(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX);
    struct cert c;
    struct guard g;
    guard_init(&g, DER_MAX);
    mkcert(&(struct mkcert){.extensions = BASIC_CA KU_SIGN EKU_EMAIL POISON}, &der);
    for (size_t n = 0; n < der.n; n++)
        assert_int_equal(cert_parse(guard_put(&g, span_of(der.p, n)), &c), RES_DER);
    assert_int_equal(buf_add(&der, span_of("", 1)), RES_OK);
    assert_int_equal(cert_parse(guard_put(&g, buf_span(&der)), &c), RES_DER);
    guard_release(&g);
    buf_release(&der);
}

/* What the files of others come to. */
struct tally {
    struct guard g;
    struct rng rng;
    size_t by_result[RES_BUG + 1];
    size_t files;
};

static bool
inside(struct span whole, struct span part)
{
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* What this parser and libcrypto's both read must be the same. */
static void
agree_with_libcrypto(const char *file, const struct cert *c)
{
    const unsigned char *p = c->der.p;
    struct tm t;
    X509 *x = d2i_X509(NULL, &p, (long)c->der.n);
    if (x == NULL)
        fail_msg("%s: accepted here, refused by libcrypto", file);
    assert_int_equal((int)c->extension_count, X509_get_ext_count(x));
    assert_int_equal((long)c->version, X509_get_version(x) + 1);
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(x), &t), 1);
    assert_int_equal(timegm(&t), c->not_before);
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(x), &t), 1);
    assert_int_equal(timegm(&t), c->not_after);
    unsigned char *spki = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    assert_true(n > 0 && span_equal(c->spki, span_of(spki, (size_t)n)));
    OPENSSL_free(spki);
    const ASN1_BIT_STRING *signature;
    X509_get0_signature(&signature, NULL, x);
    assert_true(span_equal(c->signature, span_of(signature->data, (size_t)signature->length)));
    X509_free(x);
}

/* Bent certificates must be refused or read within their bytes. */
static void
bend(struct tally *t, struct span der)
{
    struct cert c;
    uint8_t *copy = malloc(der.n);
    assert_non_null(copy);
    for (unsigned i = 0; i < 64; i++) {
        memcpy(copy, der.p, der.n);
        copy[rng_next(&t->rng) % der.n] = (uint8_t)rng_next(&t->rng);
        struct span s = guard_put(&t->g, span_of(copy, der.n));
        if (cert_parse(s, &c) != RES_OK)
            continue;
        assert_true(inside(s, c.tbs) && inside(c.tbs, c.issuer) && inside(c.tbs, c.extensions));
        for (size_t k = 0; k < c.extension_count; k++)
            assert_true(inside(c.extensions, c.extension[k].whole));
    }
    free(copy);
}

static void
try_file(void *arg, const char *relative)
{
    struct tally *t = arg;
    struct buf file, der = BUF_INIT(DER_MAX);
    struct cert c;
    testdata_load(relative, &file);
    bool pem = file.n > 0 && memmem(file.p, file.n, "-----BEGIN", 10) != NULL;
    for (size_t i = 0;; i++) {
        if (pem ? !pem_block(buf_span(&file), "CERTIFICATE", i, &der) : i > 0)
            break;
        if (!pem && buf_add(&der, buf_span(&file)) != RES_OK)
            fail_msg("%s is too large", relative);
        struct span s = guard_put(&t->g, buf_span(&der));
        enum result r = cert_parse(s, &c);
        t->by_result[r]++;
        if (r == RES_OK)
            agree_with_libcrypto(relative, &c);
        else
            print_message("%s: %s\n", relative, result_name(r));
        bend(t, buf_span(&der));
        for (size_t n = 0; t->files % 16 == 0 && n < der.n; n++)
            assert_int_not_equal(cert_parse(guard_put(&t->g, span_of(der.p, n)), &c), RES_OK);
        t->files++;
    }
    buf_release(&der);
    buf_release(&file);
}

static void
print_tally(const char *what, const struct tally *t)
{
    print_message("%s: %zu certificates:", what, t->files);
    for (int r = 0; r <= RES_BUG; r++)
        if (t->by_result[r] > 0)
            print_message(" %zu %s", t->by_result[r], result_name((enum result)r));
    print_message("\n");
}

static void
corpora_are_read(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    struct tally t = {.rng = rng_start("corpora_are_read")};
    guard_init(&t.g, DER_MAX);
    testdata_each("corpora", ".pem", try_file, &t);
    testdata_each("corpora", ".crt", try_file, &t);
    print_tally("corpora", &t);
    guard_release(&t.g);
    /* Two of NIST's were damaged in the BIT STRING's count of unused bits. */
    assert_int_equal(t.by_result[RES_OK] + 2, t.files);
    assert_int_equal(t.by_result[RES_CERT], 2);
    assert_true(t.files >= 750);
}

/* Verdicts where this parser is laxer than BoringSSL's, with the reason. */
static const struct {
    const char *file, *why;
} laxer[] = {
    {"authority_key_identifier_not_sequence.pem", "content of an extension not acted on"},
    {"bad_key_usage.pem", "no bit set: a rule for CAs"},
    {"bad_policy_qualifiers.pem", "content of an extension not acted on"},
    {"basic_constraints_path_too_large.pem", "path length is any INTEGER from 0"},
    {"basic_constraints_pathlen_256.pem", "path length is any INTEGER from 0"},
    {"extension_critical_0.pem", "DEFAULT written out"},
    {"issuer_bad_printable_string.pem", "alphabets of strings are not checked"},
    {"name_constraints_bad_ip.pem", "content of an extension not acted on"},
    {"policy_constraints_empty.pem", "content of an extension not acted on"},
    {"policy_qualifiers_empty_sequence.pem", "content of an extension not acted on"},
    {"serial_37_bytes.pem", "long serials are recorded"},
    {"serial_negative.pem", "negative serials are recorded"},
    {"serial_zero.pem", "a serial of zero is recorded"},
    {"serial_zero_padded_21_bytes.pem", "long serials are recorded"},
    {"subject_blank_subjectaltname_not_critical.pem", "a rule for CAs"},
    {"subject_key_identifier_not_octet_string.pem", "content of an extension not acted on"},
    {"subject_not_ascii.pem", "alphabets of strings are not checked"},
    {"subject_not_printable_string.pem", "alphabets of strings are not checked"},
    {"subjectaltname_bad_ip.pem", "content of an extension not acted on"},
    {"subjectaltname_dns_not_ascii.pem", "content of an extension not acted on"},
    {"subjectaltname_general_names_empty_sequence.pem", "content of an extension not acted on"},
    {"subjectaltname_trailing_data.pem", "content of an extension not acted on"},
};

static const struct {
    const char *file, *why;
} stricter[] = {
    {"cert_skeleton.pem", "its TBS is no TBSCertificate; only the outer frame is good"},
    {"failed_signature_algorithm.pem", "the outer algorithm has two parameters"},
    {"signature_algorithm_null.pem", "the algorithm is no SEQUENCE"},
};

static const char *
exception(const char *path, bool accepted)
{
    const char *name = strrchr(path, '/') + 1;
    for (size_t i = 0; accepted && i < sizeof laxer / sizeof *laxer; i++)
        if (strcmp(laxer[i].file, name) == 0)
            return laxer[i].why;
    for (size_t i = 0; !accepted && i < sizeof stricter / sizeof *stricter; i++)
        if (strcmp(stricter[i].file, name) == 0)
            return stricter[i].why;
    return NULL;
}

static void
boringssl_verdicts_are_met(void **state)
{
    (void)state;
    TESTDATA_OR_SKIP();
    cJSON *facts = testdata_json("vectors/5-x509-hostile/boringssl-parse-facts.json");
    const cJSON *f;
    struct buf file, der = BUF_INIT(DER_MAX);
    char path[512];
    size_t tried = 0, same = 0;
    cJSON_ArrayForEach(f, testdata_member(facts, "files"))
    {
        struct cert c;
        snprintf(path, sizeof path, "vectors/5-x509-hostile/%s", testdata_string(f, "file"));
        testdata_load(path, &file);
        if (pem_block(buf_span(&file), "CERTIFICATE", 0, &der)) {
            bool want = testdata_flag(f, "valid");
            enum result r = cert_parse(buf_span(&der), &c);
            const char *why = exception(path, r == RES_OK);
            tried++;
            same += (r == RES_OK) == want;
            if ((r == RES_OK) != want && why == NULL)
                fail_msg("%s: %s", path, result_name(r));
            if ((r == RES_OK) != want)
                print_message("%s: %s here: %s\n", strrchr(path, '/') + 1, result_name(r), why);
        }
        buf_release(&file);
    }
    print_message("boringssl: %zu certificates, %zu with the same verdict\n", tried, same);
    assert_true(tried >= 60 && same >= 40);
    buf_release(&der);
    cJSON_Delete(facts);
}

static void
cost(void **state)
{
    (void)state;
    struct buf der = BUF_INIT(DER_MAX);
    struct cert c;
    struct timespec a, b;
    mkcert(&(struct mkcert){.extensions = BASIC_CA KU_SIGN EKU_EMAIL POISON}, &der);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(cert_parse(buf_span(&der), &c), RES_OK);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    print_message("cert_parse: %.0f ns for %zu bytes\n", ns / 100000, der.n);
    buf_release(&der);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_their_verdict),
        cmocka_unit_test(fields_are_what_stands_there),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(deep_nesting_ends),
        cmocka_unit_test(oid_text_is_read),
        cmocka_unit_test(every_truncation_and_extension_is_refused),
        cmocka_unit_test(corpora_are_read),
        cmocka_unit_test(boringssl_verdicts_are_met),
        cmocka_unit_test(cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
