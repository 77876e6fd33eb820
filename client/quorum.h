/*
 * Which witnesses must have cosigned: named witnesses, groups of them with a threshold, and the one
 * name that is the quorum, as tlog-policy has them.
 *
 * A group names witnesses and groups of earlier lines only, and each is a member once, so that the
 * groups are trees. Life cycle: all zeros, quorum_name_witness
 * and quorum_take… line by line, then questions. Names are
 * borrowed from the lines' text.  No memory of its own, no I/O.  Uses policy_line, text.
 */
#ifndef CLIENT_QUORUM_H
#define CLIENT_QUORUM_H

#include "client/policy_line.h"

enum quorum_kind { QUORUM_NONE, QUORUM_WITNESS, QUORUM_GROUP };

/* A witness or group by its number. */
struct quorum_ref {
    enum quorum_kind kind;
    size_t i;
};

struct quorum_name {
    struct span name;
    struct quorum_ref ref;
    bool member; /* already in a group */
};

struct quorum_group {
    struct quorum_ref member[POLICY_MEMBERS_MAX];
    size_t n;
    uint64_t threshold; /* 1 <= threshold <= n */
};

struct quorum {
    struct quorum_group group[POLICY_GROUPS_MAX];
    size_t groups;
    struct quorum_name name[POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX];
    size_t names;
    struct quorum_ref root; /* QUORUM_NONE: `quorum none`, or no quorum line yet */
    bool given;             /* there was a quorum line */
};

/* Each: RES_CONFIG, with the line's sentence written, for what tlog-policy or a limit forbids. */

/* Names witness number i, i < POLICY_WITNESSES_MAX. */
MUST_CHECK enum result quorum_name_witness(struct quorum *q, struct policy_line *l,
                                           struct span name, size_t i);

/* Takes the line: group <name> all|any|<k> <name>... */
MUST_CHECK enum result quorum_take_group(struct quorum *q, struct policy_line *l);

/* Takes the line: quorum <name>. */
MUST_CHECK enum result quorum_take(struct quorum *q, struct policy_line *l);

/* Whether the quorum holds when exactly the witnesses with witnessed[i] cosigned.  witnessed has an
 * element for each witness that was named. */
bool quorum_met(const struct quorum *q, const bool *witnessed);

#endif
