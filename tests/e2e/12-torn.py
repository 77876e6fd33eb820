#!/usr/bin/env python3
# Goal of this test: whatever has become of a store's file, fsck says so and lives.  Pages are overwritten with noise, with zeros
# and with other pages, the file is cut; every time fsck ends with 0 or 1, never by a signal.

import os
import random
import shutil
import sys
import time

from house import Leaves, Log, run

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
PAGE = 4096


def tear(rng, path):
    """Spoils some pages of the file; what was done."""
    size = os.path.getsize(path)
    pages = size // PAGE
    kind = rng.choice(["noise", "zeros", "another page", "cut", "a few bytes"])
    with open(path, "r+b") as f:
        if kind == "cut":
            f.truncate(rng.randrange(pages) * PAGE)
            return kind
        for _ in range(rng.choice([1, 1, 4, 16])):
            f.seek(rng.randrange(pages) * PAGE)
            source = f.read(PAGE)
            at = rng.randrange(pages) * PAGE
            f.seek(at + (rng.randrange(PAGE - 8) if kind == "a few bytes" else 0))
            f.write({"noise": rng.randbytes(PAGE), "zeros": bytes(PAGE), "another page": source,
                     "a few bytes": rng.randbytes(8)}[kind])
    return kind


def scenario(house, checks):
    seed = int(os.environ.get("CARTULARY_SEED", time.time_ns() % 1_000_000_007))
    print(f"CARTULARY_SEED={seed}")
    rng = random.Random(seed)
    leaves = Leaves(house, 300)
    log = Log(house, roots=leaves.roots).start()
    log.add_many(leaves.chains(0, 300))
    log.stop()
    verdicts = {0: 0, 1: 0}
    for i in range(ROUNDS):
        torn = house.path(f"torn-{i}")
        shutil.copytree(log.dir, torn)
        kind = tear(rng, os.path.join(torn, "store", rng.choice(["data.mdb", os.path.join("index", "data.mdb")])))
        code, _, err = house.cartularyd("fsck", torn)
        checks.that(code in (0, 1), f"round {i}, {kind}: fsck gives a verdict", f"{code} {err[-200:]}")
        verdicts[code] = verdicts.get(code, 0) + 1
        shutil.rmtree(torn)
    checks.that(verdicts[1] > ROUNDS // 4, "damage is found", verdicts)
    print(f"{ROUNDS} torn stores: {verdicts[1]} damaged, {verdicts[0]} sound all the same")


run("12-torn", scenario)
