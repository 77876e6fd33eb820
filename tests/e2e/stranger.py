"""The directory as strangers meet it: the Key Transparency twin of tests/reference/kt over HTTP, look-ups of which every
proof is checked, and the feed replayed from its first entry."""

import base64
import hashlib
import json
import os
import sys
import time

import tree
from der import Certificate
from expected import mailbox_label
from house import SOURCE

sys.path.insert(0, os.path.join(SOURCE, "tests", "reference"))

from kt import crypto, ed25519, extensions, logtree, mailbox, prefix  # noqa: E402
from kt.codec import U32, U64, Opaque, Struct, decode, encode  # noqa: E402
from kt.messages import (ContactMonitorRequest, DistinguishedRequest, OwnerInitRequest, OwnerMonitorRequest,  # noqa: E402
                         SearchRequest, UpdateRequest)
from kt.ownership import Owner  # noqa: E402
from kt.refusal import Refused, require  # noqa: E402
from kt.structs import CONTACT, Configuration  # noqa: E402

REQUESTS = {"search": SearchRequest, "contact-monitor": ContactMonitorRequest, "owner-init": OwnerInitRequest,
            "owner-monitor": OwnerMonitorRequest, "update": UpdateRequest, "distinguished": DistinguishedRequest,
            "as-of": extensions.AsOfRequest,
            "credential-update": Struct(("label", Opaque(2**8 - 1)), ("version", U32), ("tree_size", U64),
                                        ("terminal", U64))}


def milliseconds():
    return int(time.time() * 1000)


class Refusal(Exception):
    """The server refused: .answer says how."""

    def __init__(self, answer):
        super().__init__(f"{answer.status} {answer.problem()}" if answer else "no answer")
        self.answer = answer


# ---- the policy ----

def policy_value(log, what):
    with open(log.policy) as f:
        found = [line.split()[3] for line in f if line.startswith(f"#cartulary {what} ")]
    return found[0] if found else None


def configuration(log):
    """The Configuration that the policy holds: it, not the server, says what is believed."""
    return decode(Configuration, base64.b64decode(policy_value(log, "directory")), CONTACT)


# ---- asking ----

class Stranger:
    """A user with a view of its own; owner and contact at once."""

    def __init__(self, log, config=None):
        self.log = log
        self.twin = Owner(config or configuration(log))
        self.now = milliseconds

    def post(self, kind, request):
        """The answer to a request that is a struct, or bytes."""
        body = request if isinstance(request, bytes) else encode(REQUESTS[kind], request, CONTACT)
        return self.log.ask(f"/kt/v1/{kind}", "POST", body)

    def told(self, kind, request):
        answer = self.post(kind, request)
        if answer is None or answer.status != 200:
            raise Refusal(answer)
        return answer.body

    def search(self, label, version=None):
        request = self.twin.search_request(label, version)
        return self.twin.search(request, self.told("search", request), self.now())

    def absent(self, label):
        """Verifies that the label has no version."""
        request = extensions.absence_request(self.twin, label)
        answer = self.post("search", request)
        if answer is None or answer.status != 404 or answer.problem() is not None:
            raise Refusal(answer)
        return extensions.verify_absence(self.twin, request, answer.body, self.now())

    def as_of(self, label, when):
        request = extensions.as_of_request(self.twin, label, when)
        return extensions.verify_as_of(self.twin, request, self.told("as-of", request), self.now())

    def contact_monitor(self, label):
        request = self.twin.contact_request(label)
        return self.twin.contact_monitor(request, self.told("contact-monitor", request), self.now())

    def init(self, label, start):
        request = self.twin.init_request(label, start)
        return self.twin.init(request, self.told("owner-init", request), self.now())

    def owner_monitor(self, label):
        request = self.twin.monitor_request(label)
        return self.twin.monitor(request, self.told("owner-monitor", request), self.now())

    def update(self, label):
        request = self.twin.update_request(label)
        return self.twin.update(request, self.told("update", request), self.now())

    def distinguished(self):
        request = self.twin.distinguished_request()
        return self.twin.distinguished(request, self.told("distinguished", request), self.now())

    def follow(self, label):
        """Everything that an owner does: distinguished entries, and each new version until there is none."""
        new = []
        while True:
            done = self.owner_monitor(label)
            try:
                new.append(self.update(label))
            except Refusal as refused:
                if refused.answer is None or refused.answer.status != 409:
                    raise
                if not done["inspected"]:
                    require(done["complete"], "follow: nothing is shown of an entry that would show all versions")
                    return new

    # ---- /v1/lookup ----

    def lookup(self, address, at=None, had=0):
        """A look-up with every proof in it checked; had: entries that the certificate log had long before."""
        view = self.twin.state.view
        question = {"address": address, **({"last": view.size} if view.size else {}),
                    **({} if at is None else {"at": at})}
        answer = self.log.ask("/v1/lookup", "POST", json.dumps(question).encode())
        if answer is None or answer.status not in (200, 404) or answer.problem() is not None:
            raise Refusal(answer)
        found = self.verified(question, answer.status, answer.json())
        require(found["feed"].certificates >= had, "lookup: certificates that were logged are left out")
        return found

    def verified(self, question, status, told):
        label, at, now = mailbox_label(question["address"]), question.get("at"), self.now()
        data = base64.b64decode(told["answer"])
        if at is not None:
            request = extensions.as_of_request(self.twin, label, at)
            found = extensions.verify_as_of(self.twin, request, data, now)
        elif status == 404:
            request = extensions.absence_request(self.twin, label)
            found = {**extensions.verify_absence(self.twin, request, data, now), "value": None}
        else:
            request = self.twin.search_request(label)
            found = self.twin.search(request, data, now)
        feed = verified_anchor(self.log, told["anchor"])
        view = self.twin.state.view
        require(told["anchor"]["size"] == view.size, "lookup: the anchor is of another size")
        require(feed.root == view.root(), "lookup: the feed has another root than the answer")
        require(feed.timestamp == view.frontier[view.size - 1][0], "lookup: the feed has another timestamp")
        state = None
        if found["value"] is not None:
            state = decode(mailbox.MailboxState, found["value"], CONTACT)
            mailbox.check(state)
        records = state.records if state is not None and state.kind == mailbox.STATE else []
        require(len(told["records"]) == len(records), "lookup: a certificate is missing or too many")
        issuers = {hashlib.sha256(base64.b64decode(i)).digest(): base64.b64decode(i) for i in told["issuers"]}
        require(len(issuers) == len(told["issuers"]), "lookup: an issuer stands twice")
        named = set()
        for r, t in zip(records, told["records"]):
            named |= verified_record(r, t, feed, issuers)
        require(named == set(issuers), "lookup: the issuers are not those of the chains")
        return {**found, "state": state, "feed": feed, "records": told["records"]}


def verified_anchor(log, anchor):
    """The FeedEntry of an anchor, proved to stand in the signed feed."""
    size, root, _ = checkpoint(log, anchor["checkpoint"].encode())
    entry = base64.b64decode(anchor["entry"])
    path = [base64.b64decode(h) for h in anchor["audit_path"]]
    require(tree.inclusion_root(tree.leaf_hash(entry), anchor["size"] - 1, size, path) == root,
            "anchor: the entry is not in the feed")
    return decode(mailbox.FeedEntry, entry, CONTACT)


def verified_record(record, told, feed, issuers):
    """One certificate of a look-up; the issuers that it names."""
    announced = record.final_index == mailbox.NOT_LOGGED
    require(told["index"] == (record.precert_index if announced else record.final_index), "lookup: another index")
    leaf = base64.b64decode(told["leaf_input"])
    _, entry_type, signed, extensions_ = tree.take_leaf(leaf)
    require(entry_type == announced, "lookup: an entry of the other type")
    require(announced == ("precertificate" in told), "lookup: a precertificate with a certificate, or none")
    der = base64.b64decode(told["precertificate"]) if announced else signed
    require(tree.leaf_index(extensions_) == told["index"], "lookup: the entry names another index")
    path = [base64.b64decode(h) for h in told["audit_path"]]
    require(tree.inclusion_root(tree.leaf_hash(leaf), told["index"], feed.certificates, path) == feed.certificates_root,
            "lookup: the entry is not in the certificate log")
    if announced:
        require(hashlib.sha256(signed[:32] + signed[35:]).digest() == record.key_id, "lookup: another precertificate")
    else:
        require(hashlib.sha256(der).digest() == record.certificate_sha256, "lookup: the certificate is not the record's")
    require(hashlib.sha256(Certificate(der).spki).digest() == record.spki_sha256, "lookup: another key")
    chain = [bytes.fromhex(h) for h in told["chain"]]
    require(all(h in issuers for h in chain), "lookup: an issuer is missing")
    return set(chain)


# ---- the feed ----

def checkpoint(log, text):
    """(size, root, the text) of a checkpoint of the feed whose signature verifies."""
    vkey = policy_value(log, "feed")
    title, _, key = vkey.split("+", 2)
    body, signatures = text.split(b"\n\n", 1)
    lines = (body + b"\n").decode().split("\n")
    require(lines[0] == title and len(lines) >= 4, "feed: a checkpoint of another origin")
    public = base64.b64decode(key)
    require(public[0] == 1, "feed: not an Ed25519 key")
    identifier = hashlib.sha256(title.encode() + b"\n" + public).digest()[:4]
    for line in signatures.decode().splitlines():
        mark, who, what = line.split(" ")
        raw = base64.b64decode(what)
        if mark == "\u2014" and who == title and raw[:4] == identifier:
            ed25519.verify(public[1:], body + b"\n", raw[4:])
            return int(lines[1]), base64.b64decode(lines[2]), text
    raise Refused("feed: no signature of its key")


def newest(log):
    answer = log.ask("/feed/checkpoint")
    require(answer is not None and answer.status == 200, "feed: no checkpoint")
    return checkpoint(log, answer.body)


class Replay:
    """The feed from its first entry: everything that anyone can compute from it.

    entries: FeedEntries; additions: of each; trees: the prefix tree after each; leaves: of the feed's tree.
    """

    def __init__(self, log):
        self.log, self.entries, self.additions, self.trees = log, [], [], []
        self.leaves, self.log_leaves, self.tree = [], [], None
        self.peaks = {}  # full subtrees of the directory's log tree
        self.size = 0

    def up_to_date(self):
        """Replays what is new, and compares with the newest checkpoint, which is given."""
        size, root, _ = newest(self.log)
        require(size >= self.size, "feed: it went back")
        with self.log.http() as h:
            while self.size < size:
                self.bundle(h, self.size // 256, size)
        require(tree.root_of(self.leaves[:size]) == root, "feed: its entries do not lead to the signed root")
        return size

    def bundle(self, h, n, size):
        width = min(256, size - 256 * n)
        answer = h.ask(f"/feed/tile/entries/{tree.tile_path(n)}" + ("" if width == 256 else f".p/{width}"))
        require(answer is not None and answer.status == 200, "feed: an entry bundle is missing")
        at, entries = 0, []
        while at < len(answer.body):
            one, at = tree.take(answer.body, at, 2)
            entries.append(one)
        require(len(entries) == width, "feed: a bundle of another width")
        for i, one in enumerate(entries[self.size - 256 * n:], self.size):
            got = h.ask(f"/feed/additions/{i}")
            require(got is not None and got.status == 200, "feed: additions are missing")
            self.entry(one, got.body)

    def entry(self, data, additions):
        e = decode(mailbox.FeedEntry, data, CONTACT)
        pairs = [(additions[i:i + 32], additions[i + 32:i + 64]) for i in range(0, len(additions), 64)]
        require(len(additions) == 64 * e.additions, "feed: another number of additions")
        require(pairs == sorted(pairs), "feed: additions are not sorted")
        require(hashlib.sha256(additions).digest() == e.additions_hash, "feed: other additions")
        for key, commitment in pairs:
            self.tree = prefix.insert(self.tree, prefix.Leaf(key, commitment))
        require(prefix.value_of(self.tree) == e.prefix_root, "feed: the additions do not lead to the prefix root")
        before = self.entries[-1] if self.entries else None
        if before is not None:
            require(e.timestamp >= before.timestamp, "feed: time goes back")
            require(e.certificates >= before.certificates and e.crls >= before.crls, "feed: a log shrinks")
        self.log_leaves.append(crypto.log_leaf(e.timestamp, e.prefix_root))
        self.size += 1
        require(self.log_root() == e.root, "feed: the entries do not lead to the directory's root")
        self.entries.append(e)
        self.additions.append(pairs)
        self.trees.append(self.tree)
        self.leaves.append(tree.leaf_hash(data))

    def log_root(self):
        parts = logtree.full_subtrees(self.size)
        self.peaks = {p: self.peaks[p] if p in self.peaks else self.joined(p) for p in parts}
        return logtree.root_from_full_subtrees(self.size, self.peaks)

    def joined(self, part):
        if part[1] - part[0] == 1:
            return self.log_leaves[part[0]]
        left, right = logtree.halves(*part)
        return logtree.parent_value(*(x for half in (left, right) for x in (self.peaks.get(half) or self.joined(half), half)))

    def hash_tiles(self, size):
        """Every hash tile of the feed of that size, level by level, is what the entries lead to."""
        level, hashes = 0, self.leaves[:size]
        with self.log.http() as h:
            while hashes:
                for n in range(0, len(hashes), 256):
                    part = hashes[n:n + 256]
                    path = f"/feed/tile/{level}/{tree.tile_path(n // 256)}" + ("" if len(part) == 256 else f".p/{len(part)}")
                    answer = h.ask(path)
                    require(answer is not None and answer.status == 200 and answer.body == b"".join(part),
                            f"feed: tile {path}")
                hashes = [tree.root_of(hashes[i:i + 256]) for i in range(0, len(hashes) - 255, 256)]
                level += 1

    def covers(self, index):
        """The first epoch that reaches beyond entry `index` of the certificate log; None while none does."""
        return next((i for i, e in enumerate(self.entries) if e.certificates > index), None)


def covered(log):
    """How many entries of the certificate log the directory holds now, by its newest signed entry."""
    answer = log.ask(f"/feed/anchor?size={newest(log)[0]}")
    require(answer is not None and answer.status == 200, "feed: no anchor")
    return verified_anchor(log, answer.json()).certificates


def wait_covered(log, index, seconds):
    """Waits until the directory covers entry `index`; how long it took, None when it did not."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if covered(log) > index:
            return time.monotonic() - began
        time.sleep(0.02)
    return None
