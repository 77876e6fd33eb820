#!/usr/bin/env python3
"""Holds the core of Key Transparency against the slow one in tests/reference/kt, on random histories.

    twin.py KT_TWIN [SEED ...]      a seed is a number, or SEED:ENTRIES
    CARTULARY_ROUNDS=N twin.py KT_TWIN      N histories of chance besides, of 1 to 150 entries; their seeds are printed

Each history is written out, with requests of every kind and the slow one's answers; KT_TWIN must come to the same roots,
give the same proofs byte for byte, and accept them.  Search keys are SHA-256 in place of a VRF, for speed.
"""

import hashlib
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "reference"))

try:
    from kt import algorithms, chance, client, credential, crypto, describe, golden, ladder, vrf
    from kt.codec import encode
    from kt.structs import CONTACT
    from kt.transcript import Prover
except ImportError:
    print("skipped: tests/reference/kt is not there")
    sys.exit(77)


def search_key(_secret, label, version):
    return hashlib.sha256(b"twin" + label + version.to_bytes(4, "big")).digest()


crypto.search_key = search_key
vrf.prove = lambda _secret, _text: bytes(80)


def keys(counts):
    """The search keys of versions that are not there, but that a ladder may look up."""
    for label, count in counts.items():
        wanted = {0}.union(*(ladder.base(v) for v in range(count)))
        for version in sorted(v for v in wanted if v >= count):
            yield f"key .{label} {version} {search_key(None, bytes.fromhex(label), version).hex()}"


def update_of(log, asked):
    """The CredentialUpdate of a provisional credential: to the first distinguished entry that its tree does not have."""
    label, size = bytes.fromhex(asked["label"]), asked["at"]
    view = log.at(size)
    version = view.greatest(label)
    terminal = algorithms.greatest_search(view.prover(asked["position"] + 1, label), version)
    t = Prover(log.config, log.entries, None, None)
    later = [d for d in range(size, len(log.entries)) if algorithms.is_distinguished(t, d)]
    what = f"credential-update {asked['name']} .{asked['label']} {version} {size} {terminal}"
    if not later or algorithms.is_distinguished(t, terminal):
        return f"{what} - -"
    return f"{what} {later[0]} {credential.update(log.at(later[0] + 1), label, version, terminal, size).hex()}"


def credential_lines(log, asked, answer):
    data = answer.get("answer", "-")
    yield f"credential {asked['name']} {asked['at']} .{asked['label']} {asked['position']} {asked['type']} {data}"
    if data != "-" and asked["type"] == "provisional":
        yield update_of(log, asked)


def maps(rng):
    """Maps of what a contact watches, as they grow: README.md E5."""
    for i in range(100):
        state, added = client.State(), []
        for _ in range(rng.randrange(1, 12)):
            position, version = rng.randrange(6), rng.randrange(6)
            added.append(f"{position}:{version}")
            client.watch(state, b"", position, version, dict.fromkeys(ladder.monitoring(version)))
        left = [f"{p}:{w.version}" for p, w in sorted(state.contact[b""].items())]
        yield f"map map/{i} {','.join(added)} {','.join(left)}"


def lines(text):
    log = describe.log(text)
    file = golden.of(text)
    yield f"config {file['configuration']}"
    counts = {label.hex(): 0 for label in chance.LABELS + [b"nobody"]}
    for entry in file["entries"]:
        for a in entry["additions"]:
            counts[a["label"]] += 1
            yield f"add .{a['label']} {a['version']} {a['vrf_output']} {a['commitment']}"
        yield f"entry {entry['timestamp']} {entry['prefix_root']} {entry['log_root']}"
    yield from keys(counts)
    for asked, answer in zip(text["requests"], file["answers"]):
        if "request" in answer:
            yield f"ask {answer['name']} {answer['kind']} {answer['at']} {asked.get('ladders', 64)} " \
                  f"{answer['request']} {answer['answer']}"
        elif answer["kind"] == "credential":
            yield from credential_lines(log, asked, answer)
        elif not answer["refused"].startswith("server"):
            request = encode(describe.REQUESTS[asked["kind"]], describe.request(asked), CONTACT).hex()
            yield f"ask {answer['name']} {answer['kind']} {answer['at']} {asked.get('ladders', 64)} {request} -"


def main(program, seeds):
    for seed in seeds:
        number, _, entries = seed.partition(":")
        told = [*lines(chance.description(int(number), int(entries or 20), True)), *maps(random.Random(int(number)))]
        told = "\n".join(told) + "\n"
        run = subprocess.run((program,), input=told, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f"{seed}: {run.stdout.strip()}")
        if run.returncode != 0:
            return 1
    return 0


def usual():
    seeds = ["1", "2", "3", "4", "22", "11:40", "12:40"]
    rng = random.SystemRandom()
    more = (f"{rng.randrange(10**9)}:{int(150 ** rng.random())}" for _ in range(int(os.environ.get("CARTULARY_ROUNDS", 0))))
    return [*seeds, *more]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or usual()))
