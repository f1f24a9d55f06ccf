//go:build linux

package load

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

// reportPause is how often a viewer sends receiver reports, as browsers do.
const reportPause = time.Second

// Times are the stages of a join, from the POST.
type Times struct {
	Answered, Connected, Media time.Duration // Media: the first video packet came; 0: none yet
}

// Viewer is one WHEP session. Until it is connected its fields belong to join,
// then to the reader that it was given to.
type Viewer struct {
	socket  *socket
	agent   agent
	dtls    *dtlsPipe
	in, out *srtp.Context
	posted  time.Time
	times   Times

	video, audio track
	frames       frameTimes
	nextCheck    time.Time
	nextReport   time.Time
	plain        []byte
}

// join opens a session and returns when media can be decrypted.
func join(ctx context.Context, a *Audience) (_ *Viewer, err error) {
	s, err := listen(a.local)
	if err != nil {
		return nil, err
	}
	v := &Viewer{socket: s}
	defer func() {
		if err != nil {
			v.close()
		}
	}()
	v.posted = time.Now()
	v.agent = agent{ufrag: rand.Text()[:8], pwd: rand.Text(), send: s.send}
	v.agent.remote, err = post(ctx, a.client, a.endpoint, offer(v.agent.ufrag, v.agent.pwd, a.certificate))
	if err != nil {
		return nil, err
	}
	v.times.Answered = time.Since(v.posted)
	if err := v.nominate(ctx); err != nil {
		return v, err
	}
	v.dtls = &dtlsPipe{Buffer: packetio.NewBuffer(), to: v.agent.selected, send: s.send}
	var reading atomic.Bool
	reading.Store(true)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for reading.Load() {
			v.readOne(time.Now().Add(checkPause))
		}
	}()
	in, out, err := keys(ctx, v.dtls, a, !v.agent.remote.active)
	reading.Store(false)
	_ = s.SetReadDeadline(time.Now())
	<-read
	if err != nil {
		return v, err
	}
	now := time.Now()
	v.in, v.out, v.times.Connected = in, out, now.Sub(v.posted)
	v.nextCheck, v.nextReport = now.Add(consentPause), now.Add(reportPause)
	return v, s.detach(a.traits.Whole)
}

// nominate sends checks until one is answered.
func (v *Viewer) nominate(ctx context.Context) error {
	for next := time.Now(); !v.agent.selected.IsValid(); {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("ICE: %w", err)
		}
		if !time.Now().Before(next) {
			v.agent.check()
			next = time.Now().Add(checkPause)
		}
		v.readOne(next)
	}
	return nil
}

// readOne takes a packet, if one comes by then.
func (v *Viewer) readOne(deadline time.Time) {
	var buf [packetSize]byte
	_ = v.socket.SetReadDeadline(deadline)
	n, from, err := v.socket.ReadFromUDPAddrPort(buf[:])
	if err == nil {
		v.take(buf[:n], from, time.Now())
	}
}

// take handles a packet by what it is (RFC 7983 §7).
func (v *Viewer) take(packet []byte, from netip.AddrPort, at time.Time) {
	switch {
	case len(packet) < 12:
	case packet[0] < 4:
		v.agent.take(packet, from)
	case packet[0] >= 20 && packet[0] < 64:
		if v.dtls != nil {
			_, _ = v.dtls.Write(packet)
		}
	case packet[0]&0xc0 == 0x80 && (packet[1] < 192 || packet[1] > 223): // RFC 5761 §4
		v.takeRTP(packet, at)
	}
}

func (v *Viewer) takeRTP(packet []byte, at time.Time) {
	seq := binary.BigEndian.Uint16(packet[2:])
	timestamp, ssrc := binary.BigEndian.Uint32(packet[4:]), binary.BigEndian.Uint32(packet[8:])
	switch payloadType := packet[1] & 0x7f; payloadType {
	case payloadOpus:
		v.audio.add(ssrc, seq)
	case payloadH264:
		if v.video.packets == 0 {
			v.times.Media = at.Sub(v.posted)
		}
		v.video.add(ssrc, seq)
		v.frames.add(timestamp, packet[1]&0x80 != 0, at, func() []byte { return v.decrypt(packet) })
	}
}

// decrypt returns a packet's payload, nothing before there are keys.
func (v *Viewer) decrypt(packet []byte) []byte {
	if v.in == nil {
		return nil
	}
	var header rtp.Header
	plain, err := v.in.DecryptRTP(v.plain[:0], packet, &header)
	if err != nil {
		return nil
	}
	v.plain = plain
	n, err := header.Unmarshal(plain)
	if err != nil {
		return nil
	}
	return plain[n:]
}

// tick sends what is due: consent checks and receiver reports.
func (v *Viewer) tick(now time.Time) {
	if now.After(v.nextCheck) {
		v.nextCheck = now.Add(consentPause)
		v.agent.check()
	}
	if v.out != nil && now.After(v.nextReport) {
		v.nextReport = now.Add(reportPause)
		v.report()
	}
}

func (v *Viewer) report() {
	report := &rtcp.ReceiverReport{SSRC: 1}
	for _, t := range []*track{&v.video, &v.audio} {
		if t.packets > 0 {
			report.Reports = append(report.Reports, rtcp.ReceptionReport{SSRC: t.ssrc, LastSequenceNumber: uint32(t.highest)})
		}
	}
	packet, err := rtcp.Marshal([]rtcp.Packet{report, rtcp.NewCNAMESourceDescription(1, "viewer")})
	if err != nil {
		return
	}
	if packet, err = v.out.EncryptRTCP(nil, packet, nil); err == nil {
		v.socket.send(packet, v.agent.selected)
	}
}

// close frees everything; the server is not told.
func (v *Viewer) close() {
	v.socket.Close()
	if v.dtls != nil {
		_ = v.dtls.Close()
	}
}

// leave ends the session as a browser does: by DELETE.
func (v *Viewer) leave(ctx context.Context, a *Audience) error {
	if v.agent.remote == nil {
		return errors.New("never joined")
	}
	return remove(ctx, a.client, v.agent.remote.location)
}
