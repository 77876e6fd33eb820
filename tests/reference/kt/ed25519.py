"""edwards25519 in the form of RFC 8032, and Ed25519 signatures (5.1).

Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z.  Nothing here is constant time: this is for tests.
"""

import hashlib
from functools import lru_cache

from .refusal import Refused, require

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493  # the order of the base point; L in RFC 8032
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
COFACTOR = 8
IDENTITY = (0, 1, 1, 0)


def inverse(x):
    return pow(x, P - 2, P)


def add(p, q):
    """RFC 8032 5.1.4, which is complete: it also doubles."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def negate(p):
    return (-p[0] % P, p[1], p[2], -p[3] % P)


@lru_cache(maxsize=4096)
def doublings(p):
    """p, 2p, 4p, .. as far as multiply() has needed them; kept, because points come back."""
    return [p]


def multiply(scalar, p):
    """Double and add, from the least significant bit."""
    powers, result = doublings(p), IDENTITY
    for i in range(scalar.bit_length()):
        if i == len(powers):
            powers.append(add(powers[-1], powers[-1]))
        if scalar >> i & 1:
            result = add(result, powers[i])
    return result


def equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def recover_x(y, sign):
    """RFC 8032 5.1.3, steps 2 to 4; None if there is no such point."""
    x2 = (y * y - 1) * inverse(D * y * y + 1) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_MINUS_ONE % P
    if (x * x - x2) % P != 0:
        return None
    if x == 0 and sign == 1:
        return None
    return P - x if x & 1 != sign else x


@lru_cache(maxsize=4096)
def decode(text):
    """RFC 8032 5.1.3: the point; None if these 32 bytes are none, also when y is not reduced."""
    if len(text) != 32:
        return None
    number = int.from_bytes(text, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        return None
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def encode(p):
    """RFC 8032 5.1.2."""
    z = inverse(p[2])
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE_Y = 4 * inverse(5) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def sha512_number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


@lru_cache(maxsize=64)
def expand(secret):
    """RFC 8032 5.1.5: the secret scalar, the prefix for nonces, and the public key's bytes."""
    require(len(secret) == 32, "ed25519: a secret key has 32 bytes")
    digest = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(digest[:32], "little")
    scalar &= (1 << 254) - 8
    scalar |= 1 << 254
    return scalar, digest[32:], encode(multiply(scalar, BASE))


def public_key(secret):
    return expand(secret)[2]


def sign(secret, message):
    """RFC 8032 5.1.6."""
    scalar, prefix, public = expand(secret)
    r = sha512_number(prefix, message) % Q
    r_text = encode(multiply(r, BASE))
    k = sha512_number(r_text, public, message) % Q
    return r_text + ((r + k * scalar) % Q).to_bytes(32, "little")


@lru_cache(maxsize=4096)
def valid(public, message, signature):
    """RFC 8032 5.1.7, comparing [S]B with R + [k]A as points, without the cofactor."""
    if len(signature) != 64:
        return False
    a, r = decode(public), decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    k = sha512_number(signature[:32], public, message) % Q
    return equal(multiply(s, BASE), add(r, multiply(k, a)))


def verify(public, message, signature):
    if not valid(public, message, signature):
        raise Refused("ed25519: the signature is not by this key over this message")
