package flv

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"header", AppendHeader(nil), "464c5601 04 00000009 00000000"},
		{"config", AppendConfig(nil, 1000, []byte{0x11, 0x90}), "08 000004 0003e8 00 000000 af 00 1190 0000000f"},
		{"frame", AppendFrame([]byte{0xee}, 0xfedcba98, []byte("sound")), "ee 08 000007 dcba98 fe 000000 af 01 736f756e64 00000012"},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(c.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(c.got, want) {
			t.Errorf("%s: got %x, want %x", c.name, c.got, want)
		}
	}
	if n := len(AppendFrame(nil, 0, make([]byte, 70000))); n != 70000+TagOverhead {
		t.Errorf("a frame of 70000 bytes took %d, overhead %d", n, TagOverhead)
	}
}
