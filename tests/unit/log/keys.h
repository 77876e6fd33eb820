/*
 * One key of each kind that is minted, and what it signs.
 *
 * For cmocka tests, which a failure in here fails.
 */
#ifndef TESTS_UNIT_LOG_KEYS_H
#define TESTS_UNIT_LOG_KEYS_H

#include "log/accept/issuer.h"
#include "tests/mint/mint.h"

/* The key of that kind, made when first asked for; borrowed until keys_teardown.  Asked for by one
 * thread at a time. */
EVP_PKEY *key_of(enum mint_kind kind);

/* Frees them: cmocka's teardown of a group. */
int keys_teardown(void **state);

/* The SubjectPublicKeyInfo of key; mint_free. */
struct span spki_of(EVP_PKEY *key);

/* issuer_new of key. */
enum result new_issuer(EVP_PKEY *key, struct issuer **ret);

/* A certificate signed by key with that hash; mint_free. */
struct span signed_by(EVP_PKEY *key, const char *hash, bool pss);

/* issuer_verify of the certificate der. */
enum result verify(const struct issuer *i, struct span der);

#endif
