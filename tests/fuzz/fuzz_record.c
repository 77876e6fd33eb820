/*
 * Views and evidence: the input stands between a heading and a digest that fits, since no fuzzer
 * finds SHA-256. What opens reads back line by line as it stood; and whoever holds no log's key can
 * prove nothing against one but what the signed seeds prove: a finding is one of the known words.
 */
#include "client/evidence.h"
#include "client/record.h"
#include "tests/fuzz/fuzz.h"

static void
check_lines(struct record in, struct span body)
{
    struct buf again = BUF_INIT(EVIDENCE_MAX);
    while (!record_done(&in)) {
        char key[256];
        struct span value;
        size_t n = 0;
        while (in.rest.p[n] != ' ')
            n++;
        if (n >= sizeof key)
            break;
        memcpy(key, in.rest.p, n);
        key[n] = '\0';
        FUZZ_CHECK(record_text(&in, key, &value) == RES_OK && value.n > 0);
        FUZZ_CHECK(record_write_text(key, value, &again) == RES_OK);
    }
    if (PLANT && again.n > 40)
        again.n--; /* the planted bug: the last newline of a long file is lost */
    FUZZ_CHECK(!record_done(&in) || span_equal(buf_span(&again), body));
    buf_release(&again);
}

static void
check_evidence(struct span text)
{
    static const char *const words[] = {"fork",      "shrank",   "same-time", "not-merged",
                                        "misplaced", "unproved", "agrees"};
    struct evidence_report e;
    bool known = false;
    if (evidence_check(text, NULL, &e) != RES_OK)
        return;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        known = known || strcmp(words[i], e.finding) == 0;
    FUZZ_CHECK(known && (e.verdict == EVIDENCE_UNPROVED) == (strcmp(e.finding, "unproved") == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT(EVIDENCE_MAX);
    struct record r;
    FUZZ_CHECK(record_write_heading("evidence", &text) == RES_OK);
    if (buf_add(&text, span_of(data, size)) == RES_OK && record_write_digest(&text) == RES_OK) {
        enum result rc = record_open(buf_span(&text), "evidence", &r);
        FUZZ_CHECK(rc == RES_OK || rc == RES_ENCODING);
        if (rc == RES_OK)
            check_lines(r, span_of(data, size));
        check_evidence(buf_span(&text));
    }
    FUZZ_CHECK(record_open(span_of(data, size), "evidence", &r) != RES_BUG);
    buf_release(&text);
    return 0;
}
