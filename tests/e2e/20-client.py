#!/usr/bin/env python3
# Goal of this test: the client finds out a log that goes back, forks or tells two people two stories, keeps evidence that
# anyone can check offline, changes its state only after full verification, and says by its exit code what to do.

import base64
import glob
import json
import os
import shutil
import subprocess

from house import ORIGIN, Log, pem_certificates, run

COUNT = 24


def client(house, log, *args, state="state"):
    return house.cartulary("--policy", log.policy, "--state", house.path(state), *args)


def view_of(house, state="state"):
    path, = glob.glob(house.path(state, "*.view"))
    with open(path, "rb") as f:
        return path, f.read()


def new_evidence(house, seen, state="state"):
    """The evidence files that have come since the last look."""
    files = sorted(set(glob.glob(house.path(state, "*.evidence"))) - seen)
    seen.update(files)
    return files


def receipts(house, checks, log, chains):
    out = house.path("r.jsonl")
    code, _, err = client(house, log, "submit", "--receipts", out, "--parallel", 4, *chains[:8])
    checks.equal(code, 0, "submit takes eight chains")
    code, stdout, err = client(house, log, "submit", chains[0])
    checks.equal(code, 0, "the same chain again")
    checks.that("1 logged and verified" in err, "one file is summed up, too", err)
    with open(out) as f:
        lines = {json.loads(line)["file"]: line for line in f}
    checks.equal(json.loads(stdout)["sct"], json.loads(lines[chains[0]])["sct"], "gets the same SCT")

    code, stdout, err = client(house, log, "verify", chains[0], "--receipt", out)
    checks.equal(code, 0, "its receipt verifies: " + err)
    checks.that("Logged is not trusted" in stdout, "and says what that does not mean", stdout)
    one = house.path("one.jsonl")
    with open(one, "w") as f:
        f.write(lines[chains[1]])
    code, _, err = client(house, log, "verify", chains[0], "--receipt", one)
    checks.that(code == 1 and "not one for this certificate" in err, "another's receipt is none for this one", (code, err))
    other = Log(house, name="another", roots=os.path.join(log.dir, "roots.pem"), origin="other.example/log").policy
    code, _, err = house.cartulary("--policy", other, "--stateless", "verify", chains[1], "--receipt", one)
    checks.that(code == 2 and f"is of log {ORIGIN}, which the policy does not name" in err,
                "a receipt of a log that the policy does not name", (code, err))
    for key, value in json.loads(lines[chains[0]]).items():
        receipt = json.loads(lines[chains[0]])
        if isinstance(value, int):
            receipt[key] = value + 1
        elif isinstance(value, list):
            receipt[key] = value[:-1] if value else ["A" * 43 + "="]
        else:
            middle = len(value) // 2
            receipt[key] = value[:middle] + ("B" if value[middle] != "B" else "C") + value[middle + 1:]
        with open(one, "w") as f:
            f.write(json.dumps(receipt) + "\n")
        code, _, err = client(house, log, "verify", chains[0], "--receipt", one)
        if key == "file":
            checks.equal(code, 0, "the label may change")
        else:
            checks.that(code in (1, 2), f"a receipt with another {key} is refused", (code, err))
    return out


# ---- a CA that embeds SCTs, by openssl(1) ----

def openssl(house, *args):
    subprocess.run(["openssl", *args], cwd=house.folder, check=True, capture_output=True)


def make_ca(house):
    openssl(house, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "30", "-subj", "/CN=embedding CA", "-addext", "keyUsage=critical,keyCertSign")
    openssl(house, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "leaf.key",
            "-out", "leaf.csr", "-subj", "/CN=erin")
    return house.path("ca.pem")


def issue(house, name, extension):
    with open(house.path("ext.cnf"), "w") as f:
        f.write("subjectAltName=email:erin@example.org\n" + extension + "\nextendedKeyUsage=emailProtection\n")
    openssl(house, "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "77", "-days", "7",
            "-extfile", "ext.cnf", "-out", name + ".leaf.pem")
    return house.path(name + ".leaf.pem")


def with_issuer(house, leaf, name):
    with open(house.path(name), "w") as out:
        for part in (leaf, house.path("ca.pem")):
            with open(part) as f:
                out.write(f.read())
    return house.path(name)


def dates(path):
    return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-dates"], capture_output=True).stdout


def embedded(house, checks, log):
    for _ in range(20):  # both are to be dated in the same second: the client may be too slow for that
        pre = issue(house, "pre", "1.3.6.1.4.1.11129.2.4.3=critical,DER:05:00")
        answer = log.add(pem_certificates(with_issuer(house, pre, "pre.pem")), pre=True).json()
        extensions = base64.b64decode(answer["extensions"])
        sct = (b"\0" + base64.b64decode(answer["id"]) + answer["timestamp"].to_bytes(8, "big") +
               len(extensions).to_bytes(2, "big") + extensions + base64.b64decode(answer["signature"]))
        one = len(sct).to_bytes(2, "big") + sct
        tls = len(one).to_bytes(2, "big") + one
        octets = b"\x04\x81" + bytes([len(tls)]) + tls if len(tls) > 127 else b"\x04" + bytes([len(tls)]) + tls
        final = issue(house, "final", "1.3.6.1.4.1.11129.2.4.2=DER:" + octets.hex(":"))
        if dates(pre) == dates(final):
            break
    code, out, err = client(house, log, "submit", house.path("pre.pem"))
    if checks.equal(code, 0, "a precertificate is taken: " + err):
        checks.equal(base64.b64decode(json.loads(out)["sct"]), sct, "and the client has the SCT that was embedded")
    code, out, err = client(house, log, "verify", with_issuer(house, final, "final.pem"))
    checks.that(code == 0 and "embedded SCT" in out and "inclusion proof verifies" in out,
                "the SCT in the final certificate is about its precertificate, and that is in the log", (code, out, err))
    code, out, err = house.cartulary("--policy", log.policy, "--state", house.path("state"), "--trust",
                                     house.path("ca.pem"), "verify", final)
    checks.equal(code, 0, "the issuer may come from --trust: " + err)
    code, out, err = client(house, log, "verify", final)
    checks.that(code == 2 and "issuer's certificate is missing" in err, "without issuer it says so", (code, err))
    bad = bytearray(octets)
    bad[-1] ^= 1
    damaged = issue(house, "damaged", "1.3.6.1.4.1.11129.2.4.2=DER:" + bytes(bad).hex(":"))
    code, out, err = client(house, log, "verify", with_issuer(house, damaged, "damaged.pem"))
    checks.that(code == 1, "a signature that nobody made is exit 1", (code, err))
    code, out, err = client(house, log, "verify", with_issuer(house, house.path("ca.pem"), "none.pem"))
    checks.that(code == 2 and "--receipt" in err, "a certificate without SCT asks for a receipt", (code, err))


def refusals(house, checks, log, chains):
    code, _, err = client(house, log, "submit", "--receipts", house.path("none.jsonl"), house.path("no-such.pem"), chains[0])
    checks.equal(code, 2, "a file that is not there is exit 2, the other is logged all the same")
    checks.that("1 logged and verified" in err and "1 refused or unreadable" in err, "and both are counted", err)
    checks.that("no such file" in err and "(-)" not in err, "it says that there is no such file", err)
    code, _, err = client(house, log, "submit", log.policy)
    checks.that(code == 2 and "holds no certificate" in err and "(-)" not in err, "a file without certificate", (code, err))
    code, _, err = client(house, log, "submit", "--receipts", house.path("nodir/r.jsonl"), chains[0])
    checks.that(code == 2 and "no such directory" in err, "receipts into no directory are exit 2", (code, err))
    os.mkdir(house.path("issued"))
    shutil.copy(chains[0], house.path("issued/k.pem"))
    code, out, err = client(house, log, "submit", "--from", house.path("issued/"))
    checks.that(code == 0 and json.loads(out)["file"] == house.path("issued/k.pem"), "--from DIR/ doubles no slash", (out, err))
    code, out, err = client(house, log, "--json", "submit", chains[0])
    checks.that(code == 0 and "logged and verified" not in err, "--json sums nothing up in words", (code, err))
    with open(house.path("bad.pem"), "w") as f:
        f.write("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    code, _, err = client(house, log, "submit", house.path("bad.pem"))
    checks.equal(code, 2, "what is no certificate is exit 2")
    stranger = house.mint("strangers", count=8, seed=99)
    code, _, err = client(house, log, "submit", house.chains(stranger)[0][0])
    checks.equal(code, 2, "a chain to another root is exit 2")
    checks.that("400" in err and "RFC 6962" in err, "with the paragraph", err)
    for args in ((), ("no-such-verb",), ("monitor", "--no-such-option"), ("monitor", "argument"), ("verify",),
                 ("submit", "--parallel", "0", chains[0]), ("heads", "--compare", house.path("no-such.view")),
                 ("evidence", house.path("r.jsonl"))):
        code, _, err = client(house, log, *args)
        checks.that(code == 2 and err, f"bad usage is exit 2 with words: {args}", (code, err))
    with open(house.path("bad.policy"), "w") as f:
        f.write("quorum none\nlog nonsense\n")
    code, _, err = house.cartulary("--policy", house.path("bad.policy"), "--stateless", "monitor", "--once")
    checks.that(code == 2 and "line 2" in err, "a bad policy is exit 2 and names its line", (code, err))
    for verb in ("submit", "verify", "monitor", "heads", "evidence"):
        code, out, _ = house.cartulary(verb, "--help")
        checks.that(code == 0 and "example:" in out, f"{verb} --help teaches", (code, out))


def going_back(house, checks, log, chains, seen):
    """The log serves an old copy of itself: fewer entries, fresh signatures."""
    log.stop()
    old = house.path("old")
    shutil.copytree(log.dir, old)
    log.start()
    code, _, err = client(house, log, "submit", "--receipts", house.path("r.jsonl"), *chains[8:16])
    checks.equal(code, 0, "eight more: " + err)
    code, _, _ = client(house, log, "monitor", "--once")
    checks.equal(code, 0, "an honest log")
    _, before = view_of(house)
    log.stop()
    code, _, err = client(house, log, "monitor", "--once")
    checks.equal(code, 3, "a log that is down is exit 3")

    copy = Log.adopt(house, "old", log.address)
    copy.start()
    code, _, err = client(house, log, "monitor", "--once")
    checks.equal(code, 4, "a log that went back is exit 4: " + err)
    files = new_evidence(house, seen)
    checks.that(len(files) == 1 and files[0] in err, "the evidence is named", err)
    code, out, _ = house.cartulary("evidence", files[0])
    checks.that(code == 0 and "PROVED" in out and "smaller tree" in out, "and proves it by itself", out)
    code, out, _ = house.cartulary("--policy", log.policy, "--json", "evidence", files[0])
    checks.equal(json.loads(out)["finding"], "shrank", "also as JSON")
    checks.equal(view_of(house)[1], before, "the view did not change")
    with open(files[0], "rb") as f:
        data = bytearray(f.read())
    data[len(data) // 2] ^= 1
    with open(house.path("forged.evidence"), "wb") as f:
        f.write(data)
    code, out, _ = house.cartulary("evidence", house.path("forged.evidence"))
    checks.equal(code, 2, "a byte changed: no evidence")
    return copy


def forks(house, checks, log, copy, chains, seen):
    """The copy takes other entries: the same size with another root, then a larger tree."""
    code, _, err = client(house, log, "submit", "--receipts", house.path("r2.jsonl"), *chains[16:24], state="friend")
    checks.equal(code, 0, "a friend sees nothing wrong: " + err)
    checks.equal(copy.sth()["tree_size"], 16, "the fork has the size of the other")
    _, before = view_of(house)
    code, _, err = client(house, log, "monitor", "--once")
    checks.equal(code, 4, "a fork of the same size is exit 4: " + err)
    files = new_evidence(house, seen)
    code, out, _ = house.cartulary("evidence", *files)
    checks.that(code == 0 and "two different trees of one size" in out, "proved by two signatures", out)

    friend, _ = view_of(house, "friend")
    code, _, err = client(house, log, "heads", "--compare", friend)
    checks.equal(code, 4, "two friends find out: " + err)
    new_evidence(house, seen)

    code, _, err = client(house, log, "submit", chains[0], state="friend")
    code, _, err = client(house, log, "submit", chains[8], state="friend")
    checks.equal(code, 0, "the fork grows: " + err)
    code, _, err = client(house, log, "monitor", "--once")
    checks.equal(code, 4, "a larger fork cannot prove that it is the same log: " + err)
    files = new_evidence(house, seen)
    code, out, _ = house.cartulary("evidence", *files)
    checks.that(code == 1 and "NOT PROVED by this file alone" in out, "the file says that it needs the log's word", out)
    checks.equal(view_of(house)[1], before, "the view did not change")
    code, _, err = client(house, log, "submit", chains[9])
    checks.equal(code, 4, "submit finds it, too: " + err)
    new_evidence(house, seen)
    copy.stop()


def state_is_guarded(house, checks, log):
    path, good = view_of(house)
    for at in (10, len(good) // 2, len(good) - 5):
        bad = bytearray(good)
        bad[at] ^= 1
        with open(path, "wb") as f:
            f.write(bad)
        code, _, err = client(house, log, "monitor", "--once")
        checks.that(code == 5 and path in err, "a damaged view is exit 5 and named", (code, err))
    with open(path, "wb") as f:
        f.write(good)
    log.start()
    code, out, err = client(house, log, "monitor", "--once")
    checks.that(code == 0 and "consistent with everything seen before (size 16)" in out,
                "the honest log is still believed", (code, out, err))
    friend = house.path("copy.view")
    shutil.copy(path, friend)
    code, note, _ = client(house, log, "heads", "--checkpoint")
    checks.that(code == 0 and note.startswith(ORIGIN + "\n") and note.count("\u2014 ") == 2,
                "heads prints the newest checkpoint as the log signed it", (code, note))
    code, out, _ = client(house, log, "heads", "--compare", friend)
    checks.that(code == 0 and "the same log" in out, "a friend with the same view", (code, out))
    code, out, err = house.cartulary("--policy", log.policy, "--stateless", "monitor", "--once")
    checks.that(code == 0 and "First contact" in out and "not noticed" in err,
                "--stateless says what it does not protect from", (code, out, err))
    before = sorted(os.listdir(house.path("state")))
    checks.that(not any(name.endswith(".tmp") for name in before), "no temporary files stay", before)


def scenario(house, checks):
    folder = house.mint(count=COUNT)
    chains = [path for path, _ in house.chains(folder)]
    with open(make_ca(house)) as ca, open(folder + ".roots.pem", "a") as roots:
        roots.write(ca.read())
    log = Log(house, roots=folder + ".roots.pem", entries="auditors").start()
    seen = set()
    receipts(house, checks, log, chains)
    refusals(house, checks, log, chains)
    checks.equal(new_evidence(house, seen), [], "an honest log leaves no evidence")
    copy = going_back(house, checks, log, chains, seen)
    forks(house, checks, log, copy, chains, seen)
    state_is_guarded(house, checks, log)
    embedded(house, checks, log)
    log.stop()


run("the client and a lying log", scenario)
