"""The slow Key Transparency's command line: descriptions to golden files, golden files back to verdicts."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from kt import chance, describe, golden, verdict
from kt.ladder import base
from kt.structs import CONTACT, MANAGEMENT

HERE = os.path.dirname(os.path.abspath(__file__))
EMPTY = {"view": {"size": None, "full_subtrees": [], "frontier": [], "signature": ""},
         "contact": {}, "recent": {}, "owned": {}, "pending": []}


class Case:
    """One answer of a golden file as a case for verdict.py, with the state that the golden file says a user has."""

    def __init__(self, file, text, answer):
        self.file, self.text, self.answer = file, text, answer
        self.state = json.loads(json.dumps({**EMPTY, "view": answer.get("before") or EMPTY["view"]}))

    def known(self, versions):
        rows = {row[0]: row for row in self.answer["known"]}
        return [rows[v] for v in versions if v in rows]

    def prepare(self):
        """Fill in what the kind of request needs; False if no user can have such a state."""
        kind, text = self.answer["kind"], self.text
        if kind == "contact-monitor":
            entries = {str(p): {"version": v, "known": self.known(base(v))} for p, v in text["entries"]}
            self.state["contact"] = {text["label"]: entries} if entries else {}
        if kind == "owner-monitor":
            self.state["owned"] = {text["label"]: self.owned(text["start"], text["entries"])}
        if kind == "update":
            self.state["owned"] = {text["label"]: self.owned(0, [])}
            position = self.answer["decoded"]["position"]
            return self.state["owned"][text["label"]]["history"][-1][0] < position
        return True

    def owned(self, start, entries):
        """What an owner knows who has been there since entry 0 and is told versions up to greatest_version."""
        greatest, first, later = self.text["greatest_version"], None, {}
        for i, entry in enumerate(self.file["entries"]):
            for a in entry["additions"]:
                if a["label"] == self.text["label"] and greatest is not None and a["version"] <= greatest:
                    later[i] = a["version"]
        history = [[0, later.pop(0, first)]] + [[i, v] for i, v in sorted(later.items())]
        return {"history": history, "start": start, "entries": entries, "known": self.answer["known"]}

    def run(self):
        now = self.file["entries"][self.answer["at"] - 1]["timestamp"]
        step = {k: self.answer[k] for k in ("kind", "request", "answer")}
        return verdict.of({"configuration": self.file["configuration"], "now": now, "state": self.state, "steps": [step]})


class GoldenFiles(unittest.TestCase):
    def test_verdicts_on_golden_answers(self):
        """All answers that a golden file has are accepted in the state that it says is before, and lead to the one after."""
        seen = {}
        for seed in range(1, 5):
            text = chance.description(seed, 16, extended=True)
            file = json.loads(json.dumps(golden.of(text)))
            for request, answer in zip(text["requests"], file["answers"]):
                case = Case(file, request, answer)
                if "refused" in answer or answer["kind"] == "credential" or not case.prepare():
                    continue
                out = case.run()
                self.assertEqual(out["steps"][0]["verdict"], "accepted", (answer["name"], out["steps"]))
                self.assertEqual(out["state"]["view"], {**answer["after"]}, answer["name"])
                seen[answer["kind"]] = seen.get(answer["kind"], 0) + 1
        self.assertEqual(set(seen), set(describe.REQUESTS))

    def test_same_seed_same_bytes(self):
        self.assertEqual(golden.of(chance.description(7, 6)), golden.of(chance.description(7, 6)))

    def test_requests_of_another_state_are_unfit(self):
        text = chance.description(3, 8)
        file = golden.of({**text, "requests": [{"kind": "distinguished", "last": 5}]})
        out = Case(file, {}, {**file["answers"][0], "before": None}).run()
        self.assertEqual(out["steps"][0]["verdict"], "unfit")

    def test_a_state_survives_its_json(self):
        """A second run may go on from the state that the first one printed."""
        text = chance.description(5, 16)
        label = text["entries"][-1]["updates"][0]["label"] if text["entries"][-1]["updates"] else chance.LABELS[1].hex()
        file = golden.of({**text, "requests": [
            {"kind": "distinguished", "at": 9}, {"kind": "owner-init", "label": label, "start": 0, "at": 9, "last": 9},
            {"kind": "distinguished", "at": 16, "last": 9}]})
        case = {"configuration": file["configuration"], "now": text["entries"][8]["timestamp"]}
        steps = [{k: a[k] for k in ("kind", "request", "answer")} for a in file["answers"] if "answer" in a]
        first = json.loads(json.dumps(verdict.of({**case, "steps": steps[:-1]})))
        again = verdict.of({**case, "now": text["entries"][15]["timestamp"], "state": first["state"], "steps": steps[-1:]})
        self.assertEqual([s["verdict"] for s in first["steps"] + again["steps"]], ["accepted"] * len(steps))
        self.assertEqual(verdict.state_to_json(*verdict.state_from_json(again["state"])), again["state"])

    def test_another_mode_is_refused(self):
        """The struct of another mode decodes, but this client does not serve it."""
        self.assertNotEqual(MANAGEMENT, CONTACT)
        file = golden.of({**chance.description(1, 1), "requests": []})
        other = bytearray.fromhex(file["configuration"])
        other[2] = MANAGEMENT
        with self.assertRaises(Exception) as caught:
            verdict.of({"configuration": other.hex(), "steps": []})
        self.assertEqual(type(caught.exception).__name__, "Refused")


class CommandLine(unittest.TestCase):
    def run_kt(self, *arguments):
        return subprocess.run((sys.executable, "-m", "kt", *arguments), cwd=HERE, capture_output=True, text=True)

    def test_three_commands(self):
        with tempfile.TemporaryDirectory() as folder:
            described, made = os.path.join(folder, "d"), os.path.join(folder, "g")
            self.assertEqual(self.run_kt("random", "2", "5", described).returncode, 0)
            self.assertEqual(self.run_kt("golden", described, made).returncode, 0)
            with open(made, encoding="utf-8") as f:
                file = json.load(f)
            with open(described, "w", encoding="utf-8") as f:
                json.dump({"configuration": file["configuration"], "steps": []}, f)
            self.assertEqual(json.loads(self.run_kt("verify", described, "-").stdout), {"steps": [], "state": EMPTY})

    def test_usage(self):
        self.assertEqual(self.run_kt("golden").returncode, 2)


if __name__ == "__main__":
    unittest.main()
