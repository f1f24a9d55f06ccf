package whip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// fragment is what a trickle-ice-sdpfrag body says.
type fragment struct {
	ufrag, pwd string   // "": the body does not say
	candidates []string // "candidate:…", of all media sections in order
}

// parseFragment reads a trickle-ice-sdpfrag body (RFC 8840 §9).
//
// It takes what clients send rather than what the grammar allows: credentials
// at session or at media level, no a=group, no a=mid, any m-line or none, LF
// line ends. As all media is bundled, candidates of every section are for the
// one transport. The end of candidates is not kept, because nothing waits for
// it; a body that says nothing at all is refused.
func parseFragment(body string) (fragment, error) {
	var f fragment
	empty := true
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		if len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' {
			return fragment{}, fmt.Errorf("fragment line %.40q is not SDP", line)
		}
		attribute, ok := strings.CutPrefix(line, "a=")
		if !ok {
			continue // m= and the like hold nothing for us
		}
		switch name, value, _ := strings.Cut(attribute, ":"); {
		case name == "end-of-candidates":
		case name == "", name == "candidate" && value == "":
			// The empty candidate of a browser, printed by reader.js.
		case name == "candidate":
			if !isCandidate(value) {
				return fragment{}, fmt.Errorf("%.80q is not a candidate", line)
			}
			f.candidates = append(f.candidates, attribute)
		case name == "ice-ufrag":
			if value == "" || f.ufrag != "" && f.ufrag != value {
				return fragment{}, errors.New("fragment has not one ice-ufrag")
			}
			f.ufrag = value
		case name == "ice-pwd":
			if f.pwd != "" && f.pwd != value {
				return fragment{}, errors.New("fragment has not one ice-pwd")
			}
			f.pwd = value
			continue // alone it says nothing
		default:
			continue
		}
		empty = false
	}
	if empty {
		return fragment{}, errors.New("fragment has neither candidates nor credentials")
	}
	return f, nil
}

// isCandidate says whether value follows RFC 8839 §5.1: foundation, component,
// transport, priority, address, port, "typ", type. The address may be a name.
func isCandidate(value string) bool {
	f := strings.Fields(value)
	if len(f) < 8 || f[6] != "typ" {
		return false
	}
	_, component := strconv.ParseUint(f[1], 10, 16)
	_, priority := strconv.ParseUint(f[3], 10, 32)
	_, port := strconv.ParseUint(f[5], 10, 16)
	return component == nil && priority == nil && port == nil
}
