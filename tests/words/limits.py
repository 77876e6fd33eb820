#!/usr/bin/env python3
"""Writes each room's table of fixed limits into the room's README.md, from its headers: every NAME_MAX with a number
and the comment before or behind it.

    limits.py SOURCE            checks that the READMEs have the tables of now
    limits.py SOURCE --write    puts them there
"""
import os
import re
import sys

ROOMS = ("merkle", "log", "api", "client")
DEFINE = re.compile(r"^#define ([A-Z0-9_]+_MAX) (.+?)\s*(?:/\* (.*?) \*/)?$")
NUMBER = re.compile(r"^[\s()0-9xa-fA-FuUlL*<+-]*$")


def value(text):
    """The number that a constant expression of literals stands for; None for anything else."""
    text = re.sub(r"\(size_t\)|UINT64_C|UINT32_C", "", text)
    if not NUMBER.match(text) or not re.search(r"\d", text):
        return None
    return eval(re.sub(r"(?<=[0-9a-fA-F])[uUlL]+", "", text), {"__builtins__": {}})  # literals and operators only


def short(n):
    for unit, name in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if n >= unit and n % unit == 0 and n // unit < 4096:
            return f"{n // unit} {name}"
    return f"{n:,}" if n < 1 << 40 else f"2^{n.bit_length() - 1}" if n & (n - 1) == 0 else f"2^{(n + 1).bit_length() - 1} - 1"


def rows(top, room):
    for folder, _, names in sorted(os.walk(os.path.join(top, room))):
        for name in sorted(n for n in names if n.endswith(".h")):
            path = os.path.join(folder, name)
            yield from rows_of(path, os.path.relpath(path, os.path.join(top, room)))


def rows_of(path, name):
    comment, open_comment, fresh = "", None, False
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip()
            match = DEFINE.match(line)
            if match:
                number = value(match.group(2))
                says = match.group(3) or (comment if fresh else "")
                if number is not None and says:
                    yield match.group(1), short(number), sentence(says), name
                continue
            if open_comment is not None or line.startswith("/*"):
                open_comment = (open_comment or "") + " " + line
                if line.endswith("*/"):
                    comment = " ".join(re.sub(r"^\W*/\*|\*/$|(?<= )\*(?= )", " ", open_comment).split())
                    open_comment, fresh = None, True
            else:
                fresh = False


def sentence(text):
    text = re.split(r"(?<=[a-z0-9)])\. ", text)[0].rstrip(".")
    return text.replace("|", "\\|")


def table(top, room):
    out = ["| limit | value | why | where |", "|---|---|---|---|"]
    groups = []
    for name, number, says, where in rows(top, room):
        # Limits under one comment are one row.
        if groups and groups[-1][2:] == [says, where]:
            groups[-1][0] += ", " + name
            groups[-1][1] += ", " + number
        else:
            groups.append([name, number, says, where])
    out += [f"| {n} | {v} | {s} | {w} |" for n, v, s, w in groups]
    return "\n".join(out) + "\n"


def room_is_right(top, room, write):
    """Whether the room's README has its table of now; with write, after putting it there."""
    path = os.path.join(top, room, "README.md")
    with open(path, encoding="utf-8") as f:
        readme = f.read()
    block = re.compile(r"(<!-- limits:begin -->\n).*?(<!-- limits:end -->)", re.S)
    new, count = block.subn(lambda m: m.group(1) + table(top, room) + m.group(2), readme)
    if count != 1:
        print(f"{room}/README.md has no place for the limits", file=sys.stderr)
        return False
    if new == readme:
        return True
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write(new)
        return True
    print(f"{room}/README.md: the table of limits is not the headers'; tests/words/limits.py . --write")
    return False


def main(top, *rest):
    right = [room_is_right(top, room, rest == ("--write",)) for room in ROOMS]
    if all(right):
        print("limits: as the headers say")
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
