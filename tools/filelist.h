/*
 * Which chain files a submission is about: named one by one, all of a directory, or listed on
 * standard input.
 */
#ifndef TOOLS_FILELIST_H
#define TOOLS_FILELIST_H

#include <stdbool.h>
#include <stddef.h>

/* Files in one run. */
#define FILELIST_MAX (10 * 1000 * 1000)

struct filelist {
    char **path; /* owned */
    size_t n, cap;
};

/* False when there is no memory or no room.  Copies path. */
bool filelist_add(struct filelist *f, const char *path);

/* Every *.pem, *.crt, *.cer and *.der of dir, sorted by name.  False with errno. */
bool filelist_add_directory(struct filelist *f, const char *dir);

/* One path a line from standard input.  False with errno. */
bool filelist_add_stdin(struct filelist *f);

void filelist_release(struct filelist *f);

#endif
