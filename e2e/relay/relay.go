// Package relay is a bad network between one player and the server: it carries
// UDP packets both ways, later than they came or not at all.
package relay

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	packetSize = 2048
	// queue holds what is on its way: 80 ms at 100 Mbit/s and more.
	queue  = 4096
	buffer = 4 << 20 // bytes in each socket, so that only the relay loses packets
)

// Relay carries the packets of one player, who sends to Port of 127.0.0.1.
// Each direction takes half a round trip.
type Relay struct {
	Port int

	player, server *net.UDPConn
	delay          time.Duration
	back           atomic.Pointer[net.UDPAddr] // the player's

	dark atomic.Int64  // Unix nanoseconds until which everything is lost
	loss atomic.Uint64 // of 1<<32

	carried, lost atomic.Int64
}

// Start begins to carry packets to the server at host:port. It ends with the
// test.
func Start(tb testing.TB, server string, roundTrip time.Duration) *Relay {
	tb.Helper()
	to, err := net.ResolveUDPAddr("udp4", server)
	if err != nil {
		tb.Fatal(err)
	}
	r := &Relay{delay: roundTrip / 2}
	if r.player, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		tb.Fatal(err)
	}
	if r.server, err = net.DialUDP("udp4", nil, to); err != nil {
		tb.Fatal(err)
	}
	r.Port = r.player.LocalAddr().(*net.UDPAddr).Port
	var ends sync.WaitGroup
	for _, c := range []*net.UDPConn{r.player, r.server} {
		_ = c.SetReadBuffer(buffer)
		_ = c.SetWriteBuffer(buffer)
	}
	ends.Go(func() { r.carry(r.player, r.toServer) })
	ends.Go(func() { r.carry(r.server, r.toPlayer) })
	tb.Cleanup(func() {
		r.player.Close()
		r.server.Close()
		ends.Wait()
		tb.Logf("relay: %d packets carried, %d lost", r.carried.Load(), r.lost.Load())
	})
	return r
}

// Lose makes packets disappear at random, of both directions.
func (r *Relay) Lose(share float64) { r.loss.Store(uint64(share * (1 << 32))) }

// Blackout makes every packet disappear for a time, of both directions.
func (r *Relay) Blackout(d time.Duration) { r.dark.Store(time.Now().Add(d).UnixNano()) }

func (r *Relay) toServer(b []byte) { _, _ = r.server.Write(b) }

func (r *Relay) toPlayer(b []byte) {
	if to := r.back.Load(); to != nil {
		_, _ = r.player.WriteToUDP(b, to)
	}
}

type packet struct {
	due  time.Time
	data []byte
}

// carry reads one direction until its socket is closed.
func (r *Relay) carry(from *net.UDPConn, forward func([]byte)) {
	way := make(chan packet, queue)
	var end sync.WaitGroup
	end.Go(func() {
		for p := range way {
			time.Sleep(time.Until(p.due))
			forward(p.data)
		}
	})
	defer end.Wait()
	defer close(way)
	for {
		b := make([]byte, packetSize)
		n, addr, err := from.ReadFromUDP(b)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // the other side's port was closed for a moment
		}
		if from == r.player {
			r.back.Store(addr)
		}
		now := time.Now()
		if now.UnixNano() < r.dark.Load() || uint64(rand.Uint32()) < r.loss.Load() {
			r.lost.Add(1)
			continue
		}
		r.carried.Add(1)
		way <- packet{due: now.Add(r.delay), data: b[:n]}
	}
}
