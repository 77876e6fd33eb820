/* Every chain of the generator is taken, with its root and without, and none once a bit of it is
 * changed. */
#include "log/accept/chain.h"
#include "merkle/base/pem.h"
#include "tests/mint/bench.h"
#include "tests/mint/chains.h"
#include "tests/mint/mintfile.h"
#include "tests/vectors/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/minted-XXXXXX";
static struct roots *roots;
static struct issuer_cache *cache;
static const struct chain_policy *policy; /* as a log has it by default */

static void
load(const char *name, struct buf *text)
{
    char path[300], block[4096];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "r");
    assert_non_null(f);
    buf_clear(text);
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        assert_int_equal(buf_add(text, span_of(block, n)), RES_OK);
    }
    fclose(f);
}

static int
setup(void **state)
{
    static struct chain_policy p;
    struct buf text = BUF_INIT(1 << 20);
    size_t added, line;

    (void)state;
    p = (struct chain_policy){.eku = {CERT_OID_EMAIL_PROTECTION},
                              .eku_count = 1,
                              .not_after_start = INT64_MIN,
                              .not_after_limit = INT64_MAX};
    policy = &p;
    assert_non_null(mkdtemp(dir));
    assert_true(mint_chains(dir, 1, MINT_CHAINS));
    load("roots.pem", &text);
    assert_int_equal(roots_new(&roots), RES_OK);
    assert_int_equal(issuer_cache_new(64, &cache), RES_OK);
    assert_int_equal(roots_add_pem(roots, buf_span(&text), NULL, false, &added, &line), RES_OK);
    assert_int_equal(added, 8);
    buf_release(&text);
    return 0;
}

static int
teardown(void **state)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    char path[600];

    (void)state;
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        unlink(path); /* fails for . and .., as it should */
    }
    closedir(d);
    rmdir(dir);
    roots_unref(roots);
    issuer_cache_free(cache);
    return 0;
}

/* All certificates of a file; returns their number. */
static size_t
load_chain(const char *name, struct buf der[static CHAIN_MAX], struct span chain[static CHAIN_MAX])
{
    struct buf text = BUF_INIT(1 << 20);
    struct pem pem;
    size_t n = 0;

    load(name, &text);
    pem = pem_of(buf_span(&text), PEM_OTHERS_REFUSED);
    while (n < CHAIN_MAX) {
        der[n] = BUF_INIT(CERT_MAX);
        if (pem_next(&pem, &der[n]) != RES_OK) {
            break;
        }
        chain[n] = buf_span(&der[n]);
        n++;
    }
    buf_release(&text);
    return n;
}

/* The chain is taken; then the last bit of each of its signatures but the root's is turned. */
static void
judge(const char *name, enum entry_type type, bool through_signer)
{
    struct buf der[CHAIN_MAX];
    struct span span[CHAIN_MAX];
    size_t n = load_chain(name, der, span);
    struct chain c = CHAIN_INIT;
    struct chain_refusal refusal;
    enum result r = chain_accept(policy, roots, cache, type, span, n, &c, &refusal);
    size_t signatures;

    if (r != RES_OK) {
        fail_msg("%s: %s: %s", name, result_name(r), refusal.detail);
    }
    /* leaf, perhaps a signer, CA, root */
    assert_int_equal(c.issuer_count, through_signer ? 3 : 2);
    signatures = c.issuer_count;
    chain_release(&c);
    for (size_t i = 0; i < signatures; i++) {
        der[i].p[der[i].n - 1] ^= 1;
        r = chain_accept(policy, roots, cache, type, span, n, &c, &refusal);
        if (r != RES_CHAIN_SIGNATURE) {
            fail_msg("%s: a bit of signature %zu: %s", name, i, result_name(r));
        }
        der[i].p[der[i].n - 1] ^= 1;
    }
    r = chain_accept(policy, roots, cache, type == ENTRY_X509 ? ENTRY_PRECERT : ENTRY_X509, span, n,
                     &c, &refusal);
    assert_int_equal(r, type == ENTRY_X509 ? RES_CERT_POISON : RES_CERT_POISONED);
    for (size_t i = 0; i < n; i++) {
        buf_release(&der[i]);
    }
}

static void
all_are_taken(void **state)
{
    struct buf index = BUF_INIT(1 << 20);
    char *line, *save;
    size_t count = 0, by_kind[3] = {0}, utf8 = 0, none = 0;

    (void)state;
    load("INDEX.tsv", &index);
    assert_int_equal(buf_add(&index, span_of("", 1)), RES_OK);
    line = strtok_r((char *)index.p, "\n", &save);
    assert_string_equal(line, "file\tprofile\tca_key\tkind\taddresses");
    while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
        char *field, *name = strtok_r(line, "\t", &field), *kind;
        int k;

        strtok_r(NULL, "\t", &field);
        strtok_r(NULL, "\t", &field);
        kind = strtok_r(NULL, "\t", &field);
        k = strcmp(kind, "final") == 0 ? 0 : strcmp(kind, "precert") == 0 ? 1 : 2;
        judge(name, k == 0 ? ENTRY_X509 : ENTRY_PRECERT, k == 2);
        by_kind[k]++;
        none += strcmp(field, "-") == 0;
        utf8 += strstr(name, "utf8") != NULL;
        count++;
    }
    printf("minted chains: %zu taken: %zu final, %zu precertificates, %zu through a signer\n",
           count, by_kind[0], by_kind[1], by_kind[2]);
    assert_int_equal(count, MINT_CHAINS);
    assert_int_equal(by_kind[0], MINT_CHAINS / 3);
    assert_int_equal(by_kind[2], MINT_CHAINS / 3);
    assert_int_equal(none, MINT_CHAINS / 4);
    assert_int_equal(utf8, MINT_CHAINS / 4);
    buf_release(&index);
}

/* The leaves for load are distinct, and taken under their root. */
static void
leaves_for_load(void **state)
{
    enum { COUNT = 300 };
    char path[300];
    struct issuer *root_key;
    struct cert root;
    struct hash seen[COUNT];
    struct mint_file f;
    struct span leaf;
    FILE *out;
    size_t n = 0;

    (void)state;
    snprintf(path, sizeof path, "%s/leaves", dir);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(mint_bench(out, COUNT, 7));
    fclose(out);
    assert_true(mint_file_open(&f, path));
    assert_int_equal(f.count, COUNT);
    assert_int_equal(cert_parse(f.root, &root), RES_OK);
    assert_int_equal(issuer_new(root.spki, &root_key), RES_OK);
    assert_int_equal(issuer_verify(root_key, &root), RES_OK);
    issuer_unref(root_key);
    while (mint_file_next(&f, &leaf)) {
        struct cert c, ca;
        struct issuer *i;

        assert_int_equal(cert_parse(leaf, &c), RES_OK);
        assert_int_equal(cert_parse(f.intermediate, &ca), RES_OK);
        assert_true(span_equal(c.issuer, ca.subject) && span_equal(ca.issuer, root.subject));
        assert_true(cert_has_eku(&c, CERT_OID_EMAIL_PROTECTION));
        assert_int_equal(issuer_new(ca.spki, &i), RES_OK);
        assert_int_equal(issuer_verify(i, &c), RES_OK);
        issuer_unref(i);
        assert_true(leaf.n > 1100 && leaf.n < 1300);
        hash_sha256(c.serial, &seen[n]);
        for (size_t k = 0; k < n; k++) {
            assert_false(hash_equal(&seen[k], &seen[n]));
        }
        n++;
    }
    assert_int_equal(n, COUNT);
    mint_file_rewind(&f);
    mint_file_skip(&f, COUNT - 1);
    assert_true(mint_file_next(&f, &leaf));
    assert_false(mint_file_next(&f, &leaf));
    mint_file_close(&f);
    mint_file_close(&f);
    assert_int_equal(truncate(path, 100), 0);
    assert_false(mint_file_open(&f, path));
    assert_false(mint_file_open(&f, dir));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_taken),
        cmocka_unit_test(leaves_for_load),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
