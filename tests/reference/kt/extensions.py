"""What the draft lacks and merkle/keytrans/FORMATS.md adds: proof of absence, and what was known at a time.

Readings of that text where it leaves any: README.md, section G.
"""

from . import algorithms, crypto, implicit, ladder
from .codec import U32, U64, Fixed, Optional, Struct, Vector, decode
from .messages import SearchRequest
from .refusal import require
from .server import View as ServerView
from .structs import NC, NP, BinaryLadderStep, CombinedTreeProof, FullTreeHead, Label, UpdateValue, update_value
from .view import Answer, accept, head_size

AbsenceResponse = Struct(("full_tree_head", FullTreeHead), ("proof", Fixed(NP)), ("absence", CombinedTreeProof))
AsOfRequest = Struct(("last", Optional(U64)), ("label", Label), ("time", U64))
AsOfResponse = Struct(
    ("full_tree_head", FullTreeHead),
    ("version", Optional(U32)),
    ("first", U64, lambda v, _: v.version is not None),
    ("next", Optional(U64)),
    ("opening", Fixed(NC), lambda v, _: v.version is not None),
    ("value", UpdateValue, lambda v, _: v.version is not None),
    ("binary_ladder", Vector(BinaryLadderStep, 2**8 - 1)),
    ("as_of", CombinedTreeProof))


# Algorithms.

def zero(t, x, there):
    """One look-up of version 0 in entry x."""
    series = t.open(x)
    included = series.lookup(0)
    series.close()
    require(included == there, "absence: the label is there" if included else "absence: the label is not there")


def walk_absence(t):
    start = algorithms.rightmost_distinguished(t)
    for x in implicit.frontier(t.size):
        if start is None or x >= start:
            zero(t, x, there=False)


def bound(t, x, version, order):
    """A search ladder without omission: less (-1), equal (0) or greater (1)."""
    require(algorithms.compare(algorithms.search_ladder(t, x, version), version) == order,
            "as of: a version does not begin or end where it is said to")


def walk_as_of(t, time, version, first, following):
    """The claim that `version` (None: none) was inserted at `first`, and the next one at `following` (None: not yet)."""
    for x in (first, following):
        require(x is None or x < t.size, "as of: an entry that is not in the tree")
    require(version is None or following is None or first < following, "as of: the next version is not later")
    require(first is None or t.timestamp(first) <= time, "as of: the version is later than the time")
    require(following is None or t.timestamp(following) > time, "as of: the next version is not later than the time")
    if version is not None:
        walk_version(t, version, first, following)
    elif following is None:
        walk_absence(t)
    else:
        if following > 0:
            zero(t, following - 1, there=False)
        zero(t, following, there=True)


def walk_version(t, version, first, following):
    algorithms.fixed_search(t, version)
    if first > 0:
        bound(t, first - 1, version, -1)
    bound(t, first, version, 0)
    if following is None:
        algorithms.greatest_search(t, version)
        return
    if following - 1 != first:
        bound(t, following - 1, version, 0)
    bound(t, following, version, 1)


# The server's side.

def absence(view: ServerView, request):
    require(request.version is None, "server: absence answers a search for the greatest version")
    t = view.prover(request.last, request.label)
    walk_absence(t)
    return AbsenceResponse(full_tree_head=view.full_tree_head(request.last),
                           proof=view.step(request.label, 0, False).proof, absence=t.proof())


def as_of(view: ServerView, request):
    label, versions = request.label, view.versions(request.label)
    seen = [x for x in range(view.size) if view.entries[x].timestamp <= request.time]
    version = view.greatest_at(label, seen[-1]) if seen else None
    after = 0 if version is None else version + 1
    first = None if version is None else versions[version].position
    following = versions[after].position if after < len(versions) else None
    t = view.prover(request.last, label)
    walk_as_of(t, request.time, version, first, following)
    steps = [view.step(label, v, v != version) for v in ladder.base(version or 0)]
    value = {} if version is None else {
        "first": first, "opening": versions[version].opening, "value": update_value(versions[version].value)}
    return AsOfResponse(full_tree_head=view.full_tree_head(request.last), version=version, next=following,
                        binary_ladder=steps, as_of=t.proof(), **value)


# The client's side; client is a Client.

def absence_request(client, label):
    return SearchRequest(last=client.state.view.size, label=label, version=None)


def verify_absence(client, request, data, now):
    """Verify an AbsenceResponse to a search for a greatest version."""
    response = decode(AbsenceResponse, data, client.config.mode)
    require(request.version is None, "absence: the request was for one version")
    key = crypto.verified_search_key(client.config.vrf_public_key, request.label, 0, response.proof)
    state, head = client.copy(), response.full_tree_head
    answer = Answer(client.config, state.view, head_size(head, state.view), response.absence, {0: (key, None)})
    walk_absence(answer.t)
    state.view = accept(client.config, answer, head, now)
    client.state = state
    return {"absent": True}


def as_of_request(client, label, time):
    return AsOfRequest(last=client.state.view.size, label=label, time=time)


def verify_as_of(client, request, data, now):
    """Verify an AsOfResponse: {"version", "first", "next", "value"}, None where there is none."""
    response = decode(AsOfResponse, data, client.config.mode)
    version, label = response.version, request.label
    if version is None:
        first = value = None
        known = client.ladder_keys(label, ladder.base(0), response.binary_ladder)
    else:
        first, value = response.first, response.value.value
        known = client.searched(label, version, response.opening, value, response.binary_ladder)
    state, head = client.copy(), response.full_tree_head
    answer = Answer(client.config, state.view, head_size(head, state.view), response.as_of, known)
    walk_as_of(answer.t, request.time, version, first, response.next)
    state.view = accept(client.config, answer, head, now)
    client.state = state
    return {"version": version, "first": first, "next": response.next, "value": value}
