package egress

import (
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Publication is the media.Writer of one publisher. It puts each frame into
// RTP payloads once, moves its times onto the hub's clock and delivers it.
type Publication struct {
	hub *Hub

	// guarded by hub.mu
	started bool
	offset  time.Duration // hub time − media time
}

// HasViewers reports whether anyone is watching or about to.
func (p *Publication) HasViewers() bool {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	return len(p.hub.guests) > 0
}

// TakeKeyframeRequest reports whether a viewer would be served better by an IDR
// than by a replay of all that has come since the last one, and forgets it.
func (p *Publication) TakeKeyframeRequest() bool {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	wanted := p.hub.keyframeWanted || p.hub.keyframeNeeded
	p.hub.keyframeWanted, p.hub.keyframeNeeded = false, false
	return wanted
}

// TakeKeyframeNeed reports whether a viewer waits for an IDR, or has lost
// pictures, and forgets it. It is for publishers whose IDRs all viewers pay for:
// who joins and is given the frames since the last one does not count.
func (p *Publication) TakeKeyframeNeed() bool {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	needed := p.hub.keyframeNeeded
	p.hub.keyframeNeeded = false
	return needed
}

// WriteVideo delivers an access unit.
func (p *Publication) WriteVideo(au *media.AccessUnit) error {
	if au.Treatment != nil && au.Treatment.Withheld {
		return p.note(au)
	}
	payloads, err := payload(au)
	if err != nil {
		return err
	}
	f := &Frame{
		Kind: Video, Encoding: encodingOf(au), IDR: au.IDR, Skipped: au.Skipped,
		Payloads: payloads, Arrival: au.Arrival,
	}
	for _, p := range f.Payloads {
		f.Size += len(p)
	}
	h := p.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := p.place(f, au.PTS, au.DTS); err != nil {
		return err
	}
	if h.facts.noteVideo(au) {
		h.noteFormat(h.facts.video)
	}
	h.encoding = f.Encoding
	h.index++
	f.Index = h.index
	if f.IDR {
		h.keyframeWanted, h.keyframeNeeded = false, false
	}
	h.gop.add(f)
	h.deliver(f)
	return nil
}

// note takes note of an access unit that is not sent. What was sent before
// cannot be replayed any more: what follows will begin with an IDR.
func (p *Publication) note(au *media.AccessUnit) error {
	h := p.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := p.place(&Frame{Arrival: au.Arrival}, au.PTS, au.DTS); err != nil {
		return err
	}
	if h.facts.noteVideo(au) {
		h.noteFormat(h.facts.video)
	}
	h.encoding = encodingOf(au)
	h.gop.drop()
	return nil
}

// WriteAudio delivers an Opus packet. Audio that WebRTC cannot carry is noted
// and goes no further: it comes here while nobody listens, or where no
// transcoder runs.
func (p *Publication) WriteAudio(a *media.AudioFrame) error {
	f := &Frame{Kind: Audio, Skew: a.Skew, Payloads: [][]byte{a.Data}, Size: len(a.Data), Arrival: a.Arrival}
	h := p.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := p.place(f, a.PTS, a.PTS+a.Skew); err != nil {
		return err
	}
	if h.facts.noteAudio(a) {
		h.log.Info("audio", "format", h.facts.audio)
	}
	if a.Codec == media.Opus {
		h.deliver(f)
	}
	return nil
}

// place moves a frame onto the hub's clock. The first frame of a publication
// is put where the clock says it is now, and behind all that was delivered
// before.
func (p *Publication) place(f *Frame, pts, dts time.Duration) error {
	h := p.hub
	if h.publication != p {
		return fmt.Errorf("write to %s: %w", h.name, ErrClosed)
	}
	if !p.started {
		p.started = true
		start := h.clock.at(f.Arrival)
		if h.last > 0 {
			start = max(start, h.last+time.Millisecond)
		}
		p.offset = start - dts
	}
	f.PTS = pts + p.offset
	h.last = max(h.last, dts+p.offset)
	h.clock.observe(dts+p.offset, f.Arrival)
	return nil
}

// Close ends the publication. Its viewers stay for the hub's grace.
func (p *Publication) Close() error {
	p.hub.unpublish(p)
	return nil
}
