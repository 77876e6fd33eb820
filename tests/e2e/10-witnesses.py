#!/usr/bin/env python3
# Goal of this test: a backup becomes the log by what its witnesses know, and only when none of them knows more.  All
# must answer with a head that both the log and the witness signed; a witness that is away, has nothing, sends what it
# never cosigned, or holds another tree stops it.  The witnesses are stand-ins for other people's: see witness.py.

import base64
import hashlib
import os
import shutil

from house import ORIGIN, Leaves, Log, run
from witness import Witness

HEARTBEAT = 60000


def append(path, text):
    with open(path, "a") as f:
        f.write(text)


def flipped(note):
    """The same note with a bit changed in the bytes of its last signature; the base64 stays well-formed."""
    rest, last = note.rstrip(b"\n").rsplit(b" ", 1)
    data = bytearray(base64.b64decode(last))
    data[-20] ^= 1
    return rest + b" " + base64.b64encode(data) + b"\n"


def resized(checkpoint):
    """The same checkpoint with another size in its text: the log's signatures are not over that."""
    origin, _, rest = checkpoint.split(b"\n", 2)
    return origin + b"\n7\n" + rest


class Scene:
    """A log that has been stopped for good, two copies of it, two witnesses, and heads from all its days."""

    def __init__(self, house, checks):
        self.house, self.checks = house, checks
        self.leaves = Leaves(house, 80)
        self.one, self.two = Witness(house, "witness.example/1"), Witness(house, "witness.example/2")
        self.log = log = Log(house, roots=self.leaves.roots, heartbeat=HEARTBEAT)
        self.plain = open(log.policy).read()
        append(log.policy, self.one.line() + self.two.line())
        log.start()
        log.add_many(self.leaves.chains(0, 20))
        self.old = log.ask("/checkpoint").body
        checks.equal(log.stop(), 0, "SIGTERM")
        shutil.copytree(log.dir, house.path("fork"))
        self.backup("behind")
        log.start()
        log.add_many(self.leaves.chains(20, 40))
        self.newest = log.ask("/checkpoint").body
        with open(house.path("feed"), "wb") as f:
            f.write(log.ask("/feed/checkpoint").body)
        self.state = log.state()
        checks.equal(log.stop(), 0, "SIGTERM")
        self.backup("copy")

    def backup(self, name):
        code, _, err = self.house.cartularyd("backup", self.log.dir, self.house.path(name))
        self.checks.equal(code, 0, f"backup {name} {err}")
        shutil.copytree(os.path.join(self.log.dir, "keys"), self.house.path(name, "keys"), dirs_exist_ok=True)

    def forked(self):
        """What a copy that served beside the log would have signed: the same size, another tree."""
        fork = Log.adopt(self.house, "fork", self.log.address)
        fork.start()
        fork.add_many(self.leaves.chains(60, 80))
        head = fork.ask("/checkpoint").body
        self.checks.equal(fork.stop(), 0, "SIGTERM")
        return head

    def know(self, first, second):
        self.one.knows(ORIGIN, first)
        self.two.knows(ORIGIN, second)

    def know_newest(self):
        self.know(self.one.cosign(self.newest), self.two.cosign(self.newest))

    def promote(self, name="copy"):
        code, out, err = self.house.cartularyd("promote", self.house.path(name), "--witnesses",
                                              "--feed", self.house.path("feed"))
        return code, out + err

    def refused(self, exit_code, words, says, name="copy"):
        code, said = self.promote(name)
        self.checks.that(code == exit_code and all(w in said for w in words), f"not {says}", (code, said))
        self.checks.that(os.path.exists(self.house.path(name, "copy")), f"and the copy stays one: {says}")


def newer_outside(scene):
    """The copy is behind: it is enough that one witness knows."""
    one, two, old, new = scene.one, scene.two, scene.old, scene.newest
    for says, first, second in [("when both know a newer head", new, new), ("when the first does", new, old),
                                ("when the second does", old, new)]:
        scene.know(one.cosign(first), two.cosign(second))
        scene.refused(1, ["size 40 is known outside", "stands at 20", "would fork the log"], says, "behind")
    path = f"/{hashlib.sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    scene.checks.that(set(one.asked) == set(two.asked) == {path}, "both were asked, by the origin's hash",
                      (one.asked, two.asked))


def wrong_answers(scene, forked):
    """Each of them from one of two witnesses; the other is honest and knows the newest head."""
    one, two, new = scene.one, scene.two, scene.newest
    good = two.cosign(new)
    old_text = scene.old[:scene.old.index(b"\n\n") + 1]
    touched = resized(new)
    other = new.replace(ORIGIN.encode(), b"e2e.example/other")
    rows = [
        (b"", 404, 3, ["has never cosigned this log"], "when one has never cosigned it"),
        (b"", 500, 3, ["answers 500"], "when one fails"),
        (b"hello\n", 200, 2, ["head that this log signed"], "by what is no note"),
        (flipped(good), 200, 1, ["this witness cosigned", "does not verify"],
         "by a cosignature with a bit changed"),
        (two.cosign(new, key=one.key), 200, 1, ["this witness cosigned", "does not verify"],
         "by a cosignature that another key made in its name"),
        (two.cosign(new, text=old_text), 200, 1, ["this witness cosigned", "does not verify"],
         "by a cosignature over an older head"),
        (new, 200, 1, ["this witness cosigned", "no signature by a known key"], "without a cosignature"),
        (one.cosign(new), 200, 1, ["this witness cosigned", "no signature by a known key"],
         "by another witness's cosignature"),
        (two.cosign(touched), 200, 1, ["this log signed", "does not verify"],
         "by a head that the witness cosigned and the log did not sign"),
        (two.cosign(other), 200, 1, ["this log signed", "another log"], "by another log's head"),
        (two.cosign(forked), 200, 1, ["different trees of size 40"], "when the two hold different trees"),
    ]
    for body, status, code, words, says in rows:
        scene.know_newest()
        two.knows(ORIGIN, body, status)
        scene.refused(code, ["witness witness.example/2", *words], says)
    scene.know(one.cosign(forked), two.cosign(forked))
    scene.refused(1, ["different trees"], "when both hold another tree than the copy")


def policies(scene):
    """What the copy's policy says of its witnesses; all that can be asked are honest."""
    path = scene.house.path("copy", "policy")
    policy = open(path).read()
    gone = Witness(scene.house, "witness.example/gone")
    gone.close()
    rows = [
        (policy + gone.line(), 3, ["witness.example/gone", "cannot be asked", "all must answer"], "when one is away"),
        (scene.plain, 2, ["names no witness"], "when the policy names none"),
        (scene.plain + scene.one.line() + scene.two.line(url=False), 2, ["witness.example/2", "no URL"],
         "when one has no URL"),
        (policy.replace("#cartulary ct-key", "#ct-key"), 2, ["both keys"], "when the policy lacks a key of the log"),
    ]
    scene.know_newest()
    for text, code, words, says in rows:
        with open(path, "w") as f:
            f.write(text)
        scene.refused(code, words, says)
    with open(path, "w") as f:
        f.write(policy)


def becomes_the_log(scene):
    """One witness is at the copy's own head, the other lags: nobody knows more than the copy."""
    checks = scene.checks
    copy = Log.adopt(scene.house, "copy", scene.log.address)
    code, said = copy.refuses(listen="127.0.0.1:0")
    checks.that(code == 1 and "is-a-copy" in said, "after all of that it does not serve", (code, said))
    scene.know(scene.one.cosign(scene.newest), scene.two.cosign(scene.old))
    code, said = scene.promote()
    checks.equal(code, 0, "when nobody knows more than the copy " + said)
    code, said = scene.promote()
    checks.that(code == 1 and "nothing to promote" in said, "once", (code, said))
    copy.start()
    checks.equal(copy.state(), scene.state, "it has the tree of the log")
    checks.equal(copy.add(scene.leaves.chain(41)).status, 200, "and grows")
    checks.equal(copy.stop(), 0, "SIGTERM")
    checks.equal(copy.fsck()[0], 0, "fsck")


def scenario(house, checks):
    scene = Scene(house, checks)
    newer_outside(scene)
    wrong_answers(scene, scene.forked())
    policies(scene)
    becomes_the_log(scene)


run("10-witnesses", scenario)
