/*
 * PEM blocks out of test data files (RFC 7468, laxly: text around the blocks is skipped).
 *
 * For tests only: aborts, with a sentence on stderr, where a block is not base64.  Uses buf, text,
 * testdata.
 */
#ifndef TESTS_VECTORS_PEM_H
#define TESTS_VECTORS_PEM_H

#include "merkle/base/buf.h"

/*
 * Empties *ret, then appends the bytes of block nth (from 0) of that label ("CERTIFICATE") in text.
 * False when there are not so many.
 */
bool pem_block(struct span text, const char *label, size_t nth, struct buf *ret);

/* The first block of that label in a file, or the whole file when it holds no PEM.  Empties *ret
 * first; aborts when there is PEM but no such block. */
void pem_load(const char *relative, const char *label, struct buf *ret);

#endif
