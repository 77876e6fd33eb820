/*
 * The steps of binary ladders: which proof record holds the VRF proof of a version (FORMATS.md,
 * "Proofs").
 *
 * Pure.  Uses ladder.
 */
#ifndef LOG_DIRECTORY_STEPS_H
#define LOG_DIRECTORY_STEPS_H

#include "merkle/keytrans/ladder.h"

/* The version whose ladder is the first to ask for version x: x belongs to it. */
uint32_t steps_owner(uint32_t x);

/* The versions that belong to u, ascending: the steps of its proof record.  ret has room for
 * LADDER_STEPS_MAX.  Returns how many; it may be none. */
unsigned steps_of(uint32_t u, uint32_t *ret);

#endif
