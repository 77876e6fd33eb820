/*
 * VRF outputs for the changes of an epoch, on several threads: what an insertion costs most.
 *
 * Uses change, signer.
 */
#ifndef LOG_DIRECTORY_OUTPUTS_H
#define LOG_DIRECTORY_OUTPUTS_H

#include "log/directory/change.h"
#include "log/signer.h"

/* Threads at most; more would be waited for by the rest of an epoch anyway. */
#define OUTPUTS_THREADS_MAX 16

/* Fills in the outputs that are missing, with up to so many threads besides the caller's.  Errors
 * of signer_vrf_output; a thread that cannot be made is done without. */
MUST_CHECK enum result outputs_make(const struct signer *s, struct change *at, size_t n,
                                    unsigned threads);

#endif
