"""A user as owner of labels: initial state, monitoring, and every new version (draft, "Owner Algorithm" and after)."""

from . import algorithms, crypto, ladder, owner
from .client import Client, known_from_json, known_to_json
from .codec import decode
from .messages import (MonitorMapEntry, OwnerInitRequest, OwnerInitResponse, OwnerMonitorRequest, OwnerMonitorResponse,
                       UpdateRequest, UpdateResponse)
from .refusal import require


class Owned:
    """An owned label.

    history: [(position, greatest version from there on, or None)], the first at the starting position;
    start: the rightmost distinguished entry verified; entries: {position: version} still to monitor;
    known: {version: (key, commitment or None)}.
    """

    def __init__(self, history, start, entries, known):
        self.history, self.start, self.entries, self.known = history, start, entries, known

    def greatest(self):
        return self.history[-1][1]

    def greatest_at(self, x):
        require(x >= self.history[0][0], "owner: asked about the time before the starting position")
        return [version for position, version in self.history if position <= x][-1]

    def to_json(self):
        return {"history": [list(row) for row in self.history], "start": self.start,
                "entries": [list(row) for row in sorted(self.entries.items())], "known": known_to_json(self.known)}

    @staticmethod
    def from_json(text):
        return Owned([tuple(row) for row in text["history"]], text["start"], dict(map(tuple, text["entries"])),
                     known_from_json(text["known"]))


class Owner(Client):
    """A client that owns labels."""

    # Initialization.

    def init_request(self, label, start):
        return OwnerInitRequest(last=self.state.view.size, label=label, start=start)

    def init(self, request, data, now):
        """Verify an OwnerInitResponse: {"versions": those of the inspected entries, from start to the left}."""
        response = decode(OwnerInitResponse, data, self.config.mode)
        state, label, versions = self.copy(), request.label, response.greatest_versions
        require(versions == sorted(versions, reverse=True), "owner: greatest versions do not descend")
        known = self.ladder_keys(label, owner.init_steps(versions), response.binary_ladder)
        greatest = versions[0] if versions else None
        known = {v: (key, c if v <= owner.number(greatest) else None) for v, (key, c) in known.items()}
        require(all(known[v][1] is not None for v in versions), "owner: a commitment is missing")
        answer = self.begin(state, response.full_tree_head, response.init, known)
        entries = owner.init_entries(answer.t, request.start)
        require(len(versions) <= len(entries), "owner: more versions than entries")
        owner.init(answer.t, entries, versions + [None] * (len(entries) - len(versions)))
        self.accept(state, answer, response.full_tree_head, now)
        state.owned[label] = Owned([(request.start, greatest)], request.start, {}, known)
        self.state = state
        return {"versions": versions}

    # Monitoring.

    def monitor_request(self, label):
        owned = self.state.owned[label]
        return OwnerMonitorRequest(
            last=self.state.view.size, label=label, start=owned.start, greatest_version=owned.greatest(),
            entries=[MonitorMapEntry(position=p, version=v) for p, v in sorted(owned.entries.items())])

    def monitor(self, request, data, now):
        """Verify an OwnerMonitorResponse: {"inspected", "entries", "complete"}."""
        response = decode(OwnerMonitorResponse, data, self.config.mode)
        state = self.copy()
        owned = state.owned[request.label]
        answer = self.begin(state, response.full_tree_head, response.monitor, owned.known)
        t = answer.t
        remaining, _, left_over = algorithms.contact(t, owned.entries, owned.start)
        inspected = owner.monitor(t, owned.start, owned.greatest_at, lambda x: not t.more_proofs())
        rightmost = algorithms.rightmost_distinguished(t)
        self.accept(state, answer, response.full_tree_head, now)
        owned.entries = {p: v for p, v in remaining.items() if left_over.get(p) not in inspected}
        owned.start = max([owned.start] + inspected)
        self.state = state
        return {"inspected": inspected, "entries": owned.entries, "complete": owned.start >= rightmost}

    # New versions.

    def update_request(self, label, values=()):
        owned = self.state.owned[label]
        return UpdateRequest(last=self.state.view.size, label=label, greatest_version=owned.greatest(),
                             values=list(values))

    def update(self, request, data, now):
        """Verify an UpdateResponse: {"position", "values", "greatest", "distinguished"}."""
        response = decode(UpdateResponse, data, self.config.mode)
        state, label, position = self.copy(), request.label, response.position
        owned = state.owned[label]
        previous = owned.greatest()
        values = [v.value for v in response.values or request.values]
        require(values and len(response.info) == len(values), "update: the number of openings is wrong")
        new = owner.number(previous) + len(values)
        require(new <= ladder.VERSION_MAX, "update: versions are used up")
        require(position > owned.history[-1][0], "update: the position is not right of the previous version")
        require(position > owned.start, "update: the position is not right of what the owner has verified")
        known = self.new_known(label, owner.number(previous), values, response, owned.known)
        answer = self.begin(state, response.full_tree_head, response.update, known)
        at_once = owner.update(answer.t, position, previous, owned.history[-1][0] if previous is not None else None,
                               new, owned.greatest_at)
        self.accept(state, answer, response.full_tree_head, now)
        owned.history.append((position, new))
        owned.known = known
        if not at_once:
            owned.entries[position] = new
        self.state = state
        return {"position": position, "values": values, "greatest": new, "distinguished": at_once}

    def new_known(self, label, previous, values, response, known):
        """What is known of versions after this answer: old ones, the steps given, commitments of the new values."""
        new = previous + len(values)
        steps = self.ladder_keys(label, ladder.update_steps(previous, new), response.binary_ladder)
        require(all(c is None for _, c in steps.values()), "update: a commitment is given for a new version")
        known = {**known, **steps}
        for i, (value, info) in enumerate(zip(values, response.info)):
            version = previous + 1 + i
            commitment = crypto.commitment(info.opening, label, version, value)
            known[version] = (known[version][0], commitment)
        return known
