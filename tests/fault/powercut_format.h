/*
 * The recording that powercut.c makes and replay.c reads: a stream of records, each a fixed head
 * and then bytes, in the machine's own order of bytes; it never leaves the machine.
 */
#ifndef TESTS_FAULT_POWERCUT_FORMAT_H
#define TESTS_FAULT_POWERCUT_FORMAT_H

#include <stdint.h>

enum pc_kind {
    PC_OPEN, /* a file was opened; data: its path; a: 1 when that made it, 2 when that emptied it */
    PC_WRITE,  /* data: what; a: where; b: 1 when through a descriptor opened O_DSYNC or O_SYNC */
    PC_SIZE,   /* ftruncate; a: the size */
    PC_SYNC,   /* a sync has returned; a: the record before which it began */
    PC_RENAME, /* data: from, NUL, to */
    PC_UNLINK, /* data: path */
    PC_ANSWER  /* bytes are about to leave through a socket; data: them */
};

struct pc_record {
    uint32_t kind;
    uint32_t n;    /* bytes that follow */
    uint64_t file; /* inode number */
    uint64_t a, b;
};

#endif
