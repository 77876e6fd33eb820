#include "log/accept/root.h"

#include "log/accept/domains.h"

#include <stdlib.h>

void
root_free(struct root *r)
{
    if (r == NULL) {
        return;
    }
    issuer_unref(r->issuer);
    domains_free(r->domains);
    buf_release(&r->bytes);
    free(r);
}

enum result
root_new(struct span der, const char *domains, bool verify_only, struct root **ret)
{
    struct root *r = calloc(1, sizeof *r);
    enum result res;

    if (r == NULL) {
        return RES_MEMORY;
    }
    buf_init(&r->bytes, CERT_MAX);
    res = buf_add(&r->bytes, der);
    if (res == RES_OK) {
        r->der = buf_span(&r->bytes);
        res = cert_parse(r->der, &r->cert);
    }
    if (res == RES_OK && r->cert.has_basic_constraints && !r->cert.is_ca) {
        res = RES_CHAIN_CA;
    }
    if (res == RES_OK) {
        res = issuer_new(r->cert.spki, &r->issuer);
    }
    if (res == RES_OK) {
        res = domains_parse(domains, &r->domains);
    }
    if (res != RES_OK) {
        root_free(r);
        return res;
    }
    hash_sha256(r->der, &r->sha256);
    r->verify_only = verify_only;
    *ret = r;
    return RES_OK;
}

enum result
root_copy(const struct root *root, struct root **ret)
{
    struct buf domains = BUF_INIT(SIZE_MAX / 2);
    enum result res = RES_OK;

    if (root->domains != NULL) {
        res = domains_text(root->domains, &domains);
    }
    if (res == RES_OK) {
        res = root_new(root->der, (const char *)domains.p, true, ret);
    }
    buf_release(&domains);
    return res;
}
