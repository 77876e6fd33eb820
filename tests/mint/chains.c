#include "tests/mint/chains.h"

#include "tests/mint/mint.h"

#include <assert.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum person { MAILBOX = 1, ORGANIZATION, SPONSOR, INDIVIDUAL };
enum generation { MULTIPURPOSE = 2, STRICT };
enum variant { FINAL, PRECERT, PRECERT_SIGNER, VARIANTS };
enum addresses { ONE, FOUR, NO_ADDRESS, UTF8, ADDRESSES };

#define PROFILES 8
/* From one combination to the next: prime to their number, so that all come, and a few of them are
 * mixed. */
#define STRIDE 401
static_assert(MINT_CHAINS == PROFILES * MINT_KINDS * VARIANTS * ADDRESSES, "all combinations");

static const char *const PERSON[] = {
    [MAILBOX] = "mailbox",
    [ORGANIZATION] = "organization",
    [SPONSOR] = "sponsor",
    [INDIVIDUAL] = "individual",
};
static const char *const GENERATION[] = {[MULTIPURPOSE] = "multipurpose", [STRICT] = "strict"};
static const char *const VARIANT[] = {"final", "precert", "precertsigner"};
static const char *const ADDRESS[] = {"one", "four", "none", "utf8"};

/* One combination, and texts that the descriptions of its leaf point to. */
struct order {
    enum person person;
    enum generation generation;
    enum mint_kind ca;
    enum variant variant;
    enum addresses addresses;
    uint64_t number; /* of the leaf: for its names and serial number */
    char address[4][64];
    char all[300]; /* with commas between */
    char san[400], policy[32], crldp[80], aia[160], cn[80], person_name[2][32];
};

/* What issues, one for each kind of key.  The signer has the root's key: any but the CA's will do,
 * and RSA keys take seconds to make. */
struct authority {
    EVP_PKEY *root_key, *key;
    X509 *root, *ca, *signer;
};

/* Leaves share one key of each of these kinds. */
static const enum mint_kind LEAF_KINDS[] = {MINT_P256, MINT_RSA_2048, MINT_ED25519, MINT_P384};
#define LEAF_KIND_COUNT (sizeof LEAF_KINDS / sizeof LEAF_KINDS[0])

/* Appends formatted text to out, which holds size. */
__attribute__((format(printf, 3, 4))) static void
append(char *out, size_t size, const char *format, ...)
{
    size_t n = strlen(out);
    va_list ap;
    int k;

    va_start(ap, format);
    k = vsnprintf(out + n, size - n, format, ap);
    va_end(ap);
    assert(k >= 0 && (size_t)k < size - n);
}

static void
write_addresses(struct order *o)
{
    size_t n = o->addresses == FOUR ? 4 : o->addresses == NO_ADDRESS ? 0 : 1;
    /* RFC 9598: id-on-SmtpUTF8Mailbox */
    const char *type = o->addresses == UTF8 ? "otherName:1.3.6.1.5.5.7.8.9;UTF8:" : "email:";

    for (size_t i = 0; i < n; i++) {
        const char *comma = i == 0 ? "" : ",";

        append(o->address[i], sizeof o->address[i], "%s.%llu.%zu@%s.example",
               o->addresses == UTF8 ? "\u0434\u00f6e" : "doe", (unsigned long long)o->number, i,
               PERSON[o->person]);
        append(o->all, sizeof o->all, "%s%s", comma, o->address[i]);
        append(o->san, sizeof o->san, "%s%s%s", comma, type, o->address[i]);
    }
}

/* Subject attributes, S/MIME BR 7.1.4.2.2 to 7.1.4.2.6. */
static void
write_subject(struct order *o, struct mint_pair subject[static MINT_PAIRS_MAX])
{
    static const char *const given[] = {"Ada", "Bo\u00eete", "Chidi", "Dorothea", "Eug\u00e8ne"};
    static const char *const family[] = {"Archer", "\u0411\u043e\u0439\u043a\u043e", "Cho",
                                         "Dietz"};
    bool person = o->person == SPONSOR || o->person == INDIVIDUAL;
    size_t n = 0;

    if (o->person != MAILBOX) {
        subject[n++] = (struct mint_pair){"C", "DE"};
    }
    if (o->person == ORGANIZATION || o->person == SPONSOR) {
        subject[n++] = (struct mint_pair){"O", "Muster & S\u00f6hne GmbH"};
        subject[n++] = (struct mint_pair){"organizationIdentifier", "NTRDE-DER3306.HRB12345"};
    }
    if (person) {
        subject[n++] = (struct mint_pair){"GN", given[o->number % 5]};
        subject[n++] = (struct mint_pair){"SN", family[o->number % 4]};
        snprintf(o->cn, sizeof o->cn, "%s %s", given[o->number % 5], family[o->number % 4]);
    } else if (o->person == ORGANIZATION) {
        snprintf(o->cn, sizeof o->cn, "Muster & S\u00f6hne GmbH");
    } else {
        snprintf(o->cn, sizeof o->cn, "%s", o->all[0] != '\0' ? o->address[0] : "mailbox");
    }
    subject[n++] = (struct mint_pair){"CN", o->cn};
    snprintf(o->person_name[0], sizeof o->person_name[0], "%llu", (unsigned long long)o->number);
    subject[n++] = (struct mint_pair){"serialNumber", o->person_name[0]};
    if (o->generation == MULTIPURPOSE && (o->addresses == ONE || o->addresses == FOUR)) {
        subject[n++] = (struct mint_pair){"emailAddress", o->address[0]};
    }
}

/* S/MIME BR 7.1.2.3 e: what a dual use key of that kind may do; an EdDSA key only signs. */
static const char *
key_usage(enum mint_kind leaf, enum generation g)
{
    switch (leaf) {
    case MINT_RSA_2048:
        return g == STRICT ? "critical,digitalSignature,keyEncipherment"
                           : "critical,digitalSignature,keyEncipherment,dataEncipherment";
    case MINT_ED25519:
        return "critical,digitalSignature,nonRepudiation";
    default:
        return "critical,digitalSignature,keyAgreement";
    }
}

static void
write_extensions(struct order *o, enum mint_kind leaf, struct mint_pair ext[static MINT_PAIRS_MAX])
{
    const char *ca = mint_kind_name(o->ca);
    size_t n = 0;

    snprintf(o->policy, sizeof o->policy, "2.23.140.1.5.%u.%u", o->person, o->generation);
    snprintf(o->crldp, sizeof o->crldp, "URI:http://crl.mint.example/%s.crl", ca);
    snprintf(o->aia, sizeof o->aia,
             "caIssuers;URI:http://aia.mint.example/%s.cer,OCSP;URI:http://ocsp.mint.example", ca);
    ext[n++] = (struct mint_pair){"authorityKeyIdentifier", "keyid"};
    ext[n++] = (struct mint_pair){"subjectKeyIdentifier", "hash"};
    ext[n++] = (struct mint_pair){"keyUsage", key_usage(leaf, o->generation)};
    ext[n++] = (struct mint_pair){"extendedKeyUsage", o->generation == STRICT
                                                          ? "emailProtection"
                                                          : "emailProtection,clientAuth"};
    if (o->addresses != NO_ADDRESS) {
        ext[n++] = (struct mint_pair){"subjectAltName", o->san};
    }
    ext[n++] = (struct mint_pair){"certificatePolicies", o->policy};
    ext[n++] = (struct mint_pair){"crlDistributionPoints", o->crldp};
    ext[n++] = (struct mint_pair){"authorityInfoAccess", o->aia};
    if (o->variant != FINAL) {
        ext[n++] = (struct mint_pair){MINT_POISON, MINT_POISON_VALUE};
    }
}

static X509 *
mint_ordered(struct order *o, const struct authority *a, enum mint_kind kind, EVP_PKEY *key)
{
    bool signer = o->variant == PRECERT_SIGNER;
    struct mint_spec s = {.issuer = signer ? a->signer : a->ca,
                          .issuer_key = signer ? a->root_key : a->key,
                          .key = key,
                          .serial = o->number};

    write_addresses(o);
    write_subject(o, s.subject);
    write_extensions(o, kind, s.extension);
    return mint_cert(&s);
}

static void
found_authority(struct authority *a, enum mint_kind kind)
{
    const char *name = mint_kind_name(kind);
    char cn[64];

    a->root_key = mint_key(kind);
    a->key = mint_key(kind);
    snprintf(cn, sizeof cn, "Mint Root %s", name);
    a->root = mint_root(cn, a->root_key);
    snprintf(cn, sizeof cn, "Mint S/MIME CA %s", name);
    a->ca = mint_ca(cn, a->key, a->root, a->root_key);
    snprintf(cn, sizeof cn, "Mint Precertificate Signer %s", name);
    a->signer = mint_precert_signer(cn, a->root_key, a->ca, a->key);
}

static void
close_authority(struct authority *a)
{
    EVP_PKEY_free(a->root_key);
    EVP_PKEY_free(a->key);
    X509_free(a->root);
    X509_free(a->ca);
    X509_free(a->signer);
}

static FILE *
create(const char *dir, const char *name)
{
    char path[4096];
    FILE *f = NULL;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) < sizeof path) {
        f = fopen(path, "w");
    }
    if (f == NULL) {
        perror(path);
    }
    return f;
}

/* Whether everything reached the file. */
static bool
finish(FILE *f)
{
    bool ok = ferror(f) == 0;

    return fclose(f) == 0 && ok;
}

static bool
write_roots(const char *dir, const struct authority a[static MINT_KINDS])
{
    FILE *f = create(dir, "roots.pem");
    bool ok = f != NULL;

    for (size_t i = 0; i < MINT_KINDS && ok; i++) {
        ok = PEM_write_X509(f, a[i].root) == 1;
    }
    return f != NULL && finish(f) && ok;
}

static bool
write_chain(const char *dir, const char *name, const struct authority *a, const struct order *o,
            const X509 *leaf, bool with_root)
{
    FILE *f = create(dir, name);
    bool ok = f != NULL && PEM_write_X509(f, leaf) == 1;

    if (ok && o->variant == PRECERT_SIGNER) {
        ok = PEM_write_X509(f, a->signer) == 1;
    }
    ok = ok && PEM_write_X509(f, a->ca) == 1;
    if (ok && with_root) {
        ok = PEM_write_X509(f, a->root) == 1;
    }
    return f != NULL && finish(f) && ok;
}

/* The combination with that number. */
static struct order
order_of(size_t combination)
{
    struct order o = {.ca = (enum mint_kind)(combination % MINT_KINDS)};

    combination /= MINT_KINDS;
    o.person = (enum person)(1 + combination % 4);
    combination /= 4;
    o.generation = (enum generation)(2 + combination % 2);
    combination /= 2;
    o.variant = (enum variant)(combination % VARIANTS);
    combination /= VARIANTS;
    o.addresses = (enum addresses)(combination % ADDRESSES);
    return o;
}

static bool
write_all(const char *dir, uint64_t seed, size_t count, const struct authority *a,
          EVP_PKEY *const leaf_key[], FILE *index)
{
    bool ok = fputs("file\tprofile\tca_key\tkind\taddresses\n", index) >= 0;

    for (size_t i = 0; i < count && ok; i++) {
        struct order o = order_of((seed + i * STRIDE) % MINT_CHAINS);
        size_t leaf = (i + i / MINT_KINDS) % LEAF_KIND_COUNT;
        char profile[40], name[120];
        X509 *x;

        o.number = seed << 32 | i;
        x = mint_ordered(&o, &a[o.ca], LEAF_KINDS[leaf], leaf_key[leaf]);
        snprintf(profile, sizeof profile, "%s-%s", PERSON[o.person], GENERATION[o.generation]);
        snprintf(name, sizeof name, "chain-%04zu-%s-%s-%s-%s.pem", i, profile, mint_kind_name(o.ca),
                 VARIANT[o.variant], ADDRESS[o.addresses]);
        ok = write_chain(dir, name, &a[o.ca], &o, x, (i ^ i / MINT_KINDS) & 1) &&
             fprintf(index, "%s\t%s\t%s\t%s\t%s\n", name, profile, mint_kind_name(o.ca),
                     VARIANT[o.variant], o.all[0] != '\0' ? o.all : "-") > 0;
        X509_free(x);
    }
    return ok;
}

bool
mint_chains(const char *dir, uint64_t seed, size_t count)
{
    struct authority a[MINT_KINDS];
    EVP_PKEY *leaf_key[LEAF_KIND_COUNT];
    FILE *index = create(dir, "INDEX.tsv");
    bool ok;

    if (index == NULL) {
        return false;
    }
    for (size_t i = 0; i < MINT_KINDS; i++) {
        found_authority(&a[i], (enum mint_kind)i);
    }
    for (size_t i = 0; i < LEAF_KIND_COUNT; i++) {
        leaf_key[i] = mint_key(LEAF_KINDS[i]);
    }
    ok = write_roots(dir, a) && write_all(dir, seed, count, a, leaf_key, index);
    ok = finish(index) && ok;
    for (size_t i = 0; i < MINT_KINDS; i++) {
        close_authority(&a[i]);
    }
    for (size_t i = 0; i < LEAF_KIND_COUNT; i++) {
        EVP_PKEY_free(leaf_key[i]);
    }
    return ok;
}
