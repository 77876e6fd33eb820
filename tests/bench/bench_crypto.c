/* What libcrypto takes for one P-256 signature over a digest, made and checked, with contexts made
 * once: the measure of a submission's cost. */
#include "tests/bench/bench.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

static unsigned char digest[32] = {7}, signature[80];
static size_t signature_n;

static void
sign(void *ctx)
{
    signature_n = sizeof signature;
    BENCH_NEED(EVP_PKEY_sign(ctx, signature, &signature_n, digest, sizeof digest) == 1);
}

static void
verify(void *ctx)
{
    BENCH_NEED(EVP_PKEY_verify(ctx, signature, signature_n, digest, sizeof digest) == 1);
}

int
main(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *s = EVP_PKEY_CTX_new(key, NULL), *v = EVP_PKEY_CTX_new(key, NULL);
    BENCH_NEED(s != NULL && v != NULL && EVP_PKEY_sign_init(s) == 1 &&
               EVP_PKEY_verify_init(v) == 1);
    BENCH_NEED(EVP_PKEY_CTX_set_signature_md(s, EVP_sha256()) == 1);
    BENCH_NEED(EVP_PKEY_CTX_set_signature_md(v, EVP_sha256()) == 1);
    bench("p256_sign", sign, s, 1);
    bench("p256_verify", verify, v, 1);
    EVP_PKEY_CTX_free(s);
    EVP_PKEY_CTX_free(v);
    EVP_PKEY_free(key);
    return 0;
}
