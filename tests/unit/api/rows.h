/*
 * Rows that a connection is driven with: what comes, and what is said to it.
 *
 * For cmocka tests; see drive.h.
 */
#ifndef TESTS_UNIT_API_ROWS_H
#define TESTS_UNIT_API_ROWS_H

#include "tests/unit/api/drive.h"

struct drive_row {
    const char *says;
    const char *in;
    const char *out; /* what the driver writes down when bodies may be 8 bytes long */
};

/* Drives each of the n rows whole, in pieces of one and two bytes, and split at every place; cut
 * short by a byte it must end when the peer does.  Fails the test that runs. */
void drive_rows(const struct drive_row *rows, size_t n);

#endif
