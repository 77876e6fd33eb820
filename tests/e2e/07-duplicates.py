#!/usr/bin/env python3
# Goal of this test: an entry has one SCT for ever.  Whoever hands it in again, after a restart, after the index was
# thrown away, many at once, gets the first SCT byte for byte, and the tree does not grow.

import base64
import os
import shutil
import signal
import sys

import tree
from house import Leaves, Log, chain_json, in_parallel, run

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
SOME = 400  # asked again each time; the last round asks for all


def again(checks, log, leaves, scts, which, says):
    got = log.add_many([leaves.chain(i) for i in which])
    checks.equal(sum(g != scts[i] for g, i in zip(got, which)), 0, f"{says}: the SCTs are the first ones")
    checks.equal(log.sth()["tree_size"], COUNT, f"{says}: nothing is new")


def races(checks, log, leaves):
    """The same new entry from 24 connections at once: one entry, one SCT."""
    def one(_):
        with log.http() as h:
            return h.ask("/ct/v1/add-chain", "POST", chain_json(leaves.chain(COUNT))).body

    before = log.sth()["tree_size"]
    got = in_parallel(24, one)
    checks.that(len(set(got)) == 1 and b"signature" in got[0], "24 at once: one SCT", set(map(str, got)))
    checks.equal(log.sth()["tree_size"], before + 1, "24 at once: one entry")


def other_chains(checks, log, leaves, scts):
    """The entry is the certificate: how its chain was sent does not matter."""
    with_root = leaves.chain(3) + [leaves.root]
    checks.equal(log.ask("/ct/v1/add-chain", "POST", chain_json(with_root)).json(), scts[3], "with its root")
    spaced = chain_json(leaves.chain(3)).replace(b",", b" ,\n ").replace(b"{", b'{"more": [1, {"a": null}], ')
    checks.equal(log.ask("/ct/v1/add-chain", "POST", spaced).json(), scts[3], "in other JSON")


def flipped(checks, log, index, leaf):
    """A bit of the index: it would hide an entry, and fsck says so."""
    path = os.path.join(index, "data.mdb")
    with open(path, "r+b") as f:
        data = f.read()
        at = data.find(leaf[:8])
        if at < 0:
            print("entry 0 stands in no chunk of the index yet: no bit to flip")
            return
        while at >= 0:
            f.seek(at)
            f.write(bytes([data[at] ^ 1]))
            at = data.find(leaf[:8], at + 1)
    code, said = log.fsck()
    checks.that(code == 1 and "index" in said, "fsck finds a flipped bit of the index", (code, said))


def scenario(house, checks):
    leaves = Leaves(house, COUNT + 1)
    log = Log(house, roots=leaves.roots).start()
    scts = log.add_many(leaves.chains(0, COUNT), window=256)
    checks.equal(log.sth()["tree_size"], COUNT, "entries")
    indexes = sorted(tree.leaf_index(base64.b64decode(s["extensions"])) for s in scts)
    checks.equal(indexes, list(range(COUNT)), "each SCT names its own index")
    some = range(0, COUNT, max(1, COUNT // SOME))
    again(checks, log, leaves, scts, some, "at once")
    other_chains(checks, log, leaves, scts)

    entry = log.ask("/ct/v1/get-entries?start=0&end=0").json()["entries"][0]
    leaf = tree.leaf_hash(base64.b64decode(entry["leaf_input"]))

    checks.equal(log.stop(), 0, "SIGTERM")
    log.start()
    again(checks, log, leaves, scts, some, "after a restart")

    log.stop(signal.SIGKILL)
    log.start()
    again(checks, log, leaves, scts, some, "after SIGKILL")

    log.stop()
    index = os.path.join(log.dir, "store", "index")
    checks.that(os.path.isdir(index), "the index is a directory of its own", os.listdir(os.path.join(log.dir, "store")))
    flipped(checks, log, index, leaf)
    shutil.rmtree(index)
    checks.equal(log.fsck()[0], 0, "fsck without the index: it is derived")
    log.start()
    checks.that(os.path.isdir(index), "the index is built again")
    again(checks, log, leaves, scts, some, "after the index was thrown away")

    again(checks, log, leaves, scts, range(COUNT), "all of them")
    races(checks, log, leaves)
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "fsck")


run("07-duplicates", scenario)
