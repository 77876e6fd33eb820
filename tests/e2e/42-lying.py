#!/usr/bin/env python3
# Goal of this test: whatever a directory with all of a log's keys makes up, somebody refuses it.  Each lie is told with
# valid signatures by a prover that is the real log in everything else; the twin of tests/reference/kt refuses it, and
# believes it as soon as the one check that should catch it is taken out; cartulary refuses it, keeps evidence, and spoils
# nothing that it knew.

import base64
import contextlib
import copy
import glob
import json
import os
import shutil
import struct
import sys
from unittest import mock

import expected
import stranger as stranger_module
from ca import Authority, write_pem
from expected import domain_label, mailbox_label
from house import Log, free_port, program, run
from pretender import OCTETS, Pretender, text
from stranger import Replay, Stranger, milliseconds, newest, wait_covered

from kt import algorithms, crypto, extensions, ladder, mailbox, prefix
from kt.codec import encode
from kt.messages import GreatestSearchResponse
from kt.refusal import Refused, require
from kt.server import Entry
from kt.structs import CONTACT, update_value

ALICE, BOB, CAROL, NOBODY = (a + "@lies.example" for a in ("alice", "bob", "carol", "nobody"))


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
        self.looks_up = house.knows("lookup")
        if not self.looks_up:
            print("not shown here: what cartulary says (it has no lookup)")
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
        if self.looks_up:
            self.client(self.log.policy, "known", "lookup", ALICE)
        self.owner = Stranger(self.log)
        self.owner.init(mailbox_label(ALICE), min(self.owner.distinguished()["recent"]))
        self.submit(self.ca.issue(ALICE))
        self.submit(self.ca.issue(CAROL))
        self.replay = Replay(self.log)
        self.replay.up_to_date()
        self.entries = expected.fetch_entries(self.log, self.replay.entries[-1].certificates)

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

    def policy_for(self, pretender):
        with open(self.log.policy) as f:
            said = f.read().replace(f"http://{self.log.address}", f"http://{pretender.proxy.address}")
        with open(self.house.path("policy-lies"), "w") as f:
            f.write(said)
        return self.house.path("policy-lies")


class Behind:
    """The log as it looks from behind a pretender."""

    def __init__(self, log, pretender):
        self.policy, self.dir = log.policy, log.dir
        self.address = pretender.proxy.address
        self.ask, self.http = (getattr(Log, n).__get__(self) for n in ("ask", "http"))


# ---- lies: functions that teach them to a pretender ----

def claim_greatest(view, request, target):
    """A SearchResponse for the greatest version that claims another one."""
    versions = view.versions(request.label)
    t = view.prover(request.last, request.label)
    algorithms.greatest_search(t, target)
    response = GreatestSearchResponse(
        full_tree_head=view.full_tree_head(request.last), version=target, opening=versions[target].opening,
        value=update_value(versions[target].value),
        binary_ladder=[view.step(request.label, v, v != target) for v in ladder.base(target)], search=t.proof())
    return 200, OCTETS, encode(GreatestSearchResponse, response, CONTACT)


def hides_a_version(p):
    p.lie = lambda kind, view, request: claim_greatest(view, request, 0) if kind == "search" else None


def hollow(p, label, version):
    """Prefix trees without that version, in entries that are hashed and signed with it: every root that follows is wrong."""
    gone = crypto.search_key(p.keys["vrf"], label, version)
    for x, entry in enumerate(p.kt.entries):
        node = None
        for leaf in leaves_of(entry.prefix):
            node = node if leaf.key == gone else prefix.insert(node, leaf)
        p.kt.entries[x] = copy.copy(entry)
        p.kt.entries[x].prefix = node


def claims_absence(p):
    for v in range(len(p.kt.labels[mailbox_label(ALICE)])):
        hollow(p, mailbox_label(ALICE), v)
    del p.kt.labels[mailbox_label(ALICE)]


def absence_of_its_own(p):
    """The same in a tree that was never shown, signed."""
    claims_absence(p)
    p.kt.entries = [Entry(e.timestamp, e.prefix) for e in p.kt.entries]
    gone = {crypto.search_key(p.keys["vrf"], mailbox_label(ALICE), v) for v in range(4)}
    p.additions = [[pair for pair in a if pair[0] not in gone] for a in p.additions]
    rebuild_feed(p)


def other_history(p, first, value):
    """From entry `first` on, alice's newest version holds another value: signed, in a tree of its own."""
    label = mailbox_label(ALICE)
    old = p.kt.labels[label][-1]
    key = crypto.search_key(p.keys["vrf"], label, len(p.kt.labels[label]) - 1)
    new = crypto.commitment(old.opening, label, len(p.kt.labels[label]) - 1, value)
    for x in range(first, p.size):
        node = None
        for leaf in leaves_of(p.kt.entries[x].prefix):
            node = prefix.insert(node, prefix.Leaf(key, new) if leaf.key == key else leaf)
        p.kt.entries[x] = Entry(p.kt.entries[x].timestamp, node)
        if x == old.position:
            p.additions[x] = [(k, new if k == key else c) for k, c in p.additions[x]]
    old.value, old.commitment = value, new
    rebuild_feed(p)


def rebuild_feed(p):
    for x in range(p.size):
        e = p.feed[x]
        p.feed[x] = mailbox.feed_entry(p.kt.entries[x].timestamp, prefix.value_of(p.kt.entries[x].prefix),
                                       p.kt.at(x + 1).root(), p.additions[x], (e.certificates, e.certificates_root))


def leaves_of(node):
    if node is None:
        return []
    return [node] if isinstance(node, prefix.Leaf) else leaves_of(node.children[0]) + leaves_of(node.children[1])


def mallorys(p):
    """A value for alice that holds somebody else's certificate."""
    record = next(e.records()[mailbox_label(BOB)] for e in p.entries if mailbox_label(BOB) in e.records())
    return encode(mailbox.MailboxState, mailbox.MailboxState(
        format=1, kind=mailbox.STATE, records=[record], total=1,
        all=mailbox.rfc6962_root([encode(mailbox.Record, record, CONTACT)])), CONTACT)


def forks(p):
    other_history(p, p.kt.labels[mailbox_label(ALICE)][-1].position, mallorys(p))


def forget_view(p):
    """Answers everybody as if they had never seen anything."""
    p.lie = lambda kind, view, request: (setattr(request, "last", None), None)[1]


def rewinds(p):
    """Everything after the first eight entries is gone."""
    for queue in (p.kt.entries, p.feed, p.additions):
        del queue[6:]
    for label in p.kt.labels:
        p.kt.labels[label] = [v for v in p.kt.labels[label] if v.position < 6]
    forget_view(p)


def plants_in_the_past(p):
    """alice's version of now is said to have been hers at a time when it was not."""
    def lie(kind, view, request):
        if kind != "as-of":
            return None
        versions = view.versions(request.label)
        v = len(versions) - 1
        first = versions[0].position
        t = view.prover(request.last, request.label)
        extensions.walk_as_of(t, request.time, v, first, None)
        response = extensions.AsOfResponse(
            full_tree_head=view.full_tree_head(request.last), version=v, first=first, next=None,
            opening=versions[v].opening, value=update_value(versions[v].value),
            binary_ladder=[view.step(request.label, u, u != v) for u in ladder.base(v)], as_of=t.proof())
        return 200, OCTETS, encode(extensions.AsOfResponse, response, CONTACT)
    p.lie = lie


def plants_unseen(p):
    """The log gives alice a version that nobody was issued, and her answers are made without it."""
    label, size, updates = mailbox_label(ALICE), p.feed[-1].certificates, [(mailbox_label(ALICE), mallorys(p), bytes(16))]
    while updates or p.size & (p.size - 1):  # until a distinguished entry has it
        p.append(max(milliseconds(), p.kt.entries[-1].timestamp), updates, size)
        updates = []
    hollow(p, label, len(p.kt.labels[label]) - 1)
    p.kt.labels[label].pop()


def edits_value(p):
    """Bytes of an honest answer: the value of alice's version."""
    def change(path, answer):
        if path != "/v1/lookup":
            return answer.body
        told = answer.json()
        data = bytearray(base64.b64decode(told["answer"]))
        value = p.kt.labels[mailbox_label(ALICE)][-1].value
        at = bytes(data).index(value) + len(value) - 33
        data[at] ^= 1  # in `total`: nothing else looks at it
        told["answer"] = text(bytes(data))
        return json.dumps(told).encode()
    p.proxy.change = change


def swaps_certificate(p):
    """The proof is honest, the certificate beside it somebody else's."""
    def change(path, answer):
        if path != "/v1/lookup":
            return answer.body
        told = answer.json()
        bob = next(e for e in p.entries if mailbox_label(BOB) in e.records())
        told["records"][0]["leaf_input"] = text(bob.leaf)
        return json.dumps(told).encode()
    p.proxy.change = change


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
    check, or "view": a twin that knows nothing of before; verb: of cartulary, codes: its exit codes."""

    def __init__(self, says, lie, ask, why, removed=None, who="known", verb=None, codes=(4,)):
        self.says, self.lie, self.ask, self.why, self.who, self.verb, self.codes = says, lie, ask, why, who, verb, codes
        self.removed = removed or (lambda: without(why))


SIGNATURE = "ed25519: the signature is not"
LOOKUP = ("lookup", ALICE)


def roots_unchecked():
    """Whatever root an answer leads to is believed."""
    stack = contextlib.ExitStack()
    stack.enter_context(without_signature())
    stack.enter_context(without("transcript: a retained prefix root", "log: a retained subtree", "head: the same size with",
                                "lookup: the feed has another root"))
    return stack


ROWS = [
    Row("hides a version", hides_a_version, lambda s: s.lookup(ALICE), "search: a greater version",
        lambda: without("search: a greater version", "search: the version claimed"), verb=LOOKUP),
    Row("claims absence", claims_absence, lambda s: s.lookup(ALICE), "transcript: a retained prefix root",
        roots_unchecked, verb=LOOKUP),
    Row("claims absence to a newcomer", claims_absence, lambda s: s.lookup(ALICE), SIGNATURE, roots_unchecked, who="new",
        verb=LOOKUP),
    Row("claims absence in a tree of its own", absence_of_its_own, lambda s: s.lookup(ALICE),
        "transcript: a retained prefix root", "view", verb=LOOKUP),
    Row("forks: another value for those who come now", forks, lambda s: s.lookup(ALICE), "transcript: a retained prefix root",
        "view", who="newest"),
    Row("forks, and forgets who has seen what", lambda p: (forks(p), forget_view(p)), lambda s: s.lookup(ALICE),
        "head: the tree has not grown", "view", who="newest"),
    Row("rewinds", rewinds, lambda s: s.lookup(ALICE), "head: the tree has not grown", "view", verb=LOOKUP),
    Row("edits a value", edits_value, lambda s: s.lookup(ALICE), SIGNATURE, roots_unchecked, who="new", verb=LOOKUP),
    Row("shows another certificate", swaps_certificate, lambda s: s.lookup(ALICE), "lookup: the entry names another index",
        lambda: without("lookup: the entry names", "lookup: the entry is not in", "lookup: the certificate is not",
                        "lookup: another key"), verb=LOOKUP),
    Row("plants a key in the past", plants_in_the_past, None, "as of: a version does not begin or end"),
    Row("plants a key unseen", plants_unseen, lambda s: s.follow(mailbox_label(ALICE)), SIGNATURE, roots_unchecked,
        who="owner"),
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
        if row.verb and scene.looks_up:
            client_row(scene, row, pretender)
    finally:
        pretender.proxy.close()


def client_row(scene, row, pretender):
    """cartulary, with what it knew of before."""
    shutil.rmtree(scene.house.path("state"), ignore_errors=True)
    if row.who == "known":
        shutil.copytree(scene.house.path("known"), scene.house.path("state"))
    policy = scene.policy_for(pretender)
    code, out, err = scene.client(policy, "state", *row.verb)
    scene.checks.that(code in row.codes, f"{row.says}: cartulary refuses", (code, out, err))
    evidence = glob.glob(scene.house.path("state", "*.evidence"))
    scene.checks.equal(bool(evidence), code == 4, f"{row.says}: evidence is kept exactly for exit 4")
    for path in evidence:
        scene.checks.that(path in err or os.path.basename(path) in err, f"{row.says}: and it is named", err)
        code, out, err = scene.house.cartulary("evidence", path)
        scene.checks.that(code in (0, 1), f"{row.says}: evidence can be looked at offline", (code, out, err))
        print(f"{row.says}: evidence: {out.splitlines()[0] if out else err}")
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
    if scene.looks_up and os.path.exists(shim):
        with open(scene.house.path("shift"), "wb") as f:
            f.write(struct.pack("=q", 7200))
        shutil.rmtree(scene.house.path("state"), ignore_errors=True)
        shutil.copytree(scene.house.path("known"), scene.house.path("state"))
        env = {"LD_PRELOAD": os.path.abspath(shim), "CLOCKSHIFT": scene.house.path("shift")}
        code, out, err = scene.client(scene.policy_for(p), "state", *LOOKUP, env=env)
        scene.checks.equal(code, 3, f"an old head: cartulary says try later {out} {err}")
        scene.checks.equal(glob.glob(scene.house.path("state", "*.evidence")), [], "an old head: nobody is accused")
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
        for _ in range(3):  # an epoch for each
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
    if scene.looks_up:
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
    code, out, err = scene.client(log.policy, "fork", *LOOKUP)
    scene.checks.equal(code, 0, f"what was known of the one is not spoilt {out} {err}")


def scenario(house, checks):
    scene = Scene(house, checks)
    for row in ROWS:
        tell(scene, row)
    stale(scene)
    omitted(scene)
    second_log(scene)
    checks.equal(scene.log.stop(), 0, "SIGTERM")


run("42-lying", scenario)
