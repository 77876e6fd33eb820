/*
 * Tells the mailboxes of certificates to mailboxes.py: a certificate in hex a line comes in, a line
 * goes out for each.
 *
 *     ok REFUSED WHY [SOURCE,ADDRESS,CERTIFIED]…     addresses in hex
 *     bad WHY                                        cert_parse refuses it
 */
#include "merkle/base/text.h"
#include "merkle/leaf/mailboxes.h"

#include <stdio.h>
#include <stdlib.h>

static void
print_hex(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        printf("%02x", s.p[i]);
}

static void
tell(struct span der)
{
    static struct cert c;
    struct mailboxes m;
    enum result r = cert_parse(der, &c);
    if (r == RES_OK)
        r = mailboxes_of(&c, &m);
    if (r != RES_OK) {
        printf("bad %s\n", result_name(r));
        return;
    }
    printf("ok %zu %s", m.refused, result_name(m.why));
    for (size_t i = 0; i < m.n; i++) {
        printf(" %d,", (int)m.list[i].source);
        print_hex(m.list[i].address);
        printf(",");
        print_hex(m.list[i].certified);
    }
    printf("\n");
    mailboxes_release(&m);
}

int
main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        size_t bytes = (size_t)n / 2; /* the line feed is not half a byte of them */
        uint8_t *der = malloc(bytes + 1);
        if (der == NULL || text_unhex(span_of(line, 2 * bytes), der, bytes) != RES_OK) {
            fprintf(stderr, "print_mailboxes: not a line of hex\n");
            return 1;
        }
        tell(span_of(der, bytes));
        fflush(stdout);
        free(der);
    }
    free(line);
    return 0;
}
