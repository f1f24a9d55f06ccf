//go:build linux

package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/srtp/v3"
)

// joinTime bounds a join.
const joinTime = 20 * time.Second

// Audience is a crowd of viewers of one stream. Its methods are called from one
// goroutine.
type Audience struct {
	endpoint    string
	local       netip.Addr
	traits      Traits
	client      *http.Client
	certificate tls.Certificate
	reader      *reader
	stop        context.CancelFunc
	wg          sync.WaitGroup

	viewers []*Viewer // in the order in which they joined
}

// Traits are what the viewers of an audience have in common.
type Traits struct {
	// Whole makes their sockets take packets in the pieces in which they were
	// sent. On one machine the kernel charges their delivery to the sender: one
	// by one that is most of what sending costs, in pieces it is about what it
	// costs to give them to a network card that cuts them up.
	Whole bool

	// GCM makes them choose AES-GCM, which is the cheaper one, where the server
	// leaves them the choice. Chromium then takes AES-CM.
	GCM bool
}

// NewAudience makes one for a WHEP endpoint, with nobody in it.
func NewAudience(endpoint string, traits Traits) (*Audience, error) {
	certificate, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, err
	}
	a := &Audience{
		endpoint: endpoint, traits: traits, certificate: certificate, reader: &reader{},
		client: &http.Client{Timeout: joinTime, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	if a.local, err = localFor(endpoint); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	a.wg.Go(func() { a.reader.run(ctx) })
	return a, nil
}

// Join adds n viewers, rate a second. They stay until Close.
func (a *Audience) Join(ctx context.Context, n int, rate float64) error {
	joined, err := a.join(ctx, n, rate)
	a.viewers = append(a.viewers, joined...)
	return err
}

// join returns those that joined, in their order, and the first error.
func (a *Audience) join(ctx context.Context, n int, rate float64) (joined []*Viewer, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	all := make([]*Viewer, n)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range all {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second))))):
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			ctx, done := context.WithTimeout(ctx, joinTime)
			defer done()
			v, err := join(ctx, a)
			if err != nil {
				cancel(fmt.Errorf("viewer %d: %w", i+1, err))
				return
			}
			a.reader.add(v)
			all[i] = v
		})
	}
	wg.Wait()
	for _, v := range all {
		if v != nil {
			joined = append(joined, v)
		}
	}
	return joined, context.Cause(ctx)
}

// Churn has rate viewers a second join and, a second later, leave, until the
// context ends. It returns how many came and went.
func (a *Audience) Churn(ctx context.Context, rate int) (n int, err error) {
	var wg sync.WaitGroup
	defer wg.Wait()
	failed := make(chan error, 1)
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return n, nil
		case err := <-failed:
			return n, err
		case <-ticker.C:
		}
		n++
		wg.Go(func() {
			if err := a.visit(); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
}

// visit is one short stay.
func (a *Audience) visit() error {
	ctx, done := context.WithTimeout(context.Background(), joinTime)
	defer done()
	v, err := join(ctx, a)
	if err != nil {
		return err
	}
	a.reader.add(v)
	time.Sleep(time.Second)
	a.reader.remove(v)
	defer v.close()
	return v.leave(ctx, a)
}

// Sinks adds n receivers without a session, for a sender that has their
// addresses and the key. It returns the addresses.
func (a *Audience) Sinks(n int, key, salt []byte) ([]netip.AddrPort, error) {
	var addrs []netip.AddrPort
	for range n {
		s, err := listen(a.local)
		if err != nil {
			return nil, err
		}
		v := &Viewer{socket: s}
		if v.in, err = srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm); err != nil {
			return nil, err
		}
		v.nextCheck = time.Now().Add(24 * time.Hour) // there is nobody to check
		addrs = append(addrs, s.LocalAddr().(*net.UDPAddr).AddrPort())
		a.viewers = append(a.viewers, v)
		if err := s.detach(a.traits.Whole); err != nil {
			return nil, err
		}
		a.reader.add(v)
	}
	return addrs, nil
}

// Mark begins a new interval of Measure.
func (a *Audience) Mark() {
	a.reader.mu.Lock()
	defer a.reader.mu.Unlock()
	for _, v := range a.viewers {
		v.video.mark()
		v.audio.mark()
		v.frames.delays = v.frames.delays[:0]
	}
}

// Close ends all sessions.
func (a *Audience) Close() {
	ctx, done := context.WithTimeout(context.Background(), joinTime)
	defer done()
	a.stop()
	a.wg.Wait()
	for _, v := range a.viewers {
		if v.agent.remote != nil {
			_ = v.leave(ctx, a) // the server may be gone already
		}
		v.close()
	}
	a.viewers = nil
	a.client.CloseIdleConnections()
}
