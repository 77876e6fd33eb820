#!/usr/bin/env python3
"""The mailboxes of a certificate, found slowly and written from the headers' words alone: the twin of
merkle/leaf/mailboxes.h and what stands under it.  Its own BER reader, its own strings, its own addresses; the standard
library only.

    mailboxes.py PRINTER ADDRESSES.tsv [--random N] [--seed S]

Compared with what PRINTER (print_mailboxes) says: every certificate of the corpora, the texts of ADDRESSES.tsv in
each place of a certificate, and N certificates of nonsense.  Exit 0: all alike; 1: not; 2: cannot compare.
Of the alphabets that UTS 46 maps, the twin knows KNOWN alone; a certificate with another one in a domain is counted
and not compared.
"""
import argparse
import base64
import glob
import os
import random
import re
import subprocess
import sys
import unicodedata

TEXT_MAX, ADDRESS_MAX, DOMAIN_MAX = 16 * 254, 254, 253
DOMAIN_TEXT_MAX = 16 * 253
KNOWN = set("üÜéÉßäÄαΑσΣς大学医生ａＢ１－\u00ad\u0308")
STRINGS = {12: "utf8", 30: "ucs2", 28: "ucs4", **{t: "eight" for t in (18, 19, 20, 21, 22, 25, 26, 27)}}
EMAIL = bytes.fromhex("2a864886f70d010901")
MAIL = bytes.fromhex("0992268993f22c640103")
CN = bytes.fromhex("550403")
SAN = bytes.fromhex("551d11")
SMTP_UTF8 = bytes.fromhex("2b06010505070809")


class Unknown(Exception):
    """The twin's tables are too small to say."""


class Refused(Exception):
    """No address; the reason."""


# ---- elements ----

def element(b, depth=0):
    """(tag, content, rest) of the element at the front of b; None when none can be read."""
    if len(b) < 2 or b[:2] == b"\0\0":
        return None
    tag, at = b[0], 1
    if tag & 0x1f == 0x1f:
        number = 0
        while True:
            if at == len(b):
                return None
            number, at = number << 7 | b[at] & 0x7f, at + 1
            if b[at - 1] & 0x80 == 0:
                break
        tag = tag & 0xe0 | min(number, 31)
        if at == len(b):
            return None
    first, at = b[at], at + 1
    if first == 0x80:
        return indefinite(b, tag, at, depth)
    if first < 0x80:
        n = first
    else:
        octets = b[at:at + (first & 0x7f)]
        if len(octets) < first & 0x7f:
            return None
        n, at = int.from_bytes(octets, "big"), at + len(octets)
    if n > len(b) - at:
        return None
    return tag, b[at:at + n], b[at + n:]


def indefinite(b, tag, at, depth):
    if tag & 0x20 == 0 or depth == 16:
        return None
    rest = b[at:]
    while rest[:2] != b"\0\0":
        inside = element(rest, depth + 1)
        if inside is None:
            return None
        rest = inside[2]
    return tag, b[at:len(b) - len(rest)], rest[2:]


def elements(b):
    while (e := element(b)) is not None:
        yield e[0], e[1]
        b = e[2]


def first_of(b, tag):
    e = element(b)
    return e if e is not None and alike_tag(e[0], tag) else None


def alike_tag(a, b):
    """The same but for the bit that says whether it is constructed."""
    return a & 0xdf == b & 0xdf


def octets_of(tag, content, depth=0):
    """The octets of a string, its pieces put together."""
    if tag & 0x20 == 0:
        return content
    if depth == 5:
        raise Refused("address-too-long")
    return b"".join(octets_of(t, c, depth + 1) for t, c in elements(content))


def strict(b, depth=0, top=True):
    """Whether b is elements in DER, one SEQUENCE at the top."""
    count = 0
    while b:
        if len(b) < 2:
            return False
        tag, first, at = b[0], b[1], 2
        number, constructed = tag & 0x1f, bool(tag & 0x20)
        if number == 31 or (top and tag != 0x30):
            return False
        if tag & 0xc0 == 0 and (number == 0 or constructed != (number in (8, 11, 16, 17, 29))):
            return False
        n = first
        if first >= 0x80:
            k = first & 0x7f
            if k not in (1, 2, 3, 4) or len(b) < 2 + k or b[2] == 0:
                return False
            n, at = int.from_bytes(b[2:2 + k], "big"), 2 + k
            if n < 0x80:
                return False
        if n > len(b) - at or (constructed and (depth == 16 or not strict(b[at:at + n], depth + 1, False))):
            return False
        b, count = b[at + n:], count + 1
    return count == 1 or not top


# ---- strings ----

def readings(tag, octets):
    """The texts that a string can be; Refused when it is not what its tag says."""
    kind = STRINGS.get(tag)
    try:
        if kind == "utf8":
            texts = [octets.decode("utf-8")]
        elif kind == "ucs2":
            texts = [octets.decode("utf-16-be")]
        elif kind == "ucs4":
            texts = [octets.decode("utf-32-be")]
        elif kind == "eight":
            texts = eight_bit(octets)
        else:
            return []
    except UnicodeDecodeError:
        raise Refused("address-encoding") from None
    latin = kind == "eight" and texts[0] == octets.decode("latin-1")
    return [t[1:] if t.startswith("\ufeff") and not latin else t for t in texts]


def eight_bit(octets):
    latin = octets.decode("latin-1")
    try:
        utf8 = octets.decode("utf-8")
    except UnicodeDecodeError:
        return [latin]
    return [utf8] if octets.isascii() else [utf8, latin]


def agreed(tag, octets):
    marks = {"utf8": b"\xef\xbb\xbf", "ucs2": b"\xfe\xff", "ucs4": b"\0\0\xfe\xff"}
    kind = STRINGS.get(tag)
    return octets.isascii() if kind == "eight" else kind not in marks or not octets.startswith(marks[kind])


# ---- addresses ----

ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\U0010ffff]")


def lower_ascii(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def canonical(text):
    """The one form of an address, or Refused."""
    if len(text.encode()) > TEXT_MAX:
        raise Refused("address-too-long")
    if any(ord(c) < 0x20 or 0x7f <= ord(c) <= 0x9f for c in text):
        raise Refused("address-control")
    local, domain = split(text)
    if domain.startswith("["):
        raise Refused("address-literal")
    content = unquote(local)
    host = canonical_domain(domain)
    form = lower_ascii(content)
    if not re.fullmatch(ATEXT.pattern + r"+(\." + ATEXT.pattern + "+)*", form):
        form = '"' + form.replace("\\", "\\\\").replace('"', '\\"') + '"'
    form += "@" + host
    if len(form.encode()) > ADDRESS_MAX:
        raise Refused("address-too-long")
    return form


def split(text):
    ats, quoted, i = [], False, 0
    while i < len(text):
        if quoted and text[i] == "\\":
            i += 1
        elif text[i] == '"':
            quoted = not quoted
        elif text[i] == "@" and not quoted:
            ats.append(i)
        i += 1
    if quoted:
        raise Refused("address-quotes")
    if len(ats) > 1:
        raise Refused("several-addresses")
    if not ats or not text[:ats[0]] or not text[ats[0] + 1:]:
        raise Refused("no-address")
    return text[:ats[0]], text[ats[0] + 1:]


def unquote(local):
    if not local.startswith('"'):
        for c in local:
            if c == '"':
                raise Refused("address-quotes")
            if c != "." and not ATEXT.match(c):
                raise Refused("address-local-part")
        return local
    out, i = "", 1
    while local[i] != '"':
        if local[i] == "\\":
            i += 1
            if not " " <= local[i] <= "~":
                raise Refused("address-local-part")
        out += local[i]
        i += 1
    if i + 1 != len(local):
        raise Refused("address-quotes")
    return out


def canonical_domain(text):
    if len(text.encode()) > DOMAIN_TEXT_MAX:
        raise Refused("address-too-long")
    labels = re.split("[.\u3002\uff0e\uff61]", text)
    if len(labels) > 1 and labels[-1] == "":
        labels.pop()
    out = ""
    for i, label in enumerate(labels):
        out += ("." if i > 0 else "") + (lower_ascii(label) if label.isascii() else a_label(label))
        if len(out) > DOMAIN_MAX:
            raise Refused("address-too-long")
    for label in out.split("."):
        if not re.fullmatch("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label):
            raise Refused("address-domain")
    return out


def a_label(label):
    """UTS 46, non-transitional, for what is known."""
    if any(not c.isascii() and c not in KNOWN for c in label):
        raise Unknown(label)
    mapped = "".join("" if c == "\u00ad" else unicodedata.normalize("NFKC", c) if "\uff00" < c else c for c in label)
    mapped = unicodedata.normalize("NFC", "".join(c.lower() for c in mapped))
    if mapped.startswith("xn--"):
        raise Unknown(label)
    if mapped[2:4] == "--" or mapped.startswith("-") or mapped.endswith("-"):
        raise Refused("address-idn")
    if mapped.startswith("\u0308"):
        raise Refused("address-idn")
    if mapped.isascii():
        return mapped
    if any(c.isascii() and not re.match("[a-z0-9-]", c) for c in mapped):
        raise Refused("address-idn")
    out = "xn--" + mapped.encode("punycode").decode()
    if len(out) > 63:
        raise Refused("address-idn")
    return out


# ---- certificates ----

class Search:
    def __init__(self):
        self.found, self.reasons = [], []

    def string(self, tag, element_tag, content, source, name_only=False):
        """Every reading of a string with that universal tag."""
        try:
            octets = octets_of(element_tag, content)
            texts = readings(tag, octets)
        except Refused as why:
            if not name_only:
                self.reasons.append(str(why))
            return
        if not agreed(tag, octets):
            source = 4
        for text in texts:
            self.text(text, source, name_only)

    def text(self, text, source, name_only):
        try:
            form = canonical(text)
        except Refused as why:
            if not name_only:
                self.reasons.append(str(why))
            return
        if len(text.encode()) > ADDRESS_MAX:
            text, source = form, 4
        self.found.append((source, len(self.found), form, text))

    def name(self, name, email):
        e = first_of(name, 0x30)
        for set_tag, rdn in elements(e[1]) if e else ():
            for tag, attribute in elements(rdn) if alike_tag(set_tag, 0x31) else ():
                kind = first_of(attribute, 6) if alike_tag(tag, 0x30) else None
                value = element(kind[2]) if kind else None
                if value is None:
                    continue
                string_tag = value[0] & 0x1f if value[0] & 0xc0 == 0 else 0
                if kind[1] == EMAIL:
                    self.string(string_tag, value[0], value[1], email)
                elif kind[1] == MAIL:
                    self.string(string_tag, value[0], value[1], 4)
                elif kind[1] == CN:
                    self.string(string_tag, value[0], value[1], 4, name_only=True)

    def alternative_names(self, value):
        der = strict(value)
        e = first_of(value, 0x30)
        for tag, content in elements(e[1]) if e else ():
            if alike_tag(tag, 0x80):
                self.other_name(content, der)
            elif alike_tag(tag, 0x81):
                self.string(22, tag, content, 1 if der and tag == 0x81 else 4)
            elif alike_tag(tag, 0x84):
                self.name(content, 4)

    def other_name(self, content, der):
        kind = first_of(content, 6)
        explicit = first_of(kind[2], 0xa0) if kind and kind[1] == SMTP_UTF8 else None
        value = element(explicit[1]) if explicit else None
        if value is not None:
            string_tag = value[0] & 0x1f if value[0] & 0xc0 == 0 else 0
            self.string(string_tag, value[0], value[1], 2 if der and value[0] == 12 else 4)

    def mailboxes(self):
        best = {}
        for one in sorted(self.found):
            best.setdefault(one[2], one)
        return [(s, form.encode(), text.encode()) for s, _, form, text in sorted(best.values())]


def subject_and_san(der):
    """The subject, whole, and the value of the alternative names or None, of a certificate that is sound."""
    tbs = list(elements(element(element(der)[1])[1]))
    if tbs[0][0] == 0xa0:
        tbs = tbs[1:]
    subject, san = tbs[4][1], None
    for tag, content in tbs[6:]:
        for _, extension in elements(element(content)[1]) if tag == 0xa3 else ():
            parts = list(elements(extension))
            if parts[0][1] == SAN:
                san = parts[-1][1]
    return tlv(0x30, subject), san


def expected(der):
    subject, san = subject_and_san(der)
    search = Search()
    search.name(subject, 3)
    if san is not None:
        search.alternative_names(san)
    return len(search.reasons), (search.reasons or ["ok"])[0], search.mailboxes()


# ---- certificates made here ----

def tlv(tag, content):
    n = len(content)
    size = b"" if n < 0x80 else n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([0x80 | len(size)]) + size if size else bytes([n])) + content


def certificate(subject, san):
    oid = tlv(0x30, bytes.fromhex("06032b6570"))
    name = tlv(0x30, tlv(0x31, tlv(0x30, tlv(6, CN) + tlv(12, b"ca"))))
    validity = tlv(0x30, tlv(23, b"260101000000Z") * 2)
    extension = tlv(0xa3, tlv(0x30, tlv(0x30, tlv(6, SAN) + tlv(4, san))))
    tbs = tlv(0xa0, tlv(2, b"\2")) + tlv(2, b"\1") + oid + name + validity + subject
    tbs += tlv(0x30, oid + tlv(3, b"\0key")) + extension
    return tlv(0x30, tlv(0x30, tbs) + oid + tlv(3, b"\0signature"))


def attribute(kind, tag, octets):
    return tlv(0x30, tlv(6, kind) + tlv(tag, octets))


def other_name(tag, octets):
    return tlv(0xa0, tlv(6, SMTP_UTF8) + tlv(0xa0, tlv(tag, octets)))


def everywhere(octets):
    """A certificate for each place in which the octets can stand."""
    for kind in (EMAIL, MAIL, CN):
        for tag in (12, 20, 22):
            name = tlv(0x30, tlv(0x31, attribute(kind, tag, octets)))
            yield certificate(name, tlv(0x30, b""))
            yield certificate(tlv(0x30, b""), tlv(0x30, tlv(0xa4, name)))
    for general in (tlv(0x81, octets), other_name(12, octets), other_name(22, octets)):
        yield certificate(tlv(0x30, b""), tlv(0x30, general))


class Nonsense:
    PIECES = ["a", "Al", "b.c", "..", ".", "@", "@", "@x.example", "@X.EXAMPLE.", '"', '"a"', "\\", " ", ",", "ü", "Ü",
              "大学", "ß", "＠", "。", "xn--bcher-kva", "-", "--", "ab--", "_", "[", "\0", "\u0085", "\ufeff", "ａ", "u\u0308",
              "\u00ad", "1", "example.com", "a" * 60, "\\\"" * 40, "ä" * 30]

    def __init__(self, rng):
        self.rng = rng

    def text(self):
        r = self.rng
        if r.random() < 0.5:
            return r.choice(["a", "Al.ice", '"x y"', "ü", "a..b"]) + "@" + r.choice(["b.example", "Bücher.example", "x", "a_b.c"])
        return "".join(r.choice(self.PIECES) for _ in range(r.randrange(8)))

    def string(self):
        tag = self.rng.choice([12, 12, 22, 22, 19, 20, 30, 28, 26, 4])
        coded = {30: "utf-16-be", 28: "utf-32-be"}.get(tag, self.rng.choice(["utf-8", "utf-8", "latin-1"]))
        octets = self.text().encode(coded, "replace")
        return tag, octets if self.rng.random() < 0.9 else self.spoil(octets)

    def name(self):
        r = self.rng
        sets = (b"".join(attribute(r.choice([EMAIL, MAIL, CN, b"\x55\4\n"]), *self.string())
                         for _ in range(r.choice([1, 1, 2]))) for _ in range(r.randrange(4)))
        return tlv(0x30, b"".join(tlv(0x31, s) for s in sets))

    def general(self):
        r, kind = self.rng, self.rng.randrange(6)
        tag, octets = self.string()
        if kind < 2:
            return tlv(0x81, octets)
        if kind == 2:
            cut = r.randrange(len(octets) + 1)
            return tlv(0xa1, tlv(4, octets[:cut]) + tlv(4, octets[cut:]))
        if kind == 3:
            return other_name(tag, octets)
        return tlv(0xa4, self.name()) if kind == 4 else tlv(0x82, octets)

    def spoil(self, b):
        """A few bytes changed, added or taken."""
        b = bytearray(b)
        for _ in range(self.rng.choice([1, 1, 2, 5])):
            at = self.rng.randrange(len(b) + 1)
            what = self.rng.randrange(3)
            if what == 0:
                b[at:at] = bytes([self.rng.choice([0, 0x80, 0x81, 0x30, 0x24, self.rng.randrange(256)])])
            elif at < len(b):
                b[at:at + 1] = bytes([self.rng.randrange(256)]) if what == 1 else b""
        return bytes(b)

    def long_tag(self, b):
        """Its tag in more octets than it needs."""
        return bytes([b[0] | 0x1f]) + b"\x80" * self.rng.randrange(3) + bytes([b[0] & 0x1f]) + b[1:]

    def lengthen(self, names):
        """The sequence in BER: an indefinite length, or a length in too many octets."""
        if self.rng.random() < 0.5:
            return b"\x30\x80" + names + b"\0\0"
        return b"\x30\x84" + len(names).to_bytes(4, "big") + names

    def certificate(self):
        general = [self.general() for _ in range(self.rng.randrange(6))]
        names = b"".join(self.long_tag(g) if self.rng.random() < 0.1 else g for g in general)
        san = tlv(0x30, names) if self.rng.random() < 0.7 else self.lengthen(names)
        return certificate(self.name(), san if self.rng.random() < 0.7 else self.spoil(san))


# ---- comparing ----

def alike(why):
    """Which of the two reasons a label has is libidn2's to say."""
    return why.replace("address-idn", "address-domain")


class Compare:
    def __init__(self, printer):
        self.printer = subprocess.Popen([printer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.compared = self.bad = self.unknown = self.mailboxes = self.refused = self.differ = 0

    def one(self, says, der):
        self.printer.stdin.write(der.hex() + "\n")
        self.printer.stdin.flush()
        words = self.printer.stdout.readline().split()
        if words[0] == "bad":
            self.bad += 1
            return
        try:
            refused, why, boxes = expected(der)
        except Unknown:
            self.unknown += 1
            return
        got = [(int(s), bytes.fromhex(a), bytes.fromhex(c)) for s, a, c in (w.split(",") for w in words[3:])]
        self.compared += 1
        self.mailboxes += len(got)
        self.refused += refused
        if (int(words[1]), alike(words[2]), got) != (refused, alike(why), boxes):
            self.differ += 1
            if self.differ <= 5:
                print(f"{says}: {der.hex()}\n  is  {words[1:3]} {got}\n  not {refused, why} {boxes}")

    def tell(self, what):
        print(f"{what}: {self.compared} compared, {self.mailboxes} mailboxes, {self.refused} refused texts; "
              f"{self.unknown} beyond the twin's tables, {self.bad} no certificates, {self.differ} differ")
        self.compared = self.bad = self.unknown = self.mailboxes = self.refused = 0


def corpora(top):
    for path in sorted(glob.glob(os.path.join(top, "**", "*"), recursive=True)):
        if path.endswith((".pem", ".crt", ".der", ".cer")):
            with open(path, "rb") as f:
                data = f.read()
            blocks = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", data, re.S)
            for der in [base64.b64decode(b) for b in blocks] if b"-----BEGIN" in data else [data]:
                yield os.path.relpath(path, top), der


def table(path):
    with open(path, encoding="ascii") as f:
        for number, line in enumerate(f, 1):
            if line[0] not in "#\n":
                fields = [re.sub(rb"\\(\\|x(..))", lambda m: bytes.fromhex(m.group(2).decode()) if m.group(2) else b"\\",
                                 x.encode()) for x in line.rstrip("\n").split("\t")]
                yield number, fields[0], fields[1]


def check_table(path, compare):
    wrong = 0
    for number, octets, form in table(path):
        try:
            got = canonical(octets.decode()).encode()
        except UnicodeDecodeError:
            got = b"=address-encoding"
        except Unknown:
            got = form
        except Refused as why:
            got = b"=" + str(why).encode()
        if alike(got.decode()) != alike(form.decode()):
            wrong += 1
            print(f"{path}:{number}: the twin says {got}")
        for der in everywhere(octets):
            compare.one(f"row {number}", der)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("printer")
    parser.add_argument("addresses")
    parser.add_argument("--random", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    compare = Compare(a.printer)
    wrong = check_table(a.addresses, compare)
    compare.tell("the table")
    nonsense = Nonsense(random.Random(a.seed))
    for i in range(a.random):
        compare.one(f"nonsense {i} of seed {a.seed}", nonsense.certificate())
    compare.tell("nonsense")
    data = os.environ.get("CARTULARY_TESTDATA") or os.path.join(os.environ.get("CARTULARY_SOURCE", "."), "..", "shared")
    if os.path.isdir(data):
        for says, der in corpora(os.path.join(data, "corpora")):
            compare.one(says, der)
        compare.tell("corpora")
    else:
        print("skipped: the corpora; no test data, set CARTULARY_TESTDATA")
    return 1 if compare.differ or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
