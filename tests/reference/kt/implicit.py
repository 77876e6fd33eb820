"""The implicit binary search tree over log entries (draft, "Implicit Binary Search Tree" and its appendix).

Written from the inductive definition; tests hold it against the appendix's bit tricks.
"""


def root(start, end):
    """The root of the tree over the entries [start, end), which must not be empty."""
    power = 1
    while 2 * power <= end - start:
        power *= 2
    return start + power - 1


class Node:
    """One entry's place in the tree of n entries: its range [start, end), and the way to it."""

    def __init__(self, start, end, path):
        self.index, self.start, self.end, self.path = root(start, end), start, end, path

    def left(self):
        return Node(self.start, self.index, self.path + [self.index]) if self.start < self.index else None

    def right(self):
        return Node(self.index + 1, self.end, self.path + [self.index]) if self.index + 1 < self.end else None


def top(n):
    return Node(0, n, [])


def find(x, n):
    node = top(n)
    while node.index != x:
        node = node.left() if x < node.index else node.right()
    return node


def path_from_root(x, n):
    """The entries above x, the root first."""
    return find(x, n).path


def direct_path(x, n):
    """The entries above x, its parent first."""
    return path_from_root(x, n)[::-1]


def right_ancestors(x, n):
    """Entries above x and right of it, bottom up, which is also left to right."""
    return [a for a in direct_path(x, n) if a > x]


def left_ancestors(x, n):
    """Entries above x and left of it, bottom up, which is right to left."""
    return [a for a in direct_path(x, n) if a < x]


def frontier(n):
    """The root, its right child, and so on to the rightmost entry."""
    out, node = [], top(n) if n else None
    while node is not None:
        out.append(node.index)
        node = node.right()
    return out


def new_frontier(last, n):
    """Entries whose timestamps a user who saw `last` entries (None: none) needs for a tree of n, in that order."""
    if last is None:
        return frontier(n)
    bottom_up = [x for x in right_ancestors(last - 1, n) if x >= last]
    lowest = bottom_up[-1] if bottom_up else last - 1
    return bottom_up + [x for x in frontier(n) if x > lowest]
