/*
 * The entry of the audit feed: what binds the directory to the certificate log.  FORMATS.md, "The
 * feed".
 *
 * Entry i of the feed stands for log entry i of the directory.  Pure.  Uses codec, hash.
 */
#ifndef MERKLE_KEYTRANS_FEED_H
#define MERKLE_KEYTRANS_FEED_H

#include "merkle/base/codec.h"
#include "merkle/keytrans/prefix.h"

#define FEED_ENTRY_SIZE 188
/* One addition: vrf_output || commitment */
#define FEED_ADDITION_SIZE 64

struct feed_entry {
    uint64_t timestamp; /* milliseconds: the log entry's */
    struct hash prefix_root;
    struct hash root; /* of the KEYTRANS log tree after this entry */
    uint64_t certificates;
    struct hash certificates_root; /* RFC 6962 */
    uint64_t crls;
    struct hash crls_root; /* RFC 6962 */
    uint32_t additions;
    struct hash
        additions_hash; /* SHA-256 of the additions, sorted by vrf_output, one after the other */
};

/* Reads or writes one entry, FEED_ENTRY_SIZE bytes. */
void feed_entry_get(struct reader *r, struct feed_entry *ret);
void feed_entry_put(struct writer *w, const struct feed_entry *e);

/* Reads or writes one addition. */
void feed_addition_get(struct reader *r, struct prefix_leaf *ret);
void feed_addition_put(struct writer *w, const struct prefix_leaf *leaf);

#endif
