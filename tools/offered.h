/*
 * What was found and what of it is offered for use, as the subcommands tell and write it.
 */
#ifndef TOOLS_OFFERED_H
#define TOOLS_OFFERED_H

#include "client/directory/offer.h"

/* What --for takes, "encrypt" or "sign"; false for anything else. */
bool offered_purpose(const char *text, enum mailbox_purpose *ret);

/* Prints f's records on stdout, each offered or with the reason why not: some lines each, or the
 * elements of a JSON array.  offered_json returns EXIT_YES, or EXIT_FAULT without memory. */
void offered_print(const struct found *f, const struct offer *offers);
int offered_json(const struct found *f, const struct offer *offers);

/* Appends the certificates that are offered, PEM.  Errors of buf_reserve. */
MUST_CHECK enum result offered_pem(const struct found *f, const struct offer *offers,
                                   struct buf *out);

/* Writes bytes to path ("-": stdout); EXIT_YES, or EXIT_FAULT after saying why not. */
int offered_write(const char *path, struct span bytes);

#endif
