package nut

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const frameLimit = 64 << 10

// TestFFmpeg compares what the Reader finds in ffmpeg's files with what
// ffprobe does.
func TestFFmpeg(t *testing.T) {
	for _, file := range files(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// byte by byte, as a pipe may deliver it
			r := NewReader(iotest.OneByteReader(bytes.NewReader(data)), frameLimit)
			var got []string
			for {
				p, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				key := "_"
				if p.Key {
					key = "K"
				}
				sum := md5.Sum(p.Data)
				got = append(got, fmt.Sprintf("%d,%.6f,%d,%s_,MD5:%s", p.Stream,
					p.PTS.Round(time.Microsecond).Seconds(), len(p.Data), key, hex.EncodeToString(sum[:])))
			}
			want := probe(t, file)
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Fatalf("packet %d of %d, want %d:\n got %v\nwant %v", i, len(got), len(want), got[min(i, len(got)):], want[min(i, len(want)):])
				}
			}
		})
	}
}

func files(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.nut")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	return files
}

func probe(t *testing.T, file string) []string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-show_packets", "-show_data_hash", "md5",
		"-show_entries", "packet=stream_index,pts_time,size,flags,data_hash", "-of", "csv=p=0", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if len(f) < 5 {
			t.Fatalf("ffprobe says %q", line)
		}
		f[3] = strings.TrimRight(f[3], "_") + strings.Repeat("_", 2-len(strings.TrimRight(f[3], "_")))
		lines = append(lines, strings.Join(f[:5], ","))
	}
	return lines
}

// TestStream: the Opus header is there with the first packet.
func TestStream(t *testing.T) {
	data, err := os.ReadFile("testdata/opus.nut")
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(bytes.NewReader(data), frameLimit)
	if s := r.Stream(0); s != nil {
		t.Errorf("a stream before the first packet: %+v", s)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	s := r.Stream(0)
	if s == nil || s.FourCC != "Opus" || !bytes.HasPrefix(s.CodecData, []byte("OpusHead")) {
		t.Errorf("stream %+v", s)
	}
	for _, id := range []int{-1, 1, 7} {
		if s := r.Stream(id); s != nil {
			t.Errorf("stream %d: %+v", id, s)
		}
	}
}

// TestDamage: wherever a file ends, the Reader says so; whatever bit of its
// headers flips, the Reader returns no packet, or all of them because the bit
// made an info packet an unknown one.
func TestDamage(t *testing.T) {
	data, err := os.ReadFile("testdata/opus.nut")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := count(data)
	if !errors.Is(err, io.EOF) || whole < 10 {
		t.Fatalf("%d packets, %v", whole, err)
	}
	for n := range data {
		got, err := count(data[:n])
		if got > whole || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %d packets, %v", n, got, err)
		}
	}
	first := bytes.LastIndex(data[:600], []byte{0x4e, 0x4b, 0xe4, 0xad}) + 8 // behind the syncpoint's startcode
	for i := range 8 * first {
		broken := bytes.Clone(data)
		broken[i/8] ^= 1 << (i % 8)
		if got, err := count(broken); got != 0 && got != whole || err == nil {
			t.Errorf("bit %d of byte %d flipped: %d packets, %v", i%8, i/8, got, err)
		}
	}
}

func count(data []byte) (n int, err error) {
	r := NewReader(bytes.NewReader(data), frameLimit)
	for {
		if _, err = r.Next(); err != nil {
			return n, err
		}
		n++
	}
}

// writer makes NUT streams that ffmpeg does not.
type writer struct{ bytes.Buffer }

func v(x uint64) (b []byte) {
	b = []byte{byte(x & 0x7f)}
	for x >>= 7; x > 0; x >>= 7 {
		b = append([]byte{byte(x&0x7f) | 0x80}, b...)
	}
	return b
}

func s(x int64) []byte {
	if x > 0 {
		return v(uint64(2*x - 1))
	}
	return v(uint64(-2 * x))
}

func sum(b []byte) []byte {
	crc := uint32(0)
	for _, x := range b {
		crc = checksum(crc, x)
	}
	return binary.BigEndian.AppendUint32(nil, crc)
}

func (w *writer) packet(code uint64, fields ...[]byte) {
	payload := bytes.Join(fields, nil)
	head := append(binary.BigEndian.AppendUint64(nil, code), v(uint64(len(payload)+4))...)
	w.Write(head)
	if len(payload)+4 > longPacket {
		w.Write(sum(head))
	}
	w.Write(payload)
	w.Write(sum(payload))
}

// header writes everything before the first frame: all frame codes mean flags,
// streams 0 and 1 count in 1/1000 and 1/3 s.
func (w *writer) header(flags uint64, elision string) {
	w.WriteString(fileID)
	w.packet(mainCode, v(3), v(2), v(32768), v(2), v(1), v(1000), v(1), v(3),
		v(flags|flagCoded), v(9), s(5), v(10), v(0), v(3), v(1), v(255), s(0), v(1), v(77), // 9 fields: one unknown
		v(1), v(uint64(len(elision))), []byte(elision))
	for id := range uint64(2) {
		w.packet(streamCode, v(id), v(1), v(4), []byte("Opus"), v(id), v(7), v(1000), v(0), v(0), v(0), v(48000), v(1), v(2))
	}
}

func (w *writer) sync(base int, pts uint64) { w.packet(syncCode, v(2*pts+uint64(base)), v(0)) }

// TestSyntax: what the format allows and ffmpeg does not write, or seldom.
func TestSyntax(t *testing.T) {
	var w writer
	w.header(flagKey, "abc")
	w.packet(infoCode, make([]byte, 5000)) // long enough for a checksum of its size
	w.packet(0x4e00112233445566, []byte("of a later version"))
	w.sync(1, 2) // 2/3 s: 666 in stream 0
	frame := func(code byte, flags uint64, fields ...[]byte) {
		head := append([]byte{code}, v(flags)...)
		head = append(head, bytes.Join(fields, nil)...)
		w.Write(head)
		if flags&flagChecksum != 0 {
			w.Write(sum(head))
		}
	}
	frame(0, 0, v(0)) // reserved field; data_size_lsb 3, all of it elided
	frame('N'+1, flagCodedPTS|flagChecksum, v(671&127), v(0))
	w.Write(make([]byte, 'N'))
	frame(7, flagCodedPTS|flagStreamID|flagSizeMSB|flagHeader|flagMatch|flagReserved, v(1), v(128+9), v(2), s(-4), v(0), v(2), v(1), v(1))
	w.WriteString("thirty bytes of sound, no more")
	frame(8, flagSizeMSB, v(410), v(0)) // too long for elision
	w.Write(make([]byte, 4111))
	w.header(flagKey, "xyz") // repeated, without a syncpoint after it
	frame(0, 0, v(0))
	frame(0, flagEOR|flagHeader, v(0), v(0)) // three bytes that end the stream
	w.WriteString("end")

	want := []Packet{
		{0, 671 * time.Millisecond, true, []byte("abc")},
		{0, 671 * time.Millisecond, true, append([]byte("abc"), make([]byte, 'N')...)},
		{1, 3 * time.Second, true, []byte("thirty bytes of sound, no more")},
		{0, 676 * time.Millisecond, true, make([]byte, 4111)},
		{0, 681 * time.Millisecond, true, []byte("xyz")},
	}
	// the repetition has no file id in front of it
	data := bytes.Replace(w.Bytes()[1:], []byte(fileID), nil, 1)
	data = append([]byte("n"), data...)
	r := NewReader(bytes.NewReader(data), frameLimit)
	for i, p := range want {
		got, err := r.Next()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if got.Stream != p.Stream || got.PTS != p.PTS || got.Key != p.Key || !bytes.Equal(got.Data, p.Data) {
			t.Errorf("packet %d: got %d %v %v %q, want %d %v %v %q", i, got.Stream, got.PTS, got.Key, got.Data, p.Stream, p.PTS, p.Key, p.Data)
		}
	}
	if p, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, %v at the end", p, err)
	}
}

// TestRefusals: what is against the format or above a limit.
func TestRefusals(t *testing.T) {
	valid := func(w *writer) { w.header(0, ""); w.sync(0, 0) }
	for _, c := range []struct {
		name  string
		write func(*writer)
		want  string
	}{
		{"not NUT", func(w *writer) { w.WriteString("OggS") }, "not a NUT stream"},
		{"frame first", func(w *writer) { w.WriteString(fileID + "x") }, "no main header"},
		{"stream header first", func(w *writer) { w.WriteString(fileID); w.packet(streamCode, v(0)) }, "no main header"},
		{"version", func(w *writer) { w.WriteString(fileID); w.packet(mainCode, v(99)) }, "version 99"},
		{"streams", func(w *writer) { w.WriteString(fileID); w.packet(mainCode, v(3), v(9)) }, "stream count is 9, limit 8"},
		{"time base", func(w *writer) {
			w.WriteString(fileID)
			w.packet(mainCode, v(3), v(1), v(1), v(1), v(0), v(1))
		}, "time base 0/1"},
		{"no frame codes", func(w *writer) {
			w.WriteString(fileID)
			w.packet(mainCode, v(3), v(1), v(1), v(1), v(1), v(1), v(0), v(6), s(0), v(1), v(0), v(0), v(0), v(0))
		}, "run of 0 frame codes"},
		{"long packet", func(w *writer) {
			w.WriteString(fileID)
			w.Write(binary.BigEndian.AppendUint64(nil, infoCode))
			w.Write(v(maxPacket + 1))
		}, "packet size is 65537, limit 65536"},
		{"long number", func(w *writer) {
			w.WriteString(fileID)
			w.Write(binary.BigEndian.AppendUint64(nil, infoCode))
			w.Write(bytes.Repeat([]byte{0xff}, 12))
		}, "number longer than 64 bits"},
		{"unknown stream", func(w *writer) { valid(w); w.Write(append([]byte{0}, v(flagStreamID)...)); w.Write(v(5)) }, "no header of stream 5"},
		{"N is no frame code", func(w *writer) { valid(w); w.WriteString("NNNNNNNN\x05\x01\x00\x00\x00\x00") }, "wrong checksum"},
		{"side data", func(w *writer) { valid(w); w.Write(append([]byte{0}, v(flagSideData)...)) }, "invalid flags"},
		{"long frame", func(w *writer) {
			valid(w)
			w.Write(append([]byte{0}, v(flagSizeMSB)...))
			w.Write(v(7000))
			w.Write(v(0))
		}, "70003 bytes, limit 65536"},
		{"size overflow", func(w *writer) {
			valid(w)
			w.Write(append([]byte{0}, v(flagSizeMSB)...))
			w.Write(v(1 << 60))
		}, "data_size_msb is 1152921504606846976, limit 65536"},
		{"frame checksum", func(w *writer) {
			valid(w)
			w.Write(append([]byte{0}, v(flagChecksum)...))
			w.Write(append(v(0), 1, 2, 3, 4))
		}, "wrong checksum"},
		{"elision", func(w *writer) {
			valid(w)
			w.Write(append([]byte{0}, v(flagHeader)...))
			w.Write(v(2))
			w.Write(v(0))
		}, "elision header 2 of 2"},
		{"other streams", func(w *writer) {
			valid(w)
			w.packet(mainCode, v(3), v(1), v(1), v(1), v(1), v(1), v(0), v(2), s(0), v(256), v(0), v(0))
		}, "stream count changed from 2 to 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w writer
			c.write(&w)
			if n, err := count(w.Bytes()); n != 0 || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d packets, error %v, want %q", n, err, c.want)
			}
		})
	}
}

// FuzzReader: whatever comes in, the Reader ends with an error, and no frame
// is longer than the limit.
func FuzzReader(f *testing.F) {
	for _, file := range files(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data), 4096)
		for range len(data) + 1 { // each packet takes a byte at least
			p, err := r.Next()
			if err != nil {
				return
			}
			if len(p.Data) > 4096+maxElision || r.Stream(p.Stream) == nil {
				t.Fatalf("packet of %d bytes of stream %d", len(p.Data), p.Stream)
			}
		}
		t.Fatal("more packets than bytes")
	})
}

// FuzzPackets: the same, with checksums that are right, so that the headers
// are reached.
func FuzzPackets(f *testing.F) {
	for _, file := range files(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		main, rest := cutPacket(data, mainCode)
		stream, rest := cutPacket(rest, streamCode)
		sync, rest := cutPacket(rest, syncCode)
		f.Add(main, stream, sync, rest)
	}
	f.Fuzz(func(_ *testing.T, main, stream, sync, frames []byte) {
		var w writer
		w.WriteString(fileID)
		w.packet(mainCode, main)
		w.packet(streamCode, stream)
		w.packet(syncCode, sync)
		w.Write(frames)
		_, _ = count(w.Bytes())
	})
}

// cutPacket returns the payload of the first packet with a startcode, and what
// follows it.
func cutPacket(b []byte, code uint64) (payload, rest []byte) {
	_, b, _ = bytes.Cut(b, binary.BigEndian.AppendUint64(nil, code))
	f := &fields{r: bytes.NewReader(b)}
	n := int(f.v())
	b = b[len(v(uint64(n))):]
	return b[:n-4], b[n:]
}
