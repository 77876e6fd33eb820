#!/usr/bin/env python3
"""Holds the tree to layers.txt.

    layers.py SOURCE [BUILD]     checks the #include lines; with BUILD also link targets and symbols
    layers.py --self-test        plants one breach of each kind and must find each

Exit 0: nothing found; 1: breaches, a line each; 2: cannot check.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOMS = ("merkle", "log", "client", "api", "tools")


def read_table(path):
    """{section: [(name, [word, ...]), ...]}"""
    table, section = {}, None
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.split("#", 1)[0].strip()
            if not line:
                continue
            if line.startswith("["):
                section = line.strip("[]")
                table[section] = []
            else:
                name, _, words = line.partition(":")
                table[section].append((name.strip(), words.split()))
    return table


def under(path, folder):
    return path == folder or path.startswith(folder + "/") or path.startswith(folder + ".")


def sources(top):
    for room in ROOMS:
        for folder, _, names in os.walk(os.path.join(top, room)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), top)


INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def check_includes(table, top):
    found = []
    rules = sorted(table["include"], key=lambda r: -len(r[0]))
    for path in sources(top):
        allowed = next((words for name, words in rules if under(path, name)), None)
        if allowed is None:
            found.append(f"{path}: no rule in layers.txt covers it")
            continue
        with open(os.path.join(top, path), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                match = INCLUDE.match(line)
                if match:
                    found += check_include(table, path, number, *match.groups(), allowed)
    return found


def check_include(table, path, number, quote, target, allowed):
    if quote == '"':
        if "/" not in target or target.startswith("."):
            return [f'{path}:{number}: "{target}": includes are written from the top']
        if not any(under(target, folder) for folder in allowed):
            return [f'{path}:{number}: "{target}": may only include {" ".join(allowed)}']
        return []
    for header, doors in table["door"]:
        if target == header or (header.endswith("/") and target.startswith(header)):
            if not any(under(path, door) for door in doors):
                return [f"{path}:{number}: <{target}>: only {' '.join(doors)}"]
    return []


def check_links(table, build):
    """link_targets.txt, written by CMake: target<TAB>library;library;..."""
    found = []
    rules = dict(table["link"])
    with open(os.path.join(build, "link_targets.txt"), encoding="utf-8") as f:
        for line in f:
            target, _, links = line.rstrip("\n").partition("\t")
            if target not in rules:
                continue
            words = rules[target]
            deps = next((w[5:].split(",") for w in words if w.startswith("deps=")), [])
            for link in filter(None, links.split(";")):
                link = re.sub(r"\$<LINK_ONLY:(.*)>", r"\1", link)
                outside = link.startswith("PkgConfig::") or link.startswith("Threads::") or link == "llhttp"
                name = link.split("::")[0] if link.startswith("Threads") else link.split("::")[-1]
                if link.startswith(("-", "$<")) or link in ("m", "Threads::Threads"):
                    continue
                if name not in (deps if outside else words):
                    found.append(f"target {target}: links {link}")
    return found


def archives(build):
    for folder, folders, names in os.walk(build):
        folders[:] = [d for d in folders if d not in ("CMakeFiles", "Testing")]
        # Only what the rooms build: a test's own helpers may do anything.
        if os.path.relpath(folder, build).split(os.sep)[0] in ROOMS:
            yield from (os.path.join(folder, n) for n in names if n.startswith("lib") and n.endswith(".a"))


def nm(*arguments):
    return subprocess.run(("nm",) + arguments, check=True, capture_output=True, text=True).stdout


def symbols(archive):
    """(object name, kind letter, symbol) of each symbol."""
    for line in nm("-A", archive).splitlines():
        where, _, rest = line.rpartition(":")
        words = rest.split()
        if len(words) >= 2:
            yield os.path.basename(where.split(":")[-1]).split(".")[0], words[-2], words[-1]


def plain(symbol):
    """The function that a fortified, 64-bit-offset or versioned name stands for."""
    symbol = symbol.split("@")[0]
    symbol = re.sub(r"^__(.*)_chk$", r"\1", symbol)
    symbol = re.sub(r"^__isoc99_", "", symbol)
    return re.sub(r"64$", "", symbol)


def check_calls(table, build):
    groups = dict(table["functions"])
    found = []
    for archive in sorted(archives(build)):
        library = os.path.basename(archive)[:-2]
        for unit, kind, symbol in symbols(archive):
            if kind != "U":
                continue
            for pattern, words in table["never call"]:
                if pattern != "*" and not library.startswith(pattern):
                    continue
                cut = words.index("except") if "except" in words else len(words)
                if f"{library}/{unit}" in words[cut:]:
                    continue
                for group in words[:cut]:
                    if plain(symbol) in groups[group]:
                        found.append(f"{library}, {unit}.c: calls {plain(symbol)} ({group[1:]})")
    return sorted(set(found))


def defined(archive):
    return {symbol for _, kind, symbol in symbols(archive) if kind in "TDBR" and not symbol.startswith("__")}


def check_names(build):
    """No two libraries define one name: a program that links both would call whichever stands first."""
    found, owner = [], {}
    for archive in sorted(archives(build)):
        for symbol in sorted(defined(archive)):
            if symbol in owner:
                found.append(f"{symbol}(): in {owner[symbol]} and in {os.path.basename(archive)}")
            owner.setdefault(symbol, os.path.basename(archive))
    return found


def check_executables(table, build):
    found = []
    for name, words in table["never contain"]:
        path = os.path.join(build, "bin", name)
        if not os.path.exists(path):
            continue
        held = {line.split()[-1] for line in nm("--defined-only", path).splitlines()
                if line.split()[-2] in "TDBR"}
        forbidden = [a for a in archives(build) if any(os.path.basename(a).startswith(w) for w in words)]
        # A name that an allowed library also defines is that library's here; check_names objects to it anyway.
        for archive in set(archives(build)) - set(forbidden):
            held -= defined(archive)
        for archive in forbidden:
            found += [f"{name}: holds {s} of {os.path.basename(archive)}" for s in sorted(defined(archive) & held)[:3]]
        needed = subprocess.run(("readelf", "-d", path), check=True, capture_output=True, text=True).stdout
        for shared in re.findall(r"\(NEEDED\).*\[(.*)\]", needed):
            if any(shared.startswith(w) for w in words):
                found.append(f"{name}: loads {shared}")
    return found


def check(top, build):
    table = read_table(os.path.join(HERE, "layers.txt"))
    found = check_includes(table, top)
    if build:
        found += check_links(table, build)
        found += check_calls(table, build)
        found += check_names(build)
        found += check_executables(table, build)
    return found


def compile_planted(build, library, unit, text):
    folder = os.path.join(build, library.split("_")[0])
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(folder, unit + ".c")
    with open(source, "w", encoding="utf-8") as f:
        f.write(text)
    subprocess.run(("cc", "-c", source, "-o", source + ".o"), check=True)
    subprocess.run(("ar", "rcs", os.path.join(folder, f"lib{library}.a"), source + ".o"), check=True)
    return source + ".o"


def self_test():
    """Each planted breach must be named; the clean neighbour beside it must not."""
    planted = [
        ("merkle/tree/a.c", '#include "log/log.h"', True),
        ("merkle/base/b.h", '#include "merkle/tree/hash.h"', True),
        ("client/c.c", '#  include "api/http/conn.h"', True),
        ("log/d.c", "#include <uv.h>", True),
        ("log/e.c", "#include <lmdb.h>", True),
        ("api/http/f.c", '#include "client/view.h"', True),
        ("log/g.c", '#include "signer.h"', True),
        ("tools/cartulary/h.c", '#include "log/log.h"', True),
        ("log/i.c", '#include "merkle/base/span.h"', False),
        ("log/store/store_lmdb.c", "#include <lmdb.h>", False),
    ]
    with tempfile.TemporaryDirectory() as top:
        for path, line, _ in planted:
            os.makedirs(os.path.join(top, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8") as f:
                f.write(line + "\n")
        build = os.path.join(top, "build")
        os.makedirs(os.path.join(build, "bin"))
        with open(os.path.join(build, "link_targets.txt"), "w", encoding="utf-8") as f:
            f.write("client_core\tmerkle_base;PkgConfig::CRYPTO;log_core\nmerkle_tree\tmerkle_base;PkgConfig::UV\n")
        compile_planted(build, "merkle_x", "clocks", "#include <time.h>\nlong f(void) { return (long)time(0); }\n")
        compile_planted(build, "log_y", "talks", '#include <stdio.h>\nvoid talk(int i) { printf("%d", i); }\n')
        compile_planted(build, "log_y", "keeps",
                        "void *PEM_read_PrivateKey(void); void *keep(void) { return PEM_read_PrivateKey(); }\n")
        compile_planted(build, "log_core", "signer",
                        "void *PEM_read_PrivateKey(void); void *k(void) { return PEM_read_PrivateKey(); }\n")
        server = compile_planted(build, "log_z", "server", "int log_serve(void) { return 1; }\n")
        compile_planted(build, "api_w", "twice", "int twice(void) { return 1; }\n")
        compile_planted(build, "client_w", "twice", "int twice(void) { return 2; }\n")
        main = os.path.join(build, "main.c")
        with open(main, "w", encoding="utf-8") as f:
            f.write("int log_serve(void); int main(void) { return log_serve(); }\n")
        subprocess.run(("cc", main, server, "-o", os.path.join(build, "bin", "cartulary")), check=True)
        found = check(top, build)
        text = "\n".join(found)
        wanted = [p for p, _, bad in planted if bad] + [
            "target client_core: links log_core", "target merkle_tree: links PkgConfig::UV",
            "libmerkle_x, clocks.c: calls time", "liblog_y, talks.c: calls printf",
            "liblog_y, keeps.c: calls PEM_read_PrivateKey", "cartulary: holds log_serve",
            "twice(): in libapi_w.a and in libclient_w.a"]
        unwanted = [p + ":" for p, _, bad in planted if not bad] + ["liblog_core, signer.c"]
        wrong = [f"not found: {w}" for w in wanted if w not in text]
        wrong += [f"found though it is allowed: {w}" for w in unwanted if "\n" + w in "\n" + text]
    print("\n".join(wrong) if wrong else f"self-test: {len(wanted)} planted breaches found")
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    found = check(arguments[0], arguments[1] if len(arguments) == 2 else None)
    print("\n".join(found) if found else "layers: as the table says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
