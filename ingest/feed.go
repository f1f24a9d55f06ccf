package ingest

import (
	"io"
	"net"
	"sync"

	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"
)

// feed is the net.Listener through which go-rtmp, which serves nothing else,
// gets the sessions one by one.
type feed struct {
	addr     net.Addr
	sessions chan *session
	done     chan struct{}
	close    func()
}

func newFeed(addr net.Addr) *feed {
	f := &feed{addr: addr, sessions: make(chan *session), done: make(chan struct{})}
	f.close = sync.OnceFunc(func() { close(f.done) })
	return f
}

// Accept implements net.Listener.
func (f *feed) Accept() (net.Conn, error) {
	select {
	case s := <-f.sessions:
		return s, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (f *feed) Close() error {
	f.close()
	return nil
}

// Addr implements net.Listener.
func (f *feed) Addr() net.Addr { return f.addr }

// configure is go-rtmp's OnConnect: it tells how to serve a session.
func (s *Server) configure(c net.Conn) (io.ReadWriteCloser, *rtmp.ConnConfig) {
	session := c.(*session) // what a feed returns
	return session, &rtmp.ConnConfig{
		Handler:                   session,
		SkipHandshakeVerification: true, // not all encoders echo S1
		Logger:                    s.libraryLog,
		ControlState: rtmp.StreamControlStateConfig{
			DefaultAckWindowSize:       window,
			DefaultBandwidthWindowSize: window,
			DefaultBandwidthLimitType:  message.LimitTypeDynamic,
		},
		RPreset: &rtmp.DefaultResponsePreset{
			// What servers say since Flash Media Server; clients compare it.
			ServerConnectResultProperties: message.NetConnectionConnectResultProperties{
				FMSVer: "FMS/3,0,1,123", Capabilities: 31, Mode: 1,
			},
		},
	}
}

// window is the acknowledgement window that a publisher is asked for, in bytes:
// the usual value, 3 s of 6 Mbit/s.
const window = 2_500_000
