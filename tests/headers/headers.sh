#!/bin/bash
# Each header of the house compiles alone, and twice in one file, under every compiler that is installed.
#
#   headers.sh SOURCE        headers.sh --self-test
set -u
flags=(-std=c11 -D_GNU_SOURCE -DLLHTTP_STRICT_MODE=1 -Wall -Wextra -Wpedantic -Wundef -Wstrict-prototypes -Werror
    -fsyntax-only -x c -isystem /usr/share/include/llhttp)

check_tree()
{
    local top=$1 failed=0 n=0 cc header
    cd "$top" || return 2
    for cc in gcc clang; do
        command -v "$cc" >/dev/null || { echo "skip: no $cc here"; continue; }
        while IFS= read -r header; do
            n=$((n + 1))
            if ! printf '#include "%s"\n#include "%s"\ntypedef int alone;\n' "$header" "$header" |
                "$cc" "${flags[@]}" -I. - ; then
                echo "$header: does not compile alone with $cc"
                failed=$((failed + 1))
            fi
        done < <(find merkle log client api tools tests -name '*.h' 2>/dev/null | sort)
    done
    echo "headers: $n compiled alone, $failed failed"
    [ "$failed" -eq 0 ] && [ "$n" -gt 0 ]
}

if [ "${1:-}" = --self-test ]; then
    dir=$(mktemp -d) && mkdir "$dir/merkle" || exit 2
    trap 'rm -rf "$dir"' EXIT
    printf '#ifndef A_H\n#define A_H\n#include <stddef.h>\nsize_t f(void);\n#endif\n' >"$dir/merkle/a.h"
    (check_tree "$dir") >/dev/null 2>&1 || { echo "self-test: refused a sound header"; exit 1; }
    printf '#ifndef B_H\n#define B_H\nsize_t f(void);\n#endif\n' >"$dir/merkle/b.h"
    (check_tree "$dir") >/dev/null 2>&1 && { echo "self-test: missed a header that needs another"; exit 1; }
    printf '#include <stddef.h>\nstruct twice { size_t n; };\n' >"$dir/merkle/b.h"
    (check_tree "$dir") >/dev/null 2>&1 && { echo "self-test: missed a header without a guard"; exit 1; }
    echo "self-test: both planted headers found"
    exit 0
fi
[ $# -eq 1 ] || { echo "usage: headers.sh SOURCE | --self-test" >&2; exit 2; }
check_tree "$1"
