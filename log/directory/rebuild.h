/*
 * Making a lost or damaged directory again: data.mdb and index from the certificate log, recipes
 * and keys (FORMATS.md, "Made again").
 *
 * Every epoch is computed anew in DIR/directory/rebuild, and nothing else is touched until all of
 * them stand and fit what was signed before; then the new file takes the old one's place in one
 * step, and the old one is kept under another name.  A crash at any point leaves the old file or
 * the new one, and the work begins anew the next time.  Proof records are not made: the prover
 * makes them again.
 *
 * The log must not serve: the caller holds its lock.  Memory: one epoch.  One thread, and its
 * helpers.  Uses epoch, recipe, shelf, swap, signer,
 * store (reading).
 */
#ifndef LOG_DIRECTORY_REBUILD_H
#define LOG_DIRECTORY_REBUILD_H

#include "log/config.h"
#include "log/directory/swap.h"
#include "log/signer.h"
#include "log/store/store.h"
#include "log/trouble.h"

struct rebuild_parts {
    const struct config *config;
    struct signer *signer;
    struct store *store; /* the certificate log's, which was found sound */
    struct span feed;    /* a signed checkpoint of the feed that is known outside; empty: none */
    bool old_unreadable; /* data.mdb is not to be opened: it ended a process that tried */
    void (*progress)(void *arg, const char *of_what, uint64_t done, uint64_t of); /* or NULL */
    void *arg;
};

struct rebuild_report {
    uint64_t size; /* epochs */
    uint64_t versions, labels;
    struct hash root;
    bool compared;            /* with the head of the old data.mdb, or with feed */
    char kept[SWAP_NAME_MAX]; /* name in DIR/directory of what was replaced; "": nothing was */
};

/*
 * RES_OK: it stands.  Otherwise nothing has changed, and *why says what to do:
 *
 *   RES_ABSENT         recipes or keys are not there, or a label was erased
 *   RES_STORE_DAMAGED  recipes is damaged, or of another certificate log
 *   RES_STORE_BEHIND   the certificate log, recipes or keys end before what was signed
 *   RES_CONFLICT       what comes out is another tree than was signed
 *   the errors of epoch_run, signer_*, note_verify
 */
MUST_CHECK enum result rebuild_directory(const struct rebuild_parts *parts,
                                         struct rebuild_report *ret, struct log_trouble *why);

#endif
