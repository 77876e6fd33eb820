#!/usr/bin/env python3
# Goal of this test: alice hands bob a file, and bob writes to her encrypted without a word to the log about her.  What was
# not in a distinguished entry yet is believed on the log's signature, and confirmed later; a log that signed another tree
# for one of them is found out, at once or when it comes to confirming.

import base64
import glob
import hashlib
import json
import os
import shutil
import subprocess
import time

import expected
import lies
from ca import DAY, Authority, openssl_key, write_pem
from expected import domain_label, mailbox_label
from house import Log, pem_certificates, run
from pretender import Pretender
from proxy import Proxy
from stranger import Replay, Stranger, newest, wait_covered

from kt.codec import decode, encode
from kt.messages import Credential
from kt.structs import CONTACT

ALICE, OTHER = "alice@lies.example", "other@lies.example"


class Scene:
    def __init__(self, house, checks):
        self.house, self.checks = house, checks
        self.root, self.private = Authority("Trusted Root"), Authority("Private Root")
        self.ca = Authority("Mail CA", self.root)
        self.roots = write_pem(house.path("roots.pem"), self.root.der, self.private.der)
        self.trust = write_pem(house.path("trust.pem"), self.root.der)
        self.log = Log(house, roots=self.roots, lookup_rate=100000, lookup_burst=100000).start()
        self.bobs = Proxy(self.log)  # all that bob asks goes through here
        self.bobs_policy = self.bobs.policy(house)
        self.key = openssl_key(house, "alice.key")

    def submit(self, chain):
        answer = self.log.add(chain)
        self.checks.equal(answer.status, 200, f"a chain is taken {answer.body[:300]}")
        self.checks.that(wait_covered(self.log, self.log.sth()["tree_size"] - 1, 60) is not None, "the directory follows")
        return chain[0]

    def grow(self, size):
        """Epochs, until the directory has so many entries: powers of two are distinguished ones."""
        while newest(self.log)[0] < size:
            self.submit(self.ca.issue(OTHER))

    def client(self, who, *args, policy=None, trust=None):
        policy = policy or (self.bobs_policy if who == "bob" else self.log.policy)
        return self.house.cartulary("--policy", policy, "--trust", trust or self.trust, "--state", self.house.path(who), *args)

    def expect(self, says, code, who, *args, word="", **more):
        got, out, err = self.client(who, *args, **more)
        self.checks.equal(got, code, f"{says}: exit {code}; {out} {err}")
        self.checks.that(word in out + err, f"{says}: it says {word!r}", (out, err))
        return out, err

    def check(self, says, code, file, *args, word="", **more):
        """bob checks a file, and nobody hears of it."""
        before, known = len(self.bobs.asked), self.known()
        said = self.expect(says, code, "bob", "credential", "--check", self.house.path(file), *args, word=word, **more)
        self.checks.equal(self.bobs.asked[before:], [], f"{says}: nobody is asked")
        self.checks.equal(self.known(), known, f"{says}: what is known of the log stays as it was")
        return said

    def known(self):
        """What bob's directory state holds."""
        out = []
        for path in sorted(glob.glob(self.house.path("bob", "*.directory")) + glob.glob(self.house.path("bob", "*.view"))):
            with open(path, "rb") as f:
                out.append(f.read())
        return out

    def evidence(self):
        return glob.glob(self.house.path("bob", "*.evidence"))


def standard(scene):
    scene.submit(scene.ca.issue(ALICE, not_before=int(time.time()) - 2 * DAY))
    newest_der = scene.submit(scene.ca.issue(ALICE, spki=scene.key, not_before=int(time.time())))
    scene.grow(9)
    scene.expect("nobody to vouch for", 1, "alice", "credential", "--make", scene.house.path("no"), "nobody@lies.example", word="never")
    scene.checks.that(not os.path.exists(scene.house.path("no")), "and no file")
    scene.expect("alice makes one", 0, "alice", "credential", "--make", scene.house.path("standard"), ALICE, word="standard")
    scene.check("bob knows no distinguished entry", 3, "standard", word="cartulary monitor --once")
    scene.expect("bob gets to know them", 0, "bob", "monitor", "--once")
    scene.check("bob checks it", 0, "standard", "--for", "encrypt", "--out", scene.house.path("to.pem"), ALICE, word="OFFERED")
    scene.checks.equal(pem_certificates(scene.house.path("to.pem"))[:1], [newest_der], "the newest first")
    mail(scene)
    scene.check("for another address", 2, "standard", OTHER, word="another address")
    out, _ = scene.check("whom bob does not trust", 1, "standard", "--out", scene.house.path("none.pem"), word="logged, not trusted",
                         trust=write_pem(scene.house.path("private.pem"), scene.private.der))
    scene.checks.equal(pem_certificates(scene.house.path("none.pem")), [], "is not written")
    damaged(scene)
    usage(scene)


def mail(scene):
    one = write_pem(scene.house.path("one.pem"), pem_certificates(scene.house.path("to.pem"))[0])
    text = b"Content-Type: text/plain\r\n\r\nbring the charters\r\n"
    sealed = subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-aes256", one], input=text, cwd=scene.house.folder,
                            capture_output=True)
    scene.checks.equal(sealed.returncode, 0, sealed.stderr)
    opened = subprocess.run(["openssl", "cms", "-decrypt", "-inkey", "alice.key", "-recip", one], input=sealed.stdout,
                            cwd=scene.house.folder, capture_output=True)
    scene.checks.equal(opened.stdout, text, f"alice can read it {opened.stderr}")


def change(scene, alter):
    """The standard credential with its bytes altered, and the digest of the file made anew."""
    with open(scene.house.path("standard")) as f:
        lines = f.read().splitlines()[:-1]
    key, value = lines[2].split(" ")
    scene.checks.equal(key, "credential", "the third line")
    lines[2] = f"{key} {base64.b64encode(alter(base64.b64decode(value))).decode()}"
    body = "\n".join(lines) + "\n"
    with open(scene.house.path("changed"), "w") as f:
        f.write(body + f"sha256 {hashlib.sha256(body.encode()).hexdigest()}\n")
    with open(scene.house.path("cut"), "w") as f:
        f.write(body)


def at_position(position):
    def alter(data):
        c = decode(Credential, data, CONTACT)
        c.position = position
        return encode(Credential, c, CONTACT)
    return alter


def damaged(scene):
    change(scene, lambda data: data[:-30] + bytes([data[-30] ^ 1]) + data[-29:])
    scene.check("cut off", 2, "cut")
    before = set(scene.evidence())
    scene.check("a byte is another: the proof is false", 4, "changed", word="PROOF REFUSED")
    evidence = set(scene.evidence()) - before
    scene.checks.equal(len(evidence), 1, "and kept as evidence")
    scene.expect("which anybody can look at", 1, "dave", "evidence", *evidence)
    change(scene, at_position(5))
    scene.check("for an entry that is none of them", 2, "changed", word="not a distinguished one")
    change(scene, at_position(127))
    scene.check("for one to come", 3, "changed", word="newer than those known here")


def usage(scene):
    file = scene.house.path("standard")
    for says, args in [("nothing", []), ("two things", ["--make", "x", "--check", file, ALICE]), ("no address", ["--make", "x"]),
                       ("two addresses", ["--check", file, ALICE, OTHER]), ("a purpose to make", ["--make", "x", "--fold", ALICE]),
                       ("a log beside a file", ["--check", file, "--log", "x"]), ("another purpose", ["--check", file, "--for", "x"]),
                       ("no file", ["--check", scene.house.path("nowhere")]), ("another file", ["--check", scene.trust]),
                       ("nothing to update", ["--update", "x"]), ("what is no address", ["--make", "x", "alice"])]:
        scene.expect(f"usage: {says}", 2, "bob", "credential", *args)
    code, out, err = scene.house.cartulary("--policy", scene.bobs_policy, "--stateless", "credential", "--check", file)
    scene.checks.equal(code, 2, f"nothing is remembered {out} {err}")


def pretender(scene):
    replay = Replay(scene.log)
    replay.up_to_date()
    entries = expected.fetch_entries(scene.log, replay.entries[-1].certificates)
    labels = [mailbox_label(a) for a in (ALICE, OTHER)] + [domain_label("lies.example")]
    return Pretender.of(replay, entries, labels, Stranger(scene.log))


def forked(scene, file, word):
    """A credential out of a tree in which alice's newest version says what the one before did, signed by the log."""
    p = pretender(scene)
    versions = p.kt.labels[mailbox_label(ALICE)]
    lies.other_history(p, versions[-1].position, versions[-2].value)
    with open(scene.log.policy) as f:
        said = f.read().replace(f"http://{scene.log.address}", f"http://{p.proxy.address}")
    with open(scene.house.path("forked-policy"), "w") as f:
        f.write(said)
    scene.expect("mallory makes one in another tree", 0, "mallory-" + file, "credential", "--make", scene.house.path(file), ALICE,
                 word=word, policy=scene.house.path("forked-policy"))
    p.proxy.close()


def provisional(scene):
    scene.submit(scene.ca.issue(ALICE, spki=scene.key, not_before=int(time.time())))
    scene.expect("alice makes another", 0, "alice", "credential", "--make", scene.house.path("early"), ALICE, word="provisional")
    scene.check("bob uses it at once", 0, "early", "--out", scene.house.path("to.pem"), word="not yet confirmed")
    scene.checks.equal(len(pem_certificates(scene.house.path("to.pem"))), 3, "all three certificates are offered")
    scene.expect("too early to confirm", 3, "bob", "credential", "--confirm", word="not confirmed yet")
    forked(scene, "forked-early", "provisional")
    scene.check("the log's signature is all that bob has", 0, "forked-early", word="not yet confirmed")
    scene.checks.equal(len(scene.evidence()), 2, "evidence of before")
    mixed(scene)


def proofs(scene):
    """Evidence by signatures that contradict each other: what it proves."""
    said = {}
    for path in glob.glob(scene.house.path("bob", "directory-*.evidence")):
        said[path] = scene.client("dave", "evidence", path)
        scene.checks.that(said[path][0] == 0 and "PROVED" in said[path][1], "which proves it to anybody", said[path])
    return set(said)


def mixed(scene):
    """What the log signed for mallory, beside what it says of the same tree in its feed."""
    with open(scene.house.path("forked-early")) as f:
        lines = f.read().splitlines()[:-1]
    beside = json.loads(base64.b64decode(lines[3].split(" ")[1]))
    for says, code, anchor in (("the log's own anchor", 4, scene.log.ask(f"/feed/anchor?size={beside['anchor']['size']}").json()),
                               ("no anchor", 2, None)):
        other = dict(beside, anchor=anchor)
        body = "\n".join([*lines[:3], "beside " + base64.b64encode(json.dumps(other).encode()).decode(), *lines[4:]]) + "\n"
        with open(scene.house.path("mixed"), "w") as f:
            f.write(body + f"sha256 {hashlib.sha256(body.encode()).hexdigest()}\n")
        scene.check(f"a forked head, and {says}", code, "mixed", word="PROOF REFUSED" if code == 4 else "")
    scene.checks.equal(len(proofs(scene)), 1, "two signatures, and nobody was asked")


def confirm(scene):
    early, update = scene.house.path("early"), scene.house.path("update")
    shutil.copytree(scene.house.path("bob"), scene.house.path("carol"))
    scene.expect("too early for an update", 3, "alice", "credential", "--update", update, early, word="not confirmed yet")
    scene.grow(16)
    out, _ = scene.expect("carol asks the log", 0, "carol", "--json", "credential", "--confirm", early)
    said = json.loads(out)
    scene.checks.equal((said["address"], said["confirmed"]), (ALICE, True), "in JSON")
    scene.expect("alice asks for what confirms it", 0, "alice", "credential", "--update", update, early, word="confirms")
    before = len(scene.bobs.asked)
    scene.expect("bob does not know that entry yet", 3, "bob", "credential", "--confirm", update, word="not confirmed yet")
    scene.checks.equal(scene.bobs.asked[before:], [], "and asks nobody")
    before = len(scene.bobs.asked)
    out, _ = scene.expect("bob gets to know it, and what was sent is enough", 0, "bob", "monitor", "--once",
                          word="confirmed by distinguished entry 15")
    scene.checks.equal(scene.bobs.asked[before:].count("/kt/v1/credential-update"), 0, "the log is not asked")
    scene.checks.that("not confirmed" not in out, "what goes on waiting is not told")
    scene.expect("what forked is refused", 4, "bob", "credential", "--confirm", word="PROOF REFUSED")
    scene.checks.equal(scene.bobs.asked[before:].count("/kt/v1/credential-update"), 1, "the log is asked about it")
    scene.checks.equal(len(scene.evidence()), 5, "which is kept as evidence")
    scene.checks.equal(len(proofs(scene)), 2, "with the head that was signed, and what the feed has")
    scene.expect("nothing waits", 0, "bob", "credential", "--confirm", word="no credential waits")
    scene.expect("nor of a log that nobody knows", 2, "bob", "credential", "--confirm", "--log", "other.example/log")
    scene.expect("nor does it", 2, "bob", "credential", "--confirm", early, word="does not wait")
    scene.expect("nor does it", 2, "bob", "credential", "--confirm", update, word="does not wait")
    scene.check("it can be checked again", 0, "early", word="not yet confirmed")
    before = len(scene.bobs.asked)
    scene.expect("and confirmed by what was sent", 0, "bob", "credential", "--confirm", update, word="confirmed by distinguished entry 15")
    scene.checks.equal(scene.bobs.asked[before:], [], "asking nobody")
    scene.expect("alice makes one more", 0, "alice", "credential", "--make", scene.house.path("late"), ALICE, word="standard")
    scene.check("which is for an entry that bob knows", 0, "late", word="standard")
    scene.expect("a standard one needs no update", 2, "alice", "credential", "--update", update, scene.house.path("late"))


def scenario(house, checks):
    scene = Scene(house, checks)
    standard(scene)
    forked(scene, "forked", "standard")
    scene.check("another tree than bob's", 4, "forked", word="PROOF REFUSED")
    provisional(scene)
    confirm(scene)
    mode = {os.stat(p).st_mode & 0o777 for p in glob.glob(house.path("bob", "*.pending"))}
    checks.equal(mode, {0o600}, "what waits names addresses: it is its owner's alone")
    checks.equal(scene.log.stop(), 0, "SIGTERM")


run("47-credential", scenario)
