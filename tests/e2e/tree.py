"""RFC 6962 trees, proofs and entries once more: written from the texts, slow, and with nothing of the programs in it."""

import hashlib
import struct


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes):
    """RFC 6962 2.1: the root over leaf hashes."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(root_of(hashes[:k]), root_of(hashes[k:]))


def inclusion_root(leaf, index, size, path):
    """RFC 9162 2.1.3.2: the root that the path leads to; None when the path does not fit index and size."""
    if index >= size:
        return None
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = node_hash(r, p)
        fn >>= 1
        sn >>= 1
    return r if sn == 0 else None


def consistent(first, second, first_root, second_root, path):
    """RFC 9162 2.1.4.2, with the two cases it leaves to the caller: equal sizes, and the empty tree."""
    if first == second:
        return not path and first_root == second_root
    if first == 0:
        return not path
    path = list(path)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    return fr == first_root and sr == second_root and sn == 0


# ---- entries ----

def vector(data, n):
    """opaque<…> with a length of n bytes."""
    return len(data).to_bytes(n, "big") + data


def take(data, at, n):
    """(the vector at `at` whose length has n bytes, where it ends)."""
    length = int.from_bytes(data[at:at + n], "big")
    end = at + n + length
    if end > len(data):
        raise ValueError("cut short")
    return data[at + n:end], end


def take_leaf(leaf):
    """MerkleTreeLeaf: (timestamp, entry_type, signed_entry, extensions)."""
    version, kind, timestamp, entry_type = struct.unpack(">BBQH", leaf[:12])
    if version != 0 or kind != 0:
        raise ValueError("not a timestamped entry of v1")
    at = 12
    if entry_type == 0:
        signed, end = take(leaf, at, 3)
    else:
        signed, end = take(leaf, at + 32, 3)
        signed = leaf[at:at + 32] + vector(signed, 3)
    extensions, end = take(leaf, end, 2)
    if end != len(leaf):
        raise ValueError("bytes are left over")
    return timestamp, entry_type, signed, extensions


def take_chain(data):
    """ASN.1Cert certificates<0..2^24-1>, all of data: a list of DER."""
    chain, end = take(data, 0, 3)
    if end != len(data):
        raise ValueError("bytes are left over")
    out, at = [], 0
    while at < len(chain):
        der, at = take(chain, at, 3)
        out.append(der)
    return out


def take_extra(entry_type, extra):
    """extra_data: (the precertificate or None, the issuers)."""
    if entry_type == 0:
        return None, take_chain(extra)
    precert, end = take(extra, 0, 3)
    return precert, take_chain(extra[end:])


def leaf_index(extensions):
    """static-ct-api: extension 0, a uint40."""
    if len(extensions) != 8 or extensions[0] != 0 or extensions[1:3] != b"\0\5":
        raise ValueError("no leaf_index")
    return int.from_bytes(extensions[3:], "big")


def take_data_tile(data):
    """static-ct-api TileLeaf…: a list of (MerkleTreeLeaf, precertificate or None, [issuer fingerprints])."""
    out, at = [], 0
    while at < len(data):
        begin = at
        (entry_type,) = struct.unpack(">H", data[at + 8:at + 10])
        at += 10 + (32 if entry_type == 1 else 0)
        _, at = take(data, at, 3)
        _, at = take(data, at, 2)
        leaf, precert = b"\0\0" + data[begin:at], None
        if entry_type == 1:
            precert, at = take(data, at, 3)
        chain, at = take(data, at, 2)
        out.append((leaf, precert, [chain[i:i + 32] for i in range(0, len(chain), 32)]))
    return out


def tile_path(n):
    """The N of a tile's path: x001/x234/067."""
    text = f"{n % 1000:03d}"
    while n >= 1000:
        n //= 1000
        text = f"x{n % 1000:03d}/" + text
    return text
