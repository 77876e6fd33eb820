"""The values of this project's labels, and its feed (merkle/keytrans/FORMATS.md): bytes, and what they must satisfy."""

import hashlib

from . import crypto
from .codec import U8, U32, U64, Fixed, Opaque, Struct, Unsigned, Vector
from .refusal import require

NOT_LOGGED = 2**64 - 1
STATE, TOMBSTONE = 1, 2  # kind
RECORDS = 256

Record = Struct(
    ("key_id", Fixed(32)),
    ("precert_index", U64),
    ("final_index", U64),
    ("certificate_sha256", Fixed(32)),
    ("spki_sha256", Fixed(32)),
    ("not_before", U64),
    ("not_after", U64),
    ("purpose", Unsigned(1, {1, 2, 3})),
    ("source", Unsigned(1, {1, 2, 3, 4})),
    ("address", Opaque(254)),
    ("status", Unsigned(1, {1, 2, 3})),
    ("revoked_at", U64, lambda v, _: v.status != 1),
    ("reason", U8, lambda v, _: v.status != 1),
    ("invalid_from", U64, lambda v, _: v.status != 1),
    ("crl_index", U64, lambda v, _: v.status != 1))
MailboxState = Struct(
    ("format", Unsigned(1, {1})),
    ("kind", Unsigned(1, {STATE, TOMBSTONE})),
    ("records", Vector(Record, 2**16 - 1), lambda v, _: v.kind == STATE),
    ("total", U32, lambda v, _: v.kind == STATE),
    ("all", Fixed(32), lambda v, _: v.kind == STATE),
    ("time", U64, lambda v, _: v.kind == TOMBSTONE),
    ("reason", U8, lambda v, _: v.kind == TOMBSTONE),
    ("count", U32, lambda v, _: v.kind == TOMBSTONE))
DomainState = Struct(("format", Unsigned(1, {1})), ("count", U64), ("root", Fixed(32)))

FeedEntry = Struct(
    ("timestamp", U64),
    ("prefix_root", Fixed(32)),
    ("root", Fixed(32)),
    ("certificates", U64),
    ("certificates_root", Fixed(32)),
    ("crls", U64),
    ("crls_root", Fixed(32)),
    ("additions", U32),
    ("additions_hash", Fixed(32)))


def rfc6962_root(leaves):
    """RFC 6962 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return crypto.sha256(b"\x00", leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return crypto.sha256(b"\x01", rfc6962_root(leaves[:k]), rfc6962_root(leaves[k:]))


def check(state):
    """What a MailboxState must satisfy besides its encoding."""
    if state.kind == TOMBSTONE:
        return
    require(len(state.records) <= RECORDS, "mailbox: too many records")
    require(state.total >= len(state.records), "mailbox: fewer records in all than here")
    keys = [(-r.not_before, r.key_id) for r in state.records]
    require(keys == sorted(keys), "mailbox: records are not in order")
    require(len({r.key_id for r in state.records}) == len(keys), "mailbox: a record stands twice")
    for r in state.records:
        require(r.address, "mailbox: an empty address")
        announced = r.final_index == NOT_LOGGED
        require(announced == (r.certificate_sha256 == bytes(32)), "mailbox: a certificate hash without a certificate")
        require(not announced or r.precert_index != NOT_LOGGED, "mailbox: neither certificate nor precertificate is logged")


def additions_text(additions):
    """The additions of a feed entry, (vrf_output, commitment) each, as they are served and hashed."""
    return b"".join(key + commitment for key, commitment in sorted(additions))


def feed_entry(timestamp, prefix_root, root, additions, certificates, crls=(0, rfc6962_root([]))):
    """The entry of the feed; certificates and crls are (size, root)."""
    return FeedEntry(timestamp=timestamp, prefix_root=prefix_root, root=root, certificates=certificates[0],
                     certificates_root=certificates[1], crls=crls[0], crls_root=crls[1], additions=len(additions),
                     additions_hash=crypto.sha256(additions_text(additions)))
