# Reads "go test -v", prints what failed and each package's result, and ends
# with the number of tests that passed and failed. Fails if any failed or none
# passed.

/^=== (RUN|CONT|NAME|PAUSE) / { test = $3; next }

/^ *--- (PASS|FAIL|SKIP): / {
	test = $3
	if ($2 == "PASS:") passed++
	if ($2 == "FAIL:") { failed++; print; printf "%s", said[test] }
	if ($2 == "SKIP:") { skipped++; print; printf "%s", said[test] }
	reported = $2
	delete said[test]
	next
}

# The end of a package. What its tests said and nobody claimed belongs to a
# test that did not end: a panic or a time limit.
/^(ok|FAIL|---|\?|PASS) *\t/ || /^(PASS|FAIL)$/ || /^\t.*coverage:/ {
	if ($1 == "FAIL" && NF > 1) {
		broken++
		for (t in said) printf "%s", said[t]
	}
	if (NF > 1 && $1 != "?") print
	split("", said)
	test = ""
	next
}

{ said[test] = said[test] $0 "\n" }

END {
	for (t in said) printf "%s", said[t]
	if (broken > 0 && failed == 0) failed = broken # a build error, a panic
	if (skipped > 0) printf "%d skipped, for the reasons above\n", skipped
	printf "%d passed, %d failed\n", passed, failed
	exit failed > 0 || passed == 0
}
