#include "tests/bench/hammer/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Fields 14 and 15 of /proc/PID/stat, counted after the command's closing parenthesis: it may hold
 * blanks. */
static bool
read_ticks(pid_t pid, unsigned long long *ret)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    char *got = fgets(line, sizeof line, f);
    fclose(f);
    char *after = got == NULL ? NULL : strrchr(line, ')');
    unsigned long long user, system;
    if (after == NULL || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                                &user, &system) != 2)
        return false;
    *ret = user + system;
    return true;
}

static bool
read_rss_anon(pid_t pid, unsigned long long *ret)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    bool found = false;
    while (!found && fgets(line, sizeof line, f) != NULL)
        found = sscanf(line, "RssAnon: %llu kB", ret) == 1;
    fclose(f);
    return found;
}

bool
process_read(const struct process_set *set, struct process_use *ret)
{
    unsigned long long ticks = 0, kib = 0;
    for (size_t i = 0; i < set->n; i++) {
        unsigned long long t, k;
        if (!read_ticks(set->pid[i], &t) || !read_rss_anon(set->pid[i], &k))
            return false;
        ticks += t;
        kib += k;
    }
    ret->cpu_seconds = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    ret->rss_anon = kib * 1024;
    return true;
}
