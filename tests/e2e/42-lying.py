#!/usr/bin/env python3
# Goal of this test: whatever a directory with all of a log's keys makes up, somebody refuses it.  Each lie is told with
# valid signatures by a prover that is the real log in everything else; the twin of tests/reference/kt refuses it, and
# believes it as soon as the one check that should catch it is taken out; cartulary refuses it, keeps evidence, and spoils
# nothing that it knew.

import contextlib
import copy
import glob
import os
import re
import shutil
import struct
import sys
from unittest import mock

import expected
import lies
import stranger as stranger_module
from ca import Authority, write_pem
from expected import domain_label, mailbox_label
from house import Log, free_port, program, run
from lies import ALICE, BOB, CAROL, NOBODY
from pretender import Pretender
from stranger import Replay, Stranger, milliseconds, newest, wait_covered

from kt import crypto
from kt.refusal import Refused, require
from kt.server import Entry

LOOKUP = ("lookup", ALICE)
WATCH = ("monitor", "--once", "--watch", ALICE)


# ---- one check taken out ----

@contextlib.contextmanager
def without(*sentences):
    """The twin without the checks that refuse in these words."""
    def lenient(condition, why):
        if not condition and not why.startswith(sentences):
            raise Refused(why)

    modules = [m for n, m in list(sys.modules.items()) if n.startswith("kt.") and hasattr(m, "require")]
    with contextlib.ExitStack() as stack:
        for m in modules + [stranger_module, sys.modules["__main__"]]:
            stack.enter_context(mock.patch.object(m, "require", lenient))
        yield


@contextlib.contextmanager
def without_signature():
    """The twin that looks at no signature of a directory's head."""
    with mock.patch.object(crypto, "verify_head"):
        yield


class Scene:
    """alice has versions on both sides of a distinguished entry, bob and carol one; two people have seen some of it."""

    def __init__(self, house, checks):
        self.house, self.checks = house, checks
        self.root = Authority("Lies Root")
        self.ca = Authority("Lies CA", self.root)
        self.roots = write_pem(house.path("roots.pem"), self.root.der)
        self.log = Log(house, roots=self.roots, lookup_rate=100000, lookup_burst=100000).start()
        self.submit(self.ca.issue(ALICE), self.ca.issue(BOB))
        self.past = milliseconds()
        while newest(self.log)[0] < 8:
            self.submit(self.ca.issue(CAROL))
        self.known = Stranger(self.log)
        self.known.lookup(ALICE)
        self.client(self.log.policy, "known", *LOOKUP)
        self.client(self.log.policy, "watched", *WATCH)
        self.owner = Stranger(self.log)
        self.owner.init(mailbox_label(ALICE), min(self.owner.distinguished()["recent"]))
        self.submit(self.ca.issue(ALICE))
        self.submit(self.ca.issue(CAROL))
        self.replay = Replay(self.log)

    def submit(self, *chains):
        for chain in chains:
            answer = self.log.add(chain)
            self.checks.equal(answer.status, 200, "a chain is taken")
        self.checks.that(wait_covered(self.log, self.log.sth()["tree_size"] - 1, 60) is not None, "the directory follows")

    def client(self, policy, state, *args, env=None):
        return self.house.cartulary("--policy", policy, "--trust", self.roots, "--state", self.house.path(state), *args,
                                    env=env)

    def pretender(self):
        """A directory that knows all of it and has all keys."""
        self.replay.up_to_date()
        self.entries = expected.fetch_entries(self.log, self.replay.entries[-1].certificates)
        labels = [mailbox_label(a) for a in (ALICE, BOB, CAROL)] + [domain_label("lies.example")]
        p = Pretender.of(self.replay, self.entries, labels, Stranger(self.log))
        self.checks.equal(p.kt.at(p.size).root(), self.replay.entries[-1].root, "it pretends well")
        return p

    def person(self, who, pretender):
        """Somebody with that view, who now talks to the pretender."""
        out = copy.copy(who)
        out.twin = copy.deepcopy(who.twin)
        out.log = Behind(self.log, pretender)
        return out

    def policy_for(self, pretender, delay=None):
        """A policy that leads to the pretender; delay: seconds that it promises for its directory."""
        with open(self.log.policy) as f:
            said = f.read().replace(f"http://{self.log.address}", f"http://{pretender.proxy.address}")
        if delay is not None:
            said = re.sub(r"(?m)^(#cartulary directory-delay \S+) \d+$", rf"\1 {delay}", said)
        with open(self.house.path("policy-lies"), "w") as f:
            f.write(said)
        return self.house.path("policy-lies")


class Behind:
    """The log as it looks from behind a pretender."""

    def __init__(self, log, pretender):
        self.policy, self.dir = log.policy, log.dir
        self.address = pretender.proxy.address
        self.ask, self.http = (getattr(Log, n).__get__(self) for n in ("ask", "http"))


def omits_a_label(p, scene):
    """A certificate for two: the directory takes it up for one of them."""
    scene.submit(scene.ca.issue(BOB, NOBODY))
    p.entries = expected.fetch_entries(scene.log, scene.log.sth()["tree_size"])
    directory, before = expected.Directory(), 0
    for e in p.feed + [None]:
        until = len(p.entries) if e is None else e.certificates
        directory.epoch(0 if e is None else e.timestamp, p.entries[before:until])
        before = until
    last = directory.epochs - 1
    now = max(milliseconds(), p.kt.entries[-1].timestamp)
    updates = [(label, directory.state[label].value(now), bytes(16)) for label, versions in directory.versions.items()
               if versions[-1][0] == last and label != mailbox_label(NOBODY)]
    p.append(now, updates, len(p.entries))


def audit(log, entries):
    """Whoever reads the whole log compares it with the whole directory."""
    replay = Replay(log)
    replay.up_to_date()
    directory, before = expected.Directory(), 0
    for e in replay.entries:
        changed = directory.epoch(e.timestamp, entries[before:e.certificates])
        require(len(changed) == e.additions, "audit: another number of labels than the certificates have")
        before = e.certificates
    return replay


# ---- rows ----

class Row:
    """says; lie(pretender); ask(person) in which the twin should refuse in the words `why`; removed: contexts without the
    check, or "view": a twin that knows nothing of before; verb: of cartulary, codes: its exit codes; forks: whether what
    it signed is longer than the log, which then cannot answer who has seen it; proof: whether its signatures contradict
    each other, so that the evidence proves it to anybody."""

    def __init__(self, says, lie, ask, why, removed=None, who="known", verb=None, codes=(4,), forks=False,
                 proof=False):
        self.says, self.lie, self.ask, self.why, self.who, self.verb, self.codes = says, lie, ask, why, who, verb, codes
        self.forks, self.proof = forks, proof
        self.removed = removed or (lambda: without(why))


SIGNATURE = "ed25519: the signature is not"
# A changed value may also contradict another part of its answer: it depends on where the keys fall in the tree.
DIFFER = "prefix: two results differ about one node"


def roots_unchecked():
    """Whatever root an answer leads to is believed."""
    stack = contextlib.ExitStack()
    stack.enter_context(without_signature())
    stack.enter_context(without("transcript: a retained prefix root", "log: a retained subtree", "head: the same size with",
                                "lookup: the feed has another root", DIFFER))
    return stack


ROWS = [
    Row("hides a version", lies.hides_a_version, lambda s: s.lookup(ALICE), "search: a greater version",
        lambda: without("search: a greater version", "search: the version claimed"), verb=LOOKUP),
    Row("claims absence", lies.claims_absence, lambda s: s.lookup(ALICE), "transcript: a retained prefix root",
        roots_unchecked, verb=LOOKUP),
    Row("claims absence to a newcomer", lies.claims_absence, lambda s: s.lookup(ALICE), SIGNATURE, roots_unchecked, who="new",
        verb=LOOKUP),
    Row("claims absence in a tree of its own", lies.absence_of_its_own, lambda s: s.lookup(ALICE),
        "transcript: a retained prefix root", "view", verb=LOOKUP, proof=True),
    Row("forks: another value for those who come now", lies.forks, lambda s: s.lookup(ALICE), "transcript: a retained prefix root",
        "view", who="newest", verb=LOOKUP, proof=True),
    Row("forks, and forgets who has seen what", lambda p: (lies.forks(p), lies.forget_view(p)), lambda s: s.lookup(ALICE),
        "head: the tree has not grown", "view", who="newest", verb=LOOKUP, proof=True),
    Row("shows who watches a tree of its own, without somebody else", lambda p: lies.absence_of_its_own(p, BOB),
        lambda s: s.follow(mailbox_label(ALICE)), ("transcript: a retained prefix root", "log: a retained subtree"),
        roots_unchecked, who="owner", verb=WATCH, proof=True),
    Row("forks: to who reads a history", lies.forks, lambda s: s.lookup(ALICE), "transcript: a retained prefix root",
        "view", who="newest", verb=("history", ALICE), proof=True),
    Row("forks, and answers nothing about its feed", lambda p: (lies.forks(p), lies.hides_the_feed(p)), lambda s: s.lookup(ALICE),
        "transcript: a retained prefix root", "view", who="newest", verb=LOOKUP),
    Row("rewinds", lies.rewinds, lambda s: s.lookup(ALICE), "head: the tree has not grown", "view", verb=LOOKUP),
    Row("edits a value", lies.edits_value, lambda s: s.lookup(ALICE), (SIGNATURE, DIFFER), roots_unchecked, who="new", verb=LOOKUP),
    Row("shows another certificate", lies.swaps_certificate, lambda s: s.lookup(ALICE), "lookup: the entry names another index",
        lambda: without("lookup: the entry names", "lookup: the entry is not in", "lookup: the certificate is not",
                        "lookup: another key"), verb=LOOKUP),
    Row("plants a key in the past", lies.plants_in_the_past, None, "as of: a version does not begin or end", verb=LOOKUP + ("--at",)),
    Row("plants a key unseen", lies.plants_unseen, lambda s: s.follow(mailbox_label(ALICE)), SIGNATURE, roots_unchecked,
        who="owner"),
    Row("shows nothing of what is watched", lies.shows_nothing, lambda s: s.follow(mailbox_label(ALICE)), "follow: nothing is shown",
        who="owner", verb=WATCH, forks=True),
]


def outcome(call):
    """(what it gave, None) or (None, why it was refused)."""
    try:
        return call(), None
    except Refused as why:
        return None, str(why)


def tell(scene, row):
    people = {"known": scene.known, "owner": scene.owner, "new": Stranger(scene.log), "newest": Stranger(scene.log)}
    ask = row.ask or (lambda s: s.lookup(ALICE, at=scene.past))
    if row.who == "newest":
        people["newest"].lookup(ALICE)
    pretender = scene.pretender()
    try:
        got, why = outcome(lambda: ask(scene.person(people[row.who], pretender)))
        scene.checks.equal(why, None, f"{row.says}: before it lies it is believed")
        row.lie(pretender)
        got, why = outcome(lambda: ask(scene.person(people[row.who], pretender)))
        scene.checks.that(why is not None and why.startswith(row.why), f"{row.says}: the twin refuses", (got, why))
        who = people["new"] if row.removed == "view" else people[row.who]
        with contextlib.nullcontext() if row.removed == "view" else row.removed():
            got, again = outcome(lambda: ask(scene.person(who, pretender)))
        scene.checks.equal(again, None, f"{row.says}: without that check the twin believes it")
        print(f"{row.says}: refused: {why}")
        if row.verb:
            client_row(scene, row, pretender)
    finally:
        pretender.proxy.close()


def client_row(scene, row, pretender):
    """cartulary, with what it knew of before."""
    shutil.rmtree(scene.house.path("state"), ignore_errors=True)
    if row.who == "known":
        shutil.copytree(scene.house.path("known"), scene.house.path("state"))
    if row.who == "owner":
        shutil.copytree(scene.house.path("watched"), scene.house.path("state"))
    if row.who == "newest":
        scene.client(scene.log.policy, "state", *LOOKUP)
    policy = scene.policy_for(pretender)
    moment = [str(scene.past // 1000)] if row.verb[-1] == "--at" else []
    code, out, err = scene.client(policy, "state", *row.verb, *moment)
    scene.checks.that(code in row.codes, f"{row.says}: cartulary refuses", (code, out, err))
    evidence = glob.glob(scene.house.path("state", "*.evidence"))
    scene.checks.equal(bool(evidence), code == 4, f"{row.says}: evidence is kept exactly for exit 4")
    if evidence:
        scene.checks.equal(any("directory-" in os.path.basename(path) for path in evidence), row.proof,
                           f"{row.says}: signatures prove what can be proved {evidence}")
    for path in evidence:
        proof = "directory-" in os.path.basename(path)
        scene.checks.that(os.path.basename(path) in err, f"{row.says}: and it is named", err)
        code, out, said = scene.house.cartulary("evidence", path)
        scene.checks.equal((code, "(directory)" in out), (0, True) if proof else (1, False),
                           f"{row.says}: it proves what it can {out} {said}")
        print(f"{row.says}: evidence: {out.splitlines()[0] if out else said}")
    if row.forks:
        return
    code, out, err = scene.client(scene.log.policy, "state", "lookup", ALICE)
    scene.checks.equal(code, 0, f"{row.says}: what was known is not spoilt: {out} {err}")


def omitted(scene):
    """A lie that no single answer shows: who reads both logs finds it."""
    p = scene.pretender()
    behind = Behind(scene.log, p)
    _, why = outcome(lambda: audit(behind, scene.entries))
    scene.checks.equal(why, None, "omits a label: before it lies it is believed")
    omits_a_label(p, scene)
    _, why = outcome(lambda: audit(behind, p.entries))
    scene.checks.that(why is not None and why.startswith("audit: another number"), "omits a label: the auditor refuses", why)
    with without("audit:"):
        _, why = outcome(lambda: audit(behind, p.entries))
    scene.checks.equal(why, None, "omits a label: without that check it is believed")
    person = Stranger(scene.log)
    person.log = behind
    scene.checks.that(person.lookup(NOBODY).get("absent"), "and no answer about the label shows it")
    p.proxy.close()


def stale(scene):
    """An old head, for two hours: nothing is proved against the log, nothing is believed."""
    p = scene.pretender()
    late = scene.person(scene.known, p)
    late.now = lambda: milliseconds() + 2 * 3600 * 1000
    _, why = outcome(lambda: late.lookup(ALICE))
    scene.checks.equal(why, "head: the tree is behind the clock", "an old head: the twin refuses")
    with without("head: the tree is behind"):
        _, why = outcome(lambda: scene.person(late, p).lookup(ALICE))
    scene.checks.equal(why, None, "an old head: without that check the twin believes it")
    shim = os.path.join(os.path.dirname(program("cartulary")), "..", "tests", "clockshift.so")
    if os.path.exists(shim):
        with open(scene.house.path("shift"), "wb") as f:
            f.write(struct.pack("=q", 7200))
        shutil.rmtree(scene.house.path("state"), ignore_errors=True)
        shutil.copytree(scene.house.path("known"), scene.house.path("state"))
        env = {"LD_PRELOAD": os.path.abspath(shim), "CLOCKSHIFT": scene.house.path("shift")}
        code, out, err = scene.client(scene.policy_for(p), "state", *LOOKUP, env=env)
        scene.checks.equal(code, 3, f"an old head: cartulary says try later {out} {err}")
        scene.checks.equal(glob.glob(scene.house.path("state", "*.evidence")), [], "an old head: nobody is accused")
    p.proxy.close()


def stopped(scene):
    """A directory that stopped taking certificates up, with heads as fresh as ever."""
    p = scene.pretender()
    scene.submit(scene.ca.issue(ALICE))
    size = scene.log.sth()["tree_size"]
    _, why = outcome(lambda: scene.person(scene.known, p).lookup(ALICE, had=size))
    scene.checks.equal(why, "lookup: certificates that were logged are left out", "stopped: the twin refuses")
    with without("lookup: certificates that were logged"):
        _, why = outcome(lambda: scene.person(scene.known, p).lookup(ALICE, had=size))
    scene.checks.equal(why, None, "stopped: without that check the twin believes it")
    policy = scene.policy_for(p, delay=1)
    for who, known in (("a newcomer", None), ("who knows it", "known"), ("who watches", "watched")):
        shutil.rmtree(scene.house.path("state"), ignore_errors=True)
        if known:
            shutil.copytree(scene.house.path(known), scene.house.path("state"))
        code, out, err = scene.client(policy, "state", *LOOKUP)
        scene.checks.that(code == 3 and "taken up" in err, f"stopped: {who} waits, and is not answered", (code, out, err))
        scene.checks.equal(glob.glob(scene.house.path("state", "*.evidence")), [], "stopped: nobody is accused yet")
    p.append(milliseconds(), [], p.feed[-1].certificates)
    code, out, err = scene.client(policy, "state", *LOOKUP)
    scene.checks.that(code == 4 and glob.glob(scene.house.path("state", "*.evidence")),
                      "stopped: a head later than the promise is refused, with evidence", (code, out, err))
    print("stopped:", err.strip())
    p.proxy.close()


def shown_once(scene):
    """A version that is shown to one person, stands in one entry only, and is in none that anybody looks at later."""
    for who, known in (("who looked up", "known"), ("who watches", "watched")):
        p = scene.pretender()
        label, size, before = mailbox_label(ALICE), p.feed[-1].certificates, p.kt.entries[-1].prefix
        p.append(milliseconds(), [(label, p.kt.labels[label][0].value, bytes(16))], size)
        person = scene.person(scene.known, p)
        found = person.lookup(ALICE)
        scene.checks.equal(len(found["records"]), 1, "shown once: what the twin is shown")
        shutil.rmtree(scene.house.path("state"), ignore_errors=True)
        shutil.copytree(scene.house.path(known), scene.house.path("state"))
        policy = scene.policy_for(p)
        code, out, err = scene.client(policy, "state", *LOOKUP)
        scene.checks.equal(code, 0, f"shown once: {who} is shown it {out} {err}")
        shown_at = p.size
        p.kt.labels[label].pop()
        p.lie = lies.monitors_all
        for _ in range(3):  # no end of a tree that is kept, and the next distinguished entry
            p.kt.entries.append(Entry(milliseconds(), before))
            p.put_feed([], size)
        while p.size & (p.size - 1):
            p.kt.entries.append(Entry(milliseconds(), before))
            p.put_feed([], size)
        _, why = outcome(lambda: scene.person(person, p).lookup(ALICE))
        scene.checks.equal(why, None, "shown once: who does not follow it believes what comes then")
        _, why = outcome(lambda: scene.person(person, p).contact_monitor(label))
        scene.checks.that(why is not None, "shown once: the twin, which follows it, refuses")
        print(f"shown once, {who}: refused: {why}; sizes {shown_at} {p.size}")
        code, out, err = scene.client(policy, "state", *(WATCH if known == "watched" else LOOKUP))
        scene.checks.equal(code, 4, f"shown once: {who} refuses {out} {err}")
        p.proxy.close()


def second_log(scene):
    """A copy of the log with its keys, which goes on by itself: two real logs that contradict each other."""
    log, other = scene.log, Log.adopt(scene.house, "other", f"127.0.0.1:{free_port()}")
    log.stop()
    shutil.copytree(log.dir, other.dir)
    other.start()
    log.start()
    person = Stranger(log)
    person.lookup(ALICE)
    for which, address in ((log, "dora"), (other, "emil")):
        for i in range(3):  # an epoch for each
            if which is log and i == 1:
                scene.client(log.policy, "early", *LOOKUP)
            answer = which.add(scene.ca.issue(address + "@lies.example"))
            scene.checks.equal(answer.status, 200, "both take certificates")
            scene.checks.that(wait_covered(which, which.sth()["tree_size"] - 1, 60) is not None, "both directories follow")
    newcomer = Stranger(log)
    person.lookup(ALICE)
    person.log = newcomer.log = other
    _, why = outcome(lambda: person.lookup(ALICE))
    scene.checks.that(why is not None, "who knows the one log refuses the other")
    _, again = outcome(lambda: newcomer.lookup(ALICE))
    scene.checks.equal(again, None, "who knows neither believes the other")
    print(f"a second log: refused: {why}")
    client_between(scene, log, other)
    scene.checks.equal(other.stop(), 0, "SIGTERM")


def client_between(scene, log, other):
    """cartulary, shown the one and then the other."""
    code, out, err = scene.client(log.policy, "fork", *LOOKUP)
    scene.checks.equal(code, 0, f"the one log is believed {out} {err}")
    with open(log.policy) as f:
        said = f.read().replace(f"http://{log.address}", f"http://{other.address}")
    with open(scene.house.path("policy-other"), "w") as f:
        f.write(said)
    code, out, err = scene.client(scene.house.path("policy-other"), "fork", *LOOKUP)
    scene.checks.equal(code, 4, f"cartulary refuses the other {out} {err}")
    proved = 0
    for path in glob.glob(scene.house.path("fork", "*.evidence")):
        code, out, err = scene.house.cartulary("evidence", path)
        proved += code == 0
        print("a second log: evidence:", (out or err).splitlines()[0])
    scene.checks.that(proved > 0, "and has evidence that proves it to anybody", (code, out, err))
    directory_between(scene, log)
    code, out, err = scene.client(log.policy, "fork", *LOOKUP)
    scene.checks.equal(code, 0, f"what was known of the one is not spoilt {out} {err}")


def directory_between(scene, log):
    """The same when nothing is known of the certificate log: the directories are enough."""
    for path in glob.glob(scene.house.path("early", "*.view")):
        os.remove(path)
    code, out, err = scene.client(scene.house.path("policy-other"), "early", *LOOKUP)
    scene.checks.equal(code, 4, f"cartulary refuses the other's directory {out} {err}")
    proofs = glob.glob(scene.house.path("early", "directory-*.evidence"))
    scene.checks.equal(len(proofs), 1, "there is proof")
    for path in proofs:
        code, out, err = scene.house.cartulary("--policy", log.policy, "evidence", path)
        scene.checks.that(code == 0 and "(directory)" in out, "real signatures prove it, of a log of the policy", (out, err))
        print("a second directory: evidence:", out.splitlines()[-1])
    friends_compare(scene, log)


def friends_compare(scene, log):
    """Two people, each of whom was shown one of them, and believes it."""
    other = scene.house.path("policy-other")
    for policy, state in ((log.policy, "friend"), (other, "stranger")):
        code, out, err = scene.client(policy, state, *LOOKUP)
        scene.checks.equal(code, 0, f"each believes what he is shown {out} {err}")
    early, = glob.glob(scene.house.path("early", "*.directory-head"))
    with open(early) as f:
        scene.checks.that("label" not in f.read(), "no address is in the file for a friend")
    code, out, err = scene.client(log.policy, "friend", "heads", "--compare", early)
    scene.checks.that(code == 0 and "same directory" in out, "who was shown the same one hears so", (code, out, err))
    scene.checks.equal(glob.glob(scene.house.path("friend", "*.evidence")), [], "and nobody is accused")
    code, out, err = scene.client(other, "stranger", "heads", "--compare", early)
    scene.checks.that(code == 4, "who was shown another one hears that", (code, out, err))
    for path in glob.glob(scene.house.path("stranger", "directory-*.evidence")):
        code, out, err = scene.house.cartulary("evidence", path)
        scene.checks.that(code == 0 and "(directory)" in out, "and can prove it", (out, err))
        print("friends compare:", out.splitlines()[-1])
    code, out, err = scene.client(log.policy, "friend", "heads")
    scene.checks.that(".directory-head" in out, "heads names the file to give away", (code, out, err))


def scenario(house, checks):
    scene = Scene(house, checks)
    for row in ROWS:
        tell(scene, row)
    stale(scene)
    omitted(scene)
    shown_once(scene)
    stopped(scene)
    second_log(scene)
    checks.equal(scene.log.stop(), 0, "SIGTERM")


run("42-lying", scenario)
