/* What init leaves behind: a policy that the client reads, with the log's own keys in it. */
#include "log/create.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "client/policy.h"
#include "log/config.h"
#include "log/files.h"
#include "log/signer.h"
#include "tests/mint/mint.h"
#include "tests/unit/log/scratch.h"
#include "tests/vectors/check.h"

#define ORIGIN "log.example/test"

static char *roots; /* PEM of one root, owned */

static int
make_roots(void **state)
{
    EVP_PKEY *key = mint_key(MINT_P256);
    X509 *root = mint_root("Root", key);
    BIO *mem = BIO_new(BIO_s_mem());
    char *pem;
    long n;

    (void)state;
    PEM_write_bio_X509(mem, root);
    n = BIO_get_mem_data(mem, &pem);
    roots = strndup(pem, (size_t)n);
    BIO_free(mem);
    X509_free(root);
    EVP_PKEY_free(key);
    return 0;
}

static int
drop_roots(void **state)
{
    (void)state;
    free(roots);
    return 0;
}

/* Makes a log in DIR/log and reads its policy; its directory in dir. */
static struct policy *
create(const char *scratch, bool entries_public, const char *not_after_limit, char dir[static 256])
{
    struct log_trouble why = {""};
    struct create_options o = {.dir = dir,
                               .origin = ORIGIN,
                               .url = "https://log.example",
                               .entries_public = entries_public,
                               .not_after_limit = not_after_limit,
                               .roots_pem = span_str(roots)};
    struct buf text = BUF_INIT(1 << 16);
    char path[300], detail[POLICY_DETAIL_MAX];
    struct policy *p;
    size_t line;

    snprintf(dir, 256, "%.200s/log", scratch);
    if (create_log(&o, &why) != RES_OK)
        fail_msg("%s", why.text);
    snprintf(path, sizeof(path), "%s/policy", dir);
    assert_int_equal(files_read(path, &text), RES_OK);
    if (policy_parse(buf_span(&text), &p, &line, detail) != RES_OK)
        fail_msg("line %zu: %s", line, detail);
    buf_release(&text);
    return p;
}

static void
the_policy_has_the_logs_keys(void **state)
{
    char dir[256];
    struct policy *p = create(*state, true, NULL, dir);
    const struct policy_log *l = policy_log_by_origin(p, span_str(ORIGIN));
    struct signer *s;

    assert_int_equal(policy_logs(p), 1);
    assert_true(policy_quorum_none(p));
    assert_non_null(l);
    assert_int_equal(signer_open(dir, &s), RES_OK);
    assert_memory_equal(l->note.public, signer_note_public(s), 32);
    assert_true(span_equal(p256_key_spki(l->p256), p256_key_spki(signer_public(s))));
    assert_string_equal(l->url, "https://log.example");
    assert_int_equal(l->mmd_ms, 60000);
    assert_true(l->has_directory);
    assert_memory_equal(l->directory.signature_key, signer_directory_public(s), 32);
    assert_memory_equal(l->directory.vrf_key, signer_vrf_public(s), 32);
    assert_memory_equal(l->feed.public, signer_feed_public(s), 32);
    assert_string_equal(l->feed.name, ORIGIN "/feed");
    assert_int_equal(l->delay_ms, 60000);
    signer_close(s);
    policy_free(p);
}

/* Absence in one shard would mean nothing. */
static void
a_log_with_a_window_has_no_directory(void **state)
{
    char dir[256], path[300];
    struct policy *p = create(*state, false, "1800000000", dir);
    struct stat st;

    assert_false(policy_log_by_origin(p, span_str(ORIGIN))->has_directory);
    snprintf(path, sizeof(path), "%s/directory", dir);
    assert_int_not_equal(stat(path, &st), 0);
    policy_free(p);
}

/* Appends the configuration with every line in force that was only offered. */
static void
take_offers(struct span text, struct buf *out)
{
    while (text.n > 0) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p) + 1;
        bool offer = text.p[0] == '#' && memchr(text.p, '=', n) != NULL &&
                     memmem(text.p, n, "highwater", 9) == NULL;
        size_t skip = offer ? 2 : 0;

        assert_int_equal(buf_add(out, span_of(text.p + skip, n - skip)), RES_OK);
        text = span_of(text.p + n, text.n - n);
    }
}

static void
what_the_configuration_offers_is_its_default(void **state)
{
    char dir[256], path[300], detail[CONFIG_TEXT_MAX];
    struct buf text = BUF_INIT(1 << 16), offered = BUF_INIT(1 << 16);
    struct config c, d;
    int line;

    policy_free(create(*state, true, NULL, dir));
    snprintf(path, sizeof(path), "%s/cartulary.conf", dir);
    assert_int_equal(config_load(dir, &c, &line, detail), RES_OK);
    assert_int_equal(files_read(path, &text), RES_OK);
    take_offers(buf_span(&text), &offered);
    assert_int_equal(files_replace(path, buf_span(&offered), 0644), RES_OK);
    if (config_load(dir, &d, &line, detail) != RES_OK)
        fail_msg("line %d: %s", line, detail);
    assert_non_null(memmem(offered.p, offered.n, "\nlookup-rate = ", 15));
    assert_int_equal(d.lookup_rate, c.lookup_rate);
    assert_int_equal(d.lookup_burst, c.lookup_burst);
    assert_int_equal(d.pool, c.pool);
    assert_int_equal(d.connections, c.connections);
    assert_int_equal(d.workers, c.workers);
    assert_int_equal(d.disk_floor, c.disk_floor);
    assert_int_equal(d.scrub_seconds, c.scrub_seconds);
    assert_int_equal(d.policy.allow_any_eku, c.policy.allow_any_eku);
    assert_int_equal(d.policy.allow_no_eku, c.policy.allow_no_eku);
    buf_release(&text);
    buf_release(&offered);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_policy_has_the_logs_keys, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_log_with_a_window_has_no_directory, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(what_the_configuration_offers_is_its_default, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, make_roots, drop_roots);
}
