#include "log/accept/keyalg.h"

#include <string.h>

/* The AlgorithmIdentifiers, as RFC 3279, RFC 5480 and RFC 8410 fix them. */
#define BYTES(...)                                                                       \
    {                                                                                    \
        .p = (const uint8_t[]){__VA_ARGS__}, .n = sizeof((const uint8_t[]){__VA_ARGS__}) \
    }
#define RSA_OID(last) 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last
#define EC_OID 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01

static const struct {
    struct span algorithm;
    enum keyalg kind;
} KEY_ALGORITHMS[] = {
    /* RSA without its NULL is wrong by RFC 3279 section 2.3.1, and harmless */
    {BYTES(0x30, 0x0d, RSA_OID(1), 0x05, 0x00), KEYALG_RSA},
    {BYTES(0x30, 0x0b, RSA_OID(1)), KEYALG_RSA},
    {BYTES(0x30, 0x13, EC_OID, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07),
     KEYALG_EC},
    {BYTES(0x30, 0x10, EC_OID, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22), KEYALG_EC},
    {BYTES(0x30, 0x10, EC_OID, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23), KEYALG_EC},
    {BYTES(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70), KEYALG_ED25519},
    {BYTES(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71), KEYALG_ED448},
};

enum result
keyalg_parse(struct span spki, enum keyalg *ret)
{
    static const uint8_t pss[] = {RSA_OID(10)};
    /* the outer head is 2 to 4 bytes */
    size_t head = spki.n > 1 && spki.p[1] > 0x80 ? 2U + (spki.p[1] & 0x7f) : 2;

    if (spki.n < head + 2) {
        return RES_CHAIN_KEY;
    }
    spki = span_of(spki.p + head, spki.n - head);
    for (size_t i = 0; i < sizeof KEY_ALGORITHMS / sizeof KEY_ALGORITHMS[0]; i++) {
        struct span a = KEY_ALGORITHMS[i].algorithm;

        if (spki.n > a.n && memcmp(spki.p, a.p, a.n) == 0) {
            *ret = KEY_ALGORITHMS[i].kind;
            return RES_OK;
        }
    }
    /* id-RSASSA-PSS may carry parameters, which libcrypto holds signatures to */
    if (spki.n > 2 + sizeof pss && memcmp(spki.p + 2, pss, sizeof pss) == 0) {
        *ret = KEYALG_RSA_PSS;
        return RES_OK;
    }
    return RES_CHAIN_KEY;
}

bool
keyalg_signs(enum keyalg k, enum sigalg_scheme s)
{
    switch (k) {
    case KEYALG_RSA:
        return s == SIGALG_RSA || s == SIGALG_PSS;
    case KEYALG_RSA_PSS:
        return s == SIGALG_PSS;
    case KEYALG_EC:
        return s == SIGALG_ECDSA;
    case KEYALG_ED25519:
        return s == SIGALG_ED25519;
    case KEYALG_ED448:
        return s == SIGALG_ED448;
    }
    return false;
}
