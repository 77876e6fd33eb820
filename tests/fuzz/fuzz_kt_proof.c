/*
 * A CombinedTreeProof, taken apart as the answer to a search for a version: two bytes say how large
 * the tree is and what is searched for.  Whatever it holds, the walk ends, and what it accepts is
 * written as the same bytes.
 */
#include "merkle/keytrans/consume.h"
#include "merkle/keytrans/search.h"
#include "tests/fuzz/fuzz.h"

#define VERSIONS 16

/* Search keys that are as far apart as they can be, and two that are not. */
static void
know(struct consume_version *ret)
{
    for (unsigned i = 0; i < VERSIONS; i++) {
        memset(&ret[i], 0, sizeof(ret[i]));
        ret[i].version = i;
        ret[i].key.b[0] = (uint8_t)(i < 14 ? i << 4 : 0xf0);
        ret[i].key.b[1] = (uint8_t)i;
        ret[i].has_commitment = i != 3;
        ret[i].commitment.b[0] = (uint8_t)i;
    }
}

/* Its prefix proofs and their results, read and written one by one. */
static void
check_elements(const struct combined_proof *proof)
{
    struct reader r = reader_of(proof->prefix_proofs.bytes);
    struct buf out = BUF_INIT(1u << 24), results = BUF_INIT(1u << 24);
    struct writer w = writer_to(&out);

    for (unsigned i = 0; i < proof->prefix_proofs.n; i++) {
        struct writer rw = writer_to(&results);
        struct prefix_proof p;
        struct reader rr;

        prefix_proof_get(&r, &p);
        rr = reader_of(p.results.bytes);
        buf_clear(&results);
        for (unsigned k = 0; k < p.results.n; k++) {
            struct prefix_lookup l;

            prefix_result_get(&rr, &l);
            prefix_result_put(&rw, &l);
        }
        FUZZ_CHECK(reader_end(&rr) == RES_OK && writer_end(&rw) == RES_OK);
        FUZZ_CHECK(span_equal(buf_span(&results), p.results.bytes));
        prefix_proof_put(&w, &p);
    }
    FUZZ_CHECK(reader_end(&r) == RES_OK && writer_end(&w) == RES_OK);
    FUZZ_CHECK(span_equal(buf_span(&out), proof->prefix_proofs.bytes));
    buf_release(&out);
    buf_release(&results);
}

/* The view of a tree that ends at an entry which was inspected, if its frontier was. */
static void
check_earlier(const struct consumer *c, const struct transcript *t, const struct kt_view *view)
{
    for (unsigned i = 0; i < t->n; i++) {
        uint64_t size = t->entries[i].position + 1;
        struct kt_view earlier;
        enum result rc = consume_earlier(c, t, size, &earlier);

        FUZZ_CHECK(rc == RES_OK || (rc == RES_BUG && size < t->size));
        FUZZ_CHECK(rc != RES_OK || earlier.peaks.size == size);
        FUZZ_CHECK(size < t->size || hash_equal(&earlier.peaks.heads[0], &view->peaks.heads[0]));
    }
}

static void
walk(const struct combined_proof *proof, uint64_t size, uint32_t version, bool greatest)
{
    static struct transcript t;
    static struct consumer c;
    static struct kt_view view;
    struct consume_version known[VERSIONS];
    struct kt_window window = {.monitoring = 100, .has_lifetime = !greatest, .lifetime = 1000};
    struct transcript_source source;
    uint64_t terminal = UINT64_MAX;
    struct hash root;
    enum result rc;

    know(known);
    consume_init(&c, proof, known, VERSIONS);
    source = consume_source(&c);
    FUZZ_CHECK(transcript_init(&t, size, &window, NULL, &source) == RES_OK);
    rc = view_update(&t);
    if (rc == RES_OK)
        rc = greatest ? search_greatest(&t, version, &terminal)
                      : search_fixed(&t, version, &terminal);
    if (rc == RES_OK)
        rc = consume_finish(&c, &t, &root, &view);
    FUZZ_CHECK(rc != RES_BUG);
    if (rc == RES_OK)
        check_earlier(&c, &t, &view);
    FUZZ_CHECK(rc != RES_OK || (terminal < size && view.peaks.size == size && view.n > 0));
    for (unsigned i = 1; i < t.n; i++)
        FUZZ_CHECK(t.entries[i - 1].entry.timestamp <= t.entries[i].entry.timestamp);
    if (PLANT)
        FUZZ_CHECK(rc != RES_KT_NO_VERSION); /* the planted bug: every version is there */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = BUF_INIT(1u << 24);
    struct writer w = writer_to(&out);
    struct combined_proof proof;

    if (size < 2)
        return 0;
    struct span in = span_of(data + 2, size - 2);
    struct reader r = reader_of(in);
    combined_proof_get(&r, &proof);
    if (reader_end(&r) == RES_OK) {
        combined_proof_put(&w, &proof);
        FUZZ_CHECK(writer_end(&w) == RES_OK && span_equal(in, buf_span(&out)));
        check_elements(&proof);
        walk(&proof, 1u + data[0] % 64, data[1] % 8, data[1] >= 128);
    }
    buf_release(&out);
    return 0;
}
