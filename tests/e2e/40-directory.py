#!/usr/bin/env python3
# Goal of this test: the key directory of a real log is the one that merkle/keytrans/FORMATS.md describes.  A second
# implementation that was written from the texts alone verifies every kind of answer over HTTP, computes every value from
# the entries of the certificate log, and replays the feed from its first entry; a restart and a kill change nothing.

import base64
import signal
import sys
import time

import expected
import tree
from ca import CN, DAY, EMAIL, ENCRYPT, SIGN, Authority, write_pem
from expected import domain_label, mailbox_label
from house import Log, run
from stranger import REQUESTS, Replay, Stranger, configuration, newest, wait_covered

from kt import credential, mailbox
from kt.codec import decode, encode
from kt.messages import (PROVISIONAL, Credential, GreatestSearchResponse, LabelValue, SearchRequest, UpdateRequest)
from kt.structs import CONTACT, Configuration

MINTED = int(sys.argv[1]) if len(sys.argv) > 1 else 48
DELAY = 60  # seconds: what a log promises when its policy says nothing else
HOUR = 3600 * 1000


class Scene:
    def __init__(self, house, checks):
        self.house, self.checks = house, checks
        self.root = Authority("Directory Root")
        self.ca = Authority("Directory CA", self.root)
        self.minted = house.chains(house.mint(count=MINTED))
        roots = house.path("roots.pem")
        write_pem(roots, self.root.der)
        with open(roots, "a") as out, open(house.path("chains.roots.pem")) as more:
            out.write(more.read())
        self.log = Log(house, roots=roots, lookup_rate=100000, lookup_burst=100000).start()
        self.index = -1  # of the last entry that was submitted
        self.lags = []

    def submit(self, chain, pre=False):
        answer = self.log.add(chain, pre)
        if not self.checks.equal(answer.status, 200, f"a chain is taken {answer.body[:200]}"):
            raise RuntimeError("submit")
        self.index = max(self.index, tree.leaf_index(base64.b64decode(answer.json()["extensions"])))

    def settle(self):
        """Waits until the directory holds all that was submitted."""
        took = wait_covered(self.log, self.index, DELAY)
        if not self.checks.that(took is not None, f"entry {self.index} is in the directory within {DELAY} s"):
            raise RuntimeError("the directory does not follow")
        return took


# ---- what is submitted ----

def first_round(scene):
    """Several addresses, domains, spellings and places in one certificate; also what nobody can use."""
    now = int(time.time())
    ca = scene.ca
    pre, scene.bob = ca.pair("bob@example.org")
    scene.submit(pre, pre=True)
    scene.submit(ca.issue("alice@example.org", not_before=now - 9 * DAY))
    scene.submit(ca.issue("Carol@Example.ORG", "carol@example.net", "carol+x@sub.example.net"))
    scene.submit(ca.issue("d\u00f6rte@example.org"))
    scene.submit(ca.issue("mallory@example.com", subject=((CN, "mallory"), (EMAIL, "alice@example.org"))))
    scene.submit(ca.issue("old@example.org", not_before=now - 20 * DAY, not_after=now - DAY))
    scene.submit(ca.issue("sign@example.org", purpose=SIGN))
    scene.submit(ca.issue("encrypt@example.org", purpose=ENCRYPT))
    scene.submit(ca.issue(subject=((CN, "nobody's"),)))
    for path, chain in scene.minted:
        scene.submit(chain, pre="precert" in path)


def second_round(scene):
    """A certificate for what was announced, more for who has one."""
    now = int(time.time())
    scene.submit(scene.bob)
    scene.submit(scene.ca.issue("alice@example.org", not_before=now - 2 * DAY))
    scene.submit(scene.ca.issue("ALICE@example.org", not_before=now - 3 * DAY))


def one_more(scene, address="alice@example.org"):
    """A certificate and an epoch of its own; how long the directory took."""
    scene.submit(scene.ca.issue(address))
    took = scene.settle()
    scene.lags.append(took)
    return took


# ---- the feed, and what follows from the entries ----

def check_feed(scene, replay):
    """Anyone can replay it, and what it binds is what the log holds."""
    size = replay.up_to_date()
    replay.hash_tiles(size)
    first = replay.entries[0]
    scene.checks.equal((first.certificates, first.additions, first.prefix_root), (0, 0, bytes(32)),
                       "epoch 0 is the empty tree")
    entries = expected.fetch_entries(scene.log, replay.entries[-1].certificates)
    hashes = [e.leaf_hash for e in entries]
    for i, e in enumerate(replay.entries):
        scene.checks.equal(e.certificates_root, tree.root_of(hashes[:e.certificates]),
                           f"epoch {i} names the root of the certificate log")
        scene.checks.equal((e.crls, e.crls_root), (0, tree.root_of([])), f"epoch {i}: no archive of CRLs")
    return entries


def computed(scene, replay, entries):
    """The directory by our own reading: every epoch adds as many leaves as labels changed."""
    directory, before = expected.Directory(), 0
    for i, e in enumerate(replay.entries):
        changed = directory.epoch(e.timestamp, entries[before:e.certificates])
        scene.checks.equal(len(changed), e.additions, f"epoch {i}: an addition for each label that changed")
        before = e.certificates
    return directory


def check_values(scene, directory, replay, everything=True):
    """Each version of each label is what the entries lead to, proved, and added where it should be."""
    stranger = Stranger(scene.log)
    places = {c: i for i, additions in enumerate(replay.additions) for _, c in additions}
    for label, versions in sorted(directory.versions.items()):
        found = stranger.search(label)
        scene.checks.equal((found["version"], found["value"]), (len(versions) - 1, versions[-1][1]),
                           f"the greatest version of {label}")
        for v, (epoch, value) in enumerate(versions if everything or len(versions) > 1 else []):
            one = Stranger(scene.log)
            got = one.search(label, v)
            scene.checks.equal(got["value"], value, f"version {v} of {label}")
            known = one.twin.state.contact.get(label)
            commitment = next((w.known[v][1] for w in known.values() if v in w.known), None) if known else None
            if commitment is not None:
                scene.checks.equal(places.get(commitment), epoch, f"version {v} of {label} stands in its epoch")
        for v, status in [(len(versions), 404), (2**32 - 1, 404)]:
            answer = stranger.post("search", SearchRequest(last=None, label=label, version=v))
            scene.checks.equal((answer.status, answer.problem()), (status, "kt-no-version"), f"{label} has no version {v}")
    return stranger


def check_shapes(scene, directory):
    """The stories of the first rounds, in the words of the records."""
    def state(address):
        return decode(mailbox.MailboxState, directory.versions[mailbox_label(address)][-1][1], CONTACT)

    bob, = state("bob@example.org").records
    scene.checks.that(mailbox.NOT_LOGGED not in (bob.precert_index, bob.final_index),
                      "a precertificate and its certificate are one record", bob)
    alice = state("alice@example.org")
    scene.checks.equal({r.source for r in alice.records}, {1, 3}, "alice sees who has her address in a subject")
    scene.checks.that(b"ALICE@example.org" in {r.address for r in alice.records}, "an address stands as it was certified")
    old = state("old@example.org")
    scene.checks.equal((len(old.records), old.total), (0, 1), "what has expired is counted, and not listed")
    scene.checks.equal([state(a + "@example.org").records[0].purpose for a in ("sign", "encrypt", "bob")], [1, 2, 3],
                       "purposes")


# ---- answers of each kind ----

def check_configuration(scene):
    answer = scene.log.ask("/kt/v1/configuration")
    ours = configuration(scene.log)
    scene.checks.equal((answer.status, answer.header("Content-Type")), (200, "application/octet-stream"), "configuration")
    scene.checks.equal(answer.body, encode(Configuration, ours, CONTACT), "the configuration is the policy's")
    scene.checks.equal((ours.max_ahead, ours.max_behind, ours.reasonable_monitoring_window, ours.maximum_lifetime),
                       (HOUR // 12, HOUR, 24 * HOUR, None), "its limits")


def check_absence(scene, stranger):
    for label in (mailbox_label("nobody@example.org"), mailbox_label("alice@example.com"), domain_label("absent.example"),
                  domain_label("org"), mailbox_label("x" * 240 + "@example.org")):
        scene.checks.that(stranger.absent(label)["absent"], f"{label} has no version, and it is proved")
    for label in (b"", b"\1", b"\3x", b"x" * 255, b"\1Alice@example.org", b"\1alice", b"\2Example.org", b"\2example.org."):
        answer = stranger.post("search", SearchRequest(last=None, label=label, version=None))
        scene.checks.equal((answer.status, answer.problem() is not None), (400, True), f"{label} is no label")
    answer = stranger.post("search", SearchRequest(last=None, label=mailbox_label("nobody@example.org"), version=0))
    scene.checks.equal((answer.status, answer.problem()), (404, "kt-no-label"), "a version of a label without one")


def check_as_of(scene, directory, replay):
    """What was known of alice at the moment of each epoch, just before, and long ago."""
    label, size = mailbox_label("alice@example.org"), replay.size
    versions = directory.versions[label]
    times = [e.timestamp for e in replay.entries]
    moments = sorted({t + d for t in times for d in (-1, 0)} | {0, times[0] - 1, times[-1] + 1})[-24:] + [0]
    for when in moments:
        got = Stranger(scene.log).as_of(label, when)
        last = max((i for i in range(size) if times[i] <= when), default=None)
        version = None if last is None else directory.greatest_at(label, last)
        following = 0 if version is None else version + 1
        wanted = (version, None if version is None else versions[version][0],
                  versions[following][0] if following < len(versions) else None,
                  None if version is None else versions[version][1])
        scene.checks.equal((got["version"], got["first"], got["next"], got["value"]), wanted, f"alice as of {when}")
    none = Stranger(scene.log).as_of(mailbox_label("nobody@example.org"), times[-1])
    scene.checks.equal((none["version"], none["first"], none["next"]), (None, None, None), "nobody as of now")


def watching(scene, label):
    """Somebody who looked the label up and must monitor it, because no distinguished entry has the version yet."""
    for _ in range(3):
        one_more(scene)
        stranger = Stranger(scene.log)
        if stranger.search(label)["monitor"]:
            break
    scene.checks.that(label in stranger.twin.state.contact, "a fresh version must be monitored")
    return stranger


def check_contact(scene, stranger, label):
    """Who looked somebody up follows the version until a distinguished entry has it."""
    for _ in range(40):
        if label not in stranger.twin.state.contact:
            break
        one_more(scene, "busy@example.org")
        stranger.contact_monitor(label)
    scene.checks.that(label not in stranger.twin.state.contact, "monitoring ends at a distinguished entry",
                      stranger.twin.state.contact.get(label) and list(stranger.twin.state.contact[label]))


def check_owner(scene, replay, directory, label):
    """alice follows her own label from a distinguished entry, and learns of each version that there was since."""
    replay.up_to_date()
    owner = Stranger(scene.log)
    recent = owner.distinguished()["recent"]
    size = owner.twin.state.view.size
    scene.checks.that(recent and max(recent) < size and all((d + 1) & d == 0 for d in recent),
                      "a young log's distinguished entries are its roots", list(recent))
    scene.checks.equal({d: root for d, root in recent.items()},
                       {d: replay.entries[d].root for d in recent}, "and their heads are those of the feed")
    start = min(recent)
    owner.init(label, start)
    before = len(directory.versions[label])
    scene.checks.equal(owner.twin.state.owned[label].greatest(), directory.greatest_at(label, start), "owner-init")
    for _ in range(2):
        one_more(scene)
    learned = owner.follow(label)
    replay.up_to_date()
    entries = expected.fetch_entries(scene.log, replay.entries[-1].certificates)
    directory = computed(scene, replay, entries)
    wanted = [(e, v) for e, v in directory.versions[label] if e > start]
    scene.checks.that(len(directory.versions[label]) >= before + 2, "an epoch with a change makes a version")
    scene.checks.equal([(n["position"], n["values"]) for n in learned][:len(wanted)], [(e, [v]) for e, v in wanted],
                       "the owner learns of each version in its order")
    check_update_refusals(scene, owner, label)
    later = Stranger(scene.log)
    later.init(label, max(later.distinguished()["recent"]))
    scene.checks.equal(later.twin.state.owned[label].greatest(),
                       directory.greatest_at(label, max(later.twin.state.recent)), "owner-init at the newest")
    return owner, directory


def check_update_refusals(scene, owner, label):
    greatest = owner.twin.state.owned[label].greatest()
    value = [LabelValue(value=b"mine")]
    rows = [("nothing new", greatest, [], 409, "kt-nothing-new"), ("values of one's own", greatest, value, 403, "kt-own-values"),
            ("a version that is not yet", greatest + 1, [], 400, "kt-not-yet"),
            ("the greatest number", 2**32 - 1, [], 400, "kt-not-yet")]
    for says, version, values, status, problem in rows:
        answer = owner.post("update", UpdateRequest(last=None, label=label, greatest_version=version, values=values))
        scene.checks.equal((answer.status, answer.problem()), (status, problem), f"update: {says}")
    answer = owner.post("update", UpdateRequest(last=None, label=label, greatest_version=0, values=value))
    scene.checks.equal(answer.status, 200, "update: with a stale version its values are disregarded")


def check_credential(scene, label):
    """A provisional credential out of a search, confirmed by /credential-update when a distinguished entry has it."""
    stranger = Stranger(scene.log)
    stranger.distinguished()
    for _ in range(3):
        one_more(scene)
        if Stranger(scene.log).search(label)["monitor"]:
            break
    position = max(stranger.twin.state.recent)
    request = SearchRequest(last=position + 1, label=label, version=None)
    r = decode(GreatestSearchResponse, stranger.told("search", request), CONTACT)
    data = encode(Credential, Credential(
        label=label, version=r.version, opening=r.opening, value=r.value, binary_ladder=r.binary_ladder,
        position=position, credential_type=PROVISIONAL, tree_head=r.full_tree_head.tree_head, search=r.search), CONTACT)
    pending = credential.verify(stranger.twin, data)["pending"]
    kind = REQUESTS["credential-update"]

    def asked():
        return stranger.post("credential-update", encode(kind, kind(
            label=label, version=r.version, tree_size=pending.view.size, terminal=pending.terminal), CONTACT))

    answer = asked()
    scene.checks.equal((answer.status, answer.problem()), (404, "absent"), "credential-update: not yet")
    for _ in range(40):
        if max(stranger.twin.state.recent) > pending.terminal:
            break
        one_more(scene, "busy@example.org")
        stranger.distinguished()
    answer = asked()
    if not scene.checks.equal(answer.status, 200, f"credential-update {answer.body[:100]}"):
        return
    scene.checks.equal(credential.verify_update(stranger.twin, pending, answer.body), max(stranger.twin.state.recent),
                       "the credential is confirmed at the distinguished entry")


def check_wrong_requests(scene, stranger):
    """Requests that are no requests: 400 with a reason, never an answer."""
    good = encode(SearchRequest, SearchRequest(last=None, label=mailbox_label("alice@example.org"), version=None), CONTACT)
    size = newest(scene.log)[0]
    rows = [("empty", b""), ("cut short", good[:-1]), ("a byte more", good + b"x"), ("optional of 2", b"\2" + good[1:]),
            ("last of 0", b"\1" + bytes(8) + good[1:]),
            ("last beyond the tree", b"\1" + (size + 1000).to_bytes(8, "big") + good[1:])]
    for kind in REQUESTS:
        for says, body in rows if kind == "search" else rows[:1]:
            answer = stranger.post(kind, body)
            scene.checks.that(answer is not None and answer.status == 400 and answer.problem(), f"{kind}: {says}",
                              answer and (answer.status, answer.body[:100]))
    for path, method, status in [("/kt/v1/search", "GET", 405), ("/kt/v1/configuration", "POST", 405),
                                 ("/kt/v1/nothing", "GET", 404), ("/v1/lookup", "GET", 405)]:
        answer = scene.log.ask(path, method, b"{}" if method == "POST" else None)
        scene.checks.equal(answer.status, status, f"{method} {path}")


# ---- look-ups ----

def check_lookups(scene, directory, replay):
    stranger = Stranger(scene.log)
    for address in ("alice@example.org", "ALICE@EXAMPLE.org", "bob@example.org", "carol+x@sub.example.net",
                    "d\u00f6rte@example.org", "old@example.org", "mallory@example.com"):
        found = stranger.lookup(address)
        versions = directory.versions[mailbox_label(address)]
        scene.checks.equal((found["version"], found["value"]), (len(versions) - 1, versions[-1][1]), f"lookup {address}")
    found = stranger.lookup("nobody@example.org")
    scene.checks.that(found.get("absent"), "lookup of an address without a certificate")
    for v, (epoch, value) in enumerate(directory.versions[mailbox_label("alice@example.org")][:3]):
        found = Stranger(scene.log).lookup("alice@example.org", at=replay.entries[epoch].timestamp)
        scene.checks.equal((found["version"], found["value"]), (v, value), f"lookup of alice at epoch {epoch}")
    found = Stranger(scene.log).lookup("alice@example.org", at=0)
    scene.checks.equal(found["version"], None, "lookup of alice before anything was logged")
    form = scene.log.ask("/v1/lookup", "POST", b"address=alice%40example.org",
                         [("Content-Type", "application/x-www-form-urlencoded")])
    scene.checks.equal(form.status, 200, "lookup by a form")
    got = Stranger(scene.log).verified({"address": "alice@example.org"}, form.status, form.json())
    scene.checks.equal(got["value"], directory.versions[mailbox_label("alice@example.org")][-1][1], "gives the same")


# ---- restarts ----

def check_restart(scene, replay, stranger, how, says):
    """Nothing that was shown changes; the views of strangers go on; more is taken up."""
    before = newest(scene.log)
    scene.log.stop(how)
    scene.log.start()
    after = newest(scene.log)
    scene.checks.that(after[0] >= before[0], f"{says}: heads never go back", (before[0], after[0]))
    replay.up_to_date()
    Replay(scene.log).up_to_date()
    one_more(scene)
    replay.up_to_date()
    found = stranger.lookup("alice@example.org")
    scene.checks.equal(found["feed"].root, replay.entries[stranger.twin.state.view.size - 1].root,
                       f"{says}: a view from before is extended")


def check_without_directory(house, checks, roots):
    """A log with a window of notAfter has none: absence in one shard means nothing."""
    log = Log(house, name="shard", roots=roots, origin="shard.example/log",
              options=["--not-after-start", "2026-01-01T00:00:00Z", "--not-after-limit", "2027-01-01T00:00:00Z"]).start()
    for path, method in [("/kt/v1/configuration", "GET"), ("/kt/v1/search", "POST"), ("/v1/lookup", "POST"),
                         ("/feed/checkpoint", "GET")]:
        answer = log.ask(path, method, b"{}" if method == "POST" else None)
        checks.equal((answer.status, answer.problem()), (404, "not-found"), f"no directory: {path}")
    with open(log.policy) as f:
        checks.that("#cartulary directory" not in f.read(), "no directory in its policy")
    checks.equal(log.stop(), 0, "SIGTERM")


def scenario(house, checks):
    scene = Scene(house, checks)
    log, label = scene.log, mailbox_label("alice@example.org")
    check_configuration(scene)
    replay = Replay(log)
    checks.equal(replay.up_to_date() >= 1, True, "entry 0 is there at once")
    empty = Stranger(log)
    checks.that(empty.absent(label)["absent"], "nobody is in an empty directory")
    first_round(scene)
    scene.settle()
    second_round(scene)
    scene.settle()
    for _ in range(3):
        one_more(scene)
    directory = computed(scene, replay, check_feed(scene, replay))
    check_shapes(scene, directory)
    stranger = check_values(scene, directory, replay, everything=False)
    check_absence(scene, stranger)
    check_as_of(scene, directory, replay)
    check_lookups(scene, directory, replay)
    check_wrong_requests(scene, stranger)
    fresh = watching(scene, label)
    owner, directory = check_owner(scene, replay, directory, label)
    check_restart(scene, replay, stranger, signal.SIGTERM, "after SIGTERM")
    check_restart(scene, replay, stranger, signal.SIGKILL, "after SIGKILL")
    checks.that(owner.follow(label), "the owner of before learns of what came since")
    check_contact(scene, fresh, label)
    check_credential(scene, label)
    check_feed(scene, replay)
    lags = sorted(scene.lags)
    print(f"SCT to directory: {len(lags)} submissions, median {lags[len(lags) // 2] * 1000:.0f} ms, "
          f"longest {lags[-1] * 1000:.0f} ms; {replay.size} epochs")
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "fsck is content")
    check_without_directory(house, checks, house.path("roots.pem"))


run("40-directory", scenario)
