# Reads "go test -v", prints what failed and each package's result, and ends
# with the number of tests that passed and failed. Exits with 1 if any failed
# or none passed.

/^=== (RUN|CONT|NAME|PAUSE) / { test = $3; next }

/^ *--- (PASS|FAIL|SKIP): / {
	if ($2 == "PASS:") passed++
	else { print; printf "%s", said[$3] }
	if ($2 == "FAIL:") { failed++; blamed = 1 }
	if ($2 == "SKIP:") skipped++
	delete said[$3]
	next
}

/^(PASS|FAIL)$/ { next }

# The end of a package. If it failed and no test did, it did not build, ran out
# of time or died; what was said is then all there is to know.
/^(ok|FAIL)  *\t|^FAIL\t/ {
	if ($1 == "FAIL") {
		for (t in said) printf "%s", said[t]
		if (!blamed) failed++
	}
	print
	split("", said)
	test = ""
	blamed = 0
	next
}

/^\?  *\t/ { next }

{ said[test] = said[test] $0 "\n" }

END {
	for (t in said) printf "%s", said[t]
	if (skipped) printf "%d skipped, for the reasons above\n", skipped
	printf "%d passed, %d failed\n", passed, failed
	exit failed > 0 || passed == 0
}
