/*
 * VRF outputs for the changes of an epoch, on several threads: what an insertion costs most.
 *
 * Threads begin with the first changes that are offered, while the caller's thread makes the
 * others. One struct outputs is the caller's thread's own.  Uses change, signer.
 */
#ifndef LOG_DIRECTORY_OUTPUTS_H
#define LOG_DIRECTORY_OUTPUTS_H

#include <pthread.h>

#include "log/directory/change.h"
#include "log/signer.h"

/* Threads at most; more would be waited for by the rest of an epoch anyway. */
#define OUTPUTS_THREADS_MAX 16

struct outputs {
    const struct signer *signer;
    struct change *at;
    pthread_t thread[OUTPUTS_THREADS_MAX];
    unsigned threads;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t offered;
    size_t n;           /* changes that are offered */
    size_t next;        /* the first that nobody has taken */
    bool all;           /* no more will come */
    enum result failed; /* the first error */
};

/* Begins with up to so many threads besides the caller's, or none where fewer than a few changes
 * are to come; one that cannot be made is done without.  outputs_end must follow. */
void outputs_begin(struct outputs *o, const struct signer *s, struct change *at, size_t most,
                   unsigned threads);

/* The changes [0, n) of the array are complete but for their outputs; they stay where they are and
 * nobody else changes them until outputs_end.  n does not fall. */
void outputs_offer(struct outputs *o, size_t n);

/* Makes what is left with the caller's thread too and waits for the others; with `abandon` only
 * what is under way is finished.  Errors of signer_vrf_output. */
MUST_CHECK enum result outputs_end(struct outputs *o, bool abandon);

/* All of them at once: fills in the outputs that are missing. */
MUST_CHECK enum result outputs_make(const struct signer *s, struct change *at, size_t n,
                                    unsigned threads);

#endif
