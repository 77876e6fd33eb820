#!/usr/bin/env python3
# Goal of this test: the programs say what they want.  Each subcommand explains itself, wrong use is exit 2 with a
# sentence on standard error and nothing done, tokens are given once and taken back, and configurations with a mistake
# are refused with their line.

import os
import stat

from house import Leaves, Log, run

DAEMON = ["init", "serve", "fsck", "backup", "promote", "resume", "token", "erase", "upgrade"]
CLIENT = ["submit", "verify", "monitor", "heads", "evidence"]


def helps(checks, house):
    for name, verbs in (("cartularyd", DAEMON), ("cartulary", CLIENT)):
        code, out, err = house.call(name, "--help")
        checks.that(code == 0 and not err and all(v in out for v in verbs), f"{name} --help names every command", out)
        for verb in verbs:
            for flag in ("--help", "-h"):
                code, out, err = house.call(name, verb, flag)
                checks.that(code == 0 and verb in out and not err, f"{name} {verb} {flag}", (code, out, err))
            checks.that(len(out.splitlines()) >= 3, f"{name} {verb} --help explains")
        checks.that(house.call(name)[0] == 2, f"{name} alone is exit 2")
    code, out, _ = house.cartulary("--version")
    checks.that(code == 0 and out.startswith("cartulary "), "--version", out)


def wrong_use(checks, house, log):
    """Exit 2, a sentence, nothing on standard output, nothing made."""
    gone = house.path("nowhere")
    init = ["init", house.path("new"), "--origin", "e.example/x", "--url", "http://e.example"]
    chain = house.path("leaves.roots.pem")
    rows = [
        ("cartularyd", ["frob"]), ("cartularyd", ["serve"]), ("cartularyd", ["serve", log.dir, "more"]),
        ("cartularyd", ["serve", log.dir, "--frob"]), ("cartularyd", ["serve", gone]),
        ("cartularyd", ["serve", log.dir, "--listen", "nonsense"]),
        ("cartularyd", ["serve", log.dir, "--listen", "127.0.0.1:99999"]),
        ("cartularyd", ["serve", log.dir, "--listen", "192.0.2.1:80"]),
        ("cartularyd", ["init"]), ("cartularyd", init[:2]), ("cartularyd", init[:4]), ("cartularyd", init + ["more"]),
        ("cartularyd", init + ["--entries", "some"]), ("cartularyd", init + ["--not-after-start", "tomorrow"]),
        ("cartularyd", init + ["--not-after-start", "2027-01-01", "--not-after-limit", "2026-01-01"]),
        ("cartularyd", init + ["--roots", gone]),
        ("cartularyd", ["init", house.path("new"), "--origin", "a b", "--url", "http://e.example"]),
        ("cartularyd", ["init", house.path("new"), "--origin", "https://a/", "--url", "http://e.example"]),
        ("cartularyd", ["init", house.path("new"), "--origin", "e.example/x", "--url", "e.example"]),
        ("cartularyd", ["init", log.dir, "--origin", "e.example/x", "--url", "http://e.example"]),
        ("cartularyd", ["fsck"]), ("cartularyd", ["fsck", gone]), 
        ("cartularyd", ["fsck", log.dir, "--scts", "x"]), ("cartularyd", ["backup", log.dir]), ("cartularyd", ["backup"]),
        ("cartularyd", ["promote", log.dir]), ("cartularyd", ["promote", log.dir, "--head", "a", "--witnesses"]),
        ("cartularyd", ["resume"]), ("cartularyd", ["token", log.dir]), ("cartularyd", ["token", log.dir, "add"]),
        ("cartularyd", ["token", log.dir, "frob", "x"]), ("cartularyd", ["token", log.dir, "add", "a b"]),
        ("cartularyd", ["token", log.dir, "add", "../x"]), ("cartularyd", ["upgrade"]),
        ("cartularyd", ["erase"]), ("cartularyd", ["erase", log.dir, "alice@example.org"]),
        ("cartularyd", ["erase", log.dir, "--reason", "request"]),
        ("cartularyd", ["erase", log.dir, "alice@example.org", "--reason", "because"]),
        ("cartularyd", ["erase", log.dir, "alice", "--reason", "request"]),
        ("cartularyd", ["erase", gone, "alice@example.org", "--reason", "request"]),
        ("cartulary", ["frob"]), ("cartulary", ["--frob", "monitor"]), ("cartulary", ["--policy"]),
        ("cartulary", ["--state", "a", "--stateless", "monitor"]),
        ("cartulary", ["--policy", gone, "monitor", "--once"]),
        ("cartulary", ["--policy", chain, "monitor", "--once"]),
        ("cartulary", ["--policy", log.policy, "submit"]),
        ("cartulary", ["--policy", log.policy, "submit", "--from", gone]),
        ("cartulary", ["--policy", log.policy, "submit", "--parallel", "0", chain]),
        ("cartulary", ["--policy", log.policy, "submit", "--parallel", "x", chain]),
        ("cartulary", ["--policy", log.policy, "submit", "--log", "another.example", chain]),
        ("cartulary", ["--policy", log.policy, "verify"]), ("cartulary", ["--policy", log.policy, "verify", gone]),
        ("cartulary", ["evidence"]), ("cartulary", ["evidence", gone]), ("cartulary", ["evidence", chain]),
        ("cartulary", ["--policy", log.policy, "monitor", "more"]),
    ]
    for name, args in rows:
        code, out, err = house.call(name, *args, env={"XDG_STATE_HOME": house.path("xdg"), "HOME": house.folder})
        says = f"{name} {' '.join(args)}".replace(house.folder, "")
        checks.that(code == 2, f"{says}: exit 2", (code, out, err))
        checks.that(err.strip() and not out, f"{says}: a sentence on standard error", (out, err))
        checks.that(not os.path.exists(house.path("new")), f"{says}: nothing is left behind")
    print(f"wrong uses: {len(rows)}")
    for args, words in ((["submit", chain, "--policy", log.policy], "--policy stands before the command"),
                        (["monitor", "--json"], "--json stands before the command"),
                        (["verify", chain, f"--policy={log.policy}"], "--policy stands before the command"),
                        (["--log", "x", "monitor"], "--log stands after the command"),
                        (["--receipts=x", "submit", chain], "--receipts stands after the command"),
                        (["--policy", log.policy, "verify", gone], "no such file"),
                        (["--policy", log.policy, "verify", log.policy], "holds no certificate")):
        code, out, err = house.cartulary(*args)
        checks.that(code == 2 and words in err and not out, f"{words}: {args[0]}", (code, out, err))


def made(checks, log):
    """What init makes: the keys are their owner's alone."""
    for name in ("cartulary.conf", "keys", "store", "roots.pem", "policy", "log.pub.pem"):
        checks.that(os.path.exists(os.path.join(log.dir, name)), f"init makes {name}")
    keys = os.path.join(log.dir, "keys")
    checks.equal(stat.S_IMODE(os.stat(keys).st_mode), 0o700, "mode of keys/")
    for name in os.listdir(keys):
        checks.equal(stat.S_IMODE(os.stat(os.path.join(keys, name)).st_mode), 0o600, f"mode of keys/{name}")
    checks.that(stat.S_IMODE(os.stat(os.path.join(log.dir, "policy")).st_mode) & 0o044, "policy is for everyone")


def configurations(checks, log):
    """A mistake is refused with its line; what is not understood is never passed over."""
    path = os.path.join(log.dir, "cartulary.conf")
    with open(path) as f:
        good = f.read()
    lines = len(good.splitlines())
    rows = ["frob = 1", "Heartbeat = 30000", "heartbeat = 1", "heartbeat = 60001", "heartbeat = x", "heartbeat = ",
            "heartbeat = 1e3", "pool = 0", "pool = -1", "workers = 257", "any-eku = maybe", "eku = emailProtection",
            "eku = 1.3.6.1.5.5.7.3.4.", "connections = 99999999999999999999", "entries-max = 0", "entries-max = 1025",
            "body-max = 1", "disk-floor = -5", "disk-floor = 1G", "trusted-proxy = not an address", "heartbeat",
            "highwater = " + "a" * 300, "scrub-period = 0", "entries = some",
            "heartbeat = 30000\nheartbeat = 30000"]
    for row in rows:
        with open(path, "w") as f:
            f.write(good.rstrip("\n") + "\n" + row + "\n")
        code, said = log.refuses(5, listen="127.0.0.1:0")
        if code is None:
            log.stop()
        checks.that(code == 2, f"{row[:40]!r}: exit 2", (code, said))
        checks.that(f"cartulary.conf:{lines + 1 + row.count(chr(10))}:" in said or "cartulary.conf:0:" in said,
                    f"{row[:40]!r}: names the line", said)
    with open(path, "w") as f:
        f.write(good)


def tokens(checks, house, log):
    code, one, _ = house.cartularyd("token", log.dir, "add", "anna")
    checks.that(code == 0 and one.startswith("cartulary_") and len(one.strip()) == 74, "token add prints it", one)
    code, two, _ = house.cartularyd("token", log.dir, "add", "bert")
    checks.that(code == 0 and two != one, "another one is another")
    code, out, err = house.cartularyd("token", log.dir, "add", "anna")
    checks.that(code == 2 and not out and "already" in err, "a name has one token", (code, out, err))
    code, out, _ = house.cartularyd("token", log.dir, "list")
    checks.equal((code, out), (0, "anna\nbert\n"), "token list")
    everything = b"".join(open(os.path.join(where, n), "rb").read() for where, _, names in os.walk(log.dir)
                          for n in names if not n.endswith(".mdb"))
    checks.that(one.strip().encode() not in everything, "the token itself stands nowhere")
    checks.equal(house.cartularyd("token", log.dir, "remove", "anna")[0], 0, "token remove")
    code, _, err = house.cartularyd("token", log.dir, "remove", "anna")
    checks.that(code == 1 and "has no token" in err, "twice is exit 1", (code, err))
    checks.equal(house.cartularyd("token", log.dir, "list")[1], "bert\n", "the other one stays")


def scenario(house, checks):
    leaves = Leaves(house, 3)
    log = Log(house, roots=leaves.roots, entries="auditors")
    helps(checks, house)
    made(checks, log)
    wrong_use(checks, house, log)
    configurations(checks, log)
    tokens(checks, house, log)
    code, out, err = house.cartularyd("upgrade", log.dir)
    checks.equal(code, 0, f"upgrade of a store of this format: {out}{err}")
    log.start()
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "fsck of an empty log")


run("09-usage", scenario)
