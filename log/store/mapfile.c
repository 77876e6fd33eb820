#include "log/store/mapfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_HERE 4096

static bool
name_of(const char *dir, char out[static NAME_MAX_HERE])
{
    return (size_t)snprintf(out, NAME_MAX_HERE, "%s/data.mdb", dir) < NAME_MAX_HERE;
}

bool
mapfile_unwritten(const char *dir)
{
    char name[NAME_MAX_HERE];
    struct stat st;
    return name_of(dir, name) && stat(name, &st) == 0 && st.st_size == 0;
}

enum result
mapfile_cover(const char *dir, int fd, uint64_t need)
{
    char name[NAME_MAX_HERE];
    struct stat st;
    if (fstat(fd, &st) != 0)
        return RES_IO;
    uint64_t have = (uint64_t)st.st_size;
    if (need <= have)
        return RES_OK;
    if (need - have > MAPFILE_SHORTFALL_MAX)
        return RES_STORE_DAMAGED;
    if (!name_of(dir, name))
        return RES_IO;
    int writable = open(name, O_WRONLY | O_CLOEXEC);
    if (writable < 0)
        return RES_STORE_DAMAGED;
    int rc = fallocate(writable, 0, (off_t)have, (off_t)(need - have));
    (void)close(writable);
    return rc == 0 ? RES_OK : RES_IO;
}

static enum result
sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return RES_IO;
    enum result r = fsync(fd) == 0 ? RES_OK : RES_IO;
    return close(fd) == 0 ? r : RES_IO;
}

enum result
mapfile_sync_directory(const char *path)
{
    return sync_path(path, O_RDONLY | O_DIRECTORY);
}

enum result
mapfile_sync(const char *dir)
{
    char name[NAME_MAX_HERE];
    if (!name_of(dir, name))
        return RES_IO;
    enum result r = sync_path(name, O_RDWR);
    return r == RES_OK ? mapfile_sync_directory(dir) : r;
}

void
mapfile_remove(const char *dir)
{
    char name[NAME_MAX_HERE];
    if (name_of(dir, name))
        (void)unlink(name);
}
