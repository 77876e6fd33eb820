#include "log/directory/swap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/files.h"
#include "log/store/index.h"

/* Files kept from earlier times; their operator removes them. */
#define KEPT_MAX 1000

static void
remove_file(const char *dir, const char *name)
{
    char path[FILES_PATH_MAX];

    if (files_path(dir, name, path) == RES_OK)
        (void)unlink(path);
}

enum result
swap_clear(const char *scratch)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(scratch, "index", path);

    if (rc == RES_OK)
        rc = index_remove(path);
    if (rc != RES_OK)
        return rc;
    (void)rmdir(path);
    remove_file(scratch, "data.mdb");
    remove_file(scratch, "lock.mdb");
    return rmdir(scratch) == 0 || errno == ENOENT ? RES_OK : RES_IO;
}

/* Gives the old file a second name, one that is free or has been given to it already. */
static enum result
keep_old(const char *dir, const char *old, char ret[static SWAP_NAME_MAX])
{
    char path[FILES_PATH_MAX];
    struct stat ours, theirs;

    ret[0] = '\0';
    if (stat(old, &ours) != 0)
        return errno == ENOENT ? RES_OK : RES_IO;
    for (unsigned n = 1; n <= KEPT_MAX; n++) {
        (void)snprintf(ret, SWAP_NAME_MAX, "data.mdb.replaced-%u", n);
        enum result rc = files_path(dir, ret, path);

        if (rc != RES_OK)
            return rc;
        if (link(old, path) == 0)
            return files_sync_dir(dir);
        if (errno != EEXIST)
            return RES_IO;
        if (stat(path, &theirs) == 0 && theirs.st_ino == ours.st_ino &&
            theirs.st_dev == ours.st_dev)
            return RES_OK;
    }
    return RES_EXISTS;
}

static enum result
move(const char *from_dir, const char *to_dir, const char *name)
{
    char from[FILES_PATH_MAX], to[FILES_PATH_MAX];
    enum result rc = files_path(from_dir, name, from);

    if (rc == RES_OK)
        rc = files_path(to_dir, name, to);
    if (rc == RES_OK && rename(from, to) != 0)
        rc = RES_IO;
    return rc;
}

enum result
swap_in(const char *dir, const char *scratch, char ret_kept[static SWAP_NAME_MAX],
        struct log_trouble *why)
{
    char old[FILES_PATH_MAX], index[FILES_PATH_MAX], kept[SWAP_NAME_MAX];
    enum result rc = files_path(dir, "data.mdb", old);

    if (rc == RES_OK)
        rc = files_path(dir, "index", index);
    if (rc == RES_OK)
        rc = keep_old(dir, old, kept);
    /* The index goes first: none is made again, one of other rows would mislead. */
    if (rc == RES_OK)
        rc = index_remove(index);
    if (rc == RES_OK)
        rc = files_sync_dir(scratch);
    /* Before this line the old file stands, after it the new one. */
    if (rc == RES_OK)
        rc = move(scratch, dir, "data.mdb");
    if (rc != RES_OK) {
        log_say(why, "%.300s cannot be put in its place: %s", old, strerror(errno));
        return rc;
    }
    /* LMDB's file of locks counts the old one's transactions. */
    remove_file(dir, "lock.mdb");
    (void)rmdir(index);
    /* Without it, it is made again at the next start. */
    (void)!move(scratch, dir, "index");
    rc = files_sync_dir(dir);
    enum result tidy = swap_clear(scratch);
    if (rc == RES_OK)
        rc = tidy;
    if (rc == RES_OK)
        memcpy(ret_kept, kept, sizeof(kept));
    return rc;
}
