package rtc

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// candidatesOf returns the candidates of one of pion's m-lines, the best one
// first: UDP before TCP, because some peers look at the first alone, and IPv4
// before IPv6. Those for component 2 have no use with rtcp-mux (RFC 8839
// §4.2.1.2).
func candidatesOf(m *sdp.MediaDescription) []string {
	var list []string
	for _, a := range m.Attributes {
		if f := strings.Fields(a.Value); a.Key == sdp.AttrKeyCandidate && len(f) >= 8 && f[1] == "1" {
			list = append(list, a.Value)
		}
	}
	slices.SortStableFunc(list, func(a, b string) int {
		return cmp.Compare(rank(strings.Fields(b)), rank(strings.Fields(a)))
	})
	return list
}

// rank is twice a candidate's priority (RFC 8445 §5.1.2), and one for IPv4.
func rank(f []string) int {
	n, _ := strconv.Atoi(f[3]) // pion writes numbers
	if strings.Contains(f[4], ":") {
		return 2 * n
	}
	return 2*n + 1
}

// tcpFirst puts candidates for TCP before the others.
func tcpFirst(candidates []string) {
	slices.SortStableFunc(candidates, func(a, b string) int {
		return cmp.Compare(strings.Fields(a)[2], strings.Fields(b)[2])
	})
}
