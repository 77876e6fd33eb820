/*
 * The inside of a key directory, for the files of log/directory that make up the object and for
 * log/, which opens it.
 *
 * Uses directory, builder, epoch, shelf, versions.
 */
#ifndef LOG_DIRECTORY_DIRECTORY_PRIVATE_H
#define LOG_DIRECTORY_DIRECTORY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/directory/builder.h"
#include "log/directory/directory.h"
#include "log/directory/keyring.h"
#include "log/directory/proofs.h"
#include "log/directory/prover.h"

/* What a directory needs of the log that it follows; called from its own threads. */
struct directory_hooks {
    void (*head)(void *arg, struct store_head *ret); /* size 0 before the first */
    struct roots *(*roots)(void *arg);
    void (*halted)(void *arg, enum result why, const char *what);
    void *arg;
    uint64_t (*now_ms)(void);
};

struct directory {
    struct kt_config config; /* never changes, as all up to hooks */
    char feed_origin[CONFIG_TEXT_MAX + 8];
    struct signer *signer; /* borrowed, as the store */
    struct store *store;
    struct keyring *keys;
    struct shelf *shelf;
    struct recipes *recipes;
    struct versions *versions;
    struct epoch *epoch; /* the builder's thread's */
    struct builder *builder;
    struct proofs *proofs;
    struct prover *prover;
    struct directory_hooks hooks;
    struct shelf_view *view; /* the builder's thread's: to read the head that was committed */
    bool started;

    _Atomic uint64_t build_ms;

    pthread_mutex_t lock;       /* guards the next two: whoever holds it sees both of one epoch */
    struct directory_head head; /* the newest that the index covers; size 0: none */
    struct feed_entry newest;
};

/* The head to answer in.  Any thread. */
void directory_published(struct directory *d, struct directory_head *ret);

/* Appends the KEYTRANS Configuration of a directory with the signer's keys.  Errors of buf_add. */
MUST_CHECK enum result directory_configure(const struct signer *s, struct buf *out);

/* Makes DIR/directory with everything in it but epoch 0: the directory, keys, recipes, data.mdb.
 * RES_EXISTS, RES_IO, RES_CRYPTO. */
MUST_CHECK enum result directory_create(const struct config *c, const struct signer *s);

/*
 * Opens DIR/directory.  RES_ABSENT when there is none; RES_STORE_BEHIND when it covers more than
 * the certificate log has; RES_STORE_DAMAGED, also when its keys are not the signer's; RES_IO,
 * RES_MEMORY.
 */
MUST_CHECK enum result directory_open(const struct config *c, struct signer *s, struct store *store,
                                      const struct directory_hooks *hooks, struct directory **ret,
                                      struct log_trouble *why);
void directory_close(struct directory *d); /* stopped, or never started; NULL does nothing */

/* One epoch now, in the caller's thread: init's epoch 0.  Errors of builder_turn. */
MUST_CHECK enum result directory_turn(struct directory *d);

MUST_CHECK enum result directory_start(struct directory *d);
void directory_stop(struct directory *d);

/* The certificate log has so many entries, committed just now.  Any thread; cheap. */
void directory_wake(struct directory *d, uint64_t size);

#endif
