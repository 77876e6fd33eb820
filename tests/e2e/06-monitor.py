#!/usr/bin/env python3
# Goal of this test: nobody between a log and its client can make the client believe anything.  Each kind of answer is
# changed byte by byte, exchanged, cut, replayed: the client never says yes, never writes a receipt, never spoils what it
# knew; and what it keeps as evidence can be looked at offline.  Stale heads and wrong clocks are "try later".
# (A log that itself forks or goes back is in 20-client.py.)

import glob
import json
import os
import shutil
import struct
import sys

from house import Leaves, Log, pem_of, program, run
from proxy import Proxy

FLIPS = int(sys.argv[1]) if len(sys.argv) > 1 else 20  # of each kind of answer


class Scene:
    """A log, somebody in the middle, and a client who has seen an older head."""

    def __init__(self, house, checks):
        self.house, self.checks = house, checks
        self.leaves = Leaves(house, 60)
        self.log = Log(house, roots=self.leaves.roots, heartbeat=60000).start()
        self.proxy = Proxy(self.log)
        self.policy = self.proxy.policy(house)
        self.log.add_many(self.leaves.chains(0, 10))
        self.client(self.log.policy, "known", "monitor", "--once")
        self.old = {path: self.log.ask(path).body for path in ("/checkpoint", "/ct/v1/get-sth")}
        self.log.add_many(self.leaves.chains(10, 30))
        self.file = house.path("chain.pem")
        with open(self.file, "w") as f:
            f.write(pem_of(*self.leaves.chain(30)))

    def client(self, policy, state, *args, env=None):
        return self.house.cartulary("--policy", policy, "--state", self.house.path(state), *args, env=env)

    def fresh(self):
        shutil.rmtree(self.house.path("state"), ignore_errors=True)
        shutil.copytree(self.house.path("known"), self.house.path("state"))
        if os.path.exists(self.house.path("receipts")):
            os.unlink(self.house.path("receipts"))

    def monitor(self):
        self.fresh()
        return self.client(self.policy, "state", "monitor", "--once")

    def submit(self):
        self.fresh()
        return self.client(self.policy, "state", "submit", "--receipts", self.house.path("receipts"), self.file)

    def no_receipt(self):
        path = self.house.path("receipts")
        return not os.path.exists(path) or os.path.getsize(path) == 0

    def lied_to(self, says, verb, done):
        """After a lie: not believed, nothing spoilt, and any evidence can be read."""
        code, out, err = done
        self.checks.that(code in (2, 3, 4), f"{says}: not believed", (code, out, err))
        if verb == "submit":
            self.checks.that(self.no_receipt(), f"{says}: no receipt")
        evidence = glob.glob(self.house.path("state", "*.evidence"))
        self.checks.equal(bool(evidence), code == 4, f"{says}: evidence is kept exactly for exit 4")
        for path in evidence:
            code, out, err = self.house.cartulary("evidence", path)
            self.checks.that(code == 1 and "NOT PROVED" in out, f"{says}: evidence of somebody's noise proves nothing",
                             (code, out, err))
        code, out, err = self.client(self.log.policy, "state", "monitor", "--once")
        self.checks.equal(code, 0, f"{says}: what was known is not spoilt: {err}")


def kind_of(path):
    return path.split("?")[0]


def flips(scene, verb, action):
    """Every kind of answer that the verb asks for, a byte changed here and there."""
    scene.proxy.asked.clear()
    scene.proxy.change = None
    code, out, err = action()
    scene.checks.equal(code, 0, f"{verb}: an honest one in the middle {err}")
    kinds = sorted({kind_of(p) for p in scene.proxy.asked})
    tried = 0
    for kind in kinds:
        seen = []
        scene.proxy.change = lambda path, a: (seen.append(len(a.body)) if kind_of(path) == kind else None, a.body)[1]
        action()
        length = min(seen)
        for i in range(min(FLIPS, length)):
            at = i * length // min(FLIPS, length)
            bit = 1 << (i % 7)
            scene.proxy.change = lambda path, a: a.body if kind_of(path) != kind else \
                a.body[:at] + bytes([a.body[at] ^ bit]) + a.body[at + 1:]
            scene.lied_to(f"{verb}: {kind} byte {at} bit {bit}", verb, action())
            tried += 1
    scene.proxy.change = None
    print(f"{verb}: {', '.join(kinds)}: {tried} changed answers")
    return kinds


def other_lies(scene, verb, action, kinds, patient_with=None):
    """Answers that are cut, exchanged, replaced, or do not come."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    rows = [
        ("cut in half", lambda a: a.body[:len(a.body) // 2]), ("empty", lambda a: b""),
        ("with a byte more", lambda a: a.body + b"x"), ("twice", lambda a: a.body * 2),
        ("{}", lambda a: b"{}"), ("null", lambda a: b"null"), ("NUL", lambda a: bytes(len(a.body))),
        ("not found", lambda a: (b"HTTP/1.1 404 no\r\nContent-Length: 0", b"")),
        ("a redirect", lambda a: (b"HTTP/1.1 302 there\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0", b"")),
        ("larger than it may be", lambda a: (head + b"Content-Length: 4000000", b" " * 4000000)),
    ]
    # Asked again for a while before the client gives up, so not for each kind.
    tedious = [
        ("no answer", lambda a: None), ("an error", lambda a: (b"HTTP/1.1 500 no\r\nContent-Length: 0", b"")),
        ("no HTTP", lambda a: (b"hello", b"hello")),
        ("shorter than it says", lambda a: (head + b"Content-Length: 99999", a.body)),
    ]
    for kind in kinds:
        for says, lie in rows + (tedious if kind == patient_with else []):
            scene.proxy.change = lambda path, a: lie(a) if kind_of(path) == kind else a.body
            scene.lied_to(f"{verb}: {kind} {says}", verb, action())
    scene.proxy.change = None


def replays(scene):
    """Heads of the same log from another time: nothing is proved against it, nothing new is believed."""
    for which in [("/checkpoint",), ("/ct/v1/get-sth",), ("/checkpoint", "/ct/v1/get-sth")]:
        scene.proxy.change = lambda path, a: scene.old[path] if path in which else a.body
        scene.fresh()
        scene.client(scene.log.policy, "state", "monitor", "--once")  # has seen the newest
        code, out, err = scene.client(scene.policy, "state", "monitor", "--once")
        scene.checks.that(code != 0 or which == ("/ct/v1/get-sth",), f"replayed {which}: not taken for news",
                          (code, out, err))
        for path in glob.glob(scene.house.path("state", "*.evidence")):
            code, out, _ = scene.house.cartulary("evidence", path)
            scene.checks.that(code == 1, f"replayed {which}: an honest log is not accused", out)
        code, _, err = scene.client(scene.log.policy, "state", "monitor", "--once")
        scene.checks.equal(code, 0, f"replayed {which}: nothing is spoilt {err}")
    scene.proxy.change = None


def clocks(scene):
    """A head that is old by our clock, and one that is not yet: try later, either way."""
    shim = os.path.join(os.path.dirname(program("cartulary")), "..", "tests", "clockshift.so")
    if not os.path.exists(shim):
        print("not shown here: stale heads (no clockshift.so in this build)")
        return
    for says, seconds, wanted in [("21 minutes later", 21 * 60, 3), ("a day later", 86400, 3), ("an hour before", -3600, 3),
                                  ("19 minutes later", 19 * 60, 0), ("a minute before", -60, 0)]:
        with open(scene.house.path("shift"), "wb") as f:
            f.write(struct.pack("=q", seconds))
        scene.fresh()
        env = {"LD_PRELOAD": os.path.abspath(shim), "CLOCKSHIFT": scene.house.path("shift")}
        code, out, err = scene.client(scene.log.policy, "state", "monitor", "--once", env=env)
        scene.checks.that(code == wanted, f"{says}: exit {wanted}", (code, out, err))
        scene.checks.equal(glob.glob(scene.house.path("state", "*.evidence")), [], f"{says}: nobody is accused")


def usual(scene):
    """What monitor says of an honest log, as text and as JSON, and of one that is not there."""
    scene.fresh()
    code, out, _ = scene.client(scene.log.policy, "state", "--json", "monitor", "--once")
    scene.checks.equal(code, 0, "monitor --once")
    said = json.loads(out)
    scene.checks.equal((said["exit"], said["tree_size"], said["first_contact"]),
                       (0, scene.log.sth()["tree_size"], False), "monitor --json")
    code, out, _ = scene.house.cartulary("--policy", scene.log.policy, "--stateless", "monitor", "--once")
    scene.checks.equal(code, 0, "monitor --stateless: first contact every time")
    scene.proxy.change = lambda path, a: None
    scene.checks.equal(scene.monitor()[0], 3, "nobody answers: exit 3")
    scene.proxy.change = None


def scenario(house, checks):
    scene = Scene(house, checks)
    usual(scene)
    kinds = flips(scene, "monitor", scene.monitor)
    other_lies(scene, "monitor", scene.monitor, kinds, "/ct/v1/get-sth-consistency")
    kinds = flips(scene, "submit", scene.submit)
    other_lies(scene, "submit", scene.submit, kinds)
    replays(scene)
    clocks(scene)
    scene.proxy.close()
    checks.equal(scene.log.stop(), 0, "SIGTERM")
    checks.equal(scene.monitor()[0], 3, "a log that is down: exit 3")


run("06-monitor", scenario)
