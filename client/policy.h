/*
 * Whom this client believes, and for what: a C2SP tlog-policy file with our lines behind
 * "#cartulary ". The format, with an example, is in FORMATS.md.
 *
 * Life cycle: policy_parse, any reads (from several threads), policy_free.  Everything it hands out
 * is borrowed from it.  No I/O, no clock.  Uses key, quorum,
 * policy_line, text, buf, result.
 */
#ifndef CLIENT_POLICY_H
#define CLIENT_POLICY_H

#include "merkle/base/buf.h"
#include "merkle/keytrans/config.h"
#include "merkle/keytrans/vrf.h"
#include "merkle/note/key.h"

/* tlog-policy asks for at least 32 of each. */
#define POLICY_MAX (1024 * 1024)
#define POLICY_LOGS_MAX 64
#define POLICY_WITNESSES_MAX 64
#define POLICY_GROUPS_MAX 64
#define POLICY_MEMBERS_MAX 64
#define POLICY_ANCHORS_MAX 64
#define POLICY_URL_MAX 256
#define POLICY_DETAIL_MAX 256

/* Default of `mmd`, seconds; its bound. */
#define POLICY_MMD_DEFAULT 60
#define POLICY_MMD_MAX 604800
/* Default of `directory-delay`, seconds; its bound. */
#define POLICY_DELAY_DEFAULT 60
#define POLICY_DELAY_MAX 3600

struct policy_log {
    struct note_key note;     /* its Ed25519 key; note.name is the origin */
    struct p256_key *p256;    /* its RFC 6962 key, owned; NULL when the policy gives no ct-key */
    struct note_key rfc6962;  /* the same as a note key; valid when p256 is not NULL */
    char url[POLICY_URL_MAX]; /* without trailing slash; empty when not given */
    uint64_t mmd_ms;
    bool static_ct;     /* heads come from /checkpoint */
    bool has_directory; /* the next four are valid */
    struct kt_config directory;
    struct vrf_public vrf; /* its VRF key, validated */
    struct note_key feed;  /* of the audit feed */
    uint64_t delay_ms;     /* between an SCT and its certificate's presence in the directory */
    size_t line;           /* of its `log` line */
};

struct policy_witness {
    struct note_key key;
    char url[POLICY_URL_MAX];
};

struct policy; /* logs, witnesses, groups, quorum, anchors */

/*
 * Reads a policy.  On failure *ret_line is the line (from 1; 0 when it is about the whole file) and
 * detail says, in a sentence, what is wrong there. RES_CONFIG for anything the text forbids,
 * RES_TOO_LARGE beyond the limits above, RES_MEMORY.
 */
MUST_CHECK enum result policy_parse(struct span text, struct policy **ret, size_t *ret_line,
                                    char detail[static POLICY_DETAIL_MAX]);
void policy_free(struct policy *p); /* NULL does nothing */

size_t policy_logs(const struct policy *p);
/* Requires i < policy_logs(p). */
const struct policy_log *policy_log(const struct policy *p, size_t i);
/* The log with that RFC 6962 log id, or that origin; NULL when the policy names none. */
const struct policy_log *policy_log_by_id(const struct policy *p, const struct hash *log_id);
const struct policy_log *policy_log_by_origin(const struct policy *p, struct span origin);

size_t policy_witnesses(const struct policy *p);
const struct policy_witness *policy_witness(const struct policy *p, size_t i);

/* Whether the quorum is `none`. */
bool policy_quorum_none(const struct policy *p);

/* Whether the quorum holds when exactly the witnesses with witnessed[i] cosigned.  witnessed has
 * policy_witnesses(p) elements. */
bool policy_quorum_met(const struct policy *p, const bool *witnessed);

/* The DER certificates of `anchor` lines. */
size_t policy_anchors(const struct policy *p);
struct span policy_anchor(const struct policy *p, size_t i);

#endif
