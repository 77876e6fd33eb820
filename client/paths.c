#include "client/paths.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "client/path.h"

/* One certificate of the path that is being tried, and where the search above it stands. */
struct step {
    X509 *x;       /* borrowed */
    int issuer;    /* its place among the issuers; -1: the leaf, or an anchor */
    int next;      /* of all anchors and issuers, the next to be looked at */
    bool dead_end; /* so far nothing above it led on, nor was left out */
};

struct search {
    const struct paths_question *q;
    struct step path[PATH_MAX_CERTS]; /* the leaf first */
    int n;
    unsigned signatures, tries;       /* that may still be made */
    bool dead_end[TRUST_ISSUERS_MAX]; /* no way up: not looked at again */
    bool judged;                      /* why is about a path, not about pieces */
    enum trust_reason why;
};

/* Judges the path as it stands, its last certificate being an anchor. */
static enum result
judge(struct search *s)
{
    struct path p = {.n = s->n, .now = s->q->now, .address = s->q->address};
    enum trust_reason why;

    for (int i = 0; i < s->n; i++)
        p.cert[i] = s->path[i].x;
    s->tries--;
    enum result rc = path_judge(&p, &why);
    if (rc == RES_OK && (!s->judged || why == TRUST_OK))
        s->why = why;
    s->judged = true;
    return rc;
}

/* As far as can be seen without a key. */
static bool
may_have_issued(X509 *issuer, X509 *x)
{
    const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(x);
    const ASN1_OCTET_STRING *its = X509_get0_subject_key_id(issuer);

    if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(x)) != 0)
        return false;
    return wanted == NULL || its == NULL || ASN1_OCTET_STRING_cmp(wanted, its) == 0;
}

static bool
on_path(const struct search *s, const X509 *x)
{
    for (int i = 0; i < s->n; i++)
        if (s->path[i].x == x || X509_cmp(s->path[i].x, x) == 0)
            return true;
    return false;
}

static enum result
has_signed(struct search *s, X509 *issuer, X509 *x, bool *ret)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    enum trust_reason why = TRUST_SIGNATURE;

    s->signatures--;
    *ret = false;
    if (key == NULL)
        why = TRUST_WEAK; /* of a kind that libcrypto does not know */
    else
        *ret = X509_verify(x, key) == 1;
    if (path_out_of_memory())
        return RES_MEMORY;
    if (!*ret && !s->judged && s->why == TRUST_NO_PATH)
        s->why = why;
    return RES_OK;
}

static int
count(STACK_OF(X509) * s)
{
    return s != NULL ? sk_X509_num(s) : 0;
}

/* What stands at place i of all anchors and issuers. */
static struct step
step_at(const struct search *s, int i)
{
    int anchors = count(s->q->anchors);

    if (i < anchors)
        return (struct step){.x = sk_X509_value(s->q->anchors, i), .issuer = -1};
    return (struct step){
        .x = sk_X509_value(s->q->issuers, i - anchors), .issuer = i - anchors, .dead_end = true};
}

/* Whether the path may go on with it, but for the signature. */
static bool
leads_on(struct search *s, const struct step *up)
{
    struct step *top = &s->path[s->n - 1];

    if ((up->issuer >= 0 && s->dead_end[up->issuer]) || !may_have_issued(up->x, top->x))
        return false;
    if (!on_path(s, up->x))
        return true;
    top->dead_end = top->dead_end && X509_cmp(up->x, top->x) == 0; /* a circle, or a root */
    return false;
}

/* The next issuer of the path's last certificate; its x is NULL when there is none any more, or no
 * more work may be done. */
static enum result
next_issuer(struct search *s, struct step *ret)
{
    int all = count(s->q->anchors) + count(s->q->issuers);
    struct step *top = &s->path[s->n - 1];
    bool is_issuer = false;

    while (top->next < all && s->signatures > 0 && s->tries > 0) {
        struct step up = step_at(s, top->next++);
        if (!leads_on(s, &up))
            continue;
        enum result rc = has_signed(s, up.x, top->x, &is_issuer);
        if (rc != RES_OK)
            return rc;
        if (is_issuer) {
            *ret = up;
            return RES_OK;
        }
    }
    ret->x = NULL;
    return RES_OK;
}

/* Goes on below: everything above the path's last certificate has been tried. */
static void
step_back(struct search *s)
{
    const struct step *top = &s->path[--s->n];

    if (s->n == 0)
        return;
    if (top->dead_end && top->issuer >= 0)
        s->dead_end[top->issuer] = true;
    else
        s->path[s->n - 1].dead_end = false;
}

/* The user may name the certificate itself. */
static bool
is_anchor(const struct paths_question *q)
{
    for (int i = 0; i < sk_X509_num(q->anchors); i++)
        if (X509_cmp(sk_X509_value(q->anchors, i), q->leaf) == 0)
            return true;
    return false;
}

/* Goes on with up, or judges when it is an anchor. */
static enum result
step_up(struct search *s, struct step up)
{
    enum result rc = RES_OK;

    s->path[s->n++] = up;
    if (up.issuer < 0) {
        rc = judge(s);
        step_back(s);
    } else if (s->n > TRUST_DEPTH_MAX + 1) {
        s->why = s->judged ? s->why : TRUST_CA;
        s->path[s->n - 1].dead_end = false;
        step_back(s);
    }
    return rc;
}

enum result
paths_find(const struct paths_question *q, enum trust_reason *ret)
{
    struct search s = {.q = q,
                       .path = {{.x = q->leaf, .issuer = -1}},
                       .n = 1,
                       .signatures = PATHS_SIGNATURES_MAX,
                       .tries = PATHS_TRIES_MAX,
                       .why = TRUST_NO_PATH};
    enum result rc = is_anchor(q) ? judge(&s) : RES_OK;
    struct step up;

    while (rc == RES_OK && s.n > 0 && s.why != TRUST_OK) {
        rc = next_issuer(&s, &up);
        if (rc == RES_OK && up.x != NULL)
            rc = step_up(&s, up);
        else
            step_back(&s);
    }
    ERR_clear_error();
    if (rc == RES_OK)
        *ret = s.why;
    return rc;
}
