/*
 * The prover: makes the proof records of new rows when the machine has nothing better to do, so
 * that look-ups find them.
 *
 * One thread of the lowest priority, row after row.  What was made goes to the builder, who alone
 * writes, and is kept in memory meanwhile.  Uses proofs, versions, builder.
 */
#ifndef LOG_DIRECTORY_PROVER_H
#define LOG_DIRECTORY_PROVER_H

#include "log/directory/builder.h"
#include "log/directory/proofs.h"
#include "log/directory/versions.h"

struct prover;

/* All borrowed.  RES_MEMORY, RES_BUSY. */
MUST_CHECK enum result prover_new(struct shelf *s, struct keyring *k, struct proofs *p,
                                  struct builder *b, struct prover **ret);
void prover_free(struct prover *p); /* NULL does nothing */

MUST_CHECK enum result prover_start(struct prover *p);
void prover_stop(struct prover *p);

/* There are so many rows, all committed.  Any thread. */
void prover_wake(struct prover *p, uint64_t rows);

/* Rows that have been passed: their records are made. */
uint64_t prover_done(const struct prover *p);

#endif
