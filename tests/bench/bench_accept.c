/* bench_accept LEAVES: parsing a certificate, checking its signature, accepting its chain. */
#include "log/accept/chain.h"
#include "log/accept/issuer.h"
#include "log/accept/roots.h"
#include "merkle/base/text.h"
#include "tests/bench/bench.h"
#include "tests/mint/mintfile.h"

static struct mint_file leaves;
static struct roots *roots;
static struct issuer_cache *cache;
static struct issuer *issuer;
static struct chain_policy policy;
static struct cert parsed;
static struct span current;

static struct span
next_leaf(void)
{
    struct span der;
    while (!mint_file_next(&leaves, &der))
        mint_file_rewind(&leaves);
    return der;
}

static void
parse(void *arg)
{
    (void)arg;
    BENCH_NEED(cert_parse(current, &parsed) == RES_OK);
}

static void
verify(void *arg)
{
    (void)arg;
    BENCH_NEED(issuer_verify(issuer, &parsed) == RES_OK);
}

static void
accept(void *arg)
{
    struct chain c = CHAIN_INIT;
    struct chain_refusal refusal;
    struct span certs[2] = {next_leaf(), leaves.intermediate};
    (void)arg;
    BENCH_NEED(chain_accept(&policy, roots, cache, ENTRY_X509, certs, 2, &c, &refusal) == RES_OK);
    chain_release(&c);
}

static void
add_root(void)
{
    struct buf pem = BUF_INIT(1 << 16);
    size_t added, line;
    BENCH_NEED(buf_printf(&pem, "-----BEGIN CERTIFICATE-----\n") == RES_OK);
    for (size_t at = 0; at < leaves.root.n; at += 48) {
        size_t n = leaves.root.n - at < 48 ? leaves.root.n - at : 48;
        BENCH_NEED(text_base64(span_of(leaves.root.p + at, n), &pem) == RES_OK);
        BENCH_NEED(buf_printf(&pem, "\n") == RES_OK);
    }
    BENCH_NEED(buf_printf(&pem, "-----END CERTIFICATE-----\n") == RES_OK);
    BENCH_NEED(roots_new(&roots) == RES_OK);
    BENCH_NEED(roots_add_pem(roots, buf_span(&pem), NULL, false, &added, &line) == RES_OK);
    buf_release(&pem);
}

int
main(int argc, char **argv)
{
    struct cert ca;
    BENCH_NEED(argc == 2 && mint_file_open(&leaves, argv[1]));
    policy = (struct chain_policy){.eku = {CERT_OID_EMAIL_PROTECTION},
                                   .eku_count = 1,
                                   .not_after_start = INT64_MIN,
                                   .not_after_limit = INT64_MAX};
    add_root();
    BENCH_NEED(issuer_cache_new(64, &cache) == RES_OK);
    BENCH_NEED(cert_parse(leaves.intermediate, &ca) == RES_OK &&
               issuer_new(ca.spki, &issuer) == RES_OK);
    current = next_leaf();
    bench("cert_parse", parse, NULL, 1);
    bench("issuer_verify_p256", verify, NULL, 1);
    bench("chain_accept", accept, NULL, 1);
    issuer_unref(issuer);
    issuer_cache_free(cache);
    roots_unref(roots);
    mint_file_close(&leaves);
    return 0;
}
