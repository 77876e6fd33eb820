#!/usr/bin/env python3
# Goal of this test: an operator's day.  SIGTERM answers what was sent, SIGHUP takes new roots, and whatever runs out
# (time, disk, descriptors, connections, a client's patience) is said in one stable word, loses nothing and passes.

import os
import resource
import signal
import socket
import struct
import time

import tree
from house import Http, Leaves, Log, b64, chain_json, in_parallel, pem_of, program, run, until

ADD = "/ct/v1/add-chain"


def request(chain):
    body = chain_json(chain)
    return f"POST {ADD} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def later(checks, answer, problem, says):
    """503 with one word and a time to come back."""
    checks.equal((answer.status, answer.problem()), (503, problem), says)
    checks.that(int(answer.header("Retry-After") or 0) > 0, f"{says}: Retry-After")


def draining(checks, log, leaves):
    """What was sent whole before SIGTERM is answered: with an SCT, or with a word.  Every SCT holds afterwards."""
    sct_of, at, words = {}, 100, {}
    for round_, delay in enumerate((0, 0.001, 0.003, 0.01, 0.03)):
        log.start()
        clients = [log.http() for _ in range(48)]
        for c in clients:
            checks.equal(c.ask("/health").status, 200, "a connection before the end")
        for i, c in enumerate(clients):
            c.send(request(leaves.chain(at + i)))
        time.sleep(delay)
        log.process.send_signal(signal.SIGTERM)
        for i, c in enumerate(clients):
            got = c.answer()
            if not checks.that(got is not None, f"round {round_}: request {i} is answered"):
                continue
            word = got.problem() or "sct"
            words[word] = words.get(word, 0) + 1
            if got.status == 200:
                sct_of[at + i] = got.body
            else:
                later(checks, got, "draining", f"round {round_}: request {i}")
            checks.that(c.ended(10), f"round {round_}: connection {i} ends")
        checks.equal(log.wait(), 0, f"round {round_}: exit 0")
        checks.that("event=stopped" in log.lines(), f"round {round_}: says that it stopped")
        at += len(clients)
        for c in clients:
            c.close()
    print("SIGTERM under load:", words)
    log.start()
    again = {i: log.add(leaves.chain(i)).body for i in sct_of}
    checks.equal(again, sct_of, "every SCT that was given is given again: the entry is there")


def ending_by_itself(checks, log):
    """No load, half a request, and a request that never ends: SIGTERM ends all of them."""
    with log.http() as idle, log.http() as half:
        idle.ask("/health")
        half.send(b"GET /health HTTP/1.1\r\nHo")
        began = time.monotonic()
        checks.equal(log.stop(), 0, "SIGTERM with an idle and a slow client")
        checks.that(time.monotonic() - began < 15, "and does not wait for ever")
    log.start()
    checks.equal(log.stop(signal.SIGINT), 0, "SIGINT is the same")
    log.start()


def hangup(checks, house, log, leaves):
    """Roots are added and retired while it serves."""
    other = Leaves(house, 3, "other", seed=77)
    path = os.path.join(log.dir, "roots.pem")
    with open(path) as f:
        before = f.read()
    chain = other.chain(0)
    checks.that(log.add(chain).status == 400, "a chain to a root that is not accepted yet")
    replaced(path, before + other_root_pem(other))
    log.process.send_signal(signal.SIGHUP)
    got = until(lambda: (lambda a: a if a.status == 200 else None)(log.add(chain)))
    checks.that(got, "is taken after SIGHUP")
    checks.that(b64(other.root) in log.ask("/ct/v1/get-roots").json()["certificates"], "get-roots shows the root")
    replaced(path, "this is no PEM\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    log.process.send_signal(signal.SIGHUP)
    checks.that(until(lambda: "event=roots-kept" in log.lines()), "a broken file is said")
    checks.equal(log.add(other.chain(1)).status, 200, "and the old roots stay")
    replaced(path, before)
    log.process.send_signal(signal.SIGHUP)
    gone = until(lambda: (lambda a: a if a.status != 200 else None)(log.add(other.chain(2))))
    checks.that(gone and gone.problem() == "root-verify-only", "a root that is gone takes nothing more",
                gone and gone.body)
    checks.that(b64(other.root) not in log.ask("/ct/v1/get-roots").json()["certificates"], "and is not shown")
    checks.that("event=roots-none" not in log.lines(), "nothing warns while a root takes submissions")
    replaced(path, "# verify-only\n" + before)
    log.process.send_signal(signal.SIGHUP)
    checks.that(until(lambda: "event=roots-none" in log.lines()), "a file whose roots take nothing is said")
    # A retired root is written down as such when it is to survive a restart.
    replaced(path, before + "# verify-only\n" + other_root_pem(other))
    checks.equal((log.stop(), log.start().add(other.chain(2)).problem()), (0, "root-verify-only"), "after a restart too")
    checks.equal(log.add(leaves.chain(0)).status, 200, "the others go on")


def other_root_pem(leaves):
    return "\n" + pem_of(leaves.root)


def replaced(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def clock(checks, house, log, leaves):
    """A clock that goes back: nothing is signed, everything can be read, and it passes."""
    shim = os.path.join(os.path.dirname(program("cartularyd")), "..", "tests", "clockshift.so")
    if not os.path.exists(shim):
        print("not shown here: a clock that goes back (no clockshift.so in this build)")
        return
    path = house.path("shift")

    def turn(seconds):
        with open(path, "r+b" if os.path.exists(path) else "w+b") as f:
            f.write(struct.pack("=q", seconds))

    turn(0)
    env = {"LD_PRELOAD": os.path.abspath(shim), "CLOCKSHIFT": path}
    log.stop()
    log.start(env=env)
    checks.equal(log.ask("/health").status, 200, "the clock is right")
    before = log.state()
    for back in (3600, 5, 86400 * 400):
        turn(-back)
        later(checks, log.add(leaves.chain(60)), "clock-went-back", f"{back} s back: a submission")
        sick = until(lambda: (lambda a: a if a.status == 503 else None)(log.ask("/health")))
        checks.that(sick and sick.json()["reason"] == "clock-went-back", f"{back} s back: /health")
        checks.equal(log.state(), before, f"{back} s back: reading goes on, nothing is new")
        checks.equal(log.ask("/tile/0/000.p/1").status, 200, f"{back} s back: tiles")
        turn(0)
        checks.that(until(lambda: log.ask("/health").status == 200), f"{back} s back: passes")
    turn(-3600)
    # Only now is no head signed any more between looking and stopping.
    checks.that(until(lambda: log.ask("/health").status == 503), "the clock went back again")
    timestamp = log.sth()["timestamp"]
    log.stop()
    log.start(env=env)
    sick = log.ask("/health")
    checks.equal((sick.status, sick.json()["reason"]), (503, "clock-went-back"), "started with a clock that is behind")
    checks.equal((log.sth()["timestamp"], log.state()), (timestamp, before), "it reads, and signs nothing")
    later(checks, log.add(leaves.chain(60)), "clock-went-back", "and takes nothing")
    turn(0)
    checks.that(until(lambda: log.ask("/health").status == 200), "until the clock has caught up")
    got = log.add(leaves.chain(60))
    checks.that(got.status == 200 and got.json()["timestamp"] >= timestamp, "afterwards it is taken")
    log.stop()
    log.start()


def disk(checks, log, leaves):
    log.stop()
    free = os.statvfs(log.dir).f_bavail * os.statvfs(log.dir).f_frsize
    log.configure(disk_floor=free + (1 << 40))
    log.start()
    before = log.state()
    later(checks, log.add(leaves.chain(61)), "disk-floor", "below the floor")
    first = log.add(leaves.chain(0))
    checks.that(first.status in (200, 503), "a duplicate costs no disk", first.body)
    sick = log.ask("/health")
    checks.equal((sick.status, sick.json()["reason"]), (503, "disk-floor"), "/health below the floor")
    checks.equal(log.state(), before, "below the floor: nothing is new, everything can be read")
    checks.equal(log.stop(), 0, "below the floor: ends as ever")
    log.configure(disk_floor=1 << 20)
    log.start()
    checks.equal(log.ask("/health").status, 200, "above the floor again")
    checks.equal(log.add(leaves.chain(61)).status, 200, "what was refused is taken")
    checks.equal(log.add(leaves.chain(0)).status, 200, "what was there is there")


def descriptors(checks, log, leaves):
    """No descriptor left: who comes is told so, who is there is served, and it passes."""
    log.stop()
    log.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)))
    kept, told = [], 0
    for _ in range(80):
        try:
            h = Http(log.address, 3)
            h.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
            got = h.answer()
        except (socket.timeout, ConnectionError):
            got = None
        if got is not None and got.status == 503:
            told += 1
            later(checks, got, "too-many-open-files", "no descriptor is left")
            checks.that(h.ended(), "and the connection ends")
            h.close()
        elif got is not None:
            kept.append(h)
        else:
            h.close()
    checks.that(told > 0, "who finds no descriptor is told so", (told, len(kept)))
    checks.that(len(kept) >= 8, "the others are served", len(kept))
    checks.equal(kept[0].ask(ADD, "POST", chain_json(leaves.chain(62))).status, 200, "submissions on them go on")
    for h in kept:
        h.close()
    checks.that(until(lambda: log.ask("/health").status == 200), "it passes")
    checks.equal(log.add(leaves.chain(63)).status, 200, "and takes submissions")
    log.stop()


def connections(checks, log, leaves):
    log.configure(connections=8)
    log.start()
    kept = [log.http() for _ in range(8)]
    for h in kept:
        checks.equal(h.ask("/health").status, 200, "as many connections as are allowed")
    for h in kept:
        h.send(b"GET /health HTTP/1.1\r\nHost: h\r\n")
    for _ in range(5):
        with log.http() as h:
            h.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
            got = h.answer()
            checks.that(got is not None and got.status == 503 and got.problem() == "busy", "one more is told",
                        got and got.head)
            checks.that(h.ended(), "and turned away")
    rests = kept.pop(3)
    rests.send(b"\r\n")
    checks.equal(rests.answer().status, 200, "the others are served")
    checks.equal(log.ask("/health").status, 200, "who rests makes room")
    checks.that(rests.ended(), "and is turned away")
    rests.close()
    for h in kept:
        h.send(b"\r\n")
        checks.equal(h.answer().status, 200, "who has begun a request keeps its place")
    checks.equal(kept[3].ask(ADD, "POST", chain_json(leaves.chain(64))).status, 200, "and submits")
    for h in kept:
        h.close()
    log.stop()
    log.configure(connections=None)


def slow_clients(checks, log):
    log.configure(head_timeout=300, body_timeout=300, idle_timeout=300)
    log.start()
    rows = [("half a head", b"GET /health HTTP/1.1\r\nHo", 408), ("half a body", request([b"x" * 99])[:-5], 408),
            ("nothing", b"", None), ("one byte", b"G", 408)]
    for says, data, status in rows:
        with log.http() as h:
            began = time.monotonic()
            h.send(data)
            got = h.answer()
            spent = time.monotonic() - began
            checks.equal(got and (got.status, got.problem()), status and (status, "request-timeout"), says)
            checks.that(0.25 < spent < 10, f"{says}: in time", spent)
    with log.http() as h:
        h.ask("/health")
        checks.that(h.ended(10), "an idle connection is closed without a word")
    # Byte by byte is too slow as a whole, though each byte comes soon.
    with log.http() as h:
        for byte in b"GET /health HTTP/1.1\r\nHost: h\r\nX: aaaaaaaaaaaaaaaaaaaaaa\r\n\r\n":
            if not h.send(bytes([byte])):
                break
            time.sleep(0.02)
        got = h.answer()
        checks.that(got is None or got.status == 408, "a trickle is timed out", got and got.head)
    log.stop()
    log.configure(head_timeout=None, body_timeout=None, idle_timeout=None)


def second(checks, house, log):
    """One process at a time."""
    log.start()
    twin = Log.adopt(house, log.name, log.address)
    twin.name = "twin"
    code, said = twin.refuses(listen="127.0.0.1:0")
    checks.equal(code, 2, "a second serve on the same directory is refused")
    checks.that("another cartularyd serves this directory" in said, "and says why", said)
    checks.equal(log.ask("/health").status, 200, "the first one does not notice")
    path = house.path("s")
    log.stop()
    log.start(listen="unix:" + path)
    with Http("unix:" + path) as h:
        checks.equal(h.ask("/health").status, 200, "a Unix socket")
    log.stop()
    checks.that(not os.path.exists(path), "which is gone when it ends")
    code, said = log.refuses(listen="0.0.0.0:0")
    checks.equal(code, 2, "an address that is not loopback wants --insecure")


def scenario(house, checks):
    leaves = Leaves(house, 400)
    log = Log(house, roots=leaves.roots, heartbeat=200).start()
    log.add_many(leaves.chains(0, 50))
    old = log.sth()["timestamp"]
    checks.that(until(lambda: log.sth()["timestamp"] > old), "an idle log signs fresh heads")
    hangup(checks, house, log, leaves)
    ending_by_itself(checks, log)
    log.stop()
    draining(checks, log, leaves)
    clock(checks, house, log, leaves)
    disk(checks, log, leaves)
    descriptors(checks, log, leaves)
    connections(checks, log, leaves)
    slow_clients(checks, log)
    second(checks, house, log)
    checks.equal(log.fsck()[0], 0, "fsck")


run("05-operation", scenario)
