"""What a directory must hold, computed from the entries of the certificate log alone: merkle/keytrans/FORMATS.md once more,
slow, and with nothing of the programs in it.

An entry gives records, one for each mailbox that its certificate names; an epoch takes up entries in their order and makes a
version of each label that changed.
"""

import base64
import calendar
import hashlib
import os
import sys

import tree
from der import POISON, Certificate, children, content
from house import SOURCE

sys.path.insert(0, os.path.join(SOURCE, "tests", "reference"))

import mailboxes  # noqa: E402
from kt import mailbox  # noqa: E402
from kt.codec import encode  # noqa: E402
from kt.structs import CONTACT  # noqa: E402

SCT_LIST = bytes.fromhex("2b06010401d679020402")
KEY_USAGE = bytes.fromhex("551d0f")
RSA, OAEP, PSS = (bytes.fromhex("2a864886f70d0101" + x) for x in ("01", "07", "0a"))
SIGNS_ONLY = {PSS, bytes.fromhex("2b6570"), bytes.fromhex("2b6571")}  # Ed25519, Ed448
ENCRYPTS_ONLY = {OAEP, bytes.fromhex("2b656e"), bytes.fromhex("2b656f")}  # X25519, X448


def sha256(data):
    return hashlib.sha256(data).digest()


def mailbox_label(address):
    return b"\1" + (address if isinstance(address, bytes) else mailboxes.canonical(address).encode())


def domain_label(domain):
    return b"\2" + (domain if isinstance(domain, bytes) else domain.encode())


# ---- one entry ----

class Entry:
    """An entry of the certificate log as get-entries gives it."""

    def __init__(self, index, leaf_input, extra_data):
        self.index, self.leaf = index, leaf_input
        self.leaf_hash = tree.leaf_hash(leaf_input)
        _, self.entry_type, signed, _ = tree.take_leaf(leaf_input)
        precert, self.issuers = tree.take_extra(self.entry_type, extra_data)
        self.der = precert if self.entry_type else signed
        self.certificate = Certificate(self.der)
        if self.entry_type:
            self.key_id = sha256(signed[:32] + signed[35:])
        else:
            self.key_id = sha256(issuer_key_hash(self.issuers) + without_scts(self.certificate))

    def mailboxes(self):
        """(source, label, address as certified) of each."""
        return [(source, b"\1" + form, text) for source, form, text in mailboxes.expected(self.der)[2]]

    def domains(self):
        return sorted({domain_label(form.rsplit(b"@", 1)[1]) for _, form, _ in mailboxes.expected(self.der)[2]})

    def records(self):
        """{label: Record}"""
        c, announced = self.certificate, self.entry_type == 1
        validity = [seconds(t) for t in children(content(c.fields[c.issuer_at + 1]))]
        return {label: mailbox.Record(
            key_id=self.key_id, precert_index=self.index if announced else mailbox.NOT_LOGGED,
            final_index=mailbox.NOT_LOGGED if announced else self.index,
            certificate_sha256=bytes(32) if announced else sha256(self.der), spki_sha256=sha256(c.spki),
            not_before=validity[0], not_after=validity[1], purpose=purpose(c), source=source, address=text, status=1)
            for source, label, text in self.mailboxes()}


def issuer_key_hash(issuers):
    return sha256(Certificate(issuers[0]).spki)


def without_scts(c):
    if c.extensions_at is None:
        return c.tbs
    return c.with_extensions([e for e in c.extensions if content(children(content(e))[0]) not in (SCT_LIST, POISON)])


def seconds(moment):
    text = content(moment).decode()
    if moment[0] == 23:
        text = ("19" if text >= "5" else "20") + text
    return calendar.timegm((int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]),
                            int(text[12:14])))


def purpose(c):
    """1 sign, 2 encrypt, 3 both: what keyUsage and the kind of key leave."""
    kind = content(children(content(children(content(c.spki))[0]))[0])
    able = 1 if kind in SIGNS_ONLY else 2 if kind in ENCRYPTS_ONLY else 3
    e = c.extension(KEY_USAGE)
    if e is None:
        return able
    bits = content(content(children(content(e))[-1]))[1:]
    first = bits[0] if bits else 0
    encrypts = 0x30 if kind in (RSA, OAEP) else 0x08  # keyEncipherment or dataEncipherment, keyAgreement
    named = (1 if first & 0xC0 else 0) | (2 if first & encrypts else 0)
    return (named & able) or able


# ---- all of them ----

class Mailbox:
    def __init__(self):
        self.records = {}

    def merge(self, record):
        """Whether something is new."""
        old = self.records.get(record.key_id)
        if old is None:
            self.records[record.key_id] = record
            return True
        changed = False
        if record.precert_index != mailbox.NOT_LOGGED and old.precert_index == mailbox.NOT_LOGGED:
            old.precert_index, changed = record.precert_index, True
        if record.final_index != mailbox.NOT_LOGGED and old.final_index == mailbox.NOT_LOGGED:
            old.final_index, old.certificate_sha256, changed = record.final_index, record.certificate_sha256, True
        return changed

    def value(self, timestamp):
        everyone = sorted(self.records.values(), key=lambda r: (-r.not_before, r.key_id))
        current = [r for r in everyone if r.not_after * 1000 > timestamp][:mailbox.RECORDS]
        return encode(mailbox.MailboxState, mailbox.MailboxState(
            format=1, kind=mailbox.STATE, records=current, total=len(everyone),
            all=mailbox.rfc6962_root([encode(mailbox.Record, r, CONTACT) for r in everyone])), CONTACT)


class Domain:
    def __init__(self):
        self.leaves = []

    def value(self, _):
        return encode(mailbox.DomainState, mailbox.DomainState(
            format=1, count=len(self.leaves), root=mailbox.rfc6962_root(self.leaves)), CONTACT)


class Directory:
    """versions {label: [(epoch, value)…]}, made epoch by epoch."""

    def __init__(self):
        self.versions, self.state, self.epochs = {}, {}, 0

    def epoch(self, timestamp, entries):
        """Takes up one epoch's entries; the labels that changed."""
        changed = set()
        for e in entries:
            for label, record in e.records().items():
                if self.state.setdefault(label, Mailbox()).merge(record):
                    changed.add(label)
            for label in e.domains():
                self.state.setdefault(label, Domain()).leaves.append(e.index.to_bytes(8, "big") + e.leaf_hash)
                changed.add(label)
        for label in changed:
            self.versions.setdefault(label, []).append((self.epochs, self.state[label].value(timestamp)))
        self.epochs += 1
        return changed

    def greatest_at(self, label, epoch):
        """The version that was the greatest at that epoch, None for none."""
        count = sum(e <= epoch for e, _ in self.versions.get(label, []))
        return count - 1 if count else None


def fetch_entries(log, size):
    """Entries 0 to size - 1 of a log whose bodies are public."""
    out = []
    with log.http() as h:
        while len(out) < size:
            answer = h.ask(f"/ct/v1/get-entries?start={len(out)}&end={size - 1}")
            if answer is None or answer.status != 200:
                raise RuntimeError(f"get-entries: {answer and answer.status}")
            for e in answer.json()["entries"]:
                out.append(Entry(len(out), base64.b64decode(e["leaf_input"]), base64.b64decode(e["extra_data"])))
    return out
