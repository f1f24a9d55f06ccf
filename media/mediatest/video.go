package mediatest

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// VideoStream describes a synthetic H.264 stream. Its zero value is 720p at 30
// frames a second, Constrained Baseline, an IDR every 60 frames, without
// B-frames, one slice a picture. The slice data are made up: it can be
// packetized and parsed, not decoded.
type VideoStream struct {
	FPS      int // frames a second; 0: 30
	GOP      int // frames from one IDR to the next; 0: 60
	Slices   int // in a picture; 0: 1
	IDRSize  int // bytes of slices in an IDR picture; 0: 12000
	Size     int // bytes of slices in another picture; 0: 2000
	BFrames  bool
	Start    time.Duration // DTS of the first access unit
	Epoch    time.Time     // Arrival is Epoch + (DTS − Start)
	Sequence int           // number of the first frame, to go on where another call ended
}

// Video returns n access units of the stream's zero value with an IDR every
// gop frames.
func Video(n, gop int) []*media.AccessUnit {
	return VideoStream{GOP: gop}.AccessUnits(n)
}

// ParameterSets returns new ones that x264 made for 1280x720 at 30 frames a
// second: Constrained Baseline, or High with two reordered frames.
func (s VideoStream) ParameterSets() *media.ParameterSets {
	p := &media.ParameterSets{
		SPS:            [][]byte{{0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xec, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x23, 0xc6, 0x0c, 0xa8}},
		PPS:            [][]byte{{0x68, 0xce, 0x0f, 0xc8}},
		ProfileLevelID: [3]byte{0x42, 0xc0, 0x1f},
		Width:          1280,
		Height:         720,
		FrameRate:      30,
	}
	if s.BFrames {
		p.SPS = [][]byte{{0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60}}
		p.PPS = [][]byte{{0x68, 0xef, 0x8f, 0xcb}}
		p.ProfileLevelID = [3]byte{0x64, 0x00, 0x1f}
		p.ReorderFrames = 2
	}
	return p
}

// AccessUnits returns the next n access units. All share one ParameterSets.
func (s VideoStream) AccessUnits(n int) []*media.AccessUnit {
	s.FPS, s.GOP, s.Slices = or(s.FPS, 30), or(s.GOP, 60), or(s.Slices, 1)
	s.IDRSize, s.Size = or(s.IDRSize, 12000), or(s.Size, 2000)
	sets := s.ParameterSets()
	units := make([]*media.AccessUnit, n)
	for i := range units {
		units[i] = s.accessUnit(s.Sequence+i, sets)
	}
	return units
}

func (s VideoStream) accessUnit(i int, sets *media.ParameterSets) *media.AccessUnit {
	frames := func(n int) time.Duration { return time.Duration(n) * time.Second / time.Duration(s.FPS) }
	au := &media.AccessUnit{
		Codec:         media.H264,
		DTS:           s.Start + frames(i),
		IDR:           i%s.GOP == 0,
		ParameterSets: sets,
		Arrival:       s.Epoch.Add(frames(i)),
	}
	au.PTS = s.Start + frames(i+s.reorder(i%s.GOP))
	header, size := byte(0x41), s.Size
	if au.IDR {
		header, size = 0x65, s.IDRSize
		au.NALUs = append(append(au.NALUs, sets.SPS...), sets.PPS...)
	}
	if s.reorder(i%s.GOP) == 0 && s.BFrames {
		header = 0x01 // nal_ref_idc 0: a B-frame that no other refers to
	}
	for n := range s.Slices {
		au.NALUs = append(au.NALUs, slice(header, n*3600/s.Slices, size/s.Slices, i))
	}
	return au
}

// reorder is PTS − DTS in frames of the n-th frame of a GOP. With B-frames the
// pictures come as I P b b P b b … with the last ones of a GOP in order.
func (s VideoStream) reorder(n int) int {
	switch {
	case !s.BFrames:
		return 0
	case n == 0 || n > (s.GOP-1)/3*3:
		return 1
	case n%3 == 1:
		return 3
	default:
		return 0
	}
}

// slice makes a slice NAL unit of about size bytes: a real header (ITU-T H.264
// §7.3.3: first_mb_in_slice, slice_type, pic_parameter_set_id 0) and data
// without zero bytes, so that nothing needs emulation prevention.
func slice(header byte, firstMB, size, seed int) []byte {
	sliceType := uint32(5) // P
	switch header {
	case 0x65:
		sliceType = 7 // I
	case 0x01:
		sliceType = 6 // B
	}
	w := golomb{bytes: make([]byte, 1, max(size, 8))}
	w.bytes[0] = header
	w.ue(uint32(firstMB))
	w.ue(sliceType)
	w.ue(0)
	for w.free != 0 {
		w.bit(1)
	}
	for i := len(w.bytes); i < size-1; i++ {
		w.bytes = append(w.bytes, byte(0x80|(i*7+seed*13)))
	}
	return append(w.bytes, 0x80) // rbsp_slice_trailing_bits
}

// golomb writes Exp-Golomb codes (ITU-T H.264 §9.1).
type golomb struct {
	bytes []byte
	free  int // unused bits of the last byte
}

func (w *golomb) bit(b uint32) {
	if w.free == 0 {
		w.bytes, w.free = append(w.bytes, 0), 8
	}
	w.free--
	w.bytes[len(w.bytes)-1] |= byte(b << w.free)
}

func (w *golomb) ue(v uint32) {
	length := 0
	for (v+1)>>(length+1) != 0 {
		length++
	}
	for range length {
		w.bit(0)
	}
	for i := length; i >= 0; i-- {
		w.bit((v + 1) >> i & 1)
	}
}

func or(v, standard int) int {
	if v == 0 {
		return standard
	}
	return v
}
