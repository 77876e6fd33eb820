#!/usr/bin/env python3
# Goal of this test: everything that can be read from a log is what RFC 6962 and static-ct-api say, proofs by the
# judgement of tree.py; every wrong parameter is refused in one stable way; and what caches, fronts and browsers rely
# on (headers, HEAD, gzip, keep-alive, order) holds.

import base64
import gzip
import hashlib
import json
import signal
import urllib.parse

import tree
from house import Leaves, Log, b64, run, until

SIZE = 600
SMALL = 40
BIG = str(2 ** 64)
HASH = urllib.parse.quote(b64(b"\x01" * 32), safe="")


def get_hashes(h, path, key):
    return [base64.b64decode(x) for x in h.ask(path).json()[key]]


def check_proofs(checks, log, leaves):
    """All pairs of sizes up to 40, every index of them, and some of the large tree."""
    hashes = [tree.leaf_hash(leaf) for leaf in leaves]
    roots = [tree.root_of(hashes[:n]) for n in range(SMALL + 1)]
    large = {n: tree.root_of(hashes[:n]) for n in (255, 256, 257, 511, 512, 513, 599, 600)}
    large.update(enumerate(roots))
    with log.http() as h:
        for second in [*range(1, SMALL + 1), *sorted(n for n in large if n > SMALL)]:
            for first in sorted(n for n in large if n <= second):
                path = get_hashes(h, f"/ct/v1/get-sth-consistency?first={first}&second={second}", "consistency")
                checks.that(tree.consistent(first, second, large[first], large[second], path),
                            f"consistency {first} {second}")
                if path:
                    wrong = [bytes([path[0][0] ^ 1]) + path[0][1:], *path[1:]]
                    checks.that(not tree.consistent(first, second, large[first], large[second], wrong),
                                f"consistency {first} {second}: not with another hash")
        for size in [*range(1, SMALL + 1), 256, 257, 600]:
            for index in range(size) if size <= SMALL else range(0, size, 37):
                name = urllib.parse.quote(b64(hashes[index]), safe="")
                got = h.ask(f"/ct/v1/get-proof-by-hash?hash={name}&tree_size={size}").json()
                path = [base64.b64decode(x) for x in got["audit_path"]]
                checks.equal(got["leaf_index"], index, f"get-proof-by-hash {index} {size}: leaf_index")
                checks.that(tree.inclusion_root(hashes[index], index, size, path) == large[size],
                            f"inclusion {index} {size}")
                both = h.ask(f"/ct/v1/get-entry-and-proof?leaf_index={index}&tree_size={size}").json()
                checks.that(both["audit_path"] == got["audit_path"] and
                            base64.b64decode(both["leaf_input"]) == leaves[index],
                            f"get-entry-and-proof {index} {size}")
        checks.equal(h.ask("/ct/v1/get-sth").json()["sha256_root_hash"], b64(large[SIZE]), "the head's root")


def check_entries(checks, h):
    """Answers hold what was asked for, up to the cap, up to the tree's end."""
    rows = [(0, 0, 1), (0, 255, 256), (0, 256, 256), (0, 2 ** 64 - 1, 256), (599, 599, 1), (599, 10 ** 9, 1),
            (500, 599, 100), (500, 2000, 100), (343, 599, 256)]
    for start, end, n in rows:
        got = h.ask(f"/ct/v1/get-entries?start={start}&end={end}")
        checks.equal((got.status, len(got.json()["entries"])), (200, n), f"get-entries {start} {end}")


def check_tiles(checks, log, leaves):
    """Tiles of every width: a partial tile is a prefix of the full one."""
    level0 = [tree.leaf_hash(leaf) for leaf in leaves]
    level1 = [tree.root_of(level0[i:i + 256]) for i in (0, 256)]
    with log.http() as h:
        for level, n, hashes in [(0, 0, level0[:256]), (0, 1, level0[256:512]), (0, 2, level0[512:]), (1, 0, level1)]:
            for width in range(1, len(hashes) + 1):
                path = f"/tile/{level}/{n:03d}" + (f".p/{width}" if width < 256 else "")
                got = h.ask(path)
                checks.that(got.status == 200 and got.body == b"".join(hashes[:width]), path)
        for n, count in [(0, 256), (1, 256), (2, 88)]:
            for width in range(1, count + 1):
                path = f"/tile/data/{n:03d}" + (f".p/{width}" if width < 256 else "")
                got = [leaf for leaf, _, _ in tree.take_data_tile(h.ask(path).body)]
                checks.that(got == leaves[n * 256:n * 256 + width], path)


# path, status, problem
WRONG = [
    # get-sth-consistency
    ("get-sth-consistency", 400, "bad-parameter"),
    ("get-sth-consistency?", 400, "bad-parameter"),
    ("get-sth-consistency?first=1", 400, "bad-parameter"),
    ("get-sth-consistency?second=1", 400, "bad-parameter"),
    ("get-sth-consistency?first=&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=", 400, "bad-parameter"),
    ("get-sth-consistency?first&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&first=1&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=2&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=-1&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=-0&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=+1&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=%2B1&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=" + BIG, 400, "bad-parameter"),
    ("get-sth-consistency?first=" + BIG + "&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=18446744073709551617", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=" + "9" * 60, 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=" + "1" * 500, 400, "bad-parameter"),
    ("get-sth-consistency?first=01&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=00&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=2.0", 400, "bad-parameter"),
    ("get-sth-consistency?first=1&second=2e0", 400, "bad-parameter"),
    ("get-sth-consistency?first=0x1&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=one&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1%20&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=%201&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1%00&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1,2&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=1;second=2", 400, "bad-parameter"),
    ("get-sth-consistency?First=1&Second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=%EF%BC%91&second=2", 400, "bad-parameter"),
    ("get-sth-consistency?first=2&second=1", 400, "out-of-range"),
    ("get-sth-consistency?first=1&second=601", 400, "out-of-range"),
    ("get-sth-consistency?first=601&second=601", 400, "out-of-range"),
    ("get-sth-consistency?first=1&second=18446744073709551615", 400, "out-of-range"),
    ("get-sth-consistency?first=1&second=9223372036854775808", 400, "out-of-range"),
    ("get-sth-consistency?first=1%zz&second=2", 400, "bad-request"),
    ("get-sth-consistency?first=1%&second=2", 400, "bad-request"),
    ("get-sth-consistency?first=1%4&second=2", 400, "bad-request"),
    ("get-sth-consistency?first=1&second=2#here", 400, "bad-request"),
    ("get-sth-consistency?first=1&second=2&" + "&".join(f"a{i}=1" for i in range(40)), 400, "bad-parameter"),
    # get-proof-by-hash
    ("get-proof-by-hash", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH, 400, "bad-parameter"),
    ("get-proof-by-hash?tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "&tree_size=0", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "&tree_size=-1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "&tree_size=007", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "&tree_size=" + BIG, 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "&hash=" + HASH + "&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "&tree_size=1&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + urllib.parse.quote(b64(b"\1" * 31)) + "&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + urllib.parse.quote(b64(b"\1" * 33)) + "&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + urllib.parse.quote(b64(b"\1" * 48)) + "&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + b64(b"\1" * 32).rstrip("=") + "&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "%3D&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH[:-4] + "F%3D&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=+" + "A" * 42 + "%3D&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=_" + "A" * 42 + "%3D&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=-" + "A" * 42 + "%3D&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=%0A" + HASH + "&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + "01" * 32 + "&tree_size=1", 400, "bad-parameter"),
    ("get-proof-by-hash?hash=" + HASH + "&tree_size=1", 404, "unknown-hash"),
    ("get-proof-by-hash?hash=" + HASH + "&tree_size=18446744073709551615", 404, "unknown-hash"),
    # get-entries
    ("get-entries", 400, "bad-parameter"),
    ("get-entries?start=0", 400, "bad-parameter"),
    ("get-entries?end=0", 400, "bad-parameter"),
    ("get-entries?start=&end=", 400, "bad-parameter"),
    ("get-entries?start=0&end=-1", 400, "bad-parameter"),
    ("get-entries?start=0&start=0&end=1", 400, "bad-parameter"),
    ("get-entries?start=00&end=1", 400, "bad-parameter"),
    ("get-entries?start=0&end=" + BIG, 400, "bad-parameter"),
    ("get-entries?start=1&end=0", 400, "out-of-range"),
    ("get-entries?start=600&end=600", 400, "out-of-range"),
    ("get-entries?start=600&end=18446744073709551615", 400, "out-of-range"),
    ("get-entries?start=18446744073709551615&end=18446744073709551615", 400, "out-of-range"),
    # get-entry-and-proof
    ("get-entry-and-proof", 400, "bad-parameter"),
    ("get-entry-and-proof?leaf_index=0", 400, "bad-parameter"),
    ("get-entry-and-proof?tree_size=1", 400, "bad-parameter"),
    ("get-entry-and-proof?leaf_index=a&tree_size=1", 400, "bad-parameter"),
    ("get-entry-and-proof?leaf_index=0&tree_size=1&tree_size=2", 400, "bad-parameter"),
    ("get-entry-and-proof?leaf_index=0&tree_size=" + BIG, 400, "bad-parameter"),
    ("get-entry-and-proof?leaf_index=0&tree_size=0", 400, "out-of-range"),
    ("get-entry-and-proof?leaf_index=1&tree_size=1", 400, "out-of-range"),
    ("get-entry-and-proof?leaf_index=0&tree_size=601", 400, "out-of-range"),
    # paths that are not there
    ("", 404, "not-found"),
    ("get-sth/", 404, "not-found"),
    ("get-STH", 404, "not-found"),
    ("get%2Dsth", 404, "not-found"),
    ("../v1/get-sth", 404, "not-found"),
    ("./get-sth", 404, "not-found"),
    ("/get-sth", 404, "not-found"),
    ("get-sth;v=1", 404, "not-found"),
    ("add-chain", 405, "method-not-allowed"),
    ("add-pre-chain", 405, "method-not-allowed"),
]

# The same for tiles, issuers and the rest: paths by what they get.
WRONG_PATHS = [
    (404, "not-found", [
        "/tile", "/issuer", "/checkpoint/", "/checkpoints", "/nothing", "/health/x", "/log.v3.json.gz", "/Metrics"]),
    (400, "bad-encoding", [
        "/tile/", "/tile/0", "/tile/0/", "/tile/0/0", "/tile/0/00", "/tile/0/0000", "/tile/0/-01", "/tile/00/000",
        "/tile/8/000", "/tile/64/000", "/tile/a/000", "/tile/0/000/", "/tile/0/000.p", "/tile/0/000.p/",
        "/tile/0/000.p/0", "/tile/0/000.p/00", "/tile/0/000.p/01", "/tile/0/000.p/256", "/tile/0/000.p/257",
        "/tile/0/000.p/-1", "/tile/0/000.p/1/", "/tile/0/000.P/1", "/tile/0/x000/000", "/tile/0/x000",
        "/tile/0/001/000", "/tile/0/x001/x000", "/tile/0/%30%30%30", "/tile/0/000%2Ep/1", "/tile/data",
        "/tile/data/", "/tile/data/00", "/tile/data/000.p/256", "/tile/data/0/000", "/issuer/", "/issuer/00",
        "/issuer/" + "0" * 63, "/issuer/" + "0" * 65, "/issuer/" + "G" * 64, "/issuer/" + "A" * 64]),
    (404, "absent", [
        "/tile/0/002", "/tile/0/002.p/89", "/tile/0/003.p/1", "/tile/0/x001/000", "/tile/1/000", "/tile/1/000.p/3",
        "/tile/1/001.p/1", "/tile/2/000.p/1", "/tile/5/000.p/1", "/tile/6/000", "/tile/7/000.p/1", "/tile/data/002",
        "/tile/data/002.p/89", "/tile/data/003.p/1", "/tile/entries/000", "/issuer/" + "0" * 64]),
    (400, "bad-number", [
        "/tile/0/x999/x999/x999/x999/x999/x999/999"]),
]


def check_wrong(checks, log):
    """Each wrong question: its status, its stable type, and a connection that lives on unless HTTP itself was broken."""
    rows = [("/ct/v1/" + path, status, problem) for path, status, problem in WRONG]
    rows += [(path, status, problem) for status, problem, paths in WRONG_PATHS for path in paths]
    h = log.http()
    for path, status, problem in rows:
        got = h.ask(path)
        says = f"GET {path[:90]}"
        if not checks.that(got is not None, f"{says}: an answer"):
            h = log.http()
            continue
        checks.equal(got.status, status, f"{says}: status")
        seen = got.problem()
        checks.equal(seen, problem, f"{says}: problem")
        checks.equal(got.header("Cache-Control"), "no-store", f"{says}: is not kept")
        document = got.json() if seen else {}
        checks.that(set(document) <= {"type", "title", "status", "detail"} and document.get("title"),
                    f"{says}: the document", document)
        if got.header("Connection") == "close":
            checks.that(h.ended(), f"{says}: ends as it says")
            checks.equal(seen, "bad-request", f"{says}: only a broken request ends the connection")
            h = log.http()
    print(f"wrong questions: {len(rows)}")
    h.close()


DAY, NEVER = "public, max-age=86400", "no-store"
FOREVER = "public, max-age=31536000, immutable"
JSON, OCTETS, TEXT = "application/json", "application/octet-stream", "text/plain; charset=utf-8"


def readable(hashes):
    name = urllib.parse.quote(b64(hashes[7]), safe="")
    return [
        ("/ct/v1/get-sth", JSON, NEVER), ("/ct/v1/get-sth?x=1", JSON, NEVER),
        ("/ct/v1/get-sth-consistency?first=3&second=600", JSON, DAY),
        ("/ct/v1/get-sth-consistency?first=0&second=0", JSON, DAY),
        ("/ct/v1/get-sth-consistency?second=600&first=%33&other=a%20b", JSON, DAY),
        (f"/ct/v1/get-proof-by-hash?hash={name}&tree_size=600", JSON, DAY),
        ("/ct/v1/get-entries?start=0&end=20", JSON, DAY), ("/ct/v1/get-entries?start=590&end=700", JSON, NEVER),
        ("/ct/v1/get-roots", JSON, NEVER),
        ("/ct/v1/get-entry-and-proof?leaf_index=3&tree_size=600", JSON, DAY),
        ("/checkpoint", TEXT, NEVER), ("/tile/0/000", OCTETS, FOREVER), ("/tile/0/002.p/88", OCTETS, FOREVER),
        ("/tile/data/000", OCTETS, FOREVER), ("/tile/data/002.p/3", OCTETS, FOREVER),
        ("/health", JSON, NEVER), ("/log.v3.json", JSON, NEVER),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8", NEVER),
    ]


def without_date(answer):
    return [(n, v) for n, v in answer.headers if n != "Date"]


def check_headers(checks, log, hashes):
    """Types, caching, HEAD, gzip, requests with conditions: each path once for each."""
    with log.http() as h:
        for path, kind, cache in readable(hashes):
            got = h.ask(path)
            checks.equal((got.status, got.header("Content-Type"), got.header("Cache-Control")), (200, kind, cache), path)
            checks.that(got.header("Date") is not None, f"{path}: Date")
            head = h.ask(path, "HEAD")
            checks.equal(head.body, b"", f"HEAD {path}: no body")
            if path not in ("/metrics", "/health", "/ct/v1/get-sth", "/checkpoint"):
                checks.equal(without_date(head), without_date(got), f"HEAD {path}: the headers of GET")
                for name, value in [("If-None-Match", "*"), ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),
                                    ("Range", "bytes=0-0")]:
                    other = h.ask(path, headers=[(name, value)])
                    checks.that((other.status, other.body) == (200, got.body), f"{path}: whole in spite of {name}")
            small = h.ask(path, headers=[("Accept-Encoding", "br;q=1.0, gzip;q=0.8, *;q=0")])
            packed = small.header("Content-Encoding") == "gzip"
            if packed and path != "/metrics":
                checks.that(gzip.decompress(small.body) == got.body, f"{path}: gzip holds the same")
            if packed:
                checks.equal(small.header("Vary"), "Accept-Encoding", f"{path}: Vary")
                checks.equal(got.header("Vary"), "Accept-Encoding", f"{path}: Vary where it was not asked for too")
            checks.that(packed or len(got.body) < 1024 or kind in (OCTETS, TEXT), f"{path}: large text is packed")
            for refused in ("identity", "gzip;q=0", "*;q=0", "deflate", ""):
                plain = h.ask(path, headers=[("Accept-Encoding", refused)])
                checks.equal(plain.header("Content-Encoding"), None, f"{path}: no gzip for \"{refused}\"")
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                wrong = h.ask(path, method, b"")
                checks.equal((wrong.status, wrong.header("Allow"), wrong.problem()),
                             (405, "GET, HEAD, OPTIONS", "method-not-allowed"), f"{method} {path}")
        checks.equal(gzip.decompress(h.ask("/tile/data/000", headers=[("Accept-Encoding", "gzip")]).body),
                     h.ask("/tile/data/000").body, "data tiles are packed")


def check_connection(checks, log):
    """Pipelined requests are answered in order, also where workers answer some; keep-alive by version."""
    paths = [f"/ct/v1/get-entries?start={i}&end={i + 40}" if i % 3 else f"/tile/0/000.p/{i + 1}" for i in range(120)]
    with log.http() as h:
        singly = [h.ask(p).body for p in paths]
        h.send("".join(f"GET {p} HTTP/1.1\r\nHost: h\r\n\r\n" for p in paths).encode())
        got = [h.answer() for _ in paths]
        checks.that([g and g.body for g in got] == singly, "pipelined answers come in order")
        h.send(b"\r\n\r\nGET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        checks.equal(h.answer().status, 200, "empty lines before a request are passed over")
        h.send(b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        checks.equal(h.answer().header("Connection"), "close", "close is answered by close")
        checks.that(h.ended(), "and nothing follows")
    for version, field, kept in [("1.0", "", False), ("1.0", "Connection: keep-alive\r\n", True),
                                 ("1.1", "", True), ("1.1", "Connection: close\r\n", False)]:
        with log.http() as h:
            h.send(f"GET /health HTTP/{version}\r\nHost: h\r\n{field}\r\n".encode())
            checks.equal(h.answer().status, 200, f"HTTP/{version} {field!r}")
            h.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
            checks.equal(h.answer() is not None, kept, f"HTTP/{version} {field!r}: is kept or not")
    with log.http() as h:
        h.send(b"GET /ct/v1/get-sth HTTP/1.1\r\nHo")
        h.send(b"st: h\r\n\r")
        h.send(b"\n")
        checks.equal(h.answer().status, 200, "a request in pieces")
        for byte in b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n":
            h.send(bytes([byte]))
        checks.equal(h.answer().status, 200, "a request byte by byte")
        for path in ("/ct/v1/get-sth", "/ct/v1/add-chain", "*"):
            got = h.ask(path, "OPTIONS")
            checks.that(got.status in (200, 204) and got.body == b"", f"OPTIONS {path}", got.head)


BODIES = ["/ct/v1/get-entries?start=0&end=0", "/ct/v1/get-entry-and-proof?leaf_index=0&tree_size=1",
          "/tile/data/000.p/1"]
OPEN = ["/ct/v1/get-sth", "/ct/v1/get-sth-consistency?first=0&second=1", "/ct/v1/get-roots", "/checkpoint",
        "/tile/0/000.p/1", "/health", "/metrics", "/log.v3.json"]


def check_auditors(house, checks, leaves):
    """Bodies of entries for auditors only; everything else for everyone."""
    log = Log(house, "closed", roots=leaves.roots, entries="auditors", origin="e2e.example/closed").start()
    log.add_many(leaves.chains(0, 3))
    code, token, err = house.cartularyd("token", log.dir, "add", "anna")
    checks.equal(code, 0, "token add " + err)
    token = token.strip()
    log.process.send_signal(signal.SIGHUP)
    good = [("Authorization", f"Bearer {token}")]
    checks.that(until(lambda: log.ask(BODIES[0], headers=good).status == 200), "a token works after SIGHUP")
    for path in BODIES:
        got = log.ask(path, headers=good)
        checks.equal((got.status, got.header("Cache-Control")), (200, "private, no-store"), f"{path}: with a token")
        got = log.ask(path, headers=[("authorization", f"bEARER {token}")])
        checks.equal(got.status, 200, f"{path}: the scheme's case does not matter")
        for says, headers in [
                ("none", []), ("another", [("Authorization", "Bearer cartulary_" + "0" * 64)]),
                ("one digit short", [("Authorization", f"Bearer {token[:-1]}")]),
                ("one digit more", [("Authorization", f"Bearer {token}0")]),
                ("another scheme", [("Authorization", f"Basic {token}")]),
                ("no scheme", [("Authorization", token)]), ("an empty one", [("Authorization", "Bearer ")]),
                ("in the query", [])]:
            asked = path + ("&" if "?" in path else "?") + f"token={token}" if says == "in the query" else path
            got = log.ask(asked, headers=headers)
            checks.equal((got.status, got.problem()), (403, "auditors-only"), f"{path}: token: {says}")
            checks.equal(got.header("Cache-Control"), "no-store", f"{path}: token: {says}: is not kept")
        got = log.ask(path, headers=good + good)
        checks.equal(got.status, 400, f"{path}: a token that stands twice")
    for path in OPEN:
        checks.equal(log.ask(path).status, 200, f"{path}: open to everyone")
    wrong = log.ask("/ct/v1/get-entries?start=9&end=1")
    checks.equal(wrong.status, 403, "who may not read learns nothing of the parameters either")
    said = json.dumps(log.ask("/log.v3.json").json())
    checks.that("auditor" in said.lower(), "log.v3.json says that it is not for RFC 6962 monitors", said)
    with open(log.policy) as f:
        checks.that("auditors only" in f.read(), "policy says so too")
    house.cartularyd("token", log.dir, "remove", "anna")
    log.process.send_signal(signal.SIGHUP)
    checks.that(until(lambda: log.ask(BODIES[0], headers=good).status == 403), "a token that was taken back")
    checks.equal(log.stop(), 0, "SIGTERM")


def scenario(house, checks):
    leaves = Leaves(house, SIZE)
    log = Log(house, roots=leaves.roots, heartbeat=60000).start()
    empty = log.ask("/ct/v1/get-entries?start=0&end=0")
    checks.equal((empty.status, empty.problem()), (400, "out-of-range"), "an empty log has no entries")
    checks.equal(log.sth()["sha256_root_hash"], b64(hashlib.sha256(b"").digest()), "the empty tree's root")
    log.add_many(leaves.chains(0, SIZE))
    entries = []
    with log.http() as h:
        while len(entries) < SIZE:
            got = h.ask(f"/ct/v1/get-entries?start={len(entries)}&end={SIZE}").json()["entries"]
            entries += [base64.b64decode(e["leaf_input"]) for e in got]
        check_entries(checks, h)
    check_proofs(checks, log, entries)
    check_tiles(checks, log, entries)
    check_wrong(checks, log)
    check_headers(checks, log, [tree.leaf_hash(leaf) for leaf in entries])
    check_connection(checks, log)
    check_auditors(house, checks, leaves)
    checks.equal(log.stop(), 0, "SIGTERM")


run("03-reading", scenario)
