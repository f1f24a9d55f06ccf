package egress

import (
	"sync/atomic"

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

// path says whether there is a way to the viewer: not while ICE restarts. pion
// drops what is sent then.
type path struct{ closed atomic.Bool }

func (p *path) open()        { p.closed.Store(false) }
func (p *path) close()       { p.closed.Store(true) }
func (p *path) isOpen() bool { return !p.closed.Load() }
