"""The verifier: a user's state, requests made from it, and answers checked against it.

Nothing changes in the state unless an answer is verified to the end.  `now` is in milliseconds, like the log's timestamps.
"""

from copy import deepcopy

from . import algorithms, crypto, ladder
from .codec import decode
from .messages import (ContactMonitorRequest, ContactMonitorResponse, DistinguishedRequest, DistinguishedResponse,
                       FixedSearchResponse, GreatestSearchResponse, MonitorMapEntry, SearchRequest)
from .refusal import require
from .view import Answer, View, accept, head_size


class Watched:
    """A version that must still be monitored: known has (key, commitment) for each version of its monitoring ladder."""

    def __init__(self, version, known):
        self.version, self.known = version, known

    def to_json(self):
        return {"version": self.version, "known": known_to_json(self.known)}

    @staticmethod
    def from_json(text):
        return Watched(text["version"], known_from_json(text["known"]))


def known_to_json(known):
    return [[v, key.hex(), None if c is None else c.hex()] for v, (key, c) in sorted(known.items())]


def known_from_json(rows):
    return {v: (bytes.fromhex(key), None if c is None else bytes.fromhex(c)) for v, key, c in rows}


class State:
    """view; contact {label: {position: Watched}}; recent {position: View of position + 1 entries}; owned {label: Owned}."""

    def __init__(self):
        self.view, self.contact, self.recent, self.owned = View(), {}, {}, {}


class Client:
    """A user of one log."""

    def __init__(self, config, state=None):
        crypto.check_configuration(config)
        self.config, self.state = config, state or State()

    # Shared by all answers.

    def begin(self, state, head, proof, known=None):
        return Answer(self.config, state.view, head_size(head, state.view), proof, known or {})

    def accept(self, state, answer, head, now):
        state.view = accept(self.config, answer, head, now)

    def copy(self):
        return deepcopy(self.state)

    def ladder_keys(self, label, versions, steps):
        """The VRF outputs of a binary_ladder that must be for these versions, with the commitments given."""
        require(len(steps) == len(versions), "ladder: the number of steps is wrong")
        key = self.config.vrf_public_key
        return {v: (crypto.verified_search_key(key, label, v, s.proof), s.commitment)
                for v, s in zip(versions, steps)}

    def searched(self, label, target, opening, value, steps):
        """Steps 2 and 3 of a search or credential: what is known of the versions of the target's ladder."""
        versions = ladder.base(target)
        known = self.ladder_keys(label, versions, steps)
        key, commitment = known[target]
        require(commitment is None, "ladder: a commitment is given for the target")
        known[target] = (key, crypto.commitment(opening, label, target, value))
        return known

    # Search.

    def search_request(self, label, version=None):
        return SearchRequest(last=self.state.view.size, label=label, version=version)

    def search(self, request, data, now):
        """Verify a SearchResponse to a request of this state: {"version", "value", "terminal", "monitor"}."""
        kind = GreatestSearchResponse if request.version is None else FixedSearchResponse
        response = decode(kind, data, self.config.mode)
        target = response.version if request.version is None else request.version
        state = self.copy()
        known = self.searched(request.label, target, response.opening, response.value.value, response.binary_ladder)
        answer = self.begin(state, response.full_tree_head, response.search, known)
        if request.version is None:
            terminal = algorithms.greatest_search(answer.t, target)
        else:
            terminal = algorithms.fixed_search(answer.t, target)
        monitor = algorithms.needs_monitoring(answer.t, terminal)
        self.accept(state, answer, response.full_tree_head, now)
        if monitor:
            watch(state, request.label, terminal, target, known)
        self.state = state
        return {"version": target, "value": response.value.value, "terminal": terminal, "monitor": monitor}

    # Contact monitoring.

    def contact_request(self, label):
        entries = sorted(self.state.contact.get(label, {}).items())
        return ContactMonitorRequest(last=self.state.view.size, label=label, entries=[
            MonitorMapEntry(position=position, version=watched.version) for position, watched in entries])

    def contact_monitor(self, request, data, now):
        """Verify a ContactMonitorResponse to a request of this state: {"entries": the map that remains}."""
        response = decode(ContactMonitorResponse, data, self.config.mode)
        state = self.copy()
        watched = state.contact.get(request.label, {})
        known = {}
        for position in sorted(watched, reverse=True):
            known.update(watched[position].known)
        answer = self.begin(state, response.full_tree_head, response.monitor, known)
        _, moved, _ = algorithms.contact(answer.t, {p: w.version for p, w in watched.items()})
        self.accept(state, answer, response.full_tree_head, now)
        remaining = {new: watched[old] for old, new in moved.items() if new is not None}
        state.contact.pop(request.label, None)
        if remaining:
            state.contact[request.label] = remaining
        self.state = state
        return {"entries": {p: w.version for p, w in sorted(remaining.items())}}

    # Walking distinguished heads.

    def distinguished_request(self):
        stop = max(self.state.recent, default=None)
        return DistinguishedRequest(last=self.state.view.size, stop=stop)

    def distinguished(self, request, data, now):
        """Verify a DistinguishedResponse: {"recent": {position: log root of position + 1 entries}}."""
        response = decode(DistinguishedResponse, data, self.config.mode)
        state = self.copy()
        answer = self.begin(state, response.full_tree_head, response.distinguished)
        found = algorithms.walk_distinguished(answer.t, request.stop)
        self.accept(state, answer, response.full_tree_head, now)
        for d in found:
            state.recent[d] = answer.view_at(d + 1)
        state.recent = dict(sorted(state.recent.items())[-algorithms.RECENT:])
        self.state = state
        return {"recent": {d: view.root() for d, view in state.recent.items()}}


def watch(state, label, position, version, known):
    """README.md E5: one entry for a version, the one that is there; one for a position, the greater version."""
    entries = state.contact.setdefault(label, {})
    if any(w.version == version for w in entries.values()):
        return
    if position not in entries or entries[position].version < version:
        entries[position] = Watched(version, {v: known[v] for v in ladder.monitoring(version)})


def compare_heads(ours, theirs):
    """§ Detecting Forks: whether two DistinguishedHead lists of equal length overlap at their ends."""
    require(len(ours) == len(theirs), "heads: the lists differ in length")
    size = len(ours)
    return any(ours[:size - x] == theirs[x:] or theirs[:size - x] == ours[x:] for x in range(size))
