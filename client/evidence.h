/*
 * What is kept when a log contradicts itself, in a form that anyone can check without asking the
 * log. The format, and what counts as proved, is in FORMATS.md.
 *
 * Pure but for the buffers' memory.  Uses view (its key lines), head, inclusion, reply, record,
 * directory/statement.
 */
#ifndef CLIENT_EVIDENCE_H
#define CLIENT_EVIDENCE_H

#include "client/directory/statement.h"
#include "client/head.h"
#include "client/inclusion.h"

/* Largest evidence file. */
#define EVIDENCE_MAX (16 * 1024 * 1024)

enum evidence_kind { EVIDENCE_HEADS, EVIDENCE_PROMISE, EVIDENCE_ANSWER, EVIDENCE_DIRECTORY };

/* "heads", "promise", "answer", "directory". */
const char *evidence_kind_name(enum evidence_kind kind);

/* A signed head as it was sent. */
struct evidence_head {
    enum head_form form;
    struct span bytes;
};

/* Append an evidence file to out, which must be empty.  answer may be empty.  Errors of
 * buf_reserve. */
MUST_CHECK enum result evidence_write_heads(const struct policy_log *log, struct evidence_head a,
                                            struct evidence_head b, struct span answer,
                                            struct buf *out);
/* sct: the SignedCertificateTimestamp; entry: what it is about. */
MUST_CHECK enum result evidence_write_promise(const struct policy_log *log, struct span sct,
                                              const struct entry *entry, struct evidence_head head,
                                              struct span answer, struct buf *out);
MUST_CHECK enum result evidence_write_answer(const struct policy_log *log, const char *asked,
                                             struct span answer, enum result why, struct buf *out);
/* Two statements about the log's directory.  Requires log->has_directory. */
MUST_CHECK enum result evidence_write_directory(const struct policy_log *log,
                                                const struct statement_told *a,
                                                const struct statement_told *b, struct buf *out);

enum evidence_verdict {
    EVIDENCE_PROVED,   /* the log's signatures contradict each other */
    EVIDENCE_UNPROVED, /* they may still be reconciled by a proof that is not in the file */
    EVIDENCE_AGREES    /* they do not contradict each other */
};

struct evidence_report {
    enum evidence_kind kind;
    enum evidence_verdict verdict;
    const char *finding;  /* fork, shrank, same-time, not-merged, misplaced; those of statement.h,
                             other-keys; unproved; agrees.  Static */
    struct note_key note; /* the log's Ed25519 key as the file gives it; note.name is the origin */
    struct hash log_id;
    struct head head[2];                /* heads: both; promise: the first */
    struct promise promise;             /* promise only */
    uint64_t mmd_ms;                    /* promise only: the policy's, else what the file says */
    bool mmd_known;                     /* it is the policy's */
    struct statement statement[2];      /* directory only; their bytes are not kept */
    struct note_key feed;               /* directory only: the feed's key as the file gives it */
    uint8_t directory_key[KT_KEY_SIZE]; /* directory only: the Configuration's signature key */
};

/*
 * Reads and checks an evidence file with the keys that it names itself: whether those are the keys
 * of a log that the reader believes in is the caller's question. Errors of record_open; RES_KEY;
 * RES_SIGNATURE and what else head_open and inclusion_check_sct refuse: then the file is no
 * evidence.
 *
 * No log signs its merge delay: not-merged is found only by the one that policy gives for the log
 * with this LogID.  policy may be NULL.
 */
MUST_CHECK enum result evidence_check(struct span text, const struct policy *policy,
                                      struct evidence_report *ret);

#endif
