#include "log/accept/roots.h"

#include "merkle/base/buf.h"
#include "merkle/base/text.h"
#include "tests/mint/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum name { FIRST, TWIN, SECOND, VERSION1, WEAK, NO_CA, NAMES };

static struct span der[NAMES];
static char *pem[NAMES]; /* blocks */

static int
setup(void **state)
{
    EVP_PKEY *a = mint_key(MINT_P256), *b = mint_key(MINT_ED25519), *weak = mint_key(MINT_RSA_1024);
    struct mint_spec v1 = {.key = a, .subject = {{"CN", "v1"}}, .version1 = true};
    struct mint_spec no_ca = {
        .key = a, .subject = {{"CN", "no"}}, .extension = {{"basicConstraints", "CA:FALSE"}}};
    X509 *x[NAMES] = {
        [FIRST] = mint_root("First", a),   [TWIN] = mint_root("First", b),
        [SECOND] = mint_root("Second", b), [VERSION1] = mint_cert(&v1),
        [WEAK] = mint_root("Weak", weak),  [NO_CA] = mint_cert(&no_ca),
    };

    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        struct buf text = BUF_INIT(CERT_MAX);

        der[i] = mint_der(x[i]);
        assert_int_equal(buf_printf(&text, "-----BEGIN CERTIFICATE-----\n"), RES_OK);
        assert_int_equal(text_base64(der[i], &text), RES_OK);
        assert_int_equal(buf_printf(&text, "\n-----END CERTIFICATE-----\n"), RES_OK);
        assert_int_equal(buf_add(&text, span_of("", 1)), RES_OK);
        pem[i] = (char *)text.p;
        X509_free(x[i]);
    }
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
    EVP_PKEY_free(weak);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        mint_free(der[i]);
        free(pem[i]);
    }
    return 0;
}

static struct roots *
new_roots(void)
{
    struct roots *r;

    assert_int_equal(roots_new(&r), RES_OK);
    return r;
}

static void
add(struct roots *r, const char *text, const char *domains, bool verify_only, size_t want)
{
    size_t added, line;

    assert_int_equal(roots_add_pem(r, span_str(text), domains, verify_only, &added, &line), RES_OK);
    assert_int_equal(added, want);
}

/* All of b after a; free. */
static char *
joined(const char *a, const char *b, const char *c)
{
    size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
    char *s = malloc(n);

    assert_non_null(s);
    snprintf(s, n, "%s%s%s", a, b, c);
    return s;
}

static void
finds(void **state)
{
    struct roots *r = new_roots();
    char *text = joined(pem[FIRST], pem[TWIN], pem[SECOND]);
    struct hash h;
    size_t from = 0;

    (void)state;
    add(r, text, NULL, false, 3);
    assert_int_equal(roots_count(r), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct root *root = roots_at(r, i);

        assert_true(span_equal(root->der, der[i])); /* in the order of the file */
        assert_null(root->domains);
        assert_false(root->verify_only);
        assert_int_equal(issuer_verify(root->issuer, &root->cert), RES_OK);
        hash_sha256(der[i], &h);
        assert_true(hash_equal(&h, &root->sha256));
        assert_ptr_equal(roots_by_sha256(r, &h), root);
        h.b[31] ^= 1;
        assert_null(roots_by_sha256(r, &h));
    }
    assert_ptr_equal(roots_by_subject(r, roots_at(r, 1)->cert.subject, &from), roots_at(r, 0));
    assert_int_equal(from, 1);
    assert_ptr_equal(roots_by_subject(r, roots_at(r, 1)->cert.subject, &from), roots_at(r, 1));
    assert_int_equal(from, 2);
    assert_null(roots_by_subject(r, roots_at(r, 1)->cert.subject, &from));
    from = 0;
    assert_ptr_equal(roots_by_subject(r, roots_at(r, 2)->cert.subject, &from), roots_at(r, 2));
    from = 0;
    assert_null(roots_by_subject(r, span_str("First"), &from));
    roots_unref(r);
    free(text);
}

static const struct {
    const char *says;
    const char *before, *after; /* around the block of FIRST */
    enum result want;
    size_t line;
} TEXTS[] = {
    {"one block", "", "", RES_OK, 1},
    {"comments around it", "# a root\nsubject=CN = First\n\n", "the end", RES_OK, 4},
    {"a block without its END", "", "-----BEGIN CERTIFICATE-----\nMA==\n", RES_ENCODING, 4},
    {"a BEGIN inside a block", "-----BEGIN CERTIFICATE-----\n", "", RES_ENCODING, 1},
    {"a private key", "", "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
     RES_ENCODING, 4},
    {"a trusted certificate",
     "-----BEGIN TRUSTED CERTIFICATE-----\nMA==\n-----END TRUSTED CERTIFICATE-----\n", "",
     RES_ENCODING, 1},
    {"a BEGIN of another kind than its END", "",
     "-----BEGIN TRUSTED CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", RES_ENCODING, 4},
    {"base64 that is not canonical", "",
     "-----BEGIN CERTIFICATE-----\nMB==\n-----END CERTIFICATE-----\n", RES_ENCODING, 4},
    {"no base64", "", "-----BEGIN CERTIFICATE-----\n(!)\n-----END CERTIFICATE-----\n", RES_ENCODING,
     4},
    {"an empty block", "", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", RES_ENCODING,
     4},
    {"a block that is no certificate", "",
     "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", RES_DER, 4},
};

static void
reads_pem(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct roots *r = new_roots();
        char *text = joined(TEXTS[i].before, pem[FIRST], TEXTS[i].after);
        size_t added = 9, line = 9;
        enum result res = roots_add_pem(r, span_str(text), NULL, false, &added, &line);

        if (res != TEXTS[i].want || line != TEXTS[i].line ||
            roots_count(r) != (res == RES_OK ? 1 : 0) || added != roots_count(r)) {
            fail_msg("%s: %s in line %zu", TEXTS[i].says, result_name(res), line);
        }
        roots_unref(r);
        free(text);
    }
}

static void
reads_crlf_and_long_lines(void **state)
{
    struct roots *r = new_roots();
    char *text = calloc(3, strlen(pem[SECOND])), *out = text;

    (void)state;
    for (size_t i = 0; pem[SECOND][i] != '\0'; i++) {
        bool inside = i > 28 && i < strlen(pem[SECOND]) - 28;

        if (pem[SECOND][i] == '\n' || (inside && i % 65 == 0)) {
            *out++ = ' ';
            *out++ = '\r';
            *out++ = '\n';
        }
        if (pem[SECOND][i] != '\n') {
            *out++ = pem[SECOND][i];
        }
    }
    add(r, text, NULL, false, 1);
    assert_true(span_equal(roots_at(r, 0)->der, der[SECOND]));
    roots_unref(r);
    free(text);
}

static void
refuses_what_is_no_root(void **state)
{
    struct roots *r = new_roots();
    size_t added, line;
    char *text = joined(pem[SECOND], pem[WEAK], "");

    (void)state;
    add(r, pem[FIRST], NULL, false, 1);
    add(r, pem[VERSION1], NULL, false, 1); /* silent about being a CA */
    add(r, " \r\n\t\n", NULL, false, 0);
    assert_int_equal(roots_add_pem(r, span_str(text), NULL, false, &added, &line), RES_CHAIN_KEY);
    assert_int_equal(line, 4);
    assert_int_equal(roots_add_pem(r, span_str(pem[NO_CA]), NULL, false, &added, &line),
                     RES_CHAIN_CA);
    assert_int_equal(roots_add_pem(r, der[SECOND], NULL, false, &added, &line), RES_ENCODING);
    assert_int_equal(roots_count(r), 2); /* not even SECOND */
    roots_unref(r);
    free(text);
}

static void
updates_flags(void **state)
{
    struct roots *r = new_roots();
    char *twice = joined(pem[FIRST], pem[FIRST], "");
    size_t added, line;

    (void)state;
    add(r, twice, NULL, false, 1);
    add(r, pem[FIRST], "Example.ORG,mail.example", false, 0);
    assert_int_equal(roots_count(r), 1);
    assert_string_equal(roots_at(r, 0)->domains[0], "example.org");
    assert_string_equal(roots_at(r, 0)->domains[1], "mail.example");
    assert_null(roots_at(r, 0)->domains[2]);
    assert_false(roots_at(r, 0)->verify_only);
    assert_int_equal(roots_add_pem(r, span_str(pem[FIRST]), "a.example,,b", true, &added, &line),
                     RES_VALUE);
    assert_false(roots_at(r, 0)->verify_only);
    assert_non_null(roots_at(r, 0)->domains);
    add(r, pem[FIRST], NULL, true, 0);
    assert_null(roots_at(r, 0)->domains);
    assert_true(roots_at(r, 0)->verify_only);
    roots_unref(r);
    free(twice);
}

static void
reload_is_additive(void **state)
{
    struct roots *old = new_roots(), *new = new_roots();
    struct hash first, second;
    const struct root *kept;

    (void)state;
    hash_sha256(der[FIRST], &first);
    hash_sha256(der[SECOND], &second);
    add(old, pem[FIRST], NULL, false, 1);
    add(old, pem[SECOND], "a.example,b.example", false, 1);
    add(new, pem[FIRST], NULL, false, 1);
    assert_int_equal(roots_keep(new, old), RES_OK);
    roots_unref(old); /* copies are kept, not the old ones */
    assert_int_equal(roots_count(new), 2);
    assert_false(roots_by_sha256(new, &first)->verify_only);
    kept = roots_by_sha256(new, &second);
    assert_true(kept->verify_only);
    assert_string_equal(kept->domains[1], "b.example");
    assert_true(span_equal(kept->der, der[SECOND]));
    assert_int_equal(issuer_verify(kept->issuer, &kept->cert), RES_OK);
    roots_unref(new);
}

static void
references(void **state)
{
    struct roots *r = new_roots();
    const struct root *root;

    (void)state;
    add(r, pem[FIRST], NULL, false, 1);
    root = roots_at(r, 0);
    assert_ptr_equal(roots_ref(r), r);
    roots_unref(r);
    assert_true(span_equal(root->der, der[FIRST]));
    roots_unref(r);
    roots_unref(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(reads_pem),
        cmocka_unit_test(reads_crlf_and_long_lines),
        cmocka_unit_test(refuses_what_is_no_root),
        cmocka_unit_test(updates_flags),
        cmocka_unit_test(reload_is_additive),
        cmocka_unit_test(references),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
