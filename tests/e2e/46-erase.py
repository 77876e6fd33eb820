#!/usr/bin/env python3
# Goal of this test: a mailbox is erased, and it shows.  Who looks it up gets the proof that it was, and nothing else; who
# asks for what it held gets 410 with the commitments; every other mailbox, the feed and the tree are as before; nothing is
# erased too early, in a public log, under a log that serves, or when there is nothing; and it stays erased.

import base64
import hashlib
import json
import os
import shutil
import signal
import struct
import urllib.parse

import tree
from ca import CN, Authority, write_pem
from expected import domain_label, mailbox_label
from house import Log, program, run
from stranger import Refusal, Replay, Stranger, milliseconds, wait_covered

from kt import mailbox
from kt.messages import SearchRequest, UpdateRequest

ALICE, BOB, CAROL, NOBODY = (f"zqx{who}vkj@erase.example" for who in ("alice", "bob", "carol", "nobody"))
DAY = 86400
SLOT = 32


class Scene:
    def __init__(self, house, checks):
        self.house, self.checks = house, checks
        self.root = Authority("Erase Root")
        self.ca = Authority("Erase CA", self.root)
        self.roots = write_pem(house.path("roots.pem"), self.root.der)
        self.shift = 0
        self.turn(0)
        self.log = Log(house, roots=self.roots, entries="auditors", lookup_rate=100000, lookup_burst=100000)
        self.log.start(env=self.env)

    @property
    def env(self):
        shim = os.path.join(os.path.dirname(program("cartularyd")), "..", "tests", "clockshift.so")
        return {"LD_PRELOAD": os.path.abspath(shim), "CLOCKSHIFT": self.house.path("shift")}

    def turn(self, seconds):
        self.shift = seconds
        with open(self.house.path("shift"), "r+b" if os.path.exists(self.house.path("shift")) else "w+b") as f:
            f.write(struct.pack("=q", seconds))

    def submit(self, *addresses, **more):
        answer = self.log.add(self.ca.issue(*addresses, **more))
        self.checks.equal(answer.status, 200, f"a chain is taken {answer.body[:300]}")
        self.checks.that(wait_covered(self.log, self.log.sth()["tree_size"] - 1, 60) is not None, "the directory follows")

    def person(self):
        p = Stranger(self.log)
        p.now = lambda: milliseconds() + 1000 * self.shift
        return p

    def client(self, *args, state="state"):
        return self.house.cartulary("--policy", self.log.policy, "--trust", self.roots, "--state", self.house.path(state),
                                    *args, env=self.env)

    def erase(self, *args, directory=None, text=None):
        code, out, err = self.house.cartularyd("erase", directory or self.log.dir, *args, env=self.env, text=text)
        self.checks.that("vkj" not in out + err, "the daemon names nobody", (out, err))
        return code, out + err

    def keys(self):
        with open(os.path.join(self.log.dir, "directory", "keys"), "rb") as f:
            data = f.read()
        return [data[i:i + SLOT] for i in range(0, len(data), SLOT)]

    def recipes(self):
        return os.path.getsize(os.path.join(self.log.dir, "directory", "recipes"))

    def entry(self, index, end=None):
        return self.log.ask(f"/ct/v1/get-entries?start={index}&end={index if end is None else end}", headers=self.token)

    def stands(self, *needles):
        """Which of these stand in the store's file."""
        with open(os.path.join(self.log.dir, "store", "data.mdb"), "rb") as f:
            data = f.read()
        return [n for n in needles if n in data]

    def lookup(self, address, **more):
        return self.log.ask("/v1/lookup", "POST", json.dumps({"address": address, **more}).encode())


def everybody(scene):
    code, out, err = scene.house.cartularyd("token", scene.log.dir, "add", "auditor")
    scene.checks.equal(code, 0, f"a token {err}")
    scene.token = [("Authorization", "Bearer " + out.strip())]
    scene.log.process.send_signal(signal.SIGHUP)
    scene.submit(ALICE)
    for state in ("behind", "behind for long"):
        code, out, err = scene.client("monitor", "--once", "--watch", ALICE, state=state)
        scene.checks.equal(code, 0, f"alice is watched {out} {err}")
    scene.submit(BOB)
    scene.submit(ALICE, subject=((CN, ALICE),))
    scene.submit(ALICE, CAROL)
    scene.before = milliseconds()
    scene.entries = [scene.entry(i) for i in range(4)]
    scene.checks.equal([a.status for a in scene.entries], [200] * 4, "an auditor reads entries")
    for state in ("state", "watcher"):
        code, out, err = scene.client("lookup", ALICE, state=state)
        scene.checks.equal(code, 0, f"alice is offered {out} {err}")
    code, out, err = scene.client("monitor", "--once", "--watch", ALICE, state="watcher")
    scene.checks.equal(code, 0, f"and watched {out} {err}")
    scene.feed = Replay(scene.log)
    scene.feed.up_to_date()


def refused(scene):
    checks, recipes = scene.checks, scene.recipes()
    code, said = scene.erase(ALICE, "--reason", "request")
    checks.equal(code, 3, f"a log that serves: not now {said}")
    checks.equal(scene.log.stop(), 0, "SIGTERM")
    recipes = scene.recipes()
    for who, reason, wanted in ((NOBODY, "request", 1), (ALICE, "order", 3), (ALICE, "because", 2), ("alice", "request", 2)):
        code, said = scene.erase(who, "--reason", reason)
        checks.equal(code, wanted, f"erase --reason {reason}: exit {wanted} {said}")
    checks.equal((scene.recipes(), scene.keys().count(bytes(SLOT))), (recipes, 0), "nothing was written")
    public = Log(scene.house, name="public", roots=scene.roots, origin="public.example/log")
    code, said = scene.erase(ALICE, "--reason", "request", directory=public.dir)
    checks.that(code == 2 and "public" in said, "a public log refuses", (code, said))
    shard = Log(scene.house, name="shard", roots=scene.roots, origin="shard.example/log", entries="auditors",
                options=["--not-after-start", "2020-01-01"])
    checks.equal(scene.erase(ALICE, "--reason", "request", directory=shard.dir)[0], 1, "a log without a directory")


def erase(scene):
    checks = scene.checks
    scene.turn(DAY + 3600)
    before = scene.keys()
    code, said = scene.erase("-", "--reason", "request", text=ALICE.upper().replace("ERASE.EXAMPLE", "erase.example") + "\n")
    checks.equal(code, 0, f"erased, a day later {said}")
    after = scene.keys()
    gone = [i for i in range(len(before)) if after[i] != before[i]]
    checks.that(len(gone) == 1 and after[gone[0]] == bytes(SLOT) and gone[0] > 0, "one key is gone", gone)
    recipes = scene.recipes()
    code, said = scene.erase(ALICE, "--reason", "order")
    checks.that(code == 0 and "before" in said, "a second time there is nothing to do", (code, said))
    checks.equal(scene.recipes(), recipes, "and nothing is written")
    with open(os.path.join(scene.log.dir, "directory", "recipes"), "rb") as f:
        data = f.read()
    checks.that(b"vkj" not in data and b"erase.example" not in data, "no address stands in the recipes")
    checks.equal(before[gone[0]] in data, False, "nor the key")


def proved(scene):
    """A stranger's own twin: the proofs are the same as ever, and what they show is a tombstone."""
    checks, person = scene.checks, scene.person()
    found = person.lookup(ALICE)
    state = found["state"]
    checks.equal((state.kind, state.reason, state.count), (mailbox.TOMBSTONE, 1, 3), "a tombstone, proved")
    checks.that(abs(state.time * 1000 - person.now()) < 600000, "with the time of erasure", state.time)
    scene.version = found["version"]
    checks.equal(scene.version, 3, "it is the version behind the three")
    checks.equal(person.lookup(BOB)["state"].kind, mailbox.STATE, "bob is as he was")
    checks.equal(len(person.lookup(CAROL)["state"].records), 1, "so is carol, in whose certificate alice stands")
    feed, size = scene.feed, scene.feed.size
    feed.up_to_date()
    tombs = [i for i in range(size, feed.size) if feed.entries[i].additions]
    checks.equal([feed.entries[i].additions for i in tombs], [1], "one addition in the feed, and it replays")
    scene.tomb = tombs[0]
    checks.equal(person.lookup(ALICE, 1000)["state"], None, "before there was anything there was nothing")


def gone(scene):
    checks, person, label = scene.checks, scene.person(), mailbox_label(ALICE)
    rows = [("search", SearchRequest(last=None, label=label, version=v), [v]) for v in range(scene.version)]
    rows += [("update", UpdateRequest(last=None, label=label, greatest_version=g, values=[]),
              list(range(0 if g is None else g + 1, scene.version + 1))) for g in (None, 0, 1)]
    for kind, request, versions in rows:
        answer = person.post(kind, request)
        checks.equal((answer.status, answer.header("Content-Type")), (410, "application/octet-stream"), f"{kind}: 410")
        n, body = int.from_bytes(answer.body[:2], "big"), answer.body[2:]
        checks.equal((n, len(body)), (len(versions), 76 * len(versions)), f"{kind}: as many as were asked for")
        for i, v in enumerate(versions):
            version, entry = struct.unpack(">IQ", body[76 * i:76 * i + 12])
            addition = body[76 * i + 12:76 * i + 44], body[76 * i + 44:76 * i + 76]
            checks.that(version == v and addition in scene.feed.additions[entry], f"{kind}: version {v} is an addition of the feed")
    answer = person.post("update", UpdateRequest(last=None, label=label, greatest_version=scene.version - 1, values=[]))
    checks.equal(answer.status, 200, "an owner who lacks the tombstone alone gets it")
    answer = scene.lookup(ALICE, at=scene.before)
    told = answer.json()
    checks.equal((answer.status, told["records"], told["issuers"]), (410, [], []), "what was known then is gone")
    checks.that(scene.feed.additions[scene.tomb][0][0] not in base64.b64decode(told["answer"]), "and it is told of that time")


def bodies(scene):
    """Entries 0 and 2 named alice alone; 1 is bob's, 3 carol's as well."""
    checks, log = scene.checks, scene.log
    for i in range(4):
        answer = scene.entry(i)
        if i in (0, 2):
            checks.equal((answer.status, answer.problem()), (410, "erased"), f"entry {i}: 410")
        else:
            checks.equal(answer.body, scene.entries[i].body, f"entry {i}: as it was")
        proof = log.ask(f"/ct/v1/get-entry-and-proof?leaf_index={i}&tree_size=4", headers=scene.token)
        checks.equal(proof.status, 410 if i in (0, 2) else 200, f"entry {i}: and with its proof")
        leaf = tree.leaf_hash(base64.b64decode(scene.entries[i].json()["entries"][0]["leaf_input"]))
        found = log.ask(f"/ct/v1/get-proof-by-hash?hash={urllib.parse.quote(base64.b64encode(leaf).decode(), safe='')}&tree_size=4")
        checks.equal((found.status, found.status == 200 and found.json()["leaf_index"]), (200, i),
                     f"entry {i}: its hash stands in the tree, and is proved")
    several = scene.entry(1, 3)
    checks.equal(len(several.json()["entries"]), 1, "several entries end before one that is gone")
    tile = log.ask("/tile/data/000.p/4", headers=scene.token)
    checks.equal((tile.status, tile.problem()), (410, "erased"), "a data tile with such an entry: 410")
    checks.equal(log.ask("/tile/0/000.p/4").status, 200, "the hashes are there")
    certificates = [base64.b64decode(a.json()["entries"][0]["leaf_input"]) for a in scene.entries]
    checks.equal(scene.stands(certificates[0][15:], certificates[2][15:]), [], "no copy stands in the store")
    checks.equal(len(scene.stands(certificates[1][15:], certificates[3][15:])), 2, "the others stand there")


def alike(scene):
    """Present, absent, erased and gone: as many bytes on the wire."""
    sizes = {}
    for says, answer in (("present", scene.lookup(BOB)), ("absent", scene.lookup(NOBODY)), ("erased", scene.lookup(ALICE)),
                         ("gone", scene.lookup(ALICE, at=scene.before)), ("present then", scene.lookup(BOB, at=scene.before))):
        sizes[says] = (len(answer.head), len(answer.body))
    scene.checks.equal(len(set(sizes.values())), 1, f"answers are alike: {sizes}")
    print("lengths:", sizes)


def client(scene):
    checks = scene.checks
    moment = "@" if False else str(scene.before // 1000)
    for says, args, state in (("who knew it", [ALICE], "state"), ("a newcomer", [ALICE], "new"),
                              ("of then", [ALICE, "--at", moment], "state")):
        code, out, err = scene.client("lookup", *args, "--out", scene.house.path("out.pem"), state=state)
        checks.that(code == 1 and "erased" in out, f"{says}: exit 1, erased", (code, out, err))
        checks.that(not os.path.exists(scene.house.path("out.pem")), f"{says}: nothing is written")
    code, out, err = scene.client("--json", "lookup", ALICE)
    checks.equal((code, json.loads(out)["reason"]), (1, "erased"), f"as JSON {err}")
    code, out, err = scene.client("history", ALICE)
    checks.that(code == 0 and "erased" in out and "request" in out and "3 earlier versions" in err, "its history", (code, out, err))
    checks.equal(scene.client("lookup", BOB)[0], 0, "bob is offered")
    code, out, err = scene.client("monitor", "--once", state="watcher")
    checks.that("erased" in out and code in (0, 1), "who watches it is told", (code, out, err))
    code, out, err = scene.client("monitor", "--once", state="behind")
    checks.that("erased" in out and "2 versions that you had not seen" in err and code in (0, 1), "so is who is behind",
                (code, out, err))


def stays(scene):
    """A certificate that comes later is logged, counted for the domain, and not found."""
    checks, person = scene.checks, scene.person()
    before = person.search(domain_label("erase.example"))["version"]
    scene.submit(ALICE)
    found = person.lookup(ALICE)
    checks.equal((found["version"], found["state"].kind), (scene.version, mailbox.TOMBSTONE), "it stays erased")
    checks.equal(person.search(domain_label("erase.example"))["version"], before + 1, "the domain has one more")
    scene.submit(ALICE, BOB)
    checks.equal(scene.log.stop(), 0, "SIGTERM")
    scene.turn(scene.shift + 2 * DAY)
    scene.log.start(env=scene.env)
    scene.submit(BOB, subject=((CN, BOB),))
    for state, missed in (("watcher", False), ("behind", False), ("behind for long", True)):
        code, out, err = scene.client("monitor", "--once", state=state)
        checks.that(code in (0, 1) and ("2 versions that you had not seen" in err) == missed, f"{state}: days later",
                    (code, out, err))
        code, out, err = scene.client("monitor", "--once", state=state)
        checks.that(code == 0 and "erased" not in out + err, f"{state}: once is enough", (code, out, err))
    checks.equal(len(person.lookup(BOB)["state"].records), 3, "who stands beside it is found")
    checks.equal(scene.log.stop(), 0, "SIGTERM")
    for name in ("data.mdb", "lock.mdb"):
        os.unlink(os.path.join(scene.log.dir, "directory", "index", name))
    scene.log.start(env=scene.env)
    checks.equal(scene.person().lookup(ALICE)["state"].kind, mailbox.TOMBSTONE, "also when the index is made again")
    gone(scene)
    bodies(scene)
    code, out, err = scene.house.cartularyd("fsck", scene.log.dir)
    checks.that(code == 0 and "2 of them are erased" in out, "fsck", (code, out, err))
    checks.equal(scene.log.stop(), 0, "SIGTERM")
    shutil.rmtree(os.path.join(scene.log.dir, "store", "index"))
    scene.log.start(env=scene.env)
    bodies(scene)
    # Enough for a bundle: the tail with its erased entries is packed.
    scene.log.add_many([scene.ca.issue(f"zqx{i}vkj@many.example") for i in range(270)])
    checks.that(wait_covered(scene.log, scene.log.sth()["tree_size"] - 1, 60) is not None, "the directory follows")
    bodies(scene)
    code, out, err = scene.house.cartularyd("fsck", scene.log.dir)
    checks.that(code == 0 and "2 of them are erased" in out, "fsck", (code, out, err))
    tile = scene.log.ask("/tile/data/000", headers=scene.token)
    checks.equal((tile.status, tile.problem()), (410, "erased"), "a full data tile with such an entry: 410")
    scene.again = base64.b64decode(scene.entry(4).json()["entries"][0]["leaf_input"])[15:]
    for i in range(1, scene.log.starts + 1):
        with open(scene.house.path(f"log.{i}.err"), "rb") as f:
            checks.that(b"vkj" not in f.read(), "no log line names anybody")


def scenario(house, checks):
    scene = Scene(house, checks)
    everybody(scene)
    refused(scene)
    erase(scene)
    scene.log.start(env=scene.env)
    proved(scene)
    gone(scene)
    bodies(scene)
    alike(scene)
    client(scene)
    stays(scene)
    checks.equal(scene.log.stop(), 0, "SIGTERM")


run("46-erase", scenario)
