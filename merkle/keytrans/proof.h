/*
 * PrefixProof and CombinedTreeProof as bytes.  KEYTRANS, "Tree Proofs".
 *
 * A decoded proof borrows the bytes it was read from: its fields are queues that a consumer takes
 * from, one element at a time.  Vectors count elements, not bytes ("Variable-Length Vectors").
 * Pure; no allocation but the writer's buffer.  Uses codec, prefix.
 */
#ifndef MERKLE_KEYTRANS_PROOF_H
#define MERKLE_KEYTRANS_PROOF_H

#include "merkle/base/codec.h"
#include "merkle/keytrans/prefix.h"

/* timestamps, prefix_proofs and prefix_roots<0..2^8-1> */
#define PROOF_QUEUE_MAX 255

/* n elements in their encoding. */
struct proof_queue {
    struct span bytes;
    unsigned n;
};

struct prefix_proof {
    struct proof_queue results; /* PrefixSearchResult */
    struct span elements;       /* 32 bytes each */
};

struct combined_proof {
    struct proof_queue timestamps;    /* 8 bytes each */
    struct proof_queue prefix_proofs; /* PrefixProof */
    struct proof_queue prefix_roots;  /* 32 bytes each */
    struct span inclusion;            /* InclusionProof's elements, 32 bytes each */
};

/* Reads or writes one PrefixSearchResult; the key, and the leaf of an inclusion, are not part of
 * it. */
void prefix_result_get(struct reader *r, struct prefix_lookup *ret);
void prefix_result_put(struct writer *w, const struct prefix_lookup *l);

/* Reads or writes one PrefixProof.  The reader goes through every result: what it returns is
 * well-formed. */
void prefix_proof_get(struct reader *r, struct prefix_proof *ret);
void prefix_proof_put(struct writer *w, const struct prefix_proof *p);

/* Reads or writes a CombinedTreeProof.  The reader goes through all of it: what it returns is
 * well-formed.  The writer fails with RES_VALUE when a queue is longer than its vector. */
void combined_proof_get(struct reader *r, struct combined_proof *ret);
void combined_proof_put(struct writer *w, const struct combined_proof *p);

#endif
