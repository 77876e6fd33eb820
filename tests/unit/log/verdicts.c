#include "tests/unit/log/verdicts.h"

#include "merkle/base/text.h"
#include "merkle/leaf/precert.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct verdict_line {
    char *name;
    char *reason;
    bool seen;
};

static char *
copy_of(const char *s)
{
    char *c = strdup(s);

    assert(c != NULL);
    return c;
}

static FILE *
open_list(void)
{
    const char *source = getenv("CARTULARY_SOURCE");
    char path[4096];
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/unit/log/chain-refusals.tsv",
             source != NULL ? source : CARTULARY_SOURCE_DIR);
    f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        abort();
    }
    return f;
}

static void
read_list(struct verdicts *v)
{
    FILE *f = open_list();
    char text[1024];

    while (fgets(text, sizeof text, f) != NULL) {
        char *save, *set = strtok_r(text, "\t", &save);
        char *name = strtok_r(NULL, "\t", &save), *reason = strtok_r(NULL, "\t\n", &save);

        if (text[0] == '#' || reason == NULL || strcmp(set, v->set) != 0) {
            continue;
        }
        v->line = realloc(v->line, (v->lines + 1) * sizeof v->line[0]);
        assert(v->line != NULL);
        v->line[v->lines++] =
            (struct verdict_line){.name = copy_of(name), .reason = copy_of(reason)};
    }
    fclose(f);
}

void
verdicts_open(struct verdicts *v, const char *set)
{
    static uint8_t oid[2][8]; /* serverAuth, clientAuth */
    size_t n0 = cert_oid_from_text("1.3.6.1.5.5.7.3.1", oid[0], sizeof oid[0]);
    size_t n1 = cert_oid_from_text("1.3.6.1.5.5.7.3.2", oid[1], sizeof oid[1]);
    enum result r;

    *v = (struct verdicts){
        .set = set,
        .policy = {.eku = {CERT_OID_EMAIL_PROTECTION, span_of(oid[0], n0), span_of(oid[1], n1)},
                   .eku_count = 3,
                   .allow_any_eku = true,
                   .allow_no_eku = true,
                   .not_after_start = INT64_MIN,
                   .not_after_limit = INT64_MAX}};
    r = issuer_cache_new(1000, &v->cache);
    assert(r == RES_OK);
    verdicts_new_roots(v);
    read_list(v);
}

void
verdicts_new_roots(struct verdicts *v)
{
    enum result r;

    roots_unref(v->roots);
    r = roots_new(&v->roots);
    assert(r == RES_OK);
}

enum result
verdicts_root(struct verdicts *v, struct span der)
{
    struct buf pem = BUF_INIT(2 * CERT_MAX);
    size_t added, line;
    enum result r = buf_printf(&pem, "-----BEGIN CERTIFICATE-----\n");

    assert(r == RES_OK);
    r = text_base64(der, &pem);
    assert(r == RES_OK);
    r = buf_printf(&pem, "\n-----END CERTIFICATE-----\n");
    assert(r == RES_OK);
    r = roots_add_pem(v->roots, buf_span(&pem), NULL, false, &added, &line);
    buf_release(&pem);
    return r;
}

/* The line of that name that has not been seen. */
static struct verdict_line *
find_line(struct verdicts *v, const char *name)
{
    for (size_t i = 0; i < v->lines; i++) {
        if (!v->line[i].seen && strcmp(v->line[i].name, name) == 0) {
            v->line[i].seen = true;
            return &v->line[i];
        }
    }
    return NULL;
}

static void
compare(struct verdicts *v, const char *name, const char *reason)
{
    const struct verdict_line *l = find_line(v, name);
    const char *listed = l == NULL ? "taken" : l->reason;

    if (strcmp(reason, listed) != 0) {
        printf("DIFFERS: %s\t%s\t%s, in the list %s\n", v->set, name, reason, listed);
        v->wrong++;
    }
}

static enum entry_type
type_of(struct span leaf)
{
    struct cert c;

    return cert_parse(leaf, &c) == RES_OK && precert_is(&c) ? ENTRY_PRECERT : ENTRY_X509;
}

bool
verdicts_judge(struct verdicts *v, const char *name, int type, const struct span *chain, size_t n)
{
    struct chain c = CHAIN_INIT;
    struct chain_refusal refusal;
    enum entry_type t = type >= 0 ? (enum entry_type)type : type_of(chain[0]);
    enum result r = chain_accept(&v->policy, v->roots, v->cache, t, chain, n, &c, &refusal);

    if (r == RES_OK) {
        v->issuers = c.issuer_count;
        v->taken++;
        compare(v, name, "taken");
    } else {
        v->refused++;
        printf("refused: %s\t%s\t%s\t%s\n", v->set, name, result_name(r), refusal.detail);
        assert(result_class(r) == CLASS_INPUT && text_is_utf8(span_str(refusal.detail)));
        compare(v, name, result_name(r));
    }
    chain_release(&c);
    return r == RES_OK;
}

size_t
verdicts_close(struct verdicts *v)
{
    printf("%s: %zu taken, %zu refused, %zu otherwise than listed\n", v->set, v->taken, v->refused,
           v->wrong);
    for (size_t i = 0; i < v->lines; i++) {
        if (!v->line[i].seen) {
            printf("DIFFERS: %s\t%s\tnever came, in the list %s\n", v->set, v->line[i].name,
                   v->line[i].reason);
            v->wrong++;
        }
        free(v->line[i].name);
        free(v->line[i].reason);
    }
    free(v->line);
    roots_unref(v->roots);
    issuer_cache_free(v->cache);
    return v->wrong;
}
