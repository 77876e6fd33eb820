"""The slow Key Transparency's ladders, search tree and distinguished entries: shared vectors, the draft's examples, and
what the decisions in kt/README.md rest on.
"""

import random
import unittest
from types import SimpleNamespace

from kt import algorithms, crypto, implicit, ladder, logtree, prefix
from kt.transcript import Prover, Verifier
from test_kt_vectors import shared

SEED = 20260818


class Ladders(unittest.TestCase):
    def test_shared(self):
        rows = shared(self, "3-keytrans", "derived-ladders-and-bst.json")["binary_ladders"]
        for n, versions in rows["base"].items():
            self.assertEqual(ladder.base(int(n)), versions)
        for n, versions in rows["monitoring"].items():
            self.assertEqual(ladder.monitoring(int(n)), versions)
        for target, n, versions in rows["search"] + rows["search_edges"]:
            self.assertEqual(ladder.search(target, n), versions)
        for row in rows["search_with_omission"]:
            omitted = row["left_inclusion"] + row["right_non_inclusion"]
            self.assertEqual(ladder.search(row["target"], row["greatest"], omitted), row["ladder"])

    def test_a_ladder_determines_its_version(self):
        """No other version gives the same outcomes."""
        for n in range(-1, 70):
            outcomes = [(v, v <= n) for v in ladder.base(n)]
            for other in range(-1, 140):
                self.assertEqual(all((v <= other) == seen for v, seen in outcomes), other == n)

    def test_the_ladder_of_the_target_will_do(self):
        """README.md D2: up to the deciding look-up, the ladders of the target and of the true version agree."""
        for target in range(40):
            for n in range(-1, 90):
                seen = ladder.search(target, n)
                self.assertEqual(seen, ladder.base(target)[:len(seen)])

    def test_update_steps(self):
        """README.md E14: every version that exists already is known from the ladder before."""
        for previous in range(-1, 40):
            for new in range(previous + 1, previous + 9):
                steps = ladder.update_steps(previous, new)
                self.assertTrue(all(v > previous for v in steps))
                known = set(ladder.base(previous)) | set(steps)
                self.assertLessEqual(set(ladder.base(new)) | set(ladder.new_versions(previous, new)), known)
        self.assertEqual(ladder.update_steps(-1, 0), [1])
        self.assertEqual(ladder.update_steps(2, 3), [4, 5, 7])
        self.assertEqual(ladder.new_versions(0, 5), [2, 4])


class Implicit(unittest.TestCase):
    def test_shared(self):
        for n, row in shared(self, "3-keytrans", "derived-ladders-and-bst.json")["implicit_bst"].items():
            self.assertEqual(implicit.root(0, int(n)), row["root"])
            self.assertEqual(implicit.frontier(int(n)), row["frontier"])
            for x, path in row["search_path_from_root"].items():
                self.assertEqual(implicit.path_from_root(int(x), int(n)), path)

    def test_ancestors_by_reach(self):
        """Entry a with k trailing one bits reaches 2^k - 1 entries to each side: these are all it can be above."""
        for n in range(1, 80):
            for x in range(n):
                above = {a for a in range(n) if a != x and abs(a - x) < (a + 1 & -(a + 1))}
                self.assertEqual(set(implicit.direct_path(x, n)), above)

    def test_draft(self):
        """§ Implicit Binary Search Tree: 50 entries; § Worked Example: 13 entries, 4 seen."""
        self.assertEqual(implicit.frontier(50), [31, 47, 49])
        self.assertEqual(implicit.frontier(13), [7, 11, 12])
        self.assertEqual(implicit.new_frontier(4, 13), [7, 11, 12])

    def test_frontiers_end_full_subtrees(self):
        """What is retained suffices: a frontier entry is the last leaf of a full subtree, and nothing else is."""
        for n in range(1, 200):
            ends, rest, at = [], n, 0
            while rest:
                at += 1 << rest.bit_length() - 1
                rest = n - at
                ends.append(at - 1)
            self.assertEqual(implicit.frontier(n), ends)
            for last in range(1, n + 1):
                new = implicit.new_frontier(last, n)
                self.assertEqual(new, sorted(new))
                self.assertTrue(all(x >= last for x in new))
                self.assertLessEqual(set(implicit.frontier(n)), set(new) | set(implicit.frontier(last)))


def distinguished_by_definition(times, window):
    """§ Reasonable Monitoring Window, the recursion as it stands."""
    out = set()

    def mark(node, left, right):
        if node is None or right - left < window:
            return
        out.add(node.index)
        mark(node.left(), left, times[node.index])
        mark(node.right(), times[node.index], right)

    mark(implicit.top(len(times)), 0, times[-1])
    return out


class Distinguished(unittest.TestCase):
    """What the decisions of README.md rest on, on random timestamps."""

    def logs(self):
        rng = random.Random(SEED)
        for _ in range(300):
            times = [rng.choice([0, 5, 1000])]
            for _ in range(rng.randrange(60)):
                times.append(times[-1] + rng.choice([0, 0, 1, 3, 20, 90]))
            yield times, rng.choice([0, 1, 10, 50, 300]), rng

    def transcript(self, times, window):
        entries = [SimpleNamespace(timestamp=time, prefix=None, leaf=None) for time in times]
        return Prover(SimpleNamespace(reasonable_monitoring_window=window, maximum_lifetime=None), entries, None, None)

    def test_walks_find_what_the_definition_marks(self):
        for times, window, _ in self.logs():
            marked = distinguished_by_definition(times, window)
            for x in range(len(times)):
                t = self.transcript(times, window)
                self.assertEqual(algorithms.is_distinguished(t, x), x in marked)
                above = [a for a in implicit.path_from_root(x, len(times)) if a in marked]
                self.assertEqual(set(t.given) - {len(times) - 1}, set(above) - {len(times) - 1})  # README.md C2
            t = self.transcript(times, window)
            self.assertEqual(algorithms.rightmost_distinguished(t), max(marked, default=None))
            recent = algorithms.walk_distinguished(self.transcript(times, window), None)
            self.assertEqual(recent, sorted(marked, reverse=True)[:algorithms.RECENT])

    def test_stable(self):
        for times, window, _ in self.logs():
            before = set()
            for n in range(1, len(times) + 1):
                marked = distinguished_by_definition(times[:n], window)
                self.assertLessEqual(before, marked)
                self.assertTrue(all(a in marked for x in marked for a in implicit.direct_path(x, n)))
                before = marked

    def test_previous_frontiers(self):
        """README.md E11, E12: on the frontier of an earlier tree, entries not distinguished now are right of every distinguished
        entry of that tree, and the last before them is the rightmost of those."""
        for times, window, rng in self.logs():
            marked = distinguished_by_definition(times, window)
            for position in rng.sample(range(len(times)), min(9, len(times))):
                path, there = implicit.frontier(position), {x for x in marked if x < position}
                rest = [x for x in path if x not in marked]
                self.assertEqual(path, [x for x in path if x in marked] + rest)
                self.assertTrue(all(x > d for x in rest for d in there))
                self.assertTrue(not there or max(there) in path)

    def test_monitoring_paths_meet_the_first_distinguished_entry(self):
        """README.md E18 and the draft's appendix: from a frontier entry that is not distinguished."""
        for times, window, rng in self.logs():
            marked = distinguished_by_definition(times, window)
            for size in rng.sample(range(1, len(times) + 1), min(9, len(times))):
                for x in implicit.frontier(size):
                    later = [d for d in marked if d > x]
                    if x not in marked and later:
                        self.assertIn(min(later), implicit.right_ancestors(x, len(times)))
                        self.assertGreaterEqual(min(later), size)


class WorkedExample(unittest.TestCase):
    """§ Worked Example: 13 entries, 4 seen, a greatest-version search for version 2."""

    def entry(self, i):
        tree = None
        for version in range(3):
            if i >= 2 * version + 2:  # version 2 from entry 6 on
                tree = prefix.insert(tree, prefix.Leaf(crypto.sha256(bytes([version])), bytes(32)))
        time = i + 1 if i < 8 else 100 + i  # T_12 - T_7 >= 50 > T_12 - T_11
        return SimpleNamespace(timestamp=time, prefix=tree, leaf=crypto.log_leaf(time, prefix.value_of(tree)))

    def test_contents(self):
        entries = [self.entry(i) for i in range(13)]
        config = SimpleNamespace(reasonable_monitoring_window=50, maximum_lifetime=None)
        t = Prover(config, entries, 4, lambda version: crypto.sha256(bytes([version])))
        algorithms.update_view(t)
        self.assertEqual(t.given, [7, 11, 12])
        self.assertEqual(algorithms.rightmost_distinguished(t), 11)
        self.assertEqual(algorithms.greatest_search(t, 2), 11)
        self.assertEqual(t.proved, [(11, [0, 1, 3, 2]), (12, [3])])
        self.assertEqual(t.without_proof(), [7])
        self.assertEqual([part for part, _ in t.inclusion()], [(4, 6), (6, 7), (8, 10), (10, 11)])
        self.assertEqual(len(t.proof().prefix_roots), 1)


class LastVersion(unittest.TestCase):
    def test_nothing_is_left_to_look_up(self):
        """README.md C7: version 2^32 - 1 has no greater one; where all is shown to the left, there is no proof."""
        def key_of(version):
            return crypto.sha256(version.to_bytes(4, "big"))

        tree, ladder_of_it = None, ladder.base(ladder.VERSION_MAX)
        for version in ladder_of_it:
            tree = prefix.insert(tree, prefix.Leaf(key_of(version), bytes(32)))
        entries = [SimpleNamespace(timestamp=5, prefix=tree, leaf=crypto.log_leaf(5, tree.value)) for _ in range(3)]
        config = SimpleNamespace(reasonable_monitoring_window=50, maximum_lifetime=None)
        t = Prover(config, entries, None, key_of)
        algorithms.update_view(t)
        self.assertEqual(algorithms.greatest_search(t, ladder.VERSION_MAX), 1)
        self.assertEqual(t.proved, [(1, ladder_of_it)])
        self.assertEqual(t.without_proof(), [2])
        known = {version: (key_of(version), bytes(32)) for version in ladder_of_it}
        v = Verifier(config, 3, None, {}, t.proof(), known)
        algorithms.update_view(v)
        self.assertEqual(algorithms.greatest_search(v, ladder.VERSION_MAX), 1)
        _, heads = v.finish({})
        self.assertEqual(heads[(0, 3)], logtree.root([entry.leaf for entry in entries]))


if __name__ == "__main__":
    unittest.main()
