/*
 * The fixed rows of the directory's store: EntryRow, VersionRow, Head, Ref and Node (FORMATS.md).
 *
 * Pure.  Uses codec, feed, prefix_tree.
 */
#ifndef LOG_DIRECTORY_ROWS_H
#define LOG_DIRECTORY_ROWS_H

#include "merkle/base/codec.h"
#include "merkle/keytrans/feed.h"
#include "merkle/keytrans/prefix_tree.h"

#define ENTRY_ROW_SIZE 204
#define ENTRY_ROW_HASHES 196 /* where EntryRow.hashes begins */
#define VERSION_ROW_SIZE 102
#define NODE_SIZE_MAX 80
#define STEP_SIZE 112 /* vrf_output, then the proof */
/* VersionRow.previous of a label's first version */
#define VERSION_NONE ((UINT64_C(1) << 40) - 1)

struct directory_head {
    uint64_t size; /* epochs; > 0 */
    struct hash root;
    uint8_t signature[64];
    struct hash feed_root;
    uint8_t feed_signature[64];
    uint64_t stream; /* bytes */
    uint64_t versions, labels;
    uint64_t recipes; /* bytes of the file of recipes that these epochs take */
};

struct entry_row {
    struct feed_entry feed;
    struct prefix_ref root; /* kind, hash and ref of the prefix tree */
    uint64_t hashes;        /* offset; 0 when this entry completes no node above its leaf */
};

struct version_row {
    struct prefix_leaf leaf; /* vrf_output and commitment */
    uint8_t print[8];
    uint64_t entry;
    uint32_t version;
    uint64_t label;    /* offset of the LabelText */
    uint64_t previous; /* seq, or VERSION_NONE */
    uint64_t state;    /* offset */
    uint32_t state_n;
};

/* Each reads or writes one.  A reader fails with RES_VALUE for what no writer writes, a writer for
 * what no reader takes. */
void directory_head_get(struct reader *r, struct directory_head *ret);
void directory_head_put(struct writer *w, const struct directory_head *h);
void entry_row_get(struct reader *r, struct entry_row *ret);
void entry_row_put(struct writer *w, const struct entry_row *e);
void version_row_get(struct reader *r, struct version_row *ret);
void version_row_put(struct writer *w, const struct version_row *v);
/* A Node: the children's kinds, refs and hashes. */
/* As node_get from the front of s, behind which other objects may follow; false when there is no
 * node.  An answer reads some hundred of them. */
bool node_read(struct span s, struct prefix_ref *ret_left, struct prefix_ref *ret_right);
void node_get(struct reader *r, struct prefix_ref *ret_left, struct prefix_ref *ret_right);
void node_put(struct writer *w, const struct prefix_ref *left, const struct prefix_ref *right);

#endif
