#!/usr/bin/env python3
# Goal of this test: every thread of the daemon at work at the same time.  Several load generators submit (some of them
# the same entries), read, and ask for proofs, while the head is signed often, the roots are read again and the scrubber
# looks; then it is told to end in the middle of it.  Short, because it is meant to run under ThreadSanitizer, whose
# opinion is the exit code; without it the answers are what is looked at.

import json
import re
import signal
import subprocess
import sys
import time

from house import Leaves, Log, program, run

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1500
PATHS = ["/checkpoint", "/ct/v1/get-sth", "/ct/v1/get-roots", "/ct/v1/get-entries?start=0&end=31", "/metrics",
         "/tile/0/000.p/16", "/tile/data/000.p/16"]


def hammer(house, log, mode, *args, connections=8):
    return house.start([program("cartulary-hammer"), mode, "--port", str(log.port), "--connections", str(connections),
                        "--json", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def submits(house, log, leaves, begin, end, *args, **more):
    return hammer(house, log, "submit", "--file", house.path("leaves"), "--offset", begin, "--count", end - begin, *args,
                  **more)


def content(checks, load, says):
    """Every request was answered, and answered right; how many there were."""
    out, err = load.communicate(timeout=240)
    checks.that(load.returncode == 0, f"{says}: every answer is right", err[-500:] + out[-300:])
    told = json.loads(out) if out.startswith("{") else {"requests": 0}
    checks.that(told["requests"] > 0, f"{says}: there were answers", out)
    return told["requests"]


def quiet(checks, log, code, says):
    checks.equal(code, 0, f"{says}: ends with 0")
    found = re.findall(r"(?:WARNING: Thread|ERROR: \w+)Sanitizer.*|.*runtime error:.*", log.lines())
    checks.equal(found, [], f"{says}: no sanitizer has anything to say")


def scenario(house, checks):
    leaves = Leaves(house, 3 * COUNT)
    log = Log(house, roots=leaves.roots, workers=3, heartbeat=100, scrub_period=60).start()
    log.add_many(leaves.chains(0, 32))

    # Two that overlap, one that reads, and the roots read again meanwhile.
    loads = [submits(house, log, leaves, 0, COUNT, connections=16),
             submits(house, log, leaves, COUNT // 2, COUNT * 3 // 2, connections=16),
             hammer(house, log, "get", *[a for path in PATHS for a in ("--path", path)], "--count", COUNT)]
    while any(load.poll() is None for load in loads):
        log.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
    for load, says in zip(loads, ("submitting", "submitting, half of it the same", "reading")):
        checks.that(content(checks, load, says) == COUNT, f"{says}: as many as were sent")
    checks.equal(log.sth()["tree_size"], COUNT * 3 // 2, "what came twice is there once")

    loads = [submits(house, log, leaves, COUNT * 3 // 2, 2 * COUNT),
             hammer(house, log, "proofs", "--count", COUNT),
             hammer(house, log, "get", "--path", "/checkpoint", "--count", COUNT)]
    for load, says in zip(loads, ("submitting on", "proofs by hash", "the checkpoint")):
        content(checks, load, says)
    checks.equal(log.sth()["tree_size"], 2 * COUNT, "all entries")

    loads = [submits(house, log, leaves, 2 * COUNT, 3 * COUNT, "--stop-on-loss"),
             hammer(house, log, "proofs", "--duration", 60)]
    time.sleep(0.2)
    code = log.stop()
    for load in loads:
        load.communicate(timeout=240)
    quiet(checks, log, code, "SIGTERM under load")

    log.start()
    size = log.sth()["tree_size"]
    checks.that(2 * COUNT <= size <= 3 * COUNT, "nothing is lost", size)
    content(checks, hammer(house, log, "proofs", "--count", COUNT), "proofs right after a start")
    quiet(checks, log, log.stop(), "SIGTERM at rest")
    code, told = log.fsck()
    checks.equal(code, 0, "fsck is content")


run("all threads at once", scenario)
