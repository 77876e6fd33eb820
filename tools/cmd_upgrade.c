/* cartularyd upgrade: bring a store to this program's format. */
#include <stdio.h>

#include "log/files.h"
#include "log/log.h"
#include "tools/cartularyd.h"

static const char HELP[] = "cartularyd upgrade DIR\n"
                           "\n"
                           "A store bears the number of its format.  Upgrade brings a store of an "
                           "older format to the one\n"
                           "of this program, in one transaction: a crash leaves the old store or "
                           "the new one.  Make a backup\n"
                           "first; the log must not be serving.\n";

int
cmd_upgrade(int argc, char **argv)
{
    struct config c;
    char detail[CONFIG_TEXT_MAX], path[FILES_PATH_MAX];
    int line;
    uint32_t format = 0;
    struct store *store = NULL;
    if (daemon_help(argc, argv, HELP))
        return DAEMON_OK;
    if (argc != 2) {
        daemon_complain("upgrade wants DIR; see 'cartularyd upgrade --help'");
        return DAEMON_USAGE;
    }
    enum result rc = config_load(argv[1], &c, &line, detail);
    if (rc != RES_OK) {
        daemon_complain("%s/cartulary.conf, line %d: %s", argv[1], line,
                        rc == RES_CONFIG ? detail : result_sentence(rc));
        return daemon_exit_code(rc);
    }
    rc = files_path(argv[1], "store", path);
    struct store_options o = {.path = path, .map_size = c.map_size, .read_only = true};
    if (rc == RES_OK)
        rc = store_open(&o, &format, &store);
    if (rc == RES_OK)
        store_close(store);
    if (rc == RES_STORE_FORMAT) {
        daemon_complain(
            "%s has format %u; this program knows %d and no way from there: use a newer one", path,
            format, STORE_FORMAT);
        return DAEMON_REFUSED;
    }
    if (rc != RES_OK) {
        daemon_complain("%s: %s", path, result_sentence(rc));
        return daemon_exit_code(rc);
    }
    (void)printf("%s has format %d, the newest: nothing to do\n", path, STORE_FORMAT);
    return DAEMON_OK;
}
