#include "tests/unit/directory/desk.h"

#include "tests/vectors/check.h"

#define FEED_ORIGIN TESTLOG_ORIGIN "/feed"
#define SECOND_MS 1000

void
desk_init(struct desk *d, const struct kt_window *window)
{
    testdir_init(&d->t, window);
    testlog_init(&d->ct);
    d->log = *d->ct.log;
    d->log.has_directory = true;
    d->log.directory = d->t.kt;
    d->log.delay_ms = UINT64_C(1000) * POLICY_DELAY_DEFAULT;
    assert_int_equal(vrf_public_parse(d->t.kt.vrf_key, &d->log.vrf), RES_OK);
    assert_int_equal(
        note_key_ed25519(FEED_ORIGIN, KEY_ED25519, signer_feed_public(d->t.signer), &d->log.feed),
        RES_OK);
}

void
desk_release(struct desk *d)
{
    testlog_release(&d->ct);
    testdir_release(&d->t);
}

void
desk_append(struct desk *d, size_t n, unsigned labels)
{
    if (d->t.d != NULL)
        testdir_fill(&d->t);
    for (size_t i = 0; i < n; i++)
        testdir_append(&d->t, desk_now(d) + SECOND_MS, labels);
    testdir_open(&d->t);
}

uint64_t
desk_now(const struct desk *d)
{
    return d->t.entries[d->t.n - 1].timestamp;
}

/* ---- answers ---- */

static enum directory_ask
ask_of(const char *path)
{
    static const struct {
        const char *path;
        enum directory_ask ask;
    } paths[] = {{"/kt/v1/search", DIRECTORY_SEARCH},
                 {"/kt/v1/contact-monitor", DIRECTORY_CONTACT_MONITOR},
                 {"/kt/v1/owner-init", DIRECTORY_OWNER_INIT},
                 {"/kt/v1/owner-monitor", DIRECTORY_OWNER_MONITOR},
                 {"/kt/v1/update", DIRECTORY_UPDATE},
                 {"/kt/v1/distinguished", DIRECTORY_DISTINGUISHED}};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (strcmp(paths[i].path, path) == 0)
            return paths[i].ask;
    fail_msg("nothing answers at %s", path);
    return DIRECTORY_SEARCH;
}

static unsigned
status_of(enum result r)
{
    if (r == RES_OK)
        return 200;
    if (r == RES_KT_NOTHING_NEW)
        return 409;
    switch (result_class(r)) {
    case CLASS_INPUT:
        return 400;
    case CLASS_ABSENT:
        return 404;
    case CLASS_LATER:
        return 503;
    default:
        fail_msg("the directory is broken: %s", result_name(r));
        return 500;
    }
}

void
desk_answer(struct desk *d, const struct ask *ask, struct buf *body, struct answer *ret)
{
    assert_int_equal(ask->kind, ASK_FETCH);
    assert_true(ask->octets);
    buf_clear(body);
    enum result r = directory_answer(d->t.r, ask_of(ask->path), ask->body, body);
    *ret = (struct answer){.status = status_of(r), .body = buf_span(body)};
}

/* ---- what is kept ---- */

struct memory_label *
desk_kept(const struct desk *d, struct memory *m, unsigned label)
{
    return memory_find(m, testdir_name(&d->t, label));
}

void
desk_write(const struct desk *d, const struct memory *m, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(memory_write(m, &d->log, out), RES_OK);
}

static void
audit_view(const struct desk *d, const struct memory *m)
{
    struct kt_view view;
    struct hash want, kept;

    assert_true(m->has_view);
    assert_int_equal(m->view.peaks.size, d->t.n);
    testdir_view(&d->t, d->t.n, &view);
    logtree_root(&view.peaks, &want);
    logtree_root(&m->view.peaks, &kept);
    assert_memory_equal(kept.b, want.b, HASH_SIZE);
    assert_int_equal(m->view.n, view.n);
    assert_int_equal(kt_head_verify(&d->t.kt, d->t.n, &want, span_of(m->signature, 64)), RES_OK);
}

static void
audit_owner(const struct desk *d, const struct memory_label *l, unsigned label)
{
    const struct testdir_label *model = &d->t.label[label];
    size_t first = testdir_versions(&d->t, label, l->start + 1);

    assert_int_equal(l->at_start, (int64_t)first - 1);
    assert_int_equal(l->upcoming_n, model->n - first);
    for (size_t i = 0; i < l->upcoming_n; i++)
        assert_int_equal(l->upcoming[i], model->at[first + i].entry);
}

void
desk_audit(struct desk *d, struct memory *m, unsigned label)
{
    const struct testdir_label *model = &d->t.label[label];
    const struct memory_label *l = desk_kept(d, m, label);

    audit_view(d, m);
    assert_non_null(l);
    if (l->watched)
        audit_owner(d, l, label);
    assert_true(contact_map_valid(&l->map, d->t.n));
    for (unsigned i = 0; i < l->map.n; i++) {
        assert_true(l->map.entries[i].version < model->n);
        assert_true(model->at[l->map.entries[i].version].entry <= l->map.entries[i].position);
    }
    for (size_t i = 0; i < l->steps_n; i++) {
        const struct consume_version *s = &l->steps[i];

        assert_true(i == 0 || l->steps[i - 1].version < s->version);
        assert_true(hash_equal(&s->key, testdir_key(&d->t, label, s->version)));
        if (s->has_commitment) {
            assert_true(s->version < model->n);
            assert_true(hash_equal(&s->commitment, &model->at[s->version].commitment));
        }
    }
}
