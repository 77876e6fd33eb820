"""The prover: an in-memory Transparency Log, and what it answers with n entries.

Nothing is cached that the draft does not say; requests that a server must reject raise Refused.
"""

from . import algorithms, crypto, implicit, ladder, logtree, owner, prefix, vrf
from .messages import (ContactMonitorResponse, DistinguishedResponse, FixedSearchResponse, GreatestSearchResponse,
                       LabelValue, OwnerInitResponse, OwnerMonitorResponse, UpdateInfo, UpdateResponse)
from .refusal import require
from .structs import SAME, UPDATED, BinaryLadderStep, FullTreeHead, TreeHead, UpdateSuffix, update_value
from .transcript import Prover

LADDERS = 64  # of the owner algorithm in one answer


class Version:
    """One version of a label: where it was inserted, what it is."""

    def __init__(self, position, value, opening, commitment):
        self.position, self.value, self.opening, self.commitment = position, value, opening, commitment


class Entry:
    """A log entry with its version of the prefix tree."""

    def __init__(self, timestamp, tree):
        self.timestamp, self.prefix = timestamp, tree
        self.leaf = crypto.log_leaf(timestamp, prefix.value_of(tree))


class Log:
    """Everything a server knows.  Labels map to their versions in order."""

    def __init__(self, config, signature_key, vrf_key):
        self.config, self.signature_key, self.vrf_key = config, signature_key, vrf_key
        self.entries, self.labels = [], {}

    def append(self, timestamp, updates):
        """One log entry with new versions: (label, value, opening), several of one label in their order."""
        require(not self.entries or timestamp >= self.entries[-1].timestamp, "log: the timestamp is behind")
        tree = self.entries[-1].prefix if self.entries else None
        for label, value, opening in updates:
            versions = self.labels.setdefault(label, [])
            commitment = crypto.commitment(opening, label, len(versions), value)
            tree = prefix.insert(tree, prefix.Leaf(crypto.search_key(self.vrf_key, label, len(versions)), commitment))
            versions.append(Version(len(self.entries), value, opening, commitment))
        self.entries.append(Entry(timestamp, tree))

    def at(self, size):
        return View(self, size)


class View:
    """The log as it stood with `size` entries."""

    def __init__(self, log, size):
        require(0 < size <= len(log.entries), "server: there is no tree of this size")
        self.log, self.config, self.size, self.entries, self.t = log, log.config, size, log.entries[:size], None

    # What there is.

    def versions(self, label):
        return [v for v in self.log.labels.get(label, []) if v.position < self.size]

    def greatest_at(self, label, x):
        """The greatest version at entry x, None if there is none."""
        count = sum(v.position <= x for v in self.versions(label))
        return count - 1 if count else None

    def greatest(self, label):
        return self.greatest_at(label, self.size - 1)

    def root(self):
        return logtree.root([entry.leaf for entry in self.entries])

    # Parts of answers.

    def tree_head(self):
        signature = crypto.sign_head(self.log.signature_key, self.config, self.size, self.root())
        return TreeHead(tree_size=self.size, signature=signature)

    def full_tree_head(self, last):
        if last == self.size:
            return FullTreeHead(head_type=SAME)
        return FullTreeHead(head_type=UPDATED, tree_head=self.tree_head())

    def prover(self, last, label=b""):
        """Records an answer about the label, for a user who saw `last` entries."""
        require(last is None or 0 < last <= self.size, "server: `last` is not the size of an earlier tree")
        t = Prover(self.config, self.entries, last, lambda v: crypto.search_key(self.log.vrf_key, label, v))
        algorithms.update_view(t)
        self.t = t  # the last one, for those who look into answers
        return t

    def step(self, label, version, with_commitment):
        versions = self.versions(label)
        known = with_commitment and version < len(versions)
        return BinaryLadderStep(proof=vrf.prove(self.log.vrf_key, crypto.vrf_input(label, version)),
                                commitment=versions[version].commitment if known else None)

    # Answers.

    def search(self, request):
        versions = self.versions(request.label)
        target = request.version if request.version is not None else self.greatest(request.label)
        require(target is not None and target < len(versions), "server: no such label or version")
        t = self.prover(request.last, request.label)
        if request.version is None:
            algorithms.greatest_search(t, target)
        else:
            algorithms.fixed_search(t, target)
        kind, extra = (GreatestSearchResponse, {"version": target}) if request.version is None \
            else (FixedSearchResponse, {})
        return kind(full_tree_head=self.full_tree_head(request.last), opening=versions[target].opening,
                    value=update_value(versions[target].value),
                    binary_ladder=[self.step(request.label, v, v != target) for v in ladder.base(target)],
                    search=t.proof(), **extra)

    def check_map(self, label, entries):
        """What a monitoring request may contain."""
        positions, versions = [e.position for e in entries], [e.version for e in entries]
        require(positions == sorted(set(positions)), "server: monitored positions do not ascend")
        require(len(versions) == len(set(versions)), "server: a monitored version appears twice")
        for e in entries:
            require(e.version < len(self.versions(label)), "server: a monitored version does not exist")
            require(e.position < self.size, "server: a monitored position is not in the tree")
            first = self.versions(label)[e.version].position
            require(e.position in [first] + implicit.right_ancestors(first, self.size),
                    "server: a monitored position is not above the version")
        return dict(zip(positions, versions))

    def contact_monitor(self, request):
        entries = self.check_map(request.label, request.entries)
        t = self.prover(request.last, request.label)
        algorithms.contact(t, entries)
        return ContactMonitorResponse(full_tree_head=self.full_tree_head(request.last), monitor=t.proof())

    def owner_init(self, request):
        label = request.label
        t = self.prover(request.last, label)
        entries = owner.init_entries(t, request.start)
        versions = [self.greatest_at(label, x) for x in entries]
        owner.init(t, entries, versions)
        existing = [v for v in versions if v is not None]
        steps = [self.step(label, v, existing and v <= existing[0]) for v in owner.init_steps(existing)]
        return OwnerInitResponse(full_tree_head=self.full_tree_head(request.last), greatest_versions=existing,
                                 binary_ladder=steps, init=t.proof())

    def owner_monitor(self, request, ladders=LADDERS):
        label, advertised = request.label, owner.number(request.greatest_version)
        entries = self.check_map(label, request.entries)
        require(request.start < self.size, "server: the starting position is not in the tree")
        require(advertised <= owner.number(self.greatest(label)), "server: the advertised version does not exist")
        require(advertised >= owner.number(self.greatest_at(label, request.start)),
                "server: the advertised version is smaller than the one at the starting position")
        t, count = self.prover(request.last, label), 0
        algorithms.contact(t, entries, request.start)

        def stop(x):
            nonlocal count
            count += 1
            return count > ladders or owner.number(self.greatest_at(label, x)) > advertised

        owner.monitor(t, request.start, lambda x: self.greatest_at(label, x), stop)
        return OwnerMonitorResponse(full_tree_head=self.full_tree_head(request.last), monitor=t.proof())

    def update(self, request, created=False):
        """What happened after request.greatest_version.  created: request.values are what stands there, by this request."""
        label, previous = request.label, owner.number(request.greatest_version)
        versions = self.versions(label)
        require(previous + 1 < len(versions), "server: nothing newer than the advertised version")
        position = versions[previous + 1].position
        require(previous < 0 or versions[previous].position < position,
                "server: the advertised version is in the middle of an entry's")
        new = [v for v in versions[previous + 1:] if v.position == position]
        require(not created or [v.value for v in new] == [v.value for v in request.values],
                "server: the versions are not those of the request")
        t = self.prover(request.last, label)
        owner.update(t, position, request.greatest_version, versions[previous].position if previous >= 0 else None,
                     previous + len(new), lambda x: self.greatest_at(label, x))
        steps = ladder.update_steps(previous, previous + len(new))
        return UpdateResponse(full_tree_head=self.full_tree_head(request.last), position=position,
                              values=[] if created else [LabelValue(value=v.value) for v in new],
                              info=[UpdateInfo(opening=v.opening, suffix=UpdateSuffix()) for v in new],
                              binary_ladder=[self.step(label, v, False) for v in steps], update=t.proof())

    def distinguished(self, request):
        t = self.prover(request.last)
        algorithms.walk_distinguished(t, request.stop)
        return DistinguishedResponse(full_tree_head=self.full_tree_head(request.last), distinguished=t.proof())
