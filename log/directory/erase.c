/* Erasing a mailbox: the act, made while its key is there; and the epoch that follows from it. */
#include <string.h>

#include "log/directory/directory_private.h"
#include "log/directory/gather.h"
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
    struct buf versions, bodies;
    struct store_view *entries;
    struct intake intake;
    struct bindings bindings;
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

/* ---- bodies of the certificate log ---- */

static void
label_of(enum label_kind kind, struct span text, struct label *ret)
{
    ret->b[0] = (uint8_t)kind;
    ret->n = 1 + text.n;
    memcpy(ret->b + 1, text.p, text.n);
}

/* Whether the certificate at hand names the mailbox, and another one that was not erased. */
static enum result
names(struct subject *s, bool *ret_it, bool *ret_live)
{
    *ret_it = *ret_live = false;
    for (size_t i = 0; i < s->intake.mailboxes.n; i++) {
        struct span address = s->intake.mailboxes.list[i].address;

        *ret_it =
            *ret_it || span_equal(address, span_of(s->label.p + 1, s->label.n - 1));
    }
    for (size_t i = 0; *ret_it && !*ret_live && i < s->intake.mailboxes.n; i++) {
        const struct mailbox *m = &s->intake.mailboxes.list[i];
        struct directory *d = s->d;
        struct version_row row;
        struct label l;
        uint64_t seq;
        bool erased = false;

        if (span_equal(m->address, span_of(s->label.p + 1, s->label.n - 1)))
            continue;
        label_of(LABEL_MAILBOX, m->address, &l);
        enum result rc = versions_newest(d->versions, d->view, d->head.versions,
                                         span_of(l.b, l.n), &seq, &row);
        if (rc == RES_OK)
            rc = versions_is_tombstone(d->view, d->keys, row.label, span_of(l.b, l.n), &erased);
        if (rc != RES_OK && rc != RES_ABSENT)
            return rc;
        *ret_live = !erased;
    }
    return RES_OK;
}

/* The domains that the certificate at hand has entered, each once. */
static enum result
list_domains(struct subject *s, struct buf *out, uint8_t *ret_n)
{
    const struct mailboxes *all = &s->intake.mailboxes;
    struct directory *d = s->d;
    enum result rc = RES_OK;

    *ret_n = 0;
    for (size_t i = 0; i < all->n && rc == RES_OK; i++) {
        struct version_row row;
        struct label l;
        uint64_t seq;
        bool seen = !s->intake.enters[i];

        for (size_t k = 0; k < i && !seen; k++)
            seen = s->intake.enters[k] && span_equal(all->list[k].domain, all->list[i].domain);
        if (seen)
            continue;
        if (*ret_n == UINT8_MAX)
            return RES_TOO_LARGE;
        label_of(LABEL_DOMAIN, all->list[i].domain, &l);
        rc = versions_newest(d->versions, d->view, d->head.versions, span_of(l.b, l.n), &seq, &row);
        if (rc == RES_OK)
            rc = versions_text(d->view, row.label, out);
        ++*ret_n;
    }
    return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
}

static enum result
look_at(struct subject *s, uint64_t index)
{
    struct erasure_body body = {.index = index};
    struct buf domains = BUF_INIT(UINT8_MAX * (6 + LABEL_MAX));
    struct writer w = writer_to(&s->bodies);
    bool it, live;
    enum result rc = intake_read(&s->intake, s->entries, index, &s->bindings);

    if (rc != RES_OK)
        return rc == RES_ERASED ? RES_OK : rc;
    rc = names(s, &it, &live);
    if (rc != RES_OK || !it || live)
        return rc;
    rc = list_domains(s, &domains, &body.domains_n);
    body.domains = buf_span(&domains);
    if (rc == RES_OK) {
        erasure_body_put(&w, &body);
        rc = writer_end(&w);
    }
    buf_release(&domains);
    s->erasure.bodies_n++;
    return rc;
}

/* Every entry is looked at: a certificate that was logged twice has one record only. */
static enum result
list_bodies(struct subject *s, uint64_t size)
{
    struct span bound = epoch_bindings(s->d->epoch);
    enum result rc = bound.n > 0 ? bindings_read(&s->bindings, bound) : RES_OK;

    if (rc == RES_OK)
        rc = store_view_begin(s->entries);
    if (rc != RES_OK)
        return rc;
    buf_clear(&s->bodies);
    s->erasure.bodies_n = 0;
    for (uint64_t i = 0; i < size && rc == RES_OK; i++)
        rc = look_at(s, i);
    store_view_end(s->entries);
    s->erasure.bodies = buf_span(&s->bodies);
    return rc;
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
    if (rc == RES_OK)
        rc = list_bodies(s, s->d->newest.certificates);
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

static enum result
begin(struct subject *s)
{
    s->versions = s->bodies = BUF_INIT((1u << 24) - 1);
    s->bindings = BINDINGS_INIT;
    intake_init(&s->intake);
    return store_view_new(s->d->store, &s->entries);
}

static void
end(struct subject *s)
{
    store_view_free(s->entries);
    intake_release(&s->intake);
    bindings_release(&s->bindings);
    buf_release(&s->versions);
    buf_release(&s->bodies);
}

enum result
directory_erase(struct directory *d, const struct label *label, enum mailbox_erased reason)
{
    struct subject s = {.d = d, .label = span_of(label->b, label->n), .reason = reason};
    struct store_head head;
    bool fatal;
    enum result rc;

    if (d->started)
        return RES_BUG;
    if (label->n == 0 || label->b[0] != LABEL_MAILBOX)
        return RES_VALUE;
    rc = begin(&s);
    d->hooks.head(d->hooks.arg, &head);
    if (rc != RES_OK) {
        end(&s);
        return rc;
    }
    rc = RES_BUSY;
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
    end(&s);
    return rc;
}

enum result
directory_wipe(struct directory *d)
{
    return d->started ? RES_BUG : store_wipe(d->store);
}
