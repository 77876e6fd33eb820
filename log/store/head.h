/*
 * Head: the signed head as the store keeps it (FORMATS.md).
 *
 * Pure.  Uses store.h (struct store_head), codec, result.
 */
#ifndef LOG_STORE_HEAD_H
#define LOG_STORE_HEAD_H

#include "log/store/store.h"

/* Appends the Head of *h.  Requires h->sth_signature_n >= 1.  Errors of buf_reserve. */
MUST_CHECK enum result head_write(const struct store_head *h, struct buf *out);

/* Reads a Head.  RES_STORE_DAMAGED when it is none, or its size passes NODE_LEAVES_MAX. */
MUST_CHECK enum result head_read(struct span record, struct store_head *ret);

#endif
