#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *scratch_shared;

static void
die(const char *what)
{
    perror(what);
    abort();
}

char *
scratch_new(void)
{
    const char *top = getenv("TMPDIR");
    char name[512];
    if (snprintf(name, sizeof(name), "%s/cartulary-test.XXXXXX", top != NULL ? top : "/tmp") < 0 ||
        mkdtemp(name) == NULL)
        die("mkdtemp");
    char *copy = strdup(name);
    if (copy == NULL)
        die("strdup");
    return copy;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
    (void)st;
    (void)flag;
    (void)walk;
    return remove(path);
}

void
scratch_free(char *path)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        die(path);
    free(path);
}

int
scratch_setup(void **state)
{
    *state = scratch_new();
    return 0;
}

int
scratch_teardown(void **state)
{
    scratch_free(*state);
    return 0;
}

int
scratch_share(void **state)
{
    (void)state;
    scratch_shared = scratch_new();
    return 0;
}

int
scratch_unshare(void **state)
{
    (void)state;
    scratch_free(scratch_shared);
    return 0;
}
