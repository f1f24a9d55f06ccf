//go:build e2e

package viewer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4/pkg/media/h264reader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/source"
)

// TestLipSyncMeasures: what we measure others with must be right itself. The
// tracks are made without Sluice, with beeps early or late by a known time.
func TestLipSyncMeasures(t *testing.T) {
	clip := filepath.Join(t.TempDir(), "clip.mkv")
	source.FFmpeg{Flash: true}.Encode(t, clip, 5*time.Second)
	h264 := extract(t, clip, ".h264", "-an", "-c", "copy")
	opus := extract(t, clip, ".ogg", "-vn", "-c:a", "libopus", "-page_duration", "1") // a packet a page
	// The clip begins with the AAC encoder's 1024 samples of priming, and video
	// so much later; feedVideo does not know.
	const priming = 1024 * time.Second / 48000
	for _, late := range []time.Duration{0, 100 * time.Millisecond, -70 * time.Millisecond} {
		v := &Viewer{Video: newTrack("video", 90000), Audio: newTrack("audio", 48000)}
		feedVideo(t, v.Video, h264)
		feedAudio(t, v.Audio, opus, late)
		offsets, err := v.LipSync()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v late: %v", late, offsets)
		if len(offsets) < 3 {
			t.Errorf("%d flashes of 4", len(offsets))
		}
		for _, offset := range offsets {
			if (offset - late - priming).Abs() > 5*time.Millisecond {
				t.Errorf("beep %v late is measured as %v", late, offset)
			}
		}
	}
}

func extract(t *testing.T, clip, kind string, options ...string) []byte {
	t.Helper()
	out := clip + kind
	p := proc.Start(t, "ffmpeg", append(append([]string{"-v", "error", "-i", clip}, options...), out)...)
	if err := p.Wait(time.Minute); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// feedVideo puts pictures, 30 a second, into RTP.
func feedVideo(t *testing.T, track *Track, annexB []byte) {
	t.Helper()
	const base, ticks = 1000, 90000 / 30
	track.keep = true
	track.reports.last = rtcp.SenderReport{NTPTime: 7 << 32, RTPTime: base}
	var payloader codecs.H264Payloader
	sequence := uint16(0)
	track.record(&rtp.Packet{Header: rtp.Header{Marker: true}}, time.Now()) // left out by Packets
	for frame, data := range pictures(t, annexB) {
		parts := payloader.Payload(1200, data)
		for i, part := range parts {
			sequence++
			track.record(&rtp.Packet{Payload: part, Header: rtp.Header{
				Marker: i == len(parts)-1, SequenceNumber: sequence, Timestamp: uint32(base + frame*ticks),
			}}, time.Now())
		}
	}
}

// pictures splits a stream in front of the first slice of each picture and
// what belongs to it.
func pictures(t *testing.T, annexB []byte) [][]byte {
	t.Helper()
	reader, err := h264reader.NewReader(bytes.NewReader(annexB))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	var picture []byte
	sliced := false // picture holds a slice
	for {
		nal, err := reader.NextNAL()
		if errors.Is(err, io.EOF) {
			return append(all, picture)
		}
		if err != nil {
			t.Fatal(err)
		}
		slice := nal.UnitType <= h264reader.NalUnitTypeCodedSliceIdr
		first := nal.Data[1]&0x80 != 0 // first_mb_in_slice is 0, ITU-T H.264 §7.3.3
		if sliced && (!slice || first) {
			all, picture, sliced = append(all, picture), nil, false
		}
		picture = append(append(picture, 0, 0, 0, 1), nal.Data...)
		sliced = sliced || slice
	}
}

func feedAudio(t *testing.T, track *Track, ogg []byte, late time.Duration) {
	t.Helper()
	const base, step = 5000, 960
	track.keep = true
	track.reports.last = rtcp.SenderReport{NTPTime: 7 << 32, RTPTime: base}
	reader, header, err := oggreader.NewWith(bytes.NewReader(ogg))
	if err != nil {
		t.Fatal(err)
	}
	// The first packet decodes to what comes before the first sample.
	start := base - uint32(header.PreSkip) + uint32(late*48000/time.Second)
	for sequence := uint32(0); ; {
		page, _, err := reader.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(page, []byte("OpusTags")) {
			continue
		}
		track.record(&rtp.Packet{Payload: page, Header: rtp.Header{
			SequenceNumber: uint16(sequence), Timestamp: start + sequence*step,
		}}, time.Now())
		sequence++
	}
}
