package depacketize

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media/mediatest"
)

// flvTag is a tag of an FLV file: what an RTMP message carries.
type flvTag struct {
	kind      byte // 8 audio, 9 video, 18 data
	timestamp uint32
	body      []byte
}

const (
	flvAudio = 8
	flvVideo = 9
)

// readFLV reads an FLV file (Adobe Flash Video File Format 10.1, annex E).
func readFLV(t testing.TB, file []byte) (tags []flvTag) {
	t.Helper()
	if len(file) < 13 || !bytes.HasPrefix(file, []byte("FLV")) {
		t.Fatalf("no FLV file of %d bytes", len(file))
	}
	for b := file[13:]; len(b) > 0; {
		if len(b) < 11 {
			t.Fatalf("FLV tag header of %d bytes", len(b))
		}
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if len(b) < 11+size+4 {
			t.Fatalf("FLV tag of %d bytes where %d are left", size, len(b))
		}
		low := binary.BigEndian.Uint32(b[4:]) >> 8
		tags = append(tags, flvTag{b[0] & 0x1f, uint32(b[7])<<24 | low, b[11 : 11+size]})
		b = b[11+size+4:]
	}
	return tags
}

// demux runs tags through a Demuxer, each arriving at its time.
func demux(t *testing.T, tags []flvTag) (*mediatest.Recorder, *Demuxer) {
	t.Helper()
	r := mediatest.NewRecorder(t)
	d := NewDemuxer(r)
	epoch := time.Unix(1, 0)
	for _, tag := range tags {
		arrival := epoch.Add(time.Duration(tag.timestamp) * time.Millisecond)
		var err error
		switch tag.kind {
		case flvVideo:
			err = d.Video(tag.timestamp, tag.body, arrival)
		case flvAudio:
			err = d.Audio(tag.timestamp, tag.body, arrival)
		}
		if err != nil {
			t.Fatalf("tag type %d at %d ms: %v", tag.kind, tag.timestamp, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return r, d
}
