"""Certification authorities for scenarios: whatever certificate a scenario describes, as DER, and signed with Ed25519.

Nothing of the programs is in it: the encoding is written out here, keys and signatures are those of tests/reference/kt.
A key that somebody encrypts to is openssl(1)'s, by its SubjectPublicKeyInfo.
"""

import hashlib
import itertools
import os
import subprocess
import sys
import time

from der import POISON, element
from house import SOURCE, pem_of

sys.path.insert(0, os.path.join(SOURCE, "tests", "reference"))

from kt import ed25519  # noqa: E402

DAY = 86400
ED25519 = bytes.fromhex("300506032b6570")
CN, EMAIL, ORGANIZATION = bytes.fromhex("550403"), bytes.fromhex("2a864886f70d010901"), bytes.fromhex("55040a")
SMTP_UTF8 = bytes.fromhex("2b06010505070809")
EMAIL_PROTECTION = bytes.fromhex("2b06010505070304")
SIGN, ENCRYPT, BOTH = "sign", "encrypt", "both"
USAGE = {SIGN: "digital_signature", ENCRYPT: "key_encipherment"}
BITS = {"digital_signature": 0, "non_repudiation": 1, "key_encipherment": 2, "key_agreement": 4, "cert_sign": 5,
        "crl_sign": 6}


# ---- DER ----

def sequence(*parts):
    return element(0x30, b"".join(parts))


def oid(content):
    return element(6, content)


def integer(n):
    return element(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def bit_string(data, unused=0):
    return element(3, bytes([unused]) + data)


def boolean():
    return element(1, b"\xff")


def moment(seconds):
    """RFC 5280 4.1.2.5: UTCTime through 2049."""
    t = time.gmtime(seconds)
    if t.tm_year < 2050:
        return element(23, time.strftime("%y%m%d%H%M%SZ", t).encode())
    return element(24, time.strftime("%Y%m%d%H%M%SZ", t).encode())


def name(*attributes):
    """Attributes are (type, text)."""
    out = []
    for kind, text in attributes:
        tag = 22 if kind == EMAIL else 12
        out.append(element(0x31, sequence(oid(kind), element(tag, text.encode()))))
    return sequence(*out)


def usage(*names):
    mask = 0
    for n in names:
        mask |= 0x80 >> BITS[n]
    return bit_string(bytes([mask]), (mask & -mask).bit_length() - 1)


def extension(identifier, value, critical=False):
    return sequence(oid(bytes.fromhex(identifier) if isinstance(identifier, str) else identifier),
                    boolean() if critical else b"", element(4, value))


def general_names(addresses):
    """rfc822Names; those that are not ASCII as SmtpUTF8Mailbox (RFC 9598)."""
    out = []
    for a in addresses:
        if a.isascii():
            out.append(element(0x81, a.encode()))
        else:
            out.append(element(0xA0, oid(SMTP_UTF8) + element(0xA0, element(12, a.encode()))))
    return sequence(*out)


# ---- keys ----

class Key:
    def __init__(self, seed=None):
        self.secret = seed or os.urandom(32)
        self.public = ed25519.public_key(self.secret)

    @property
    def spki(self):
        return sequence(ED25519, bit_string(self.public))

    def sign(self, data):
        return ed25519.sign(self.secret, data)


def openssl_key(house, file, kind="rsa"):
    """A private key of openssl(1) in a file; its SubjectPublicKeyInfo."""
    options = {"rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
               "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]}[kind]
    subprocess.run(["openssl", "genpkey", *options, "-out", file], cwd=house.folder, check=True, capture_output=True)
    return subprocess.run(["openssl", "pkey", "-in", file, "-pubout", "-outform", "DER"], cwd=house.folder, check=True,
                          capture_output=True).stdout


# ---- certificates ----

SERIALS = itertools.count(int.from_bytes(os.urandom(6), "big"))


class Authority:
    """A CA: a root when it has no issuer."""

    def __init__(self, title, issuer=None, not_before=None, not_after=None, constraints=None, path_length=None):
        self.key, self.issuer, self.subject = Key(), issuer, name((CN, title))
        now = int(time.time())
        extensions = [
            extension("551d13", sequence(boolean(), b"" if path_length is None else integer(path_length)), True),
            extension("551d0f", usage("cert_sign", "crl_sign"), True),
            extension("551d0e", element(4, self.key_id()))]
        if issuer is not None:
            extensions.append(extension("551d23", sequence(element(0x80, issuer.key_id()))))
        if constraints is not None:
            subtrees = b"".join(sequence(element(0x81, c.encode())) for c in constraints)
            extensions.append(extension("551d1e", sequence(element(0xA0, subtrees)), True))
        self.der = (issuer or self).certify(self.subject, self.key.spki, extensions,
                                            now - 30 * DAY if not_before is None else not_before,
                                            now + 300 * DAY if not_after is None else not_after)

    def key_id(self):
        return hashlib.sha1(self.key.public).digest()

    def certify(self, subject, spki, extensions, not_before, not_after, serial=None):
        tbs = sequence(element(0xA0, integer(2)), integer(next(SERIALS) if serial is None else serial), ED25519,
                       self.subject, sequence(moment(not_before), moment(not_after)), subject, spki,
                       element(0xA3, sequence(*extensions)))
        return sequence(tbs, ED25519, bit_string(self.key.sign(tbs)))

    def chain(self):
        """From this one to the last below the root."""
        return [] if self.issuer is None else [self.der] + self.issuer.chain()

    def leaf(self, *addresses, purpose=BOTH, subject=(), spki=None, not_before=None, not_after=None, poison=False,
             serial=None, more=()):
        """A certificate for mail: its addresses in the alternative names, `subject` attributes (type, text)."""
        now = int(time.time())
        names = [USAGE[SIGN], USAGE[ENCRYPT]] if purpose == BOTH else [USAGE[purpose]]
        extensions = [extension("551d0f", usage(*names), True), extension("551d25", sequence(oid(EMAIL_PROTECTION))),
                      extension("551d23", sequence(element(0x80, self.key_id())))]
        if addresses:
            extensions.append(extension("551d11", general_names(addresses)))
        extensions += more
        if poison:
            extensions.append(extension(POISON, bytes.fromhex("0500"), True))
        return self.certify(name(*(subject or ((CN, "somebody"),))), spki or DEFAULT_SPKI, extensions,
                            now - DAY if not_before is None else not_before,
                            now + 200 * DAY if not_after is None else not_after, serial)

    def issue(self, *addresses, **more):
        """The chain of a new leaf, as it is submitted."""
        return [self.leaf(*addresses, **more)] + self.chain()

    def pair(self, *addresses, **more):
        """A precertificate and its certificate: two chains that differ in the poison alone."""
        now = int(time.time())
        fixed = {"serial": next(SERIALS), "not_before": now - DAY, "not_after": now + 200 * DAY, **more}
        return self.issue(*addresses, poison=True, **fixed), self.issue(*addresses, **fixed)


# An RSA key that nobody has: what is certified to whom nobody writes.
DEFAULT_SPKI = sequence(sequence(oid(bytes.fromhex("2a864886f70d010101")), element(5, b"")),
                        bit_string(sequence(integer(int.from_bytes(hashlib.shake_256(b"modulus").digest(256), "big")
                                                    | 1 << 2047 | 1), integer(65537))))


def write_pem(path, *ders):
    with open(path, "w") as f:
        f.write(pem_of(*ders))
    return path
