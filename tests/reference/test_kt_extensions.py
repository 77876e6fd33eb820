"""The slow Key Transparency's additions to the draft: the examples of merkle/keytrans/FORMATS.md, and random histories."""

import os
import random
import unittest

from kt import chance, crypto, describe, extensions, mailbox
from kt.codec import decode, encode
from kt.ownership import Owner
from kt.refusal import Refused
from kt.structs import CONTACT

SEED = int(os.environ.get("CARTULARY_KT_SEED", "1"))


def unfold(text):
    """Hex as in FORMATS.md: 1111(32) is a byte 32 times."""
    out = ""
    for word in text.split():
        out += word[:2] * 32 if word.endswith("(32)") else word
    return bytes.fromhex(out)


RECORD = ("1111(32) 0000000000000006 0000000000000007 2222(32) 3333(32)"
          " 000000006955b900 000000006b36ec80 03 01 11 416c696365406578616d706c652e6f7267 ")
ALL = "a18d6cfca96b396710ba081f0c1af8ad51976bfad93692473a0d3ae04bfcb76b"


class Values(unittest.TestCase):
    def test_examples(self):
        state = unfold("01 01 0001 " + RECORD + "01 00000001 " + ALL)
        self.assertEqual(len(state), 189)
        value = decode(mailbox.MailboxState, state, CONTACT)
        mailbox.check(value)
        self.assertEqual(mailbox.rfc6962_root([encode(mailbox.Record, r, CONTACT) for r in value.records]).hex(), ALL)
        rows = [(mailbox.Record, RECORD + "03 000000006a18a500 01 000000006a187df0 0000000000000003"),
                (mailbox.MailboxState, "0102 000000006ab13b80 01 00000001"),
                (mailbox.DomainState, "01 0000000000000002 4444(32)")]
        for kind, text in rows:
            data = unfold(text)
            self.assertEqual(encode(kind, decode(kind, data, CONTACT), CONTACT), data)
            for bad in (data + b"\0", data[:-1], b"\2" + data[1:] if kind is not mailbox.Record else b""):
                self.assertRaises(Refused, decode, kind, bad, CONTACT)

    def test_rules(self):
        good = decode(mailbox.MailboxState, unfold("01 01 0001 " + RECORD + "01 00000001 " + ALL), CONTACT)
        for change in ({"final_index": mailbox.NOT_LOGGED}, {"certificate_sha256": bytes(32)}, {"address": b""}):
            vars(good.records[0]).update(change)
            self.assertRaises(Refused, mailbox.check, good)
            good = decode(mailbox.MailboxState, unfold("01 01 0001 " + RECORD + "01 00000001 " + ALL), CONTACT)
        good.records *= 2
        self.assertRaises(Refused, mailbox.check, good)
        good.total = 2
        self.assertRaisesRegex(Refused, "twice", mailbox.check, good)

    def test_feed(self):
        key, commitment = b"\x55" * 32, b"\x66" * 32
        prefix_root = crypto.prefix_leaf(key, commitment)
        entry = mailbox.feed_entry(0x19b76daa800, prefix_root, crypto.log_leaf(0x19b76daa800, prefix_root),
                                   [(key, commitment)], (8, b"\x77" * 32))
        data = encode(mailbox.FeedEntry, entry, CONTACT)
        self.assertEqual(len(data), 188)
        self.assertEqual(data, unfold(
            "0000019b76daa800 768f0c983780e7f8a25eb757a8c8b3c8c28e2fea917982336c8f96d1427eec0b"
            " 34743fc3dc10c2eaef5cca6257eef9d1ea9b03e9a961dff4ec70929de88b58ba 0000000000000008 7777(32) 0000000000000000"
            " e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            " 00000001 c0e763c35fb9ae653e27d88907dc7a58e3012f7cedbbc03f9124f25a8dc2d2da"))


class Histories(unittest.TestCase):
    def logs(self, count):
        for seed in range(SEED, SEED + 4):
            rng = random.Random(seed)
            config = {**chance.config(rng), "maximum_lifetime": None}
            yield rng, describe.log({"config": config, "entries": chance.entries(rng, count)})

    def exchange(self, log, size, client, label, time):
        """An as-of exchange with the client, and what must come of it: (request, bytes, now, result, truth)."""
        view, request = log.at(size), extensions.as_of_request(client, label, time)
        data = encode(extensions.AsOfResponse, extensions.as_of(view, request), CONTACT)
        now = log.entries[size - 1].timestamp
        result = extensions.verify_as_of(client, request, data, now)
        known = [v for v in view.versions(label) if log.entries[v.position].timestamp <= time]
        later = [v for v in view.versions(label) if log.entries[v.position].timestamp > time]
        truth = {"version": len(known) - 1 if known else None, "first": known[-1].position if known else None,
                 "next": later[0].position if later else None, "value": known[-1].value if known else None}
        return request, data, now, result, truth

    def test_as_of(self):
        cases = set()
        for rng, log in self.logs(24):
            client = Owner(log.config)
            for size in range(1, 25):
                label = rng.choice(chance.LABELS + [b"nobody"])
                low, high = log.entries[0].timestamp, log.entries[size - 1].timestamp
                time = rng.choice([0, max(0, low - 1), low, high, rng.randint(low, high), 2**64 - 1])
                *_, result, truth = self.exchange(log, size, client, label, time)
                self.assertEqual(result, truth)
                cases.add((result["version"] is None, result["next"] is None))
        self.assertEqual(len(cases), 4)

    def test_as_of_one_byte_off(self):
        rng, log = next(self.logs(12))
        for label, time in ((chance.LABELS[1], log.entries[6].timestamp), (b"nobody", 0), (chance.LABELS[1], 0)):
            request, data, now, result, _ = self.exchange(log, 12, Owner(log.config), label, time)
            for i in range(len(data)):
                lie = data[:i] + bytes([data[i] ^ rng.randrange(1, 256)]) + data[i + 1:]
                client = Owner(log.config)
                try:
                    self.assertEqual(extensions.verify_as_of(client, request, lie, now), result, i)
                except Refused:
                    self.assertIsNone(client.state.view.size)

    def test_absence(self):
        for rng, log in self.logs(16):
            client = Owner(log.config)
            for size in range(1, 17):
                view, now = log.at(size), log.entries[size - 1].timestamp
                for label in chance.LABELS[:2] + [b"nobody"]:
                    request = extensions.absence_request(client, label)
                    if view.greatest(label) is not None:
                        self.assertRaises(Refused, extensions.absence, view, request)
                        continue
                    data = encode(extensions.AbsenceResponse, extensions.absence(view, request), CONTACT)
                    self.assertEqual(extensions.verify_absence(client, request, data, now), {"absent": True})
            before = client.state
            for i in range(len(data)):
                lie = data[:i] + bytes([data[i] ^ rng.randrange(1, 256)]) + data[i + 1:]
                client = Owner(log.config, before)
                self.assertRaises(Refused, extensions.verify_absence, client, request, lie, now)


if __name__ == "__main__":
    unittest.main()
