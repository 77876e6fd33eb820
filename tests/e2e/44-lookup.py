#!/usr/bin/env python3
# Goal of this test: somebody who wants to write an encrypted mail gets the recipient's certificate, or is told why not, and
# the exit code says which.  What was logged and should not be trusted is shown and never offered; a mail that was encrypted
# to what --out wrote can be read; the owner of an address learns of every certificate that names it, also in a subject.

import glob
import json
import os
import subprocess
import time

from ca import CN, DAY, EMAIL, SIGN, Authority, openssl_key, write_pem
from house import Log, Skip, pem_certificates, run
from stranger import milliseconds, wait_covered

ALICE = "alice@home.example"


class Scene:
    """A log that takes three roots, of which a client trusts one."""

    def __init__(self, house, checks):
        self.house, self.checks, self.ders = house, checks, {}
        now = int(time.time())
        self.root, self.private = Authority("Trusted Root"), Authority("Private Root")
        self.ca = Authority("Mail CA", self.root)
        self.narrow = Authority("Home CA", self.root, constraints=["home.example"])
        self.late = Authority("Late CA", self.root, not_before=now - 90 * DAY, not_after=now - DAY)
        self.roots = write_pem(house.path("roots.pem"), self.root.der, self.private.der)
        self.trust = write_pem(house.path("trust.pem"), self.root.der)
        self.log = Log(house, roots=self.roots, lookup_rate=100000, lookup_burst=100000).start()

    def submit(self, who, chain, pre=False):
        answer = self.log.add(chain, pre)
        self.checks.equal(answer.status, 200, f"{who}: a chain is taken {answer.body[:300]}")
        self.ders[who] = chain[0]

    def settle(self):
        self.checks.that(wait_covered(self.log, self.log.sth()["tree_size"] - 1, 60) is not None, "the directory follows")

    def client(self, *args, state="state", policy=None, trust=True):
        more = ["--trust", self.trust] if trust else []
        return self.house.cartulary("--policy", policy or self.log.policy, *more, "--state", self.house.path(state), *args)


def everybody(scene):
    now, house = int(time.time()), scene.house
    rsa, p256 = openssl_key(house, "alice.key"), openssl_key(house, "carol.key", "p256")
    scene.submit("alice, earlier", scene.ca.issue(ALICE, not_before=now - 20 * DAY))
    scene.settle()
    time.sleep(1.1)  # --at has seconds
    scene.between = milliseconds()
    time.sleep(1.1)
    scene.submit("alice", scene.ca.issue(ALICE, spki=rsa, not_before=now - DAY))
    scene.submit("bob", scene.ca.issue("bob@home.example", poison=True), pre=True)
    scene.submit("carol", scene.ca.issue("carol@home.example", purpose=SIGN, spki=p256))
    scene.submit("old", scene.ca.issue("old@home.example", not_before=now - 30 * DAY, not_after=now - DAY))
    scene.submit("dave", [scene.private.leaf("dave@home.example")])
    scene.submit("erin", scene.narrow.issue("erin@bank.example"))
    scene.submit("erna", scene.narrow.issue("erna@home.example"))
    scene.submit("frank", scene.late.issue("frank@home.example"))
    scene.submit("Mixed", scene.ca.issue("Mixed.Case@home.example"))
    scene.submit("grete", scene.ca.issue("gr\u00eate@home.example"))
    scene.settle()


def offers(scene, says, args, code, word=None, offered=()):
    """A look-up: its exit code, a word that it says, and the certificates that --out wrote."""
    out_file = scene.house.path("out.pem")
    if os.path.exists(out_file):
        os.unlink(out_file)
    got, out, err = scene.client("lookup", *args, "--out", out_file)
    scene.checks.equal(got, code, f"{says}: exit {code}; {out} {err}")
    if word is not None:
        scene.checks.that(word in (out + err).lower(), f"{says}: it says {word!r}", (out, err))
    written = pem_certificates(out_file) if os.path.exists(out_file) else []
    scene.checks.equal(written[:1] if offered else written, [scene.ders[w] for w in offered][:1],
                       f"{says}: what is offered, the newest first")
    scene.checks.equal(set(written), {scene.ders[w] for w in offered}, f"{says}: all that is offered")
    return out + err


def look_ups(scene):
    rows = [
        ("alice", [ALICE], 0, None, ["alice", "alice, earlier"]),
        ("alice in capitals of the domain", ["alice@HOME.example."], 0, None, ["alice", "alice, earlier"]),
        ("alice for encryption", [ALICE, "--for", "encrypt"], 0, None, ["alice", "alice, earlier"]),
        ("alice for signing", [ALICE, "--for", "sign"], 0, None, ["alice", "alice, earlier"]),
        ("nobody", ["nobody@home.example"], 1, "never", []),
        ("a domain that is not there", ["nobody@elsewhere.example"], 1, "never", []),
        ("bob, announced only", ["bob@home.example"], 1, "announced", []),
        ("carol for encryption", ["carol@home.example", "--for", "encrypt"], 1, "none-for-purpose", []),
        ("carol for signing", ["carol@home.example", "--for", "sign"], 0, None, ["carol"]),
        ("an expired one", ["old@home.example"], 1, "expired", []),
        ("a private root", ["dave@home.example"], 1, "untrusted", []),
        ("a sub-CA out of its bounds", ["erin@bank.example"], 1, "untrusted", []),
        ("a sub-CA within its bounds", ["erna@home.example"], 0, None, ["erna"]),
        ("an expired intermediate", ["frank@home.example"], 1, "untrusted", []),
        ("as it was certified", ["Mixed.Case@home.example"], 0, None, ["Mixed"]),
        ("in other capitals", ["mixed.case@home.example"], 1, None, []),
        ("in other capitals, folded", ["mixed.case@home.example", "--fold"], 0, None, ["Mixed"]),
        ("not in ASCII", ["gr\u00eate@home.example"], 0, None, ["grete"]),
        ("alice before anything was logged", [ALICE, "--at", "2020-01-01T00:00:00Z"], 1, "never", []),
        ("alice when she had one", [ALICE, "--at", moment(scene.between)], 0, None, ["alice, earlier"]),
    ]
    for says, args, code, word, offered in rows:
        offers(scene, says, args, code, word, offered)
    for who in ("dave@home.example", "erin@bank.example", "frank@home.example"):
        _, out, err = scene.client("lookup", who)
        scene.checks.that("logged, not trusted" in out + err, f"{who} is shown as logged, not trusted", (out, err))
    code, out, err = scene.client("lookup", ALICE, trust=False, state="trusting-nobody")
    scene.checks.equal(code, 1, f"who trusts nobody is offered nothing {out} {err}")
    for bad in ("", "alice", "@home.example", "a@b@c.example", "Alice <alice@home.example>"):
        scene.checks.equal(scene.client("lookup", bad)[0], 2, f"no address: {bad!r}")


def moment(when):
    """The second of a moment, as --at takes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when / 1000))


def mail(scene):
    """A mail to alice, encrypted to what the look-up gave."""
    house = scene.house
    code, out, err = scene.client("lookup", ALICE, "--for", "encrypt", "--out", house.path("to.pem"))
    scene.checks.equal(code, 0, f"alice can be written to {err}")
    newest = write_pem(house.path("one.pem"), pem_certificates(house.path("to.pem"))[0])
    text = b"Content-Type: text/plain\r\n\r\nbring the charters\r\n"
    sealed = subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-aes256", newest], input=text, cwd=house.folder,
                            capture_output=True)
    scene.checks.equal(sealed.returncode, 0, sealed.stderr)
    opened = subprocess.run(["openssl", "cms", "-decrypt", "-inkey", "alice.key", "-recip", newest], input=sealed.stdout,
                            cwd=house.folder, capture_output=True)
    scene.checks.equal(opened.stdout, text, f"and can read it {opened.stderr}")


def as_json(scene):
    code, out, err = scene.client("--json", "lookup", ALICE)
    said = json.loads(out)
    scene.checks.equal((code, said["exit"]), (0, 0), f"lookup --json {err}")
    code, out, _ = scene.client("--json", "lookup", "nobody@home.example")
    said = json.loads(out)
    scene.checks.equal((code, said["exit"], said.get("reason")), (1, 1, "never"), f"lookup --json of nobody {out}")
    code, out, err = scene.house.cartulary("--policy", scene.log.policy, "--trust", scene.trust, "--stateless", "lookup", ALICE)
    scene.checks.equal(code, 0, f"--stateless {err}")
    scene.checks.that("stateless" in (out + err).lower(), "says what is not protected", (out, err))
    mode = [os.stat(p).st_mode & 0o777 for p in glob.glob(scene.house.path("state", "*.directory"))]
    scene.checks.equal(mode, [0o600], "the state with addresses in it is its owner's alone")


def history(scene):
    code, out, err = scene.client("history", ALICE)
    scene.checks.equal(code, 0, f"history of alice {err}")
    code, out, err = scene.client("--json", "history", ALICE)
    scene.checks.equal(code, 0, f"history --json {err}")
    print("history:", out[:300].replace("\n", " "))
    scene.checks.equal(scene.client("history", "nobody@home.example")[0], 1, "nobody has no history")


def watch(scene):
    """alice is told of what somebody else was issued with her address in it."""
    first = scene.client("monitor", "--once", "--watch", ALICE, state="alice")
    scene.checks.equal(first[0], 0, f"alice begins to watch {first}")
    again = scene.client("monitor", "--once", state="alice")
    scene.checks.equal(again[0], 0, f"nothing new {again}")
    scene.submit("mallory", scene.ca.issue("mallory@elsewhere.example", subject=((CN, "mallory"), (EMAIL, ALICE))))
    scene.settle()
    code, out, err = scene.client("monitor", "--once", state="alice")
    scene.checks.that(code in (0, 1) and ALICE in out + err, "alice sees mallory's certificate", (code, out, err))
    print("watch:", code, (out + err)[-600:])
    offers(scene, "mallory's is shown, and not offered", [ALICE], 0, None, ["alice", "alice, earlier"])
    code, out, err = scene.client("lookup", "mallory@elsewhere.example")
    scene.checks.equal(code, 0, f"mallory's own address is the one offered {out} {err}")


def two_logs(scene):
    """Absence takes every log of the policy; one that does not answer is "try later"."""
    other = Log(scene.house, name="second", roots=scene.roots, origin="second.example/log", lookup_rate=100000,
                lookup_burst=100000).start()
    both = scene.house.path("both.policy")
    with open(both, "w") as f:
        for log in (scene.log, other):
            with open(log.policy) as one:
                f.writelines(line for line in one if not line.startswith("quorum"))
        f.write("quorum none\n")
    code, out, err = scene.client("lookup", "nobody@home.example", policy=both, state="both")
    scene.checks.equal(code, 1, f"nobody in either of two logs {out} {err}")
    code, out, err = scene.client("lookup", ALICE, policy=both, state="both")
    scene.checks.equal(code, 0, f"alice in one of two logs {out} {err}")
    scene.checks.equal(other.stop(), 0, "SIGTERM")
    code, out, err = scene.client("lookup", "nobody@home.example", policy=both, state="both")
    scene.checks.equal(code, 3, f"nobody, and one log does not answer {out} {err}")


def scenario(house, checks):
    if not house.knows("lookup"):
        raise Skip("this cartulary has no lookup")
    scene = Scene(house, checks)
    everybody(scene)
    look_ups(scene)
    mail(scene)
    as_json(scene)
    history(scene)
    watch(scene)
    two_logs(scene)
    checks.equal(scene.log.stop(), 0, "SIGTERM")
    code, _, err = scene.client("lookup", ALICE)
    checks.equal(code, 3, f"a log that is down: exit 3 {err}")


run("44-lookup", scenario)
