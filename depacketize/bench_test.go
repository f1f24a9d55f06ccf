package depacketize

import (
	"bytes"
	"testing"
	"time"

	"github.com/sluice-media/sluice/media"
)

// discard is a media.Writer that keeps nothing.
type discard struct{}

func (discard) WriteVideo(*media.AccessUnit) error { return nil }
func (discard) WriteAudio(*media.AudioFrame) error { return nil }
func (discard) Close() error                       { return nil }

func BenchmarkVideo(b *testing.B) {
	big := func(header byte, size int) []byte {
		return append([]byte{0, 0, byte(size >> 8), byte(size), header}, bytes.Repeat([]byte{0xaa}, size-1)...)
	}
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"slice", append([]byte{0x27, 1, 0, 0, 0}, big(0x41, 2000)...)},
		{"8 slices", append([]byte{0x27, 1, 0, 0, 0}, bytes.Repeat(big(0x41, 250), 8)...)},
		{"IDR", append([]byte{0x17, 1, 0, 0, 0}, big(0x65, 40000)...)},
		{"IDR with parameter sets", append(unit("09f0", spsA, ppsA), big(0x65, 40000)...)},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := NewDemuxer(discard{})
			now := time.Unix(0, 0)
			_ = d.Video(0, record(4, spsA, ppsA), now)
			_ = d.Video(0, unit("65"), now)
			b.ReportAllocs()
			for i := range b.N {
				if err := d.Video(uint32(i)*33, c.body, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAudio(b *testing.B) {
	d := NewDemuxer(discard{})
	now := time.Unix(0, 0)
	_ = d.Audio(0, []byte("\xaf\x00\x11\x90\x56\xe5\x00"), now)
	body := append([]byte("\xaf\x01"), make([]byte, 340)...)
	b.ReportAllocs()
	for i := range b.N {
		if err := d.Audio(uint32(i)*21, body, now); err != nil {
			b.Fatal(err)
		}
	}
}
