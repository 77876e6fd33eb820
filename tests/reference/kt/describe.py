"""Descriptions in JSON: a log and requests to it, in; structs and states, out.  Byte strings are hex, numbers are numbers.

A description:

    {"config": {"signature_secret": HEX32, "vrf_secret": HEX32, "max_ahead": MS, "max_behind": MS,
                "reasonable_monitoring_window": MS, "maximum_lifetime": MS or null},
     "entries": [{"timestamp": MS, "updates": [{"label": HEX, "value": HEX, "opening": HEX16}, ...]}, ...],
     "requests": [{"name": any text, "kind": KIND, "at": entries in the tree that answers (default: all), ...}, ...]}

"opening" may be left out: then it is SHA-256("opening" || label || uint32 version), its first 16 bytes.  What a request has
besides, by kind ("last" may be left out or null, it is the size the user saw):

    search             label, version (or null), last
    contact-monitor    label, entries [[position, version], ...], last
    owner-init         label, start, last
    owner-monitor      label, entries, start, greatest_version (or null), last; ladders: limit of the server (64)
    update             label, greatest_version (or null), values [HEX, ...], last; created: true if these values are what
                       the request itself created (they must stand in "entries" all the same)
    distinguished      stop (or null), last
    absence            label, last                                     (FORMATS.md, like the next)
    as-of              label, time, last
    credential         label, position, type ("standard" or "provisional")
    credential-update  label, version, terminal, tree_size; "at" is the distinguished entry's position + 1
"""

import hashlib

from . import credential, ed25519, extensions
from .codec import encode
from .messages import (ContactMonitorRequest, ContactMonitorResponse, DistinguishedRequest, DistinguishedResponse,
                       FixedSearchResponse, GreatestSearchResponse, LabelValue, MonitorMapEntry, OwnerInitRequest,
                       OwnerInitResponse, OwnerMonitorRequest, OwnerMonitorResponse, SearchRequest, UpdateRequest,
                       UpdateResponse)
from .server import Log
from .structs import CONTACT, SUITE, Configuration

REQUESTS = {
    "search": SearchRequest,
    "contact-monitor": ContactMonitorRequest,
    "owner-init": OwnerInitRequest,
    "owner-monitor": OwnerMonitorRequest,
    "update": UpdateRequest,
    "distinguished": DistinguishedRequest,
    "absence": SearchRequest,
    "as-of": extensions.AsOfRequest,
}


def configuration(text):
    """A Configuration out of the secrets and limits of a description."""
    return Configuration(
        ciphersuite=SUITE, mode=CONTACT,
        signature_public_key=ed25519.public_key(bytes.fromhex(text["signature_secret"])),
        vrf_public_key=ed25519.public_key(bytes.fromhex(text["vrf_secret"])),
        max_ahead=text["max_ahead"], max_behind=text["max_behind"],
        reasonable_monitoring_window=text["reasonable_monitoring_window"],
        maximum_lifetime=text.get("maximum_lifetime"))


def default_opening(label, version):
    return hashlib.sha256(b"opening" + label + version.to_bytes(4, "big")).digest()[:16]


def log(text):
    """The Log that a description describes."""
    out = Log(configuration(text["config"]), bytes.fromhex(text["config"]["signature_secret"]),
              bytes.fromhex(text["config"]["vrf_secret"]))
    counts = {}
    for entry in text["entries"]:
        updates = []
        for update in entry["updates"]:
            label = bytes.fromhex(update["label"])
            version = counts.get(label, 0)
            counts[label] = version + 1
            opening = bytes.fromhex(update["opening"]) if "opening" in update else default_opening(label, version)
            updates.append((label, bytes.fromhex(update["value"]), opening))
        out.append(entry["timestamp"], updates)
    return out


def request(text):
    """The request struct that a description of one stands for."""
    kind = REQUESTS[text["kind"]]
    values = {"last": text.get("last")}
    for name, *_ in kind.fields:
        if name == "label":
            values[name] = bytes.fromhex(text[name])
        elif name == "entries":
            values[name] = [MonitorMapEntry(position=p, version=v) for p, v in text[name]]
        elif name == "values":
            values[name] = [LabelValue(value=bytes.fromhex(v)) for v in text.get(name, [])]
        elif name != "last":
            values[name] = text.get(name)
    return kind(**values)


def response_kind(kind, asked):
    """The struct that answers a request."""
    if kind == "search":
        return GreatestSearchResponse if asked.version is None else FixedSearchResponse
    return {"contact-monitor": ContactMonitorResponse, "owner-init": OwnerInitResponse,
            "owner-monitor": OwnerMonitorResponse, "update": UpdateResponse,
            "distinguished": DistinguishedResponse, "absence": extensions.AbsenceResponse,
            "as-of": extensions.AsOfResponse}[kind]


def respond(view, kind, asked, **extra):
    """The response struct of a server's View."""
    if kind in ("absence", "as-of"):
        return (extensions.absence if kind == "absence" else extensions.as_of)(view, asked)
    return getattr(view, kind.replace("-", "_"))(asked, **extra)


def answer(view, text):
    """(request bytes or None, answer bytes) of a request of a description to a server's View; may raise Refused."""
    kind = text["kind"]
    if kind == "credential":
        make = {"standard": credential.standard, "provisional": credential.provisional}[text["type"]]
        return None, make(view, bytes.fromhex(text["label"]), text["position"])
    if kind == "credential-update":
        return None, credential.update(view, bytes.fromhex(text["label"]), text["version"], text["terminal"],
                                       text["tree_size"])
    asked = request(text)
    extra = {k: text[k] for k in ("ladders", "created") if k in text}
    response = respond(view, kind, asked, **extra)
    return (encode(REQUESTS[kind], asked, CONTACT), encode(response_kind(kind, asked), response, CONTACT))


def plain(value):
    """Anything with byte strings in it as JSON: bytes become hex, structs and their lists objects."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k.hex() if isinstance(k, bytes) else str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "to_json"):
        return value.to_json()
    return plain(vars(value)) if hasattr(value, "__dict__") else value
