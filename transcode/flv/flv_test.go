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
		{"MP3", AppendMP3(nil, 1000, []byte{0xff, 0xfb, 1}), "08 000004 0003e8 00 000000 2f fffb01 0000000f"},
		{"video header", AppendVideoHeader(nil), "464c5601 01 00000009 00000000"},
		{
			"video config", AppendVideoConfig(nil, 1000, [][]byte{{0x67, 0x64, 0, 0x1f}}, [][]byte{{0x68, 0xee}}),
			"09 000016 0003e8 00 000000 17 00 000000 01 64001f ff e1 0004 6764001f 01 0002 68ee 00000021",
		},
		{"IDR", AppendPicture(nil, 0xfedcba98, 8, true, [][]byte{{0x65}, {1, 2}}), "09 000010 dcba98 fe 000000 17 01 000008 00000001 65 00000002 0102 0000001b"},
		{"picture", AppendPicture(nil, 1000, -2, false, [][]byte{{0x41, 0x9a}}), "09 00000b 0003e8 00 000000 27 01 fffffe 00000002 419a 00000016"},
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
