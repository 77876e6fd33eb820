"""Credentials (draft, "Credentials"): made from a server's tree, verified by a client who walked distinguished heads."""

from . import algorithms, crypto, ladder
from .codec import decode, encode
from .messages import PROVISIONAL, STANDARD, Credential, CredentialUpdate
from .refusal import require
from .server import View as ServerView
from .structs import update_value
from .transcript import Prover, Verifier
from .view import Answer


def fields(view, label, version, position, kind):
    """What both types have; commitments only for versions before the target (README.md E19)."""
    target = view.versions(label)[version]
    return {"label": label, "version": version, "opening": target.opening, "value": update_value(target.value),
            "binary_ladder": [view.step(label, v, v < version) for v in ladder.base(version)],
            "position": position, "credential_type": kind}


def standard(view: ServerView, label, position):
    """A credential for the greatest version at the distinguished entry `position`."""
    version = view.greatest_at(label, position)
    require(version is not None, "credential: the label does not exist there")
    t = Prover(view.config, view.entries, None, lambda v: crypto.search_key(view.log.vrf_key, label, v))
    algorithms.exact_ladder(t, position, version)
    return encode(Credential, Credential(**fields(view, label, version, position, STANDARD), distinguished=t.proofs[0]),
                  view.config.mode)


def provisional(view: ServerView, label, position):
    """A credential for the greatest version of the whole view, which is newer than `position`."""
    version = view.greatest(label)
    require(version is not None, "credential: the label does not exist")
    t = view.prover(position + 1, label)
    terminal = algorithms.greatest_search(t, version)
    require(terminal > position, "credential: a standard one would do")
    return encode(Credential, Credential(**fields(view, label, version, position, PROVISIONAL),
                                         tree_head=view.tree_head(), search=t.proof()), view.config.mode)


def update(view: ServerView, label, version, terminal, tree_size):
    """The CredentialUpdate that leads from a provisional credential to `view`, whose last entry is the distinguished one."""
    t = view.prover(tree_size, label)
    algorithms.contact(t, {terminal: version})
    return encode(CredentialUpdate, CredentialUpdate(monitor=t.proof()), view.config.mode)


class Pending:
    """A provisional credential after its initial verification: what the final one needs."""

    def __init__(self, version, terminal, prefix_root, view, known):
        self.version, self.terminal, self.prefix_root, self.view, self.known = version, terminal, prefix_root, view, known


def verify(client, data):
    """Verify a credential against the client's recent distinguished entries, which stay as they are.

    Returns {"label", "version", "value", "pending"}; pending is None for a standard credential.
    """
    c = decode(Credential, data, client.config.mode)
    recent = client.state.recent.get(c.position)
    require(recent is not None, "credential: the position is not a recent distinguished entry")
    known = client.searched(c.label, c.version, c.opening, c.value.value, c.binary_ladder)
    if c.credential_type == STANDARD:
        verify_standard(client, c, recent, known)
        pending = None
    else:
        pending = verify_provisional(client, c, recent, known)
    return {"label": c.label, "version": c.version, "value": c.value.value, "pending": pending}


class OneProof:
    """A CombinedTreeProof's place taken by a single PrefixProof."""

    def __init__(self, proof):
        self.timestamps, self.prefix_proofs = [], [proof]


def verify_standard(client, c, recent, known):
    t = Verifier(client.config, recent.size, recent.size, recent.frontier, OneProof(c.distinguished), known)
    algorithms.exact_ladder(t, c.position, c.version)


def verify_provisional(client, c, recent, known):
    require(c.tree_head.tree_size > c.position + 1, "credential: the tree does not go beyond the position")
    answer = Answer(client.config, recent, c.tree_head.tree_size, c.search, known)
    terminal = algorithms.greatest_search(answer.t, c.version)
    require(terminal > c.position, "credential: a standard one would do")
    answer.finish()
    crypto.verify_head(client.config, c.tree_head.tree_size, answer.root(), c.tree_head.signature)
    return Pending(c.version, terminal, answer.t.roots[terminal], answer.view_at(answer.t.size), known)


def confirmed(client, pending):
    """Final verification where the terminal entry itself has become distinguished; False while it has not."""
    recent = client.state.recent.get(pending.terminal)
    if recent is None:
        return False
    require(recent.frontier[pending.terminal][1] == pending.prefix_root, "credential: the entry has another prefix root")
    return True


def verify_update(client, pending, data):
    """Final verification by a CredentialUpdate: the distinguished entry it leads to."""
    c = decode(CredentialUpdate, data, client.config.mode)
    later = [d for d in client.state.recent if d >= pending.view.size]
    require(later, "credential: no later distinguished entry is known")
    goal = min(later)
    answer = Answer(client.config, pending.view, goal + 1, c.monitor, pending.known)
    moved = algorithms.contact(answer.t, {pending.terminal: pending.version})[1][pending.terminal]
    require(moved in (None, goal), "credential: the path does not lead to the distinguished entry")
    answer.finish()
    require(answer.root() == client.state.recent[goal].root(), "credential: the log is another one")
    return goal
