package contribute

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

var start = time.Unix(1_700_000_000, 0)

// step is a packet that comes, or none, some milliseconds after the first.
type step struct {
	at     int
	packet int // -1: only time passes
	out    []int
	ask    []uint16
}

// Packets come out in order, each once; 65535 is followed by 0.
func TestReorder(t *testing.T) {
	const none = -1
	cases := []struct {
		name    string
		repairs bool
		steps   []step
		gaps    []int // packets that came out behind a gap
	}{
		{"in order", true, []step{{0, 65534, []int{65534}, nil}, {10, 65535, []int{65535}, nil}, {20, 0, []int{0}, nil}}, nil},
		{"swapped", true, []step{{0, 1, []int{1}, nil}, {1, 3, nil, nil}, {4, 2, []int{2, 3}, nil}}, nil},
		{"twice", true, []step{{0, 1, []int{1}, nil}, {1, 3, nil, nil}, {2, 3, nil, nil}, {3, 1, nil, nil}, {4, 2, []int{2, 3}, nil}}, nil},
		{"asked for, again and again", true, []step{
			{0, 1, []int{1}, nil},
			{10, 4, nil, nil},
			{15, none, nil, []uint16{2, 3}},
			{40, 2, []int{2}, nil},
			{65, none, nil, []uint16{3}},
			{114, none, nil, nil},
			{115, none, nil, []uint16{3}},
			{120, 3, []int{3, 4}, nil},
		}, nil},
		{"given up", true, []step{
			{0, 1, []int{1}, nil},
			{10, 3, nil, nil},
			{409, none, nil, []uint16{2}},
			{410, none, []int{3}, nil},
			{411, 2, nil, nil},
			{412, 4, []int{4}, nil},
		}, []int{3}},
		{"given up early where nobody repairs", false, []step{
			{0, 1, []int{1}, nil},
			{10, 3, nil, nil},
			{49, none, nil, nil},
			{50, none, []int{3}, nil},
		}, []int{3}},
		{"a leap begins anew", true, []step{
			{0, 1, []int{1}, nil},
			{10, 20000, []int{20000}, nil},
			{20, 20001, []int{20001}, nil},
		}, []int{20000}},
		{"a leap back too", true, []step{
			{0, 20000, []int{20000}, nil},
			{10, 1, []int{1}, nil},
		}, []int{1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := &reorder{repairs: c.repairs}
			var gaps []int
			for _, s := range c.steps {
				now := start.Add(time.Duration(s.at) * time.Millisecond)
				if s.packet != none {
					r.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(s.packet)}}, now)
				}
				var out []int
				for {
					p, gap := r.pop(now)
					if p == nil {
						break
					}
					out = append(out, int(p.SequenceNumber))
					if gap {
						gaps = append(gaps, int(p.SequenceNumber))
					}
				}
				if !slices.Equal(out, s.out) {
					t.Errorf("at %d ms: %v came out, want %v", s.at, out, s.out)
				}
				if got := r.ask(now); !slices.Equal(got, s.ask) {
					t.Errorf("at %d ms: asks for %v, want %v", s.at, got, s.ask)
				}
				if due := r.due(); !due.IsZero() && !due.After(now) {
					t.Errorf("at %d ms: due %v ago", s.at, now.Sub(due))
				}
			}
			if !slices.Equal(gaps, c.gaps) {
				t.Errorf("gaps in front of %v, want %v", gaps, c.gaps)
			}
		})
	}
}

// However many packets wait behind a missing one, the buffer holds.
func TestReorderOverflows(t *testing.T) {
	r := &reorder{repairs: true}
	out := 0
	for seq := range 3 * window {
		if seq == 10 {
			continue
		}
		r.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(seq)}}, start)
		for {
			p, gap := r.pop(start)
			if p == nil {
				break
			}
			if gap != (p.SequenceNumber == 11) {
				t.Fatalf("gap %t in front of %d", gap, p.SequenceNumber)
			}
			out++
		}
	}
	if out != 3*window-1 || r.lost != 1 {
		t.Errorf("%d packets came out and %d were lost, want %d and 1", out, r.lost, 3*window-1)
	}
}
