/*
 * Many sessions with one log at once: a crew of slots over one transport, and one monitor that
 * fetches the heads for all of them.
 */
#ifndef TOOLS_CREW_H
#define TOOLS_CREW_H

#include "client/session.h"
#include "tools/app.h"

struct crew_config {
    struct app *app;
    const struct policy_log *log;
    unsigned parallel; /* sessions at once, 1 to CREW_PARALLEL_MAX */
    /*
     * The next session, or NULL when there is none left; tag is handed back with it.  Called when a
     * slot is free.
     */
    struct session *(*next)(void *arg, void **ret_tag);
    /* A session that has ended; the crew frees it afterwards. */
    void (*ended)(void *arg, void *tag, const struct session *s);
    void *arg;
};

#define CREW_PARALLEL_MAX 256

/*
 * Runs until next gives none and all have ended.  The view is saved after each head that was
 * verified. Returns EXIT_YES, or EXIT_REFUSED (evidence against the log itself was saved and the
 * rest was ended), EXIT_FAULT.
 */
int crew_run(const struct crew_config *c);

#endif
