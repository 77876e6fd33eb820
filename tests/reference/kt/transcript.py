"""One answer's CombinedTreeProof, as the algorithms see it: a source of timestamps and look-ups.

Both sides run the same algorithms over a transcript.  The prover's takes data from its tree and writes down what it gave;
the verifier's takes it from the proof's queues.  README.md, section C, has the rules.
"""

from . import crypto, implicit, logtree, prefix
from .refusal import Refused, require
from .structs import INCLUSION, CombinedTreeProof, InclusionProof


class Transcript:
    """Common to both sides: what is known about entries in this answer.

    config: limits; size: entries in the tree of the answer; last: entries seen before, or None;
    retained: {index: (timestamp, prefix root)} of the frontier of `last`.
    """

    def __init__(self, config, size, last, retained):
        self.config, self.size, self.last, self.retained = config, size, last, retained
        self.times = {index: time for index, (time, _) in retained.items()}
        self.given = []  # entries whose timestamps stand in `timestamps`, in that order
        self.roots = {}  # prefix roots that came from prefix proofs
        self.shown_in, self.shown_out = {}, {}  # version -> leftmost inclusion, rightmost non-inclusion

    def timestamp(self, x):
        """The timestamp of entry x; the first time it is asked for, the queue moves."""
        if x not in self.times:
            self.times[x] = self.next_timestamp(x)
            self.given.append(x)
        return self.times[x]

    def rightmost_time(self):
        return self.timestamp(self.size - 1)

    def expired(self, x):
        lifetime = self.config.maximum_lifetime
        return lifetime is not None and self.rightmost_time() - self.timestamp(x) >= lifetime

    def omitted(self, x, version):
        """What is known about a version at x without looking: True, False, or None for nothing."""
        if version in self.shown_in and self.shown_in[version] < x:
            return True
        if version in self.shown_out and self.shown_out[version] > x:
            return False
        return None

    def note(self, x, version, included):
        if included:
            self.shown_in[version] = min(x, self.shown_in.get(version, x))
        else:
            self.shown_out[version] = max(x, self.shown_out.get(version, x))

    def set_root(self, x, root):
        """A prefix proof for x led to this root."""
        require(self.roots.setdefault(x, root) == root, "transcript: two proofs of one entry have different roots")
        require(x not in self.retained or self.retained[x][1] == root,
                "transcript: a retained prefix root is contradicted")

    def open(self, x):
        """A series of look-ups in entry x begins: look at versions with lookup(), then close()."""
        self.timestamp(x)
        return Series(self, x)

    def without_proof(self):
        """Entries with a timestamp from the queue and no prefix proof, left to right."""
        return [x for x in sorted(self.given) if x not in self.roots]


class Series:
    """Look-ups in one entry, one PrefixProof; none at all if nothing is looked up."""

    def __init__(self, transcript, x):
        self.transcript, self.x, self.state, self.versions = transcript, x, None, []

    def lookup(self, version):
        """Whether the version is in the entry's prefix tree."""
        if self.state is None:
            self.state = self.transcript.begin(self.x)
        included = self.transcript.look(self.x, self.state, version)
        self.versions.append((version, included))
        return included

    def close(self):
        if self.state is not None:
            self.transcript.set_root(self.x, self.transcript.end(self.x, self.state))
        for version, included in self.versions:
            self.transcript.note(self.x, version, included)


class Prover(Transcript):
    """Writes the proof.  tree: entries with .timestamp and .prefix; key_of(version): the search key."""

    def __init__(self, config, entries, last, key_of):
        retained = {x: (entries[x].timestamp, prefix.value_of(entries[x].prefix)) for x in implicit.frontier(last or 0)}
        super().__init__(config, len(entries), last, retained)
        self.entries, self.key_of = entries, key_of
        self.proofs, self.proved = [], []  # PrefixProofs, and (entry, versions) of each

    def next_timestamp(self, x):
        return self.entries[x].timestamp

    def begin(self, x):
        return []

    def look(self, x, versions, version):
        versions.append(version)
        return prefix.contains(self.entries[x].prefix, self.key_of(version))

    def end(self, x, versions):
        self.proofs.append(prefix.prove(self.entries[x].prefix, [self.key_of(v) for v in versions]))
        self.proved.append((x, versions))
        return prefix.value_of(self.entries[x].prefix)

    def more_proofs(self):
        return True

    def inclusion(self):
        """The elements of the batch proof with the subtrees they head: [(range, value)]."""
        return logtree.prove([entry.leaf for entry in self.entries], self.given, self.last)

    def proof(self):
        """The CombinedTreeProof of everything that was asked for."""
        return CombinedTreeProof(
            timestamps=[self.times[x] for x in self.given],
            prefix_proofs=self.proofs,
            prefix_roots=[prefix.value_of(self.entries[x].prefix) for x in self.without_proof()],
            inclusion=InclusionProof(elements=[value for _, value in self.inclusion()]))


class Verifier(Transcript):
    """Consumes a proof.  known: {version: (search key, commitment or None)}."""

    def __init__(self, config, size, last, retained, proof, known):
        super().__init__(config, size, last, retained)
        self.proof, self.known = proof, known
        self.timestamps, self.proofs = list(proof.timestamps), list(proof.prefix_proofs)

    def next_timestamp(self, x):
        require(self.timestamps, "transcript: too few timestamps")
        return self.timestamps.pop(0)

    def begin(self, x):
        require(self.proofs, "transcript: too few prefix proofs")
        proof = self.proofs.pop(0)
        return list(proof.results), proof.elements, []

    def look(self, x, state, version):
        results, _, seen = state
        require(results, "transcript: too few results in a prefix proof")
        if version not in self.known:
            raise Refused(f"transcript: no VRF output is known for version {version}")
        key, commitment = self.known[version]
        result = results.pop(0)
        seen.append((key, result, commitment))
        return result.result_type == INCLUSION

    def end(self, x, state):
        results, elements, seen = state
        require(not results, "transcript: too many results in a prefix proof")
        return prefix.evaluate(seen, elements)

    def more_proofs(self):
        return bool(self.proofs)

    def finish(self, full_subtrees):
        """Everything is consumed and monotone: (log entries {index: (timestamp, prefix root)}, subtree heads)."""
        require(not self.timestamps, "transcript: too many timestamps")
        require(not self.proofs, "transcript: too many prefix proofs")
        times = [self.times[x] for x in sorted(self.times)]
        require(times == sorted(times), "transcript: timestamps are not monotone")
        rest = self.without_proof()
        require(len(self.proof.prefix_roots) == len(rest), "transcript: the number of prefix roots is wrong")
        roots = {**self.roots, **dict(zip(rest, self.proof.prefix_roots))}
        entries = {x: (self.times[x], roots[x]) for x in self.given}
        proved = {x: crypto.log_leaf(*entry) for x, entry in entries.items()}
        heads = logtree.evaluate(self.size, proved, full_subtrees, self.proof.inclusion.elements)
        return {**self.retained, **entries}, heads
