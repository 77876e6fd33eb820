/*
 * What a log signs about its key directory, one statement at a time: the bytes that hold it and its
 * proof, what they say once they were verified, and whether two of them contradict each other.
 *
 * Pure but for the buffers' memory.  Uses head, policy, json, merkle/keytrans, merkle/note.
 */
#ifndef CLIENT_DIRECTORY_STATEMENT_H
#define CLIENT_DIRECTORY_STATEMENT_H

#include "client/head.h"
#include "merkle/keytrans/feed.h"

struct json_value; /* client/json.h */

/* Largest statement: an entry, its path, and a checkpoint as large as any head. */
#define STATEMENT_MAX (HEAD_MAX + 4096)

/* The bytes are those of client/FORMATS.md, "Statements of a directory". */
enum statement_kind {
    STATEMENT_KT_HEAD, /* a signed KEYTRANS tree head */
    STATEMENT_ANCHOR,  /* an entry of the feed, in a signed checkpoint of the feed */
    STATEMENT_LOG_HEAD /* a signed head of the certificate log */
};

/* As it was told, nothing verified.  bytes are borrowed. */
struct statement_told {
    enum statement_kind kind;
    enum head_form form; /* of a log head only */
    struct span bytes;
};

struct statement {
    struct statement_told told;
    uint64_t size;           /* of the directory's tree, or of the certificate log */
    struct hash root;        /* of that tree */
    struct feed_entry entry; /* anchor only, as what follows */
    struct span checkpoint;  /* borrowed from the bytes */
    uint64_t feed_size;      /* as it says, with feed_root */
    struct hash feed_root;
};

/* Appends the statement that a KEYTRANS head of that size and root was signed.  Errors of
 * buf_reserve. */
MUST_CHECK enum result statement_put_head(uint64_t size, const struct hash *root,
                                          const uint8_t signature[static 64], struct buf *out);

/* Appends an anchor, from the members of /feed/anchor.  RES_JSON …, RES_ENCODING, RES_TRUNCATED,
 * RES_TOO_LARGE; errors of buf_reserve.  out may then hold a part. */
MUST_CHECK enum result statement_put_anchor(const struct json_value *v, struct buf *out);

/*
 * Verifies a statement with log's keys: its Configuration, its feed's key, its own two.  Witnesses
 * are not asked for: the log's own signature is what binds it.  Requires log->has_directory, but
 * for log heads.
 *
 * RES_TRUNCATED, RES_TRAILING, RES_VALUE for other bytes; RES_NOTE, RES_CHECKPOINT, RES_ORIGIN,
 * RES_SIGNATURE, RES_KEY_UNKNOWN; RES_RANGE, RES_PROOF_LENGTH, RES_ROOT_DIFFERS; those of
 * head_open; RES_MEMORY.
 */
MUST_CHECK enum result statement_open(const struct policy_log *log,
                                      const struct statement_told *told, struct statement *ret);

enum statement_relation {
    STATEMENTS_APART,         /* they say nothing about one thing */
    STATEMENTS_AGREE,         /* they say the same about one thing */
    STATEMENTS_KT_FORK,       /* two KEYTRANS heads of one size */
    STATEMENTS_HEAD_AND_FEED, /* a KEYTRANS head, and another root in the feed's entry */
    STATEMENTS_FEED_FORK,     /* the feed has two entries at one index, two roots of one size, or
                                 says two roots of the certificate log at one size */
    STATEMENTS_FEED_BACK,     /* the feed's time, or its certificates, go back */
    STATEMENTS_LOG_AND_FEED   /* the certificate log's head, and another root in the feed's entry */
};

/* How two statements that were opened with the same keys stand to each other. */
enum statement_relation statement_relate(const struct statement *a, const struct statement *b);

/* "kt-fork", "head-and-feed", "feed-fork", "feed-back", "log-and-feed"; "agrees", "unproved". */
const char *statement_relation_name(enum statement_relation r);

/* Whether r is one of the contradictions. */
bool statement_contradicts(enum statement_relation r);

#endif
