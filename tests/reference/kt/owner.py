"""The algorithms of label owners (draft, "Owner Algorithm", "Updating a Label"), once over a transcript.

A version is None where the label does not exist.
"""

from . import implicit, ladder
from .algorithms import exact_ladder, is_distinguished, wide
from .refusal import require


def init_entries(t, start):
    """First owner algorithm, step 1: the entries to inspect, right to left; start is checked."""
    require(start < t.size, "owner: the starting position is not in the tree")
    for x in implicit.path_from_root(start, t.size) + [start]:
        t.timestamp(x)
    require(is_distinguished(t, start), "owner: the starting position is not distinguished")
    require(not t.expired(start), "owner: the starting position is expired")
    entries = [start]
    for x in implicit.left_ancestors(start, t.size):
        if t.expired(x):
            break
        entries.append(x)
    return entries


def init_steps(versions):
    """Step 3: versions whose VRF outputs are needed; versions are those that exist."""
    return sorted({0}.union(*(ladder.base(v) for v in versions)))


def init(t, entries, versions):
    """Step 5; versions has one for each entry, None at the end where the label did not exist."""
    for x, version in zip(entries, versions):
        exact_ladder(t, x, version)


def monitor(t, start, expected, stop):
    """Second owner algorithm: distinguished entries right of start that were inspected, left to right.

    expected(x): the greatest version there should be at x.  stop(x): whether the answer ends before x.
    """
    inspected, stopped = [], False

    def walk(node, left, right):
        nonlocal stopped
        if node is None or not wide(t, left, right):
            return
        x = node.index
        if x <= start:
            if node.right() is not None:
                walk(node.right(), t.timestamp(x), right)
            return
        if node.left() is not None:
            walk(node.left(), left, t.timestamp(x))
        stopped = stopped or stop(x)
        if stopped:
            return
        exact_ladder(t, x, expected(x))
        inspected.append(x)
        if node.right() is not None:
            walk(node.right(), t.timestamp(x), right)

    walk(implicit.top(t.size), 0, t.rightmost_time())
    return inspected


def update(t, position, previous, previous_position, new, greatest_at):
    """§ Updating a Label: new versions previous + 1 .. new were inserted in entry position; whether it is distinguished.

    previous, previous_position: the greatest version before and the entry it was inserted in, or None for both.
    greatest_at(x): the greatest version at x, a frontier entry of the previous tree.
    """
    require(position < t.size, "update: the position is not in the tree")
    path = implicit.frontier(position)
    first = next((i for i, x in enumerate(path) if not is_distinguished(t, x)), len(path))
    for i in range(first, len(path)):
        if previous is not None and path[i] <= previous_position:
            continue
        before = greatest_at(path[i - 1]) if i > 0 else None
        exact_ladder(t, path[i], previous, lambda _, v, n=before: True if n is not None and v <= n else None)
    at_once = is_distinguished(t, position)
    if not at_once:
        exact_ladder(t, position, new, t.omitted)
    series = t.open(position) if ladder.new_versions(number(previous), new) else None
    for v in ladder.new_versions(number(previous), new):
        require(series.lookup(v), "update: a new version is not in the entry")
    if series is not None:
        series.close()
    return at_once


def number(version):
    """A version as ladders count it: -1 for none."""
    return -1 if version is None else version
