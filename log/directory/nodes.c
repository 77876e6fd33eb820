#include "log/directory/nodes.h"

#include <assert.h>

static enum result
get(void *arg, const struct prefix_ref *parent, struct prefix_ref *ret_left,
    struct prefix_ref *ret_right)
{
    struct nodes *n = arg;

    return shelf_get_node(n->view, parent->ref, ret_left, ret_right);
}

static enum result
leaf(void *arg, const struct prefix_ref *at, struct prefix_leaf *ret)
{
    struct nodes *n = arg;
    struct version_row row;
    enum result rc = shelf_get_version(n->view, at->ref, &row);

    if (rc != RES_OK)
        return rc == RES_ABSENT ? RES_STORE_DAMAGED : rc;
    *ret = row.leaf;
    return RES_OK;
}

static enum result
put(void *arg, const struct prefix_ref *left, const struct prefix_ref *right,
    struct prefix_ref *ret)
{
    struct nodes *n = arg;
    uint8_t bytes[NODE_SIZE_MAX];
    struct buf out = {.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)};
    struct writer w = writer_to(&out);
    enum result rc;

    assert(n->txn != NULL);
    node_put(&w, left, right);
    rc = writer_end(&w);
    return rc == RES_OK ? shelf_add_bytes(n->txn, buf_span(&out), &ret->ref) : rc;
}

struct prefix_store
nodes_store(struct nodes *n)
{
    return (struct prefix_store){.arg = n, .get = get, .leaf = leaf, .put = put};
}
