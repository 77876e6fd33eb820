/*
 * What a KEYTRANS log answers, as bytes.  KEYTRANS, "User Operations", "Full Tree Head
 * Verification", "Update Format", "Credentials"; FORMATS.md, "Absence", "As of a time", "Erasure".
 *
 * Decoded answers borrow the bytes they were read from; queues are gone through when they are read,
 * so that what comes out is well-formed. Whether any of it is true is not asked here.  Pure.  Uses
 * codec, proof, request.
 */
#ifndef MERKLE_KEYTRANS_RESPONSE_H
#define MERKLE_KEYTRANS_RESPONSE_H

#include "merkle/keytrans/proof.h"
#include "merkle/keytrans/request.h"

/* VRF.Np and Nc of KT_128_SHA256_Ed25519 */
#define KT_VRF_PROOF_SIZE 80
#define KT_OPENING_SIZE 16

/* Versions in one ErasedResponse: what its vector's length can say. */
#define KT_ERASED_MAX 65535

/* FullTreeHead, without an auditor. */
struct full_head {
    bool updated; /* else: the same as before */
    uint64_t size;
    struct span signature;
};

/* BinaryLadderStep. */
struct ladder_step {
    struct span proof; /* KT_VRF_PROOF_SIZE bytes */
    bool has_commitment;
    struct hash commitment;
};

struct search_response {
    struct full_head head;
    uint32_t version; /* on the wire only when the request named none */
    struct span opening;
    struct span value;         /* UpdateValue.value */
    struct proof_queue ladder; /* BinaryLadderStep<0..2^8-1> */
    struct combined_proof proof;
};

/* ContactMonitorResponse, OwnerMonitorResponse, DistinguishedResponse. */
struct proof_response {
    struct full_head head;
    struct combined_proof proof;
};

struct owner_init_response {
    struct full_head head;
    struct proof_queue greatest_versions; /* uint32<0..2^8-1> */
    struct proof_queue ladder;            /* BinaryLadderStep<0..2^16-1> */
    struct combined_proof proof;
};

struct update_response {
    struct full_head head;
    uint64_t position;
    struct proof_queue values; /* LabelValue<0..2^8-1> */
    struct proof_queue info;   /* UpdateInfo<0..2^8-1>: an opening each */
    struct proof_queue ladder; /* BinaryLadderStep<0..2^8-1> */
    struct combined_proof proof;
};

struct credential {
    struct span label;
    uint32_t version;
    struct span opening;
    struct span value;
    struct proof_queue ladder; /* BinaryLadderStep<0..2^8-1> */
    uint64_t position;
    bool provisional;
    struct proof_queue distinguished; /* standard: one PrefixProof */
    struct full_head head;            /* provisional: its TreeHead; updated */
    struct combined_proof search;     /* provisional */
};

/* Ours: the label has no version. */
struct absence_response {
    struct full_head head;
    struct span vrf_proof; /* of version 0; KT_VRF_PROOF_SIZE bytes */
    struct combined_proof proof;
};

/* Ours: what the label was at a time. */
struct as_of_response {
    struct full_head head;
    struct kt_optional version;
    uint64_t first; /* with opening and value on the wire only when there is a version */
    struct kt_optional next;
    struct span opening;
    struct span value;
    struct proof_queue ladder; /* BinaryLadderStep<0..2^8-1> */
    struct combined_proof proof;
};

/* Ours: a version whose value was erased. */
struct erased_version {
    uint32_t version;
    uint64_t entry;
    struct hash output; /* the VRF's */
    struct hash commitment;
};

void full_head_get(struct reader *r, struct full_head *ret);
void full_head_put(struct writer *w, const struct full_head *h);

void ladder_step_get(struct reader *r, struct ladder_step *ret);
void ladder_step_put(struct writer *w, const struct ladder_step *s);

/* A LabelValue or the value of an UpdateValue: opaque<0..2^32-1>. */
struct span label_value_get(struct reader *r);
void label_value_put(struct writer *w, struct span value);

/* with_version: the request named no version, so the answer does. */
void search_response_get(struct reader *r, bool with_version, struct search_response *ret);
void search_response_put(struct writer *w, bool with_version, const struct search_response *a);
void proof_response_get(struct reader *r, struct proof_response *ret);
void proof_response_put(struct writer *w, const struct proof_response *a);
void owner_init_response_get(struct reader *r, struct owner_init_response *ret);
void owner_init_response_put(struct writer *w, const struct owner_init_response *a);
void update_response_get(struct reader *r, struct update_response *ret);
void update_response_put(struct writer *w, const struct update_response *a);
void credential_get(struct reader *r, struct credential *ret);
void credential_put(struct writer *w, const struct credential *c);
void absence_response_get(struct reader *r, struct absence_response *ret);
void absence_response_put(struct writer *w, const struct absence_response *a);
void as_of_response_get(struct reader *r, struct as_of_response *ret);
void as_of_response_put(struct writer *w, const struct as_of_response *a);

/* The versions of an ErasedResponse, 1 to KT_ERASED_MAX, ascending by one and each in a later
 * entry. The queue has erased_version_get read them. */
void erased_response_get(struct reader *r, struct proof_queue *ret);
void erased_version_get(struct reader *r, struct erased_version *ret);
void erased_version_put(struct writer *w, const struct erased_version *v);

/* A CredentialUpdate is a CombinedTreeProof and nothing else: combined_proof_get,
 * combined_proof_put. */

#endif
