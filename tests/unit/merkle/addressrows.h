/*
 * The rows of addresses.tsv: a text, the one form of the address in it or the reason why it holds
 * none, and a sentence.
 *
 * For tests only: aborts, with a sentence on stderr, where the file cannot be read.  Uses buf.
 */
#ifndef TESTS_UNIT_MERKLE_ADDRESSROWS_H
#define TESTS_UNIT_MERKLE_ADDRESSROWS_H

#include "merkle/base/buf.h"

/* Rows of which the table has more, or something is wrong with the reader. */
#define ADDRESS_ROWS_MIN 150

struct address_row {
    unsigned line;
    struct buf text; /* as certified; owned by the reader */
    struct buf form; /* empty when reason is not */
    char reason[64]; /* the name of a result, "" when form is not empty */
    char says[256];
};

/* Calls each for every row, in order.  Returns their number. */
typedef void address_row_fn(void *arg, const struct address_row *row);
size_t address_rows_each(address_row_fn *each, void *arg);

#endif
