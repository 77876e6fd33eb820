"""The slow Key Transparency against logs that misbehave with valid signatures: each lie is noticed by whom the draft says."""

import contextlib
import unittest
from unittest import mock

from kt import algorithms, crypto, describe, ed25519, prefix
from kt import owner as owner_algorithms
from kt.codec import decode, encode
from kt.messages import GreatestSearchResponse, OwnerMonitorResponse, SearchRequest
from kt.ownership import Owner
from kt.refusal import Refused
from kt.server import Entry, Log
from kt.structs import CONTACT

WINDOW = 1000
ALICE, BOB = b"\x01alice@example.org", b"\x01bob@example.org"


def config():
    return describe.configuration({
        "signature_secret": "11" * 32, "vrf_secret": "22" * 32, "max_ahead": 0, "max_behind": 0,
        "reasonable_monitoring_window": WINDOW})


class Liar(Log):
    """A log whose history can be changed behind its users' backs."""

    def __init__(self):
        super().__init__(config(), b"\x11" * 32, b"\x22" * 32)
        self.time = 100_000
        self.add(0)

    def add(self, later, *updates):
        """An entry `later` ms after the last one, with (label, value) pairs."""
        self.time += later
        counted = [(label, value, bytes(16)) for label, value in updates]
        self.append(self.time, counted)
        return len(self.entries) - 1

    def without(self, label, version, first, last):
        """The version disappears from the prefix trees of entries first .. last."""
        gone = crypto.search_key(self.vrf_key, label, version)
        for x in range(first, last + 1):
            tree = None
            for leaf in leaves_of(self.entries[x].prefix):
                if leaf.key != gone:
                    tree = prefix.insert(tree, leaf)
            self.entries[x] = Entry(self.entries[x].timestamp, tree)


@contextlib.contextmanager
def unchecked():
    """The algorithms write down whatever is there, also what no verifier accepts."""
    with mock.patch.object(algorithms, "require"), mock.patch.object(owner_algorithms, "require"):
        yield


def leaves_of(node):
    if node is None:
        return []
    return [node] if isinstance(node, prefix.Leaf) else leaves_of(node.children[0]) + leaves_of(node.children[1])


class Lies(unittest.TestCase):
    def ask(self, log, client, kind, request, **extra):
        view = log.at(len(log.entries))
        with unchecked():
            data = encode(describe.response_kind(kind, request), describe.respond(view, kind, request, **extra), CONTACT)
        verb = {"search": client.search, "contact-monitor": client.contact_monitor, "owner-init": client.init,
                "owner-monitor": client.monitor, "update": client.update, "distinguished": client.distinguished}[kind]
        return verb(request, data, log.time)

    def search(self, log, client, label, version=None):
        return self.ask(log, client, "search", client.search_request(label, version))

    def owner_of(self, log, label):
        owner = Owner(log.config)
        recent = self.ask(log, owner, "distinguished", owner.distinguished_request())["recent"]
        self.ask(log, owner, "owner-init", owner.init_request(label, max(recent)))
        return owner

    def test_an_old_version_as_the_newest(self):
        """Version 1 exists, the log answers with version 0 and ladders for it."""
        log = Liar()
        log.add(10, (ALICE, b"old"))
        log.add(10, (ALICE, b"new"))
        view, client = log.at(3), Owner(log.config)
        response = view.search(SearchRequest(last=None, label=ALICE, version=0))
        t = view.prover(None, ALICE)
        with unchecked():
            algorithms.greatest_search(t, 0)
        response.version, response.search = 0, t.proof()
        data = encode(GreatestSearchResponse, response, CONTACT)
        self.assertRaisesRegex(Refused, "greater version", client.search, client.search_request(ALICE), data, log.time)

    def test_a_version_that_is_not_there_yet(self):
        log = Liar()
        log.add(10, (ALICE, b"old"))
        view = log.at(2)
        response = view.search(SearchRequest(last=None, label=ALICE, version=None))
        response.version = 1
        response.binary_ladder = [view.step(ALICE, v, v == 0) for v in (0, 1, 3, 2)]
        client = Owner(log.config)
        with self.assertRaises(Refused):
            client.search(client.search_request(ALICE), encode(GreatestSearchResponse, response, CONTACT), log.time)

    def test_a_fork(self):
        """Two logs that part after an entry: whoever saw one refuses the other, whoever saw neither cannot know."""
        logs = [Liar(), Liar()]
        for log in logs:
            log.add(10, (ALICE, b"common"))
        logs[0].add(10, (BOB, b"one"))
        logs[1].add(10, (BOB, b"two"))
        client = Owner(config())
        self.assertEqual(self.search(logs[0], client, BOB)["value"], b"one")
        logs[1].add(10)
        before = client.state
        self.assertRaises(Refused, self.search, logs[1], client, BOB)
        self.assertIs(client.state, before)
        self.assertEqual(self.search(logs[1], Owner(config()), BOB)["value"], b"two")
        self.assertRaises(Refused, self.search, logs[1], client, ALICE, 0)

    def test_time_that_goes_back(self):
        """Seen by those who see both timestamps: entries 1 and 2 are on the frontier together, entry 3 stands alone."""
        log = Liar()
        log.add(10, (ALICE, b"a"))
        log.time -= 1
        log.entries.append(Entry(log.time, log.entries[-1].prefix))
        self.assertRaisesRegex(Refused, "monotone", self.search, log, Owner(config()), ALICE)
        log.add(0)
        self.search(log, Owner(config()), ALICE)

    def test_a_contact_notices_that_a_version_disappears(self):
        """Looked up right of the last distinguished entry, removed afterwards: contact monitoring refuses."""
        for honest in (True, False):
            log = Liar()
            log.add(10, (BOB, b"b"))
            log.add(10, (ALICE, b"a"))  # 2, a left child of 3
            client = Owner(config())
            self.assertTrue(self.search(log, client, ALICE)["monitor"])
            log.add(WINDOW // 2)
            log.add(10)
            if not honest:
                log.without(ALICE, 0, 3, 4)
            request = client.contact_request(ALICE)
            if honest:
                self.assertEqual(self.ask(log, client, "contact-monitor", request), {"entries": {}})
            else:
                self.assertRaisesRegex(Refused, "disappeared", self.ask, log, client, "contact-monitor", request)

    def test_an_owner_notices_a_version_that_is_not_hers(self):
        """Monitoring does not get past it, and update shows it."""
        log = Liar()
        log.add(10, (ALICE, b"mine"))
        log.add(WINDOW)
        owner = self.owner_of(log, ALICE)
        log.add(10, (ALICE, b"not mine"))
        log.add(WINDOW)
        log.add(WINDOW)
        result = self.ask(log, owner, "owner-monitor", owner.monitor_request(ALICE))
        self.assertFalse(result["complete"])
        shown = self.ask(log, owner, "update", owner.update_request(ALICE))
        self.assertEqual(shown["values"], [b"not mine"])

    def test_an_owner_is_not_told_of_a_version(self):
        """The log pretends to the owner that nothing happened: the ladder at the distinguished entry contradicts it."""
        log = Liar()
        log.add(10, (ALICE, b"mine"))
        log.add(WINDOW)
        owner = self.owner_of(log, ALICE)
        log.add(10, (ALICE, b"not mine"))
        log.add(WINDOW)
        log.add(WINDOW)
        request = owner.monitor_request(ALICE)
        told = {**vars(request), "greatest_version": 1}
        response = log.at(len(log.entries)).owner_monitor(type(request)(**told))
        data = encode(OwnerMonitorResponse, response, CONTACT)
        self.assertRaises(Refused, owner.monitor, request, data, log.time)

    def test_a_version_that_was_there_for_a_moment(self):
        """An evil version 1 in one entry, gone in the next, which has an honest version 1: update's first phase sees it."""
        for honest in (True, False):
            log = Liar()
            log.add(10, (ALICE, b"mine"))
            log.add(WINDOW)
            owner = self.owner_of(log, ALICE)
            log.add(10)
            log.add(10)
            before = log.add(10)
            self.assertEqual(log.add(10, (ALICE, b"good")), before + 1)
            if not honest:
                evil = prefix.Leaf(crypto.search_key(log.vrf_key, ALICE, 1), bytes(32))
                entry = log.entries[before]
                log.entries[before] = Entry(entry.timestamp, prefix.insert(entry.prefix, evil))
            request = owner.update_request(ALICE)
            if honest:
                self.assertEqual(self.ask(log, owner, "update", request)["position"], before + 1)
            else:
                self.assertRaisesRegex(Refused, "another version", self.ask, log, owner, "update", request)

    def test_other_keys(self):
        """A head signed by someone else, and a VRF output by another key."""
        log = Liar()
        log.add(10, (ALICE, b"a"))
        for name, why in (("signature_key", "signature"), ("vrf_key", "VRF|vrf")):
            honest = getattr(log, name)
            setattr(log, name, b"\x33" * 32)
            with self.assertRaises(Refused, msg=why):
                self.search(log, Owner(config()), ALICE)
            setattr(log, name, honest)
        self.search(log, Owner(config()), ALICE)

    def test_configurations(self):
        """Keys of small or mixed order, and lifetimes below the window, are no configuration."""
        for change in ({"vrf_public_key": (1).to_bytes(32, "little")}, {"vrf_public_key": b"\xff" * 32},
                       {"maximum_lifetime": WINDOW}, {"ciphersuite": 1}, {"mode": 3},
                       {"signature_public_key": ed25519.P.to_bytes(32, "little")}):
            bad = config()
            vars(bad).update(change)
            self.assertRaises(Refused, Owner, bad)

    def test_decoding_finds_what_was_encoded(self):
        """A search answer of each sort, decoded and encoded again, is the same bytes."""
        log = Liar()
        log.add(10, (ALICE, b"a"), (ALICE, b"b"), (BOB, b"c"))
        for version in (None, 0, 1):
            request = SearchRequest(last=None, label=ALICE, version=version)
            kind = describe.response_kind("search", request)
            data = encode(kind, log.at(2).search(request), CONTACT)
            self.assertEqual(encode(kind, decode(kind, data, CONTACT), CONTACT), data)


if __name__ == "__main__":
    unittest.main()
