"""What the campaigns against a real cartularyd share: a log to break, a load on it, and the question whether it
kept its promises."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("CARTULARY_BUILD") or os.path.dirname(os.environ.get("CARTULARY_BIN", "build/bin"))
BIN = os.path.join(BUILD, "bin")
TESTS = os.path.join(BUILD, "tests")
ORIGIN = "campaign.example/log"


class Broken(Exception):
    """A promise was broken."""


def program(name):
    for folder in (BIN, TESTS, os.path.join(TESTS, "bin")):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    sys.exit(f"{name} is not built below {BUILD}; set CARTULARY_BIN or CARTULARY_BUILD")


def run(args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def wait_gone(process, seconds):
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Leaves:
    """A file of distinct certificates, and how far it has been used."""

    def __init__(self, folder, count):
        self.path = os.path.join(folder, f"leaves-{count}")
        self.count = count
        self.used = 0
        if os.path.exists(self.path):
            return
        made = run([program("mint"), "--bench", str(count), "--out", self.path])
        if made.returncode != 0:
            sys.exit("mint failed: " + made.stdout)

    def root_pem(self):
        import base64

        with open(self.path, "rb") as f:
            head = f.read(12)
            assert head[:8] == b"MINTED\0\1"
            for _ in range(2):  # the intermediate, then the root
                (n,) = struct.unpack(">I", f.read(4))
                der = f.read(n)
        text = base64.encodebytes(der).decode().replace("\n", "")
        lines = [text[i : i + 64] for i in range(0, len(text), 64)]
        return "-----BEGIN CERTIFICATE-----\n" + "\n".join(lines) + "\n-----END CERTIFICATE-----\n"

    def take(self, n):
        """Where to begin so that n are left; begins anew (with duplicates) when the file is used up."""
        if self.used + n > self.count:
            self.used = 0
        return self.used


class Log:
    """A log in a directory of its own, started and ended as often as the campaign likes."""

    def __init__(self, folder, leaves):
        self.folder = folder
        self.dir = os.path.join(folder, "log")
        self.leaves = leaves
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.heads = os.path.join(folder, "heads")
        self.server = None
        self.receipts = []
        os.makedirs(folder, exist_ok=True)
        roots = os.path.join(folder, "roots.pem")
        with open(roots, "w") as f:
            f.write(leaves.root_pem())
        made = run([program("cartularyd"), "init", self.dir, "--origin", ORIGIN, "--url", self.url,
                    "--roots", roots])
        if made.returncode != 0:
            sys.exit("init failed: " + made.stdout)
        self.key = os.path.join(folder, "log.spki")
        subprocess.run(["openssl", "pkey", "-in", os.path.join(self.dir, "keys", "log.pem"), "-pubout",
                        "-outform", "DER", "-out", self.key], check=True)

    def configure(self, **lines):
        with open(os.path.join(self.dir, "cartulary.conf"), "a") as f:
            for name, value in lines.items():
                f.write(f"{name.replace('_', '-')} = {value}\n")

    def start(self, before=(), env=None, wait=20.0):
        """Starts the server; true when it answers.  before: a command that starts it, strace or the like."""
        self.output = open(os.path.join(self.folder, "output"), "ab")
        self.server = subprocess.Popen(
            [*before, program("cartularyd"), "serve", self.dir, "--listen", f"127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, start_new_session=True,
            env={**os.environ, **(env or {})})
        end = time.monotonic() + wait
        while time.monotonic() < end:
            if self.server.poll() is not None:
                return False
            if self.answers():
                return True
            time.sleep(0.005)
        return False

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                s.settimeout(2)
                s.sendall(b"GET /ct/v1/get-sth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return s.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def load(self, count, connections, rate=0.0):
        """Begins to submit; hand the result to finish()."""
        offset = self.leaves.take(count)
        path = os.path.join(self.folder, f"receipts-{len(self.receipts)}")
        args = [program("cartulary-hammer"), "submit", "--url", self.url, "--file", self.leaves.path,
                "--offset", str(offset), "--count", str(count), "--connections", str(connections),
                "--receipts", path, "--stop-on-loss", "--json"]
        if rate:
            args += ["--rate", str(rate)]
        hammer = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return hammer, path

    def finish(self, load, patience=60):
        """How many were answered.  Their receipts are kept for check()."""
        hammer, path = load
        out, err = hammer.communicate(timeout=patience)
        if hammer.returncode == 3:
            return 0  # the server was gone before the first connection
        said = json.loads(out)
        self.leaves.used += said["requests"] + said["lost"]
        self.receipts.append(path)
        return said["requests"] - said["errors"]

    def server_pids(self):
        """The server itself: below strace it is a child."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as f:
                        fields = f.read().rsplit(")", 1)[1].split()
                    if int(fields[1]) == self.server.pid:
                        found.append(int(entry))
                except OSError:
                    pass
        return found or [self.server.pid]

    def kill(self, number=signal.SIGKILL):
        """Ends the server; its exit status, or None when it did not end in time and was killed."""
        for pid in self.server_pids() if self.server.poll() is None else []:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        status = wait_gone(self.server, 20)
        if status is None:
            for pid in [*self.server_pids(), self.server.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.server.wait()
        self.output.close()
        return status

    def fsck(self):
        told = run([program("cartularyd"), "fsck", self.dir])
        if told.returncode != 0:
            raise Broken(f"fsck ends with {told.returncode}: {told.stdout[-2000:]}")

    def halted(self):
        return os.path.exists(os.path.join(self.dir, "halted"))

    def recover(self):
        """After a crash: the store must be sound; a log that has halted is resumed; it serves again."""
        self.fsck()
        if self.halted():
            told = run([program("cartularyd"), "resume", self.dir])
            if told.returncode != 0:
                raise Broken(f"resume ends with {told.returncode}: {told.stdout[-2000:]}")
        if not self.start():
            with open(os.path.join(self.folder, "output"), "rb") as f:
                raise Broken("the log does not start again: " + f.read()[-2000:].decode(errors="replace"))

    def check(self, receipts=None, again=5, every_head=False):
        """Asks the running log for every promise; how many there were."""
        files = self.receipts if receipts is None else receipts
        told = run([program("promises"), "--url", self.url, "--key", self.key, "--heads", self.heads,
                    "--leaves", self.leaves.path, "--again", str(again),
                    *(["--all"] if every_head else []), *files])
        if told.returncode != 0:
            raise Broken(f"promises ends with {told.returncode}: {told.stdout[-2000:]}")
        return int(told.stdout.split(" receipts")[0].split()[-1])


def workplace():
    return tempfile.mkdtemp(prefix="cartulary-fault-")


def clean(folder, keep):
    if keep:
        print("kept:", folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
