/*
 * Certificates in PEM files: RFC 7468.  Text around the blocks is passed over.
 *
 * No I/O, no clock.  Uses text, buf, span, result.
 */
#ifndef CLIENT_PEM_H
#define CLIENT_PEM_H

#include "merkle/base/buf.h"
#include "merkle/base/result.h"

/* Certificates read from one file. */
#define PEM_CERTS_MAX 4096
/* Largest PEM file. */
#define PEM_FILE_MAX (16 * 1024 * 1024)

struct pem {
    struct buf der;     /* all certificates, one after the other, owned */
    struct span *certs; /* n spans into der, owned array */
    size_t n;
};

#define PEM_INIT ((struct pem){.der = BUF_INIT(PEM_FILE_MAX)})
void pem_release(struct pem *p);

/*
 * Reads every CERTIFICATE block of text in order; a text that begins with a SEQUENCE (0x30) is one
 * DER certificate.  *ret must be empty.  RES_ENCODING for a block that does not end or is not
 * base64, RES_ABSENT when there is none, RES_TOO_LARGE for more than PEM_CERTS_MAX or PEM_FILE_MAX,
 * RES_MEMORY.
 */
MUST_CHECK enum result pem_parse(struct span text, struct pem *ret);

#endif
