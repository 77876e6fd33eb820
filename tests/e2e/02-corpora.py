#!/usr/bin/env python3
# Goal of this test: every chain that can be built from other people's certificates is handed to a log whose switches
# for key purposes stand open.  What it refuses, and why, equals the list in tests/unit/log/chain-refusals.tsv; what it
# takes can be had back.

import base64
import os

import tree
from house import SOURCE, Log, Skip, pem_of, program, run

LIST = os.path.join(SOURCE, "tests", "unit", "log", "chain-refusals.tsv")
PURPOSES = "1.3.6.1.5.5.7.3.4 1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.7.3.2"


def corpus(house):
    """(roots, [(name, type, chain)…], how many have no issuer)"""
    import subprocess

    done = subprocess.run([program("corpus_chains")], capture_output=True, text=True)
    if done.returncode == 77:
        raise Skip(done.stdout.strip())
    if done.returncode != 0:
        raise RuntimeError("corpus_chains: " + done.stderr)
    roots, chains, alone = [], [], 0
    for line in done.stdout.splitlines():
        kind, name, *rest = line.split("\t")
        if kind == "root":
            roots.append(base64.b64decode(rest[0]))
        elif kind == "chain":
            chains.append((name, int(rest[0]), [base64.b64decode(x) for x in rest[1:]]))
        else:
            alone += 1
    return roots, chains, alone


def written_list():
    with open(LIST) as f:
        rows = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    return sorted((name, reason) for where, name, reason in rows if where == "corpora")


def check_entry(checks, log, name, kind, chain, answer):
    index = tree.leaf_index(base64.b64decode(answer["extensions"]))
    entry = log.ask(f"/ct/v1/get-entries?start={index}&end={index}").json()["entries"][0]
    _, got, signed, _ = tree.take_leaf(base64.b64decode(entry["leaf_input"]))
    precert, issuers = tree.take_extra(got, base64.b64decode(entry["extra_data"]))
    checks.equal(got, kind, f"{name}: entry type")
    checks.that((precert or signed) == chain[0], f"{name}: the certificate comes back")
    checks.that(issuers == chain[1:], f"{name}: its issuers come back")


def scenario(house, checks):
    roots, chains, alone = corpus(house)
    with open(house.path("roots.pem"), "w") as f:
        f.write(pem_of(*roots))
    log = Log(house, roots=house.path("roots.pem"), eku=PURPOSES, any_eku="yes", no_eku="yes").start()
    refused, taken = [], 0
    for name, kind, chain in chains:
        answer = log.add(chain, pre=kind == 1)
        if answer.status == 200:
            taken += 1
            check_entry(checks, log, name, kind, chain, answer.json())
        else:
            refused.append((name, answer.problem()))
            checks.equal(answer.status, 400, f"{name}: refused as the submitter's fault")
            print(f"refused: {name}\t{answer.problem()}")
    print(f"corpora: {len(roots)} roots, {len(chains)} chains: {taken} taken, {len(refused)} refused; "
          f"{alone} certificates whose issuers are not there")
    checks.that(taken >= 150, "at least 150 are taken", taken)
    refused.sort()
    for row in set(refused) ^ set(written_list()):
        print("differs from the list:", row)
    checks.equal(refused, written_list(), "the refusals are those of the list")
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "fsck")


run("02-corpora", scenario)
