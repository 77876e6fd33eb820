#!/usr/bin/env python3
# Goal of this test: every shape of S/MIME chain that a CA of today issues is taken, can be had back as it was handed
# in, and is proved by our client, by OpenSSL and by tree.py to stand where the log says it does.

import base64
import hashlib
import json
import os
import subprocess
import sys

import der
import tree
from house import Log, b64, pem_certificates, program, run

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 768


def lines_of(path):
    with open(path) as f:
        return f.read().splitlines(keepends=True)


def submit(house, log, folder, receipts):
    return house.cartulary("--policy", log.policy, "--state", house.path("state"), "submit", "--from", folder,
                           "--receipts", receipts)


def submit_resumably(house, checks, log, folder, receipts):
    """All of it, then nothing, then what a crash took away."""
    code, _, err = submit(house, log, folder, receipts)
    checks.equal(code, 0, "submit --from takes every minted chain")
    whole = lines_of(receipts)
    if not checks.equal(len(whole), COUNT, "a receipt for each chain"):
        print(err[-2000:])
    size = log.sth()["tree_size"]
    checks.equal(size, COUNT, "each chain is an entry")

    code, _, err = submit(house, log, folder, receipts)
    checks.equal(code, 0, "the same command again")
    checks.that(f"0 logged and verified, {COUNT} had their receipt already" in err, "skips every file", err[-300:])
    checks.equal(lines_of(receipts), whole, "and writes nothing")

    kept = COUNT // 2
    with open(receipts, "w") as f:
        f.writelines(whole[:kept])
        f.write(whole[kept][:100])  # a line that a crash cut short
    code, _, err = submit(house, log, folder, receipts)
    checks.equal(code, 0, "after a crash it goes on")
    checks.that(f"{COUNT - kept} logged and verified, {kept} had their receipt already" in err,
                "with what is missing", err[-300:])
    again = {json.loads(line)["file"]: json.loads(line)["sct"] for line in lines_of(receipts)}
    checks.equal(again, {json.loads(line)["file"]: json.loads(line)["sct"] for line in whole},
                 "and gets the same SCTs")
    checks.equal(log.sth()["tree_size"], size, "no entry is new")


def fetch_entries(log):
    out = []
    with log.http() as h:
        while len(out) < COUNT:
            answer = h.ask(f"/ct/v1/get-entries?start={len(out)}&end={COUNT - 1}")
            got = answer.json()["entries"]
            out += [(base64.b64decode(e["leaf_input"]), base64.b64decode(e["extra_data"])) for e in got]
    return out


def expected(chain, root):
    """(entry_type, signed_entry, precertificate or None, issuers) of a submitted chain."""
    whole = chain + ([root] if root else [])
    if der.Certificate(chain[0]).extension(der.POISON) is None:
        return 0, tree.vector(chain[0], 3)[3:], None, whole[1:]
    entry = der.precert_entry(whole)
    return 1, entry, chain[0], whole[1:]


def check_bodies(checks, log, chains, receipts, roots):
    """What get-entries and the data tiles give is what was submitted."""
    entries = fetch_entries(log)
    for path, chain in chains:
        receipt = receipts[path]
        entry_type, signed, precert, issuers = expected(chain, der.same_root(chain[-1], roots))
        leaf, extra = entries[receipt["leaf_index"]]
        name = os.path.basename(path)
        timestamp, got_type, got_signed, extensions = tree.take_leaf(leaf)
        checks.equal(got_type, entry_type, f"{name}: entry type")
        checks.that(got_signed == signed, f"{name}: the signed entry is what was submitted")
        checks.equal(tree.leaf_index(extensions), receipt["leaf_index"], f"{name}: leaf_index")
        checks.that(tree.take_extra(got_type, extra) == (precert, issuers), f"{name}: extra_data is the chain")
        checks.equal(b64(tree.leaf_hash(leaf)), receipt["leaf_hash"], f"{name}: leaf hash")
        sct = base64.b64decode(receipt["sct"])
        checks.equal(int.from_bytes(sct[33:41], "big"), timestamp, f"{name}: timestamp")
    return entries


def check_tiles(checks, log, entries, issuers):
    """Data tiles say the same as get-entries, issuers are served under their fingerprints."""
    seen, at = set(), 0
    with log.http() as h:
        while at < COUNT:
            width = min(256, COUNT - at)
            path = f"/tile/data/{tree.tile_path(at // 256)}" + ("" if width == 256 else f".p/{width}")
            for leaf, precert, chain in tree.take_data_tile(h.ask(path).body):
                want_leaf, want_extra = entries[at]
                want_precert, want_chain = tree.take_extra(tree.take_leaf(want_leaf)[1], want_extra)
                checks.that(leaf == want_leaf, f"{path}: leaf {at}")
                checks.that(precert == want_precert, f"{path}: precertificate {at}")
                checks.that(chain == [hashlib.sha256(c).digest() for c in want_chain], f"{path}: issuers {at}")
                seen |= set(chain)
                at += 1
        checks.that(seen == {hashlib.sha256(c).digest() for c in issuers}, "each issuer is named by some entry")
        for c in issuers:
            name = hashlib.sha256(c).hexdigest()
            checks.that(h.ask(f"/issuer/{name}").body == c, f"/issuer/{name}")


def check_proofs(checks, receipts):
    """Each receipt's path leads to the root of its checkpoint, by our slow reading of the RFC."""
    for path, receipt in receipts.items():
        lines = receipt["checkpoint"].split("\n")
        leaf = base64.b64decode(receipt["leaf_hash"])
        audit = [base64.b64decode(h) for h in receipt["audit_path"]]
        root = tree.inclusion_root(leaf, receipt["leaf_index"], int(lines[1]), audit)
        checks.equal(b64(root or b""), lines[2], f"{os.path.basename(path)}: inclusion")


def check_verify(house, checks, log, chains, receipts):
    """`cartulary verify --receipt` says the same, asking nobody, and refuses a receipt that was touched."""
    for i, (path, _) in enumerate(chains[::max(1, COUNT // 24)]):
        line = json.dumps(receipts[path])
        for tampered in (False, True):
            if tampered:
                wrong = dict(receipts[path])
                sct = bytearray(base64.b64decode(wrong["sct"]))
                sct[33 + i % 8] ^= 1  # its timestamp
                line = json.dumps({**wrong, "sct": b64(bytes(sct))})
            with open(house.path("one.receipt"), "w") as f:
                f.write(line + "\n")
            code, out, err = house.cartulary("--policy", log.policy, "--trust", house.path("chains.roots.pem"),
                                             "--stateless", "verify", path, "--receipt", house.path("one.receipt"))
            if tampered:
                checks.that(code == 1 and "not one for this certificate, or it was altered" in err,
                            f"{os.path.basename(path)}: a touched receipt is refused", (code, out, err))
            else:
                checks.equal(code, 0, f"{os.path.basename(path)}: verify --receipt {err[-200:]}")


def check_openssl(house, checks, log, chains, receipts, roots):
    """OpenSSL's SCT_validate, a program of its own: one line for each SCT."""
    folder = house.path("whole")
    os.mkdir(folder)
    from house import pem_of

    lines = []
    for i, (path, chain) in enumerate(chains):
        root = der.same_root(chain[-1], roots)
        file = os.path.join(folder, f"{i}.pem")
        with open(file, "w") as f:
            f.write(pem_of(*chain, *([root] if root else [])))
        lines.append(f"{file} {receipts[path]['entry_type']} {receipts[path]['sct']}\n")
    wrong = lines[0].split()
    sct = bytearray(base64.b64decode(wrong[2]))
    sct[40] ^= 1
    lines.append(f"{wrong[0]} {wrong[1]} {b64(bytes(sct))}\n")
    done = subprocess.run([program("sct_validate"), os.path.join(log.dir, "log.pub.pem")], input="".join(lines),
                          capture_output=True, text=True)
    verdicts = done.stdout.split("\n")[:-1]
    checks.equal(len(verdicts), COUNT + 1, "a verdict for each SCT " + done.stderr[-300:])
    for (path, _), verdict in zip(chains, verdicts):
        checks.equal(verdict, "valid", f"{os.path.basename(path)}: SCT_validate")
    checks.equal(verdicts[-1], "invalid", "an SCT with another timestamp is invalid to it")


def scenario(house, checks):
    folder = house.mint(count=COUNT)
    roots = pem_certificates(house.path("chains.roots.pem"))
    chains = house.chains(folder)
    checks.equal(len(chains), COUNT, "chains minted")
    log = Log(house, roots=house.path("chains.roots.pem")).start()
    path = house.path("receipts.jsonl")
    submit_resumably(house, checks, log, folder, path)
    receipts = {r["file"]: r for r in map(json.loads, lines_of(path))}
    entries = check_bodies(checks, log, chains, receipts, roots)
    issuers = {c for _, chain in chains for c in chain[1:] + [der.same_root(chain[-1], roots)] if c}
    check_tiles(checks, log, entries, issuers)
    check_proofs(checks, receipts)
    check_verify(house, checks, log, chains, receipts)
    check_openssl(house, checks, log, chains, receipts, roots)
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "fsck")


run("01-chains", scenario)
