#!/usr/bin/env python3
"""Writes the README's code layout from the files' own first sentences.

    layout.py SOURCE            prints the block
    layout.py SOURCE --write    puts it into README.md, between the fences under "## Code layout"

words.py checks that README.md names what is there; this saves the typing.
"""
import os
import re
import subprocess
import sys
import textwrap

ROOMS = ("merkle", "log", "api", "client", "tools", "tests")
# Folders of tests/ are told as a whole; a unit test stands where its noun's name says.
TESTS = {
    "bench": "a load generator, and what is measured with it",
    "e2e": "whole programs, end to end",
    "fault": "kills, failed system calls, power cuts, flipped bits",
    "fuzz": "fuzz targets and their corpora",
    "headers": "each header compiles alone",
    "house": "registers the checks of the tree itself; manual pages against --help",
    "interop": "other people's programs against a running log",
    "layers": "the table of what must never be, and its check",
    "mint": "makes certificate chains of every shape",
    "reference": "slow and obvious twins of the fast algorithms",
    "unit": "one file for each noun",
    "vectors": "reads the shared test data",
    "words": "words that must not stand here; this layout",
}
WIDTH = 128


def files(top):
    run = subprocess.run(("git", "-C", top, "ls-files", "-co", "--exclude-standard"), capture_output=True, text=True, check=True)
    return sorted({n for n in run.stdout.splitlines() if os.path.isfile(os.path.join(top, n))})


def first_sentence(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read(4000)
    if path.endswith((".c", ".h")):
        match = re.match(r"\s*/\*(.*?)\*/", text, re.S)
        text = re.sub(r"^\s*\* ?", "", match.group(1), flags=re.M) if match else ""
    elif path.endswith((".8", ".5", ".1")):
        match = re.search(r"^\.Nd (.*)", text, re.M)
        text = match.group(1) if match else ""
    elif path.endswith(".service"):
        text = "runs the log as a hardened service"
    elif path.endswith(".md"):
        text = text.lstrip("# ").split("\n")[0]
    else:
        lines = [line[1:].strip() for line in text.splitlines() if line.startswith("#") and not line.startswith("#!")]
        text = " ".join(lines)
    text = " ".join(text.split())
    text = re.split(r"(?<=[a-z0-9)\"'>])[.](?: |$)", text)[0].strip()
    text = re.sub(r"^(cartulary\w*(?: \w+)?): ", "", text)
    first = text.split(" ")[0]
    return text[:1].lower() + text[1:] if first[1:].islower() or len(first) == 1 else text


def short(text, room):
    """The whole sentence if it fits, else up to the last clause that does."""
    if len(text) <= room:
        return text
    cut = max(text.rfind(sep, 0, room) for sep in (": ", "; ", ", "))
    return text[:cut] if cut > room // 3 else textwrap.shorten(text, room, placeholder=" ...")


def block(top):
    out, nouns = [], {}
    for name in files(top):
        room, base = name.split("/")[0], os.path.basename(name)
        if room not in ROOMS or room == "tests" or base in ("CMakeLists.txt", "README.md"):
            continue
        stem, suffix = os.path.splitext(name)
        nouns.setdefault(os.path.dirname(name) + "/", {}).setdefault(stem if suffix in (".c", ".h") else name, []).append(name)
    for room in ROOMS[:-1]:
        for folder in sorted((f for f in nouns if f.split("/")[0] == room), key=lambda f: f.split("/")):
            out.append(folder)
            for stem in sorted(nouns[folder]):
                names = nouns[folder][stem]
                label = os.path.basename(stem) + ".[ch]" if len(names) == 2 else os.path.basename(names[0])
                says = first_sentence(os.path.join(top, next((n for n in names if n.endswith(".h")), names[0])))
                out.append(f"    {label:<22}  {short(says, WIDTH - 28)}".rstrip())
    tests = sorted({"/".join(n.split("/")[:2]) + "/" for n in files(top) if n.startswith("tests/") and n.count("/") > 1})
    return "\n".join(out + [f"{t:<26}  {TESTS.get(t.split('/')[1], '')}".rstrip() for t in tests]) + "\n"


def main(top, *rest):
    text = block(top)
    if rest != ("--write",):
        print(text, end="")
        return 0
    path = os.path.join(top, "README.md")
    with open(path, encoding="utf-8") as f:
        readme = f.read()
    new, count = re.subn(r"(^## Code layout\n.*?^```\n).*?(^```)", lambda m: m.group(1) + text + m.group(2), readme,
                         count=1, flags=re.S | re.M)
    if count == 0:
        print('README.md has no fenced block under "## Code layout"', file=sys.stderr)
        return 1
    with open(path, "w", encoding="utf-8") as f:
        f.write(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
