/*
 * A certificate log as one object: open it, hand it chains, read from it, close it.
 *
 * Threads: one sequencer (the store's only writer), one scrubber, both the log's own; submissions
 * from any number of workers, reads from any number of readers (log/reader.h). The face of log/:
 * api/ and tools/ include this, reader.h, config.h, stats.h, trouble.h, ip.h and rate.h.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "log/accept/chain.h"
#include "log/accept/roots.h"
#include "log/config.h"
#include "log/stats.h"
#include "log/store/store.h"
#include "log/trouble.h"
#include "merkle/base/result.h"

struct log;

/* Where structured lines go: event is a stable word, fields "key=value …" or "".  Never an address,
 * never a certificate's text.  Called from any thread, one at a time. */
struct log_sink {
    void (*line)(void *arg, const char *event, const char *fields);
    void *arg;
};

/*
 * Opens DIR's log and compares the store with the last signed head and with the high-water file.
 * Does not start anything.  RES_HALTED (DIR/halted is there), RES_COPY, RES_STORE_*, RES_CLOCK,
 * RES_CONFIG, RES_IO: *why says more.
 */
MUST_CHECK enum result log_open(const struct config *c, struct log_sink sink, struct log **ret,
                                struct log_trouble *why);

/* Starts the sequencer and the scrubber.  RES_MEMORY. */
MUST_CHECK enum result log_start(struct log *l);

/* Takes no more submissions (RES_DRAINING), commits those it holds and answers them, stops its
 * threads.  Blocks. */
void log_drain(struct log *l);

/* Frees everything.  After log_drain, or when never started.  NULL does nothing. */
void log_close(struct log *l);

/* RES_OK while heads can be signed; else why not: RES_HALTED, RES_CLOCK, RES_DISK_FLOOR,
 * RES_DRAINING, RES_STORE_LATCHED.  Cheap; any thread. */
enum result log_ready(const struct log *l);

/* Called once, from the sequencer's or the scrubber's thread, when the log has halted for good: the
 * process should end (the reason is in DIR/halted and was a log line).  Must not call log_drain or
 * log_close itself: they wait for that thread.  Set before log_start. */
void log_on_halt(struct log *l, void (*fn)(void *arg), void *arg);

/* ---- submitting ---- */

struct log_receipt {
    uint64_t timestamp; /* milliseconds */
    uint64_t index;     /* leaf index: goes into the extensions, entry_leaf_index */
    uint8_t signature[STORE_SCT_SIGNATURE_MAX]; /* ECDSA DER */
    uint8_t signature_n;
    bool duplicate; /* the same entry stood already: this is its first SCT */
};

/* Called exactly once for a submission that was taken, after its commit is durable or has failed;
 * from the sequencer's thread, or from inside log_submit for a duplicate.  Must not block.  receipt
 * is NULL unless RES_OK. */
typedef void log_receipt_fn(void *arg, enum result r, const struct log_receipt *receipt);

/* Scratch and caches of one submitting thread. */
struct log_worker;
MUST_CHECK enum result log_worker_new(struct log *l, struct log_worker **ret);
void log_worker_free(struct log_worker *w);

/*
 * Checks the chain (leaf first, DER, borrowed for the call) in the calling thread and, when it is
 * taken, queues it. RES_OK: done will be called, once.  Anything else: it will not be; class INPUT
 * fills *refusal, class LATER (RES_BUSY, RES_RATE, RES_DISK_FLOOR, RES_CLOCK, RES_DRAINING,
 * RES_HALTED) means nothing is wrong with the chain.
 */
MUST_CHECK enum result log_submit(struct log_worker *w, enum entry_type type,
                                  const struct span *certs, size_t n, log_receipt_fn *done,
                                  void *arg, struct chain_refusal *refusal);

/* ---- facts ---- */

/* The newest published head, a copy, and its generation, which grows with every head.  Any thread.
 */
void log_head(const struct log *l, struct store_head *ret, uint64_t *ret_generation);
uint64_t log_head_generation(const struct log *l);

/* The SubjectPublicKeyInfo of the P-256 key, the LogID, the Ed25519 key of /checkpoint; owned by
 * the log. */
struct span log_spki(const struct log *l);
const struct hash *log_id(const struct log *l);
const uint8_t *log_note_public(const struct log *l);
const struct config *log_config(const struct log *l);

/* The accepted roots as of now: a reference for the caller. */
struct roots *log_roots(struct log *l);

/* Reads roots.pem again: additive, a root that is gone is kept verify-only until the log is opened
 * the next time; "# verify-only" before it in the file keeps it for good.  On failure the old set
 * stays. */
MUST_CHECK enum result log_reload_roots(struct log *l, size_t *ret_added, struct log_trouble *why);

/* Appends the signed checkpoint of head h: text, RFC 6962 signature line, Ed25519 signature line.
 */
MUST_CHECK enum result log_checkpoint(const struct log *l, const struct store_head *h,
                                      struct buf *out);

/* Whether that bearer token (its bytes as sent) is an auditor's; constant time. */
bool log_token_ok(struct log *l, struct span token);

/* Counters, for /metrics.  Cheap, whatever the log's size: no transaction, no walk; any thread. */
void log_stats(struct log *l, struct log_stats *ret);

#endif
