"""Somebody in the middle: passes requests on to a log, and does to its answers what a scenario asks for."""

import socket
import threading

from house import Answer, Http


class Proxy:
    """Listens on a port of its own.  change(path, answer) gives the bytes of the answer's body, or of a whole answer
    as (head, body), or None to end the connection without a word.  instead(method, path, body) gives the (status,
    Content-Type, body) of an answer that the log is not asked for, or None to ask it."""

    def __init__(self, log):
        self.log = log
        self.change = None
        self.instead = None
        self.asked = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def policy(self, house):
        """The log's policy with this as its URL."""
        with open(self.log.policy) as f:
            text = f.read().replace(f"http://{self.log.address}", f"http://{self.address}")
        path = house.path("policy-in-the-middle")
        with open(path, "w") as f:
            f.write(text)
        return path

    def listen(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def close(self):
        self.socket.close()

    def serve(self, client):
        try:
            self.talk(client)
        except OSError:
            pass  # the client has gone, or the log has

    def talk(self, client):
        # A request is read with the same reader as an answer: a first line, fields, a body by its length.
        with client, Http(self.log.address) as upstream:
            kept = b""
            while True:
                while b"\r\n\r\n" not in kept:
                    data = client.recv(1 << 16)
                    if not data:
                        return
                    kept += data
                head, kept = kept.split(b"\r\n\r\n", 1)
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ")
                fields = dict(line.lower().split(": ", 1) for line in lines[1:])
                length = int(fields.get("content-length", 0))
                if "expect" in fields:
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                while len(kept) < length:
                    kept += client.recv(1 << 16)
                body, kept = kept[:length], kept[length:]
                self.asked.append(path)
                answer = self.own(method, path, body)
                if answer is None:
                    kind = fields.get("content-type")
                    answer = upstream.ask(path, method, body if "content-length" in fields else None,
                                          [("Content-Type", kind)] if kind else [])
                if answer is None or not self.pass_on(client, path, answer):
                    return

    def own(self, method, path, body):
        own = None if self.instead is None else self.instead(method, path, body)
        if own is None:
            return None
        status, kind, data = own
        return Answer(status, [("Content-Type", kind)], data, b"")

    def pass_on(self, client, path, answer):
        changed = answer.body if self.change is None else self.change(path, answer)
        if changed is None:
            return False
        if isinstance(changed, tuple):
            client.sendall(changed[0] + b"\r\n\r\n" + changed[1])
            return False
        kind = answer.header("Content-Type")
        client.sendall(f"HTTP/1.1 {answer.status} -\r\nContent-Type: {kind}\r\n"
                       f"Content-Length: {len(changed)}\r\n\r\n".encode() + changed)
        return True
