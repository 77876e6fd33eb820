/*
 * What the lines behind "#cartulary " say about one log, and the URLs of a policy.  Private to
 * policy.
 *
 * Each of them takes a line whose second word chose it and whose third is the log's origin.  On
 * failure the line's sentence is written; *log may be half changed.  No I/O, no clock.  Uses
 * policy_line, key, text.
 */
#ifndef CLIENT_POLICY_LOG_H
#define CLIENT_POLICY_LOG_H

#include "client/policy_line.h"

/* ct-key <origin> <base64>: its RFC 6962 key, which log then owns.  RES_CONFIG, also for a second
 * one; RES_MEMORY. */
MUST_CHECK enum result policy_log_ct_key(struct policy_line *l, struct policy_log *log);

/* mmd <origin> <seconds>: its merge delay, 1 to POLICY_MMD_MAX.  RES_CONFIG. */
MUST_CHECK enum result policy_log_mmd(struct policy_line *l, struct policy_log *log);

/* serves <origin> rfc6962 [static-ct]: where its heads come from.  RES_CONFIG. */
MUST_CHECK enum result policy_log_serves(struct policy_line *l, struct policy_log *log);

/* directory <origin> <base64>: the Configuration of its key directory, whose VRF key is validated.
 * RES_CONFIG. */
MUST_CHECK enum result policy_log_directory(struct policy_line *l, struct policy_log *log);

/* feed <origin> <vkey>: the key of the directory's audit feed, whose name is <origin>/feed.
 * RES_CONFIG. */
MUST_CHECK enum result policy_log_feed(struct policy_line *l, struct policy_log *log);

/* directory-delay <origin> <seconds>.  RES_CONFIG. */
MUST_CHECK enum result policy_log_delay(struct policy_line *l, struct policy_log *log);

/* Copies url, of http, https or unix, without its trailing slashes.  RES_CONFIG for another scheme
 * or POLICY_URL_MAX bytes and more. */
MUST_CHECK enum result policy_url(struct policy_line *l, struct span url,
                                  char out[static POLICY_URL_MAX]);

#endif
