/* Erasing a mailbox: the act, made while its key is there; and the epoch that follows from it. */
#include <string.h>

#include "log/directory/directory_private.h"
#include "log/directory/held.h"

/* Epochs before it: one that a crash left, and one of what no epoch covers. */
#define TURNS_BEFORE 2

/* What is known of the mailbox when it is to be erased. */
struct subject {
    struct directory *d;
    struct span label;
    enum mailbox_erased reason;
    struct version_row row; /* its newest */
    struct erasure erasure;
    struct buf versions;
};

/* ---- what is there ---- */

static enum result
find(struct subject *s)
{
    struct directory *d = s->d;
    struct erasure *e = &s->erasure;
    struct label text;
    bool erased;
    enum result rc =
        versions_newest(d->versions, d->view, d->head.versions, s->label, &e->newest, &s->row);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_KT_NO_LABEL : rc;
    rc = versions_is_tombstone(d->view, d->keys, s->row.label, s->label, &erased);
    if (rc == RES_OK && erased)
        rc = RES_ERASED;
    if (rc == RES_OK)
        rc = versions_label(d->view, d->keys, s->row.label, &text, &e->number);
    if (rc == RES_ABSENT || (rc == RES_OK && !span_equal(span_of(text.b, text.n), s->label)))
        rc = RES_STORE_DAMAGED;
    if (rc == RES_OK && s->row.version == UINT32_MAX)
        rc = RES_STORE_FULL;
    return rc;
}

/* Owners and contacts must have had time to see the newest version. */
static enum result
check_window(struct subject *s, uint64_t timestamp)
{
    struct entry_row entry;
    enum result rc = shelf_get_entry(s->d->view, s->row.entry, &entry);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    return timestamp - entry.feed.timestamp < s->d->config.window.monitoring ? RES_ERASE_EARLY
                                                                             : RES_OK;
}

static enum result
count_records(struct subject *s)
{
    struct held held;
    enum result rc = held_init(&held, s->d->view, s->d->keys);

    if (rc == RES_OK)
        rc = held_mailbox(&held, s->erasure.number, &s->row);
    if (rc == RES_OK)
        s->erasure.count = (uint32_t)state_count(held.state);
    held_release(&held);
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

/* All versions, oldest first: each row names the one before it. */
static enum result
list_versions(struct subject *s)
{
    size_t n = (size_t)s->row.version + 1;
    struct version_row row = s->row;
    struct buf one = BUF_INIT(ERASURE_VERSION_SIZE);
    enum result rc = buf_reserve(&s->versions, n * ERASURE_VERSION_SIZE);

    for (size_t i = n; i-- > 0 && rc == RES_OK;) {
        struct writer w = writer_to(&one);

        buf_clear(&one);
        erasure_version_put(
            &w, &(struct erasure_version){row.entry, row.leaf.key, row.leaf.commitment});
        rc = row.version == i ? writer_end(&w) : RES_STORE_DAMAGED;
        if (rc == RES_OK)
            memcpy(s->versions.p + i * ERASURE_VERSION_SIZE, one.p, ERASURE_VERSION_SIZE);
        if (rc == RES_OK && i > 0)
            rc = shelf_get_version(s->d->view, row.previous, &row);
    }
    buf_release(&one);
    s->versions.n = rc == RES_OK ? n * ERASURE_VERSION_SIZE : 0;
    s->erasure.versions = buf_span(&s->versions);
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

/* ---- what comes ---- */

/* The commitment to the UpdateValue: the tombstone's value behind its length. */
static enum result
commit(struct subject *s, uint64_t timestamp)
{
    static const uint8_t length[4];
    struct erasure *e = &s->erasure;
    struct buf value = BUF_INIT(sizeof(length) + MAILBOX_VALUE_MAX);
    enum result rc = keyring_opening(s->d->keys, e->number, s->row.version + 1, e->opening);
    struct tombstone t = tombstone_of(e, timestamp);

    if (rc == RES_OK)
        rc = buf_add(&value, span_of(length, sizeof(length)));
    if (rc == RES_OK)
        rc = tombstone_value(&t, &value);
    if (rc == RES_OK) {
        value.p[3] = (uint8_t)(value.n - sizeof(length));
        rc = commitment_make(e->opening, s->label, s->row.version + 1, buf_span(&value),
                             &e->commitment);
    }
    buf_release(&value);
    return rc;
}

/* builder_act */
static enum result
make(void *arg, uint64_t timestamp, struct buf *out)
{
    struct subject *s = arg;
    struct buf body = BUF_INIT((1u << 24) - 1);
    struct writer inner = writer_to(&body), w = writer_to(out);
    enum result rc = shelf_view_begin(s->d->view);

    if (rc != RES_OK)
        return rc;
    s->erasure.reason = (uint8_t)s->reason;
    rc = find(s);
    if (rc == RES_OK)
        rc = check_window(s, timestamp);
    if (rc == RES_OK)
        rc = count_records(s);
    if (rc == RES_OK)
        rc = list_versions(s);
    shelf_view_end(s->d->view);
    if (rc == RES_OK)
        rc = signer_vrf_output(s->d->signer, s->label, s->row.version + 1, &s->erasure.output);
    if (rc == RES_OK)
        rc = commit(s, timestamp);
    if (rc == RES_OK) {
        versions_erasure_text(s->d->keys, s->label, s->row.version + 1, &s->erasure.text);
        erasure_put(&inner, &s->erasure);
        rc = writer_end(&inner);
    }
    if (rc == RES_OK) {
        act_put(&w, &(struct act){ACT_ERASE, buf_span(&body)});
        rc = writer_end(&w);
    }
    buf_release(&body);
    return rc;
}

enum result
directory_erase(struct directory *d, const struct label *label, enum mailbox_erased reason)
{
    struct subject s = {.d = d, .label = span_of(label->b, label->n), .reason = reason};
    struct store_head head;
    bool fatal;
    enum result rc = RES_BUSY;

    if (d->started)
        return RES_BUG;
    if (label->n == 0 || label->b[0] != LABEL_MAILBOX)
        return RES_VALUE;
    s.versions = BUF_INIT((1u << 24) - 1);
    d->hooks.head(d->hooks.arg, &head);
    /* A certificate that no epoch covers might be the mailbox's, and would be passed over. */
    for (unsigned turns = 0; turns <= TURNS_BEFORE; turns++) {
        if (d->newest.certificates == head.size)
            rc = builder_turn_with(d->builder, make, &s, &fatal);
        if (rc != RES_BUSY)
            break;
        rc = directory_turn(d);
        if (rc != RES_OK)
            break;
        rc = RES_BUSY;
    }
    buf_release(&s.versions);
    return rc;
}
