/*
 * What `cartulary verify` prints, whichever way it proved that a log holds a certificate.
 */
#ifndef TOOLS_PROVED_H
#define TOOLS_PROVED_H

#include "client/inclusion.h"
#include "tools/app.h"

#define PROVED_ISSUER_MISSING                                                                    \
    "the issuer's certificate is missing: add it to the file after the certificate, or name it " \
    "with --trust"
#define PROVED_CAUTION                                                                           \
    "Logged is not trusted: this shows that the certificate is on record, not that it deserves " \
    "belief.\n"

/* Prints that log holds the entry of promise p at index, proved against its head h; how: in a few
 * words, by what.  One JSON object with --json. */
void proved_print(const struct app *a, const char *how, const struct policy_log *log,
                  const struct promise *p, const struct head *h, uint64_t index);

#endif
