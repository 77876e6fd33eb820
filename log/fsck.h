/*
 * Checking a log's directory whole, without the keys and without changing it.
 *
 * Reads what is on disk: before it begins, the system is asked to drop the store's clean pages, so
 * that what an earlier failed write left in memory only is not taken for sound.  May run beside a
 * serving log.  An index that is missing is no damage: it is derived, and built again.  Uses audit,
 * store, config, fsck_directory.
 */
#ifndef LOG_FSCK_H
#define LOG_FSCK_H

#include "log/directory/check.h"
#include "log/directory/rebuild.h"
#include "log/trouble.h"
#include "merkle/base/result.h"
#include "merkle/note/key.h"

struct fsck_options {
    const char *dir;
    unsigned sct_every;   /* check one SCT signature in so many; 1: all */
    unsigned proof_every; /* the same of the directory's VRF proofs; 0: none */
    /* of_what: "entries", then "epochs" and "labels" of the directory */
    void (*progress)(void *arg, const char *of_what, uint64_t done, uint64_t of);
    void (*finding)(void *arg, const char *where, const char *what);
    void *arg;
    bool log_alone;   /* fsck_run: leaves the directory out */
    struct span feed; /* fsck_rebuild: rebuild.h has both */
    bool old_unreadable;
};

struct fsck_report {
    uint64_t size;
    uint64_t findings; /* in all */
    uint64_t erased;   /* entries of which the leaf hash alone is there */
    struct hash root;
    bool has_directory;
    struct check_report directory;
};

/*
 * RES_OK: every byte was read and fits every other; RES_STORE_DAMAGED: there were findings;
 * after 10,000 of them it ends; anything else: it could not be checked, *why says why.
 */
MUST_CHECK enum result fsck_run(const struct fsck_options *o, struct fsck_report *ret,
                                struct log_trouble *why);

/*
 * Checks the certificate log, and makes its directory again from it, DIR/directory/recipes and
 * DIR/directory/keys; needs DIR/keys, and the log must not serve.
 *
 *   RES_OK             *ret_made tells what stands now
 *   RES_EXISTS         another process serves
 *   RES_STORE_DAMAGED  there were findings, nothing was made; *ret counts them
 *   RES_CONFIG         the log has no directory; errors of signer_open, rebuild_directory
 */
MUST_CHECK enum result fsck_rebuild(const struct fsck_options *o, struct fsck_report *ret,
                                    struct rebuild_report *ret_made, struct log_trouble *why);

/* Opens DIR/directory/data.mdb and reads its head as fsck_rebuild does, and no more: for a process
 * of its own, which a torn file may end.  Errors of config_load, shelf_open. */
MUST_CHECK enum result fsck_probe(const char *dir);

/* Reads DIR/log.pub.pem.  RES_ABSENT, RES_KEY, RES_IO. */
MUST_CHECK enum result fsck_public_key(const char *dir, struct p256_key **ret);

/* Reads the Ed25519 key of the first `log` line of DIR/policy.  RES_ABSENT, RES_KEY, RES_IO. */
MUST_CHECK enum result fsck_note_key(const char *dir, struct note_key *ret);

#endif
