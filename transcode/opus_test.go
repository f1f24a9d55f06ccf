package transcode

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// ogg puts Opus packets into an Ogg stream, a packet a page (RFC 3533,
// RFC 7845), with a pre-skip of 0: every decoded sample counts.
func ogg(packets [][]byte) []byte {
	var b []byte
	sequence := uint32(0)
	page := func(flags byte, granule uint64, data []byte) {
		start := len(b)
		b = append(b, "OggS\x00"...)
		b = append(b, flags)
		b = binary.LittleEndian.AppendUint64(b, granule)
		b = binary.LittleEndian.AppendUint32(b, 1) // serial number
		b = binary.LittleEndian.AppendUint32(b, sequence)
		b = append(b, 0, 0, 0, 0, byte(len(data)/255+1))
		for n := len(data); n >= 0; n -= 255 {
			b = append(b, byte(min(n, 255)))
		}
		b = append(b, data...)
		binary.LittleEndian.PutUint32(b[start+22:], oggCRC(b[start:]))
		sequence++
	}
	page(2, 0, []byte("OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"))
	page(0, 0, []byte("OpusTags\x00\x00\x00\x00\x00\x00\x00\x00"))
	for i, p := range packets {
		page(0, uint64(960*(i+1)), p)
	}
	return b
}

func oggCRC(b []byte) (crc uint32) {
	for _, x := range b {
		crc ^= uint32(x) << 24
		for range 8 {
			top := crc >> 31
			crc = crc<<1 ^ top*0x04c11db7
		}
	}
	return crc
}

// decodeOpus returns the samples of frames without a hole, mixed to mono.
func decodeOpus(t testing.TB, frames []*media.AudioFrame) []float32 {
	t.Helper()
	packets := make([][]byte, len(frames))
	for i, f := range frames {
		packets[i] = f.Data
	}
	return floats(run(t, ogg(packets), "-f", "ogg", "-i", "-", "-ac", "1", "-f", "f32le", "-"))
}

// decodeSource returns the samples of frames, mixed to mono, at 48 kHz.
func decodeSource(t testing.TB, frames []*media.AudioFrame) []float32 {
	t.Helper()
	if frames[0].Codec == media.MP3 {
		var stream []byte
		for _, f := range frames {
			stream = append(stream, f.Data...)
		}
		return floats(run(t, stream, "-f", "mp3", "-i", "-", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"))
	}
	return floats(run(t, adts(frames), "-f", "aac", "-i", "-", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"))
}

func floats(b []byte) []float32 {
	s := make([]float32, len(b)/4)
	for i := range s {
		s[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return s
}

// lag returns by how many samples b, which should begin at index from of a,
// is late, and how alike they are there (1: the same).
func lag(a, b []float32, from, reach int) (late int, likeness float64) {
	for l := -reach; l <= reach; l++ {
		var ab, aa, bb float64
		for i := 0; i < len(b); i++ {
			k := from + i - l
			if k < 0 || k >= len(a) {
				continue
			}
			x, y := float64(a[k]), float64(b[i])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		if c := ab / math.Sqrt(aa*bb+1e-12); c > likeness {
			late, likeness = l, c
		}
	}
	return late, likeness
}

// checkOpus looks at every packet: a valid one of a single 20 ms frame, stereo
// (RFC 6716 §3.1), at the time that the one before it leads to. Holes are
// where the time goes on later; it returns their lengths.
func checkOpus(t testing.TB, frames []*media.AudioFrame) (holes []time.Duration) {
	t.Helper()
	for i, f := range frames {
		if f.Codec != media.Opus || f.Duration != 20*time.Millisecond || f.Config.SampleRate != 48000 || f.Config.Channels != 2 || f.Config.FrameSamples != 960 {
			t.Fatalf("packet %d: %v %v %+v", i, f.Codec, f.Duration, f.Config)
		}
		if f.Config != frames[0].Config {
			t.Errorf("packet %d has another config pointer", i)
		}
		toc := f.Data[0]
		if toc>>3 < 16 || toc>>3&3 != 3 || toc&4 == 0 || toc&3 != 0 {
			t.Fatalf("packet %d: TOC %#x, want CELT, 20 ms, stereo, one frame", i, toc)
		}
		if f.Arrival.IsZero() {
			t.Errorf("packet %d has no arrival time", i)
		}
		if i == 0 {
			continue
		}
		switch step := f.PTS - frames[i-1].PTS - 20*time.Millisecond; {
		case step < 0:
			t.Errorf("packet %d: overlaps the one before by %v", i, -step)
		case step > 0:
			holes = append(holes, step)
		}
	}
	return holes
}
