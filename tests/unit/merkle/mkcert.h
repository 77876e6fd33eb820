/*
 * Certificates put together from hex, part by part, so that a test can bend one part and get all
 * lengths around it right.
 *
 * For tests only: aborts on bad hex.  Uses buf, text.
 */
#ifndef TESTS_UNIT_MERKLE_MKCERT_H
#define TESTS_UNIT_MERKLE_MKCERT_H

#include "merkle/base/buf.h"

/* Parts in hex, spaces allowed.  NULL: the default; "": absent. */
struct mkcert {
    const char *version;    /* default [0] v3 */
    const char *serial;     /* default 1 */
    const char *algorithm;  /* inner; default ecdsa-with-SHA256 */
    const char *issuer;     /* default CN=a */
    const char *not_before; /* default UTCTime 700101000000Z */
    const char *not_after;  /* default UTCTime 491231235959Z */
    const char *subject;    /* default empty */
    const char *spki;       /* default Ed25519, zero bytes */
    const char *ids;        /* unique identifiers; default none */
    const char *extensions; /* content of the SEQUENCE in [3]; default none: then no [3] */
    const char *raw3;       /* the whole [3], in place of extensions */
    const char *tbs_tail;   /* after the extensions; default none */
    const char *outer;      /* outer algorithm; default as inner */
    const char *signature;  /* default BIT STRING 00 ff */
    const char *tail;       /* inside the certificate, after the signature; default none */
};

/* Empties *ret, then writes the certificate. */
void mkcert(const struct mkcert *m, struct buf *ret);

/* Empties *ret, then writes hex (spaces allowed). */
void mkcert_hex(const char *hex, struct buf *ret);

#endif
