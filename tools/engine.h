/*
 * An engine of the client that is run to its end: its requests over a transport, its waits slept.
 */
#ifndef TOOLS_ENGINE_H
#define TOOLS_ENGINE_H

#include "client/io/transport_curl.h"
#include "client/verdict.h"
#include "tools/app.h"

/* What an engine is asked and fed; arg is the engine. */
struct engine {
    void *arg;
    void (*ask)(void *arg, struct ask *ret);
    void (*answer)(void *arg, const struct answer *a, uint64_t now);
};

/* Runs it to its end against log.  EXIT_YES when it ended (see its verdict), EXIT_FAULT after
 * saying why not. */
int engine_run(struct transport *t, const struct policy_log *log, const struct engine *e);

#endif
