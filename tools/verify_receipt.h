/*
 * `cartulary verify --receipt`: finds a receipt of a certificate in a file, and verifies it without
 * asking anyone.
 */
#ifndef TOOLS_VERIFY_RECEIPT_H
#define TOOLS_VERIFY_RECEIPT_H

#include "client/subject.h"
#include "tools/app.h"

/* Tries the receipts in the file at path (one a line) until one verifies for the chain's first
 * certificate; says what came of it.  EXIT_YES, EXIT_NO, or EXIT_INPUT when there is nothing to
 * verify. */
int verify_receipts(const struct app *a, const struct subject_chain *chain, const char *path);

#endif
