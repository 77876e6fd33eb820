#include "log/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum result
files_path(const char *dir, const char *name, char out[static FILES_PATH_MAX])
{
    int n = snprintf(out, FILES_PATH_MAX, "%s/%s", dir, name);
    return n > 0 && n < FILES_PATH_MAX ? RES_OK : RES_TOO_LARGE;
}

enum result
files_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? RES_ABSENT : RES_IO;
    enum result rc = RES_OK;
    for (;;) {
        uint8_t piece[16384];
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = RES_IO;
        if (n <= 0)
            break;
        rc = buf_add(out, span_of(piece, (size_t)n));
        if (rc != RES_OK)
            break;
    }
    (void)close(fd);
    return rc;
}

enum result
files_sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return RES_IO;
    int failed = fsync(fd);
    (void)close(fd);
    return failed ? RES_IO : RES_OK;
}

enum result
files_sync_parent(const char *path)
{
    char dir[FILES_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof(dir))
        return RES_TOO_LARGE;
    memcpy(dir, path, n);
    dir[n] = 0;
    return files_sync_dir(slash == path ? "/" : slash ? dir : ".");
}

enum result
files_write(int fd, struct span data)
{
    while (data.n > 0) {
        ssize_t n = write(fd, data.p, data.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RES_IO;
        data = span_of(data.p + n, data.n - (size_t)n);
    }
    return RES_OK;
}

enum result
files_replace(const char *path, struct span data, unsigned mode)
{
    char temporary[FILES_PATH_MAX];
    int n = snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (n <= 0 || n >= FILES_PATH_MAX)
        return RES_TOO_LARGE;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return RES_IO;
    enum result rc = files_write(fd, data);
    if (rc == RES_OK && fsync(fd) != 0)
        rc = RES_IO;
    if (close(fd) != 0 && rc == RES_OK)
        rc = RES_IO;
    if (rc == RES_OK && rename(temporary, path) != 0)
        rc = RES_IO;
    if (rc != RES_OK) {
        (void)unlink(temporary);
        return rc;
    }
    return files_sync_parent(path);
}

enum result
files_remove(const char *path)
{
    if (unlink(path) != 0)
        return errno == ENOENT ? RES_ABSENT : RES_IO;
    return files_sync_parent(path);
}

bool
files_exist(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}
