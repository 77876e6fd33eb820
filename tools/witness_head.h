/*
 * The newest head of a log that its witnesses know: C2SP tlog-witness, "GET <prefix>/<hex
 * sha256(origin)>/checkpoint".
 *
 * Uses client (policy, transport): a program may look at both sides, the log may not.
 */
#ifndef TOOLS_WITNESS_HEAD_H
#define TOOLS_WITNESS_HEAD_H

#include "log/trouble.h"
#include "merkle/base/buf.h"

/*
 * Asks every witness of DIR/policy for its latest checkpoint of DIR's log and gives the largest
 * in out; of several of that size the newest.  Requires out empty; after a failure it holds nothing
 * of use.  All must have a URL and answer: a witness that cannot be asked may be the one that knows
 * a newer head.  Every answer must bear both of the log's signatures, by the policy's keys, and the
 * cosignature of the witness that was asked.  That shows that the witness has seen the head, not
 * that it is its latest: who answers in its place may send an older one that it cosigned.  The
 * caller bounds how old, by COPY_HEAD_AGE_MS (log/copy.h); https to the witness keeps others out.
 *
 * RES_CONFIG when the policy names no witness, one without a URL, or not both keys of the log;
 * RES_UNREACHABLE, also for an answer other than 200; RES_CHECKPOINT, RES_NOTE, RES_ORIGIN for one
 * that is no checkpoint of this log; RES_KEY_UNKNOWN when a signature is not there, RES_SIGNATURE
 * when it is wrong; RES_CONFLICT when two witnesses hold different trees of one size;
 * RES_TOO_LARGE for a policy longer than POLICY_MAX or a path longer than FILES_PATH_MAX;
 * RES_MEMORY; RES_ABSENT and RES_IO when the configuration or the policy is not there or cannot be
 * read.  *why says more.  Whether the head fits DIR's tree is the caller's to check.
 */
MUST_CHECK enum result witness_head(const char *dir, struct buf *out, struct log_trouble *why);

#endif
