#include "log/accept/sigalg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PSS_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define SHA256_ID "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
#define MGF1_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
#define BYTES(s) .p = (const uint8_t *)(s), .n = sizeof(s) - 1

/* AlgorithmIdentifiers, byte by byte: RFC 4055 section 3.1. */
static void
reads_algorithms(void **state)
{
    static const struct {
        const char *says;
        struct span in;
        enum result want;
        struct sigalg a;
    } rows[] = {
        {"PSS, all defaults",
         {BYTES("\x30\x0d" PSS_OID "\x30\x00")},
         RES_OK,
         {SIGALG_PSS, SIGALG_SHA1, SIGALG_SHA1, 20}},
        {"PSS, hash alone: MGF1 stays with SHA-1",
         {BYTES("\x30\x1e" PSS_OID "\x30\x11\xa0\x0f" SHA256_ID)},
         RES_OK,
         {SIGALG_PSS, SIGALG_SHA256, SIGALG_SHA1, 20}},
        {"PSS, all four fields",
         {BYTES("\x30\x46" PSS_OID "\x30\x39\xa0\x0f" SHA256_ID
                "\xa1\x1c\x30\x1a" MGF1_OID SHA256_ID "\xa2\x03\x02\x01\x20\xa3\x03\x02\x01\x01")},
         RES_OK,
         {SIGALG_PSS, SIGALG_SHA256, SIGALG_SHA256, 32}},
        {"PSS without parameters", {BYTES("\x30\x0b" PSS_OID)}, RES_CHAIN_SIGNATURE_ALGORITHM, {0}},
        {"PSS with NULL",
         {BYTES("\x30\x0d" PSS_OID "\x05\x00")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"another trailer",
         {BYTES("\x30\x12" PSS_OID "\x30\x05\xa3\x03\x02\x01\x02")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"a negative salt",
         {BYTES("\x30\x12" PSS_OID "\x30\x05\xa2\x03\x02\x01\x80")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"a salt of 512 bytes",
         {BYTES("\x30\x13" PSS_OID "\x30\x06\xa2\x04\x02\x02\x02\x00")},
         RES_OK,
         {SIGALG_PSS, SIGALG_SHA1, SIGALG_SHA1, 512}},
        {"a salt of 513 bytes",
         {BYTES("\x30\x13" PSS_OID "\x30\x06\xa2\x04\x02\x02\x02\x01")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"a mask function that is not MGF1",
         {BYTES("\x30\x1e" PSS_OID "\x30\x11\xa1\x0f" SHA256_ID)},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"a fifth field",
         {BYTES("\x30\x12" PSS_OID "\x30\x05\xa4\x03\x02\x01\x01")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"fields in another order",
         {BYTES("\x30\x17" PSS_OID "\x30\x0a\xa3\x03\x02\x01\x01\xa2\x03\x02\x01\x20")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"something after the parameters",
         {BYTES("\x30\x0f" PSS_OID "\x30\x00\x05\x00")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"ECDSA without parameters",
         {BYTES("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")},
         RES_OK,
         {SIGALG_ECDSA, SIGALG_SHA256, 0, 0}},
        {"ECDSA with NULL",
         {BYTES("\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00")},
         RES_OK,
         {SIGALG_ECDSA, SIGALG_SHA256, 0, 0}},
        {"ECDSA with something else",
         {BYTES("\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x30\x00")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"Ed25519",
         {BYTES("\x30\x05\x06\x03\x2b\x65\x70")},
         RES_OK,
         {SIGALG_ED25519, SIGALG_SHA512, 0, 0}},
        {"Ed25519 with NULL, RFC 8410 section 3",
         {BYTES("\x30\x07\x06\x03\x2b\x65\x70\x05\x00")},
         RES_CHAIN_SIGNATURE_ALGORITHM,
         {0}},
        {"X25519", {BYTES("\x30\x05\x06\x03\x2b\x65\x6e")}, RES_CHAIN_SIGNATURE_ALGORITHM, {0}},
        {"nothing", {BYTES("")}, RES_CHAIN_SIGNATURE_ALGORITHM, {0}},
        {"no OID", {BYTES("\x30\x00")}, RES_CHAIN_SIGNATURE_ALGORITHM, {0}},
        {"cut short", {BYTES("\x30\x05\x06\x03\x2b\x65")}, RES_CHAIN_SIGNATURE_ALGORITHM, {0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sigalg a = {0};

        if (sigalg_parse(rows[i].in, &a) != rows[i].want || a.scheme != rows[i].a.scheme ||
            a.hash != rows[i].a.hash || a.mgf != rows[i].a.mgf || a.salt != rows[i].a.salt) {
            fail_msg("%s", rows[i].says);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_algorithms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
