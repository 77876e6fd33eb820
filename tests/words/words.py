#!/usr/bin/env python3
"""Words that must not stand in the tree, and names that must stand in the READMEs: folders in the one at the top, files
in their room's.

    words.py SOURCE      words.py --self-test

Exit 0: nothing found; 1: findings, a line each.
"""
import os
import re
import subprocess
import sys
import tempfile

# C functions: what, why.  Matched as calls, outside comments and strings.
BANNED = {
    "strcpy": "no bound", "strcat": "no bound", "sprintf": "no bound", "vsprintf": "no bound", "gets": "no bound",
    "strncpy": "may leave no NUL", "strncat": "its bound is not the buffer's",
    "strtok": "global state", "localtime": "global state", "gmtime": "global state", "ctime": "global state",
    "asctime": "global state", "alloca": "no failure", "tmpnam": "races", "mktemp": "races", "tempnam": "races",
    "vfork": "shares memory", "longjmp": "jumps over cleanup",
}
# The same, for the rooms only: a test may be plainer about what it made itself.
BANNED_IN_ROOMS = {
    "atoi": "no errors", "atol": "no errors", "atoll": "no errors", "atof": "no errors",
    "sscanf": "overflow is undefined", "scanf": "overflow is undefined", "fscanf": "overflow is undefined",
    "rand": "not random", "srand": "not random", "random": "not random",
    "system": "a shell", "popen": "a shell",
}
# Everywhere: unfinished work, machines, people's tools.  In pieces, so that this file does not match itself.
PHRASES = [
    (r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", "unfinished"),
    (r"/wo" r"rk/|/tmp/" r"b/|/tmp/" r"h/|/home/[a-z]", "a path of one machine"),
    (r"\b(iss" r"ue|sess" r"ion) #?[0-9]+\b", "the project speaks of itself alone"),
    (r"\b(Clau" r"de|Chat" r"GPT|Anthro" r"pic|Open" r"AI|LL" r"M|language mod" r"el)\b", "the project speaks of itself alone"),
    (r"\bpro" r"xy\.golang\.org|\bdeb\.debian\.org|\bcrates\.io\b|\bpypi\.org\b", "a registry's host name"),
    (r"\bCONTR" r"ACT\b|\bARCHIT" r"ECTURE\b|HOUSE-RU" r"LES", "a text that is not in this tree"),
    (r"^(<<<" r"<<<<|>>>" r">>>>)", "an unmerged conflict"),
]
TEXT = (".c", ".h", ".py", ".sh", ".md", ".txt", ".cmake", ".go", ".mod", ".awk", ".1", ".5", ".8", ".service", ".conf")
LISTED = ("merkle", "log", "api", "client", "tools")


def files(top):
    """What git holds or would hold; a plain walk where there is no repository."""
    try:
        git = subprocess.run(("git", "-C", top, "ls-files", "-co", "--exclude-standard"), capture_output=True, text=True)
    except FileNotFoundError:
        git = None
    if git is not None and git.returncode == 0:
        names = git.stdout.splitlines()
    else:
        names = [os.path.relpath(os.path.join(d, n), top) for d, _, ns in os.walk(top) for n in ns]
        names = [n for n in names if not n.startswith((".git/", "build")) and "__pycache__" not in n]
    return sorted(n for n in names if os.path.isfile(os.path.join(top, n)))


def without_comments(text):
    """The same text with comments, strings and characters blanked, line for line."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def is_text(name, path):
    if name.endswith(TEXT) or os.path.basename(name) == "CMakeLists.txt":
        return True
    with open(path, "rb") as f:
        head = f.read(512)
    return b"\0" not in head and head.startswith((b"#!", b"# "))


def check_words(top):
    found = []
    in_rooms = {**BANNED, **BANNED_IN_ROOMS}
    calls = {words is in_rooms: re.compile(r"(?<![\w.>])(" + "|".join(words) + r")\s*\(")
             for words in (BANNED, in_rooms)}
    phrases = [(re.compile(p), why) for p, why in PHRASES]
    for name in files(top):
        path = os.path.join(top, name)
        if not is_text(name, path):
            continue
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        for number, line in enumerate(text.split("\n"), 1):
            found += [f"{name}:{number}: {m.group()}: {why}" for p, why in phrases for m in p.finditer(line)]
        if name.endswith((".c", ".h")):
            call = calls[name.split("/")[0] in LISTED]
            for number, line in enumerate(without_comments(text).split("\n"), 1):
                found += [f"{name}:{number}: {m.group(1)}(): {in_rooms[m.group(1)]}" for m in call.finditer(line)]
    return found


def layout(readme, title):
    """The paths of a README's layout: each line of the fenced block under the title is PATH  text;
    a line that ends in "/" names a folder, deeper lines are relative to the last folder."""
    match = re.search(rf"^## {title}\n.*?^```\n(.*?)^```", readme, re.S | re.M)
    paths, folder = [], ""
    for line in (match.group(1).splitlines() if match else []):
        words = line.split()
        if not words:
            continue
        if not line.startswith(" "):
            folder = words[0] if words[0].endswith("/") else ""
            paths.append(words[0])
        elif len(line) - len(line.lstrip()) <= 4:
            paths += [folder + w for w in expand(words[0])]
    return paths


def expand(word):
    """name.[ch] is two files."""
    return [word[:-4] + "c", word[:-4] + "h"] if word.endswith("[ch]") else [word]


def named_in(top, name, title):
    path = os.path.join(top, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return layout(f.read(), title)


def check_layout(top):
    """The top names the rooms and their folders, a room its files."""
    names = [n for n in files(top) if n.split("/")[0] in LISTED + ("tests",) and "/" in n]
    rooms = sorted({n.split("/")[0] for n in names if not n.startswith("tests/")})
    wanted = {"README.md": {"/".join(n.split("/")[:2]) + "/" for n in names if n.count("/") > 1} | {r + "/" for r in rooms}}
    for room in rooms:
        wanted[room + "/README.md"] = {n for n in names if n.startswith(room + "/")
                                       and not n.endswith(("CMakeLists.txt", "README.md"))}
    found = []
    for readme, want in wanted.items():
        named = named_in(top, readme, "Code layout" if readme == "README.md" else "Files")
        found += [f"{readme}: names {p}, which is not there" for p in named if not os.path.exists(os.path.join(top, p))]
        found += [f"{readme}: the layout does not name {n}" for n in sorted(want - set(named))]
    return found


def self_test():
    rows = [
        ("merkle/a.c", "void f(char *d) { strcpy(d, d); }", "merkle/a.c:1: strcpy()"),
        ("merkle/b.c", "int f(char *d) { return atoi (d); }", "merkle/b.c:1: atoi()"),
        ("merkle/c.c", "/* FIX" "ME later */", "merkle/c.c:1: FIX" "ME"),
        ("log/d.md", "see /wo" "rk/main", "log/d.md:1:"),
        ("log/e.h", "/* strcpy( is banned */ int x; /* \n */ char *s = \"gets(\";", None),
        ("log/f.c", "void f(void) { my_system(1); s->signal(2); }", None),
        ("log/g.c", "", "log/README.md: the layout does not name log/g.c"),
        ("log/sub/h.c", "", "\nREADME.md: the layout does not name log/sub/"),
        ("README.md", "## Code layout\n\n```\nmerkle/  one\n    gone/  two\nlog/\n```\n", "names merkle/gone/"),
        ("merkle/README.md", "## Files\n\n```\nmerkle/\n    a.c  one\n    b.c  two\n    c.c  three\n    gone.[ch]  four\n```\n",
         "merkle/README.md: names merkle/gone.c"),
        ("log/README.md", "## Files\n\n```\nlog/\n    d.md  x\n    e.h  y\n    f.c  z\nlog/sub/\n    h.c  w\n```\n",
         "log/README.md: the layout does not name log/g.c"),
    ]
    with tempfile.TemporaryDirectory() as top:
        for name, text, _ in rows:
            os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
            with open(os.path.join(top, name), "w", encoding="utf-8") as f:
                f.write(text + "\n")
        found = check_words(top) + check_layout(top)
    text = "\n".join(found)
    wrong = [f"not found: {want}" for _, _, want in rows if want and want not in text]
    wrong += [f"found though it is sound: {name}" for name, _, want in rows if not want and name in text]
    print("\n".join(wrong) if wrong else "self-test: every planted word found")
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = check_words(arguments[0]) + check_layout(arguments[0])
    print("\n".join(found) if found else "words: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
