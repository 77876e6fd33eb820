"""What the scenarios share: a house to live in (a temporary directory with logs in it), an HTTP client that says
exactly the bytes it is told to say, and a count of what was checked.

Each scenario starts the real programs and talks to them as strangers do.  Nothing here knows how they work inside.
Environment: CARTULARY_BIN, where the programs are; CARTULARY_TESTBIN, where mint and the like are.
"""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SOURCE = os.environ.get("CARTULARY_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BIN = os.environ.get("CARTULARY_BIN") or os.path.join(SOURCE, "build", "bin")
TESTBIN = os.environ.get("CARTULARY_TESTBIN") or os.path.join(os.path.dirname(BIN), "tests", "bin")
ORIGIN = "e2e.example/log"
SKIP = 77
PATIENCE = 30.0  # seconds that a program may take for anything; a machine under load is slow


# ---- checks ----

class Checks:
    """Counts; a failed check is printed and does not end the scenario, so that one run shows all of them."""

    def __init__(self):
        self.done = 0
        self.failed = 0

    def that(self, holds, says, seen=None):
        self.done += 1
        if not holds:
            self.failed += 1
            if self.failed <= 50:
                print(f"FAILED: {says}" + ("" if seen is None else f"\n    seen: {str(seen)[:600]}"), flush=True)
        return bool(holds)

    def equal(self, seen, wanted, says):
        return self.that(seen == wanted, says, f"{str(seen)[:280]}, wanted {str(wanted)[:280]}")


class Skip(Exception):
    """The scenario cannot run here; the text says why."""


def run(title, scenario):
    """The frame of each scenario: scenario(house, checks) in a fresh directory.  Never returns."""
    checks = Checks()
    began = time.monotonic()
    code = 1
    with_house = House()
    # Who ends a scenario early must not leave its processes behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        scenario(with_house, checks)
        code = 1 if checks.failed or not checks.done else 0
    except Skip as why:
        print(f"skip: {title}: {why}")
        code = SKIP
    except Exception:
        traceback.print_exc()
        checks.failed += 1
    finally:
        with_house.close(keep=code == 1 and "CARTULARY_KEEP" in os.environ)
    print(f"{title}: {checks.done} checks, {checks.failed} failed, {time.monotonic() - began:.1f} s", flush=True)
    sys.exit(code)


def program(name):
    for folder in (BIN, TESTBIN):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    raise RuntimeError(f"{name} is neither in {BIN} nor in {TESTBIN}")


def until(holds, seconds=PATIENCE, pause=0.02):
    """Asks until it holds; what it gave, or its last (false) answer."""
    end = time.monotonic() + seconds
    while True:
        value = holds()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


# ---- certificates, as bytes ----

def pem_certificates(path):
    with open(path, "rb") as f:
        found = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", f.read(), re.S)
    return [base64.b64decode(block) for block in found]


def pem_of(*ders):
    text = ""
    for der in ders:
        lines = base64.encodebytes(der).decode().replace("\n", "")
        text += "-----BEGIN CERTIFICATE-----\n"
        text += "\n".join(lines[i:i + 64] for i in range(0, len(lines), 64))
        text += "\n-----END CERTIFICATE-----\n"
    return text


class Leaves:
    """Distinct chains under one intermediate, made by mint for load: many, quickly."""

    def __init__(self, house, count, name="leaves", seed=1):
        path = house.path(name)
        code, _, err = house.call("mint", "--bench", count, "--out", path, "--seed", seed)
        if code != 0:
            raise RuntimeError("mint: " + err)
        with open(path, "rb") as f:
            data = f.read()
        ders, at = [], 12
        while at < len(data):
            n = int.from_bytes(data[at:at + 4], "big")
            ders.append(data[at + 4:at + 4 + n])
            at += 4 + n
        self.intermediate, self.root, self.leaves = ders[0], ders[1], ders[2:]
        self.roots = path + ".roots.pem"
        with open(self.roots, "w") as f:
            f.write(pem_of(self.root))

    def chain(self, i):
        return [self.leaves[i], self.intermediate]

    def chains(self, begin, end):
        return [self.chain(i) for i in range(begin, end)]


def b64(data):
    return base64.b64encode(data).decode()


def chain_json(chain):
    return json.dumps({"chain": [b64(der) for der in chain]}).encode()


# ---- HTTP, byte by byte ----

class Answer:
    def __init__(self, status, headers, body, head):
        self.status, self.headers, self.body, self.head = status, headers, body, head

    def header(self, name):
        """The field's value; values when it stands more than once; None when it does not stand."""
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        return None if not values else values[0] if len(values) == 1 else values

    def json(self):
        return json.loads(self.body)

    def problem(self):
        """The stable last word of a problem's type; None when it is no problem document."""
        if self.header("Content-Type") != "application/problem+json":
            return None
        document = self.json()
        prefix = "urn:cartulary:problem:"
        if not document["type"].startswith(prefix) or document["status"] != self.status:
            return None
        return document["type"][len(prefix):]


class Http:
    """One connection.  Reads exactly one answer at a time, so that what follows it is seen too."""

    def __init__(self, address, timeout=PATIENCE):
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(address[5:])
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """False when the peer has gone: what it answered may still be read."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def more(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.kept += data
        return data != b""

    def answer(self, head_only=False):
        """The next final answer; None when the connection ended before one."""
        while b"\r\n\r\n" not in self.kept:
            if not self.more():
                return None
        head, rest = self.kept.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.kept = rest
        if status == 100:
            return self.answer(head_only)
        lengths = [int(value) for name, value in headers if name == "Content-Length"]
        if not lengths and status != 204 and not head_only:
            while self.more():  # RFC 9112 6.3: the body ends with the connection
                pass
            lengths = [len(self.kept)]
        length = 0 if head_only or not lengths else lengths[0]
        while len(self.kept) < length:
            if not self.more():
                return None
        body, self.kept = self.kept[:length], self.kept[length:]
        return Answer(status, headers, body, head)

    def ask(self, path, method="GET", body=None, headers=()):
        text = f"{method} {path} HTTP/1.1\r\nHost: e2e.example\r\n"
        for name, value in headers:
            text += f"{name}: {value}\r\n"
        if body is not None:
            if not any(name.lower() == "content-type" for name, _ in headers):
                text += "Content-Type: application/json\r\n"
            text += f"Content-Length: {len(body)}\r\n"
        self.send(text.encode("latin-1") + b"\r\n" + (body or b""))
        return self.answer(method == "HEAD")

    def ended(self, seconds=5.0):
        """Whether the peer closes within that time without another byte."""
        self.socket.settimeout(seconds)
        try:
            return not self.more() and self.kept == b""
        except socket.timeout:
            return False


# ---- processes and logs ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class House:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cartulary-e2e-")
        self.running = []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def start(self, args, **more):
        """A process of its own; ended with the house at the latest."""
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, start_new_session=True, **more)
        self.running.append(process)
        return process

    def close(self, keep=False):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
        if keep:
            print("kept:", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # The programs, run to their end: (exit code, standard output, standard error).

    def call(self, name, *args, env=None, cwd=None, text=None, timeout=300):
        done = subprocess.run([program(name), *map(str, args)], input=text, capture_output=True, text=True,
                              env={**os.environ, **(env or {})}, cwd=cwd or self.folder, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def cartularyd(self, *args, **more):
        return self.call("cartularyd", *args, **more)

    def knows(self, verb):
        """Whether this cartulary has the verb: one that was built without the directory's has fewer."""
        return self.cartulary(verb, "--help")[0] == 0

    def cartulary(self, *args, **more):
        return self.call("cartulary", *args, **more)

    def mint(self, name="chains", count=None, seed=1):
        """Minted chains in a directory: its path, roots.pem in it."""
        folder = self.path(name)
        args = ["--out", folder, "--seed", str(seed)] + ([] if count is None else ["--count", str(count)])
        code, _, err = self.call("mint", *args)
        if code != 0:
            raise RuntimeError("mint: " + err)
        os.rename(os.path.join(folder, "roots.pem"), folder + ".roots.pem")
        os.rename(os.path.join(folder, "INDEX.tsv"), folder + ".tsv")
        return folder

    def chains(self, folder):
        """(path, [DER…]) of each chain file of a directory, in order."""
        return [(os.path.join(folder, n), pem_certificates(os.path.join(folder, n)))
                for n in sorted(os.listdir(folder)) if n.endswith(".pem")]


class Log:
    """A log with its directory; started and ended as often as the scenario likes."""

    def __init__(self, house, name="log", roots=None, entries="public", origin=ORIGIN, options=(), **conf):
        self.house, self.name = house, name
        self.dir = house.path(name)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        self.starts = 0
        args = ["init", self.dir, "--origin", origin, "--url", f"http://{self.address}", "--entries", entries]
        if roots:
            args += ["--roots", roots]
        code, _, err = house.cartularyd(*args, *options)
        if code != 0:
            raise RuntimeError("init: " + err)
        # A machine with little disk runs these too, and ThreadSanitizer, which leaves little address space.
        self.configure(**{"disk-floor": 1 << 20, "map-size": 1 << 34, **conf})

    @staticmethod
    def adopt(house, name, address):
        """The log in a directory that is there already."""
        log = Log.__new__(Log)
        log.house, log.name, log.dir, log.address = house, name, house.path(name), address
        log.process, log.starts = None, 0
        return log

    @property
    def policy(self):
        return os.path.join(self.dir, "policy")

    def configure(self, **keys):
        """Sets keys of cartulary.conf; None takes one out."""
        path = os.path.join(self.dir, "cartulary.conf")
        names = {name.replace("_", "-"): value for name, value in keys.items()}
        with open(path) as f:
            lines = [line for line in f if line.split("=")[0].strip() not in names]
        with open(path, "w") as f:
            f.writelines(lines)
            f.writelines(f"{name} = {value}\n" for name, value in names.items() if value is not None)

    def begin(self, prefix=(), env=None, listen=None, **more):
        """Starts serve and waits for nothing."""
        self.starts += 1
        self.output = self.house.path(f"{self.name}.{self.starts}.err")
        with open(self.output, "wb") as f:
            self.process = self.house.start(
                [*prefix, program("cartularyd"), "serve", self.dir, "--listen", listen or self.address],
                stdout=f, stderr=f, env={**os.environ, **(env or {})}, **more)
        return self.process

    def lines(self):
        with open(self.output, errors="replace") as f:
            return f.read()

    def start(self, **more):
        self.begin(**more)
        until(lambda: "event=listening" in self.lines() or self.process.poll() is not None)
        if "event=listening" not in self.lines():
            raise RuntimeError("serve does not listen: " + self.lines())
        return self

    def refuses(self, seconds=PATIENCE, **more):
        """Starts serve, which is to end by itself: (exit code, what it said)."""
        self.begin(**more)
        return self.wait(seconds), self.lines()

    def wait(self, seconds=PATIENCE):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, how=signal.SIGTERM, seconds=PATIENCE):
        """Ends it; the exit code, None when it does not end."""
        self.process.send_signal(how)
        return self.wait(seconds)

    def http(self, timeout=PATIENCE):
        return Http(self.address, timeout)

    def ask(self, path, method="GET", body=None, headers=()):
        with self.http() as h:
            return h.ask(path, method, body, [("Connection", "close"), *headers])

    def add(self, chain, pre=False):
        return self.ask("/ct/v1/add-pre-chain" if pre else "/ct/v1/add-chain", "POST", chain_json(chain))

    def add_many(self, chains, window=64, pre=False):
        """Hands chains in over one connection, so many at once: the SCTs' JSON, in order.  All must be taken."""
        out, path = [], "add-pre-chain" if pre else "add-chain"
        with self.http() as h:
            for at in range(0, len(chains), window):
                batch = b""
                for chain in chains[at:at + window]:
                    body = chain_json(chain)
                    batch += (f"POST /ct/v1/{path} HTTP/1.1\r\nHost: e2e.example\r\n"
                              f"Content-Length: {len(body)}\r\n\r\n").encode() + body
                sender = threading.Thread(target=h.send, args=(batch,))
                sender.start()
                for _ in chains[at:at + window]:
                    answer = h.answer()
                    if answer is None or answer.status != 200:
                        raise RuntimeError(f"{path}: {answer and answer.body}")
                    out.append(answer.json())
                sender.join()
        return out

    def sth(self):
        return self.ask("/ct/v1/get-sth").json()

    def state(self):
        """What a refused request must not change."""
        head = self.sth()
        return head["tree_size"], head["sha256_root_hash"]

    def fsck(self):
        code, out, err = self.house.cartularyd("fsck", self.dir, "--quiet")
        return code, out + err


def in_parallel(n, work):
    """Runs work(i) for i < n in n threads; what each gave, an exception as itself."""
    results = [None] * n

    def one(i):
        try:
            results[i] = work(i)
        except Exception as e:
            results[i] = e

    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results
