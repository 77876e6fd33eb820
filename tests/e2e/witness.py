"""A witness of C2SP tlog-witness, as much of it as who reads heads sees: a key, a place on HTTP, and what it answers
there.  It stands in for other people's witness programs: the bytes it signs and sends are those of tlog-cosignature
and tlog-witness, but it cosigns whatever a scenario hands it and checks no consistency.

Signs with openssl(1): python's library has no Ed25519."""

import hashlib
import http.server
import os
import subprocess
import threading
import time

from house import b64

COSIGNATURE_ED25519 = 4


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


class Witness:
    """One key and one port.  `answers` is what GET /<origin hash>/checkpoint gives: {origin: (status, body)}."""

    def __init__(self, house, name):
        self.name = name
        self.key = house.path(f"{name.replace('/', '-')}.key")
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:]
        material = bytes([COSIGNATURE_ED25519]) + public
        self.id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(material)}"
        self.answers = {}
        self.asked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def line(self, url=True):
        """The policy's line about it."""
        return f"witness {self.name.replace('/', '-')} {self.vkey}" + (f" {self.url}" if url else "") + "\n"

    def signature(self, text, when=None, key=None):
        """The signature line over a checkpoint's text: u64 time, then Ed25519 over head line, time line and text."""
        when = int(time.time()) if when is None else when
        path = self.key + ".msg"
        with open(path, "wb") as f:
            f.write(b"cosignature/v1\ntime %d\n" % when + text)
        made = openssl("pkeyutl", "-sign", "-inkey", key or self.key, "-rawin", "-in", path)
        os.unlink(path)
        return f"\u2014 {self.name} {b64(self.id + when.to_bytes(8, 'big') + made)}\n".encode()

    def cosign(self, checkpoint, text=None, **more):
        """The log's note with this witness's line behind it; over another text when one is given."""
        return checkpoint + self.signature(text or checkpoint[:checkpoint.index(b"\n\n") + 1], **more)

    def knows(self, origin, body, status=200):
        self.answers[origin] = (status, body)

    def close(self):
        """Nobody listens at its port any more."""
        self.server.shutdown()
        self.server.server_close()

    def handler(self):
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                witness.asked.append(self.path)
                status, body = 404, b""
                for origin, answer in witness.answers.items():
                    if self.path == f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint":
                        status, body = answer
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
