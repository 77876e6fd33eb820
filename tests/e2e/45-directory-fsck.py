#!/usr/bin/env python3
# Goal of this test: fsck sees the key directory, and a lost, torn or damaged one is made again.  What comes out answers
# as before and goes on with the same feed; what does not fit is refused with nothing changed; a kill in the middle
# leaves the old one, and the work can be begun again.

import hashlib
import os
import random
import shutil
import signal
import sys
import time

import expected
from house import Leaves, Log, program, run
from stranger import Replay, Stranger, newest, wait_covered

LEAVES = 600
KILLS = 5
TEARS = int(sys.argv[1]) if len(sys.argv) > 1 else 4
PAGE = 4096


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o600)


class Scene:
    def __init__(self, house, checks, seed):
        self.house, self.checks, self.rng = house, checks, random.Random(seed)
        leaves = Leaves(house, LEAVES)
        self.log = Log(house, roots=leaves.roots, lookup_rate=100000, lookup_burst=100000).start()
        at = 0
        for n in (1, 40, 300, LEAVES - 341):  # an epoch each, at least
            self.log.add_many(leaves.chains(at, at + n))
            at += n
            wait_covered(self.log, at - 1, 60)
        self.replay = Replay(self.log)
        self.replay.up_to_date()
        self.labels = self.rng.sample(sorted(self.expected().versions), 12)
        self.answers = self.ask()

    def expected(self):
        directory, before = expected.Directory(), 0
        entries = expected.fetch_entries(self.log, LEAVES)
        for e in self.replay.entries:
            directory.epoch(e.timestamp, entries[before:e.certificates])
            before = e.certificates
        return directory

    def ask(self):
        """What a new user is told of some labels, every proof checked."""
        stranger = Stranger(self.log)
        return [(got["version"], got["value"]) for got in map(stranger.search, self.labels)]

    def file(self, name):
        return os.path.join(self.log.dir, "directory", name)

    def fsck(self, *options):
        if "--rebuild" not in options and "--proofs" not in options:
            options += ("--proofs", "25", "--scts", "25")  # they are most of the time
        code, out, err = self.house.cartularyd("fsck", self.log.dir, "--quiet", *options)
        return code, out + err

    def save(self):
        """The directory, to go back to."""
        self.files = {name: read(self.file(name)) for name in ("data.mdb", "recipes", "keys")}

    def back(self):
        for name, data in self.files.items():
            write(self.file(name), data)

    def state(self):
        return {name: hashlib.sha256(read(self.file(name))).hexdigest() if os.path.exists(self.file(name)) else None
                for name in self.files}

    def flip(self, name, at, bit=1):
        data = bytearray(self.files[name])
        data[at] ^= bit
        write(self.file(name), data)

    def damage(self, data, part):
        """Flips a bit of each place where those bytes stand, in data.mdb."""
        data, at = bytearray(data), 0
        while (at := data.find(part, at)) >= 0:
            data[at] ^= 1
            at += 1
        write(self.file("data.mdb"), data)

    def serves_as_before(self, what):
        """Starts; the same feed so far, the same answers; stops."""
        log, checks = self.log, self.checks
        log.start()
        again = Replay(log)
        again.up_to_date()
        n = self.replay.size
        checks.equal(again.leaves[:n], self.replay.leaves, f"{what}: the same feed")
        checks.equal(self.ask(), self.answers, f"{what}: the same answers")
        checks.equal(log.stop(), 0, f"{what}: SIGTERM")


def look(scene):
    """fsck of what is sound, serving and not, and of what is not."""
    log, checks = scene.log, scene.checks
    code, said = scene.fsck()
    checks.that(code == 0 and "directory: " in said and "(0 erased)" in said, "sound while it serves", (code, said))
    code, said = scene.fsck("--rebuild")
    checks.that(code == 2 and "another cartularyd" in said, "no --rebuild while it serves", (code, said))
    checks.equal(log.stop(), 0, "SIGTERM")
    scene.save()
    key, commitment = scene.replay.additions[2][5]
    for what, part in (("VRF output", key), ("commitment", commitment)):
        scene.damage(scene.files["data.mdb"], part)
        code, said = scene.fsck()
        checks.that(code == 1 and "directory/data.mdb, " in said and "--rebuild" in said,
                    f"a flipped {what} is found, and what to do is told", (code, said))
    scene.back()
    scene.flip("recipes", 200)
    code, said = scene.fsck()
    checks.that(code == 1 and "directory/recipes" in said, "a flipped byte of recipes is found", (code, said))
    scene.back()
    checks.equal(scene.fsck("--proofs", "1")[0], 0, "sound again, all proofs")
    checks.equal(scene.fsck("--feed", log.policy)[0], 2, "--feed without --rebuild")


def lost(scene):
    log, checks = scene.log, scene.checks
    os.unlink(scene.file("data.mdb"))
    code, said = log.refuses()
    checks.that(code == 1 and f"cartularyd fsck {log.dir} --rebuild" in said, "a start without data.mdb says what to do",
                (code, said))
    code, said = scene.fsck()
    checks.that(code == 1 and "directory/data.mdb: is not there" in said, "fsck misses data.mdb", (code, said))
    code, said = scene.fsck("--rebuild")
    checks.that(code == 0 and "no signed head was there" in said, "it is made again", (code, said))
    code, said = scene.fsck()
    checks.equal(code, 0, "what was made is sound " + said)
    scene.serves_as_before("a lost one")


def with_feed(scene):
    """A head that is known outside decides when data.mdb cannot."""
    log, checks, feed = scene.log, scene.checks, scene.house.path("feed-checkpoint")
    log.start()
    write(feed, log.ask("/feed/checkpoint").body)
    log.stop()
    scene.save()
    os.unlink(scene.file("data.mdb"))
    code, said = scene.fsck("--rebuild", "--feed", feed)
    checks.that(code == 0 and "no signed head" not in said, "made again, as a saved checkpoint says", (code, said))
    scene.back()
    os.unlink(scene.file("data.mdb"))
    write(scene.file("recipes"), scene.files["recipes"][:-110])
    code, said = scene.fsck("--rebuild", "--feed", feed)
    checks.that(code == 1 and "outside" in said and not os.path.exists(scene.file("data.mdb")),
                "one that is behind it is not", (code, said))
    scene.back()
    scene.serves_as_before("files put back")


def refused(scene):
    log, checks = scene.log, scene.checks
    scene.save()
    salt, used = 32, 32 * 3
    rows = (
        ("recipes are cut", lambda: write(scene.file("recipes"), scene.files["recipes"][:-110]), "newer backup"),
        ("keys are cut", lambda: write(scene.file("keys"), scene.files["keys"][:320]), "keys ends before"),
        ("a key is another", lambda: scene.flip("keys", used), "another tree"),
        ("a key was erased", lambda: write(scene.file("keys"), scene.files["keys"][:salt] + bytes(32)
                                           + scene.files["keys"][salt + 32:]), "was erased"),
    )
    for what, do, says in rows:
        scene.back()
        do()
        before = scene.state()
        code, said = scene.fsck("--rebuild")
        checks.that(code == 1 and says in said, f"{what}: refused", (code, said))
        checks.equal(scene.state(), before, f"{what}: nothing has changed")
    code, said = scene.fsck()
    checks.that(code == 1 and "no tombstone" in said, "a key that is gone without a tombstone is damage", (code, said))
    scene.back()
    keys = os.path.join(log.dir, "keys")
    shutil.copytree(keys, scene.house.path("keys"))
    for name in ("directory.pem", "vrf.pem", "feed.pem"):
        other = os.path.join(keys, "feed.pem" if name != "feed.pem" else "vrf.pem")
        write(os.path.join(keys, name), read(other.replace(keys, scene.house.path("keys"))))
        code, said = scene.fsck("--rebuild")
        checks.that(code == 2 and "policy" in said, f"another {name} is refused", (code, said))
        write(os.path.join(keys, name), read(os.path.join(scene.house.path("keys"), name)))
    checks.equal(scene.state(), {n: hashlib.sha256(d).hexdigest() for n, d in scene.files.items()}, "nothing has changed")


def killed(scene):
    """kill -9 at any time of it: what stands is the old file or the new one."""
    log, checks = scene.log, scene.checks
    began = time.monotonic()
    checks.equal(scene.fsck("--rebuild")[0], 0, "made again over a sound one")
    took, done = time.monotonic() - began, 0
    for i in range(KILLS):
        process = scene.house.start([program("cartularyd"), "fsck", log.dir, "--rebuild", "--quiet"])
        time.sleep(took * (i + 0.5) / KILLS)
        os.killpg(process.pid, signal.SIGKILL)
        done += process.wait() == 0
        code, said = scene.fsck()
        checks.equal(code, 0, f"kill {i}: what stands is sound " + said)
    checks.equal(scene.fsck("--rebuild")[0], 0, "and it is made again after all")
    checks.that(not os.path.exists(scene.file("rebuild")), "nothing is left of the attempts")
    scene.serves_as_before("after kills")
    return took, done


def torn(scene):
    checks, crashes = scene.checks, 0
    scene.save()
    for i in range(TEARS):
        data = bytearray(scene.files["data.mdb"])
        for _ in range(4):
            at = scene.rng.randrange(len(data) // PAGE) * PAGE
            data[at:at + PAGE] = scene.rng.choice([bytes(PAGE), scene.rng.randbytes(PAGE)])
        write(scene.file("data.mdb"), data)
        code, said = scene.fsck()
        checks.that(code in (0, 1), f"torn pages, round {i}: a verdict", (code, said))
        crashes += "ended in signal" in said
        checks.that("Bring a backup" not in said, f"torn pages, round {i}: the log is not blamed", said)
        code, said = scene.fsck("--rebuild")
        checks.equal(code, 0, f"torn pages, round {i}: made again " + said)
        kept = said.split("/directory/")[1].split(";")[0]
        checks.equal(read(scene.file(kept)), bytes(data), f"torn pages, round {i}: the old file is kept")
    code, said = scene.fsck()
    checks.equal(code, 0, "sound " + said)
    scene.serves_as_before("torn ones")
    return crashes


def scenario(house, checks):
    seed = int(os.environ.get("CARTULARY_SEED", time.time_ns() % 1_000_000_007))
    print(f"CARTULARY_SEED={seed}")
    scene = Scene(house, checks, seed)
    look(scene)
    lost(scene)
    with_feed(scene)
    refused(scene)
    took, done = killed(scene)
    crashes = torn(scene)
    scene.log.start()
    checks.that(newest(scene.log)[0] >= scene.replay.size, "the feed goes on")
    scene.log.stop()
    print(f"{scene.replay.size} epochs of {LEAVES} certificates made again in {took:.2f} s, {KILLS} kills, {done} too late; "
          f"{TEARS} torn files, {crashes} that end who reads them")


run("45-directory-fsck", scenario)
