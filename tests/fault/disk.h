/*
 * A disk under files, as a power cut finds it: what was synced is there, of the rest anything may
 * be.
 *
 * Model.  A sector of 512 bytes is written whole or not at all.  Since a file's last sync every
 * sector has a row of versions, and the disk holds any one of them or still the synced one.  A sync
 * covers what was written before it began; a write through an O_DSYNC descriptor covers itself.  A
 * name that was made, moved or removed is sure when its directory was synced (a new name also when
 * its file was).  Directories themselves are taken to be there. Uses powercut_format.
 */
#ifndef TESTS_FAULT_DISK_H
#define TESTS_FAULT_DISK_H

#include "tests/fault/powercut_format.h"
#include <stdbool.h>
#include <stddef.h>

enum disk_keep {
    DISK_NONE, /* nothing that was not synced */
    DISK_ALL,  /* everything */
    DISK_TORN  /* any mixture, by sectors of 512 or pages of 4,096 bytes */
};

struct disk;

/* A disk that holds, synced, the files below base, named as if they were below top.  NULL when
 * unreadable. */
struct disk *disk_load(const char *base, const char *top);
void disk_free(struct disk *d);

/* Applies record number seq (records count from 0).  False for a record that makes no sense. */
bool disk_apply(struct disk *d, uint64_t seq, const struct pc_record *r, const uint8_t *data);

/* Cuts the power: writes to top what is left.  seed chooses the mixture.  Removes what was below
 * top before. *d is not changed.  False when the files cannot be written. */
bool disk_cut(const struct disk *d, enum disk_keep keep, uint64_t seed);

#endif
