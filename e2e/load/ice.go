//go:build linux

package load

import (
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

const (
	checkPause   = 50 * time.Millisecond   // between checks until one succeeds
	consentPause = 2500 * time.Millisecond // from then on, half of RFC 7675 §5.1's
)

// agent is the controlling side of ICE with one local candidate and aggressive
// nomination: every check nominates.
type agent struct {
	ufrag, pwd string // ours
	remote     *session
	send       func([]byte, netip.AddrPort)

	selected netip.AddrPort // the first candidate that answered
}

// check sends a connectivity check to the selected candidate, or to all.
func (a *agent) check() {
	to := a.remote.candidates
	if a.selected.IsValid() {
		to = []netip.AddrPort{a.selected}
	}
	for _, addr := range to {
		m, err := stun.Build(stun.BindingRequest, stun.TransactionID,
			stun.NewUsername(a.remote.ufrag+":"+a.ufrag), ice.AttrControlling(1), ice.UseCandidateAttr{},
			ice.PriorityAttr(2130706431), stun.NewShortTermIntegrity(a.remote.pwd), stun.Fingerprint)
		if err == nil {
			a.send(m.Raw, addr)
		}
	}
}

// take answers a check, or takes note of an answer. Only the message's
// integrity tells whose it is.
func (a *agent) take(packet []byte, from netip.AddrPort) {
	m := &stun.Message{Raw: packet}
	if m.Decode() != nil {
		return
	}
	switch m.Type {
	case stun.BindingSuccess:
		if !a.selected.IsValid() && stun.NewShortTermIntegrity(a.remote.pwd).Check(m) == nil {
			a.selected = from
		}
	case stun.BindingRequest:
		integrity := stun.NewShortTermIntegrity(a.pwd)
		if integrity.Check(m) != nil {
			return
		}
		answer, err := stun.Build(m, stun.BindingSuccess,
			&stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}, integrity, stun.Fingerprint)
		if err == nil {
			a.send(answer.Raw, from)
		}
	}
}
