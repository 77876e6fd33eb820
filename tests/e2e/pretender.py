"""A directory that has the keys of a real one and obeys whoever tests: the prover of tests/reference/kt with a log's own
secrets, behind a proxy that passes everything else on.

What it signs is signed as the log signs; so every lie that a log could tell can be told here, and what refuses it refuses
the log.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import subprocess
import urllib.parse
from unittest import mock

import tree
from expected import mailbox_label
from proxy import Proxy
from stranger import REQUESTS, policy_value

from kt import algorithms, credential, crypto, describe, ed25519, extensions, mailbox, prefix, server
from kt import owner as owner_algorithms
from kt.codec import decode, encode
from kt.messages import FixedSearchResponse, SearchRequest
from kt.refusal import Refused
from kt.server import Entry, Version
from kt.structs import CONTACT, Configuration

OCTETS = "application/octet-stream"


def secret(log, name):
    """The 32 bytes of an Ed25519 key in DIR/keys."""
    der = subprocess.run(["openssl", "pkey", "-in", os.path.join(log.dir, "keys", name + ".pem"), "-outform", "DER"],
                         check=True, capture_output=True).stdout
    return der[-32:]


@contextlib.contextmanager
def unchecked():
    """The prover writes down whatever is there, also what no verifier accepts."""
    with mock.patch.object(algorithms, "require"), mock.patch.object(owner_algorithms, "require"), \
            mock.patch.object(extensions, "require"):
        yield


class Pretender:
    """log: a kt.server.Log; feed: FeedEntries; entries: of the certificate log."""

    def __init__(self, real, keys=None, config=None):
        self.real = real
        self.keys = keys or {name: secret(real, name) for name in ("directory", "feed", "vrf")}
        self.config = config or decode(Configuration, base64.b64decode(policy_value(real, "directory")), CONTACT)
        self.kt = server.Log(self.config, self.keys["directory"], self.keys["vrf"])
        self.additions, self.feed, self.entries = [], [], []
        self.proxy = Proxy(real)
        self.proxy.instead = self.respond
        self.lie = None  # lie(kind, view, request): the response struct that stands for an answer, or None
        self.seen = []

    @classmethod
    def of(cls, replay, entries, labels, stranger):
        """All that a real directory is: its replayed feed, and the versions of these labels as it tells them."""
        self = cls(replay.log)
        self.entries = entries
        self.additions = [list(a) for a in replay.additions]
        self.kt.entries = [Entry(e.timestamp, t) for e, t in zip(replay.entries, replay.trees)]
        self.feed = list(replay.entries)
        for label in labels:
            self.kt.labels[label] = self.versions_of(label, stranger)
        return self

    def versions_of(self, label, stranger):
        out = []
        while True:
            answer = stranger.post("search", SearchRequest(last=None, label=label, version=len(out)))
            if answer.status != 200:
                return out
            r = decode(FixedSearchResponse, answer.body, CONTACT)
            commitment = crypto.commitment(r.opening, label, len(out), r.value.value)
            position = next(i for i, a in enumerate(self.additions) if commitment in [c for _, c in a])
            out.append(Version(position, r.value.value, r.opening, commitment))

    # Making history.

    def append(self, timestamp, updates, certificates):
        """An entry of its own: (label, value, opening) each; certificates: size of the certificate log."""
        counts, pairs = {}, []
        for label, value, opening in updates:
            version = len(self.kt.labels.get(label, [])) + counts.get(label, 0)
            counts[label] = counts.get(label, 0) + 1
            pairs.append((crypto.search_key(self.keys["vrf"], label, version),
                          crypto.commitment(opening, label, version, value)))
        self.kt.append(timestamp, updates)
        self.put_feed(sorted(pairs), certificates)

    def put_feed(self, pairs, certificates):
        size, root = certificates, tree.root_of([e.leaf_hash for e in self.entries[:certificates]])
        view = self.kt.at(len(self.kt.entries))
        last = self.kt.entries[-1]
        self.additions.append(pairs)
        self.feed.append(mailbox.feed_entry(last.timestamp, prefix.value_of(last.prefix), view.root(), pairs,
                                            (size, root)))

    # Answering.

    @property
    def size(self):
        return len(self.kt.entries)

    def respond(self, method, path, body):
        found = re.fullmatch(r"/kt/v1/([a-z-]+)|/v1/(lookup)|/feed/(.*)", path.split("?")[0])
        if found is None:
            return None
        try:
            if found.group(2) and method == "POST":
                return self.lookup(question_in(body))
            if found.group(3) and method == "GET":
                return self.feed_file(found.group(3), path)
            if found.group(1) == "configuration" and method == "GET":
                return 200, OCTETS, encode(Configuration, self.config, CONTACT)
            if method != "POST" or found.group(1) not in REQUESTS:  # also when there is no such kind
                return None
            return self.answer(found.group(1), decode(REQUESTS[found.group(1)], body, CONTACT))
        except Refused as why:
            return 400, "application/problem+json", json.dumps(
                {"type": "urn:cartulary:problem:kt", "title": str(why), "status": 400}).encode()

    def problem(self, status, name):
        return status, "application/problem+json", json.dumps(
            {"type": "urn:cartulary:problem:" + name, "title": name, "status": status}).encode()

    def answer(self, kind, request, size=None):
        self.seen.append(kind)
        view = self.kt.at(size or self.size)
        with unchecked():
            told = self.lie(kind, view, request) if self.lie else None
            if told is not None:
                return told
            if kind == "search":
                greatest = view.greatest(request.label)
                if request.version is None and greatest is None:
                    return 404, OCTETS, encode(extensions.AbsenceResponse, extensions.absence(view, request), CONTACT)
                if greatest is None or request.version is not None and request.version > greatest:
                    return self.problem(404, "kt-no-label" if greatest is None else "kt-no-version")
            if kind == "update":
                refused = self.no_update(view, request)
                if refused:
                    return refused
            if kind == "credential-update":
                return self.credential_update(view, request)
            return self.struct(kind, view, request)

    def credential_update(self, view, request):
        found = algorithms.walk_distinguished(view.prover(None), None)
        later = [d for d in found if d > request.terminal and d >= request.tree_size]
        if not later:
            return self.problem(404, "absent")
        return 200, OCTETS, credential.update(self.kt.at(min(later) + 1), request.label, request.version,
                                              request.terminal, request.tree_size)

    def no_update(self, view, request):
        ours = view.greatest(request.label)
        ours, theirs = -1 if ours is None else ours, -1 if request.greatest_version is None else request.greatest_version
        if theirs > ours:
            return self.problem(400, "kt-not-yet")
        if theirs == ours:
            return self.problem(403, "kt-own-values") if request.values else self.problem(409, "kt-nothing-new")
        return None

    def struct(self, kind, view, request):
        return 200, OCTETS, encode(describe.response_kind(kind, request), describe.respond(view, kind, request), CONTACT)

    # Look-ups.

    def lookup(self, question):
        label = mailbox_label(question["address"])
        last = question.get("last")
        if question.get("at") is not None:
            kind, request = "as-of", extensions.AsOfRequest(last=last, label=label, time=question["at"])
        else:
            kind, request = "search", SearchRequest(last=last, label=label, version=None)
        status, _, data = self.answer(kind, request)
        feed = self.feed[self.size - 1]
        value = self.value_in(kind, data) if status == 200 else None
        state = decode(mailbox.MailboxState, value, CONTACT) if value is not None else None
        records = state.records if state is not None and state.kind == mailbox.STATE else []
        issuers, told = {}, []
        for r in records:
            e = self.entries[r.precert_index if r.final_index == mailbox.NOT_LOGGED else r.final_index]
            issuers.update({hashlib.sha256(i).digest(): i for i in e.issuers})
            told.append({"index": e.index, "leaf_input": text(e.leaf),
                         **({"precertificate": text(e.der)} if e.entry_type else {}),
                         "chain": [hashlib.sha256(i).hexdigest() for i in e.issuers],
                         "audit_path": [text(h) for h in audit_path(
                             [x.leaf_hash for x in self.entries[:feed.certificates]], e.index)]})
        return status, "application/json", json.dumps(
            {"answer": text(data), "anchor": self.anchor(self.size), "records": told,
             "issuers": [text(i) for i in issuers.values()]}).encode()

    def value_in(self, kind, data):
        if kind == "as-of":
            response = decode(extensions.AsOfResponse, data, CONTACT)
            return None if response.version is None else response.value.value
        return decode(describe.response_kind(kind, SearchRequest(version=None)), data, CONTACT).value.value

    # The feed.

    def feed_bytes(self):
        return [encode(mailbox.FeedEntry, e, CONTACT) for e in self.feed]

    def checkpoint(self, entries):
        title = policy_value(self.real, "feed").split("+")[0]
        root = tree.root_of([tree.leaf_hash(e) for e in entries])
        body = f"{title}\n{len(entries)}\n{text(root)}\n".encode()
        public = b"\1" + ed25519.public_key(self.keys["feed"])
        identifier = hashlib.sha256(title.encode() + b"\n" + public).digest()[:4]
        return body + f"\n\u2014 {title} {text(identifier + ed25519.sign(self.keys['feed'], body))}\n".encode()

    def anchor(self, size):
        entries = self.feed_bytes()
        return {"size": size, "entry": text(entries[size - 1]), "checkpoint": self.checkpoint(entries).decode(),
                "audit_path": [text(h) for h in audit_path([tree.leaf_hash(e) for e in entries], size - 1)]}

    def feed_file(self, name, path):
        if name == "checkpoint":
            return 200, "text/plain", self.checkpoint(self.feed_bytes())
        if name == "anchor":
            size = int(path.split("=")[1])
            if not 1 <= size <= self.size:
                return self.problem(400, "out-of-range")
            return 200, "application/json", json.dumps(self.anchor(size)).encode()
        part, number = name.rsplit("/", 1) if ".p/" not in name else (name.split(".p/")[0].rsplit("/", 1))
        if part == "additions":
            return 200, OCTETS, mailbox.additions_text(self.additions[int(number)])
        n = int(number)
        width = int(name.split(".p/")[1]) if ".p/" in name else 256
        entries = self.feed_bytes()
        if part == "tile/entries":
            return 200, OCTETS, b"".join(tree.vector(e, 2) for e in entries[256 * n:256 * n + width])
        if part == "tile/0":
            return 200, OCTETS, b"".join(tree.leaf_hash(e) for e in entries[256 * n:256 * n + width])
        return self.problem(404, "not-found")


def question_in(body):
    """What is asked by a look-up, JSON or form."""
    if body.startswith(b"{"):
        return json.loads(body)
    form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
    return {name: value if name == "address" else int(value) for name, value in form.items()}


def text(data):
    return base64.b64encode(data).decode()


def audit_path(hashes, index):
    """RFC 6962 2.1.1, PATH."""
    if len(hashes) <= 1:
        return []
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    if index < k:
        return audit_path(hashes[:k], index) + [tree.root_of(hashes[k:])]
    return audit_path(hashes[k:], index - k) + [tree.root_of(hashes[:k])]
