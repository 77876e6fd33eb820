#include "tools/filelist.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
filelist_add(struct filelist *f, const char *path)
{
    if (f->n == f->cap) {
        size_t cap = f->cap == 0 ? 64 : 2 * f->cap;
        char **more = cap > FILELIST_MAX ? NULL : realloc(f->path, cap * sizeof *more);
        if (more == NULL) {
            errno = ENOMEM;
            return false;
        }
        f->path = more;
        f->cap = cap;
    }
    f->path[f->n] = strdup(path);
    return f->path[f->n] != NULL && ++f->n > 0;
}

static bool
is_certificate(const char *name)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (n > 4 && strcmp(name + n - 4, endings[i]) == 0)
            return true;
    return false;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
filelist_add_directory(struct filelist *f, const char *dir)
{
    char path[8192];
    size_t first = f->n, n = strlen(dir);
    const char *slash = n > 0 && dir[n - 1] == '/' ? "" : "/";
    struct dirent *entry;
    bool ok = true;
    DIR *d = opendir(dir);
    if (d == NULL)
        return false;
    while (ok && (entry = readdir(d)) != NULL) {
        if (!is_certificate(entry->d_name))
            continue;
        ok = snprintf(path, sizeof path, "%s%s%s", dir, slash, entry->d_name) < (int)sizeof path &&
             filelist_add(f, path);
    }
    (void)closedir(d);
    if (f->n > first)
        qsort(f->path + first, f->n - first, sizeof *f->path, by_name);
    return ok;
}

bool
filelist_add_stdin(struct filelist *f)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    bool ok = true;
    while (ok && (n = getline(&line, &cap, stdin)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            line[--n] = '\0';
        ok = n == 0 || filelist_add(f, line);
    }
    free(line);
    return ok && !ferror(stdin);
}

void
filelist_release(struct filelist *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->path[i]);
    free(f->path);
    *f = (struct filelist){.n = 0};
}
