"""The algorithms of readers (draft: update view, distinguished entries, searches, contact monitoring, walk).

Each is written once over a transcript, whichever side holds it.  Where a ladder must end in a certain way, it is
required on both sides: an honest prover's always does.
"""

from . import implicit, ladder
from .refusal import require

RECENT = 10  # distinguished entries that count as recent


def update_view(t):
    """§ Updating Views of the Tree: timestamps that lead from the last tree to this one."""
    for x in implicit.new_frontier(t.last, t.size):
        t.timestamp(x)


def wide(t, left, right):
    return right - left >= t.config.reasonable_monitoring_window


def is_distinguished(t, x):
    """§ Reasonable Monitoring Window, walking from the root only as far as entries are distinguished."""
    node, left, right = implicit.top(t.size), 0, t.rightmost_time()
    while wide(t, left, right):
        if node.index == x:
            return True
        time = t.timestamp(node.index)
        if x < node.index:
            node, right = node.left(), time
        else:
            node, left = node.right(), time
    return False


def rightmost_distinguished(t):
    """The rightmost distinguished entry, which is on the frontier; None if there is none."""
    found, left = None, 0
    for x in implicit.frontier(t.size):
        if not wide(t, left, t.rightmost_time()):
            break
        found, left = x, t.timestamp(x)
    return found


def nothing_known(x, version):
    return None


def search_ladder(t, x, target, known=nothing_known):
    """A search ladder in entry x: [(version, included)].  known(x, v) is what need not be looked up: True, False, or
    None for "look"."""
    series, outcomes = t.open(x), []
    for v in ladder.base(target):
        included = known(x, v)
        if included is None:
            included = series.lookup(v)
        outcomes.append((v, included))
        if ladder.decides(v, included, target):
            break
    series.close()
    return outcomes


def compare(outcomes, target):
    """What a search ladder says of the greatest version: -1 less than the target, 0 equal, 1 greater."""
    version, included = outcomes[-1]
    if not ladder.decides(version, included, target):
        return 0
    return 1 if included else -1


def exact_ladder(t, x, greatest, known=nothing_known):
    """A ladder in x that must show exactly this greatest version; None: that there is none."""
    outcomes = search_ladder(t, x, 0 if greatest is None else greatest, known)
    if greatest is None:
        require(outcomes == [(0, False)], "ladder: the label exists where it should not")
    else:
        require(compare(outcomes, greatest) == 0, "ladder: another version is the greatest")


def greatest_search(t, greatest):
    """§ Greatest-Version Search: the terminal entry."""
    start = rightmost_distinguished(t)
    path = [x for x in implicit.frontier(t.size) if start is None or x >= start]
    terminal = None
    for x in path:
        order = compare(search_ladder(t, x, greatest, t.omitted), greatest)
        require(order <= 0, "search: a greater version exists than the one claimed")
        require(order == 0 or x != path[-1], "search: the version claimed does not exist")
        if order == 0 and terminal is None:
            terminal = x
    return terminal


def fixed_search(t, target):
    """§ Fixed-Version Search: the terminal entry."""
    node, expired, inspected = implicit.top(t.size), [], {}
    while node is not None:
        x = node.index
        t.timestamp(x)
        if t.expired(x):
            expired.append(x)
            node = node.right()
            continue
        inspected[x] = compare(search_ladder(t, x, target, t.omitted), target)
        if inspected[x] == 0:
            return fixed_search_hit(t, node)
        node = node.right() if inspected[x] < 0 else node.left()
    return fixed_search_miss(t, target, expired, inspected)


def fixed_search_hit(t, node):
    """Step 5: an entry where the target is the greatest version."""
    if any(t.expired(a) for a in node.path):
        unexpired = [a for a in node.path if a < node.index and not t.expired(a)] + [node.index]
        require(any(is_distinguished(t, a) for a in unexpired), "search: the version is expired")
    return node.index


def fixed_search_miss(t, target, expired, inspected):
    """Step 6: no entry on the way has the target as the greatest version."""
    greater = [x for x, order in inspected.items() if order > 0]
    require(greater, "search: the version does not exist")
    found = min(greater)
    if expired:
        require(any(x < found and is_distinguished(t, x) for x in inspected), "search: the version is expired")
    series = t.open(found)
    included = series.lookup(target)
    series.close()
    require(included, "search: the version does not exist")
    return found


def needs_monitoring(t, terminal):
    start = rightmost_distinguished(t)
    return start is None or terminal > start


def contact(t, entries, owner_start=None):
    """§ Contact Algorithm over {position: version}: the new map, and what an owner leaves to the owner algorithm.

    Returns ({position: version}, {old position: new position or None when it is done},
             {position: distinguished entry that was not looked at}).
    """
    done, result, moved, left_over = {}, {}, {}, {}
    for position in sorted(entries, reverse=True):
        version = entries[position]
        if is_distinguished(t, position):
            moved[position] = None
            continue
        place = contact_climb(t, position, version, owner_start, done, left_over)
        gone = place is None or is_distinguished(t, place) or result.get(place, -1) > version
        moved[position] = None if gone else place
        if not gone:
            result[place] = version
    return result, moved, left_over


def contact_climb(t, position, version, owner_start, done, left_over):
    """Steps 2 and 3 for one map entry: its new position; None if another one has taken over."""
    path = []
    for x in implicit.right_ancestors(position, t.size):
        path.append(x)
        if is_distinguished(t, x):
            break
    skipped = None
    if owner_start is not None and position >= owner_start and path and is_distinguished(t, path[-1]):
        skipped = path.pop()
    place = position
    for x in path:
        if x in done:
            require(done[x] > version, "monitoring: a smaller version was met on the way")
            return None
        monitoring_ladder(t, x, version)
        done[x] = version
        place = x
    if skipped is not None:
        left_over[place] = skipped
    return place


def monitoring_ladder(t, x, target):
    series = t.open(x)
    for v in ladder.monitoring(target):
        require(series.lookup(v), "monitoring: a version has disappeared")
    series.close()


def walk_distinguished(t, stop):
    """§ Walking Distinguished Heads: recent distinguished entries, right to left."""
    found = []

    def walk(node, left, right):
        if node is None or not wide(t, left, right):
            return
        time = t.timestamp(node.index)
        walk(node.right(), time, right)
        if stop is not None and node.index <= stop:
            return
        if len(found) >= RECENT or t.expired(node.index):
            return
        found.append(node.index)
        walk(node.left(), left, time)

    walk(implicit.top(t.size), 0, t.rightmost_time())
    return found
