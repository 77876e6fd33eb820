"""TLS presentation language as the draft uses it: a type knows how to encode a value and how to decode one.

Vectors count elements (draft, "Variable-Length Vectors").  A struct's value is a Record; fields that a `select` leaves
out are absent from it.  `context` is the deployment mode, on which some selects depend.
"""

from types import SimpleNamespace

from .refusal import Refused, require


class Record(SimpleNamespace):
    """The values of a struct, by field name."""


class Reader:
    """Takes bytes from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        require(self.at + count <= len(self.data), "codec: the bytes end too early")
        self.at += count
        return self.data[self.at - count:self.at]


class Unsigned:
    """uint8 .. uint64, big-endian; with `names`, an enum of these values."""

    def __init__(self, size, names=None):
        self.size, self.names = size, names

    def check(self, value):
        require(self.names is None or value in self.names, f"codec: {value} is not a value of this enum")

    def encode(self, value, context):
        require(0 <= value < 1 << 8 * self.size, "codec: the number is too great")
        self.check(value)
        return value.to_bytes(self.size, "big")

    def decode(self, reader, context):
        value = int.from_bytes(reader.take(self.size), "big")
        self.check(value)
        return value


class Fixed:
    """opaque name[size]."""

    def __init__(self, size):
        self.size = size

    def encode(self, value, context):
        require(len(value) == self.size, f"codec: {len(value)} bytes where {self.size} are due")
        return bytes(value)

    def decode(self, reader, context):
        return reader.take(self.size)


def count_size(ceiling):
    return (ceiling.bit_length() + 7) // 8


class Opaque:
    """opaque name<0..ceiling>: elements of one byte."""

    def __init__(self, ceiling):
        self.ceiling, self.count = ceiling, Unsigned(count_size(ceiling))

    def encode(self, value, context):
        require(len(value) <= self.ceiling, "codec: the byte string is too long")
        return self.count.encode(len(value), context) + bytes(value)

    def decode(self, reader, context):
        return reader.take(self.count.decode(reader, context))


class Vector:
    """Element name<0..ceiling>; the value is a list."""

    def __init__(self, element, ceiling):
        self.element, self.ceiling, self.count = element, ceiling, Unsigned(count_size(ceiling))

    def encode(self, value, context):
        require(len(value) <= self.ceiling, "codec: the vector has too many elements")
        return self.count.encode(len(value), context) + b"".join(self.element.encode(v, context) for v in value)

    def decode(self, reader, context):
        return [self.element.decode(reader, context) for _ in range(self.count.decode(reader, context))]


class Optional:
    """optional<T>; an absent value is None."""

    def __init__(self, inner):
        self.inner = inner

    def encode(self, value, context):
        return b"\x00" if value is None else b"\x01" + self.inner.encode(value, context)

    def decode(self, reader, context):
        present = reader.take(1)[0]
        require(present in (0, 1), "codec: the presence octet is neither 0 nor 1")
        return self.inner.decode(reader, context) if present else None


class Struct:
    """Fields in order: (name, type) or (name, type, condition); condition(values so far, context) is the select."""

    def __init__(self, *fields):
        self.fields = [f if len(f) == 3 else f + (None,) for f in fields]

    def __call__(self, **values):
        """A Record of this struct; a misspelt field fails here."""
        unknown = set(values) - {name for name, _, _ in self.fields}
        assert not unknown, unknown
        return Record(**values)

    def encode(self, value, context):
        out = b""
        for name, kind, condition in self.fields:
            if condition is None or condition(value, context):
                out += kind.encode(getattr(value, name), context)
        return out

    def decode(self, reader, context):
        value = Record()
        for name, kind, condition in self.fields:
            if condition is None or condition(value, context):
                setattr(value, name, kind.decode(reader, context))
        return value


U8, U16, U32, U64 = Unsigned(1), Unsigned(2), Unsigned(4), Unsigned(8)


def encode(kind, value, context):
    return kind.encode(value, context)


def decode(kind, data, context):
    """The value that is exactly these bytes."""
    reader = Reader(bytes(data))
    value = kind.decode(reader, context)
    if reader.at != len(data):
        raise Refused("codec: bytes are left over")
    return value
