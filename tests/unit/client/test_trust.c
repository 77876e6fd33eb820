/* client/trust: path validation, one defect at a time. */
#include "client/trust.h"

#include <openssl/asn1.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "merkle/base/buf.h"
#include "tests/mint/mint.h"

#define ALICE "alice@good.example"
#define IN_2025 1740000000
#define IN_2027 1800000000 /* everything that the mint makes is valid then */
#define IN_2030 1900000000

static EVP_PKEY *key_root, *key_ca, *key_leaf, *key_other;

/* A path root, CA, leaf; what a row changes of it.  NULL and 0: as it is done. */
struct shape {
    const char *says;
    enum trust_reason want;
    struct mint_pair root_more, ca_basic, ca_usage, ca_more;
    int64_t ca_after, ca_before;
    const char *ca_policy, *san, *utf8, *subject_email, *cn, *leaf_usage, *leaf_purpose;
    struct mint_pair leaf_more;
    int64_t leaf_before, leaf_after;
    const char *hash;    /* of the leaf's signature */
    enum mint_kind kind; /* of the leaf's key, with special */
    bool special, no_anchor, no_issuers, other_signs, flip, precert, ber;
    uint64_t now;
    enum mailbox_purpose purpose;
    const char *address; /* that is asked for */
    bool fold;
};

#define PERMITS(names)                                 \
    {                                                  \
        "nameConstraints", "critical,permitted;" names \
    }
#define EXCLUDES(names)                               \
    {                                                 \
        "nameConstraints", "critical,excluded;" names \
    }
#define UTF8_CONSTRAINT "otherName:1.3.6.1.5.5.7.8.9;UTF8:good.example"
#define UNKNOWN "1.3.6.1.4.1.55555.7"

#define MANY_POLICIES 1100
static char many_policies[MANY_POLICIES * 16];

static void
write_many_policies(void)
{
    size_t n = 0;

    for (unsigned i = 1; i <= MANY_POLICIES; i++)
        n += (size_t)snprintf(many_policies + n, sizeof(many_policies) - n, "%s1.2.3.%u",
                              i > 1 ? "," : "", i);
}

static const struct shape rows[] = {
    {.says = "nothing wrong", .want = TRUST_OK},
    {.says = "an anchor of somebody else", .want = TRUST_NO_PATH, .no_anchor = true},
    {.says = "its issuer is not there", .want = TRUST_NO_PATH, .no_issuers = true},
    {.says = "signed by another key of the same name",
     .want = TRUST_SIGNATURE,
     .other_signs = true},
    {.says = "a bit of it flipped", .want = TRUST_SIGNATURE, .flip = true},

    {.says = "asked before it was valid", .want = TRUST_NOT_YET, .now = IN_2025},
    {.says = "asked after it was valid", .want = TRUST_EXPIRED, .now = IN_2030},
    {.says = "a CA that has expired", .want = TRUST_EXPIRED, .ca_after = IN_2027 - 1000},
    {.says = "a CA that has not, by a second", .want = TRUST_OK, .ca_after = IN_2027 + 1},
    {.says = "a CA to come", .want = TRUST_NOT_YET, .ca_before = IN_2027 + 1000},
    {.says = "a leaf to come", .want = TRUST_NOT_YET, .leaf_before = IN_2027 + 1000},
    {.says = "a leaf that has expired", .want = TRUST_EXPIRED, .leaf_after = IN_2027 - 1000},

    {.says = "an issuer that is no CA", .want = TRUST_CA, .ca_basic = {NULL, "critical,CA:FALSE"}},
    {.says = "an issuer that may not sign certificates",
     .want = TRUST_CA,
     .ca_usage = {NULL, "critical,cRLSign"}},
    {.says = "a root that allows no CA below it",
     .want = TRUST_CA,
     .root_more = {"basicConstraints", "critical,CA:TRUE,pathlen:0"}},
    {.says = "a root that allows one",
     .want = TRUST_OK,
     .root_more = {"basicConstraints", "critical,CA:TRUE,pathlen:1"}},

    {.says = "an issuer with a key usage, and not marked as a CA",
     .want = TRUST_CA,
     .ca_basic = {NULL, ""}},
    {.says = "an issuer that is a CA by a Netscape type only",
     .want = TRUST_CA,
     .ca_basic = {NULL, ""},
     .ca_usage = {NULL, ""},
     .ca_more = {"nsCertType", "emailCA"}},
    {.says = "a CA that demands a policy which the leaf lacks",
     .want = TRUST_POLICY,
     .ca_more = {"policyConstraints", "critical,requireExplicitPolicy:0"}},
    {.says = "a CA that demands none yet",
     .want = TRUST_OK,
     .ca_more = {"policyConstraints", "critical,requireExplicitPolicy:2"}},
    {.says = "a CA that demands a policy, and a leaf that has one of the CA's",
     .want = TRUST_OK,
     .ca_more = {"policyConstraints", "critical,requireExplicitPolicy:0"},
     .ca_policy = "1.3.6.1.4.1.55555.8,2.23.140.1.5.1.3",
     .leaf_more = {"certificatePolicies", "2.23.140.1.5.1.3"}},
    {.says = "a CA that demands a policy, and a leaf that has another",
     .want = TRUST_POLICY,
     .ca_more = {"policyConstraints", "critical,requireExplicitPolicy:0"},
     .ca_policy = "1.3.6.1.4.1.55555.8",
     .leaf_more = {"certificatePolicies", "2.23.140.1.5.1.3"}},
    {.says = "more policies than libcrypto follows, which it calls a lack of memory",
     .want = TRUST_POLICY,
     .ca_policy = "2.5.29.32.0",
     .leaf_more = {"certificatePolicies", many_policies}},
    {.says = "policies that nobody demands",
     .want = TRUST_OK,
     .leaf_more = {"certificatePolicies", "2.23.140.1.5.1.3"}},

    {.says = "a sub-CA bound to its domain",
     .want = TRUST_OK,
     .ca_more = PERMITS("email:good.example")},
    {.says = "a sub-CA bound to another domain",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:bank.example")},
    {.says = "a sub-CA that may not have this domain",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:good.example")},
    {.says = "a sub-CA bound to one mailbox, this one",
     .want = TRUST_OK,
     .ca_more = PERMITS("email:" ALICE)},
    {.says = "a sub-CA bound to one mailbox, another",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:bob@good.example")},
    {.says = "a bound CA, the foreign address only in the subject",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:bank.example"),
     .san = "",
     .subject_email = ALICE},

    {.says = "a bound CA, the foreign address beside one of its own",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:good.example"),
     .san = "email:" ALICE ",email:mallory@evil.example"},
    {.says = "a bound CA, the foreign address in the subject, one of its own in the SAN",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:good.example"),
     .subject_email = "mallory@evil.example"},
    {.says = "bound, not critically",
     .want = TRUST_NAMES,
     .ca_more = {"nameConstraints", "permitted;email:bank.example"}},
    {.says = "bound to the domains below, and this is the one above",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:.good.example")},
    {.says = "bound to the domains below, and this is one",
     .want = TRUST_OK,
     .ca_more = PERMITS("email:.good.example"),
     .san = "email:alice@in.good.example",
     .address = "alice@in.good.example"},
    {.says = "bound to a domain, and this is one below",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:good.example"),
     .san = "email:alice@in.good.example",
     .address = "alice@in.good.example"},
    {.says = "bound in capitals", .want = TRUST_OK, .ca_more = PERMITS("email:GOOD.example")},
    {.says = "an excluded domain below, this is above",
     .want = TRUST_OK,
     .ca_more = EXCLUDES("email:.good.example")},
    {.says = "an excluded domain, spelt with its final dot",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:good.example"),
     .san = "email:alice@good.example."},
    {.says = "all domains below an excluded one, spelt with its final dot",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:.example"),
     .san = "email:alice@good.example."},
    {.says = "a final dot, and another domain excluded",
     .want = TRUST_OK,
     .ca_more = EXCLUDES("email:bank.example"),
     .san = "email:alice@good.example."},
    {.says = "an excluded mailbox, in quotes",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:" ALICE),
     .san = "email:\"alice\"@good.example",
     .address = "\"alice\"@good.example"},
    {.says = "an excluded mailbox, in other capitals, folded",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:ALICE@good.example"),
     .fold = true},
    {.says = "every mailbox excluded",
     .want = TRUST_NAMES,
     .ca_more = {"nameConstraints", "critical,DER:30:06:a1:04:30:02:81:00"}},
    {.says = "an excluded name that nobody can read",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:*.example")},
    {.says = "bound to web servers' names only",
     .want = TRUST_OK,
     .ca_more = PERMITS("DNS:good.example")},

    {.says = "in characters beyond ASCII, bound to its domain",
     .want = TRUST_OK,
     .ca_more = PERMITS("email:good.example"),
     .utf8 = "\303\244lice@good.example",
     .address = "\303\244lice@good.example"},
    {.says = "in characters beyond ASCII, bound to another domain",
     .want = TRUST_NAMES,
     .ca_more = PERMITS("email:bank.example"),
     .utf8 = "\303\244lice@good.example",
     .address = "\303\244lice@good.example"},
    {.says = "in characters beyond ASCII, of an excluded domain",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:good.example"),
     .utf8 = "\303\244lice@good.example",
     .address = "\303\244lice@good.example"},
    {.says = "a domain beyond ASCII, bound to it",
     .want = TRUST_OK,
     .ca_more = PERMITS("email:xn--bcher-kva.example"),
     .utf8 = "\303\244lice@b\303\274cher.example",
     .address = "\303\244lice@xn--bcher-kva.example"},
    {.says = "a domain beyond ASCII, excluded",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:xn--bcher-kva.example"),
     .utf8 = "\303\244lice@b\303\274cher.example",
     .address = "\303\244lice@xn--bcher-kva.example"},
    {.says = "an excluded domain in full-width letters",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:good.example"),
     .utf8 = "\303\244lice@\357\275\207ood.example",
     .address = "\303\244lice@good.example"},
    {.says = "an excluded domain with the full stop of another script",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:good.example"),
     .utf8 = "\303\244lice@good\343\200\202example",
     .address = "\303\244lice@good.example"},
    {.says = "ASCII said as SmtpUTF8Mailbox, of an excluded domain",
     .want = TRUST_NAMES,
     .ca_more = EXCLUDES("email:good.example"),
     .utf8 = ALICE},
    {.says = "constraints on SmtpUTF8Mailbox, which are not defined",
     .want = TRUST_NAMES,
     .ca_more = PERMITS(UTF8_CONSTRAINT)},

    {.says = "a critical extension that nobody knows",
     .want = TRUST_CRITICAL,
     .leaf_more = {UNKNOWN, "critical,DER:05:00"}},
    {.says = "one that is not critical", .want = TRUST_OK, .leaf_more = {UNKNOWN, "DER:05:00"}},
    {.says = "a CA with a critical extension that nobody knows",
     .want = TRUST_CRITICAL,
     .ca_more = {UNKNOWN, "critical,DER:05:00"}},
    {.says = "a precertificate is for no use", .want = TRUST_CRITICAL, .precert = true},

    {.says = "for web servers only", .want = TRUST_EKU, .leaf_purpose = "serverAuth"},
    {.says = "for any purpose", .want = TRUST_OK, .leaf_purpose = "anyExtendedKeyUsage"},
    {.says = "purposes not named", .want = TRUST_OK, .leaf_purpose = ""},
    {.says = "a CA for web servers only",
     .want = TRUST_EKU,
     .ca_more = {"extendedKeyUsage", "serverAuth"}},
    {.says = "a CA for mail",
     .want = TRUST_OK,
     .ca_more = {"extendedKeyUsage", "emailProtection,clientAuth"}},

    {.says = "to sign, by a key that signs", .want = TRUST_OK, .purpose = MAILBOX_SIGN},
    {.says = "to encrypt, to a key that only signs",
     .want = TRUST_KEY_USAGE,
     .purpose = MAILBOX_ENCRYPT},
    {.says = "to encrypt, to a key that agrees",
     .want = TRUST_OK,
     .purpose = MAILBOX_ENCRYPT,
     .leaf_usage = "critical,keyAgreement"},
    {.says = "to sign, by a key that only agrees",
     .want = TRUST_KEY_USAGE,
     .purpose = MAILBOX_SIGN,
     .leaf_usage = "critical,keyAgreement"},
    {.says = "to encrypt, to RSA that transports keys",
     .want = TRUST_OK,
     .purpose = MAILBOX_ENCRYPT,
     .special = true,
     .kind = MINT_RSA_2048,
     .leaf_usage = "critical,keyEncipherment"},
    {.says = "to encrypt, to RSA that may only agree",
     .want = TRUST_KEY_USAGE,
     .purpose = MAILBOX_ENCRYPT,
     .special = true,
     .kind = MINT_RSA_2048,
     .leaf_usage = "critical,keyAgreement"},
    {.says = "to encrypt, usage not named",
     .want = TRUST_OK,
     .purpose = MAILBOX_ENCRYPT,
     .leaf_usage = ""},
    {.says = "to encrypt, to Ed25519, usage not named",
     .want = TRUST_KEY_USAGE,
     .purpose = MAILBOX_ENCRYPT,
     .special = true,
     .kind = MINT_ED25519,
     .leaf_usage = ""},
    {.says = "for either purpose, a key that issues only",
     .want = TRUST_KEY_USAGE,
     .leaf_usage = "critical,cRLSign"},

    {.says = "RSA of 1024 bits", .want = TRUST_WEAK, .special = true, .kind = MINT_RSA_1024},
    {.says = "a signature over SHA-1", .want = TRUST_WEAK, .hash = "SHA1"},

    {.says = "another address", .want = TRUST_ADDRESS, .address = "bob@good.example"},
    {.says = "other capitals", .want = TRUST_ADDRESS, .address = "Alice@good.example"},
    {.says = "other capitals, folded",
     .want = TRUST_OK,
     .address = "Alice@good.example",
     .fold = true},
    {.says = "the domain in other capitals", .want = TRUST_OK, .address = "alice@Good.EXAMPLE"},
    {.says = "certified in other capitals",
     .want = TRUST_ADDRESS,
     .san = "email:ALICE@good.example"},
    {.says = "one of three",
     .want = TRUST_OK,
     .san = "email:a@good.example,email:" ALICE ",email:c@good.example"},
    {.says = "in the subject, when the SAN names no address",
     .want = TRUST_OK,
     .san = "",
     .subject_email = ALICE},
    {.says = "in the subject of a certificate whose SAN names mallory",
     .want = TRUST_ADDRESS,
     .san = "email:mallory@evil.example",
     .subject_email = ALICE},
    {.says = "in the subject, when what the SAN names for mail is no address",
     .want = TRUST_ADDRESS,
     .san = "email:mallory",
     .subject_email = ALICE},
    {.says = "in the subject of a certificate whose SAN names mallory beyond ASCII",
     .want = TRUST_ADDRESS,
     .utf8 = "m\303\244llory@evil.example",
     .subject_email = ALICE},
    {.says = "in the subject, beside a web server in the SAN",
     .want = TRUST_OK,
     .san = "DNS:good.example",
     .subject_email = ALICE},
    {.says = "in the subject, in other capitals",
     .want = TRUST_ADDRESS,
     .san = "",
     .subject_email = "ALICE@good.example"},
    {.says = "in both cases, the other first",
     .want = TRUST_OK,
     .san = "email:ALICE@good.example,email:" ALICE},
    {.says = "in both cases, this first",
     .want = TRUST_OK,
     .san = "email:" ALICE ",email:ALICE@good.example"},
    {.says = "the name in the subject only", .want = TRUST_ADDRESS, .san = "", .cn = ALICE},
    {.says = "a certificate that is only BER", .want = TRUST_MALFORMED, .ber = true},
    {.says = "a name that looks like an address", .want = TRUST_ADDRESS, .san = "DNS:good.example"},
    {.says = "what is no address", .want = TRUST_ADDRESS, .address = "alice"},
};

/* ---- making them ---- */

static const char *
or_else(const char *this, const char *that)
{
    return this ? this : that;
}

static void
add(struct mint_pair ext[static MINT_PAIRS_MAX], const char *type, const char *value)
{
    size_t n = 0;
    while (ext[n].type)
        n++;
    assert_true(n + 1 < MINT_PAIRS_MAX);
    if (value && value[0])
        ext[n] = (struct mint_pair){type, value};
}

static X509 *
root_of(const struct shape *s)
{
    struct mint_spec m = {.key = key_root, .subject = {{"CN", "Root"}}};
    bool basic = s->root_more.type && strcmp(s->root_more.type, "basicConstraints") == 0;
    add(m.extension, "basicConstraints", basic ? s->root_more.value : "critical,CA:TRUE");
    add(m.extension, "keyUsage", "critical,keyCertSign");
    add(m.extension, "subjectKeyIdentifier", "hash");
    return mint_cert(&m);
}

static X509 *
ca_of(const struct shape *s, const X509 *root)
{
    struct mint_spec m = {.key = key_ca,
                          .issuer = root,
                          .issuer_key = key_root,
                          .serial = 1,
                          .not_before = s->ca_before,
                          .not_after = s->ca_after,
                          .subject = {{"CN", "CA"}}};
    add(m.extension, "basicConstraints", or_else(s->ca_basic.value, "critical,CA:TRUE"));
    add(m.extension, "keyUsage", or_else(s->ca_usage.value, "critical,keyCertSign"));
    add(m.extension, "subjectKeyIdentifier", "hash");
    add(m.extension, s->ca_more.type, s->ca_more.value);
    /* As a CA that demands policies does; without, libcrypto 3.0 loses the demand's memory. */
    bool demands = s->ca_more.type && strcmp(s->ca_more.type, "policyConstraints") == 0;
    add(m.extension, "certificatePolicies",
        or_else(s->ca_policy, demands ? "2.23.140.1.5.1.3" : NULL));
    return mint_cert(&m);
}

/* A subjectAltName with one SmtpUTF8Mailbox, as mint_cert takes it. */
static const char *
utf8_san(const char *text, struct buf *out)
{
    unsigned n = (unsigned)strlen(text);
    assert_int_equal(buf_printf(out,
                                "DER:30:%02x:a0:%02x:06:08:2b:06:01:05:05:07:08:09:a0:%02x:0c:%02x",
                                n + 16, n + 14, n + 2, n),
                     RES_OK);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(buf_printf(out, ":%02x", (unsigned char)text[i]), RES_OK);
    return (const char *)out->p;
}

static X509 *
leaf_of(const struct shape *s, EVP_PKEY *key, const X509 *ca)
{
    struct mint_spec m = {
        .key = key,
        .issuer = ca,
        .issuer_key = s->other_signs ? key_other : key_ca,
        .serial = 2,
        .hash = s->hash,
        .not_before = s->leaf_before,
        .not_after = s->leaf_after,
        .subject = {{"CN", or_else(s->cn, "Alice")},
                    {s->subject_email ? "emailAddress" : NULL, s->subject_email}}};
    add(m.extension, "keyUsage", or_else(s->leaf_usage, "critical,digitalSignature"));
    add(m.extension, "extendedKeyUsage", or_else(s->leaf_purpose, "emailProtection"));
    struct buf utf8 = BUF_INIT(512);
    const char *san = s->utf8 ? utf8_san(s->utf8, &utf8) : or_else(s->san, "email:" ALICE);
    add(m.extension, "subjectAltName", san);
    add(m.extension, s->leaf_more.type, s->leaf_more.value);
    if (s->precert)
        add(m.extension, MINT_POISON, MINT_POISON_VALUE);
    X509 *x = mint_cert(&m);
    buf_release(&utf8);
    return x;
}

static enum trust_reason
judge(const struct shape *s)
{
    EVP_PKEY *key = s->special ? mint_key(s->kind) : key_leaf;
    X509 *root = root_of(s), *other = mint_root("Other", key_other), *ca = ca_of(s, root);
    X509 *leaf = leaf_of(s, key, ca);
    struct span der = mint_der(leaf), issuer = mint_der(ca);
    struct span anchor = mint_der(s->no_anchor ? other : root);
    struct trust_anchors *a;
    enum trust_reason reason = TRUST_REASONS;
    uint8_t bytes[16384];
    assert_true(der.n < sizeof(bytes));
    memcpy(bytes, der.p, der.n);
    size_t n = der.n;
    if (s->flip)
        bytes[der.n - 8] ^= 1; /* within the signature */
    if (s->ber) {              /* a length of three octets where two will do */
        assert_int_equal(bytes[1], 0x82);
        memmove(bytes + 3, bytes + 2, n++ - 2);
        bytes[1] = 0x83;
        bytes[2] = 0;
    }
    assert_int_equal(trust_anchors_new(&anchor, 1, &a), RES_OK);
    struct trust_question q = {.leaf = span_of(bytes, n),
                               .issuers = &issuer,
                               .issuers_n = s->no_issuers ? 0 : 1,
                               .now = s->now ? s->now : IN_2027,
                               .purpose = s->purpose ? s->purpose : MAILBOX_BOTH,
                               .address = span_str(or_else(s->address, ALICE)),
                               .fold = s->fold};
    assert_int_equal(trust_validate(a, &q, &reason), RES_OK);
    trust_anchors_free(a);
    mint_free(der);
    mint_free(issuer);
    mint_free(anchor);
    X509_free(leaf);
    X509_free(ca);
    X509_free(root);
    X509_free(other);
    if (s->special)
        EVP_PKEY_free(key);
    return reason;
}

/* ---- tests ---- */

static void
one_defect_at_a_time(void **state)
{
    bool seen[TRUST_REASONS] = {false};
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum trust_reason r = judge(&rows[i]);
        seen[r] = true;
        if (r != rows[i].want) {
            print_error("%s: %s, not %s\n", rows[i].says, trust_reason_name(r),
                        trust_reason_name(rows[i].want));
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    for (int r = 0; r < TRUST_REASONS; r++) /* no CRL is read */
        assert_true(seen[r] || r == TRUST_REVOKED);
}

/* An anchor may be any CA, and what stands above it does not matter then. */
static void
an_anchor_below_the_root(void **state)
{
    const struct shape s = {.says = ""};
    X509 *root = root_of(&s), *ca = ca_of(&s, root), *leaf = leaf_of(&s, key_leaf, ca);
    struct span der = mint_der(leaf), anchor = mint_der(ca);
    struct trust_question q = {
        .leaf = der, .now = IN_2027, .purpose = MAILBOX_BOTH, .address = span_str(ALICE)};
    struct trust_anchors *a;
    enum trust_reason reason;
    (void)state;
    assert_int_equal(trust_anchors_new(&anchor, 1, &a), RES_OK);
    assert_int_equal(trust_validate(a, &q, &reason), RES_OK);
    assert_int_equal(reason, TRUST_OK);
    trust_anchors_free(a);
    /* Nobody believed: nothing validates. */
    assert_int_equal(trust_anchors_new(NULL, 0, &a), RES_OK);
    assert_int_equal(trust_validate(a, &q, &reason), RES_OK);
    assert_int_equal(reason, TRUST_NO_PATH);
    /* A leaf that ends early, goes on too long, is empty. */
    q.leaf = span_of(der.p, der.n - 1);
    assert_int_equal(trust_validate(a, &q, &reason), RES_OK);
    assert_int_equal(reason, TRUST_MALFORMED);
    q.leaf = span_of(NULL, 0);
    assert_int_equal(trust_validate(a, &q, &reason), RES_OK);
    assert_int_equal(reason, TRUST_MALFORMED);
    trust_anchors_free(a);
    mint_free(der);
    mint_free(anchor);
    X509_free(leaf);
    X509_free(ca);
    X509_free(root);
}

/* The issuers come from strangers: rubbish and foreign certificates among them are passed over. */
static void
issuers_from_strangers(void **state)
{
    const struct shape s = {.says = ""};
    X509 *root = root_of(&s), *ca = ca_of(&s, root), *leaf = leaf_of(&s, key_leaf, ca);
    X509 *foreign = mint_root("Foreign", key_other);
    struct span der = mint_der(leaf), anchor = mint_der(root);
    struct span issuers[] = {span_str("rubbish"), span_of(NULL, 0), mint_der(foreign), der,
                             mint_der(ca)};
    struct trust_question q = {.leaf = der,
                               .issuers = issuers,
                               .issuers_n = 5,
                               .now = IN_2027,
                               .purpose = MAILBOX_BOTH,
                               .address = span_str(ALICE)};
    struct trust_anchors *a;
    enum trust_reason reason;
    (void)state;
    assert_int_equal(trust_anchors_new(&anchor, 1, &a), RES_OK);
    assert_int_equal(trust_validate(a, &q, &reason), RES_OK);
    assert_int_equal(reason, TRUST_OK);
    /* A self-signed stranger with a leaf of its own does not become an anchor by being sent. */
    X509 *theirs = mint_leaf(ALICE, key_leaf, foreign, key_other);
    q.leaf = mint_der(theirs);
    assert_int_equal(trust_validate(a, &q, &reason), RES_OK);
    assert_int_equal(reason, TRUST_NO_PATH);
    trust_anchors_free(a);
    mint_free(q.leaf);
    mint_free(der);
    mint_free(anchor);
    mint_free(issuers[2]);
    mint_free(issuers[4]);
    X509_free(theirs);
    X509_free(foreign);
    X509_free(leaf);
    X509_free(ca);
    X509_free(root);
}

static void
anchors_that_are_none(void **state)
{
    struct span rubbish[] = {span_str("rubbish")};
    struct trust_anchors *a = NULL;
    (void)state;
    assert_int_equal(trust_anchors_new(rubbish, 1, &a), RES_CERT);
    assert_null(a);
    assert_int_equal(trust_anchors_new(rubbish, TRUST_ANCHORS_MAX + 1, &a), RES_TOO_LARGE);
    assert_null(a);
    trust_anchors_free(NULL);
}

static void
each_reason_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < TRUST_REASONS; i++) {
        assert_non_null(trust_reason_name((enum trust_reason)i));
        assert_non_null(trust_reason_sentence((enum trust_reason)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(trust_reason_name((enum trust_reason)i),
                                    trust_reason_name((enum trust_reason)j));
    }
}

static int
keys(void **state)
{
    (void)state;
    key_root = mint_key(MINT_P256);
    key_ca = mint_key(MINT_P384);
    key_leaf = mint_key(MINT_P256);
    key_other = mint_key(MINT_P256);
    return 0;
}

static int
no_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(key_root);
    EVP_PKEY_free(key_ca);
    EVP_PKEY_free(key_leaf);
    EVP_PKEY_free(key_other);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_defect_at_a_time),   cmocka_unit_test(an_anchor_below_the_root),
        cmocka_unit_test(issuers_from_strangers), cmocka_unit_test(anchors_that_are_none),
        cmocka_unit_test(each_reason_has_a_name),
    };
    write_many_policies();
    return cmocka_run_group_tests(tests, keys, no_keys);
}
