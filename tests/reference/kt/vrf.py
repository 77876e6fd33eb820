"""ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381: section numbers below are of that text."""

import hashlib
from functools import lru_cache

from . import ed25519 as curve
from .refusal import require

SUITE = b"\x03"
CHALLENGE_SIZE = 16  # cLen
PROOF_SIZE = 80
OUTPUT_SIZE = 64


@lru_cache(maxsize=4096)
def encode_to_curve(salt, alpha):
    """5.4.1.1, try and increment: the point, and the counter that led to it."""
    for counter in range(256):
        digest = hashlib.sha512(SUITE + b"\x01" + salt + alpha + bytes([counter]) + b"\x00").digest()
        point = curve.decode(digest[:32])
        if point is None:
            continue
        point = curve.multiply(curve.COFACTOR, point)
        if not curve.equal(point, curve.IDENTITY):
            return point, counter
    raise AssertionError("no counter leads to a point")


def challenge(*points):
    """5.4.3."""
    text = SUITE + b"\x02" + b"".join(curve.encode(p) for p in points) + b"\x00"
    return int.from_bytes(hashlib.sha512(text).digest()[:CHALLENGE_SIZE], "little")


def gamma_to_hash(gamma):
    """5.2, steps 4 to 6."""
    point = curve.encode(curve.multiply(curve.COFACTOR, gamma))
    return hashlib.sha512(SUITE + b"\x03" + point + b"\x00").digest()


@lru_cache(maxsize=65536)
def prove(secret, alpha):
    """5.1: the proof."""
    scalar, nonce_prefix, public = curve.expand(secret)
    h, _ = encode_to_curve(public, alpha)
    gamma = curve.multiply(scalar, h)
    k = curve.sha512_number(nonce_prefix, curve.encode(h)) % curve.Q
    c = challenge(curve.decode(public), h, gamma, curve.multiply(k, curve.BASE), curve.multiply(k, h))
    s = (k + c * scalar) % curve.Q
    return curve.encode(gamma) + c.to_bytes(CHALLENGE_SIZE, "little") + s.to_bytes(32, "little")


@lru_cache(maxsize=65536)
def output(secret, alpha):
    """The hash of the proof that prove() would give."""
    scalar, _, public = curve.expand(secret)
    return gamma_to_hash(curve.multiply(scalar, encode_to_curve(public, alpha)[0]))


def decode_proof(proof):
    """5.4.4: Gamma, c, s; None if these are no proof's bytes."""
    if len(proof) != PROOF_SIZE:
        return None
    gamma = curve.decode(proof[:32])
    c = int.from_bytes(proof[32:48], "little")
    s = int.from_bytes(proof[48:], "little")
    return None if gamma is None or s >= curve.Q else (gamma, c, s)


def proof_to_hash(proof):
    """5.2: only for proofs that were verified, or made here."""
    parts = decode_proof(proof)
    require(parts is not None, "vrf: the proof cannot be decoded")
    return gamma_to_hash(parts[0])


@lru_cache(maxsize=64)
def key_is_valid(public):
    """5.4.5: a point, and not one of the eight of small order."""
    point = curve.decode(public)
    return point is not None and not curve.equal(curve.multiply(curve.COFACTOR, point), curve.IDENTITY)


@lru_cache(maxsize=64)
def key_is_prime_order(public):
    """Stricter, for keys in a configuration: the point generates the group of prime order."""
    point = curve.decode(public)
    return point is not None and not curve.equal(point, curve.IDENTITY) \
        and curve.equal(curve.multiply(curve.Q, point), curve.IDENTITY)


@lru_cache(maxsize=65536)
def verify(public, alpha, proof):
    """5.3 with validate_key: the 64 bytes of output; None if the proof is not valid."""
    parts = decode_proof(proof)
    if not key_is_valid(public) or parts is None:
        return None
    y = curve.decode(public)
    gamma, c, s = parts
    h, _ = encode_to_curve(public, alpha)
    u = curve.add(curve.multiply(s, curve.BASE), curve.negate(curve.multiply(c, y)))
    v = curve.add(curve.multiply(s, h), curve.negate(curve.multiply(c, gamma)))
    return gamma_to_hash(gamma) if challenge(y, h, gamma, u, v) == c else None
