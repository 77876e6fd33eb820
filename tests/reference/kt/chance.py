"""Random descriptions: the same seed, the same description.  Most requests can be answered, some must be refused."""

import random

from . import algorithms, describe, implicit
from .transcript import Prover

LABELS = [b"", b"\x01alice@example.org", b"\x01bob@example.org", b"\x02example.org", bytes(range(255))]
STEPS = [0, 1, 40, 400, 5000]  # ms between entries


def config(rng):
    window = rng.choice([0, 300, 1000, 4000])
    return {"signature_secret": rng.randbytes(32).hex(), "vrf_secret": rng.randbytes(32).hex(),
            "max_ahead": 300000, "max_behind": 3600000, "reasonable_monitoring_window": window,
            "maximum_lifetime": rng.choice([None, None, window + 1, 3 * window + 5000])}


def entries(rng, count):
    time, busy, out = 1_700_000_000_000 if rng.random() < 0.8 else rng.randrange(2000), rng.random(), []
    for i in range(count):
        time += rng.randrange(rng.choice(STEPS) + 1)
        updates = []
        for label in LABELS:
            if i > 0 and rng.random() < busy / 2:
                updates += [{"label": label.hex(), "value": rng.randbytes(rng.choice([0, 1, 40])).hex()}
                            for _ in range(rng.choice([1, 1, 1, 2, 3, 9]))]
        out.append({"timestamp": time, "updates": updates})
    return out


class Chooser:
    """Requests that fit a log."""

    def __init__(self, rng, log):
        self.rng, self.log = rng, log

    def common(self, kind):
        """The size of the tree that answers, the size seen before, and a View."""
        at = self.rng.randint(1, len(self.log.entries))
        last = self.rng.choice([None, self.rng.randint(1, at), at])
        return {"kind": kind, "at": at, "last": last}, self.log.at(at)

    def label(self):
        return self.rng.choice(LABELS + [b"nobody"])

    def distinguished(self, view):
        t = Prover(view.config, view.entries, None, None)
        found = [x for x in range(view.size) if algorithms.is_distinguished(t, x)]
        return self.rng.choice(found + [0])

    def version(self, view, label):
        greatest = view.greatest(label)
        return self.rng.randrange(-1 if greatest is None else 0, (0 if greatest is None else greatest) + 1) % 2**32

    def monitored(self, view, label, after=-1):
        """Positions on the way up from some versions, as a user's map would have them."""
        chosen = {}
        for number, version in enumerate(view.versions(label)):
            if self.rng.random() < 0.3 and version.position > after:
                path = [version.position] + implicit.right_ancestors(version.position, view.size)
                chosen[self.rng.choice(path)] = number
        rows, ceiling = [], 2**32
        for position in sorted(chosen, reverse=True):  # versions descend to the left, as they do in a user's map
            if chosen[position] < ceiling:
                ceiling = chosen[position]
                rows.append([position, ceiling])
        return rows[::-1]

    def search(self):
        out, view = self.common("search")
        label = self.label()
        version = self.rng.choice([None, self.version(view, label), self.rng.choice([0, 1, 7, 2**32 - 1])])
        return {**out, "label": label.hex(), "version": version}

    def contact_monitor(self):
        out, view = self.common("contact-monitor")
        label = self.label()
        return {**out, "label": label.hex(), "entries": self.monitored(view, label)}

    def owner_init(self):
        out, view = self.common("owner-init")
        start = self.distinguished(view) if self.rng.random() < 0.9 else self.rng.randrange(view.size + 1)
        return {**out, "label": self.label().hex(), "start": start}

    def owner_monitor(self):
        out, view = self.common("owner-monitor")
        label, start = self.label(), self.distinguished(view)
        greatest = self.rng.choice([view.greatest(label), view.greatest_at(label, start), 3])
        return {**out, "label": label.hex(), "start": start, "greatest_version": greatest,
                "entries": self.monitored(view, label, start), "ladders": self.rng.choice([1, 3, 64, 64])}

    def update(self):
        out, view = self.common("update")
        label = self.label()
        count = len(view.versions(label))
        greatest = self.rng.choice([None, self.rng.randrange(count + 1) if count else None])
        return {**out, "label": label.hex(), "greatest_version": greatest, "values": self.rng.choice([[], ["00"]])}

    def walk(self):
        out, view = self.common("distinguished")
        return {**out, "stop": self.rng.choice([None, self.rng.randrange(view.size)])}

    def absence(self):
        out, _ = self.common("absence")
        return {**out, "label": self.label().hex()}

    def as_of(self):
        out, view = self.common("as-of")
        entry = self.rng.choice(view.entries)
        return {**out, "label": self.label().hex(), "time": entry.timestamp + self.rng.choice([-1, 0, 0, 1])}

    def credential(self):
        out, view = self.common("credential")
        return {"kind": out["kind"], "at": out["at"], "label": self.label().hex(), "position": self.distinguished(view),
                "type": self.rng.choice(["standard", "provisional"])}


def description(seed, count, extended=False):
    """A description with `count` entries and three requests for each; extended: also of the kinds the draft lacks."""
    rng = random.Random(seed)
    out = {"config": config(rng), "entries": entries(rng, count)}
    choose = Chooser(rng, describe.log(out))
    kinds = [choose.search, choose.search, choose.contact_monitor, choose.owner_init, choose.owner_monitor,
             choose.update, choose.walk, choose.credential] + [choose.absence, choose.as_of] * extended
    out["requests"] = [{"name": f"{seed}/{i}", **rng.choice(kinds)()} for i in range(3 * count)]
    return out
