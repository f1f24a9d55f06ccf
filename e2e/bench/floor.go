//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"net"
	"net/netip"
	"os"
	"unsafe"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"golang.org/x/sys/unix"
)

// floorKey and floorSalt are no secret; AES does not mind.
func floorKey() (key, salt []byte) { return make([]byte, 16), make([]byte, 12) }

// sink is a receiver of the floor.
type sink struct {
	to           netip.AddrPort
	context      *srtp.Context
	video, audio rtp.Header
}

// sendFloor sends to the addresses that come as JSON on standard input, until
// that ends.
func sendFloor(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("floor", flag.ContinueOnError)
	clip := f.String("clip", "", "FLV file to play")
	if err := f.Parse(args); err != nil {
		return err
	}
	input := json.NewDecoder(os.Stdin)
	var addrs []netip.AddrPort
	if err := input.Decode(&addrs); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_ = input.Decode(&struct{}{})
		cancel()
	}()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		return err
	}
	defer conn.Close()
	sinks := make([]*sink, len(addrs))
	key, salt := floorKey()
	for i, to := range addrs {
		s := &sink{to: to}
		s.video = rtp.Header{Version: 2, PayloadType: 102, SSRC: 1}
		s.audio = rtp.Header{Version: 2, PayloadType: 111, SSRC: 2}
		if s.context, err = srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm); err != nil {
			return err
		}
		sinks[i] = s
	}
	out := &floor{conn: conn}
	return feed(ctx, *clip,
		func(timestamp uint32, payloads [][]byte) error {
			for _, s := range sinks {
				out.send(s, &s.video, timestamp, payloads)
			}
			return nil
		},
		func(timestamp uint32, payloads [][]byte) error {
			for _, s := range sinks {
				out.send(s, &s.audio, timestamp, payloads)
			}
			return nil
		})
}

// floor is the cheapest way from payloads to packets that we know.
type floor struct {
	conn    *net.UDPConn
	plain   [mtu]byte
	packets [floorBytes]byte // encrypted, one behind the other
}

// floorBytes is more than any datagram.
const floorBytes = 1 << 16

// send encrypts a frame for one receiver and sends it with as few system calls
// as segmentation offload allows: all segments but the last have one size.
func (f *floor) send(s *sink, h *rtp.Header, timestamp uint32, payloads [][]byte) {
	h.Timestamp = timestamp
	used, size, last, count := 0, 0, 0, 0
	for i, payload := range payloads {
		h.Marker = i == len(payloads)-1
		n, err := h.MarshalTo(f.plain[:])
		if err != nil {
			return
		}
		n += copy(f.plain[n:], payload)
		packet := n + floorTag
		if count > 0 && (packet > size || last < size || count == floorSegments || used+packet > floorBytes-mtu) {
			f.flush(s, used, size)
			used, count = 0, 0
		}
		if count == 0 {
			size = packet
		}
		if _, err := s.context.EncryptRTP(f.packets[used:], f.plain[:n], nil); err != nil {
			return
		}
		used, last = used+packet, packet
		count++
		h.SequenceNumber++
	}
	f.flush(s, used, size)
}

const (
	floorTag      = 16 // bytes that AES-GCM adds
	floorSegments = 64 // in one call
)

func (f *floor) flush(s *sink, used, size int) {
	if used <= size {
		_, _ = f.conn.WriteToUDPAddrPort(f.packets[:used], s.to)
		return
	}
	var control [(unix.SizeofCmsghdr+7)&^7 + 8]byte
	header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	header.Level, header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(control[unix.CmsgLen(0):], uint16(size))
	_, _, _ = f.conn.WriteMsgUDPAddrPort(f.packets[:used], control[:], s.to)
}
