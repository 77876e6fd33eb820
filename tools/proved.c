#include "tools/proved.h"

#include <inttypes.h>
#include <stdio.h>

#include "merkle/base/text.h"

void
proved_print(const struct app *a, const char *how, const struct policy_log *log,
             const struct promise *p, const struct head *h, uint64_t index)
{
    char time[APP_TIME_MAX], head_time[APP_TIME_MAX], leaf[2 * HASH_SIZE + 1];
    app_time(p->timestamp, time);
    app_time(h->timestamp, head_time);
    text_hex_to(hash_span(&p->leaf_hash), leaf);
    if (a->o.json) {
        (void)printf("{\"log\":\"%s\",\"how\":\"%s\",\"exit\":0,\"leaf_index\":%" PRIu64
                     ",\"leaf_hash\":\"%s\",\"timestamp\":%" PRIu64 ",\"tree_size\":%" PRIu64 "}\n",
                     log->note.name, how, index, leaf, p->timestamp, h->size);
        return;
    }
    (void)printf("%s: proved (%s)\n"
                 "  SCT of %s: the log's signature over this certificate verifies\n"
                 "  entry %" PRIu64 " of the tree of size %" PRIu64
                 ", signed at %s: the inclusion proof verifies\n",
                 log->note.name, how, time, index, h->size, head_time);
}
