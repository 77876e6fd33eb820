/*
 * Signed heads of a log: the bytes that it sent, and what they say once every signature was
 * verified.
 *
 * Pure but for the buffers' memory.  Uses policy, json, checkpoint, sct, result.
 */
#ifndef CLIENT_HEAD_H
#define CLIENT_HEAD_H

#include "client/policy.h"
#include "merkle/tree/hash.h"
#include "merkle/tree/node.h"

/* Largest signed head: a checkpoint with a full house of cosignatures. */
#define HEAD_MAX (64 * 1024)

enum head_form {
    HEAD_CHECKPOINT, /* the note of /checkpoint */
    HEAD_STH         /* the JSON body of get-sth */
};

struct head {
    uint64_t timestamp; /* milliseconds since 1970 */
    uint64_t size;
    struct hash root;
};

/* "checkpoint" or "sth". */
const char *head_form_name(enum head_form form);
/* The inverse.  RES_VALUE. */
MUST_CHECK enum result head_form_parse(struct span name, enum head_form *ret);

/*
 * Verifies a signed head of log: both signatures of a checkpoint, the one of an STH.  Requires
 * log->p256 != NULL. policy: its quorum of witnesses must hold, too (a quorum other than `none`
 * refuses every STH, which carries no cosignature); NULL asks for no witnesses. RES_NOTE,
 * RES_CHECKPOINT, RES_JSON… for malformed bytes; RES_ORIGIN, RES_SIGNATURE, RES_KEY_UNKNOWN (a
 * signature is missing, or the quorum does not hold).
 */
MUST_CHECK enum result head_open(const struct policy_log *log, const struct policy *policy,
                                 enum head_form form, struct span bytes, struct head *ret);

enum head_relation {
    HEAD_SAME,   /* the same tree, whatever the timestamps */
    HEAD_OLDER,  /* a is the earlier state: fewer entries, not later in time; a proof must link them
                  */
    HEAD_NEWER,  /* a is the later state; a proof must link them */
    HEAD_FORK,   /* equal sizes, other roots */
    HEAD_SHRANK, /* the later one in time has fewer entries */
    HEAD_SAME_TIME, /* one timestamp, two trees */
};

/* How a stands to b.  The last three are contradictions that need no proof: RFC 6962 sections 3.5
 * and 5.4. */
enum head_relation head_relate(const struct head *a, const struct head *b);

/* "fork", "shrank", "same-time"; for the others a word, too. */
const char *head_relation_name(enum head_relation r);

/* Whether r is one of the contradictions. */
bool head_contradicts(enum head_relation r);

#endif
