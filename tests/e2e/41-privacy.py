#!/usr/bin/env python3
# Goal of this test: who asks for an address leaves no trace of it, and nobody gets a list.  Addresses that were certified,
# looked up, misspelt or never known stand in no log line, metric, error text, cacheable answer or feed, in no spelling;
# no interface gives anything to a request that does not name a complete address, a hash or a token; look-ups are limited.

import base64
import json
import urllib.parse

import tree
from ca import CN, Authority, write_pem
from expected import domain_label, mailbox_label
from house import Log, run
from stranger import Replay, Stranger, newest, wait_covered

from kt import extensions
from kt.messages import (ContactMonitorRequest, LabelValue, MonitorMapEntry, OwnerInitRequest, OwnerMonitorRequest,
                         SearchRequest, UpdateRequest)

# Words that stand nowhere else.
KNOWN = [f"zqx{w}vkj@hidden-{w}.example" for w in ("anton", "berta", "caesar", "dora")]
UNKNOWN = ["zqxemilvkj@hidden-anton.example", "zqxfritzvkj@nowhere-zqx.example"]
# What is no complete address, whatever one may hope to get for it.
INCOMPLETE = ["", "*", "%", "@", "@hidden-anton.example",
              "hidden-anton.example", "zqxantonvkj", "zqxantonvkj@", "zqxanton*@hidden-anton.example@",
              "zqxantonvkj@*.example", "zqxantonvkj@hidden-anton.example,zqxbertavkj@hidden-berta.example",
              "Anton <zqxantonvkj@hidden-anton.example>", "zqxantonvkj@[127.0.0.1]", "zqxantonvkj@hidden_anton.example",
              "zqxantonvkj@hidden-anton.example\n", "zqxantonvkj@hidden-anton.example\0", "\"zqxantonvkj@hidden",
              "zqxantonvkj@" + "x" * 300 + ".example", "zqxantonvkj" * 1000 + "@hidden-anton.example"]
# Complete addresses, of nobody.
HOPEFUL = ["*@hidden-anton.example", "%@hidden-anton.example", "zqxantonvk*@hidden-anton.example", "_@hidden-anton.example",
           "zqxantonvk@hidden-anton.example"]
WORDS = sorted({a.split("@")[0] for a in KNOWN + UNKNOWN} | {a.split("@")[1] for a in KNOWN + UNKNOWN})


def spellings(word):
    """The word as it may be written: raw, hex, base64 at each of three places, percent-encoded."""
    raw = word.encode()
    out = {raw, raw.upper(), raw.hex().encode(), raw.hex().upper().encode(),
           "".join(f"%{b:02x}" for b in raw).encode(), "".join(f"%{b:02X}" for b in raw).encode(),
           urllib.parse.quote(word).encode(), "".join(f"\\u{b:04x}" for b in raw).encode(),
           ":".join(f"{b:02x}" for b in raw).encode()}
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + raw)
        inner = coded[{0: 0, 1: 2, 2: 3}[shift]:(len(raw) + shift) // 3 * 4]
        out |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return out


FORMS = {form: word for word in WORDS for form in spellings(word)}


def trace(data):
    """The word whose spelling stands in data, None."""
    return next((word for form, word in FORMS.items() if form in data), None)


class Scene:
    def __init__(self, house, checks):
        self.house, self.checks = house, checks
        self.root = Authority("Privacy Root")
        self.ca = Authority("Privacy CA", self.root)
        self.roots = write_pem(house.path("roots.pem"), self.root.der)
        self.log = Log(house, roots=self.roots, entries="auditors", lookup_rate=100000, lookup_burst=100000).start()
        self.refusals = []

    def said(self, says, answer):
        """An answer that may not name what it was asked for: a refusal."""
        if self.checks.that(answer is not None, f"{says}: an answer"):
            self.refusals.append(answer)
            self.checks.equal(trace(answer.head + answer.body), None, f"{says}: names nobody")
        return answer

    def private(self, says, answer):
        """A look-up's answer is kept by nobody on its way, told to nobody, and found by no search engine."""
        self.checks.equal(answer.header("Cache-Control"), "no-store", f"{says}: no-store")
        self.checks.equal(answer.header("Referrer-Policy"), "no-referrer", f"{says}: no-referrer")
        self.checks.that("noindex" in str(answer.header("X-Robots-Tag")), f"{says}: noindex", answer.head)
        self.checks.equal(trace(answer.head), None, f"{says}: no field of its head names anybody")


def lookup(log, address, headers=(), **more):
    return log.ask("/v1/lookup", "POST", json.dumps({"address": address, **more}).encode(), headers)


def submissions(scene):
    """Certificates that are taken, and refused ones with an address in them."""
    last = 0
    for address in KNOWN:
        for chain in (scene.ca.issue(address), scene.ca.issue(address, subject=((CN, address),))):
            answer = scene.log.add(chain)
            scene.checks.equal(answer.status, 200, "a chain is taken")
            last = tree.leaf_index(base64.b64decode(answer.json()["extensions"]))
    stranger = Authority("Unknown Root")
    scene.said("a chain to an unknown root", scene.log.add(stranger.issue(KNOWN[0])))
    scene.said("a leaf that its issuer did not sign", scene.log.add([stranger.leaf(KNOWN[0])] + scene.ca.chain()))
    scene.said("a precertificate as a certificate", scene.log.add(scene.ca.issue(KNOWN[0], poison=True)))
    scene.said("a damaged leaf", scene.log.add([scene.ca.leaf(KNOWN[0])[:-3]] + scene.ca.chain()))
    scene.checks.that(wait_covered(scene.log, last, 60) is not None, "the directory holds them")


def look_ups(scene):
    """Complete addresses are answered, by whoever asks; nothing else is."""
    person = Stranger(scene.log)
    for address in KNOWN:
        answer = lookup(scene.log, address)
        scene.checks.equal(answer.status, 200, "a known address")
        scene.private("a known address", answer)
        scene.checks.that(person.lookup(address)["state"].records, "and its proofs hold")
        scene.private("as of a time", lookup(scene.log, address, at=person.now()))
    for address in UNKNOWN:
        answer = lookup(scene.log, address)
        scene.checks.equal(answer.status, 404, "an unknown address")
        scene.private("an unknown address", answer)
        scene.checks.that(person.lookup(address).get("absent"), "and it is proved")
    for address in INCOMPLETE:
        says = f"incomplete: {address[:40]!r}"
        answer = scene.said(says, lookup(scene.log, address))
        scene.checks.that(answer.status in (400, 413, 404) and answer.problem() is not None, says, (answer.status, answer.body))
        scene.private(says, answer)
        form = scene.said(says, scene.log.ask("/v1/lookup", "POST", urllib.parse.urlencode({"address": address}).encode(),
                                              [("Content-Type", "application/x-www-form-urlencoded")]))
        scene.checks.that(form.status in (400, 413, 404) and form.problem() is not None, says + ", form", form.status)
    for address in HOPEFUL:
        scene.checks.that(person.lookup(address).get("absent"), f"{address} stands for nobody else")
    sizes = {}
    for a in KNOWN + UNKNOWN + HOPEFUL:
        answer = lookup(scene.log, a)
        sizes[a] = (len(answer.head), len(answer.body))
    scene.checks.equal(len(set(sizes.values())), 1,
                       f"who has a certificate cannot be told from the length of a head or a body {sizes}")


def wrong_look_ups(scene):
    """Bodies that are no question; the address in a URL."""
    a = KNOWN[0]
    bodies = [b"", b"{}", b"[]", json.dumps({"address": [a]}).encode(), json.dumps({"address": a, "at": a}).encode(),
              json.dumps({"address": a, "last": -1}).encode(), json.dumps({"address": a, "last": 2**40}).encode(),
              json.dumps({"address": a, "at": 1.5}).encode(), b'{"address":"%s","address":"%s"}' % (a.encode(), a.encode()),
              b'{"address":"%s"' % a.encode(), b'{"address":"%s\xff"}' % a.encode(), a.encode(),
              json.dumps({"addresses": KNOWN}).encode()]
    for body in bodies:
        answer = scene.said(f"no question: {body[:30]!r}", scene.log.ask("/v1/lookup", "POST", body))
        scene.checks.that(answer.status == 400 and answer.problem(), f"no question: {body[:60]!r}",
                          (answer.status, answer.body[:200]))
    quoted = urllib.parse.quote(a)
    for path in (f"/v1/lookup?address={quoted}", f"/v1/lookup/{quoted}", f"/kt/v1/search?label={quoted}",
                 f"/{quoted}", f"/feed/additions/{quoted}", f"/feed/anchor?size={quoted}", f"/issuer/{quoted}",
                 f"/ct/v1/get-entries?start=0&end={quoted}", f"/ct/v1/get-proof-by-hash?hash={quoted}&tree_size=1"):
        for method in ("GET", "POST"):
            answer = scene.said(f"{method} with an address in its path", scene.log.ask(
                path, method, b"{}" if method == "POST" else None))
            scene.checks.that(answer.status >= 400 or path.startswith(("/v1/lookup?", "/kt/")),
                              f"{method} {path[:24]}… gives nothing", answer.status)


def protocol(scene):
    """KEYTRANS requests: answers are private; refusals name nobody."""
    person = Stranger(scene.log)
    label, none = mailbox_label(KNOWN[0]), mailbox_label(UNKNOWN[0])
    rows = [("search", SearchRequest(last=None, label=label, version=None), 200),
            ("search", SearchRequest(last=None, label=label, version=9), 404),
            ("search", SearchRequest(last=None, label=none, version=None), 404),
            ("search", SearchRequest(last=None, label=none, version=0), 404),
            ("as-of", extensions.AsOfRequest(last=None, label=label, time=person.now()), 200),
            ("contact-monitor", ContactMonitorRequest(last=None, label=label, entries=[MonitorMapEntry(position=99, version=9)]),
             400),
            ("owner-init", OwnerInitRequest(last=None, label=label, start=999), 400),
            ("owner-monitor", OwnerMonitorRequest(last=None, label=label, entries=[], start=999, greatest_version=9), 400),
            ("update", UpdateRequest(last=None, label=label, greatest_version=99, values=[]), 400),
            ("update", UpdateRequest(last=None, label=label, greatest_version=0, values=[LabelValue(value=label)]), None)]
    for kind, request, status in rows:
        answer = person.post(kind, request)
        scene.checks.that(status in (None, answer.status), f"{kind}: {status}", (answer.status, answer.body[:100]))
        scene.private(kind, answer)
        if answer.problem() is not None:
            scene.said(kind, answer)
    # A domain's label tells a number and a root; a part of a label is another label, without anything.
    state = person.search(domain_label(KNOWN[0].split("@")[1]))["value"]
    scene.checks.equal((len(state), trace(state)), (41, None), "a domain's value names nobody")
    for n in (2, 5, label.index(b"@") + 1):
        answer = scene.said("the front of a label", person.post("search", SearchRequest(last=None, label=label[:n], version=None)))
        scene.checks.equal(answer.status, 400, "the front of a label is none")
    scene.checks.that(person.absent(label[:-1])["absent"], "a shorter domain is another one")


def lists(scene):
    """What anybody may read without naming anyone."""
    size = scene.log.sth()["tree_size"]
    for path in (f"/ct/v1/get-entries?start=0&end={size - 1}", f"/ct/v1/get-entry-and-proof?leaf_index=0&tree_size={size}",
                 f"/tile/data/000.p/{size}"):
        scene.checks.equal(scene.said(path, scene.log.ask(path)).status, 403, f"{path} without a token")
    Replay(scene.log).up_to_date()
    feed = newest(scene.log)[0]
    paths = ["/metrics", "/health", "/log.v3.json", "/checkpoint", "/ct/v1/get-sth", "/ct/v1/get-roots", "/feed/checkpoint",
             f"/feed/tile/entries/000.p/{feed}", f"/feed/tile/0/000.p/{feed}", f"/feed/anchor?size={feed}",
             f"/tile/0/000.p/{size}", "/kt/v1/configuration"]
    paths += [f"/feed/additions/{i}" for i in range(feed)]
    for path in paths:
        answer = scene.log.ask(path)
        scene.checks.equal(answer.status, 200, path)
        scene.checks.equal(trace(answer.head + answer.body), None, f"{path} names nobody")


def limits(house, checks, roots):
    """So many at once, then so many a minute, for each network of its own."""
    log = Log(house, name="limited", roots=roots, origin="limited.example/log", lookup_rate=6, lookup_burst=3,
              trusted_proxy="127.0.0.0/8").start()

    def ask(client, address="nobody@nowhere.example"):
        return lookup(log, address, [("X-Forwarded-For", client)])

    got = [ask("192.0.2.1") for _ in range(5)]
    checks.equal([a.status for a in got], [404, 404, 404, 429, 429], "three at once, then no more")
    refused = got[-1]
    checks.that(refused.problem() and str(refused.header("Retry-After")).isdigit(), "a refusal says when to come back",
                refused.head)
    checks.equal(ask("192.0.2.77").status, 429, "the same /24")
    checks.equal(ask("192.0.3.1").status, 404, "another /24")
    checks.equal([ask(f"2001:db8:0:{n:x}::1").status for n in range(4)], [404, 404, 404, 429], "an IPv6 /56")
    checks.equal(ask("2001:db8:1::1").status, 404, "another /56")
    checks.equal(ask("192.0.2.1", "*@nowhere.example").status in (400, 429), True, "a wrong question is one, too")
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(trace(log.lines().encode()), None, "its log lines")


def scenario(house, checks):
    scene = Scene(house, checks)
    submissions(scene)
    look_ups(scene)
    wrong_look_ups(scene)
    protocol(scene)
    lists(scene)
    metrics = scene.log.ask("/metrics").body
    checks.equal(trace(metrics), None, "metrics name nobody")
    for address in KNOWN + UNKNOWN:
        checks.that(address.encode() not in metrics, "metrics")
    checks.equal(scene.log.stop(), 0, "SIGTERM")
    checks.equal(trace(scene.log.lines().encode()), None, "log lines name nobody")
    checks.that(trace(b"x " + base64.b64encode(b"?" + KNOWN[0].encode()) + b" x") is not None
                and trace(KNOWN[1].encode().hex().encode()) is not None, "a trace would be found")
    limits(house, checks, scene.roots)


run("41-privacy", scenario)
