#include "log/accept/domains.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void
domains_free(char **domains)
{
    for (size_t i = 0; domains != NULL && domains[i] != NULL; i++) {
        free(domains[i]);
    }
    free(domains);
}

static bool
is_domain_byte(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

/* One domain in lower case, n bytes at s.  RES_VALUE for what cannot be one. */
static enum result
copy_domain(const char *s, size_t n, char **ret)
{
    char *d;

    if (n == 0 || n > DOMAIN_MAX) {
        return RES_VALUE;
    }
    d = calloc(1, n + 1);
    if (d == NULL) {
        return RES_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_domain_byte(s[i])) {
            free(d);
            return RES_VALUE;
        }
        d[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] - 'A' + 'a' : s[i]);
    }
    *ret = d;
    return RES_OK;
}

enum result
domains_parse(const char *text, char ***ret)
{
    size_t commas = 0, count = 0;
    char **list;

    if (text == NULL) {
        *ret = NULL;
        return RES_OK;
    }
    for (const char *c = text; *c != '\0'; c++) {
        commas += *c == ',';
    }
    list = calloc(commas + 2, sizeof *list);
    if (list == NULL) {
        return RES_MEMORY;
    }
    while (count <= commas) {
        size_t n = strcspn(text, ",");
        enum result r = copy_domain(text, n, &list[count]);

        if (r != RES_OK) {
            domains_free(list);
            return r;
        }
        count++;
        text += n + 1;
    }
    *ret = list;
    return RES_OK;
}

enum result
domains_text(char *const *domains, struct buf *out)
{
    enum result r = RES_OK;

    for (size_t i = 0; domains[i] != NULL && r == RES_OK; i++) {
        r = buf_printf(out, "%s%s", i == 0 ? "" : ",", domains[i]);
    }
    if (r == RES_OK) {
        r = buf_add(out, span_of("", 1));
    }
    return r;
}
