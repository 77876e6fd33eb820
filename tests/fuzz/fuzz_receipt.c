/*
 * Receipts: what is read is written in one form, and that form reads as the same receipt; and none
 * proves what the log never saw.
 */
#include "client/receipt.h"
#include "tests/fuzz/fuzz.h"

static bool
same(const struct receipt *a, const struct receipt *b)
{
    return span_equal(buf_span(&a->file), buf_span(&b->file)) &&
           span_equal(buf_span(&a->origin), buf_span(&b->origin)) && a->type == b->type &&
           span_equal(buf_span(&a->sct), buf_span(&b->sct)) &&
           hash_equal(&a->leaf_hash, &b->leaf_hash) && a->index == b->index &&
           a->path_n == b->path_n && memcmp(a->path, b->path, a->path_n * sizeof a->path[0]) == 0 &&
           a->form == b->form && span_equal(buf_span(&a->head), buf_span(&b->head));
}

/* The log of the seeds; its private keys are gone. */
static const char POLICY[] =
    "log log.example/1+08f012ef+AQhgJi1+KAu2RozhBEdZZoUB7qTHtM9FS3ZXa8Yj/Qzy "
    "http://127.0.0.1:6962/\n"
    "#cartulary ct-key log.example/1 "
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuXEdnFRx74EUaanYtErIzq3DiT/5/"
    "2Mudi+d3g8wVUdl9r2+MPVk6yp78utjzgdvsrYf5yMmcUQmCiuzOO95ZA==\n"
    "quorum none\n";

static const struct policy *
policy(void)
{
    static struct policy *p;
    char detail[POLICY_DETAIL_MAX];
    size_t line;
    if (p == NULL)
        FUZZ_CHECK(policy_parse(span_str(POLICY), &p, &line, detail) == RES_OK);
    return p;
}

static void
check_proves_nothing(const struct receipt *r)
{
    const struct entry never = {.type = r->type, .body = span_str("not a certificate")};
    struct receipt_verdict v;
    FUZZ_CHECK(receipt_verify(r, policy(), &never, &v) != RES_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf line = BUF_INIT((size_t)8 * RECEIPT_MAX);
    struct receipt a, b;
    receipt_init(&a);
    receipt_init(&b);
    enum result r = receipt_parse(span_of(data, size), &a);
    FUZZ_CHECK(r == RES_OK || result_class(r) == CLASS_INPUT);
    if (r == RES_OK) {
        check_proves_nothing(&a);
        FUZZ_CHECK(receipt_write(&a, &line) == RES_OK);
        FUZZ_CHECK(line.n > 0 && line.p[line.n - 1] == '\n');
        line.n--;
        FUZZ_CHECK(memchr(line.p, '\n', line.n) == NULL);
        /* Escapes can make the written line longer than a receipt may be. */
        if (line.n <= RECEIPT_MAX) {
            FUZZ_CHECK(receipt_parse(buf_span(&line), &b) == RES_OK);
            if (PLANT && a.path_n == 1)
                b.index++; /* the planted bug: an off-by-one after a path of one hash */
            FUZZ_CHECK(same(&a, &b));
        }
    }
    receipt_release(&a);
    receipt_release(&b);
    buf_release(&line);
    return 0;
}
