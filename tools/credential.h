/*
 * What the parts of `cartulary credential` share: making, checking and confirming.
 *
 * Each function says on stderr what is wrong, and returns an exit code of app.h.
 */
#ifndef TOOLS_CREDENTIAL_H
#define TOOLS_CREDENTIAL_H

#include "client/directory/offer.h"
#include "client/directory/pending.h"
#include "client/io/transport_curl.h"
#include "tools/app.h"

/* What was asked for, and what it takes. */
struct credential_task {
    struct app app;
    const char *text;   /* the address as it was typed; NULL: none */
    struct label label; /* of text */
    const char *file;   /* that is read or written; "-": stdin or stdout; NULL: none */
    const char *given;  /* --update: the credential */
    const char *origin; /* --log */
    const char *out;    /* --out */
    struct offer_question q;
};

/* --make: asks the log, and writes the file. */
int credential_make(struct credential_task *t);

/* --check: asks nobody. */
int credential_check(struct credential_task *t);

/* --update: asks the log for what confirms a credential, and writes the file. */
int credential_update_write(struct credential_task *t);

/* --confirm: asks each log of which something waits. */
int credential_confirm_all(struct credential_task *t);

/* The head that a provisional credential is believed by, as accuse.h takes it. */
void credential_head(const struct credential *c, const struct credential_pending *p,
                     struct proved_head *ret);

/* What `monitor` does with those of log that wait, m being as new as can be: confirms what is known
 * to be confirmed, and asks the log about those for which it is time (pending_due).  Tells
 * what was settled. */
int credential_confirm_due(struct app *a, struct transport *transport, const struct policy_log *log,
                           const struct memory *m);

/* Reads a file into *ret, which is empty; a credential out of one, to be released after EXIT_YES.
 */
int credential_read_file(const char *path, struct buf *ret);
int credential_read(const struct credential_task *t, const char *path, struct voucher *ret);

/* The exit code of what became of reading path as a credential or an update; says what is wrong. */
int credential_form(const char *path, enum result r);

/* The credentials of log that wait, of the state directory; empty with --stateless. */
int credential_load_pending(struct app *a, const struct policy_log *log, struct pendings *ret);
int credential_save_pending(struct app *a, const struct policy_log *log, const struct pendings *p);

#endif
