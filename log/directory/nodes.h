/*
 * The prefix trees of the directory's entries, as merkle/keytrans/prefix_tree takes them: nodes
 * from a view of the shelf, new ones into its transaction.
 *
 * A leaf's ref is its seq, a parent's the offset of its Node.  Thread: the view's and the
 * transaction's.  Uses shelf, prefix_tree.
 */
#ifndef LOG_DIRECTORY_NODES_H
#define LOG_DIRECTORY_NODES_H

#include "log/directory/shelf.h"
#include "merkle/keytrans/prefix_tree.h"

struct nodes {
    struct shelf_view *view; /* begun; when writing, no earlier than the last commit */
    struct shelf_txn *txn;   /* NULL for reading alone */
};

/*
 * The store, which borrows *n.  Errors of its functions are those of shelf_get_node,
 * shelf_get_version (RES_STORE_DAMAGED where it says RES_ABSENT) and shelf_add_bytes; put requires
 * a transaction.  What was put cannot be read before the commit: one prefix_insert for each.
 */
struct prefix_store nodes_store(struct nodes *n);

#endif
