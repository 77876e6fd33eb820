"""The log tree (draft, "Log Tree" in three places): left-balanced, its own hashing, batch proofs in one recursion.

A subtree is the half-open range [start, end) of leaf indices under it.
"""

from . import crypto
from .refusal import Refused, require


def power_below(size):
    """The greatest power of two that is less than size."""
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def halves(start, end):
    """The subtrees of a parent."""
    middle = start + power_below(end - start)
    return (start, middle), (middle, end)


def balanced(start, end):
    return (end - start) & (end - start - 1) == 0


def full_subtrees(size):
    """The greatest balanced subtrees, left to right."""
    out, start = [], 0
    while start < size:
        width = 1
        while start + 2 * width <= size:
            width *= 2
        out.append((start, start + width))
        start += width
    return out


def parent_value(left, left_range, right, right_range):
    return crypto.log_parent(left, left_range[1] - left_range[0] == 1, right, right_range[1] - right_range[0] == 1)


def value_of(leaves, start, end):
    """The value of the head of a subtree, from all leaf values."""
    if end - start == 1:
        return leaves[start]
    left, right = halves(start, end)
    return parent_value(value_of(leaves, *left), left, value_of(leaves, *right), right)


def root(leaves):
    return value_of(leaves, 0, len(leaves))


def walk(start, end, proved, retained, visit):
    """The rule of README.md B7.  visit gets ("open" | "leaf" | "retained" | "element", range) in the order in which the
    proof is written; for "open" it is called after both halves."""
    has_proved = any(start <= index < end for index in proved)
    has_retained = any(start <= s and e <= end for s, e in retained)
    if not has_proved and (start, end) in retained:
        return visit("retained", (start, end))
    if not has_proved and not has_retained and balanced(start, end):
        return visit("element", (start, end))
    if end - start == 1:
        return visit("leaf", (start, end))
    for half in halves(start, end):
        walk(*half, proved, retained, visit)
    return visit("open", (start, end))


def prove(leaves, proved, old_size):
    """The elements of an InclusionProof for the leaves with the indices `proved`, to someone who saw old_size (or None),
    each with the subtree it heads: [(range, value)]."""
    retained = set(full_subtrees(old_size or 0))
    elements = []

    def visit(what, part):
        if what == "element":
            elements.append((part, value_of(leaves, *part)))

    walk(0, len(leaves), set(proved), retained, visit)
    return elements


def evaluate(size, proved, retained, elements):
    """Every subtree head that a batch proof gives, {range: value}; the root is at (0, size).

    proved: {index: leaf value}; retained: {range: value} of the full subtrees seen before.
    """
    queue, known = list(elements), {}

    def visit(what, part):
        if what == "element":
            if not queue:
                raise Refused("log: too few elements")
            known[part] = queue.pop(0)
        elif what == "leaf":
            known[part] = proved[part[0]]
        elif what == "retained":
            known[part] = retained[part]
        else:
            left, right = halves(*part)
            known[part] = parent_value(known[left], left, known[right], right)
        require(known[part] == retained.get(part, known[part]), "log: a retained subtree is contradicted")

    walk(0, size, set(proved), set(retained), visit)
    require(not queue, "log: too many elements")
    return known


def root_from_full_subtrees(size, known):
    """The root of a tree of this size from the heads of its full subtrees."""

    def value_at(start, end):
        if (start, end) in known:
            return known[(start, end)]
        left, right = halves(start, end)
        return parent_value(value_at(*left), left, value_at(*right), right)

    return value_at(0, size)
