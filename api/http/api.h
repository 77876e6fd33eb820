/*
 * The log's endpoints: which there are, and what their handlers share.
 *
 * RFC 6962 section 4, C2SP static-ct-api, and operation.  Uses log/log.h, log/reader.h, route,
 * server.
 */
#ifndef API_HTTP_API_H
#define API_HTTP_API_H

#include "api/http/server.h"
#include "log/directory/directory.h"
#include "log/log.h"
#include "log/reader.h"

struct api {
    struct log *log;
    const struct config *config;
    struct server *server; /* for /metrics; set before the server runs */
};

/* All rows.  body_max: of a submission.  Returned by value; the rows are static and the same for
 * every log of a process: one log a process. */
struct routes api_routes(size_t body_max);

/* struct thread.own of a thread that serves the log. */
struct api_thread {
    struct log_reader *reader;
    struct log_worker *worker;          /* made at the first submission */
    struct directory_reader *directory; /* made at the first request of the directory */
    struct buf der;                     /* the chain under way */
    struct buf text;                    /* scratch for extra_data and the like */
    struct roots *roots;                /* whose answer roots_body is; a reference, or NULL */
    struct buf roots_body;
    uint64_t generation; /* of the head whose forms follow; 0: none yet */
    struct buf checkpoint;
    struct buf sth;
};

/* hooks.thread_new and thread_free; app is a struct api. */
enum result api_thread_new(void *app, void **ret);
void api_thread_free(void *app, void *own);

static inline struct api *
api_of(const struct exchange *x)
{
    return x->app;
}

static inline struct api_thread *
api_thread_of(const struct exchange *x)
{
    return x->thread->own;
}

/* Whether the bodies of entries may be given to who asks; when not, x has been refused.  *ret_cache
 * is how such an answer may be kept, if it may be kept as `open` were the log public. */
bool api_may_read_entries(struct exchange *x, enum reply_cache open, enum reply_cache *ret_cache);

/* Takes a snapshot for x; on failure x has been refused. */
bool api_snapshot(struct exchange *x, struct store_head *ret);

/* Makes the thread's checkpoint and sth those of the newest head, which costs a comparison when
 * they are. */
MUST_CHECK enum result api_refresh_head(struct exchange *x);

/* The thread's reader of the directory; NULL when x has been refused, and is its caller's no more:
 * there is no directory, or no memory. */
struct directory_reader *api_directory(struct exchange *x);

/* Appends to out the members of /feed/anchor for a directory of that size, without braces.  Errors
 * of directory_feed_anchor. */
MUST_CHECK enum result feed_anchor_members(struct directory_reader *r, uint64_t size,
                                           struct feed_entry *ret_entry, struct buf *out);

/* ---- handlers ---- */

route_fn submit_chain, submit_pre_chain; /* submit.c */
route_fn read_sth, read_consistency, read_proof, read_entries, read_roots,
    read_entry_and_proof;                                        /* read.c */
route_fn tiles_checkpoint, tiles_hash, tiles_data, tiles_issuer; /* tiles.c */
route_fn health_health, health_metrics;                          /* health.c */
route_fn loglist_v3;                                             /* loglist.c */
route_fn directory_search, directory_contact_monitor, directory_owner_init, directory_owner_monitor,
    directory_update, directory_distinguished, directory_credential_update, directory_as_of,
    directory_configuration;                                      /* directory.c */
route_fn lookup_lookup;                                           /* lookup.c */
route_fn feed_checkpoint, feed_tile, feed_additions, feed_anchor; /* feed.c */

#endif
