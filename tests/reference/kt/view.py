"""What a user retains about the log between answers, and the check that a new answer extends it.

README.md C3, E1, E2; draft, "Updating Views of the Tree" and "Full Tree Head Verification".
"""

from . import algorithms, crypto, implicit, logtree
from .refusal import require
from .structs import SAME
from .transcript import Verifier


class View:
    """A verified tree: its size (None: none seen), full subtrees {range: value}, frontier {index: (time, root)}."""

    def __init__(self, size=None, full_subtrees=None, frontier=None, signature=b""):
        self.size, self.full_subtrees, self.frontier = size, full_subtrees or {}, frontier or {}
        self.signature = signature  # of the TreeHead that made it

    def root(self):
        return logtree.root_from_full_subtrees(self.size, self.full_subtrees)

    def to_json(self):
        return {"size": self.size,
                "full_subtrees": [[*part, value.hex()] for part, value in sorted(self.full_subtrees.items())],
                "frontier": [[x, time, root.hex()] for x, (time, root) in sorted(self.frontier.items())],
                "signature": self.signature.hex()}

    @staticmethod
    def from_json(text):
        return View(text["size"], {(s, e): bytes.fromhex(v) for s, e, v in text["full_subtrees"]},
                    {x: (t, bytes.fromhex(r)) for x, t, r in text["frontier"]}, bytes.fromhex(text["signature"]))


class Answer:
    """One answer being verified: begin it, run algorithms over .t, then finish()."""

    def __init__(self, config, view, size, proof, known):
        require(size > 0, "head: an empty tree")
        self.view = view
        self.t = Verifier(config, size, view.size, view.frontier, proof, known)
        algorithms.update_view(self.t)

    def finish(self):
        """Entries and subtree heads that the proof leads to; self.entries, self.heads."""
        self.entries, self.heads = self.t.finish(self.view.full_subtrees)
        self.heads = {**self.view.full_subtrees, **self.heads}

    def root(self):
        return self.heads[(0, self.t.size)]

    def view_at(self, size):
        """What a user would retain who saw the tree with `size` entries, as far as this answer shows it."""
        return View(size, {part: self.heads[part] for part in logtree.full_subtrees(size)},
                    {x: self.entries[x] for x in implicit.frontier(size)})


def head_size(head, view):
    """The size of the tree that a FullTreeHead speaks of."""
    if head.head_type == SAME:
        require(view.size is not None, "head: the same as none")
        return view.size
    require(view.size is None or head.tree_head.tree_size > view.size, "head: the tree has not grown")
    return head.tree_head.tree_size


def check_clock(config, time, now):
    require(time <= now + config.max_ahead, "head: the tree is ahead of the clock")
    require(now - time <= config.max_behind, "head: the tree is behind the clock")


def accept(config, answer, head, now):
    """The last steps for every answer: root, signature, clock.  The view to retain."""
    answer.finish()
    new = answer.view_at(answer.t.size)
    if head.head_type == SAME:
        new.signature = answer.view.signature
        require(answer.root() == answer.view.root(), "head: the same size with another root")
    else:
        new.signature = head.tree_head.signature
        crypto.verify_head(config, new.size, answer.root(), new.signature)
    check_clock(config, answer.t.rightmost_time(), now)
    return new
