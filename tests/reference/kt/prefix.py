"""The prefix tree (draft, "Prefix Tree" in three places): insert, prove, evaluate.

Nodes never change once made, so every version of the tree is simply its root.  None is the empty tree.
"""

from . import crypto
from .refusal import Refused, require
from .structs import (INCLUSION, NON_INCLUSION_LEAF, NON_INCLUSION_PARENT, NH, PrefixLeaf, PrefixProof,
                      PrefixSearchResult)

DEPTH_MAX = 8 * NH


def bit(key, depth):
    """Bit `depth` of a search key, the most significant first: 0 goes left."""
    return key[depth // 8] >> (7 - depth % 8) & 1


class Leaf:
    """A search key and the commitment stored for it."""

    def __init__(self, key, commitment):
        self.key, self.commitment = key, commitment
        self.value = crypto.prefix_leaf(key, commitment)


class Parent:
    """Children by bit; one of them may be None."""

    def __init__(self, left, right):
        self.children = (left, right)
        self.value = crypto.prefix_parent(value_of(left), value_of(right))


def value_of(node):
    return crypto.ZERO if node is None else node.value


def insert(node, leaf, depth=0):
    """The tree with the leaf in it, too."""
    if node is None:
        return leaf
    if isinstance(node, Leaf):
        require(node.key != leaf.key, "prefix: this search key is there already")
        pushed = (None, node) if bit(node.key, depth) else (node, None)
        return insert(Parent(*pushed), leaf, depth)
    children = list(node.children)
    side = bit(leaf.key, depth)
    children[side] = insert(children[side], leaf, depth + 1)
    return Parent(*children)


def root_of(leaves, depth=0):
    """The root over a set of leaves by the shape alone, without insertion: a leaf stands where it is alone."""
    if not leaves:
        return crypto.ZERO
    if len(leaves) == 1:
        return leaves[0].value
    halves = [[leaf for leaf in leaves if bit(leaf.key, depth) == side] for side in (0, 1)]
    return crypto.prefix_parent(*(root_of(half, depth + 1) for half in halves))


def search(node, key):
    """Where a search ends: the terminal node (a Leaf or None) and its depth."""
    depth = 0
    while isinstance(node, Parent):
        node = node.children[bit(key, depth)]
        depth += 1
    return node, depth


def contains(node, key):
    leaf, _ = search(node, key)
    return leaf is not None and leaf.key == key


def result_of(node, key):
    leaf, depth = search(node, key)
    if leaf is None:
        return PrefixSearchResult(result_type=NON_INCLUSION_PARENT, depth=depth)
    if leaf.key == key:
        return PrefixSearchResult(result_type=INCLUSION, depth=depth)
    shown = PrefixLeaf(vrf_output=leaf.key, commitment=leaf.commitment)
    return PrefixSearchResult(result_type=NON_INCLUSION_LEAF, leaf=shown, depth=depth)


def copath(node, keys, depth=0):
    """Values of the greatest subtrees that no search for one of the keys enters, left to right."""
    if not keys:
        return [value_of(node)]
    if not isinstance(node, Parent):
        return []
    out = []
    for side in (0, 1):
        out += copath(node.children[side], [k for k in keys if bit(k, depth) == side], depth + 1)
    return out


def prove(node, keys):
    """A PrefixProof for the keys, results in their order."""
    return PrefixProof(results=[result_of(node, key) for key in keys], elements=copath(node, list(keys)))


def terminal_value(key, result, commitment):
    """The value of the node where the search for key ended; commitment is the one expected when it is included."""
    if result.result_type == NON_INCLUSION_PARENT:
        return crypto.ZERO
    if result.result_type == INCLUSION:
        require(commitment is not None, "prefix: a version is included whose commitment is not known")
        return crypto.prefix_leaf(key, commitment)
    other = result.leaf.vrf_output
    require(other != key, "prefix: the leaf that shows non-inclusion is the one searched for")
    require(all(bit(other, d) == bit(key, d) for d in range(result.depth)),
            "prefix: the leaf that shows non-inclusion stands elsewhere")
    return crypto.prefix_leaf(other, result.leaf.commitment)


def skeleton(lookups):
    """What the results alone say about the tree: {path as a string of bits: value of the terminal node}."""
    terminals = {}
    for key, result, commitment in lookups:
        require(result.depth <= 8 * len(key), "prefix: a node is deeper than its key is long")
        path = "".join(str(bit(key, d)) for d in range(result.depth))
        entry = (result.result_type == NON_INCLUSION_PARENT, terminal_value(key, result, commitment))
        require(terminals.setdefault(path, entry) == entry, "prefix: two results differ about one node")
    for path in terminals:
        require(not any(path[:d] in terminals for d in range(len(path))), "prefix: a terminal node has children")
    return {path: value for path, (_, value) in terminals.items()}


def evaluate(lookups, elements):
    """The root that a PrefixProof leads to; lookups are (key, PrefixSearchResult, commitment or None)."""
    require(lookups, "prefix: a proof without results")
    terminals = skeleton(lookups)
    queue = list(elements)

    def value_at(path):
        if path in terminals:
            return terminals[path]
        if not any(t.startswith(path) for t in terminals):
            if not queue:
                raise Refused("prefix: too few elements")
            return queue.pop(0)
        return crypto.prefix_parent(value_at(path + "0"), value_at(path + "1"))

    root = value_at("")
    require(not queue, "prefix: too many elements")
    return root
