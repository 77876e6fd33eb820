#!/usr/bin/env python3
"""RFC 9381's ECVRF-EDWARDS25519-SHA512-TAI and the commitment of KEYTRANS as they are written there: slow, with Python's
integers, nothing shared with the house.

    ecvrf.py PROGRAM    runs PROGRAM (vrf_lines) and judges every line it prints; exit 1 when one is wrong
"""

import hashlib
import hmac
import subprocess
import sys

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SUITE = b"\x03"
KC = bytes.fromhex("d821f8790d97709796b4d7903357c3f5")


def recover_x(y, sign):
    """RFC 8032 5.1.3; None when there is no such point."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, -1, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y)


def add(p, q):
    """The affine addition law of RFC 8032 5.1, complete."""
    (x1, y1), (x2, y2) = p, q
    t = D * x1 * x2 * y1 * y2
    return ((x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P)


def times(n, p):
    total = (0, 1)
    while n > 0:
        if n & 1:
            total = add(total, p)
        p = add(p, p)
        n >>= 1
    return total


def minus(p):
    return ((-p[0]) % P, p[1])


def encode(p):
    return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")


def decode(s):
    n = int.from_bytes(s, "little")
    y = n & (2**255 - 1)
    x = recover_x(y, n >> 255)
    return None if x is None else (x, y)


def sha512(*parts):
    return hashlib.sha512(b"".join(parts)).digest()


def expand(seed):
    h = sha512(seed)
    x = int.from_bytes(h[:32], "little")
    return (x & (2**254 - 8)) | 2**254, h[32:]


def public(seed):
    return encode(times(expand(seed)[0], BASE))


def encode_to_curve(key, alpha):
    """5.4.1.1."""
    for ctr in range(256):
        candidate = decode(sha512(SUITE, b"\x01", key, alpha, bytes([ctr]), b"\x00")[:32])
        if candidate is not None:
            h = times(8, candidate)
            if h != (0, 1):
                return h
    raise AssertionError("256 candidates, and none a point")


def challenge(*points):
    """5.4.3."""
    return int.from_bytes(sha512(SUITE, b"\x02", *map(encode, points), b"\x00")[:16], "little")


def beta_of(gamma):
    """5.2."""
    return sha512(SUITE, b"\x03", encode(times(8, gamma)), b"\x00")


def prove(seed, alpha):
    """5.1: proof and beta."""
    x, prefix = expand(seed)
    y = times(x, BASE)
    h = encode_to_curve(encode(y), alpha)
    gamma = times(x, h)
    k = int.from_bytes(sha512(prefix, encode(h)), "little") % ORDER
    c = challenge(y, h, gamma, times(k, BASE), times(k, h))
    s = (k + c * x) % ORDER
    return encode(gamma) + c.to_bytes(16, "little") + s.to_bytes(32, "little"), beta_of(gamma)


def valid_key(key):
    """A canonical point of the prime-order group, the neutral element aside: stricter than 5.4.5, which lets a part of
    small order pass."""
    y = decode(key)
    return y is not None and y != (0, 1) and times(ORDER, y) == (0, 1)


def verify(key, alpha, proof):
    """5.3 for a valid key: beta, or None."""
    y = decode(key)
    gamma = decode(proof[:32])
    c = int.from_bytes(proof[32:48], "little")
    s = int.from_bytes(proof[48:], "little")
    if gamma is None or s >= ORDER:
        return None
    h = encode_to_curve(key, alpha)
    u = add(times(s, BASE), minus(times(c, y)))
    v = add(times(s, h), minus(times(c, gamma)))
    return beta_of(gamma) if challenge(y, h, gamma, u, v) == c else None


def commitment(opening, label, version, value):
    update = len(value).to_bytes(4, "big") + value
    text = opening + bytes([len(label)]) + label + version.to_bytes(4, "big") + update
    return hmac.new(KC, text, hashlib.sha256).digest()


def judge(kind, fields):
    """Whether what the program says is what is computed here."""
    if kind == "prove":
        seed, alpha, key, proof, beta = fields
        return key == public(seed) and (proof, beta) == prove(seed, alpha)
    if kind == "key":
        return valid_key(fields[0]) == (fields[1] == b"\x01")
    if kind == "verify":
        key, alpha, proof, beta = fields
        return (verify(key, alpha, proof) or b"") == beta
    if kind == "commit":
        opening, label, version, value, found = fields
        return commitment(opening, label, int.from_bytes(version, "big"), value) == found
    return False


def main(program):
    """Lines: a kind and fields in hex, '-' for an empty one; lines of other forms are shown as they are."""
    counts, wrong = {}, 0
    run = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True)
    for line in run.stdout.splitlines():
        kind, *fields = line.split()
        if kind.endswith(":"):
            print(line)
            continue
        counts[kind] = counts.get(kind, 0) + 1
        if not judge(kind, [b"" if f == "-" else bytes.fromhex(f) for f in fields]):
            print("differs:", line)
            wrong += 1
    print("agreed on", ", ".join(f"{n} of {k}" for k, n in sorted(counts.items())), "but for", wrong)
    return 1 if wrong or set(counts) != {"prove", "key", "verify", "commit"} else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
