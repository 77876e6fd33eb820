#include "log/marker.h"

#include <stdio.h>

#include "log/files.h"

enum result
marker_set(const char *dir, const char *name, const char *text)
{
    char path[FILES_PATH_MAX];
    struct buf line = BUF_INIT(2 * MARKER_TEXT_MAX);
    enum result rc = files_path(dir, name, path);
    if (rc == RES_OK)
        rc = buf_printf(&line, "%.*s\n", MARKER_TEXT_MAX - 2, text);
    if (rc == RES_OK)
        rc = files_replace(path, buf_span(&line), 0644);
    buf_release(&line);
    return rc;
}

enum result
marker_get(const char *dir, const char *name, char text[static MARKER_TEXT_MAX])
{
    char path[FILES_PATH_MAX];
    struct buf in = BUF_INIT(4096);
    enum result rc = files_path(dir, name, path);
    if (rc == RES_OK)
        rc = files_read(path, &in);
    if (rc == RES_TOO_LARGE)
        rc = RES_OK; /* it is there, whatever it says */
    if (rc == RES_OK) {
        size_t n = in.n < MARKER_TEXT_MAX ? in.n : MARKER_TEXT_MAX - 1;
        if (n)
            memcpy(text, in.p, n);
        text[n] = 0;
        text[strcspn(text, "\n")] = 0;
    }
    buf_release(&in);
    return rc;
}

enum result
marker_clear(const char *dir, const char *name)
{
    char path[FILES_PATH_MAX];
    enum result rc = files_path(dir, name, path);
    return rc == RES_OK ? files_remove(path) : rc;
}
