# Reads what ctest printed and then its LastTest.log; prints how many tests were skipped, and which say why.
#
# Counted: a ctest that ended as skipped, and each case that cmocka lists as skipped.  A reason is a line of the
# program's output that begins with "skip", any case; the same reason is printed once for a test.
function flush_test(    i)
{
    if (test == "" || skipped == 0)
        return
    total += skipped
    lines[++n] = sprintf("  %s: %d skipped", test, skipped)
    if (reasons == 0)
        lines[++n] = "      (it does not say why)"
    for (i = 1; i <= reasons; i++)
        lines[++n] = "      " reason[i]
}
# "2/3 Test #2: name ......***Skipped   0.00 sec": only in what ctest printed.
/ Test +#[0-9]+: .*\*\*\*Skipped/ {
    name = $0
    sub(/.* Test +#[0-9]+: /, "", name)
    sub(/ .*/, "", name)
    whole[name] = 1
}
/^[0-9]+\/[0-9]+ Testing: / {
    flush_test()
    test = $3
    skipped = (test in whole) ? 1 : 0
    reasons = 0
    delete seen
}
# cmocka 1.1: "[  SKIPPED ] 2 test(s), listed below:"
/^\[  SKIPPED \] [0-9]+ test\(s\), listed below/ { skipped += $4 }
/^[Ss][Kk][Ii][Pp]/ && !($0 in seen) {
    seen[$0] = 1
    reason[++reasons] = $0
}
END {
    flush_test()
    if (total == 0) {
        print "Skipped: none"
    } else {
        print "Skipped: " total
        for (i = 1; i <= n; i++)
            print lines[i]
    }
}
