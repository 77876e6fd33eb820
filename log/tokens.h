/*
 * Bearer tokens of auditors: DIR/tokens, one "name SHA-256-in-hex" a line, mode 0600.
 *
 * A token is 32 random bytes in hex behind "cartulary_"; it is shown once and only its hash is
 * kept.  Comparison is in constant time over all tokens. Uses files, text, libsodium.
 */
#ifndef LOG_TOKENS_H
#define LOG_TOKENS_H

#include "merkle/base/result.h"
#include "merkle/base/span.h"

#define TOKENS_MAX 256
#define TOKENS_NAME_MAX 64
/* "cartulary_" and 64 digits, with the NUL. */
#define TOKENS_TEXT_MAX 75

struct tokens {
    size_t n;
    struct {
        char name[TOKENS_NAME_MAX];
        uint8_t sha256[32];
    } token[TOKENS_MAX];
};

/* Reads DIR/tokens; a missing file is an empty set.  RES_ENCODING, RES_IO. */
MUST_CHECK enum result tokens_load(const char *dir, struct tokens *ret);

/* Whether the text is one of the tokens. */
bool tokens_match(const struct tokens *t, struct span text);

/* Whether name may name a token: 1 to 63 of [A-Za-z0-9._-]. */
bool tokens_name_ok(const char *name);

/* Makes a token, writes DIR/tokens, gives its text.  RES_EXISTS, RES_VALUE (name), RES_TOO_LARGE,
 * RES_IO. */
MUST_CHECK enum result tokens_add(const char *dir, const char *name,
                                  char ret[static TOKENS_TEXT_MAX]);

/* Takes the named token out.  RES_ABSENT, RES_IO. */
MUST_CHECK enum result tokens_remove(const char *dir, const char *name);

#endif
