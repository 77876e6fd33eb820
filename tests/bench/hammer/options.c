#include "tests/bench/hammer/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char HELP[] =
    "usage: cartulary-hammer submit --file LEAVES [options]\n"
    "       cartulary-hammer get --path PATH… | --paths FILE [options]\n"
    "       cartulary-hammer proofs [--receipts FILE] [options]\n"
    "\n"
    "Loads a log over HTTP/1.1 with kept connections and says how it answered.\n"
    "\n"
    "  submit   posts distinct certificates (a file made by `mint --bench`) to /ct/v1/add-chain;\n"
    "           bodies are rendered before the clock starts\n"
    "  get      asks for the paths in turn\n"
    "  proofs   asks get-proof-by-hash for leaves in random order at the head of the start; the "
    "hashes\n"
    "           come from a file of receipts, or from the log's tiles of level 0\n"
    "\n"
    "where\n"
    "  --url URL            http://HOST[:PORT][/PREFIX]\n"
    "  --host HOST          127.0.0.1            --port PORT   6962\n"
    "  --unix PATH          a Unix socket instead\n"
    "how\n"
    "  --connections N      64; one request at a time on each\n"
    "  --rate R             requests a second whatever the server does; latency counts from the "
    "moment a\n"
    "                       request was due.  Without it: as fast as answers come\n"
    "  --duration S         stop sending after S seconds\n"
    "  --count N            stop after N requests\n"
    "  --seed N             of the random order (1)\n"
    "submit\n"
    "  --file LEAVES        --offset N  leaves to skip    --root  send the root too\n"
    "  --receipts FILE      write what was answered: number, timestamp, index, leaf hash, "
    "signature\n"
    "  --stop-on-loss       the server may be killed: end with what was answered, exit 0\n"
    "what is said\n"
    "  --pid PID[,PID…]     processes of the server: CPU per request and anonymous memory, from "
    "/proc\n"
    "  --json               one line: requests errors lost seconds rate p50_ms p90_ms p99_ms "
    "max_ms\n"
    "                       server_cpu_us_per_request rss_anon client_cpu_us_per_request\n"
    "\n"
    "Exit: 0 every answer was right, 1 some were not, 2 bad usage, 3 no server.\n";

enum {
    O_URL = 256,
    O_HOST,
    O_PORT,
    O_UNIX,
    O_CONNECTIONS,
    O_RATE,
    O_DURATION,
    O_COUNT,
    O_SEED,
    O_FILE,
    O_OFFSET,
    O_ROOT,
    O_RECEIPTS,
    O_LOSS,
    O_PID,
    O_JSON,
    O_PATH,
    O_PATHS,
    O_HELP
};

static const struct option OPTIONS[] = {
    {"url", 1, 0, O_URL},           {"host", 1, 0, O_HOST},
    {"port", 1, 0, O_PORT},         {"unix", 1, 0, O_UNIX},
    {"rate", 1, 0, O_RATE},         {"connections", 1, 0, O_CONNECTIONS},
    {"duration", 1, 0, O_DURATION}, {"count", 1, 0, O_COUNT},
    {"seed", 1, 0, O_SEED},         {"file", 1, 0, O_FILE},
    {"offset", 1, 0, O_OFFSET},     {"root", 0, 0, O_ROOT},
    {"receipts", 1, 0, O_RECEIPTS}, {"stop-on-loss", 0, 0, O_LOSS},
    {"pid", 1, 0, O_PID},           {"json", 0, 0, O_JSON},
    {"path", 1, 0, O_PATH},         {"paths", 1, 0, O_PATHS},
    {"help", 0, 0, O_HELP},         {0},
};

static _Noreturn void
usage(const char *what, const char *value)
{
    fprintf(stderr, "cartulary-hammer: %s%s%s; see --help\n", what, value == NULL ? "" : ": ",
            value == NULL ? "" : value);
    exit(2);
}

static uint64_t
whole(const char *s, uint64_t min, uint64_t max)
{
    char *end;
    unsigned long long v = strtoull(s, &end, 10);
    if (*s < '0' || *s > '9' || *end != 0 || v < min || v > max)
        usage("not a number in range", s);
    return v;
}

static double
positive(const char *s)
{
    char *end;
    double v = strtod(s, &end);
    if (*end != 0 || !(v > 0) || v > 1e9)
        usage("not a positive number", s);
    return v;
}

static void
read_pids(const char *s, struct process_set *ret)
{
    char *copy = strdup(s), *save = NULL;
    for (char *p = strtok_r(copy, ",", &save); p != NULL; p = strtok_r(NULL, ",", &save)) {
        if (ret->n == PROCESS_MAX)
            usage("too many processes", s);
        ret->pid[ret->n++] = (pid_t)whole(p, 1, 1 << 30);
    }
    free(copy);
}

static void
add_path(struct options *o, char *path)
{
    if (o->paths == OPTIONS_PATHS_MAX || path[0] != '/')
        usage("not a path, or too many", path);
    o->path[o->paths++] = path;
}

/* One path a line; the text lives as long as the program. */
static void
read_paths(struct options *o, const char *file)
{
    FILE *f = fopen(file, "r");
    char *line = NULL;
    size_t cap = 0;
    if (f == NULL)
        usage("cannot be read", file);
    while (getline(&line, &cap, f) > 0) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] != 0)
            add_path(o, strdup(line));
    }
    free(line);
    fclose(f);
}

struct place {
    const char *url, *host, *unix_path;
    unsigned port;
};

static void
take(struct options *o, struct place *at, int option, char *value)
{
    switch (option) {
    case O_URL:
        at->url = value;
        break;
    case O_HOST:
        at->host = value;
        break;
    case O_PORT:
        at->port = (unsigned)whole(value, 1, 65535);
        break;
    case O_UNIX:
        at->unix_path = value;
        break;
    case O_CONNECTIONS:
        o->connections = (unsigned)whole(value, 1, LOAD_CONNECTIONS_MAX);
        break;
    case O_RATE:
        o->rate = positive(value);
        break;
    case O_DURATION:
        o->duration = positive(value);
        break;
    case O_COUNT:
        o->count = whole(value, 1, UINT64_MAX / 2);
        break;
    case O_SEED:
        o->seed = whole(value, 0, UINT64_MAX / 2);
        break;
    case O_FILE:
        o->file = value;
        break;
    case O_OFFSET:
        o->offset = whole(value, 0, UINT32_MAX);
        break;
    case O_ROOT:
        o->with_root = true;
        break;
    case O_RECEIPTS:
        o->receipts = value;
        break;
    case O_LOSS:
        o->stop_on_loss = true;
        break;
    case O_PID:
        read_pids(value, &o->processes);
        break;
    case O_JSON:
        o->json = true;
        break;
    case O_PATH:
        add_path(o, value);
        break;
    case O_PATHS:
        read_paths(o, value);
        break;
    case O_HELP:
        fputs(HELP, stdout);
        exit(0);
    default:
        exit(2);
    }
}

static enum mode
mode_of(const char *word)
{
    static const char *const WORDS[] = {"submit", "get", "proofs"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(word, WORDS[i]) == 0)
            return (enum mode)i;
    usage("no such mode", word);
}

void
options_read(int argc, char **argv, struct options *ret)
{
    struct place at = {.host = "127.0.0.1", .port = 6962};
    int option;
    *ret = (struct options){.connections = 64, .seed = 1};
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
        take(ret, &at, option, optarg);
    if (optind + 1 != argc)
        usage("one mode is needed", NULL);
    ret->mode = mode_of(argv[optind]);
    if (!(at.unix_path != NULL ? target_unix(&ret->target, at.unix_path)
          : at.url != NULL     ? target_url(&ret->target, at.url)
                               : target_tcp(&ret->target, at.host, at.port)))
        exit(2);
    if (ret->mode == MODE_SUBMIT && ret->file == NULL)
        usage("submit needs --file", NULL);
    if (ret->mode == MODE_GET && ret->paths == 0)
        usage("get needs --path or --paths", NULL);
    if (ret->mode != MODE_SUBMIT && ret->count == 0 && ret->duration <= 0)
        usage("--count or --duration is needed", NULL);
}
