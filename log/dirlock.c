#include "log/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "log/files.h"

/* Locks DIR/name until *ret_fd is closed. */
static enum result
lock_file(const char *dir, const char *name, int flags, int *ret_fd, struct log_trouble *why)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(dir, name, path);
    if (rc != RES_OK)
        return rc;
    *ret_fd = open(path, flags | O_CLOEXEC, 0600);
    if (*ret_fd < 0 && errno == ENOENT)
        return RES_ABSENT;
    if (*ret_fd >= 0 && flock(*ret_fd, LOCK_EX | LOCK_NB) == 0)
        return RES_OK;
    log_say(why, "%s: %s", path,
            errno == EWOULDBLOCK ? "another cartularyd serves this directory; stop it first"
                                 : strerror(errno));
    return errno == EWOULDBLOCK ? RES_EXISTS : RES_IO;
}

enum result
dirlock_take(struct dirlock *l, const char *dir, struct log_trouble *why)
{
    enum result rc = lock_file(dir, "lock", O_RDWR | O_CREAT, &l->lock, why);
    if (rc != RES_OK)
        return rc;
    rc = lock_file(dir, "store/data.mdb", O_RDONLY, &l->store, why);
    return rc == RES_ABSENT ? RES_OK : rc; /* no store: opening it says so */
}

void
dirlock_release(struct dirlock *l)
{
    if (l->store >= 0)
        (void)close(l->store);
    if (l->lock >= 0)
        (void)close(l->lock);
    *l = DIRLOCK_NONE;
}
