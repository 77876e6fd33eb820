"""The slow Key Transparency's curve against published vectors: RFC 8032, RFC 9381, Wycheproof.

Vectors typed in here name their section; those of the shared test data are skipped when it is not there.
"""

import json
import os
import unittest

from kt import ed25519, vrf

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTDATA = os.environ.get("CARTULARY_TESTDATA") or os.path.join(os.path.dirname(SOURCE), "shared")

# RFC 8032 7.1, TEST 1 to TEST 3: secret, public, message, signature.
SIGNATURES = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
     "5141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb0"
     "0d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc0"
     "27beceea1ec40a"),
]

# RFC 9381 B.3, examples 16 to 18 (the keys are those above): alpha, counter, H, pi, beta.
VRF = [
    ("", 0, "91bbed02a99461df1ad4c6564a5f5d829d0b90cfc7903e7a5797bd658abf3318",
     "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456"
     "a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
     "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af026798e8f81cd2e333de5cd"
     "f4f3e140fdd8ae"),
    ("72", 1, "5b659fc3d4e9263fd9a4ed1d022d75eaacc20df5e09f9ea937502396598dc551",
     "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2"
     "d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
     "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57"
     "663b56373a5031"),
    ("af82", 0, "bf4339376f5542811de615e3313d2b36f6f53c0acfebb482159711201192576a",
     "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9"
     "979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
     "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373241578be7217ba85a2687"
     "f7a0310b2df19f"),
]


def shared(test, *names):
    """A file of the shared test data, or a skip."""
    path = os.path.join(TESTDATA, "vectors", *names)
    if not os.path.exists(path):
        test.skipTest(f"skip: no {os.path.join(*names)} (CARTULARY_TESTDATA)")
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def flips(text):
    """Every variant of a byte string with one byte changed."""
    for i in range(len(text)):
        yield text[:i] + bytes([text[i] ^ 1 << i % 8]) + text[i + 1:]


class Ed25519(unittest.TestCase):
    def test_rfc8032(self):
        for row in SIGNATURES:
            secret, public, message, signature = map(bytes.fromhex, row)
            self.assertEqual(ed25519.public_key(secret), public)
            self.assertEqual(ed25519.sign(secret, message), signature)
            self.assertTrue(ed25519.valid(public, message, signature))

    def test_tampered(self):
        secret, public, message, signature = map(bytes.fromhex, SIGNATURES[2])
        self.assertFalse(ed25519.valid(public, b"other", signature))
        for other in flips(signature):
            self.assertFalse(ed25519.valid(public, message, other))
        great = int.from_bytes(signature[32:], "little") + ed25519.Q
        self.assertFalse(ed25519.valid(public, message, signature[:32] + great.to_bytes(32, "little")))

    def test_wycheproof(self):
        for group in shared(self, "2-crypto", "wycheproof", "ed25519_test.json")["testGroups"]:
            public = bytes.fromhex(group["publicKey"]["pk"])
            for row in group["tests"]:
                accepted = ed25519.valid(public, bytes.fromhex(row["msg"]), bytes.fromhex(row["sig"]))
                self.assertEqual(accepted, row["result"] == "valid", row)

    def test_points(self):
        """Decoding is strict: y below p, no negative zero, on the curve."""
        identity = (1).to_bytes(32, "little")
        self.assertTrue(ed25519.equal(ed25519.decode(identity), ed25519.IDENTITY))
        for number in (1 | 1 << 255, ed25519.P, ed25519.P + 1, 2**255 - 1, 2):
            self.assertIsNone(ed25519.decode(number.to_bytes(32, "little")), number)
        self.assertTrue(ed25519.equal(ed25519.multiply(ed25519.Q, ed25519.BASE), ed25519.IDENTITY))


class Ecvrf(unittest.TestCase):
    def test_rfc9381(self):
        for (secret, public, *_), (alpha, counter, h, pi, beta) in zip(SIGNATURES, VRF):
            secret, public, alpha, pi, beta = map(bytes.fromhex, (secret, public, alpha, pi, beta))
            point, used = vrf.encode_to_curve(public, alpha)
            self.assertEqual((ed25519.encode(point).hex(), used), (h, counter))
            self.assertEqual(vrf.prove(secret, alpha), pi)
            self.assertEqual(vrf.proof_to_hash(pi), beta)
            self.assertEqual(vrf.output(secret, alpha), beta)
            self.assertEqual(vrf.verify(public, alpha, pi), beta)

    def test_shared_rows_are_those_typed_in(self):
        rows = shared(self, "2-crypto", "ecvrf-rfc9381.json")["vectors"]["ECVRF-EDWARDS25519-SHA512-TAI"]
        ours = [(s[0], s[1]) + v for s, v in zip(SIGNATURES, VRF)]
        self.assertEqual(ours, [tuple(r[k] for k in ("SK", "PK", "alpha", "ctr", "H", "pi", "beta")) for r in rows])

    def test_tampered(self):
        public, alpha, pi = (bytes.fromhex(x) for x in (SIGNATURES[1][1], VRF[1][0], VRF[1][3]))
        self.assertIsNone(vrf.verify(public, b"other", pi))
        for other in flips(pi):
            self.assertIsNone(vrf.verify(public, alpha, other))
        great = int.from_bytes(pi[48:], "little") + ed25519.Q
        self.assertIsNone(vrf.verify(public, alpha, pi[:48] + great.to_bytes(32, "little")))

    def test_keys(self):
        """RFC 9381 5.4.5: points of small order are no keys; a configuration's key has prime order, too."""
        torsion = None
        for y in range(2, 50):
            point = ed25519.decode(y.to_bytes(32, "little"))
            torsion = torsion or point and ed25519.multiply(ed25519.Q, point)
            if torsion and ed25519.equal(ed25519.multiply(4, torsion), ed25519.IDENTITY):
                torsion = None
        for k in range(8):
            small = ed25519.encode(ed25519.multiply(k, torsion))
            self.assertFalse(vrf.key_is_valid(small), k)
        mixed = ed25519.encode(ed25519.add(ed25519.BASE, torsion))
        self.assertTrue(vrf.key_is_valid(mixed))
        self.assertFalse(vrf.key_is_prime_order(mixed))
        self.assertTrue(vrf.key_is_prime_order(ed25519.encode(ed25519.BASE)))


if __name__ == "__main__":
    unittest.main()
