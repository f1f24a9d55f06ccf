package depacketize

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"
)

type avcConfigCase struct {
	name   string
	record []byte
	want   avcConfig
	err    bool
}

func avcConfigCases() []avcConfigCase {
	sps, pps := []byte{0x67, 0x42, 0xc0, 0x1f, 0xda}, []byte{0x68, 0xce}
	sps2, pps2 := []byte{0x67, 0x64, 0, 0x1f}, []byte{0x68, 0xee}
	record := func(lengths, count byte, rest ...[]byte) []byte {
		return append([]byte{1, 0x42, 0xc0, 0x1f, 0xfc | lengths, 0xe0 | count}, slices.Concat(rest...)...)
	}
	one := slices.Concat([]byte{0, 5}, sps, []byte{1, 0, 2}, pps)
	return []avcConfigCase{
		{"usual", record(3, 1, one), avcConfig{4, [][]byte{sps, pps}}, false},
		{"lengths of 2", record(1, 1, one), avcConfig{2, [][]byte{sps, pps}}, false},
		{"lengths of 1", record(0, 1, one), avcConfig{1, [][]byte{sps, pps}}, false},
		{"High profile extension", record(3, 1, one, []byte{0xfd, 0xf8, 0xf8, 0}), avcConfig{4, [][]byte{sps, pps}}, false},
		{"junk behind", record(3, 1, one, []byte("junk")), avcConfig{4, [][]byte{sps, pps}}, false},
		{"reserved bits are 0", append([]byte{1, 0x42, 0xc0, 0x1f, 3, 1}, one...), avcConfig{4, [][]byte{sps, pps}}, false},
		{"several", record(3, 2, []byte{0, 5}, sps, []byte{0, 4}, sps2, []byte{2, 0, 2}, pps, []byte{0, 2}, pps2), avcConfig{4, [][]byte{sps, sps2, pps, pps2}}, false},
		{"none", record(3, 0, []byte{0}), avcConfig{lengthSize: 4}, false},
		{"empty", nil, avcConfig{}, true},
		{"lengths of 3", record(2, 1, one), avcConfig{}, true},
		{"version 0", append([]byte{0}, record(3, 1, one)[1:]...), avcConfig{}, true},
		{"no SPS where one is announced", record(3, 1), avcConfig{}, true},
		{"no PPS count", record(3, 1, one[:7]), avcConfig{}, true},
		{"PPS cut short", record(3, 1, one[:len(one)-1]), avcConfig{}, true},
		{"SPS too long", record(3, 1, []byte{0xff, 0xff}, sps), avcConfig{}, true},
		{"empty SPS", record(3, 1, []byte{0, 0, 0}), avcConfig{}, true},
		{"PPS in place of the SPS", record(3, 1, []byte{0, 2}, pps, []byte{0}), avcConfig{}, true},
		{"forbidden bit", record(3, 1, []byte{0, 1, 0xe7, 0}), avcConfig{}, true},
	}
}

func TestAVCConfig(t *testing.T) {
	for _, c := range avcConfigCases() {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseAVCConfig(c.record)
			if c.err != errors.Is(err, ErrCorrupt) || c.err != (err != nil) {
				t.Fatalf("error %v, want one: %v", err, c.err)
			}
			if err == nil && !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzAVCConfig(f *testing.F) {
	for _, c := range avcConfigCases() {
		f.Add(c.record)
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		c, err := parseAVCConfig(record)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error %v is not ErrCorrupt", err)
			}
			return
		}
		if c.lengthSize != 1 && c.lengthSize != 2 && c.lengthSize != 4 {
			t.Errorf("lengths of %d bytes", c.lengthSize)
		}
		for _, s := range c.sets {
			if len(s) == 0 || !bytes.Contains(record, s) {
				t.Errorf("parameter set %x is not in the record", s)
			}
		}
		// What it says must not upset the stream either.
		var s avcStream
		if err := s.configure(record); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("error %v is not ErrCorrupt", err)
		}
	})
}
