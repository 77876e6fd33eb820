#!/usr/bin/env python3
# Goal of this test: whatever a stranger sends, a broken request, smuggled requests, JSON that two readers would read
# differently, chains that are none, gets one stable 4xx answer, and the log is afterwards what it was before.

import json
import random
import sys

import der
from house import Leaves, Log, b64, chain_json, run

FLIPS = int(sys.argv[1]) if len(sys.argv) > 1 else 150
HOST = b"Host: h\r\n"
ADD = b"POST /ct/v1/add-chain HTTP/1.1\r\nHost: h\r\n"
GET = b"GET /ct/v1/get-sth HTTP/1.1\r\n"
LIVES, ENDS = False, True


def get(*lines, start=b"GET /ct/v1/get-sth HTTP/1.1", host=True):
    head = [start] + ([b"Host: h"] if host else []) + list(lines)
    return b"\r\n".join(head) + b"\r\n\r\n"


def post(*lines, body=b""):
    return ADD + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def chunked(body):
    return post(b"Transfer-Encoding: chunked", body=body)


def http_rows(valid):
    """(says, bytes, status, problem).  valid: a whole submission that would be taken if it were read as a request."""
    n = len(valid)
    inside = b"0\r\n\r\n" + valid
    rows = [
        # the length of a body, RFC 9112 6: what a front and we might read differently
        ("two equal Content-Length", post(b"Content-Length: 0", b"Content-Length: 0", body=valid), 400, "bad-length"),
        ("two Content-Length", post(b"Content-Length: 0", b"Content-Length: %d" % n, body=valid), 400, "bad-length"),
        ("two Content-Length, one in capitals", post(b"content-length: 0", b"CONTENT-LENGTH: %d" % n, body=valid), 400,
         "bad-length"),
        ("a list in Content-Length", post(b"Content-Length: 0, 0", body=valid), 400, "bad-length"),
        ("Content-Length and chunked", post(b"Content-Length: %d" % len(inside), b"Transfer-Encoding: chunked",
                                            body=inside), 400, "bad-length"),
        ("chunked and Content-Length", post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=inside), 400,
         "bad-length"),
        ("Content-Length below zero", post(b"Content-Length: -1", body=valid), 400, "bad-length"),
        ("Content-Length with a sign", post(b"Content-Length: +0", body=valid), 400, "bad-length"),
        ("Content-Length in hex", post(b"Content-Length: 0x0", body=valid), 400, "bad-length"),
        ("Content-Length with a letter", post(b"Content-Length: 0a", body=valid), 400, "bad-length"),
        ("Content-Length with a blank inside", post(b"Content-Length: 0 0", body=valid), 400, "bad-length"),
        ("Content-Length of 2^64", post(b"Content-Length: 18446744073709551616", body=valid), 400, "bad-length"),
        ("Content-Length of 2^64-1", post(b"Content-Length: 18446744073709551615", body=valid), 413, "body-too-large"),
        ("Content-Length with a point", post(b"Content-Length: 0.0", body=valid), 400, "bad-length"),
        ("Content-Length in quotes", post(b'Content-Length: "0"', body=valid), 400, "bad-length"),
        ("Content-Length empty", post(b"Content-Length:", body=valid), 400, "bad-length"),
        ("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", body=inside), 400, "transfer-coding"),
        ("chunked, gzip", post(b"Transfer-Encoding: chunked, gzip", body=inside), 400, "transfer-coding"),
        ("identity", post(b"Transfer-Encoding: identity", body=valid), 400, "transfer-coding"),
        ("chunked, chunked", post(b"Transfer-Encoding: chunked, chunked", body=inside), 400, "transfer-coding"),
        ("chunked, identity", post(b"Transfer-Encoding: chunked, identity", body=inside), 400, "transfer-coding"),
        ("chunked twice", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=inside), 400,
         "transfer-coding"),
        ("chunked, then identity", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=inside), 400,
         "transfer-coding"),
        ("xchunked", post(b"Transfer-Encoding: xchunked", body=inside), 400, "transfer-coding"),
        ("chunkedx", post(b"Transfer-Encoding: chunkedx", body=inside), 400, "transfer-coding"),
        ("chunked in quotes", post(b'Transfer-Encoding: "chunked"', body=inside), 400, "transfer-coding"),
        ("chunked;q=1", post(b"Transfer-Encoding: chunked;q=1", body=inside), 400, "transfer-coding"),
        ("Transfer-Encoding empty", post(b"Transfer-Encoding:", body=inside), 400, "transfer-coding"),
        ("Transfer-Encoding behind a vertical tab", post(b"Transfer-Encoding: \x0bchunked", body=inside), 400, None),
        ("Transfer-Encoding with a blank before the colon", post(b"Transfer-Encoding : chunked", body=inside), 400,
         "bad-request"),
        ("Transfer-Encoding in HTTP/1.0", b"POST /ct/v1/add-chain HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + inside,
         400, "transfer-coding"),
        ("chunked on a GET with Content-Length", get(b"Transfer-Encoding: chunked", b"Content-Length: 3") + inside, 400,
         "bad-length"),
        # chunks
        ("a chunk size that is no number", chunked(b"g\r\n\r\n"), 400, "bad-request"),
        ("a chunk size below zero", chunked(b"-1\r\n\r\n"), 400, "bad-request"),
        ("a chunk size with 0x", chunked(b"0x5\r\nabcde\r\n0\r\n\r\n"), 400, "bad-request"),
        ("a chunk size of 2^64", chunked(b"10000000000000000\r\n"), 400, "bad-request"),
        ("a chunk size of 2^64-1", chunked(b"ffffffffffffffff\r\nabc"), 413, "body-too-large"),
        ("a chunk size ended by LF", chunked(b"5\nabcde\r\n0\r\n\r\n"), 400, "bad-request"),
        ("a chunk that is longer than its size", chunked(b"3\r\nabcde\r\n0\r\n\r\n"), 400, "bad-request"),
        ("an empty chunk size", chunked(b"\r\nabc\r\n"), 400, "bad-request"),
        ("a trailer", chunked(b"0\r\nContent-Length: 9\r\n\r\n" + valid), 400, "bad-request"),
        ("a chunked body beyond the limit", chunked((b"10000\r\n" + b"a" * 65536 + b"\r\n") * 9), 413, "body-too-large"),
        ("chunk extensions without end", chunked(b"1;" + b"a" * 60000 + b"\r\nb\r\n"), 413, "body-too-large"),
        ("a body beyond the limit", post(b"Content-Length: 524289", body=b"{" * 1000), 413, "body-too-large"),
        # lines, RFC 9112 2 and 5
        ("lines ended by LF", GET.replace(b"\r\n", b"\n") + b"Host: h\n\n" + valid, 400, "bad-request"),
        ("the request line ended by LF", b"GET /ct/v1/get-sth HTTP/1.1\nHost: h\r\n\r\n" + valid, 400, "bad-request"),
        ("one field ended by LF", GET + b"Host: h\nContent-Length: 0\r\n\r\n" + valid, 400, "bad-request"),
        ("the head ended by LF", GET + HOST + b"\n" + valid, 400, "bad-request"),
        ("a CR inside a value", get(b"X: a\rContent-Length: 5"), 400, "bad-request"),
        ("lines ended by CR", b"GET /ct/v1/get-sth HTTP/1.1\rHost: h\r\r", 400, "bad-request"),
        ("a folded line", get(b"X: a", b" b"), 400, "bad-request"),
        ("a folded line by a tab", get(b"X: a", b"\tContent-Length: 5"), 400, "bad-request"),
        ("a folded first field", GET + b" Host: h\r\n\r\n", 400, "bad-request"),
        ("a name with a blank", get(b"Content Length: 5"), 400, "bad-request"),
        ("a blank before the colon", get(b"X : a"), 400, "bad-request"),
        ("a field without name", get(b": a"), 400, "bad-request"),
        ("a field without colon", get(b"abc"), 400, "bad-request"),
        ("NUL in a name", get(b"X\0Y: a"), 400, "bad-request"),
        ("NUL in a value", get(b"X: a\0b"), 400, "bad-request"),
        ("a control byte in a value", get(b"X: a\x01b"), 400, "bad-request"),
        ("DEL in a value", get(b"X: a\x7fb"), 400, "bad-request"),
        ("a name beyond ASCII", get("ü: a".encode()), 400, "bad-request"),
        ("a name in brackets", get(b"[X]: a"), 400, "bad-request"),
        # Host, RFC 9112 3.2
        ("no Host", get(host=False), 400, "bad-host"),
        ("two Hosts", get(b"Host: i"), 400, "bad-host"),
        ("two equal Hosts", get(b"Host: h"), 400, "bad-host"),
        ("a Host with a blank", get(b"Host: a b", host=False), 400, "bad-host"),
        ("a Host with a path", get(b"Host: a/b", host=False), 400, "bad-host"),
        ("two names in a Host", get(b"Host: a,b", host=False), 400, "bad-host"),
        ("a Host with user", get(b"Host: u@h", host=False), 400, "bad-host"),
        # the request line, RFC 9112 3
        ("two blanks", get(start=b"GET  /ct/v1/get-sth HTTP/1.1"), 400, "bad-request"),
        ("a tab", get(start=b"GET\t/ct/v1/get-sth HTTP/1.1"), 400, "bad-request"),
        ("a blank in front", get(start=b" GET /ct/v1/get-sth HTTP/1.1"), 400, "bad-request"),
        ("a blank behind", get(start=b"GET /ct/v1/get-sth HTTP/1.1 "), 505, "http-version"),
        ("no version", get(start=b"GET /ct/v1/get-sth"), 505, "http-version"),
        ("HTTP/0.9", get(start=b"GET /ct/v1/get-sth HTTP/0.9"), 505, "http-version"),
        ("HTTP/1.2", get(start=b"GET /ct/v1/get-sth HTTP/1.2"), 505, "http-version"),
        ("HTTP/2.0", get(start=b"GET /ct/v1/get-sth HTTP/2.0"), 505, "http-version"),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http-version"),
        ("HTTP/11", get(start=b"GET /ct/v1/get-sth HTTP/11"), 505, "http-version"),
        ("http/1.1", get(start=b"GET /ct/v1/get-sth http/1.1"), 400, "bad-request"),
        ("another protocol", get(start=b"GET /ct/v1/get-sth ICY/1.1"), 400, "bad-request"),
        ("a method in small letters", get(start=b"get /ct/v1/get-sth HTTP/1.1"), 400, "bad-request"),
        ("a method nobody knows", get(start=b"FROB /ct/v1/get-sth HTTP/1.1"), 501, "method-not-allowed"),
        ("CONNECT", get(start=b"CONNECT h:443 HTTP/1.1"), 405, "method-not-allowed"),
        ("TRACE", get(start=b"TRACE /ct/v1/get-sth HTTP/1.1"), 405, "method-not-allowed"),
        ("the absolute form", get(start=b"GET http://h/ct/v1/get-sth HTTP/1.1"), 400, "bad-request"),
        ("* with GET", get(start=b"GET * HTTP/1.1"), 400, "bad-request"),
        ("no slash", get(start=b"GET ct/v1/get-sth HTTP/1.1"), 400, "bad-request"),
        ("a fragment", get(start=b"GET /ct/v1/get-sth#a HTTP/1.1"), 400, "bad-request"),
        ("a path beyond ASCII", get(start="GET /ct/v1/gét-sth HTTP/1.1".encode()), 400, "bad-request"),
        ("a backslash", get(start=b"GET /ct\\v1/get-sth HTTP/1.1"), 400, "bad-request"),
        ("a quote", get(start=b'GET /ct/v1/get-sth" HTTP/1.1'), 400, "bad-request"),
        ("a broken percent sequence", get(start=b"GET /ct/v1/get-st%6 HTTP/1.1"), 400, "bad-request"),
        ("NUL in the path", get(start=b"GET /ct/v1/get-sth\0 HTTP/1.1"), 400, "bad-request"),
        ("a greeting of TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n", 400, "bad-request"),
        ("noise", bytes(range(14, 256)) + b"\r\n\r\n", 400, "bad-request"),
        # sizes
        ("a field of 17 KiB", get(b"X: " + b"a" * 17000), 431, "head-too-large"),
        ("a target of 17 KiB", get(start=b"GET /" + b"a" * 17000 + b" HTTP/1.1"), 431, "head-too-large"),
        ("101 fields", get(*[b"X: a"] * 100), 431, "head-too-large"),
        ("a head without end", GET + b"X: a\r\n" * 20000, 431, "head-too-large"),
        ("two credentials", get(b"Authorization: Bearer a", b"Authorization: Bearer b"), 400, "bad-request"),
        ("a body in gzip", post(b"Content-Encoding: gzip", b"Content-Length: 4", body=b"\x1f\x8b\x08\0"), 415,
         "unsupported-media"),
    ]
    return rows


def nested(depth):
    return b'{"chain":[],"x":' + b"[" * depth + b"]" * depth + b"}"


def json_rows(chain):
    """(says, body, problem): all 400."""
    good = chain_json(chain).decode()
    one = json.dumps([b64(der_) for der_ in chain])[1:-1]
    with_chain = lambda text: ('{"chain":' + text + "}").encode()
    return [
        ("no body", b"", "bad-json"), ("blanks", b"  \n ", "bad-json"), ("null", b"null", "bad-json"),
        ("an array", f"[{one}]".encode(), "bad-json"), ("a string", b'"chain"', "bad-json"), ("a number", b"1", "bad-json"),
        ("an empty object", b"{}", "bad-json"), ("an object without end", b'{"chain":[', "bad-json"),
        ("cut in the middle", good[:len(good) // 2].encode(), "bad-json"), ("cut at its end", good[:-1].encode(), "bad-json"),
        ("chain is null", with_chain("null"), "bad-json"), ("chain is an object", with_chain("{}"), "bad-json"),
        ("chain is a string", with_chain(one.split(",")[0]), "bad-json"), ("chain is empty", with_chain("[]"), "empty-chain"),
        ("another case", good.replace("chain", "Chain").encode(), "bad-json"),
        ("a number in chain", with_chain("[1]"), "bad-json"), ("null in chain", with_chain(f"[{one},null]"), "bad-json"),
        ("an array in chain", with_chain(f"[[{one}]]"), "bad-json"), ("an object in chain", with_chain("[{}]"), "bad-json"),
        ("no base64", with_chain('["!!!!"]'), "bad-encoding"), ("base64 without padding", with_chain('["MAA"]'), "bad-encoding"),
        ("base64url", with_chain('["MA-_"]'), "bad-encoding"), ("base64 with a blank", with_chain('["MA AA"]'), "bad-encoding"),
        ("base64 with a newline", with_chain('["MAAA\\n"]'), "bad-encoding"),
        ("base64 with bits left over", with_chain('["MAB="]'), "bad-encoding"),
        ("base64 after its padding", with_chain('["MA==MA=="]'), "bad-encoding"),
        ("an empty certificate", with_chain('[""]'), "bad-der"), ("certificates of one byte", with_chain('["MA=="]'), "bad-der"),
        ("the key twice", f'{{"chain":[],"chain":[{one}]}}'.encode(), "json-duplicate-key"),
        ("the key twice, once escaped", f'{{"chain":[],"\\u0063hain":[{one}]}}'.encode(), "json-duplicate-key"),
        ("another key twice", f'{{"a":1,"chain":[{one}],"a":1}}'.encode(), "json-duplicate-key"),
        ("a key twice, deeper", f'{{"a":{{"b":1,"b":2}},"chain":[{one}]}}'.encode(), "json-duplicate-key"),
        ("NUL", good.encode() + b"\0", "json-text"), ("NUL inside", good.replace("{", "{\0", 1).encode(), "json-text"),
        ("NUL as an escape", f'{{"a\\u0000":1,"chain":[{one}]}}'.encode(), "json-text"),
        ("a byte order mark", b"\xef\xbb\xbf" + good.encode(), "json-text"), ("UTF-16", good.encode("utf-16"), "json-text"),
        ("an overlong byte", b'{"\xc0\xaf":1}', "json-text"), ("half a surrogate", b'{"\xed\xa0\x80":1}', "json-text"),
        ("beyond Unicode", b'{"\xf5\x80\x80\x80":1}', "json-text"), ("UTF-8 cut short", b'{"\xe2\x82":1}', "json-text"),
        ("a control byte in a string", b'{"a\x01":1}', "json-text"), ("a newline in a string", b'{"a\n":1}', "json-text"),
        ("half a surrogate as an escape", b'{"\\ud800":1}', None), ("an unknown escape", b'{"\\x41":1}', "bad-json"),
        ("bytes behind it", good.encode() + b"x", "bad-json"), ("another object behind it", good.encode() * 2, "bad-json"),
        ("a comma too many", with_chain(f"[{one},]"), "bad-json"), ("a comma too many in the object",
                                                                   f'{{"chain":[{one}],}}'.encode(), "bad-json"),
        ("single quotes", b"{'chain':[]}", "bad-json"), ("a comment", b'{"chain":[]/**/}', "bad-json"),
        ("NaN", b'{"a":NaN,"chain":[]}', "bad-json"), ("Infinity", b'{"a":Infinity}', "bad-json"),
        ("a number with a zero in front", f'{{"a":01,"chain":[{one}]}}'.encode(), "bad-json"),
        ("a number with a plus", f'{{"a":+1,"chain":[{one}]}}'.encode(), "bad-json"),
        ("half a number", f'{{"a":1.,"chain":[{one}]}}'.encode(), "bad-json"),
        ("a word in capitals", b'{"a":TRUE}', "bad-json"), ("no colon", b'{"a" 1}', "bad-json"),
        ("deep", nested(100), "bad-json"), ("very deep", nested(100000), "bad-json"),
        ("many values", b'{"a":[' + b"1," * 5000 + b"1]}", "bad-json"),
        ("many members", b"{" + b",".join(b'"a%d":1' % i for i in range(500)) + b"}", "bad-json"),
        ("a form", b"chain=" + b64(chain[0]).encode(), "bad-json"),
    ]


def longer(der_):
    """The same certificate with a length that is not minimal: BER, not DER."""
    return bytes([0x30, 0x83, 0]) + (len(der_) - 4).to_bytes(2, "big") + der_[4:]


def chain_rows(leaves, minted, foreign):
    """(says, precertificate, chain, problem)."""
    leaf, ca, root = leaves.leaves[0], leaves.intermediate, leaves.root
    precert = next(c for _, c in minted if der.Certificate(c[0]).extension(der.POISON))
    final = next(c for _, c in minted if not der.Certificate(c[0]).extension(der.POISON))
    signer = next(c for _, c in minted if der.Certificate(c[1]).signs_precertificates())
    touched = lambda data, at: data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    return [
        ("no certificate", False, [b""], "bad-der"), ("noise", False, [bytes(range(200))], "bad-der"),
        ("an empty sequence", False, [b"\x30\0"], "bad-der"), ("cut short", False, [leaf[:-1], ca], "bad-der"),
        ("a byte too many", False, [leaf + b"\0", ca], "bad-der"), ("two in one", False, [leaf + ca], "bad-der"),
        ("a length that is not minimal", False, [longer(leaf), ca], "bad-der"),
        ("a length without end", False, [b"\x30\x80" + leaf[4:] + b"\0\0", ca], "bad-der"),
        ("a length of 2^63", False, [b"\x30\x88\x7f" + b"\xff" * 7 + leaf[4:], ca], "bad-der"),
        ("PEM inside", False, [b"-----BEGIN CERTIFICATE-----\n"], "bad-der"),
        ("a public key", False, [der.Certificate(leaf).spki, ca], "bad-der"),
        ("the issuer is broken", False, [leaf, ca[:-1]], "bad-der"), ("the issuer is empty", False, [leaf, b""], "bad-der"),
        ("only the leaf", False, [leaf], "unknown-root"), ("the leaf alone with the root", False, [leaf, root], "issuer-mismatch"),
        ("the wrong order", False, [ca, leaf], None), ("the leaf twice", False, [leaf, leaf, ca], "issuer-mismatch"),
        ("the issuer twice", False, [leaf, ca, ca], "unused-certificate"),
        ("the root twice", False, [leaf, ca, root, root], "unused-certificate"),
        ("a certificate behind the root", False, [leaf, ca, root, final[-1]], "unused-certificate"),
        ("a strange one between", False, [leaf, final[1], ca], "issuer-mismatch"),
        ("another's issuer", False, [leaf, final[1]], "issuer-mismatch"),
        ("eleven certificates", False, [leaf] + [ca] * 10, "chain-too-long"),
        ("hundreds of certificates", False, [b"\x30\0"] * 400, "chain-too-long"),
        ("another's root of the same name", False, foreign, "chain-signature"),
        ("the leaf's signature touched", False, [touched(leaf, len(leaf) - 3), ca], "chain-signature"),
        ("the issuer's signature touched", False, [leaf, touched(ca, len(ca) - 3)], "chain-signature"),
        ("the leaf's body touched", False, [touched(leaf, leaf.index(der.Certificate(leaf).subject) + 12), ca], None),
        ("a root alone", False, [root], None), ("a CA alone", False, [ca], None),
        ("a precertificate at add-chain", False, precert, "poison-in-certificate"),
        ("a certificate at add-pre-chain", True, final, "bad-poison"),
        ("a precertificate through a signer at add-chain", False, signer, "poison-in-certificate"),
        ("a precertificate without its signer", True, [signer[0], *signer[2:]], None),
        ("a precertificate alone", True, precert[:1], "unknown-root"),
    ]


def check_http(checks, log, valid, same):
    rows = http_rows(valid)
    for says, data, status, problem in rows:
        with log.http() as h:
            h.send(data)
            got = h.answer()
            if checks.that(got is not None, f"{says}: an answer"):
                seen = got.problem()
                checks.equal(got.status, status, f"{says}: status ({seen})")
                checks.that(seen == problem or (problem is None and seen), f"{says}: problem", seen)
                if not (says == "TRACE" and got.header("Connection") is None):
                    checks.equal(got.header("Connection"), "close", f"{says}: says that it ends")
                    checks.that(h.ended(), f"{says}: and ends, with nothing more said")
        same(says)
    return len(rows)


def check_posts(checks, log, leaves, minted, foreign, same):
    """Bodies and chains: the connection lives on."""
    rows = [(says, False, body, problem) for says, body, problem in json_rows(leaves.chain(0))]
    rows += [(says, pre, chain_json(chain), problem) for says, pre, chain, problem in chain_rows(leaves, minted, foreign)]
    h = log.http()
    for says, pre, body, problem in rows:
        got = h.ask("/ct/v1/add-pre-chain" if pre else "/ct/v1/add-chain", "POST", body)
        if checks.that(got is not None, f"{says}: an answer"):
            seen = got.problem()
            checks.equal(got.status, 400, f"{says}: status ({seen})")
            checks.that(seen == problem or (problem is None and seen), f"{says}: problem", (seen, got.body))
            checks.that(got.json().get("detail"), f"{says}: names the paragraph")
            checks.equal(got.header("Connection"), None, f"{says}: the connection lives on")
            checks.equal(h.ask("/health").status, 200, f"{says}: and serves")
        same(says)
    h.close()
    return len(rows)


def check_halves(checks, log, valid, same):
    """What is never finished is never done, and nothing is said to who has gone."""
    for says, data in [("half a request line", GET[:9]), ("half a head", GET + b"Host:"), ("half a body", valid[:-1]),
                       ("no body", valid[:valid.index(b"\r\n\r\n") + 4]),
                       ("half a chunk", chunked(b"400\r\n" + b"a" * 9)), ("no last chunk", chunked(b"1\r\n{\r\n"))]:
        with log.http() as h:
            h.send(data)
            h.socket.shutdown(1)
            checks.that(h.answer() is None and h.kept == b"", f"{says}: no answer")
        same(says)


def check_flips(checks, log, leaves, same):
    """Every bit of a chain counts: whichever is flipped, it is refused.  And every length is its own."""
    rng = random.Random(6962)
    reasons = {}
    with log.http() as h:
        for i in range(FLIPS):
            chain = [bytearray(d) for d in leaves.chain(1)]
            which = chain[rng.randrange(2)]
            which[rng.randrange(len(which))] ^= 1 << rng.randrange(8)
            got = h.ask("/ct/v1/add-chain", "POST", chain_json(chain))
            checks.equal(got.status, 400, f"flipped bit {i}")
            reasons[got.problem()] = reasons.get(got.problem(), 0) + 1
        body = chain_json(leaves.chain(1))
        for cut in range(0, len(body), max(1, len(body) // FLIPS)):
            checks.equal(h.ask("/ct/v1/add-chain", "POST", body[:cut]).status, 400, f"a body cut at {cut}")
    print("flipped bits:", dict(sorted(reasons.items())))
    same("flips and cuts")


def scenario(house, checks):
    leaves = Leaves(house, 20)
    folder = house.mint(count=12)  # of each kind of chain
    with open(house.path("chains.roots.pem")) as f, open(leaves.roots, "a") as out:
        out.write(f.read())
    log = Log(house, roots=leaves.roots, heartbeat=60000, body_timeout=1000).start()
    log.add_many(leaves.chains(10, 20))
    before = log.state()
    health = log.http()
    sth = lambda: (lambda j: (j["tree_size"], j["sha256_root_hash"]))(health.ask("/ct/v1/get-sth").json())
    same = lambda says: checks.equal(sth(), before, f"{says}: leaves no trace")

    foreign = Leaves(house, 1, "foreign", seed=9)
    body = chain_json(leaves.chain(0))
    valid = ADD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    n = check_http(checks, log, valid, same)
    m = check_posts(checks, log, leaves, house.chains(folder), [*foreign.chain(0), foreign.root], same)
    print(f"bad requests: {n}; bad bodies and chains: {m}")
    check_halves(checks, log, valid, same)
    check_flips(checks, log, leaves, same)

    # What was smuggled would have been taken.
    with log.http() as h:
        h.send(valid)
        checks.equal(h.answer().status, 200, "the smuggled submission is a good one")
    checks.equal(log.sth()["tree_size"], before[0] + 1, "and makes an entry when it is sent as itself")
    health.close()
    checks.equal(log.stop(), 0, "SIGTERM")
    checks.equal(log.fsck()[0], 0, "fsck")


run("04-bad-input", scenario)
