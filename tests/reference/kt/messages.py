"""Requests, answers, credentials (draft, "User Operations", "Credentials", "Third Parties")."""

from .codec import U32, U64, Fixed, Opaque, Optional, Struct, Unsigned, Vector
from .structs import (NC, BinaryLadderStep, CombinedTreeProof, FullTreeHead, Label, PrefixLeaf, PrefixProof, TreeHead,
                      UpdateSuffix, UpdateValue, managed)

STANDARD, PROVISIONAL = 1, 2  # CredentialType

SearchRequest = Struct(("last", Optional(U64)), ("label", Label), ("version", Optional(U32)))


def search_response(version_was_asked):
    """SearchResponse: its select looks at the request."""
    return Struct(
        ("full_tree_head", FullTreeHead),
        ("version", U32, lambda v, _: not version_was_asked),
        ("opening", Fixed(NC)),
        ("value", UpdateValue),
        ("binary_ladder", Vector(BinaryLadderStep, 2**8 - 1)),
        ("search", CombinedTreeProof))


GreatestSearchResponse = search_response(False)
FixedSearchResponse = search_response(True)

MonitorMapEntry = Struct(("position", U64), ("version", U32))
ContactMonitorRequest = Struct(
    ("last", Optional(U64)), ("label", Label), ("entries", Vector(MonitorMapEntry, 2**8 - 1)))
ContactMonitorResponse = Struct(("full_tree_head", FullTreeHead), ("monitor", CombinedTreeProof))

OwnerInitRequest = Struct(("last", Optional(U64)), ("label", Label), ("start", U64))
OwnerInitResponse = Struct(
    ("full_tree_head", FullTreeHead),
    ("greatest_versions", Vector(U32, 2**8 - 1)),
    ("binary_ladder", Vector(BinaryLadderStep, 2**16 - 1)),
    ("init", CombinedTreeProof))

OwnerMonitorRequest = Struct(
    ("last", Optional(U64)),
    ("label", Label),
    ("entries", Vector(MonitorMapEntry, 2**8 - 1)),
    ("start", U64),
    ("greatest_version", Optional(U32)))
OwnerMonitorResponse = Struct(("full_tree_head", FullTreeHead), ("monitor", CombinedTreeProof))

LabelValue = Struct(("value", Opaque(2**32 - 1)))
UpdateRequest = Struct(
    ("last", Optional(U64)),
    ("label", Label),
    ("greatest_version", Optional(U32)),
    ("values", Vector(LabelValue, 2**8 - 1)))
UpdateInfo = Struct(("opening", Fixed(NC)), ("suffix", UpdateSuffix))
UpdateResponse = Struct(
    ("full_tree_head", FullTreeHead),
    ("position", U64),
    ("skipped_versions", U32, managed),
    ("values", Vector(LabelValue, 2**8 - 1)),
    ("info", Vector(UpdateInfo, 2**8 - 1)),
    ("binary_ladder", Vector(BinaryLadderStep, 2**8 - 1)),
    ("update", CombinedTreeProof))

DistinguishedRequest = Struct(("last", Optional(U64)), ("stop", Optional(U64)))
DistinguishedResponse = Struct(("full_tree_head", FullTreeHead), ("distinguished", CombinedTreeProof))

Credential = Struct(
    ("label", Label),
    ("version", U32),
    ("opening", Fixed(NC)),
    ("value", UpdateValue),
    ("binary_ladder", Vector(BinaryLadderStep, 2**8 - 1)),
    ("position", U64),
    ("credential_type", Unsigned(1, {STANDARD, PROVISIONAL})),
    ("distinguished", PrefixProof, lambda v, _: v.credential_type == STANDARD),
    ("tree_head", TreeHead, lambda v, _: v.credential_type == PROVISIONAL),
    ("search", CombinedTreeProof, lambda v, _: v.credential_type == PROVISIONAL))
CredentialUpdate = Struct(("monitor", CombinedTreeProof))

ManagerUpdateRequest = Struct(
    ("last", Optional(U64)),
    ("label", Label),
    ("greatest_version", Optional(U32)),
    ("values", Vector(UpdateValue, 2**8 - 1)),
    ("signed_version", U32))
AuditorUpdate = Struct(
    ("timestamp", U64),
    ("added", Vector(PrefixLeaf, 2**16 - 1)),
    ("removed", Vector(PrefixLeaf, 2**16 - 1)),
    ("proof", PrefixProof))
