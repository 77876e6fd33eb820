/*
 * The JSON door: a document that is taken holds no key twice, no string that was cut, and every
 * string written back reads as the same.
 */
#include "api/http/json.h"
#include "merkle/base/text.h"
#include "tests/fuzz/fuzz.h"

static void
check_string(struct span s)
{
    struct buf b = BUF_INIT(8 << 20);
    struct json *v = NULL;
    struct span back;

    FUZZ_CHECK(text_is_utf8(s));
    FUZZ_CHECK(s.n == 0 || memchr(s.p, 0, s.n) == NULL);
    FUZZ_CHECK(buf_printf(&b, "{\"s\":\"") == RES_OK && json_escape(s, &b) == RES_OK);
    FUZZ_CHECK(buf_printf(&b, "\"}%c", 0) == RES_OK);
    FUZZ_CHECK(json_read_strict(span_of(b.p, b.n - 1), &v) == RES_OK);
    FUZZ_CHECK(json_string(json_find(v, "s"), &back) == RES_OK && span_equal(s, back));
    json_document_free(v);
    buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *v = NULL;
    uint8_t *copy = malloc(size + 1);
    enum result r;
    size_t n = 0;

    FUZZ_CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = 0;
    r = json_read_strict(span_of(copy, size), &v);
    FUZZ_CHECK(r == RES_OK || r == RES_JSON || r == RES_JSON_TEXT || r == RES_JSON_DUPLICATE);
    if (r == RES_OK) {
        FUZZ_CHECK(size == 0 || memmem(copy, size, "\xef\xbb\xbf{", 4) != copy);
        for (const struct json *e = json_array_first(json_find(v, "chain")); e != NULL;
             e = json_array_next(e)) {
            struct span s;

            n++;
            if (json_string(e, &s) == RES_OK)
                check_string(s);
        }
    }
    if (PLANT && n == 3)
        abort(); /* the planted bug: three elements are too many */
    json_document_free(v);
    free(copy);
    return 0;
}
