"""Lies of a key directory: functions that teach them to a pretender (pretender.py)."""

import base64
import copy
import json

from expected import mailbox_label
from pretender import OCTETS, text
from stranger import milliseconds

from kt import algorithms, crypto, extensions, ladder, mailbox, owner, prefix
from kt.codec import encode
from kt.messages import ContactMonitorResponse, GreatestSearchResponse, OwnerMonitorResponse
from kt.server import Entry
from kt.structs import CONTACT, update_value

ALICE, BOB, CAROL, NOBODY = (a + "@lies.example" for a in ("alice", "bob", "carol", "nobody"))


def claim_greatest(view, request, target):
    """A SearchResponse for the greatest version that claims another one."""
    versions = view.versions(request.label)
    t = view.prover(request.last, request.label)
    algorithms.greatest_search(t, target)
    response = GreatestSearchResponse(
        full_tree_head=view.full_tree_head(request.last), version=target, opening=versions[target].opening,
        value=update_value(versions[target].value),
        binary_ladder=[view.step(request.label, v, v != target) for v in ladder.base(target)], search=t.proof())
    return 200, OCTETS, encode(GreatestSearchResponse, response, CONTACT)


def hides_a_version(p):
    p.lie = lambda kind, view, request: claim_greatest(view, request, 0) if kind == "search" else None


def hollow(p, label, version):
    """Prefix trees without that version, in entries that are hashed and signed with it: every root that follows is wrong."""
    gone = crypto.search_key(p.keys["vrf"], label, version)
    for x, entry in enumerate(p.kt.entries):
        node = None
        for leaf in leaves_of(entry.prefix):
            node = node if leaf.key == gone else prefix.insert(node, leaf)
        p.kt.entries[x] = copy.copy(entry)
        p.kt.entries[x].prefix = node


def claims_absence(p, address=ALICE):
    for v in range(len(p.kt.labels[mailbox_label(address)])):
        hollow(p, mailbox_label(address), v)
    del p.kt.labels[mailbox_label(address)]


def absence_of_its_own(p, address=ALICE):
    """The same in a tree that was never shown, signed."""
    claims_absence(p, address)
    p.kt.entries = [Entry(e.timestamp, e.prefix) for e in p.kt.entries]
    gone = {crypto.search_key(p.keys["vrf"], mailbox_label(address), v) for v in range(4)}
    p.additions = [[pair for pair in a if pair[0] not in gone] for a in p.additions]
    rebuild_feed(p)


def other_history(p, first, value):
    """From entry `first` on, alice's newest version holds another value: signed, in a tree of its own."""
    label = mailbox_label(ALICE)
    old = p.kt.labels[label][-1]
    key = crypto.search_key(p.keys["vrf"], label, len(p.kt.labels[label]) - 1)
    new = crypto.commitment(old.opening, label, len(p.kt.labels[label]) - 1, value)
    for x in range(first, p.size):
        node = None
        for leaf in leaves_of(p.kt.entries[x].prefix):
            node = prefix.insert(node, prefix.Leaf(key, new) if leaf.key == key else leaf)
        p.kt.entries[x] = Entry(p.kt.entries[x].timestamp, node)
        if x == old.position:
            p.additions[x] = [(k, new if k == key else c) for k, c in p.additions[x]]
    old.value, old.commitment = value, new
    rebuild_feed(p)


def rebuild_feed(p):
    for x in range(p.size):
        e = p.feed[x]
        p.feed[x] = mailbox.feed_entry(p.kt.entries[x].timestamp, prefix.value_of(p.kt.entries[x].prefix),
                                       p.kt.at(x + 1).root(), p.additions[x], (e.certificates, e.certificates_root))


def leaves_of(node):
    if node is None:
        return []
    return [node] if isinstance(node, prefix.Leaf) else leaves_of(node.children[0]) + leaves_of(node.children[1])


def mallorys(p):
    """A value for alice that holds somebody else's certificate."""
    record = next(e.records()[mailbox_label(BOB)] for e in p.entries if mailbox_label(BOB) in e.records())
    return encode(mailbox.MailboxState, mailbox.MailboxState(
        format=1, kind=mailbox.STATE, records=[record], total=1,
        all=mailbox.rfc6962_root([encode(mailbox.Record, record, CONTACT)])), CONTACT)


def forks(p):
    other_history(p, p.kt.labels[mailbox_label(ALICE)][-1].position, mallorys(p))


def forget_view(p):
    """Answers everybody as if they had never seen anything."""
    p.lie = lambda kind, view, request: (setattr(request, "last", None), None)[1]


def hides_the_feed(p):
    """Nobody is told what the feed says of a tree, but in look-ups."""
    respond = p.proxy.instead
    p.proxy.instead = lambda method, path, body: (p.problem(404, "absent") if path.startswith("/feed/anchor")
                                                  else respond(method, path, body))


def rewinds(p):
    """Everything after the first eight entries is gone."""
    for queue in (p.kt.entries, p.feed, p.additions):
        del queue[6:]
    for label in p.kt.labels:
        p.kt.labels[label] = [v for v in p.kt.labels[label] if v.position < 6]
    forget_view(p)


def plants_in_the_past(p):
    """alice's version of now is said to have been hers at a time when it was not."""
    def lie(kind, view, request):
        if kind != "as-of":
            return None
        versions = view.versions(request.label)
        v = len(versions) - 1
        first = versions[0].position
        t = view.prover(request.last, request.label)
        extensions.walk_as_of(t, request.time, v, first, None)
        response = extensions.AsOfResponse(
            full_tree_head=view.full_tree_head(request.last), version=v, first=first, next=None,
            opening=versions[v].opening, value=update_value(versions[v].value),
            binary_ladder=[view.step(request.label, u, u != v) for u in ladder.base(v)], as_of=t.proof())
        return 200, OCTETS, encode(extensions.AsOfResponse, response, CONTACT)
    p.lie = lie


def plants_unseen(p):
    """The log gives alice a version that nobody was issued, and her answers are made without it."""
    label, size, updates = mailbox_label(ALICE), p.feed[-1].certificates, [(mailbox_label(ALICE), mallorys(p), bytes(16))]
    while updates or p.size & (p.size - 1):  # until a distinguished entry has it
        p.append(max(milliseconds(), p.kt.entries[-1].timestamp), updates, size)
        updates = []
    hollow(p, label, len(p.kt.labels[label]) - 1)
    p.kt.labels[label].pop()


def shows_nothing(p):
    """The same, signed as it is; an owner is told that there is nothing newer, and shown no entry where it would be."""
    label, size, updates = mailbox_label(ALICE), p.feed[-1].certificates, [(mailbox_label(ALICE), mallorys(p), bytes(16))]
    while updates or p.size & (p.size - 1):
        p.append(max(milliseconds(), p.kt.entries[-1].timestamp), updates, size)
        updates = []
    p.kt.labels[label].pop()

    def lie(kind, view, request):
        if kind != "owner-monitor":
            return None
        t = view.prover(request.last, request.label)
        algorithms.contact(t, {e.position: e.version for e in request.entries}, request.start)
        owner.monitor(t, request.start, None, lambda x: True)
        return 200, OCTETS, encode(OwnerMonitorResponse, OwnerMonitorResponse(
            full_tree_head=view.full_tree_head(request.last), monitor=t.proof()), CONTACT)
    p.lie = lie


def edits_value(p):
    """Bytes of an honest answer: the value of alice's version."""
    def change(path, answer):
        if path != "/v1/lookup":
            return answer.body
        told = answer.json()
        data = bytearray(base64.b64decode(told["answer"]))
        value = p.kt.labels[mailbox_label(ALICE)][-1].value
        at = bytes(data).index(value) + len(value) - 33
        data[at] ^= 1  # in `total`: nothing else looks at it
        told["answer"] = text(bytes(data))
        return json.dumps(told).encode()
    p.proxy.change = change


def swaps_certificate(p):
    """The proof is honest, the certificate beside it somebody else's."""
    def change(path, answer):
        if path != "/v1/lookup":
            return answer.body
        told = answer.json()
        bob = next(e for e in p.entries if mailbox_label(BOB) in e.records())
        told["records"][0]["leaf_input"] = text(bob.leaf)
        return json.dumps(told).encode()
    p.proxy.change = change


def monitors_all(kind, view, request):
    """What there is to show, also of versions that the label does not have any more."""
    if kind not in ("contact-monitor", "owner-monitor"):
        return None
    t = view.prover(request.last, request.label)
    owns = kind == "owner-monitor"
    algorithms.contact(t, {e.position: e.version for e in request.entries}, request.start if owns else None)
    if owns:
        owner.monitor(t, request.start, lambda x: view.greatest_at(request.label, x), lambda x: False)
    struct_of = OwnerMonitorResponse if owns else ContactMonitorResponse
    return 200, OCTETS, encode(struct_of, struct_of(full_tree_head=view.full_tree_head(request.last), monitor=t.proof()),
                               CONTACT)
