/*
 * What this client keeps of one key directory: the view of the newest head, what the log signed
 * about it, the views of the recent distinguished entries, and of each label that it looked up or
 * watches what must still be followed.
 *
 * Life cycle: memory_init, memory_parse or any number of changes, memory_write, memory_release. The
 * file's format is in client/FORMATS.md; it holds addresses.  No I/O, no clock.  Uses proved,
 * statement, record.
 */
#ifndef CLIENT_DIRECTORY_MEMORY_H
#define CLIENT_DIRECTORY_MEMORY_H

#include "client/directory/proved.h"
#include "client/directory/statement.h"
#include "client/policy.h"
#include "merkle/leaf/address.h"

/* Labels that are kept; one that is no more to be followed nor watched is dropped. */
#define MEMORY_LABELS_MAX 65536
/* Insertions of a watched label that are kept, with the versions before them counted only.  Each
 * needs a step of its own, so that PROVED_STEPS_MAX ends them before: some 500 behind a
 * distinguished entry, which comes once in a window. */
#define MEMORY_UPCOMING_MAX 4096
/* Largest file. */
#define MEMORY_FILE_MAX ((size_t)64 << 20)

struct memory_label {
    struct label label;
    struct contact_map map;                         /* what must be followed */
    struct consume_version steps[PROVED_STEPS_MAX]; /* ascending: what its ladders need */
    size_t steps_n;
    bool watched; /* the next three are valid */
    uint64_t start;
    int64_t at_start;
    uint64_t upcoming[MEMORY_UPCOMING_MAX];
    size_t upcoming_n;
};

struct memory {
    bool has_view;
    struct kt_view view;
    uint8_t signature[64]; /* of the view's tree head */
    struct buf anchor;     /* the newest of the feed that was verified, see statement.h; or empty */
    /* The recent distinguished entries, the rightmost first: each the view of the tree that ends
     * there.  Credentials are verified by them. */
    struct kt_view recent[HEADS_RECENT_MAX];
    unsigned recent_n;
    struct memory_label **labels;
    size_t n, cap;
};

void memory_init(struct memory *m);
void memory_release(struct memory *m);

/* The view as proved_by takes it; NULL when there is none. */
const struct kt_view *memory_last(const struct memory *m);

/* Takes up a head that was proved against memory_last. */
void memory_advance(struct memory *m, const struct proved_head *h);

/* Takes up an anchor that was verified.  RES_MEMORY, and nothing changed. */
MUST_CHECK enum result memory_anchor(struct memory *m, struct span anchor);

/* The rightmost distinguished entry that is kept, for the next question about them to stop at. */
struct kt_optional memory_stop(const struct memory *m);

/* Takes up the distinguished entries to the right of memory_stop, and the head they were proved
 * in. */
void memory_heads(struct memory *m, const struct proved_heads *h);

/* A view as bytes, client/FORMATS.md; view_get: RES_VALUE unless the frontier is that of the size,
 * RES_TRUNCATED, RES_TRAILING. */
void memory_view_put(struct writer *w, const struct kt_view *v);
MUST_CHECK enum result memory_view_get(struct span bytes, struct kt_view *ret);

/* Room for one. */
#define MEMORY_VIEW_BYTES 16384

/* The label's record, NULL when there is none. */
struct memory_label *memory_find(struct memory *m, struct span label);
/* As memory_find, made when missing.  RES_TOO_LARGE, RES_MEMORY. */
MUST_CHECK enum result memory_label(struct memory *m, struct span label, struct memory_label **ret);

/* A version that must be followed from position on, and the steps that needs.  Errors of
 * memory_steps; RES_TOO_LARGE also when the label's map is full; RES_MEMORY. */
MUST_CHECK enum result memory_follow(struct memory *m, struct span label, uint64_t position,
                                     uint32_t version, const struct consume_version *steps,
                                     size_t n);

/* Takes steps up: of versions that are known, only a commitment that was missing.  RES_CONFLICT,
 * and nothing changed, when a version was shown with another commitment before; RES_TOO_LARGE. */
MUST_CHECK enum result memory_steps(struct memory_label *l, const struct consume_version *steps,
                                    size_t n);

/* Forgets steps that no ladder needs any more: those of the versions that are watched from the
 * start on, or followed, are kept. */
void memory_prune(struct memory_label *l);

/* The owner's state of a watched label, borrowing from it. */
struct owner_state memory_owner(const struct memory_label *l);

/* Drops labels that are neither watched nor to be followed. */
void memory_tidy(struct memory *m);

/*
 * Reads a file of log's directory; *ret must be empty.  RES_KEY when it is about other keys or
 * another Configuration; RES_SIGNATURE when the kept head is not the directory's; errors of
 * statement_open for the kept anchor; RES_VALUE,
 * RES_ENCODING, RES_ABSENT, RES_TRAILING for another form; RES_MEMORY.
 */
MUST_CHECK enum result memory_parse(struct span text, const struct policy_log *log,
                                    struct memory *ret);

/* Appends the file to out, which must be empty.  Errors of buf_reserve. */
MUST_CHECK enum result memory_write(const struct memory *m, const struct policy_log *log,
                                    struct buf *out);

#endif
