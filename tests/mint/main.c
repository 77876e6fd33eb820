/* mint: chains for tests, or a file of leaves for load.  See usage. */
#include "tests/mint/bench.h"
#include "tests/mint/chains.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char USAGE[] =
    "usage: mint --out DIR [--seed N] [--count N]    chains: DIR/roots.pem, DIR/chain-*.pem, "
    "DIR/INDEX.tsv\n"
    "       mint --bench N --out FILE [--seed N]     N leaves under one intermediate, see "
    "mintfile.h\n";

static bool
number(const char *text, unsigned long long max, unsigned long long *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *ret <= max;
}

static int
bench(const char *path, uint32_t count, uint64_t seed)
{
    FILE *f = fopen(path, "w");
    bool ok = f != NULL && mint_bench(f, count, seed);

    if (!ok) {
        perror(path);
    }
    if (f != NULL && fclose(f) != 0) {
        perror(path);
        ok = false;
    }
    return ok ? 0 : 1;
}

static int
chains(const char *dir, uint64_t seed, size_t count)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        perror(dir);
        return 1;
    }
    return mint_chains(dir, seed, count) ? 0 : 1;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},   {"seed", required_argument, NULL, 's'},
        {"count", required_argument, NULL, 'c'}, {"bench", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    unsigned long long seed = 0, count = MINT_CHAINS, leaves = 0;
    const char *out = NULL;
    bool ok = true;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            out = optarg;
            break;
        case 's':
            ok = ok && number(optarg, UINT32_MAX, &seed);
            break;
        case 'c':
            ok = ok && number(optarg, 9999, &count);
            break;
        case 'b':
            ok = ok && number(optarg, UINT32_MAX, &leaves) && leaves > 0;
            break;
        case 'h':
            fputs(USAGE, stdout);
            return 0;
        default:
            ok = false;
        }
    }
    if (!ok || out == NULL || optind != argc) {
        fputs(USAGE, stderr);
        return 2;
    }
    return leaves > 0 ? bench(out, (uint32_t)leaves, seed) : chains(out, seed, (size_t)count);
}
