package egress

import (
	"context"
	"sync"

	"github.com/sluice-media/sluice/rtc"
)

// RestartICE begins ICE anew with the viewer's new credentials (RFC 8445 §9)
// and returns the server's. DTLS, SRTP and the RTP streams go on: what is to be
// sent until a new pair of addresses is found waits for it. Of several restarts
// the last one counts.
func (v *Viewer) RestartICE(ufrag, pwd string) (rtc.ICE, error) {
	v.restarting.Lock()
	defer v.restarting.Unlock()
	v.path.close()
	v.candidates.Store(0)
	made, err := v.peer.RestartICE(ufrag, pwd)
	if err != nil {
		return rtc.ICE{}, err
	}
	v.log.Debug("ICE restarted")
	return made, nil
}

// path says whether there is a way to the viewer. pion drops what is sent
// while it has none.
type path struct {
	mu   sync.Mutex
	free chan struct{} // closed while there is one
}

func newPath() *path {
	p := &path{free: make(chan struct{})}
	close(p.free)
	return p
}

func (p *path) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.free:
	default:
		close(p.free)
	}
}

func (p *path) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.free:
		p.free = make(chan struct{})
	default:
	}
}

// await returns when there is a way, true, or when ctx is done, false.
func (p *path) await(ctx context.Context) bool {
	p.mu.Lock()
	free := p.free
	p.mu.Unlock()
	select {
	case <-free:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
