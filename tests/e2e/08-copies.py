#!/usr/bin/env python3
# Goal of this test: a log's directory outlives what happens to directories.  A backup taken under load is sound, does
# not serve, and becomes the log only when nothing newer is known outside; an old store put back, a halted log and a
# damaged one are refused; fsck and resume tell them apart.

import os
import resource
import shutil
import signal
import struct
import threading
import time

from house import Leaves, Log, program, run

HEARTBEAT = 60000


def write(path, data):
    with open(path, "wb" if isinstance(data, bytes) else "w") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def backup_under_load(checks, house, log, leaves):
    """Copies while a client submits; each copy is a whole log of its moment."""
    sizes, failed = [], []

    def load():
        try:
            for at in range(100, 1100, 50):
                log.add_many(leaves.chains(at, at + 50), window=10)
        except Exception as e:
            failed.append(e)

    client = threading.Thread(target=load)
    client.start()
    for i in range(4):
        code, out, err = house.cartularyd("backup", log.dir, house.path(f"copy{i}"))
        checks.equal(code, 0, f"backup {i} under load {err}")
        sizes.append(int(out.split()[1]))
    client.join()
    checks.that(not failed, "the load does not notice", failed)
    checks.that(sizes == sorted(sizes) and sizes[0] < 1100, "each copy is of its moment", sizes)
    print("sizes of copies under load:", sizes, "then", log.sth()["tree_size"])
    for i, size in enumerate(sizes):
        copy = Log.adopt(house, f"copy{i}", log.address)
        code, said = copy.fsck()
        checks.that(code == 0 and f"sound: {size} entries" in said, f"copy {i} is sound", (code, said))
        names = set(os.listdir(copy.dir))
        checks.that("keys" not in names or not os.listdir(os.path.join(copy.dir, "keys")), f"copy {i} has no keys", names)
        checks.that("tokens" not in names, f"copy {i} has no tokens", names)
    code, _, err = house.cartularyd("backup", log.dir, house.path("copy0"))
    checks.equal(code, 2, "a backup never writes over what is there " + err)
    policy, away = os.path.join(log.dir, "policy"), house.path("policy-away")
    os.rename(policy, away)
    code, _, err = house.cartularyd("backup", log.dir, house.path("half"))
    os.rename(away, policy)
    checks.that(code != 0 and f"cannot read {policy}" in err and f"remove {house.path('half')}" in err,
                "a backup that fails says what it could not read and what to remove", (code, err))


def copies_do_not_serve(checks, house, log):
    copy = Log.adopt(house, "copy0", log.address)
    code, said = copy.refuses(listen="127.0.0.1:0")
    checks.that(code == 1 and "is-a-copy" in said, "a copy does not serve", (code, said))
    shutil.copytree(os.path.join(log.dir, "keys"), os.path.join(copy.dir, "keys"), dirs_exist_ok=True)
    code, said = copy.refuses(listen="127.0.0.1:0")
    checks.that(code == 1 and "is-a-copy" in said, "not even with the keys", (code, said))


def promote(checks, house, log, leaves):
    """log is not serving any more.  Returns the log that came of its copy."""
    newest = house.path("newest")
    copy = Log.adopt(house, "copy0", log.address)

    def promoted(name, head):
        code, out, err = house.cartularyd("promote", house.path(name), "--head", head,
                                         "--feed", house.path("newest-feed"))
        return code, out + err

    code, said = promoted("copy0", newest)
    checks.that(code == 1 and "would fork the log" in said, "not when a newer head is known", (code, said))
    text = read(newest)
    write(house.path("touched"), text.replace(b"\n", b"\n0", 1))
    code, said = promoted("copy0", house.path("touched"))
    checks.that(code in (1, 2), "not by a head that was touched", (code, said))
    code, said = promoted("copy0", house.path("other-head"))
    checks.that(code in (1, 2), "not by another log's head", (code, said))
    code, said = promoted("copy0", house.path("no-such-file"))
    checks.that(code != 0, "not without a head", (code, said))
    code, said = promoted("last", newest)
    checks.that(code != 0 and "keys" in said, "not without the keys", (code, said))
    checks.equal(copy.refuses(listen="127.0.0.1:0")[0], 1, "and after all of this it does not serve")

    shutil.copytree(house.path("other", "keys"), house.path("last", "keys"), dirs_exist_ok=True)
    code, said = promoted("last", newest)
    checks.that(code != 0, "not with another log's keys", (code, said))
    shutil.rmtree(house.path("last", "keys"))
    shutil.copytree(os.path.join(log.dir, "keys"), house.path("last", "keys"))
    shim = os.path.join(os.path.dirname(program("cartularyd")), "..", "tests", "clockshift.so")
    if os.path.exists(shim):
        for hours, more, says in ((25, (), "old"), (-1, (), "clock"), (-1, ("--old-head",), "clock")):
            write(house.path("shift"), struct.pack("=q", hours * 3600))
            code, out, err = house.cartularyd(
                "promote", house.path("last"), "--head", newest, "--feed", house.path("newest-feed"), *more,
                env={"LD_PRELOAD": os.path.abspath(shim), "CLOCKSHIFT": house.path("shift")})
            checks.that(code == 3 and says in err, f"not when it is {hours} hours old {more}", (code, out, err))
    else:
        print("not shown here: a head that is old (no clockshift.so in this build)")
    code, out, err = house.cartularyd("promote", house.path("last"), "--head", newest)
    checks.that(code != 0 and "--feed" in out + err, "not without a head of the feed", (code, out, err))
    code, said = promoted("last", newest)
    checks.equal(code, 0, "with the newest head and the keys " + said)
    code, said = promoted("last", newest)
    checks.that(code != 0 and "nothing to promote" in said, "once", (code, said))
    heir = Log.adopt(house, "last", log.address)
    heir.start()
    return heir


def goes_on(checks, heir, before, scts, leaves):
    """The heir is the same log: same tree, same SCTs, and it grows."""
    checks.equal(heir.state(), before, "the promoted copy has the tree of the log")
    checks.equal([heir.add(leaves.chain(i)).body for i in range(5)], scts, "and its SCTs")
    checks.equal(heir.add(leaves.chain(1190)).status, 200, "and grows")
    checks.equal(heir.sth()["tree_size"], before[0] + 1, "by what is new")


def old_feed(checks, house, leaves):
    """A head of the feed from before: the tree is the same, and what was signed since is not known by it."""
    shim = os.path.join(os.path.dirname(program("cartularyd")), "..", "tests", "clockshift.so")
    if not os.path.exists(shim):
        print("not shown here: a head of the feed that is old (no clockshift.so in this build)")
        return
    log = Log(house, "stood", roots=leaves.roots, origin="e2e.example/stood", heartbeat=HEARTBEAT).start()
    log.add_many(leaves.chains(0, 5))
    write(house.path("stood-feed"), log.ask("/feed/checkpoint").body)
    checks.equal(log.stop(), 0, "SIGTERM")
    write(house.path("shift"), struct.pack("=q", 25 * 3600))
    env = {"LD_PRELOAD": os.path.abspath(shim), "CLOCKSHIFT": house.path("shift")}
    log.start(env=env)
    log.add_many(leaves.chains(5, 10))
    for _ in range(200):  # until the directory has closed an epoch of that day
        time.sleep(0.05)
        write(house.path("stood-feed-now"), log.ask("/feed/checkpoint").body)
        if int(read(house.path("stood-feed-now")).split(b"\n")[1]) > int(read(house.path("stood-feed")).split(b"\n")[1]):
            break
    write(house.path("stood-head"), log.ask("/checkpoint").body)
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(house.cartularyd("backup", log.dir, house.path("stands"))[0], 0, "a backup")
    shutil.copytree(os.path.join(log.dir, "keys"), house.path("stands", "keys"))

    def promoted(feed):
        code, out, err = house.cartularyd("promote", house.path("stands"), "--head", house.path("stood-head"), "--feed",
                                          house.path(feed), env=env)
        return code, out + err

    code, said = promoted("stood-feed")
    checks.that(code == 3 and "the feed's head given is 25 hours old" in said, "not by a head of the feed of yesterday",
                (code, said))
    code, said = promoted("stood-feed-now")
    checks.equal(code, 0, "by one of today " + said)


def high_water(checks, house, leaves):
    """A store that was rolled back looks sound by itself: the file outside knows better."""
    mark = house.path("highwater")
    log = Log(house, "marked", roots=leaves.roots, origin="e2e.example/marked", highwater=mark, heartbeat=HEARTBEAT)
    log.start()
    log.add_many(leaves.chains(0, 20))
    checks.equal(log.stop(), 0, "SIGTERM")
    store = os.path.join(log.dir, "store")
    shutil.copytree(store, house.path("old-store"))
    log.start()
    log.add_many(leaves.chains(20, 40))
    checks.equal(log.stop(), 0, "SIGTERM")
    lines = read(mark).decode().splitlines()
    checks.that(lines and lines[-1].split()[0] == "40", "the file stands at the newest head", lines[-1:])

    shutil.move(store, house.path("new-store"))
    shutil.copytree(house.path("old-store"), store)
    code, said = log.fsck()
    checks.that(code == 1 and "reaches further than the certificate log" in said,
                "the old store does not fit the directory over it", (code, said))
    checks.that("entry " not in said, "and is sound by itself", said)
    code, said = log.refuses()
    checks.that(code == 1 and "store-behind" in said, "and is refused", (code, said))
    checks.equal(read(mark).decode().splitlines()[-1], lines[-1], "the refusal does not move the mark")
    shutil.rmtree(store)
    shutil.move(house.path("new-store"), store)
    with open(mark, "a") as f:
        f.write("41 1795")  # a crash while writing
    log.start()
    checks.equal(log.sth()["tree_size"], 40, "the right store serves, also when the file's last line is torn")
    checks.equal(log.add(leaves.chain(41)).status, 200, "and goes on")
    checks.equal(log.stop(), 0, "SIGTERM")
    with open(mark, "a") as f:
        f.write("not a line\n")
    code, said = log.refuses()
    checks.that(code not in (0, None), "a high-water file that makes no sense is refused", (code, said))


def halted(checks, house, leaves):
    """A halt ends by fsck and resume, and only when the log is sound."""
    log = Log(house, "halts", roots=leaves.roots, origin="e2e.example/halts", heartbeat=HEARTBEAT).start()
    log.add_many(leaves.chains(0, 300))
    state = log.state()
    log.stop()
    code, _, err = house.cartularyd("resume", log.dir)
    checks.that(code == 1 and "has not halted" in err, "nothing to resume", (code, err))
    marker = os.path.join(log.dir, "halted")
    write(marker, "guard: the entry reads back otherwise\n")
    code, said = log.refuses()
    checks.that(code == 1 and "halted" in said, "a halted log does not serve", (code, said))
    checks.equal(log.fsck()[0], 0, "fsck says that it is sound")
    checks.equal(log.refuses()[0], 1, "which alone does not let it serve")

    data = os.path.join(log.dir, "store", "data.mdb")
    sound = read(data)
    at = sound.index(leaves.leaves[7]) + 40
    write(data, sound[:at] + bytes([sound[at] ^ 4]) + sound[at + 1:])
    code, said = log.fsck()
    print("fsck:", said.strip())
    checks.that(code == 1 and "entry 7" in said, "fsck finds one flipped bit and says where", (code, said))
    code, out, err = house.cartularyd("resume", log.dir)
    checks.that(code == 1 and os.path.exists(marker), "a damaged log is not resumed", (code, out, err))
    write(data, sound)
    code, out, err = house.cartularyd("resume", log.dir)
    checks.that(code == 0 and not os.path.exists(marker), "a sound one is", (code, out, err))
    log.start()
    checks.equal(log.state(), state, "and serves as before")
    code, said = log.fsck()
    checks.equal(code, 0, "fsck beside a serving log " + said)
    log.stop()

    write(data, sound[:8192])
    code, said = log.fsck()
    checks.that(code in (1, 2), "a store that was cut off", (code, said))
    checks.that(log.refuses()[0] not in (0, None), "does not serve")
    os.unlink(data)
    code, said = log.fsck()
    checks.equal(code, 2, "no store: could not check " + said)
    checks.that(log.refuses()[0] not in (0, None), "does not serve either")


def unmarked(checks, house, leaves):
    """A disk that takes nothing any more: the log halts at its first head, and cannot even write that it did."""
    log = Log(house, "unmarked", roots=leaves.roots, origin="e2e.example/unmarked", heartbeat=HEARTBEAT).start()
    log.add_many(leaves.chains(0, 10))
    checks.equal(log.stop(), 0, "SIGTERM")

    def full():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    code, _ = log.refuses(preexec_fn=full)
    checks.that(not os.path.exists(os.path.join(log.dir, "halted")), "no marker could be written")
    checks.equal(code, 1, "the exit code alone says that it must not be started again")


def wrong_keys(checks, house, log, leaves):
    """A directory whose parts are of two logs."""
    for name in ("log.pem", "checkpoint.pem"):
        mixed = house.path("mixed")
        shutil.copytree(log.dir, mixed)
        shutil.copy(house.path("other", "keys", name), os.path.join(mixed, "keys", name))
        code, said = Log.adopt(house, "mixed", log.address).refuses(listen="127.0.0.1:0")
        checks.that(code not in (0, None), f"another log's {name} is refused", (code, said))
        shutil.rmtree(mixed)


def scenario(house, checks):
    leaves = Leaves(house, 1200)
    log = Log(house, roots=leaves.roots, heartbeat=HEARTBEAT).start()
    other = Log(house, "other", roots=leaves.roots, origin="e2e.example/other").start()
    write(house.path("other-head"), other.ask("/checkpoint").body)
    other.stop()
    log.add_many(leaves.chains(0, 100))
    scts = [log.add(leaves.chain(i)).body for i in range(5)]
    backup_under_load(checks, house, log, leaves)
    copies_do_not_serve(checks, house, log)
    write(house.path("newest"), log.ask("/checkpoint").body)
    write(house.path("newest-feed"), log.ask("/feed/checkpoint").body)
    before = log.state()
    checks.equal(log.stop(), 0, "SIGTERM")
    wrong_keys(checks, house, log, leaves)
    checks.equal(house.cartularyd("backup", log.dir, house.path("last"))[0], 0, "backup of a log at rest")
    heir = promote(checks, house, log, leaves)
    goes_on(checks, heir, before, scts, leaves)
    checks.equal(heir.stop(), 0, "SIGTERM")
    checks.equal(heir.fsck()[0], 0, "fsck")
    old_feed(checks, house, leaves)
    high_water(checks, house, leaves)
    halted(checks, house, leaves)
    unmarked(checks, house, leaves)


run("08-copies", scenario)
