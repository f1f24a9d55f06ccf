package depacketize

import (
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/media/mediatest"
)

// messages cuts fuzz input into messages: timestamp, size, body.
func messages(data []byte, do func(timestamp uint32, body []byte)) {
	for len(data) >= 6 {
		timestamp, size := binary.BigEndian.Uint32(data), int(binary.BigEndian.Uint16(data[4:]))
		data = data[6:]
		size = min(size, len(data))
		do(timestamp, data[:size:size])
		data = data[size:]
	}
}

// asInput is the reverse of messages.
func asInput(bodies ...[]byte) (data []byte) {
	for i, b := range bodies {
		data = binary.BigEndian.AppendUint32(data, uint32(i)*40)
		data = binary.BigEndian.AppendUint16(data, uint16(len(b)))
		data = append(data, b...)
	}
	return data
}

// FuzzVideo feeds a Demuxer with any messages. The Recorder checks what comes
// out.
func FuzzVideo(f *testing.F) {
	for _, c := range videoTagCases() {
		f.Add(asInput(record(4, spsA, ppsA), unit("65"), []byte(c.body), unit("41")))
	}
	f.Add(asInput(record(4, spsA, ppsA, pps1), unit("09f0", spsB, ppsB, "0600", "65"), unit("0c", "41", pps1), record(2), unit("65")))
	for _, c := range avcConfigCases() {
		f.Add(asInput(append([]byte{0x17, 0, 0, 0, 0}, c.record...), unit("65")))
	}
	for _, bodies := range enhancedSeeds(f, flvVideo) {
		f.Add(asInput(bodies...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := mediatest.NewRecorder(t)
		d := NewDemuxer(r)
		arrival := time.Unix(0, 0)
		messages(data, func(timestamp uint32, body []byte) {
			n := len(r.Video())
			err := d.Video(timestamp, body, arrival)
			if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupportedCodec) {
				t.Errorf("error %v is neither ErrCorrupt nor ErrUnsupportedCodec", err)
			}
			for _, au := range r.Video()[n:] {
				if size := sampleSize(au); au.Codec == media.H264 && size > len(body)*4 {
					t.Errorf("%d bytes out of a body of %d", size, len(body))
				}
			}
			if err != nil && len(r.Video()) > n {
				t.Errorf("an access unit and an error: %v", err)
			}
			arrival = arrival.Add(40 * time.Millisecond)
		})
		_ = r.Close()
	})
}

// FuzzAudio does the same for audio.
func FuzzAudio(f *testing.F) {
	for _, c := range audioTagCases() {
		f.Add(asInput([]byte("\xaf\x00\x11\x90"), []byte("\xaf\x01data"), []byte(c.body), []byte("\xaf\x01data")))
	}
	for _, c := range ascCases(f) {
		f.Add(asInput(append([]byte("\xaf\x00"), c.asc...), []byte("\xaf\x01data")))
	}
	for _, bodies := range enhancedSeeds(f, flvAudio) {
		f.Add(asInput(bodies...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := mediatest.NewRecorder(t)
		d := NewDemuxer(r)
		arrival := time.Unix(0, 0)
		messages(data, func(timestamp uint32, body []byte) {
			if err := d.Audio(timestamp, body, arrival); err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupportedCodec) {
				t.Errorf("error %v is neither ErrCorrupt nor ErrUnsupportedCodec", err)
			}
			arrival = arrival.Add(20 * time.Millisecond)
		})
		_ = r.Close()
	})
}

// enhancedSeeds are the messages of one kind in each recorded file.
func enhancedSeeds(f *testing.F, kind byte) (list [][][]byte) {
	for _, name := range []string{"hevc", "av1", "vp9"} {
		file, err := os.ReadFile("testdata/" + name + ".flv")
		if err != nil {
			f.Fatal(err)
		}
		var bodies [][]byte
		for _, tag := range readFLV(f, file) {
			if tag.kind == kind {
				bodies = append(bodies, tag.body)
			}
		}
		list = append(list, bodies)
	}
	return list
}
