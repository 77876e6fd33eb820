/*
 * Every chain that can be built from the corpora, for whoever submits them: printed, one a line.
 *
 *   root   NAME  DER                  a self-signed certificate that a log can accept as a root
 *   chain  NAME  TYPE  DER DER …      leaf first, its root last; TYPE 0 or 1
 *   alone  NAME                       its issuer is not there
 *
 * Fields are parted by tabs, DER is base64.  Exits 77 when there is no test data.
 */
#include "merkle/base/text.h"
#include "merkle/leaf/precert.h"
#include "tests/unit/log/path.h"
#include "tests/unit/log/verdicts.h"
#include "tests/vectors/pem.h"
#include "tests/vectors/testdata.h"

#include <stdio.h>
#include <stdlib.h>

/* All certificates of a file, PEM or DER, to the heap; named from below "corpora/". */
static void
add_file(void *arg, const char *relative)
{
    struct path_heap *h = arg;
    struct buf text = BUF_INIT(64 << 20), der = BUF_INIT(64 << 20);
    const char *name = strchr(relative, '/') + 1;
    size_t n = 0;

    testdata_load(relative, &text);
    while (pem_block(buf_span(&text), "CERTIFICATE", n, &der)) {
        path_add(h, name, buf_span(&der));
        n++;
    }
    if (n == 0 && text.n > 0 && text.p[0] == 0x30)
        path_add(h, name, buf_span(&text));
    buf_release(&text);
    buf_release(&der);
}

static void
print_der(struct span der)
{
    struct buf text = BUF_INIT(64 << 20);

    if (text_base64(der, &text) != RES_OK)
        abort();
    printf("\t%.*s", (int)text.n, (const char *)text.p);
    buf_release(&text);
}

static void
print_item(const struct path_heap *h, size_t i)
{
    const struct path_cert *item = &h->item[i];
    struct span chain[CHAIN_MAX + 1] = {buf_span(&item->der)};
    size_t n = item->parsed == RES_OK ? path_build(h, i, chain) : 1;

    if (n == 0) {
        printf("alone\t%s\n", item->name);
        return;
    }
    if (item->is_root)
        return;
    printf("chain\t%s\t%d", item->name, item->parsed == RES_OK && precert_is(&item->cert) ? 1 : 0);
    for (size_t j = 0; j < n; j++)
        print_der(chain[j]);
    puts("");
}

static void
print_corpus(struct verdicts *v, const char *directory)
{
    struct path_heap h = {0};

    testdata_each(directory, ".pem", add_file, &h);
    testdata_each(directory, ".crt", add_file, &h);
    for (size_t i = 0; i < h.n; i++) {
        if (!h.item[i].is_root || verdicts_root(v, buf_span(&h.item[i].der)) != RES_OK)
            continue;
        printf("root\t%s", h.item[i].name);
        print_der(buf_span(&h.item[i].der));
        puts("");
    }
    for (size_t i = 0; i < h.n; i++)
        print_item(&h, i);
    path_release(&h);
}

int
main(void)
{
    static const char *const NAMES[] = {"corpora/mimekit", "corpora/mozilla-email-roots",
                                        "corpora/nist-pkits", "corpora/pkilint", "corpora/zlint"};
    struct verdicts v;

    if (testdata_root() == NULL) {
        puts("skip: no test data; set CARTULARY_TESTDATA");
        return 77;
    }
    verdicts_open(&v, "corpora");
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        print_corpus(&v, NAMES[i]);
    fflush(stdout);
    /* What it prints is about judgements, which are the log's here. */
    if (freopen("/dev/null", "w", stdout) == NULL)
        return 1;
    (void)verdicts_close(&v);
    return 0;
}
