#!/usr/bin/env python3
"""Writes the files of each room into the room's README.md, from the files' own first sentences.

    layout.py SOURCE            prints the blocks
    layout.py SOURCE --write    puts them between the fences under "## Files"

words.py checks that the READMEs name what is there; this saves the typing.  The folders' own lines, in the README at
the top, are written by hand.
"""
import os
import re
import subprocess
import sys
import textwrap

ROOMS = ("merkle", "log", "api", "client", "tools")
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


def block(top, room):
    out, nouns = [], {}
    for name in files(top):
        if name.split("/")[0] != room or os.path.basename(name) in ("CMakeLists.txt", "README.md"):
            continue
        stem, suffix = os.path.splitext(name)
        nouns.setdefault(os.path.dirname(name) + "/", {}).setdefault(stem if suffix in (".c", ".h") else name, []).append(name)
    for folder in sorted(nouns, key=lambda f: f.split("/")):
        out.append(folder)
        for stem in sorted(nouns[folder]):
            names = nouns[folder][stem]
            label = os.path.basename(stem) + ".[ch]" if len(names) == 2 else os.path.basename(names[0])
            says = first_sentence(os.path.join(top, next((n for n in names if n.endswith(".h")), names[0])))
            out.append(f"    {label:<22}  {short(says, WIDTH - 28)}".rstrip())
    return "\n".join(out) + "\n"


def write(top, room):
    path = os.path.join(top, room, "README.md")
    with open(path, encoding="utf-8") as f:
        readme = f.read()
    new, count = re.subn(r"(^## Files\n.*?^```\n).*?(^```)", lambda m: m.group(1) + block(top, room) + m.group(2), readme,
                         count=1, flags=re.S | re.M)
    if count == 0:
        print(f'{room}/README.md has no fenced block under "## Files"', file=sys.stderr)
        return False
    with open(path, "w", encoding="utf-8") as f:
        f.write(new)
    return True


def main(top, *rest):
    if rest != ("--write",):
        print("".join(block(top, room) for room in ROOMS), end="")
        return 0
    return 0 if all([write(top, room) for room in ROOMS]) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
