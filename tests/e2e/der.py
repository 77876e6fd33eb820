"""Just enough DER to say what a log should have made of a certificate (RFC 6962 3.2), and to break one on purpose."""

import hashlib

POISON = bytes.fromhex("2b06010401d679020403")
AUTHORITY_KEY = bytes.fromhex("551d23")
EXTENDED_KEY_USAGE = bytes.fromhex("551d25")
SIGNER_EKU = bytes.fromhex("2b06010401d679020404")


def header(data, at):
    """(tag, where the content begins, where it ends)."""
    length = data[at + 1]
    begin = at + 2
    if length & 0x80:
        n = length & 0x7F
        length = int.from_bytes(data[begin:begin + n], "big")
        begin += n
    return data[at], begin, begin + length


def children(data):
    """The elements of a constructed element's content, each whole."""
    out, at = [], 0
    while at < len(data):
        _, _, end = header(data, at)
        out.append(data[at:end])
        at = end
    return out


def content(element):
    _, begin, end = header(element, 0)
    return element[begin:end]


def element(tag, data):
    n = len(data)
    if n < 128:
        return bytes([tag, n]) + data
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + n.to_bytes(size, "big") + data


class Certificate:
    """serial, issuer, subject, spki, extensions: elements as they stand."""

    def __init__(self, der):
        self.der = der
        self.tbs, self.algorithm, self.signature = children(content(der))
        self.fields = children(content(self.tbs))
        versioned = 1 if self.fields[0][0] == 0xA0 else 0
        self.serial, self.issuer = self.fields[versioned], self.fields[versioned + 2]
        self.subject, self.spki = self.fields[versioned + 4], self.fields[versioned + 5]
        self.issuer_at = versioned + 2
        self.extensions_at = next((i for i, f in enumerate(self.fields) if f[0] == 0xA3), None)
        self.extensions = []
        if self.extensions_at is not None:
            self.extensions = children(content(content(self.fields[self.extensions_at])))

    def extension(self, oid):
        """The whole extension with that identifier's content bytes, or None."""
        for e in self.extensions:
            if content(children(content(e))[0]) == oid:
                return e
        return None

    def with_extensions(self, extensions, issuer=None):
        """The TBSCertificate with these extensions and perhaps another issuer."""
        fields = list(self.fields)
        fields[self.extensions_at] = element(0xA3, element(0x30, b"".join(extensions)))
        if issuer is not None:
            fields[self.issuer_at] = issuer
        return element(0x30, b"".join(fields))

    def signs_precertificates(self):
        usage = self.extension(EXTENDED_KEY_USAGE)
        return usage is not None and SIGNER_EKU in usage


def same_root(der, roots):
    """The root that signed the last certificate of a chain, by name; None when the chain holds it."""
    last = Certificate(der)
    if last.issuer == last.subject:
        return None
    return next(r for r in roots if Certificate(r).subject == last.issuer)


def precert_entry(chain):
    """What the log signs for a precertificate: issuer_key_hash and the TBSCertificate, as a PreCert structure."""
    precert, issuer = Certificate(chain[0]), Certificate(chain[1])
    replaced, name = {}, None
    if issuer.signs_precertificates():
        replaced[AUTHORITY_KEY], name = issuer.extension(AUTHORITY_KEY), issuer.issuer
        issuer = Certificate(chain[2])
    extensions = []
    for e in precert.extensions:
        oid = content(children(content(e))[0])
        if oid != POISON:
            extensions.append(replaced.get(oid, e))
    tbs = precert.with_extensions(extensions, name)
    return hashlib.sha256(issuer.spki).digest() + len(tbs).to_bytes(3, "big") + tbs
