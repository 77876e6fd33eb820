/*
 * Checking a key directory whole, as it lies on disk: DIR/directory, every byte against every other
 * that follows from it, without private keys and without changing anything.
 *
 * Epoch after epoch is followed as it was made: what is appended to the stream, the rows, both
 * trees over the entries and the prefix tree are computed again from the rows, and compared with
 * what stands.  So every node is looked at once, and no byte of the stream is left out.  States are
 * decrypted, and commitments computed from them; the VRF's proofs are verified.  What is not
 * computed again is which labels and records the certificate log's entries give: that is what
 * making a directory again does (rebuild.h).
 *
 * Of a label whose key was erased, text, States and commitments cannot be checked; all else is.
 * Memory: eight bytes for each label, and one epoch.  One thread; beside a log that serves.  Uses
 * shelf, keyring, recipe, held, store (reading).
 */
#ifndef LOG_DIRECTORY_CHECK_H
#define LOG_DIRECTORY_CHECK_H

#include "log/directory/shelf.h"
#include "log/store/store.h"
#include "log/trouble.h"

struct check_parts {
    const char *path; /* DIR/directory */
    const char *origin;
    uint64_t map_size;
    struct kt_config config;    /* what clients are told: the policy's */
    const uint8_t *feed_public; /* 32 bytes; the policy's too */
    struct store *store;        /* the certificate log's; NULL: nothing is compared with it */
    unsigned proof_every;       /* verify one VRF proof in so many; 1: all; 0: none */
    void (*progress)(void *arg, const char *of_what, uint64_t done, uint64_t of); /* or NULL */
    void (*finding)(void *arg, const char *where, const char *what);
    void *arg;
};

struct check_report {
    uint64_t findings;
    uint64_t size; /* epochs */
    uint64_t versions, labels;
    uint64_t erased; /* of the labels */
    uint64_t proofs; /* that stand */
    struct hash root;
};

/* Findings after which a check ends: a damaged head may count 2^40 rows. */
#define CHECK_FINDINGS_MAX 10000

/* RES_OK whether or not there were findings.  Anything else: it could not be checked, *why says why
 * (RES_STORE_FORMAT, RES_KEY, RES_IO, RES_MEMORY). */
MUST_CHECK enum result check_directory(const struct check_parts *parts, struct check_report *ret,
                                       struct log_trouble *why);

#endif
