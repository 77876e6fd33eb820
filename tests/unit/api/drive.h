/*
 * Drives a struct conn as a server would and writes down what it said, as one line of text.
 *
 * "GET /a" for a request, "[n]" behind it for a body of n bytes, "!name" for a refusal, "$" for the
 * end, each followed by a blank.  Every request is answered 200 with the body "ok".
 */
#ifndef TESTS_UNIT_API_DRIVE_H
#define TESTS_UNIT_API_DRIVE_H

#include "api/http/conn.h"

struct drive {
    struct conn conn;
    struct conn_options options;
    struct room room;
    uint64_t now;
    size_t n;
    char said[4096];
    size_t out_n;
    char out[65536]; /* what went to the peer, as far as there is room */
};

/* Makes *d ready; bodies may be body_max long.  Release with drive_end. */
void drive_begin(struct drive *d, size_t body_max);

/* Feeds s in pieces of step bytes (0: whole) and answers what comes of it. */
void drive_feed(struct drive *d, struct span s, size_t step);

/* The peer ends its side. */
void drive_eof(struct drive *d);

/* Answers what is there. */
void drive_pump(struct drive *d);

/* Whether the connection has ended. */
bool drive_ended(const struct drive *d);

void drive_end(struct drive *d);

#endif
