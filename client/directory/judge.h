/*
 * What it means for a conversation that an answer of the directory does not hold.
 *
 * No I/O, no clock.  Uses exchange.
 */
#ifndef CLIENT_DIRECTORY_JUDGE_H
#define CLIENT_DIRECTORY_JUDGE_H

#include "client/exchange.h"

/* Ends x for reason r: later when the answer's time is not now's, a fault of this machine, or
 * refused with the answer as evidence; what says, for a person, what did not hold. */
void judge(struct exchange *x, const struct answer *a, const char *path, enum result r,
           const char *what);

#endif
