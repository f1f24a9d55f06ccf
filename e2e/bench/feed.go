//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/pion/rtp/codecs"

	"github.com/sluice-media/sluice/e2e/load"
	"github.com/sluice-media/sluice/e2e/rtmp"
)

const (
	mtu        = 1200                  // of an RTP packet, as pion's examples have it
	opusSize   = 160                   // bytes, 64 kbit/s
	opusLength = 20 * time.Millisecond // of a packet
)

// feed plays a clip as RTP payloads: a frame's in one call, H.264 with its RTP
// time of 90 kHz, Opus of 48 kHz.
func feed(ctx context.Context, file string, video, audio func(timestamp uint32, payloads [][]byte) error) error {
	clip, err := load.ReadClip(file)
	if err != nil {
		return err
	}
	var payloader codecs.H264Payloader
	opus := make([]byte, opusSize)
	opus[0] = 0xfc // one CELT frame of 20 ms, full band, stereo (RFC 6716 §3.1)
	var heard time.Duration
	return clip.Play(ctx, func(t rtmp.Tag) error {
		if len(t.Body) < tagHeader || t.Type == rtmp.Script { // also the end of the sequence
			return nil
		}
		now := time.Duration(t.Timestamp) * time.Millisecond
		if t.Type == rtmp.Video {
			return video(t.Timestamp*90, payloader.Payload(mtu-12, annexB(t)))
		}
		for ; heard <= now; heard += opusLength {
			if err := audio(uint32(heard.Milliseconds()*48), [][]byte{opus}); err != nil {
				return err
			}
		}
		return nil
	})
}

// tagHeader is the size of what precedes a video tag's NAL units (Adobe FLV
// 10.1 §E.4.3).
const tagHeader = 5

// annexB returns a tag's NAL units with start codes in front, the parameter
// sets of a sequence header too.
func annexB(t rtmp.Tag) []byte {
	var b []byte
	add := func(nalu []byte) { b = append(append(b, 0, 0, 0, 1), nalu...) }
	body := t.Body[tagHeader:]
	if !t.Frame() { // ISO/IEC 14496-15 §5.3.3.1
		rest := body[5:]
		for range 2 {
			count := int(rest[0] & 0x1f)
			rest = rest[1:]
			for range count {
				size := int(binary.BigEndian.Uint16(rest))
				add(rest[2 : 2+size])
				rest = rest[2+size:]
			}
		}
		return b
	}
	for len(body) > 4 {
		size := int(binary.BigEndian.Uint32(body))
		add(body[4 : 4+size])
		body = body[4+size:]
	}
	return b
}
