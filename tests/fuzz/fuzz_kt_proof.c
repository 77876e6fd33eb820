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
        walk(&proof, 1u + data[0] % 64, data[1] % 8, data[1] >= 128);
    }
    buf_release(&out);
    return 0;
}
