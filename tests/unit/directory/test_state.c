/* States: records merged as a plain list would, whatever the order, whatever forms lie between. */
#include "log/directory/state.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fault/failalloc.h"
#include "tests/vectors/check.h"
#include "tests/vectors/rng.h"

#define NOW_MS UINT64_C(1770000000000)
#define NOW (NOW_MS / 1000)
#define BYTES_MAX ((size_t)1 << 22)

/* ---- the slow twin: a list, sorted when it is asked ---- */

struct list {
    struct mailbox_record at[400];
    size_t n;
};

/* Key i always has the same dates, as its TBS does. */
static struct mailbox_record
record_of(unsigned key, uint64_t precert, uint64_t final)
{
    uint8_t id[] = {(uint8_t)key, (uint8_t)(key >> 8)};
    struct mailbox_record m = {.precert_index = precert,
                               .final_index = final,
                               .not_before = 1000 + key % 7,
                               .not_after = key % 5 == 4 ? NOW : NOW + 1 + key,
                               .purpose = MAILBOX_BOTH,
                               .source = MAILBOX_SAN_RFC822,
                               .address = span_str("Alice@example.org"),
                               .status = MAILBOX_GOOD};

    hash_sha256(span_of(id, sizeof(id)), &m.key_id);
    hash_sha256(hash_span(&m.key_id), &m.spki_sha256);
    if (final != MAILBOX_NO_INDEX)
        hash_leaf(hash_span(&m.key_id), &m.certificate_sha256);
    return m;
}

static bool
list_merge(struct list *l, const struct mailbox_record *m)
{
    for (size_t i = 0; i < l->n; i++) {
        struct mailbox_record *o = &l->at[i];
        bool precert = o->precert_index == MAILBOX_NO_INDEX && m->precert_index != MAILBOX_NO_INDEX;
        bool final = o->final_index == MAILBOX_NO_INDEX && m->final_index != MAILBOX_NO_INDEX;

        if (!hash_equal(&o->key_id, &m->key_id))
            continue;
        if (precert)
            o->precert_index = m->precert_index;
        if (final) {
            o->final_index = m->final_index;
            o->certificate_sha256 = m->certificate_sha256;
        }
        return precert || final;
    }
    l->at[l->n++] = *m;
    return true;
}

static int
newest_first(const void *a, const void *b)
{
    const struct mailbox_record *x = a, *y = b;

    if (x->not_before != y->not_before)
        return x->not_before > y->not_before ? -1 : 1;
    return memcmp(x->key_id.b, y->key_id.b, HASH_SIZE);
}

/* MTH of RFC 6962 section 2.1. */
static void
mth(const struct hash *leaf, size_t n, struct hash *ret)
{
    struct hash left, right;
    size_t k = 1;

    if (n == 0)
        hash_empty(ret);
    else if (n == 1)
        *ret = leaf[0];
    if (n < 2)
        return;
    while (2 * k < n)
        k *= 2;
    mth(leaf, k, &left);
    mth(leaf + k, n - k, &right);
    hash_node(&left, &right, ret);
}

/* The MailboxState, with its parts in the order of merkle/keytrans/FORMATS.md. */
static void
list_value(struct list *l, uint64_t timestamp, struct buf *out)
{
    struct buf records = BUF_INIT(BYTES_MAX), one = BUF_INIT(BYTES_MAX);
    struct mailbox_state s = {.total = (uint32_t)l->n};
    struct hash leaf[400];
    struct writer w;

    qsort(l->at, l->n, sizeof(l->at[0]), newest_first);
    for (size_t i = 0; i < l->n; i++) {
        buf_clear(&one);
        w = writer_to(&one);
        mailbox_record_put(&w, &l->at[i]);
        assert_int_equal(writer_end(&w), RES_OK);
        hash_leaf(buf_span(&one), &leaf[i]);
        if (l->at[i].not_after * 1000 > timestamp && s.n < MAILBOX_RECORDS_MAX) {
            assert_int_equal(buf_add(&records, buf_span(&one)), RES_OK);
            s.n++;
        }
    }
    mth(leaf, l->n, &s.all);
    s.records = buf_span(&records);
    w = writer_to(out);
    mailbox_state_put(&w, &s);
    assert_int_equal(writer_end(&w), RES_OK);
    buf_release(&records);
    buf_release(&one);
}

static void
same_value(struct state *s, struct list *l, uint64_t timestamp)
{
    struct buf is = BUF_INIT(BYTES_MAX), must = BUF_INIT(BYTES_MAX);

    assert_int_equal(state_value(s, timestamp, &is), RES_OK);
    list_value(l, timestamp, &must);
    assert_true(span_equal(buf_span(&is), buf_span(&must)));
    buf_release(&is);
    buf_release(&must);
}

static struct state *
fresh(void)
{
    struct state *s;

    assert_int_equal(state_new(&s), RES_OK);
    return s;
}

static bool
merge(struct state *s, const struct mailbox_record *m)
{
    bool changed;

    assert_int_equal(state_merge(s, m, &changed), RES_OK);
    return changed;
}

/* The only record of a state's value. */
static struct mailbox_record
only(struct state *s, struct buf *scratch)
{
    struct mailbox_state v;
    struct mailbox_record m;

    buf_clear(scratch);
    assert_int_equal(state_value(s, NOW_MS, scratch), RES_OK);
    struct reader in = reader_of(buf_span(scratch));
    mailbox_state_get(&in, &v);
    assert_int_equal(reader_end(&in), RES_OK);
    assert_int_equal(v.n, 1);
    assert_int_equal(v.total, 1);
    in = reader_of(v.records);
    mailbox_record_get(&in, &m);
    assert_int_equal(reader_end(&in), RES_OK);
    return m;
}

/* ---- merging ---- */

static void
a_precertificate_and_its_certificate_are_one_record(void **state)
{
    struct mailbox_record pre = record_of(1, 5, MAILBOX_NO_INDEX),
                          final = record_of(1, MAILBOX_NO_INDEX, 9);
    struct buf scratch = BUF_INIT(BYTES_MAX);

    (void)state;
    for (int order = 0; order < 2; order++) {
        struct state *s = fresh();
        struct mailbox_record m;

        assert_true(merge(s, order == 0 ? &pre : &final));
        assert_true(merge(s, order == 0 ? &final : &pre));
        m = only(s, &scratch);
        assert_int_equal(m.precert_index, 5);
        assert_int_equal(m.final_index, 9);
        assert_true(hash_equal(&m.certificate_sha256, &final.certificate_sha256));
        state_free(s);
    }
    buf_release(&scratch);
}

static void
what_stands_is_not_told_anew(void **state)
{
    struct mailbox_record pre = record_of(1, 5, MAILBOX_NO_INDEX),
                          final = record_of(1, MAILBOX_NO_INDEX, 9),
                          other = record_of(1, MAILBOX_NO_INDEX, 12);
    struct buf scratch = BUF_INIT(BYTES_MAX);
    struct state *s = fresh();

    (void)state;
    memset(other.certificate_sha256.b, 7, HASH_SIZE);
    assert_true(merge(s, &pre));
    assert_false(merge(s, &pre));
    assert_true(merge(s, &final));
    assert_false(merge(s, &final));
    assert_false(merge(s, &pre));
    assert_false(merge(s, &other)); /* the same TBS, signed again */
    assert_int_equal(only(s, &scratch).final_index, 9);
    state_free(s);
    state_free(NULL);
    buf_release(&scratch);
}

/* As an epoch does: load what stands, merge a few, write; and the value after each. */
static void
random_histories_are_as_a_list(void **state)
{
    struct rng rng = rng_start("random_histories_are_as_a_list");
    unsigned wholes = 0, versions = 0;

    (void)state;
    for (int round = 0; round < 12; round++) {
        struct list *l = calloc(1, sizeof(*l));
        struct buf kept = BUF_INIT(BYTES_MAX), written = BUF_INIT(BYTES_MAX);
        size_t from[200], n = 0, whole_n = 0, changes_n = 0;
        unsigned keys = 1 + (unsigned)(rng_next(&rng) % 60);

        for (unsigned v = 0; v < 60; v++) {
            struct state *s = fresh();
            bool changed = false, whole;

            for (size_t i = 0; i < n; i++) /* the last whole one, and the changes since */
                assert_int_equal(
                    state_load(
                        s, span_of(kept.p + from[i], (i + 1 < n ? from[i + 1] : kept.n) - from[i])),
                    RES_OK);
            for (unsigned k = 1 + (unsigned)(rng_next(&rng) % 3); k > 0; k--) {
                unsigned key = (unsigned)(rng_next(&rng) % keys);
                bool final = rng_next(&rng) % 2;
                struct mailbox_record m =
                    record_of(key, final ? MAILBOX_NO_INDEX : v, final ? v : MAILBOX_NO_INDEX);
                bool now = merge(s, &m);

                assert_int_equal(now, list_merge(l, &m));
                changed = changed || now;
            }
            same_value(s, l, NOW_MS);
            if (changed) {
                buf_clear(&written);
                assert_int_equal(state_write(s, whole_n, changes_n, n == 0, &written, &whole),
                                 RES_OK);
                /* FORMATS.md: whole when it is the first, or the changes outgrow the whole */
                assert_int_equal(written.p[0], whole ? 1 : 2);
                if (n == 0)
                    assert_true(whole);
                else if (!whole)
                    assert_true(changes_n + written.n <= whole_n);
                if (whole) {
                    buf_clear(&kept);
                    n = changes_n = 0;
                    whole_n = written.n;
                } else {
                    changes_n += written.n;
                }
                from[n++] = kept.n;
                assert_int_equal(buf_add(&kept, buf_span(&written)), RES_OK);
                wholes += whole;
                versions++;
            }
            state_free(s);
        }
        buf_release(&kept);
        buf_release(&written);
        free(l);
    }
    assert_true(wholes > 12 && wholes < versions);
}

static void
changes_are_written_while_they_are_shorter(void **state)
{
    struct buf out = BUF_INIT(BYTES_MAX);
    struct state *s = fresh();
    struct mailbox_record m;
    bool whole;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        m = record_of(i, i, MAILBOX_NO_INDEX);
        (void)merge(s, &m);
    }
    assert_int_equal(state_write(s, 0, 0, true, &out, &whole), RES_OK);
    assert_true(whole);
    size_t whole_n = out.n;
    assert_int_equal(state_load(s, buf_span(&out)), RES_OK);
    m = record_of(20, 20, MAILBOX_NO_INDEX);
    (void)merge(s, &m);
    buf_clear(&out);
    assert_int_equal(state_write(s, whole_n, 0, false, &out, &whole), RES_OK);
    assert_false(whole);
    size_t one = out.n;
    buf_clear(&out); /* just as long as the whole one; and a byte longer */
    assert_int_equal(state_write(s, whole_n, whole_n - one, false, &out, &whole), RES_OK);
    assert_false(whole);
    buf_clear(&out);
    assert_int_equal(state_write(s, whole_n, whole_n - one + 1, false, &out, &whole), RES_OK);
    assert_true(whole);
    state_free(s);
    buf_release(&out);
}

/* ---- the value ---- */

static void
what_has_expired_is_counted_and_not_listed(void **state)
{
    static const struct {
        const char *says;
        uint64_t not_after, timestamp;
        unsigned listed;
    } ROWS[] = {
        {"a millisecond before its end", 2000, 1999999, 1},
        {"at its end", 2000, 2000000, 0},
        {"a millisecond after", 2000, 2000001, 0},
        {"that never ends", UINT64_MAX, UINT64_MAX, 1},
        {"so late that a product would overflow", UINT64_MAX / 1000 + 1, 2000000, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct mailbox_record m = record_of(1, 1, MAILBOX_NO_INDEX);
        struct buf out = BUF_INIT(BYTES_MAX);
        struct state *s = fresh();
        struct mailbox_state v;

        m.not_before = 1;
        m.not_after = ROWS[i].not_after;
        (void)merge(s, &m);
        assert_int_equal(state_value(s, ROWS[i].timestamp, &out), RES_OK);
        struct reader in = reader_of(buf_span(&out));
        mailbox_state_get(&in, &v);
        if (reader_end(&in) != RES_OK || v.n != ROWS[i].listed || v.total != 1)
            fail_msg("%s: %u listed", ROWS[i].says, v.n);
        state_free(s);
        buf_release(&out);
    }
}

static void
of_very_many_the_newest_are_listed(void **state)
{
    struct list *l = calloc(1, sizeof(*l));
    struct state *s = fresh();

    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        struct mailbox_record m = record_of(i, i, MAILBOX_NO_INDEX);

        m.not_before = i;
        m.not_after = NOW + 1;
        (void)list_merge(l, &m);
        (void)merge(s, &m);
    }
    same_value(s, l, NOW_MS);
    same_value(s, l, NOW_MS + 1000); /* none */
    state_free(s);
    free(l);
}

/* ---- bytes that are no State ---- */

static void
what_is_no_state_is_refused(void **state)
{
    struct mailbox_record m = record_of(1, 1, 2);
    struct buf out = BUF_INIT(BYTES_MAX);
    struct state *s = fresh();
    struct range range;
    bool whole;

    (void)state;
    (void)merge(s, &m);
    assert_int_equal(state_write(s, 0, 0, true, &out, &whole), RES_OK);
    for (size_t n = 0; n < out.n; n++)
        assert_int_not_equal(state_load(s, span_of(out.p, n)), RES_OK);
    assert_int_equal(state_load(s, buf_span(&out)), RES_OK);
    assert_int_equal(state_domain_load(buf_span(&out), &range), RES_VALUE);
    for (unsigned form = 0; form < 256; form++) {
        out.p[0] = (uint8_t)form;
        assert_int_equal(state_load(s, buf_span(&out)),
                         form == 1 || form == 2 ? RES_OK : RES_VALUE);
    }
    out.p[0] = 1;
    assert_int_equal(buf_add(&out, span_of("", 1)), RES_OK);
    assert_int_not_equal(state_load(s, buf_span(&out)), RES_OK);
    state_free(s);
    buf_release(&out);
}

static void
memory_that_fails_is_told(void **state)
{
    size_t n = 1;

    (void)state;
    for (size_t i = 0; i <= n; i++) {
        struct buf out = BUF_INIT(BYTES_MAX);
        struct mailbox_record m = record_of(1, 1, MAILBOX_NO_INDEX);
        struct state *s = NULL;
        bool b;

        failalloc_at(i);
        enum result rc = state_new(&s);
        if (rc == RES_OK)
            rc = state_merge(s, &m, &b);
        if (rc == RES_OK)
            rc = state_write(s, 0, 0, true, &out, &b);
        if (rc == RES_OK)
            rc = state_load(s, buf_span(&out));
        if (rc == RES_OK)
            rc = state_value(s, NOW_MS, &out);
        if (i == 0)
            n = failalloc_count();
        failalloc_at(0);
        assert_int_equal(rc, i == 0 ? RES_OK : RES_MEMORY);
        state_free(s);
        buf_release(&out);
    }
    assert_true(n >= 5);
}

/* ---- domains ---- */

static void
a_domain_is_the_tree_over_its_entries(void **state)
{
    struct hash leaf[70];
    struct range r;

    (void)state;
    range_init(&r);
    for (size_t n = 0; n <= 70; n++) {
        struct buf out = BUF_INIT(BYTES_MAX);
        struct domain_state v;
        struct hash root;

        assert_int_equal(state_domain_write(&r, &out), RES_OK);
        for (size_t cut = 0; cut < out.n; cut++) {
            struct range none;
            assert_int_not_equal(state_domain_load(span_of(out.p, cut), &none), RES_OK);
        }
        assert_int_equal(state_domain_load(buf_span(&out), &r), RES_OK); /* goes on from it */
        buf_clear(&out);
        assert_int_equal(state_domain_value(&r, &out), RES_OK);
        struct reader in = reader_of(buf_span(&out));
        domain_state_get(&in, &v);
        assert_int_equal(reader_end(&in), RES_OK);
        mth(leaf, n, &root);
        assert_int_equal(v.count, n);
        assert_true(hash_equal(&v.root, &root));
        buf_release(&out);
        if (n == 70)
            break;
        /* uint64 index || leaf hash, here by hand */
        uint8_t bytes[8 + HASH_SIZE] = {1, 2, 3, 4, 5, 6, 7, (uint8_t)n};
        struct hash entry, made;
        hash_sha256(span_of(bytes, 8), &entry);
        memcpy(bytes + 8, entry.b, HASH_SIZE);
        hash_leaf(span_of(bytes, sizeof(bytes)), &leaf[n]);
        state_domain_leaf(UINT64_C(0x0102030405060700) + n, &entry, &made);
        assert_true(hash_equal(&made, &leaf[n]));
        range_append(&r, &made, NULL, NULL);
    }
}

static void
a_domain_of_too_many_is_refused(void **state)
{
    uint8_t bytes[9 + 64 * HASH_SIZE] = {3};
    struct range r;

    (void)state;
    memset(bytes + 1, 0xff, 8);
    assert_int_equal(state_domain_load(span_of(bytes, sizeof(bytes)), &r), RES_VALUE);
    bytes[1] = 0;
    assert_int_not_equal(state_domain_load(span_of(bytes, sizeof(bytes)), &r), RES_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_precertificate_and_its_certificate_are_one_record),
        cmocka_unit_test(what_stands_is_not_told_anew),
        cmocka_unit_test(random_histories_are_as_a_list),
        cmocka_unit_test(changes_are_written_while_they_are_shorter),
        cmocka_unit_test(what_has_expired_is_counted_and_not_listed),
        cmocka_unit_test(of_very_many_the_newest_are_listed),
        cmocka_unit_test(what_is_no_state_is_refused),
        cmocka_unit_test(memory_that_fails_is_told),
        cmocka_unit_test(a_domain_is_the_tree_over_its_entries),
        cmocka_unit_test(a_domain_of_too_many_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
