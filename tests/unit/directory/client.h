/*
 * A client of a test's directory: requests as bytes, and answers verified from their bytes alone,
 * against the view that a client of the tree of `last` entries keeps.
 *
 * What does not follow from an answer and such a view is what the client is said to know of the
 * label already (keys and commitments of the versions an owner or a contact follows); that is taken
 * from the test's model.  For tests only.
 */
#ifndef TESTS_UNIT_DIRECTORY_CLIENT_H
#define TESTS_UNIT_DIRECTORY_CLIENT_H

#include "merkle/keytrans/as_of.h"
#include "merkle/keytrans/contact.h"
#include "merkle/keytrans/heads.h"
#include "merkle/keytrans/owner.h"
#include "tests/unit/directory/testdir.h"

enum client_ask {
    CLIENT_SEARCH, /* for version, or for the greatest */
    CLIENT_ABSENT, /* a search for the greatest that finds none */
    CLIENT_AS_OF,
    CLIENT_CONTACT,
    CLIENT_OWNER_INIT,
    CLIENT_OWNER_MONITOR,
    CLIENT_UPDATE,
    CLIENT_HEADS,
    CLIENT_CREDENTIAL, /* an update for the credential of version, found at terminal in the tree of
                          start entries, for who knows the recent heads */
    CLIENT_ASKS
};

/* A question and, once an answer was verified, what it said. */
struct client {
    enum client_ask ask;
    unsigned label;
    struct kt_optional last;
    struct kt_optional version; /* search: asked for */
    uint64_t time;
    uint64_t start;
    struct contact_map map;
    struct kt_optional greatest; /* owner: known */
    struct kt_optional stop;
    /* what came of it */
    uint64_t size;
    uint32_t found; /* version */
    struct span value;
    uint64_t terminal; /* of a search, or how far an owner came */
    uint64_t position; /* of an update */
    struct as_of as_of;
    struct heads heads;
    uint32_t init[SEARCH_TREE_HEIGHT_MAX];
    unsigned init_n;
};

/* How the directory calls what is asked. */
enum directory_ask client_kind(const struct client *c);

/* The request's bytes, appended. */
void client_request(const struct testdir *t, const struct client *c, struct buf *out);

/* The answer's verdict.  What is to be kept is compared with the model; that it cannot differ when
 * the verdict is RES_OK is asserted.  Values borrow from answer. */
enum result client_verify(struct testdir *t, struct client *c, struct span answer);

#endif
