/*
 * What was answered to submissions, as a text file: a line each,
 *
 *   number timestamp leaf-index leaf-hash(hex) signature(base64, DigitallySigned)
 *
 * number counts the leaves of the file they came from, 0 first; the leaf hash is computed here from
 * the certificate, the timestamp and the index, so it is what the log has promised, not what it has
 * stored. Uses merkle/base, merkle/leaf.
 */
#ifndef TESTS_BENCH_HAMMER_RECEIPTS_H
#define TESTS_BENCH_HAMMER_RECEIPTS_H

#include "merkle/tree/hash.h"
#include <stdio.h>

#define RECEIPT_SIGNATURE_MAX 112

struct receipt {
    uint64_t timestamp; /* milliseconds; 0: there was no answer */
    uint64_t index;
    uint8_t signature_n; /* characters of base64 */
    char signature[RECEIPT_SIGNATURE_MAX];
};

/* Reads the JSON of an SCT as add-chain gives it; strict about what it needs, silent about the
 * rest. */
bool receipt_parse(struct span json, struct receipt *ret);

/* The hash of the leaf that the receipt promises for the certificate. */
void receipt_leaf_hash(const struct receipt *r, struct span der, struct hash *ret);

/* Writes and reads a line.  Reading: false at the end or at a line of another form. */
bool receipt_write(FILE *out, uint64_t number, const struct receipt *r, const struct hash *leaf);
bool receipt_read(FILE *in, uint64_t *ret_number, struct receipt *ret, struct hash *ret_leaf);

#endif
