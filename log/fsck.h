/*
 * Checking a log's directory whole, without the keys and without changing it.
 *
 * Reads what is on disk: before it begins, the system is asked to drop the store's clean pages, so
 * that what an earlier failed write left in memory only is not taken for sound.  May run beside a
 * serving log. The index is not looked at: it is derived, and built again
 * when it is missing.  Uses audit, store, config.
 */
#ifndef LOG_FSCK_H
#define LOG_FSCK_H

#include "log/trouble.h"
#include "merkle/base/result.h"
#include "merkle/note/key.h"

struct fsck_options {
    const char *dir;
    unsigned sct_every; /* check one SCT signature in so many; 1: all */
    void (*progress)(void *arg, uint64_t done, uint64_t of);
    void (*finding)(void *arg, const char *where, const char *what);
    void *arg;
};

struct fsck_report {
    uint64_t size;
    uint64_t findings;
    uint64_t erased; /* entries of which the leaf hash alone is there */
    struct hash root;
};

/*
 * RES_OK: every byte was read and fits every other; RES_STORE_DAMAGED: there were findings;
 * after 10,000 of them it ends; anything else: it could not be checked, *why says why.
 */
MUST_CHECK enum result fsck_run(const struct fsck_options *o, struct fsck_report *ret,
                                struct log_trouble *why);

/* Reads DIR/log.pub.pem.  RES_ABSENT, RES_KEY, RES_IO. */
MUST_CHECK enum result fsck_public_key(const char *dir, struct p256_key **ret);

/* Reads the Ed25519 key of the first `log` line of DIR/policy.  RES_ABSENT, RES_KEY, RES_IO. */
MUST_CHECK enum result fsck_note_key(const char *dir, struct note_key *ret);

#endif
