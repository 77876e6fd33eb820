"""Structs of the draft that stand inside others: configuration, heads, values, proofs.

Names are the draft's.  The context of the codec is the deployment mode; the suite is KT_128_SHA256_Ed25519 throughout.
"""

from .codec import U8, U32, U64, Fixed, Opaque, Optional, Struct, Unsigned, Vector

SUITE = 0x0002  # KT_128_SHA256_Ed25519
NC = 16
KC = bytes.fromhex("d821f8790d97709796b4d7903357c3f5")
NH = 32
NP = 80

CONTACT, MANAGEMENT, AUDITING = 1, 2, 3  # DeploymentMode
SAME, UPDATED = 1, 2  # FullTreeHeadType
INCLUSION, NON_INCLUSION_LEAF, NON_INCLUSION_PARENT = 1, 2, 3  # PrefixSearchResultType

HashValue = Fixed(NH)
Label = Opaque(2**8 - 1)


def managed(_, context):
    return context == MANAGEMENT


# § Tree Head Signature.  Selects of Configuration look at its own mode.
Configuration = Struct(
    ("ciphersuite", Unsigned(2, {SUITE})),
    ("mode", Unsigned(1, {CONTACT, MANAGEMENT, AUDITING})),
    ("signature_public_key", Opaque(2**16 - 1)),
    ("vrf_public_key", Opaque(2**16 - 1)),
    ("leaf_public_key", Opaque(2**16 - 1), lambda v, _: v.mode == MANAGEMENT),
    ("max_auditor_lag", U64, lambda v, _: v.mode == AUDITING),
    ("auditor_start_pos", U64, lambda v, _: v.mode == AUDITING),
    ("auditor_public_key", Opaque(2**16 - 1), lambda v, _: v.mode == AUDITING),
    ("max_ahead", U64),
    ("max_behind", U64),
    ("reasonable_monitoring_window", U64),
    ("maximum_lifetime", Optional(U64)))
TreeHead = Struct(("tree_size", U64), ("signature", Opaque(2**16 - 1)))
TreeHeadTBS = Struct(("config", Configuration), ("tree_size", U64), ("root", HashValue))

# § Auditor Tree Head Signature
AuditorTreeHead = Struct(("timestamp", U64), ("tree_size", U64), ("signature", Opaque(2**16 - 1)))
AuditorTreeHeadTBS = Struct(("config", Configuration), ("timestamp", U64), ("tree_size", U64), ("root", HashValue))

# § Full Tree Head Verification
FullTreeHead = Struct(
    ("head_type", Unsigned(1, {SAME, UPDATED})),
    ("tree_head", TreeHead, lambda v, _: v.head_type == UPDATED),
    ("auditor_tree_head", AuditorTreeHead, lambda v, c: v.head_type == UPDATED and c == AUDITING))

# § Update Format
UpdateSuffix = Struct(("signature", Opaque(2**16 - 1), managed))
UpdateValue = Struct(("value", Opaque(2**32 - 1)), ("suffix", UpdateSuffix))
UpdateTBS = Struct(("config", Configuration), ("label", Label), ("version", U32), ("value", Opaque(2**32 - 1)))

# § Commitment, § Verifiable Random Function, § Log Tree (of Cryptographic Computations)
CommitmentValue = Struct(("opening", Fixed(NC)), ("label", Label), ("version", U32), ("update", UpdateValue))
VrfInput = Struct(("label", Label), ("version", U32))
LogEntry = Struct(("timestamp", U64), ("prefix_tree", HashValue))

# § Tree Proofs
InclusionProof = Struct(("elements", Vector(HashValue, 2**16 - 1)))
PrefixLeaf = Struct(("vrf_output", Fixed(NH)), ("commitment", HashValue))
PrefixSearchResult = Struct(
    ("result_type", Unsigned(1, {INCLUSION, NON_INCLUSION_LEAF, NON_INCLUSION_PARENT})),
    ("leaf", PrefixLeaf, lambda v, _: v.result_type == NON_INCLUSION_LEAF),
    ("depth", U8))
PrefixProof = Struct(("results", Vector(PrefixSearchResult, 2**8 - 1)), ("elements", Vector(HashValue, 2**16 - 1)))
CombinedTreeProof = Struct(
    ("timestamps", Vector(U64, 2**8 - 1)),
    ("prefix_proofs", Vector(PrefixProof, 2**8 - 1)),
    ("prefix_roots", Vector(HashValue, 2**8 - 1)),
    ("inclusion", InclusionProof))
BinaryLadderStep = Struct(("proof", Fixed(NP)), ("commitment", Optional(HashValue)))
DistinguishedHead = Struct(("heads", Vector(HashValue, 2**8 - 1)))


def update_value(value):
    """An UpdateValue of the modes without a manager."""
    return UpdateValue(value=value, suffix=UpdateSuffix())
