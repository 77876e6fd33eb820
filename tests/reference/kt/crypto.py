"""Hashes, commitments, search keys and head signatures over the structs (draft, "Cryptographic Computations")."""

import hashlib
import hmac

from . import ed25519, vrf
from .codec import encode
from .refusal import require
from .structs import (CONTACT, KC, NH, SUITE, CommitmentValue, Configuration, LogEntry, TreeHeadTBS, VrfInput,
                      update_value)

ZERO = bytes(NH)  # stands for a node that does not exist


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def prefix_leaf(vrf_output, commitment):
    return sha256(b"\x02", vrf_output, commitment)


def prefix_parent(left, right):
    return sha256(b"\x03", left, right)


def log_leaf(timestamp, prefix_root):
    return sha256(encode(LogEntry, LogEntry(timestamp=timestamp, prefix_tree=prefix_root), CONTACT))


def log_parent(left, left_is_leaf, right, right_is_leaf):
    return sha256(b"\x00" if left_is_leaf else b"\x01", left, b"\x00" if right_is_leaf else b"\x01", right)


def commitment(opening, label, version, value):
    text = CommitmentValue(opening=opening, label=label, version=version, update=update_value(value))
    return hmac.digest(KC, encode(CommitmentValue, text, CONTACT), "sha256")


def vrf_input(label, version):
    return encode(VrfInput, VrfInput(label=label, version=version), CONTACT)


def search_key(secret, label, version):
    """The VRF output, as the holder of the key computes it."""
    return vrf.output(secret, vrf_input(label, version))[:NH]


def verified_search_key(public, label, version, proof):
    """The VRF output that the proof shows."""
    beta = vrf.verify(public, vrf_input(label, version), proof)
    require(beta is not None, f"vrf: the proof for version {version} is not valid")
    return beta[:NH]


def head_text(config, size, root):
    return encode(TreeHeadTBS, TreeHeadTBS(config=config, tree_size=size, root=root), config.mode)


def sign_head(secret, config, size, root):
    return ed25519.sign(secret, head_text(config, size, root))


def verify_head(config, size, root, signature):
    ed25519.verify(config.signature_public_key, head_text(config, size, root), signature)


def check_configuration(config):
    """What a user must look at before trusting a configuration at all."""
    require(config.ciphersuite == SUITE, "configuration: another cipher suite")
    require(config.mode == CONTACT, "configuration: another deployment mode")
    require(ed25519.decode(config.signature_public_key) is not None, "configuration: the signature key is no point")
    require(vrf.key_is_prime_order(config.vrf_public_key), "configuration: the VRF key is not of prime order")
    lifetime = config.maximum_lifetime
    require(lifetime is None or lifetime > max(0, config.reasonable_monitoring_window),
            "configuration: the maximum lifetime is not greater than the reasonable monitoring window")
    encode(Configuration, config, config.mode)
