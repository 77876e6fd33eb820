/*
 * The newest head of a log that its witnesses know: C2SP tlog-witness, "GET <prefix>/<hex
 * sha256(origin)>/checkpoint".
 *
 * Uses client (policy, transport): a program may look at both sides, the log may not.
 */
#ifndef TOOLS_WITNESS_HEAD_H
#define TOOLS_WITNESS_HEAD_H

#include "log/log.h"
#include "merkle/base/buf.h"

/*
 * Asks every witness of DIR/policy for its latest checkpoint of DIR's log and appends the largest
 * to out.  All must have a URL and answer: a witness that cannot be asked may be the one that knows
 * a newer head. RES_CONFIG when the policy names no witness, or one without a URL; RES_UNREACHABLE;
 * RES_CHECKPOINT, RES_NOTE, RES_ORIGIN for an answer that is no checkpoint of this log.  *why says
 * more.  The signatures are the caller's to check.
 */
MUST_CHECK enum result witness_head(const char *dir, struct buf *out, struct log_trouble *why);

#endif
