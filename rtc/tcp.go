package rtc

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"

	"github.com/sluice-media/sluice/limit"
)

const (
	// Connections at a time, each of a viewer, and of one address, behind which
	// there may be a whole office.
	maxTCP        = 10_000
	maxTCPPerHost = 512
	// firstTime is what a connection has to say whose it is.
	firstTime = 10 * time.Second
	// acceptPause is waited after an error of the listener; they pass, as too
	// many open files do.
	acceptPause = 100 * time.Millisecond
)

// tcpMux gives the connections of one TCP port to the ICE agents that they are
// for (RFC 6544, with all candidates passive). Unlike pion's it keeps none that
// nobody waits for, never waits for a peer that does not read, and is bounded.
type tcpMux struct {
	listener net.Listener
	log      logging.LeveledLogger
	crowd    *limit.Crowd
	closing  chan struct{}
	running  sync.WaitGroup

	// guarded by mu
	mu     sync.Mutex
	closed bool
	paths  map[string][]*tcpPath // by ufrag, one for each announced address
	fresh  map[net.Conn]struct{} // that have not said whose they are
}

func newTCPMux(l net.Listener, log logging.LeveledLogger) *tcpMux {
	m := &tcpMux{
		listener: l, log: log, crowd: limit.NewCrowd(maxTCP, maxTCPPerHost), closing: make(chan struct{}),
		paths: make(map[string][]*tcpPath), fresh: make(map[net.Conn]struct{}),
	}
	m.running.Go(m.accept)
	return m
}

func (m *tcpMux) accept() {
	for {
		conn, err := m.listener.Accept()
		if err != nil {
			select {
			case <-time.After(acceptPause):
				continue
			case <-m.closing:
				return
			}
		}
		from := addrPortOf(conn.RemoteAddr())
		if !m.crowd.Enter(from.Addr()) {
			_ = conn.Close()
			continue
		}
		m.running.Go(func() {
			defer m.crowd.Leave(from.Addr())
			m.serve(conn, from)
		})
	}
}

// serve reads a connection to its end.
func (m *tcpMux) serve(conn net.Conn, from netip.AddrPort) {
	defer conn.Close()
	if !m.enter(conn) {
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(firstTime))
	in := newFrames(conn)
	first, err := in.next()
	path := m.leave(conn, ufragOf(first))
	if err != nil || path == nil {
		m.log.Debugf("TCP connection of %s is nobody's: %v", from, err)
		return
	}
	c := newTCPConn(conn, from, &path.route.queued)
	if !path.add(c) {
		return
	}
	defer path.remove(c)
	m.running.Go(c.drain)
	path.deliver(first, from)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(idleTime))
		packet, err := in.next()
		if err != nil {
			return
		}
		if !path.route.hear(packet) {
			path.deliver(packet, from)
		}
	}
}

// enter keeps a connection until it has said whose it is.
func (m *tcpMux) enter(conn net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.fresh[conn] = struct{}{}
	return true
}

// leave returns the path that a connection belongs to; nil: there is none.
func (m *tcpMux) leave(conn net.Conn, ufrag string) *tcpPath {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.fresh, conn)
	local := addrPortOf(conn.LocalAddr()).Addr()
	var best *tcpPath
	for _, p := range m.paths[ufrag] {
		switch at := addrPortOf(p.local).Addr(); {
		case at == local:
			return p
		case best == nil && at.Is4() == local.Is4():
			best = p
		}
	}
	return best
}

// ufragOf returns ours of a binding request's two (RFC 8445 §7.2.2); empty: the
// packet is none.
func ufragOf(packet []byte) string {
	if !stun.IsMessage(packet) {
		return ""
	}
	m := &stun.Message{Raw: packet}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return ""
	}
	name, err := m.Get(stun.AttrUsername)
	if err != nil {
		return ""
	}
	ufrag, _, _ := strings.Cut(string(name), ":")
	return ufrag
}

// sessionTCP is the mux as the ICE agent of one session has it.
type sessionTCP struct {
	*tcpMux
	route *route
}

// GetConnByUfrag implements ice.TCPMux.
func (m sessionTCP) GetConnByUfrag(ufrag string, _ bool, local net.IP) (net.PacketConn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, fmt.Errorf("TCP port: %w", net.ErrClosed)
	}
	p := newTCPPath(&net.TCPAddr{IP: local, Port: m.local().Port}, m.route)
	m.paths[ufrag] = append(m.paths[ufrag], p)
	m.route.add(p)
	return p, nil
}

// RemoveConnByUfrag implements ice.TCPMux.
func (m *tcpMux) RemoveConnByUfrag(ufrag string) {
	m.mu.Lock()
	paths := m.paths[ufrag]
	delete(m.paths, ufrag)
	m.mu.Unlock()
	for _, p := range paths {
		_ = p.Close()
	}
}

func (m *tcpMux) local() *net.TCPAddr { return m.listener.Addr().(*net.TCPAddr) }

// Close implements ice.TCPMux: it ends all connections and waits for that.
func (m *tcpMux) Close() error {
	m.mu.Lock()
	m.closed = true
	for conn := range m.fresh {
		_ = conn.Close()
	}
	var paths []*tcpPath
	for _, p := range m.paths {
		paths = append(paths, p...)
	}
	clear(m.paths)
	m.mu.Unlock()
	for _, p := range paths {
		_ = p.Close()
	}
	close(m.closing)
	err := m.listener.Close()
	m.running.Wait()
	return err
}

func addrPortOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := tcp.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
