/*
 * Making a log's directory: cartulary.conf, keys, store, roots.pem, and the public files policy,
 * log.pub.pem.
 *
 * Uses config, signer, store, files.
 */
#ifndef LOG_CREATE_H
#define LOG_CREATE_H

#include "log/accept/roots.h"
#include "log/trouble.h"
#include "merkle/base/result.h"

struct create_options {
    const char *dir;
    const char *origin;
    const char *url;
    bool entries_public;
    const char *not_after_start; /* seconds since 1970 as text, or NULL */
    const char *not_after_limit;
    struct span roots_pem; /* the text of roots.pem, see rootsfile.h */
};

/*
 * Makes everything, or leaves no directory behind when it made it.  RES_EXISTS when dir is there
 * and not empty; RES_CONFIG for a wrong origin, url or window; errors of rootsfile_parse; RES_IO,
 * RES_CRYPTO.  *why says more.
 */
MUST_CHECK enum result create_log(const struct create_options *o, struct log_trouble *why);

/*
 * Appends the policy text handed to clients: C2SP tlog-policy lines and ours behind "#cartulary ",
 * as client/FORMATS.md says.  spki: DER of the P-256 key; note_public: 32 bytes.
 */
MUST_CHECK enum result create_policy(const char *origin, const char *url, bool entries_public,
                                     struct span spki, const uint8_t *note_public, struct buf *out);

#endif
