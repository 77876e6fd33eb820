/*
 * Chains built from a heap of certificates by names: what a submitter does before it submits.
 *
 * From a certificate to one whose subject is its issuer, byte for byte, and so on to a self-signed
 * one.  A chain whose signatures verify goes before one of names alone.  For tests only: aborts
 * when there is no memory.
 */
#ifndef TESTS_UNIT_LOG_PATH_H
#define TESTS_UNIT_LOG_PATH_H

#include "log/accept/chain.h"

struct path_cert {
    char *name;
    struct buf der;
    struct cert cert;
    enum result parsed; /* cert is valid only when this is RES_OK */
    bool is_root;       /* self-issued, and self-signed as far as its key can be used; or set by the
                           caller */
};

struct path_heap {
    struct path_cert *item;
    size_t n, cap;
};

/* Adds a copy of der unless the same bytes are there; requires that no path is in use. */
void path_add(struct path_heap *h, const char *name, struct span der);

/*
 * The chain of item start: certificates from it to a self-signed one, at most CHAIN_MAX + 1.
 * Returns their number; 0 when an issuer is missing.
 */
size_t path_build(const struct path_heap *h, size_t start, struct span chain[static CHAIN_MAX + 1]);

void path_release(struct path_heap *h);

#endif
