/*
 * The records of a mailbox's value, as they are printed: what was certified, where the address
 * stands, and what is new.
 */
#ifndef TOOLS_RECORDS_H
#define TOOLS_RECORDS_H

#include <stdbool.h>

#include "merkle/base/result.h"
#include "merkle/base/span.h"
#include "merkle/keytrans/mailbox.h"

/* Prints the records of value (a MailboxState) on stdout: lines, those that stand otherwise in
 * before (empty: nothing stood) marked "new"; or, as JSON, members without braces.  RES_VALUE …
 * when it is no value. */
MUST_CHECK enum result records_print(struct span value, struct span before, bool json);

/* Prints the line of a tombstone: when, why, and how many certificates had been known. */
void records_print_tombstone(const struct mailbox_state *s);

#endif
