#!/usr/bin/env python3
# Goal of this test: slow bodies hold no more than their room, what has no body is answered meanwhile, and they cannot
# keep submissions out.  Many requests are counted for each network, behind a front too.

import re
import sys
import time

from house import Http, Leaves, Log, run, until

ADD = "/ct/v1/add-chain"
ROOM = 64 << 20
MARGIN = 32  # MiB: connections, and what the allocator does not give back; without the room there are 149 MiB of bodies
LARGE = 520_000
GRACE = 2  # seconds that a body may take before it makes room for others
CLIENTS = 300
ENTRIES = "/ct/v1/get-entries?start=0&end=0"


def metric(log, name):
    found = re.search(rf"^{re.escape(name)} (\d+)$", log.ask("/metrics").body.decode(), re.M)
    return int(found.group(1)) if found else 0


def slow_body(log, length, sent):
    """A connection that has sent so many bytes of a body."""
    h = log.http()
    h.send(f"POST {ADD} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n".encode() + b"x" * sent)
    return h


def is_refused(h):
    """Whether an answer has come; that it is the right one."""
    h.socket.settimeout(0.02)
    try:
        h.more()
    except TimeoutError:
        return None
    h.socket.settimeout(10)
    return h.answer()


def anonymous(log):
    with open(f"/proc/{log.process.pid}/status") as f:
        return int(re.search(r"RssAnon:\s+(\d+) kB", f.read()).group(1)) >> 10


def bodies(checks, log, leaves):
    before = anonymous(log)
    began = time.monotonic()
    slow = [slow_body(log, LARGE, LARGE - 1) for _ in range(CLIENTS)]
    more = anonymous(log) - before
    print(f"{CLIENTS} bodies of {LARGE} bytes: {more} MiB more, {time.monotonic() - began:.1f} s")
    # A sanitizer keeps what was freed for a while.
    checks.that("sanitized" in sys.argv or more <= (ROOM >> 20) + MARGIN,
                "the process grows by the room and a margin at most", more)
    checks.equal(log.ask("/health").status, 200, "what has no body is answered")
    told = [(h, is_refused(h)) for h in slow]
    kept = [h for h, answer in told if answer is None]
    refused = [answer for _, answer in told if answer is not None]
    fit = ROOM // (LARGE + 1)
    checks.that(fit - 2 <= len(kept) <= fit, "as many are held as there is room for", (len(kept), fit))
    checks.equal({(a.status, a.problem(), a.header("Connection")) for a in refused}, {(503, "too-many-bodies", "close")},
                 "the others are told")
    checks.that(all(int(a.header("Retry-After")) > 0 for a in refused), "and when to come back")
    checks.that(metric(log, 'cartulary_http_refused_total{reason="too-many-bodies"}') >= len(refused), "all are counted")
    checks.that(ROOM - (LARGE + 1) <= metric(log, "cartulary_http_body_bytes") <= ROOM, "and what is held")
    kept[-1].send(b"x")
    checks.equal(kept.pop().answer().problem(), "bad-json", "a body that was held comes to its end")
    small = [slow_body(log, LARGE, LARGE - 1), slow_body(log, LARGE, LARGE - 1)]  # and the room is full again
    time.sleep(GRACE + 1)
    checks.equal(log.add(leaves.chain(1)).status, 200, "a submission is taken: slow bodies make room")
    gone = [h for h in kept if (answer := is_refused(h)) is not None and answer.problem() == "too-many-bodies"]
    checks.that(1 <= len(gone) <= 3 and gone == kept[:len(gone)], "the oldest ones, no more than it takes", len(gone))
    checks.that(metric(log, "cartulary_http_body_bytes") <= ROOM, "and what is held stays below")
    for h in slow + small:
        h.close()
    checks.that(until(lambda: metric(log, "cartulary_http_body_bytes") == 0), "all of it comes back")
    checks.equal(log.add(leaves.chain(2)).status, 200, "and the log goes on")


def ask_as(h, path, client):
    got = h.ask(path, headers=[("X-Forwarded-For", client)])
    return got.status, got.problem() if got.status != 200 else None


def rates(checks, log):
    """Many requests: those of one network run out, whoever it says it is."""
    log.stop()
    log.configure(client_rate=1, client_burst=20, trusted_proxy="127.0.0.1")
    log.start()
    late = (429, "client-rate-limited")
    with log.http() as front:
        seen = [ask_as(front, ENTRIES, f"203.0.113.{i}, 198.51.100.{i}") for i in range(60)]
        checks.that(seen[:20] == [(200, None)] * 20, "a network has its burst", seen[:20])
        checks.that(seen.count(late) >= 20 and set(seen) == {(200, None), late}, "and then its rate", seen)
        checks.equal(ask_as(front, ENTRIES, "198.51.101.1"), (200, None), "its neighbour has its own")
        checks.equal(ask_as(front, "/ct/v1/get-sth", "198.51.100.1"), (200, None), "heads are for all")
    checks.that(metric(log, 'cartulary_http_refused_total{reason="client-rate-limited"}') >= 20, "they are counted")
    checks.equal(metric(log, "cartulary_http_client_networks"), 2, "so are the networks")
    checks.that("198.51" not in log.lines() and "203.0.113" not in log.lines(), "no line names a client")
    log.stop()
    path = log.house.path("front")
    for trusted, wanted in ((None, 1), ("unix", 9)):
        log.configure(client_rate=1, client_burst=1, trusted_proxy=trusted)
        log.start(listen="unix:" + path)
        with Http("unix:" + path) as h:
            began = time.monotonic()
            seen = [ask_as(h, ENTRIES, f"192.0.{i}.1")[0] for i in range(9)]
            came = int(time.monotonic() - began) + 1  # tokens, one a second
            checks.that(wanted <= seen.count(200) <= wanted + came, f"a Unix socket, trusted-proxy = {trusted}", seen)
        log.stop()


def scenario(house, checks):
    leaves = Leaves(house, 10)
    log = Log(house, roots=leaves.roots).start()
    checks.equal(log.add(leaves.chain(0)).status, 200, "a log with an entry")
    bodies(checks, log, leaves)
    rates(checks, log)
    checks.equal(log.fsck()[0], 0, "fsck")


run("11-flood", scenario)
