package egress

import (
	"strings"
	"testing"
)

// dropLog counts the frames dropped, by reason.
type dropLog map[DropReason]int

func (d dropLog) note(r DropReason, n int) { d[r] += n }

// stream makes frames from a notation: I an IDR, p another access unit, a
// audio.
type notation struct{ index uint64 }

func (s *notation) frames(text string) (list []*Frame) {
	for _, c := range text {
		f := &Frame{Kind: Video, IDR: c == 'I', Payloads: [][]byte{{1}}, Size: 1}
		if c == 'a' {
			f.Kind = Audio
		} else {
			s.index++
			f.Index = s.index
		}
		list = append(list, f)
	}
	return list
}

func (s *notation) deliver(b *backlog, text string) {
	for _, f := range s.frames(text) {
		b.Deliver(f)
	}
}

// drain returns what is taken from a backlog in the same notation, and checks
// that no video frame is missing.
func drain(t *testing.T, b *backlog) string {
	t.Helper()
	var s strings.Builder
	var last uint64
	for {
		f, _ := b.takeVideo()
		if f == nil {
			break
		}
		if !f.IDR && last != 0 && f.Index != last+1 {
			t.Errorf("frame %d after %d", f.Index, last)
		}
		last = f.Index
		s.WriteByte(map[bool]byte{true: 'I', false: 'p'}[f.IDR])
	}
	for range b.takeAudio(nil) {
		s.WriteByte('a')
	}
	return s.String()
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestBacklogWaits(t *testing.T) {
	drops := dropLog{}
	b, s := newBacklog(drops.note, func() {}), &notation{}
	b.wait()
	s.deliver(b, "appaIpa")
	expect(t, "the beginning", drain(t, b), "Ipaaa")
	if drops[DropWaitIDR] != 0 {
		t.Error("frames before the beginning count as dropped")
	}
	b.wait()
	s.deliver(b, "ppIp")
	expect(t, "after a wait", drain(t, b), "Ip")
	if drops[DropWaitIDR] != 2 {
		t.Errorf("dropped %v", drops)
	}
}

func TestBacklogResumes(t *testing.T) {
	drops := dropLog{}
	b, s := newBacklog(drops.note, func() {}), &notation{}
	cached := s.frames("Ipppp")
	s.deliver(b, "pp") // before the snapshot was looked at
	b.resume(Replay{Frames: cached})
	s.deliver(b, "ppa")
	expect(t, "the replay and what came since", drain(t, b), "Ipppp"+"pp"+"pp"+"a")
	if p, _ := b.state(); p != live {
		t.Errorf("phase %d after the last frame", p)
	}
	b.resume(Replay{Frames: s.frames("Ippppppp")})
	s.deliver(b, "ppIpp")
	expect(t, "a newer IDR", drain(t, b), "Ipp")
	if drops[DropSuperseded] != 10 {
		t.Errorf("dropped %v", drops)
	}
	s.deliver(b, "pIp")
	expect(t, "an IDR for a live viewer drops nothing", drain(t, b), "pIp")
}

// The snapshot was taken, then an IDR came, then the viewer resumed.
func TestBacklogResumesBehindIDR(t *testing.T) {
	b, s := newBacklog(dropLog{}.note, func() {}), &notation{}
	cached := s.frames("Ippp")
	s.deliver(b, "pIp")
	b.resume(Replay{Frames: cached})
	expect(t, "the newer GOP", drain(t, b), "Ip")
}

func TestBacklogOverflow(t *testing.T) {
	drops := dropLog{}
	b, s := newBacklog(drops.note, func() {}), &notation{}
	s.deliver(b, "I"+strings.Repeat("p", backlogLive-1))
	s.deliver(b, strings.Repeat("a", backlogAudio+3))
	if _, stale := b.state(); stale {
		t.Error("stale after an IDR")
	}
	s.deliver(b, "pp")
	if _, stale := b.state(); !stale {
		t.Error("not stale after an overflow")
	}
	if f, _ := b.takeVideo(); f != nil {
		t.Error("a stale backlog gives out video")
	}
	if n := len(b.takeAudio(nil)); n != backlogAudio {
		t.Errorf("%d audio frames", n)
	}
	if drops[DropQueueFull] != backlogLive+3 {
		t.Errorf("dropped %v", drops)
	}
	s.deliver(b, "Ip")
	expect(t, "an IDR cures it", drain(t, b), "Ip")
	s.deliver(b, strings.Repeat("p", 10*backlogReplay))
	if len(b.video) > backlogReplay {
		t.Errorf("%d frames are kept", len(b.video))
	}
}
