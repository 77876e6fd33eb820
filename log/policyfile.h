/*
 * The log's own lines in DIR/policy, the file that clients are given: its public keys, as fsck
 * takes them, which has no others.
 *
 * Reading alone; client/FORMATS.md has the lines.  Uses files, note, keytrans.
 */
#ifndef LOG_POLICYFILE_H
#define LOG_POLICYFILE_H

#include "merkle/base/buf.h"
#include "merkle/keytrans/config.h"
#include "merkle/note/key.h"

/* Bytes of a policy; a log's own has some hundred. */
#define POLICYFILE_MAX 65536

/* Appends the file.  Errors of files_read. */
MUST_CHECK enum result policyfile_read(const char *dir, struct buf *out);

/* The word behind `begin` in the first line that begins with it, borrowed.  RES_ABSENT. */
MUST_CHECK enum result policyfile_word(struct span text, const char *begin, struct span *ret);

/* What the lines "directory" and "feed" of that origin say.  RES_ABSENT when one is not there;
 * errors of text_unbase64, kt_config_get and note_key_parse; RES_KEY; RES_MEMORY. */
MUST_CHECK enum result policyfile_directory(struct span text, const char *origin,
                                            struct kt_config *ret, struct note_key *ret_feed);

#endif
