/*
 * The certificates of a file: PEM blocks in order, text and other blocks passed over, or one in
 * DER.
 *
 * No I/O, no clock.  Uses pem, buf, span, result.
 */
#ifndef CLIENT_CERTS_H
#define CLIENT_CERTS_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"

/* Certificates read from one file. */
#define CERTS_MAX 4096
/* Largest PEM file. */
#define CERTS_FILE_MAX (16 * 1024 * 1024)

struct certs {
    struct buf der;     /* all certificates, one after the other, owned */
    struct span *certs; /* n spans into der, owned array */
    size_t n;
};

#define CERTS_INIT ((struct certs){.der = BUF_INIT(CERTS_FILE_MAX)})
void certs_release(struct certs *p);

/*
 * Reads every CERTIFICATE block of text in order; a text that begins with a SEQUENCE (0x30) is one
 * DER certificate.  *ret must be empty.  RES_ENCODING for a block that does not end or is not
 * base64, RES_ABSENT when there is none, RES_TOO_LARGE for more than CERTS_MAX or CERTS_FILE_MAX,
 * RES_MEMORY.
 */
MUST_CHECK enum result certs_parse(struct span text, struct certs *ret);

#endif
