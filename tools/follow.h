/*
 * A monitor that is run to its end: its requests over a transport, its waits slept.
 */
#ifndef TOOLS_FOLLOW_H
#define TOOLS_FOLLOW_H

#include "client/io/transport_curl.h"
#include "client/monitor.h"
#include "tools/app.h"

/* Runs a monitor to its end over t.  EXIT_YES when it ended (see its verdict), EXIT_FAULT after
 * saying why not. */
int follow_run(struct transport *t, const struct policy_log *log, struct monitor *m);

#endif
