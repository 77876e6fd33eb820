/* A reader of the directory: its life, and the pieces that answers are made of. */
#include <stdlib.h>
#include <string.h>

#include "log/directory/reader_private.h"
#include "merkle/keytrans/view.h"

#define LADDER_BYTES_MAX (512 * (2 + KT_VRF_PROOF_SIZE + HASH_SIZE))

/* ---- the tree ---- */

static struct reader_entry *
place_of(struct directory_reader *r, uint64_t position)
{
    return &r->entries[position * UINT64_C(0x9e3779b97f4a7c15) >> (64 - READER_ENTRIES_BITS)];
}

static enum result
give_entry(void *arg, uint64_t position, struct log_entry *ret)
{
    struct directory_reader *r = arg;
    struct reader_entry *e = place_of(r, position);
    struct entry_row row;

    if (e->number != position + 1) {
        enum result rc = shelf_get_entry(r->view, position, &row);
        if (rc != RES_OK)
            return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
        *e = (struct reader_entry){position + 1, {row.feed.timestamp, row.feed.prefix_root}};
    }
    *ret = e->entry;
    return RES_OK;
}

/* Rows of entries that are not kept. */
static void
expect_entries(struct directory_reader *r, const struct search_path *path)
{
    for (unsigned i = 0; i < path->n; i++)
        if (place_of(r, path->at[i])->number != path->at[i] + 1)
            shelf_expect_entry(r->view, path->at[i]);
}

static enum result
give_prefix(void *arg, uint64_t position, struct prefix_ref *ret)
{
    struct directory_reader *r = arg;
    struct entry_row row;
    enum result rc = shelf_get_entry(r->view, position, &row);

    if (rc == RES_OK)
        *ret = row.root;
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

static enum result
give_head(void *arg, struct node n, struct hash *ret)
{
    struct directory_reader *r = arg;
    enum result rc = shelf_get_kt_node(r->view, n, ret);

    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

static void
expect_heads(void *arg, const struct node *nodes, size_t n)
{
    struct directory_reader *r = arg;

    shelf_expect_kt_nodes(r->view, nodes, n);
}

/* A proof was made because it was needed. */
static void
made(void *arg, uint64_t seq, struct span record)
{
    struct directory_reader *r = arg;

    enum result rc = builder_add_proofs(r->d->builder, seq, record);

    (void)rc; /* when too many wait it will be made again */
}

/* ---- life ---- */

enum result
directory_reader_new(struct directory *d, struct directory_reader **ret)
{
    struct directory_reader *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return RES_MEMORY;
    r->d = d;
    r->value = BUF_INIT(MAILBOX_VALUE_MAX);
    r->ladder = BUF_INIT(LADDER_BYTES_MAX);
    r->info = BUF_INIT((size_t)4 + MAILBOX_VALUE_MAX);
    enum result rc = shelf_view_new(d->shelf, &r->view);
    if (rc == RES_OK)
        rc = held_init(&r->held, r->view, d->keys);
    r->nodes = (struct nodes){.view = r->view};
    r->parts = (struct target_parts){.view = r->view,
                                     .versions = d->versions,
                                     .keys = d->keys,
                                     .proofs = d->proofs,
                                     .made = made,
                                     .arg = r};
    r->label = target_label(&r->target);
    r->tree = (struct record_tree){
        r, give_entry, give_prefix, give_head, nodes_store(&r->nodes), expect_heads};
    record_init(&r->record, &r->tree, &r->label);
    if (rc != RES_OK) {
        directory_reader_free(r);
        return rc;
    }
    *ret = r;
    return RES_OK;
}

void
directory_reader_free(struct directory_reader *r)
{
    if (r == NULL)
        return;
    record_release(&r->record);
    held_release(&r->held);
    shelf_view_free(r->view);
    buf_release(&r->value);
    buf_release(&r->ladder);
    buf_release(&r->info);
    free(r->upcoming);
    free(r);
}

enum result
snapshot_begin(struct directory_reader *r)
{
    directory_published(r->d, &r->head);
    return r->head.size == 0 ? RES_ABSENT : shelf_view_begin(r->view);
}

void
snapshot_end(struct directory_reader *r)
{
    shelf_view_end(r->view);
}

/* ---- pieces ---- */

enum result
write_erased(struct directory_reader *r, uint32_t first, uint32_t last, struct buf *out)
{
    struct writer w = writer_to(out);
    uint32_t n = last - first;

    if (n >= KT_ERASED_MAX)
        n = KT_ERASED_MAX - 1;
    put_u16(&w, n + 1);
    for (uint32_t i = 0; i <= n; i++) {
        struct version_row row;
        uint64_t seq;
        enum result rc = target_row(&r->target, first + i, &seq, &row);

        if (rc != RES_OK)
            return rc;
        erased_version_put(
            &w, &(struct erased_version){first + i, row.entry, row.leaf.key, row.leaf.commitment});
    }
    enum result rc = writer_end(&w);
    return rc == RES_OK ? RES_ERASED : rc;
}

enum result
snapshot_label(struct directory_reader *r, struct span label)
{
    return target_find(&r->target, &r->parts, r->head.versions, label);
}

/* What a user of the tree of that size keeps, as far as a prover needs it. */
static enum result
keep_last(struct directory_reader *r, uint64_t size)
{
    struct search_path path, onward;

    search_tree_frontier(size, &path);
    r->last.peaks.size = size;
    r->last.n = path.n;
    expect_entries(r, &path);
    search_tree_path(size - 1, r->head.size, &onward);
    expect_entries(r, &onward);
    for (unsigned i = 0; i < path.n; i++) {
        enum result rc = give_entry(r, path.at[i], &r->last.frontier[i].entry);
        if (rc != RES_OK)
            return rc;
        r->last.frontier[i].position = path.at[i];
    }
    return RES_OK;
}

enum result
walk_begin(struct directory_reader *r, struct kt_optional last)
{
    struct transcript_source source = record_source(&r->record);
    enum result rc = RES_OK;

    record_again(&r->record, &r->label);
    if (last.has && (last.value == 0 || last.value > r->head.size))
        return RES_RANGE;
    if (last.has)
        rc = keep_last(r, last.value);
    if (rc == RES_OK)
        rc = transcript_init(&r->t, r->head.size, &r->d->config.window, last.has ? &r->last : NULL,
                             &source);
    return rc == RES_OK ? view_update(&r->t) : rc;
}

void
walk_head(const struct directory_reader *r, struct kt_optional last, struct full_head *ret)
{
    ret->updated = !last.has || last.value != r->head.size;
    ret->size = r->head.size;
    ret->signature = span_of(r->head.signature, sizeof(r->head.signature));
}

enum result
walk_proof(struct directory_reader *r, struct combined_proof *ret)
{
    return record_finish(&r->record, &r->t, ret);
}

enum result
walk_step(struct directory_reader *r, uint32_t version, int64_t most, int64_t target)
{
    struct writer w = writer_to(&r->ladder);
    struct ladder_step step = {.has_commitment = false};
    const uint8_t *bytes;
    enum result rc = target_step(&r->target, version, &bytes);

    if (rc != RES_OK)
        return rc;
    step.proof = span_of(bytes + HASH_SIZE, KT_VRF_PROOF_SIZE);
    if ((int64_t)version <= most && (int64_t)version != target && r->target.present &&
        version <= r->target.greatest) {
        struct version_row row;
        uint64_t seq;

        rc = target_row(&r->target, version, &seq, &row);
        if (rc != RES_OK)
            return rc;
        step.has_commitment = true;
        step.commitment = row.leaf.commitment;
    }
    ladder_step_put(&w, &step);
    return writer_end(&w);
}

/* Of an erased label: its tombstone's value, and no other. */
static enum result
tombstone_of_row(struct directory_reader *r, const struct version_row *row,
                 uint8_t ret[static COMMITMENT_OPENING_SIZE])
{
    struct tombstone t;
    struct span state;

    if (row->version != r->target.greatest)
        return RES_ERASED;
    if (row->state_n != ERASURE_STATE_SIZE)
        return RES_STORE_DAMAGED;
    enum result rc = shelf_get_bytes(r->view, row->state, row->state_n, NULL, &state);
    if (rc == RES_OK && tombstone_load(state, &t) != RES_OK)
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK)
        rc = tombstone_value(&t, &r->value);
    if (rc == RES_OK)
        memcpy(ret, t.opening, COMMITMENT_OPENING_SIZE);
    return rc;
}

enum result
walk_value(struct directory_reader *r, const struct version_row *row,
           uint8_t ret[static COMMITMENT_OPENING_SIZE])
{
    struct entry_row entry;

    buf_clear(&r->value);
    if (r->target.erased)
        return tombstone_of_row(r, row, ret);
    enum result rc = shelf_get_entry(r->view, row->entry, &entry);
    if (rc == RES_OK)
        rc = held_value(&r->held, r->target.label.p[0], r->target.number, row, entry.feed.timestamp,
                        &r->value);
    if (rc == RES_OK)
        rc = keyring_opening(r->d->keys, r->target.number, row->version, ret);
    return rc;
}
