"""Key Transparency for tests of another implementation.  Run beside this folder, or with it in PYTHONPATH:

    python3 -m kt golden IN OUT              everything a description leads to           (describe.py, golden.py)
    python3 -m kt verify IN OUT              verdicts on another server's answers        (verdict.py)
    python3 -m kt random SEED ENTRIES OUT    a description, with requests of every kind  (chance.py)
    python3 -m kt extended SEED ENTRIES OUT  also with those that the draft lacks

IN and OUT are JSON files, - is standard input or output.  Exit: 0 written (whatever the verdicts), 2 not understood.
"""

import json
import sys

from . import chance, golden, verdict


def read(name):
    if name == "-":
        return json.load(sys.stdin)
    with open(name, encoding="utf-8") as f:
        return json.load(f)


def write(name, value):
    text = json.dumps(value, indent=1) + "\n"
    if name == "-":
        sys.stdout.write(text)
        return
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)


def main(arguments):
    if len(arguments) == 3 and arguments[0] in ("golden", "verify"):
        make = golden.of if arguments[0] == "golden" else verdict.of
        write(arguments[2], make(read(arguments[1])))
        return 0
    if len(arguments) == 4 and arguments[0] in ("random", "extended"):
        write(arguments[3], chance.description(int(arguments[1]), int(arguments[2]), arguments[0] == "extended"))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
