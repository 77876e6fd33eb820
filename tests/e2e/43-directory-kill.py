#!/usr/bin/env python3
# Goal of this test: the directory survives kill -9 at any moment.  Under load the server is killed again and again; after
# each start every certificate with an SCT is in the directory within the promised delay, heads never go back, the feed
# replays from where it was, and an index that is lost is made again.

import os
import random
import signal
import sys
import threading
import time
from base64 import b64decode

import expected
import tree
from house import Leaves, Log, chain_json, run
from stranger import Refused, Replay, Stranger, newest, wait_covered

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 12
DELAY = 60


class Load:
    """Submits until it is told to stop, whatever becomes of the server; indexes of what was promised."""

    def __init__(self, log, leaves, seed):
        self.log, self.leaves, self.rng = log, leaves, random.Random(seed)
        self.next, self.promised, self.heads, self.running = 0, {}, [], False

    def begin(self):
        self.running = True
        self.threads = [threading.Thread(target=f) for f in (self.submit, self.watch)]
        for t in self.threads:
            t.start()

    def end(self):
        self.running = False
        for t in self.threads:
            t.join()

    def submit(self):
        while self.running and self.next < len(self.leaves.leaves):
            n = min(self.rng.choice([1, 1, 8, 64]), len(self.leaves.leaves) - self.next)
            batch = range(self.next, self.next + n)
            try:
                with self.log.http(5) as h:
                    for i in batch:
                        answer = h.ask("/ct/v1/add-chain", "POST", chain_json(self.leaves.chain(i)))
                        if answer is None or answer.status != 200:
                            break
                        self.promised[i] = answer.json()
                        self.next = i + 1
            except OSError:
                pass
            time.sleep(self.rng.choice([0, 0.01, 0.2]))

    def watch(self):
        """Heads of the feed as they are shown while it goes on."""
        while self.running:
            try:
                self.heads.append(newest(self.log))
            except (OSError, Refused, ValueError):
                pass
            time.sleep(0.05)


def indexes(load):
    return {tree.leaf_index(b64decode(sct["extensions"])) for sct in load.promised.values()}


def check_round(scene, i):
    """After a restart."""
    log, load, replay, checks = scene.log, scene.load, scene.replay, scene.checks
    size, _, _ = newest(log)
    seen = max((h[0] for h in load.heads), default=0)
    checks.that(size >= seen, f"round {i}: heads never go back", (size, seen))
    last = max(indexes(load), default=-1)
    took = wait_covered(log, last, DELAY)
    checks.that(took is not None, f"round {i}: entry {last} is in the directory within {DELAY} s")
    replay.up_to_date()
    for h in load.heads:
        checks.equal(tree.root_of(replay.leaves[:h[0]]), h[1], f"round {i}: the head of size {h[0]} was of this feed")
    load.heads = load.heads[-1:]
    return took or 0


def check_all(scene):
    """Everything that was promised is in the log and, by our own reading, in the directory."""
    log, replay, checks = scene.log, scene.replay, scene.checks
    entries = expected.fetch_entries(log, replay.entries[-1].certificates)
    by_der = {e.der: e.index for e in entries}
    for i, sct in scene.load.promised.items():
        checks.equal(by_der.get(scene.leaves.leaves[i]), tree.leaf_index(b64decode(sct["extensions"])),
                     f"certificate {i} stands where its SCT says")
    directory, before, hashes = expected.Directory(), 0, [e.leaf_hash for e in entries]
    for i, e in enumerate(replay.entries):
        changed = directory.epoch(e.timestamp, entries[before:e.certificates])
        checks.equal(len(changed), e.additions, f"epoch {i}: an addition for each label that changed")
        if e.certificates != before:
            checks.equal(e.certificates_root, tree.root_of(hashes[:e.certificates]), f"epoch {i}: the log's root")
        before = e.certificates
    scene.directory = directory
    check_answers(scene, directory)


def check_answers(scene, directory):
    stranger = Stranger(scene.log)
    labels = sorted(directory.versions)
    for label in scene.rng.sample(labels, min(40, len(labels))):
        got = stranger.search(label)
        scene.checks.equal((got["version"], got["value"]),
                           (len(directory.versions[label]) - 1, directory.versions[label][-1][1]), f"{label}")


def check_rebuilt(scene):
    """Without its index, which can be computed again, the same feed and the same answers."""
    log, checks, replay = scene.log, scene.checks, scene.replay
    replay.up_to_date()
    before = newest(log)
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "fsck is content")
    index = os.path.join(log.dir, "directory", "index")
    for name in os.listdir(index):
        os.unlink(os.path.join(index, name))
    log.start()
    again = Replay(log)
    again.up_to_date()
    checks.that(again.size >= before[0], "without its index: nothing is lost", (again.size, before[0]))
    checks.equal(tree.root_of(again.leaves[:before[0]]), before[1], "without its index: the same feed")
    checks.equal([e.root for e in again.entries[:replay.size]], [e.root for e in replay.entries],
                 "without its index: the same roots")
    check_answers(scene, scene.directory)
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "without its index: fsck is content")


class Scene:
    def __init__(self, house, checks, seed):
        self.house, self.checks, self.rng = house, checks, random.Random(seed)
        self.leaves = Leaves(house, 4000)
        self.log = Log(house, roots=self.leaves.roots, lookup_rate=100000, lookup_burst=100000)
        self.load = Load(self.log, self.leaves, seed)
        self.replay = Replay(self.log)


def scenario(house, checks):
    seed = int(os.environ.get("CARTULARY_SEED", time.time_ns() % 1_000_000_007))
    print(f"CARTULARY_SEED={seed}")
    scene = Scene(house, checks, seed)
    waits = []
    for i in range(ROUNDS):
        scene.log.start()
        if i > 0:
            waits.append(check_round(scene, i))
        scene.load.begin()
        time.sleep(scene.rng.choice([0.05, 0.3, 1.2, 2.5]) * scene.rng.random())
        scene.log.stop(signal.SIGKILL)
        scene.load.end()
    scene.log.start()
    waits.append(check_round(scene, ROUNDS))
    check_all(scene)
    check_rebuilt(scene)
    print(f"{ROUNDS} kills, {len(scene.load.promised)} certificates promised, {scene.replay.size} epochs; "
          f"after a start the directory was complete within {max(waits):.2f} s")


run("43-directory-kill", scenario)
