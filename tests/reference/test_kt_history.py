"""Random histories of a log: what the slow server answers, the slow client accepts, and nothing that is one byte off.

CARTULARY_KT_SEED and CARTULARY_KT_ROUNDS choose other histories and more of them; every failure prints its seed.
"""

import os
import random
import unittest

from kt import chance, credential, describe
from kt.client import Client, compare_heads
from kt.codec import decode, encode
from kt.messages import UpdateResponse
from kt.ownership import Owner
from kt.refusal import Refused
from kt.structs import CONTACT

SEED = int(os.environ.get("CARTULARY_KT_SEED", "1"))
ROUNDS = int(os.environ.get("CARTULARY_KT_ROUNDS", "2"))
LABELS = chance.LABELS[:3]
VERBS = {"search": Owner.search, "contact-monitor": Owner.contact_monitor, "owner-init": Owner.init,
         "owner-monitor": Owner.monitor, "update": Owner.update, "distinguished": Owner.distinguished}


def description(seed, count):
    rng = random.Random(seed)
    return {"config": chance.config(rng), "entries": chance.entries(rng, count)}


class Story:
    """A log that grows, one client who looks up, and an owner for each label."""

    def __init__(self, seed, count):
        self.rng, self.log = random.Random(seed), describe.log(description(seed, count))
        self.reader, self.owners, self.pending = Owner(self.log.config), {}, []
        self.seen = {}  # kind -> what tells most of a new tree: (how much, client state before, request, answer, now, result)

    def ask(self, client, size, kind, request, **extra):
        """One exchange with the server as it stands with `size` entries."""
        response = describe.respond(self.log.at(size), kind, request, **extra)
        data = encode(describe.response_kind(kind, request), response, CONTACT)
        before, now = client.state, self.log.entries[size - 1].timestamp + self.rng.choice([-300000, 0, 3600000])
        result = VERBS[kind](client, request, data, now)
        told = request.last != size, len(data) * (len(data) < 2500)
        if kind not in self.seen or told >= self.seen[kind][0]:
            self.seen[kind] = (told, before, request, data, now, result)
        return result

    def look_up(self, test, size):
        view = self.log.at(size)
        for label in LABELS:
            greatest = view.greatest(label)
            if greatest is None or self.rng.random() < 0.5:
                continue
            result = self.ask(self.reader, size, "search", self.reader.search_request(label))
            test.assertEqual((result["version"], result["value"]),
                             (greatest, self.log.labels[label][greatest].value))
            version = self.rng.randrange(greatest + 1)
            try:
                result = self.ask(self.reader, size, "search", self.reader.search_request(label, version))
                test.assertEqual(result["value"], self.log.labels[label][version].value)
            except Refused as why:
                test.assertIsNotNone(self.log.config.maximum_lifetime)
                test.assertIn("expired", str(why))

    def monitor(self, size):
        for label in LABELS:
            if label in self.reader.state.contact and self.rng.random() < 0.6:
                self.ask(self.reader, size, "contact-monitor", self.reader.contact_request(label))

    def own(self, test, size):
        view = self.log.at(size)
        for label in LABELS:
            owner = self.owners.get(label)
            if owner is None:
                self.become_owner(size, label)
            elif self.rng.random() < 0.5:
                self.work_as_owner(test, view, size, label, owner)

    def become_owner(self, size, label):
        owner = Owner(self.log.config)
        self.ask(owner, size, "distinguished", owner.distinguished_request())
        if owner.state.recent:
            start = self.rng.choice(list(owner.state.recent))
            self.ask(owner, size, "owner-init", owner.init_request(label, start))
            self.owners[label] = owner

    def work_as_owner(self, test, view, size, label, owner):
        while owner.state.owned[label].greatest() != view.greatest(label):
            request = owner.update_request(label)
            result = self.ask(owner, size, "update", request)
            test.assertEqual(result["greatest"], view.greatest_at(label, result["position"]))
        complete = False
        while not complete:
            request = owner.monitor_request(label)
            result = self.ask(owner, size, "owner-monitor", request, ladders=self.rng.choice([1, 2, 64]))
            complete = result["complete"]

    def credentials(self, test, size):
        """Standard ones at every recent entry, provisional ones kept until they are confirmed."""
        view, reader = self.log.at(size), self.reader
        self.ask(reader, size, "distinguished", reader.distinguished_request())
        self.confirm(test)
        for label in LABELS:
            for position in reader.state.recent:
                there, now = view.greatest_at(label, position), view.greatest(label)
                if there is not None:
                    result = credential.verify(reader, credential.standard(view, label, position))
                    test.assertEqual((result["version"], result["pending"]), (there, None))
                if now != there:
                    self.provisional(test, view, label, position)

    def provisional(self, test, view, label, position):
        result = credential.verify(self.reader, credential.provisional(view, label, position))
        test.assertEqual(result["version"], view.greatest(label))
        if len(self.pending) < 20:
            self.pending.append((label, result["pending"]))

    def confirm(self, test):
        waiting = []
        for label, pending in self.pending:
            later = [d for d in self.reader.state.recent if d > pending.terminal]
            if credential.confirmed(self.reader, pending):
                continue
            if not later:
                waiting.append((label, pending))
                continue
            data = credential.update(self.log.at(min(later) + 1), label, pending.version, pending.terminal,
                                     pending.view.size)
            test.assertEqual(credential.verify_update(self.reader, pending, data), min(later))
        self.pending = waiting

    def tell(self, test):
        for size in range(1, len(self.log.entries) + 1):
            if self.rng.random() < 0.6:
                self.look_up(test, size)
                self.monitor(size)
            if self.rng.random() < 0.6:
                self.own(test, size)
            if self.rng.random() < 0.3:
                self.credentials(test, size)
        return self


def proved(result):
    """A result for comparison: values of an update at a distinguished entry are proved by monitoring (README.md E21)."""
    return {k: v for k, v in result.items() if k != "values" or not result["distinguished"]}


def without_unproved(state):
    """A state for comparison: commitments of versions that no look-up has shown yet are not authenticated (README.md D5)."""
    return (vars(state.view), {d: vars(v) for d, v in state.recent.items()},
            {label: {p: w.version for p, w in entries.items()} for label, entries in state.contact.items()},
            {label: (o.history, o.start, o.entries) for label, o in state.owned.items()})


class Histories(unittest.TestCase):
    def test_honest(self):
        """Server and clients agree through a whole history, values are the ones inserted."""
        kinds = set()
        for seed in range(SEED, SEED + ROUNDS):
            with self.subTest(seed=seed):
                kinds |= set(Story(seed, 40).tell(self).seen)
        self.assertEqual(kinds, set(VERBS))

    def test_one_byte_off(self):
        """Every answer with one byte changed is refused, or nothing changes."""
        story = Story(SEED, 16).tell(self)
        if SEED == 1:
            self.assertEqual(set(story.seen), set(VERBS))
        for kind, (_, before, request, data, now, result) in story.seen.items():
            genuine = Owner(story.log.config, before)
            VERBS[kind](genuine, request, data, now)
            for i in range(len(data)):
                lie = data[:i] + bytes([data[i] ^ story.rng.randrange(1, 256)]) + data[i + 1:]
                client = Owner(story.log.config, before)
                try:
                    accepted = VERBS[kind](client, request, lie, now)
                except Refused:
                    self.assertIs(client.state, before)
                    continue
                self.assertEqual(proved(accepted), proved(result), (SEED, kind, i))
                self.assertEqual(without_unproved(client.state), without_unproved(genuine.state), (SEED, kind, i))

    def test_a_false_value_at_a_distinguished_entry(self):
        """README.md E21: the update itself does not show it, monitoring does."""
        shown, seed = 0, SEED
        while shown < 2:
            story, seed = Story(seed, 24).tell(self), seed + 1
            if "update" not in story.seen or not story.seen["update"][5]["distinguished"]:
                continue
            _, before, request, data, now, _ = story.seen["update"]
            lie = decode(UpdateResponse, data, CONTACT)
            lie.values[-1].value += b"!"
            owner = Owner(story.log.config, before)
            owner.update(request, encode(UpdateResponse, lie, CONTACT), now)
            with self.assertRaisesRegex(Refused, "log: |root", msg=f"seed {seed - 1}"):
                story.ask(owner, 24, "owner-monitor", owner.monitor_request(request.label))
            shown += 1

    def test_one_byte_off_in_credentials(self):
        """Credentials likewise, which must change nothing in any case."""
        story = Story(SEED, 16).tell(self)
        story.credentials(self, 16)
        for data in self.some_credentials(story):
            result = credential.verify(story.reader, data)
            state = story.reader.state
            for i in range(len(data)):
                lie = data[:i] + bytes([data[i] ^ story.rng.randrange(1, 256)]) + data[i + 1:]
                try:
                    accepted = credential.verify(story.reader, lie)
                    self.assertEqual([accepted[k] for k in ("label", "version", "value")],
                                     [result[k] for k in ("label", "version", "value")], (SEED, i))
                except Refused:
                    pass
                self.assertIs(story.reader.state, state)

    def some_credentials(self, story):
        view, out = story.log.at(16), {}
        for label in LABELS:
            for position in story.reader.state.recent:
                for make in (credential.standard, credential.provisional):
                    try:
                        out[make] = make(view, label, position)
                    except Refused:
                        pass
        return out.values()

    def test_clock(self):
        """README.md C5: a head is good from max_ahead before its last entry to max_behind after it, for `same` too."""
        story = Story(SEED, 12)
        config, last = story.log.config, story.log.entries[-1].timestamp
        client = Client(config)
        for _ in range(2):
            request = client.distinguished_request()
            data = encode(describe.response_kind("distinguished", request), story.log.at(12).distinguished(request), CONTACT)
            for now in (last - config.max_ahead - 1, last + config.max_behind + 1):
                self.assertRaisesRegex(Refused, "clock", client.distinguished, request, data, now)
            for now in (last - config.max_ahead, last + config.max_behind):
                Client(config, client.state).distinguished(request, data, now)
            client.distinguished(request, data, last)

    def test_replay(self):
        """An answer for another state, label or version is refused."""
        story = Story(SEED + 1, 20).tell(self)
        _, before, request, data, now, _ = story.seen["search"]
        label, version = request.label, request.version
        for changed in ({"label": b"other"}, {"version": 0 if version != 0 else 1}):
            other = type(request)(**{**vars(request), **changed})
            self.assertRaises(Refused, Owner(story.log.config, before).search, other, data, now)
        fresh = Owner(story.log.config)
        self.assertRaises(Refused, fresh.search, fresh.search_request(label, version), data, now)

    def test_heads(self):
        """README.md E20."""
        a = [bytes([i]) * 32 for i in range(6)]
        self.assertTrue(compare_heads(a[:4], a[:4]) and compare_heads(a[:4], a[2:]) and compare_heads(a[2:], a[:4]))
        self.assertFalse(compare_heads(a[:3], a[3:]))
        self.assertFalse(compare_heads([a[0], a[1]], [a[0], a[2]]))
        self.assertRaises(Refused, compare_heads, a[:2], a[:3])


if __name__ == "__main__":
    print(f"seeds {SEED} .. {SEED + ROUNDS - 1}")
    unittest.main()
