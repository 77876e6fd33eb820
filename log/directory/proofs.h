/*
 * Proof records: made, and kept in memory until they stand on disk.
 *
 * A proof costs more than all else in an answer.  It is the same each time, so it is made once: by
 * the prover when nobody waits, or when it is first needed.  Proofs that an address is not there
 * are of use to nobody but who asks again; they have a small table and few places of their own, so
 * that whoever asks for many strangers waits behind himself.
 *
 * Any thread.  Uses signer, steps, keyring.
 */
#ifndef LOG_DIRECTORY_PROOFS_H
#define LOG_DIRECTORY_PROOFS_H

#include "log/directory/keyring.h"
#include "log/directory/rows.h"
#include "log/directory/steps.h"
#include "log/signer.h"

#define PROOF_RECORD_MAX (LADDER_STEPS_MAX * STEP_SIZE)
/* Proof records in memory: those of the newest rows. */
#define PROOFS_KEPT 8192
/* Proofs of absence in memory, and made at once. */
#define PROOFS_ABSENT 4096
#define PROOFS_STRANGERS 2

struct proofs;

/* signer and keys are borrowed. */
MUST_CHECK enum result proofs_new(const struct signer *s, struct keyring *k, struct proofs **ret);
void proofs_free(struct proofs *p); /* NULL does nothing */

/* Makes the record of version u of a label: Steps, into ret; their bytes to *ret_n, 0 when nothing
 * belongs to u.  Errors of signer_vrf_*. */
MUST_CHECK enum result proofs_make(const struct proofs *p, struct span label, uint32_t u,
                                   uint8_t ret[static PROOF_RECORD_MAX], size_t *ret_n);

/* The record of row seq from memory; false when it is not there. */
bool proofs_get(struct proofs *p, uint64_t seq, uint8_t ret[static PROOF_RECORD_MAX],
                size_t *ret_n);
/* Keeps it for a while.  No memory is no loss. */
void proofs_keep(struct proofs *p, uint64_t seq, struct span record);

/* The Step of a version of a label that has none.  RES_BUSY when PROOFS_STRANGERS are being made;
 * errors of signer_vrf_*. */
MUST_CHECK enum result proofs_absent(struct proofs *p, struct span label, uint32_t version,
                                     uint8_t ret[static STEP_SIZE]);

#endif
