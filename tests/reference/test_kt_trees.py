"""The slow Key Transparency's codec, prefix tree and log tree: against their definitions, and against tampering."""

import hashlib
import itertools
import random
import unittest
from types import SimpleNamespace

from kt import codec, crypto, logtree, messages, prefix, structs
from kt.refusal import Refused

SEED = 20260818


def key_with(bits, rng):
    """A search key that begins with these bits."""
    number = int(bits + "".join(rng.choice("01") for _ in range(256 - len(bits))), 2)
    return number.to_bytes(32, "big")


class Codec(unittest.TestCase):
    def test_vectors_count_elements(self):
        """README.md A1."""
        proof = structs.InclusionProof(elements=[bytes(32), b"\xff" * 32])
        data = codec.encode(structs.InclusionProof, proof, structs.CONTACT)
        self.assertEqual(data, b"\x00\x02" + bytes(32) + b"\xff" * 32)
        self.assertEqual(codec.decode(structs.InclusionProof, data, structs.CONTACT), proof)

    def test_requests(self):
        """Bytes worked out by hand from the draft's structs."""
        rows = [
            (messages.SearchRequest, {"last": None, "label": b"ab", "version": 5}, "00 02 6162 01 00000005"),
            (messages.SearchRequest, {"last": 4, "label": b"", "version": None}, "01 0000000000000004 00 00"),
            (messages.DistinguishedRequest, {"last": None, "stop": 7}, "00 01 0000000000000007"),
            (messages.ContactMonitorRequest, {"last": None, "label": b"a", "entries": [
                messages.MonitorMapEntry(position=258, version=3)]}, "00 01 61 01 0000000000000102 00000003"),
            (messages.UpdateRequest, {"last": None, "label": b"a", "greatest_version": 0, "values": [
                messages.LabelValue(value=b"xyz")]}, "00 01 61 01 00000000 01 00000003 78797a"),
            (messages.OwnerInitRequest, {"last": None, "label": b"a", "start": 1}, "00 01 61 0000000000000001"),
        ]
        for kind, values, text in rows:
            data = bytes.fromhex(text)
            self.assertEqual(codec.encode(kind, kind(**values), structs.CONTACT), data)
            self.assertEqual(codec.decode(kind, data, structs.CONTACT), kind(**values))
            for bad in (data + b"\x00", data[:-1], b""):
                self.assertRaises(Refused, codec.decode, kind, bad, structs.CONTACT)
        self.assertRaises(Refused, codec.decode, messages.DistinguishedRequest, b"\x02\x00", structs.CONTACT)

    def test_selects(self):
        """Fields of other modes are there in those modes only."""
        suffix = structs.UpdateSuffix(signature=b"s")
        value = structs.UpdateValue(value=b"v", suffix=suffix)
        data = codec.encode(structs.UpdateValue, value, structs.MANAGEMENT)
        self.assertEqual(data, bytes.fromhex("00000001 76 0001 73"))
        self.assertEqual(codec.encode(structs.UpdateValue, value, structs.CONTACT), bytes.fromhex("00000001 76"))
        head = structs.FullTreeHead(head_type=structs.UPDATED, tree_head=structs.TreeHead(tree_size=1, signature=b""),
                                    auditor_tree_head=structs.AuditorTreeHead(timestamp=1, tree_size=1, signature=b""))
        sizes = [len(codec.encode(structs.FullTreeHead, head, mode)) for mode in (1, 2, 3)]
        self.assertEqual(sizes, [11, 11, 11 + 18])
        self.assertRaises(Refused, codec.decode, structs.FullTreeHead, b"\x00", structs.CONTACT)
        self.assertRaises(Refused, codec.decode, structs.FullTreeHead, b"\x03", structs.CONTACT)

    def test_limits(self):
        too_many = structs.CombinedTreeProof(timestamps=[0] * 256, prefix_proofs=[], prefix_roots=[],
                                             inclusion=structs.InclusionProof(elements=[]))
        self.assertRaises(Refused, codec.encode, structs.CombinedTreeProof, too_many, structs.CONTACT)
        self.assertRaises(Refused, codec.encode, structs.VrfInput, structs.VrfInput(label=bytes(256), version=0), 1)
        self.assertRaises(Refused, codec.encode, structs.VrfInput, structs.VrfInput(label=b"", version=2**32), 1)


class Prefix(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(SEED)

    def tree(self, keys):
        leaves = [prefix.Leaf(k, hashlib.sha256(k).digest()) for k in keys]
        node = None
        for leaf in leaves:
            node = prefix.insert(node, leaf)
        return node, leaves

    def test_smallest(self):
        """README.md B1, B2, and a hash by hand: two leaves that part at bit 1, nothing on the right of the root."""
        rng = self.rng
        empty = prefix.prove(None, [bytes(32)])
        self.assertEqual(vars(empty.results[0]), {"result_type": structs.NON_INCLUSION_PARENT, "depth": 0})
        self.assertEqual((empty.elements, prefix.evaluate([(bytes(32), empty.results[0], None)], [])), ([], bytes(32)))
        a, b = key_with("00", rng), key_with("01", rng)
        one, leaves = self.tree([a])
        self.assertEqual((one.value, prefix.prove(one, [a]).results[0].depth), (leaves[0].value, 0))
        two, (x, y) = self.tree([b, a])
        self.assertEqual(x.value, hashlib.sha256(b"\x02" + b + hashlib.sha256(b).digest()).digest())
        inner = hashlib.sha256(b"\x03" + y.value + x.value).digest()
        self.assertEqual(two.value, hashlib.sha256(b"\x03" + inner + bytes(32)).digest())

    def random_keys(self):
        """Keys near each other, so that paths are long and some branches empty."""
        starts = ["".join(self.rng.choice("01") for _ in range(self.rng.choice([0, 3, 9, 60, 249]))) for _ in range(3)]
        return list({key_with(self.rng.choice(starts), self.rng) for _ in range(self.rng.randrange(1, 30))})

    def test_shape_does_not_depend_on_order(self):
        for _ in range(40):
            keys = self.random_keys()
            node, leaves = self.tree(keys)
            self.assertEqual(node.value, prefix.root_of(leaves))
            self.rng.shuffle(keys)
            self.assertEqual(node.value, self.tree(keys)[0].value)

    def lookups(self, node, leaves, keys):
        commitments = {leaf.key: leaf.commitment for leaf in leaves}
        proof = prefix.prove(node, keys)
        return [(k, r, commitments.get(k)) for k, r in zip(keys, proof.results)], proof.elements

    def test_proofs(self):
        for _ in range(60):
            node, leaves = self.tree(self.random_keys())
            present = [leaf.key for leaf in self.rng.sample(leaves, self.rng.randrange(len(leaves) + 1))]
            keys = present + self.random_keys()[:5]
            self.rng.shuffle(keys)
            lookups, elements = self.lookups(node, leaves, keys)
            self.assertEqual([r.result_type == structs.INCLUSION for _, r, _ in lookups],
                             [prefix.contains(node, k) for k in keys])
            self.assertEqual(prefix.evaluate(lookups, elements), node.value)

    def test_tampered(self):
        for _ in range(15):
            node, leaves = self.tree(self.random_keys())
            keys = [self.rng.choice(leaves).key] + self.random_keys()[:3]
            lookups, elements = self.lookups(node, leaves, keys)
            for lie, lied_elements in self.lies(lookups, elements):
                try:
                    self.assertNotEqual(prefix.evaluate(lie, lied_elements), node.value)
                except Refused:
                    pass

    def lies(self, lookups, elements):
        for i in range(len(elements)):
            yield lookups, elements[:i] + elements[i + 1:]
            yield lookups, elements[:i] + [bytes([elements[i][0] ^ 1]) + elements[i][1:]] + elements[i + 1:]
            yield lookups, elements[:i] + [elements[i]] + elements[i:]
        for i, (key, result, commitment) in enumerate(lookups):
            for change in ({"depth": result.depth + 1}, {"depth": max(0, result.depth - 1)}, {"depth": 255},
                           {"result_type": structs.NON_INCLUSION_PARENT}, {"result_type": structs.INCLUSION}):
                if all(getattr(result, name) == value for name, value in change.items()):
                    continue
                lie = SimpleNamespace(**{**vars(result), **change})
                commitment_of_lie = commitment or hashlib.sha256(key).digest()
                yield lookups[:i] + [(key, lie, commitment_of_lie)] + lookups[i + 1:], elements

    def test_non_inclusion_by_a_leaf_elsewhere(self):
        """README.md B3: the leaf shown must stand where the search ended, and be another one."""
        node, leaves = self.tree([key_with("00", self.rng), key_with("01", self.rng), key_with("10", self.rng)])
        key = leaves[0].key
        for shown, why in ((leaves[0], "searched for"), (leaves[2], "elsewhere")):
            result = structs.PrefixSearchResult(
                result_type=structs.NON_INCLUSION_LEAF, depth=2,
                leaf=structs.PrefixLeaf(vrf_output=shown.key, commitment=shown.commitment))
            with self.assertRaisesRegex(Refused, why):
                prefix.evaluate([(key, result, None)], prefix.prove(node, [key]).elements)


class LogTree(unittest.TestCase):
    LEAVES = [hashlib.sha256(bytes([i])).digest() for i in range(20)]

    def test_hashing(self):
        """Tags tell leaves from parents among the children: five leaves, by hand."""
        a, b, c, d, e = self.LEAVES[:5]
        h = crypto.sha256
        left = h(b"\x01", h(b"\0", a, b"\0", b), b"\x01", h(b"\0", c, b"\0", d))
        self.assertEqual(logtree.root(self.LEAVES[:5]), h(b"\x01", left, b"\0", e))
        self.assertEqual(logtree.root([a]), a)

    def cases(self):
        """Every subset of leaves to every earlier size in small trees; some in greater ones."""
        for size in range(1, 8):
            for proved in itertools.product((0, 1), repeat=size):
                yield size, [i for i in range(size) if proved[i]]
        rng = random.Random(SEED)
        for _ in range(60):
            size = rng.randrange(9, 21)
            yield size, rng.sample(range(size), rng.randrange(5))

    def test_proofs(self):
        for size, proved in self.cases():
            leaves = self.LEAVES[:size]
            values = {i: leaves[i] for i in proved}
            for old in range(size + 1):
                retained = {part: logtree.value_of(leaves, *part) for part in logtree.full_subtrees(old)}
                elements = [value for _, value in logtree.prove(leaves, proved, old)]
                heads = logtree.evaluate(size, values, retained, elements)
                self.assertEqual(heads[(0, size)], logtree.root(leaves))
                self.assertEqual(logtree.root_from_full_subtrees(old, retained) if old else None,
                                 logtree.root(leaves[:old]) if old else None)

    def test_no_element_could_be_computed(self):
        """Elements head balanced subtrees and never overlap with each other, with proved leaves, or with what is retained."""
        for size, proved in self.cases():
            for old in range(size + 1):
                parts = [part for part, _ in logtree.prove(self.LEAVES[:size], proved, old)]
                self.assertEqual(parts, sorted(parts))
                self.assertTrue(all(logtree.balanced(*part) for part in parts))
                covered = [i for start, end in parts for i in range(start, end)]
                self.assertEqual(len(covered), len(set(covered)))
                self.assertFalse(set(covered) & set(proved))
                opened = [part for part in logtree.full_subtrees(old) if any(part[0] <= p < part[1] for p in proved)]
                inside = {i for start, end in opened for i in range(start, end)}
                self.assertFalse({i for i in covered if i < old} - inside)

    def test_tampered(self):
        for size, proved in self.cases():
            leaves, old = self.LEAVES[:size], size // 2
            retained = {part: logtree.value_of(leaves, *part) for part in logtree.full_subtrees(old)}
            elements = [value for _, value in logtree.prove(leaves, proved, old)]
            for lie in [elements + [bytes(32)], elements[:-1]] + [
                    elements[:i] + [bytes(32)] + elements[i + 1:] for i in range(len(elements))]:
                try:
                    heads = logtree.evaluate(size, {i: leaves[i] for i in proved}, retained, lie)
                    self.assertEqual(lie, elements) if not elements else self.assertNotEqual(
                        heads[(0, size)], logtree.root(leaves))
                except Refused:
                    pass

    def test_a_retained_head_must_be_recomputed(self):
        """§ Tree Proofs, Log Tree: leaf 1 is proved inside a retained subtree that says otherwise."""
        leaves = self.LEAVES[:4]
        elements = [value for _, value in logtree.prove(leaves, [1], 4)]
        self.assertEqual(len(elements), 2)
        with self.assertRaisesRegex(Refused, "contradicted"):
            logtree.evaluate(4, {1: leaves[1]}, {(0, 4): bytes(32)}, elements)


if __name__ == "__main__":
    unittest.main()
