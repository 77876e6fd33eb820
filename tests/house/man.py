#!/usr/bin/env python3
"""Manual pages say what the programs say: every option of --help is in the page, and the reverse.

    man.py SOURCE BIN     BIN is the folder of the executables
    man.py --self-test
"""
import os
import re
import subprocess
import sys
import tempfile

PAGES = (("cartularyd", "cartularyd.8"), ("cartulary", "cartulary.1"), ("cartulary-ldapd", "cartulary-ldapd.8"))


def help_of(program, *command):
    run = subprocess.run((program,) + command + ("--help",), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if run.returncode != 0:
        raise SystemExit(f"{os.path.basename(program)} {' '.join(command)} --help: exit {run.returncode}")
    return run.stdout


OPTION = r"(?<![\w-])--([a-z][a-z-]*[a-z])"


def options(text):
    """What the usage paragraph names, and what a line begins with; prose may name another command's."""
    usage, _, rest = text.partition("\n\n")
    return (set(re.findall(OPTION, usage)) | set(re.findall(r"^ +" + OPTION, rest, re.M)) |
            # "--help, --version"
            set(re.findall(r"^ +--[a-z-]+, " + OPTION, rest, re.M))) - {"help"}


def commands(text):
    """Indented "name   what it does" lines: two blanks or more behind the name."""
    return [m for m in re.findall(r"^ {2,4}([a-z][a-z-]+)\b.*?  +\S", text, re.M) if m not in ("cartularyd", "cartulary")]


def page_options(page):
    """{subsection: options in it}; "" is everything before the first and outside."""
    found, now = {"": set()}, ""
    for line in page.splitlines():
        if line.startswith(".Ss "):
            now = line[4:].strip()
        elif line.startswith(".Sh "):
            now = ""
        found.setdefault(now, set()).update(re.findall(r"Fl -([a-z][a-z-]*[a-z])", line))
    found[""].discard("help")
    return found


def check_program(program, page_path):
    name = os.path.basename(program)
    with open(page_path, encoding="utf-8") as f:
        page = page_options(f.read())
    found = []
    general = help_of(program)
    # What the general help names may stand anywhere in the page.
    verbs = commands(general)
    own = {verb: options(help_of(program, verb)) for verb in verbs}
    shared = options(general)
    for verb in verbs:
        said, written = own[verb] - shared, page.get(verb)
        if written is None:
            found.append(f"{name}: {verb} has no subsection in the page")
            continue
        found += [f"{name} {verb}: --{o} is not in the page" for o in sorted(said - written)]
        found += [f"{name} {verb}: the page names --{o}, --help does not" for o in sorted(written - own[verb] - shared)]
    found += [f"{name}: --{o} is not in the page" for o in sorted(shared - set().union(*page.values()))]
    found += [f"{name}: the page names --{o}, --help does not" for o in sorted(page[""] - shared - set().union(*own.values(), set()))]
    if not verbs:
        found.append(f"{name}: --help lists no commands")
    return found


def check_configuration(top):
    with open(os.path.join(top, "log/setting.c"), encoding="utf-8") as f:
        table = re.search(r"KEYS\[\] = \{\n(.*?)^\};", f.read(), re.S | re.M).group(1)
    keys = set(re.findall(r'^\s*(?:[A-Z_]+\(|\{)"([a-z-]+)"', table, re.M))
    with open(os.path.join(top, "tools/man/cartulary.conf.5"), encoding="utf-8") as f:
        written = set(re.findall(r"^\.It Ic ([a-z-]+)$", f.read(), re.M))
    found = [f"cartulary.conf(5): {k} is not in the page" for k in sorted(keys - written)]
    return found + [f"cartulary.conf(5): the page names {k}, the program does not" for k in sorted(written - keys)]


def lint(path):
    run = subprocess.run(("mandoc", "-Tlint", "-Wwarning", path), capture_output=True, text=True)
    return run.stdout.splitlines()


def self_test():
    """A page that lacks one option, names one too many, and forgets a command."""
    program = """#!/bin/sh
case $1 in
go) printf 'x go [--fast]\\n\\nGoes.\\n\\n  --far N   how far; see --near\\n' ;;
stop) printf 'x stop\\n' ;;
*) printf 'usage: x COMMAND\\n\\n  go    goes\\n  stop  stops\\n\\n  --loud   speaks\\n' ;;
esac
"""
    page = ".Sh DESCRIPTION\n.It Fl -quiet\n.Ss go\n.It Fl -fast\n.It Fl -slow\n"
    wanted = ["x go: --far is not in the page", "x go: the page names --slow, --help does not",
              "x: stop has no subsection in the page", "x: --loud is not in the page",
              "x: the page names --quiet, --help does not"]
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("x", "x.1")]
        for path, text in zip(paths, (program, page)):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        os.chmod(paths[0], 0o755)
        found = check_program(*paths)
    if sorted(found) == sorted(wanted):
        print(f"self-test: {len(wanted)} planted differences found")
        return 0
    print("\n".join(["self-test: found", *found]))
    return 1


def main(top, binaries):
    found, pages = check_configuration(top), 0
    folder = os.path.join(top, "tools/man")
    for page in sorted(os.listdir(folder)):
        if re.search(r"\.[1-8]$", page):
            pages += 1
            found += lint(os.path.join(folder, page))
    for program, page in PAGES:
        program, page = os.path.join(binaries, program), os.path.join(folder, page)
        if os.path.exists(program):
            found += check_program(program, page) if os.path.exists(page) else [f"{program} has no manual page"]
    print("\n".join(found) if found else f"man: {pages} pages, as the programs say")
    return 1 if found or pages == 0 else 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main(*sys.argv[1:]))
