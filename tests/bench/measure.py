"""The parts of run: each measures one thing several times and gives dictionaries of numbers."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fault"))
import campaign  # noqa: E402
from campaign import Leaves, Log, free_port, program  # noqa: E402

PROGRAMS = os.path.join(campaign.BUILD, "bench")


class Place:
    """Where measurements are made: a folder on a real disk, files of leaves that are made once."""

    def __init__(self, folder, runs, quick):
        self.folder = folder
        self.runs = runs
        self.quick = quick
        self.logs = 0
        os.makedirs(folder, exist_ok=True)

    def leaves(self, count):
        return Leaves(self.folder, count)

    def log(self, leaves):
        """A new log that serves."""
        self.logs += 1
        folder = os.path.join(self.folder, f"log-{os.getpid()}-{self.logs}")
        log = Log(folder, leaves)
        if not log.start():
            sys.exit("the log does not start")
        return log

    def drop(self, log):
        log.kill(15)
        shutil.rmtree(log.folder, ignore_errors=True)


def hammer(log, *args):
    """One measurement against the log's server."""
    return load(log.url, str(log.server.pid), *args)


def load(url, pids, *args):
    told = subprocess.run([program("cartulary-hammer"), *args, "--url", url, "--pid", pids, "--json"],
                          stdout=subprocess.PIPE, text=True)
    if told.returncode != 0:
        sys.exit(f"hammer ended with {told.returncode}: {told.stdout}")
    return json.loads(told.stdout)


def submit(log, count, *args):
    """Submits the next count leaves."""
    offset = log.leaves.take(count)
    log.leaves.used += count
    return hammer(log, "submit", "--file", log.leaves.path, "--offset", str(offset), "--count", str(count), *args)


def small(name, *args):
    """What a small program says: {name: nanoseconds}."""
    told = subprocess.run([os.path.join(PROGRAMS, name), *args], stdout=subprocess.PIPE, text=True, check=True)
    return {k: float(v) for k, v in (line.split() for line in told.stdout.splitlines())}


def submit_cpu(place):
    """CPU of the server for a durable add-chain, in units of one P-256 verification and one signature."""
    count = 2000 if place.quick else 30000
    leaves = place.leaves(count)
    for _ in range(place.runs):
        leaves.used = 0
        log = place.log(leaves)
        before = small("bench_crypto")
        got = submit(log, count, "--connections", "256")
        after = small("bench_crypto")
        unit = sum(before.values()) / 2000 + sum(after.values()) / 2000
        place.drop(log)
        yield {"cpu_us": got["server_cpu_us_per_request"], "crypto_us": unit,
               "ratio": got["server_cpu_us_per_request"] / unit, "rate": got["rate"]}


def submit_paced(place):
    """Latency at 500 submissions a second."""
    seconds = 3 if place.quick else 20
    leaves = place.leaves(500 * seconds)
    for _ in range(place.runs):
        leaves.used = 0
        log = place.log(leaves)
        got = submit(log, 500 * seconds, "--rate", "500", "--connections", "64")
        place.drop(log)
        yield {k: got[k] for k in ("p50_ms", "p99_ms", "max_ms", "rate")}


def submit_full(place):
    """Submissions a second, as fast as answers come."""
    count = 3000 if place.quick else 60000
    leaves = place.leaves(count)
    for _ in range(place.runs):
        leaves.used = 0
        log = place.log(leaves)
        got = submit(log, count, "--connections", "512")
        place.drop(log)
        yield {k: got[k] for k in ("rate", "p50_ms", "p99_ms", "server_cpu_us_per_request",
                                   "client_cpu_us_per_request")}


class Lag:
    """How far the key directory is behind, milliseconds: asked ten times a second until it is left."""

    def __init__(self, log):
        self.log = log
        self.most = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def now(self):
        with urllib.request.urlopen(self.log.url + "/metrics", timeout=30) as answer:
            found = re.search(r"^cartulary_directory_lag_milliseconds (\d+)$", answer.read().decode(), re.M)
        if found is None:
            sys.exit("no cartulary_directory_lag_milliseconds in /metrics")
        return int(found.group(1))

    def watch(self):
        while not self.done.wait(0.1):
            self.most = max(self.most, self.now())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def submit_behind(place):
    """Latency while the key directory works off many new addresses, its lag at a steady rate, and making it again."""
    many, seconds = (3000, 3) if place.quick else (100_000, 20)
    leaves = place.leaves(many + (500 + 1500) * seconds)
    for _ in range(place.runs):
        leaves.used = 0
        log = place.log(leaves)
        got = submit(log, many, "--connections", "512")
        lag = Lag(log)
        row = {"many_rate": got["rate"], "lag_before_ms": lag.now()}
        got = submit(log, 500 * seconds, "--rate", "500", "--connections", "64")
        row.update({"p50_ms": got["p50_ms"], "p99_ms": got["p99_ms"], "lag_after_ms": lag.now()})
        while lag.now() > 0:
            time.sleep(0.1)
        with lag:
            got = submit(log, 1500 * seconds, "--rate", "1500", "--connections", "64")
        row.update({"steady_p99_ms": got["p99_ms"], "steady_lag_ms": lag.most})
        while lag.now() > 0:
            time.sleep(0.1)
        log.kill(15)
        began = time.monotonic()
        subprocess.run([program("cartularyd"), "fsck", log.dir, "--rebuild", "--scts", "1000000", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        row["rebuilt_per_s"] = leaves.count / (time.monotonic() - began)
        shutil.rmtree(log.folder, ignore_errors=True)
        yield row


NGINX = """daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/errors;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile {sendfile}; tcp_nopush off; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 300; open_file_cache max=100; default_type application/octet-stream;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  server {{ listen 127.0.0.1:{port}; root {dir}/files; }}
}}
"""


class Nginx:
    """nginx with one worker, serving files to anyone on this machine."""

    def __init__(self, folder, sendfile):
        self.folder = os.path.join(folder, f"nginx-{sendfile}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(os.path.join(self.folder, "files"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        conf = os.path.join(self.folder, "conf")
        with open(conf, "w") as f:
            f.write(NGINX.format(dir=self.folder, port=self.port, sendfile=sendfile))
        self.master = subprocess.Popen(["nginx", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.worker = None
        end = time.monotonic() + 10
        while self.worker is None and time.monotonic() < end:
            time.sleep(0.05)
            for entry in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{entry}/stat") as f:
                        if int(f.read().rsplit(")", 1)[1].split()[1]) == self.master.pid:
                            self.worker = entry
                except OSError:
                    pass
        if self.worker is None:
            sys.exit("nginx does not start")

    def put(self, path, body):
        name = os.path.join(self.folder, "files", path.lstrip("/"))
        os.makedirs(os.path.dirname(name), exist_ok=True)
        os.chmod(self.folder, 0o755)
        with open(name, "wb") as f:
            f.write(body)

    def end(self):
        self.master.terminate()
        self.master.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def fetch(url):
    import urllib.request

    with urllib.request.urlopen(url) as answer:
        return answer.read()


def reads(place):
    """CPU for reading a tile and the checkpoint against nginx with and without sendfile: interleaved pairs."""
    count = 5000 if place.quick else 100000
    leaves = place.leaves(2000)
    leaves.used = 0
    log = place.log(leaves)
    submit(log, 2000)
    paths = {"tile": "/tile/0/000", "checkpoint": "/checkpoint"}
    servers = {mode: Nginx(place.folder, mode) for mode in ("on", "off")}
    for path in paths.values():
        body = fetch(log.url + path)
        for server in servers.values():
            server.put(path, body)
            if fetch(server.url + path) != body:
                sys.exit("nginx serves other bytes")
    try:
        for _ in range(place.runs):
            row = {}
            for what, path in paths.items():
                args = ("get", "--path", path, "--count", str(count), "--connections", "64")
                ours = hammer(log, *args)
                row[f"{what}_cpu_us"] = ours["server_cpu_us_per_request"]
                row[f"{what}_rate"] = ours["rate"]
                best = {m: load(s.url, s.worker, *args)["server_cpu_us_per_request"] for m, s in servers.items()}
                for mode, value in best.items():
                    row[f"{what}_nginx_sendfile_{mode}_cpu_us"] = value
                row[f"{what}_ratio"] = row[f"{what}_cpu_us"] / min(best.values())
            yield row
    finally:
        for server in servers.values():
            server.end()
        place.drop(log)


def store_bytes(log):
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(os.path.join(log.dir, "store"))
               for name in names if name == "data.mdb")


def leaf_bytes(leaves, count):
    """Bytes of the first count leaves, of the two issuers, and what an entry needs besides: two references to issuers,
    and of its SCT the timestamp, the extensions with their length and the signature with its head."""
    with open(leaves.path, "rb") as f:
        f.read(12)
        lengths = []
        for _ in range(count + 2):
            n = int.from_bytes(f.read(4), "big")
            lengths.append(n)
            f.seek(n, 1)
    return sum(lengths[2:]), sum(lengths[:2]), 2 * 32 + 8 + 2 + 8 + 4 + 71


def fill(log, until, step):
    """Submits until the log has that many entries; the last measurement."""
    got = None
    while log.leaves.used < until:
        got = submit(log, min(step, until - log.leaves.used), "--connections", "512")
    return got


def big(place):
    """One log that grows: proofs at a million entries, and what an entry costs at 100 thousand and at two million."""
    few, proofs_at, many = (2000, 5000, 10000) if place.quick else (100_000, 1_000_000, 2_000_000)
    window = 1000 if place.quick else 20000
    count = many + place.runs * window
    leaves = place.leaves(count)
    leaves.used = 0
    log = place.log(leaves)
    fill(log, few, 50000)
    rows = [{f"early_{k}": v for k, v in cost(submit(log, window, "--connections", "512")).items()}
            for _ in range(place.runs)]
    fill(log, proofs_at, 50000)
    # The index is written behind the entries: what is still being merged would be counted as the cost of a proof.
    time.sleep(10)
    for row in rows:
        got = hammer(log, "proofs", "--count", str(window * 5), "--connections", "64")
        row["proof_cpu_us"] = got["server_cpu_us_per_request"]
        row["proofs_per_core"] = 1e6 / got["server_cpu_us_per_request"]
        row["proof_rate"] = got["rate"]
    fill(log, many, 50000)
    for row in rows:
        got = submit(log, window, "--connections", "512")
        row.update({f"late_{k}": v for k, v in cost(got).items()})
        row["cost_ratio"] = row["late_cpu_us"] / row["early_cpu_us"]
        row["rss_anon_mb"] = got["rss_anon"] / 1e6
    # The index is written behind the entries; what counts is what stands when it has caught up.
    time.sleep(5)
    bytes_of_leaves, issuers, besides = leaf_bytes(leaves, leaves.used)
    needed = bytes_of_leaves + issuers + besides * leaves.used
    for row in rows:
        row["store_bytes"] = store_bytes(log)
        row["needed_bytes"] = needed
        row["store_ratio"] = row["store_bytes"] / needed
    place.drop(log)
    yield from rows


def cost(got):
    return {"cpu_us": got["server_cpu_us_per_request"], "rate": got["rate"]}


def parts(place):
    """Nanoseconds of single operations."""
    leaves = place.leaves(2000)
    for i in range(place.runs):
        yield {**small("bench_crypto"), **small("bench_tree"), **small("bench_vrf"),
               **small("bench_accept", leaves.path),
               **small("bench_store", os.path.join(place.folder, f"bench-store-{os.getpid()}-{i}"))}


LONG = (1 << 25) + (1 << 17)  # entries: one a second for a year, and half of those that are looked into


def touch(folder):
    """Reads a directory's store into the kernel's cache, from which it drops on an idle machine."""
    with open(os.path.join(folder, "directory", "data.mdb"), "rb") as f:
        while f.read(1 << 22):
            pass


def filled(place, name, labels, entries=0):
    """A filled directory, and what it took."""
    folder = os.path.join(place.folder, f"{name}-{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    return folder, small("bench_fill", folder, str(labels), str(entries))


def answers(place):
    """Look-ups, sizes of proofs and their verification: a million labels over a year of entries."""
    folder, _ = filled(place, "answers", 300_000 if place.quick else 1_000_000, (1 << 20) + (1 << 17) if place.quick else LONG)
    for run in range(place.runs):
        touch(folder)
        row = small("bench_directory", folder)
        row.update(small("bench_proofs", folder, str(run + 1)))
        for steps in (2, 4, 6):
            row[f"verify_{steps}_ratio"] = row[f"verify_{steps}_steps"] / row[f"bare_{steps}_steps"]
        yield row
    shutil.rmtree(folder)


def epochs(place):
    """Insertion of new labels against the bare VRF outputs, both in turn."""
    folder, _ = filled(place, "epochs", 20_000 if place.quick else 1_000_000)
    for _ in range(place.runs):
        touch(folder)
        yield small("bench_epochs", folder, "new", "11", "1000")
    shutil.rmtree(folder)


def written(place):
    """Bytes written for new versions of a million labels; the same in every run, so there is one."""
    # The first 6,000 labels are the groups, which have more versions.
    folder, _ = filled(place, "written", 20_000 if place.quick else 1_006_000)
    yield small("bench_epochs", folder, "old", "100" if place.quick else "10000", "100")
    shutil.rmtree(folder)


def scale(place):
    """What a directory takes at a million labels and at ten million; one run."""
    row = {}
    for name, labels in (("1m", 1_000_000), ("10m", 10_000_000)):
        labels = labels // 40 if place.quick else labels
        folder, took = filled(place, f"scale-{name}", labels)
        told = small("bench_directory", folder)
        row[f"labels_{name}"] = labels
        row.update({f"{k}_{name}": took[k] for k in ("store_bytes", "index_bytes", "keys_bytes", "fill_cpu_s")})
        row.update({f"{k}_{name}": told[k] for k in ("search", "rss_anon")})
        shutil.rmtree(folder)
    yield row


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def machine():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    with open("/proc/meminfo") as f:
        memory = int(re.search(r"MemTotal:\s*(\d+)", f.read()).group(1))
    system = os.uname()
    return {"cpu": model.group(1) if model else system.machine, "cores": os.cpu_count(),
            "memory_gb": round(memory / 1e6), "kernel": system.release}
