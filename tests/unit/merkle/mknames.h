/*
 * Certificates put together from names, each in its place and as a string of any type.
 *
 * For tests only: aborts on what cannot be.  Uses buf, mkcert.
 */
#ifndef TESTS_UNIT_MERKLE_MKNAMES_H
#define TESTS_UNIT_MERKLE_MKNAMES_H

#include "merkle/base/buf.h"

/* Names in one row. */
#define NAMES_MAX 6

/* Where a name stands; up to SUBJECT_O in the subject, each in a set of its own. */
enum place {
    NOWHERE,
    SUBJECT_EMAIL,
    SUBJECT_MAIL,
    SUBJECT_CN,
    SUBJECT_O,
    SAN_RFC822,
    SAN_UTF8,
    SAN_DIRECTORY_EMAIL,
    SAN_DIRECTORY_MAIL,
    SAN_DIRECTORY_CN,
    SAN_DNS,
    SAN_UPN
};

enum {
    UTF8 = 12,
    OCTETS = 4,
    PRINTABLE = 19,
    T61 = 20,
    IA5 = 22,
    VISIBLE = 26,
    UCS4 = 28,
    UCS2 = 30
};

struct name {
    enum place place;
    unsigned tag; /* of the string; 0: what is usual there */
    const char *text;
    size_t n; /* 0: strlen */
};

/* Makes what stands in *b the content of an element with that tag. */
void mknames_wrap(unsigned tag, struct buf *b);

/* Appends a name as a GeneralName. */
void mknames_general(const struct name *n, struct buf *out);

/*
 * Empties *ret, then writes the certificate with n names, or those before NOWHERE.  san, when it is
 * not NULL, is the value of subjectAltName in hex, in place of the names'.
 */
void mknames(const struct name *names, size_t n, const char *san, struct buf *ret);

/* What stands in b, in hex; the caller frees it. */
char *mknames_hex(const struct buf *b);

#endif
