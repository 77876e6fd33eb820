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
#include "merkle/leaf/address.h"

/* Prints the records of value (a MailboxState of the label) on stdout: lines, those that stand
 * otherwise in before (empty: nothing stood) marked "new"; or, as JSON, members without braces.
 * They are as the directory's value has them: no certificate was fetched.  RES_VALUE … and nothing
 * printed when it is no value, or a record's address is not one of the label. */
MUST_CHECK enum result records_print(const struct label *label, struct span value,
                                     struct span before, bool json);

/* Prints the line of a tombstone: when, why, and how many certificates had been known. */
void records_print_tombstone(const struct mailbox_state *s);

#endif
