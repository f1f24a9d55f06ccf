package mediatest

import (
	"fmt"
	"hash/maphash"

	"github.com/sluice-media/sluice/media"
)

// checkVideo says what is wrong with an access unit that follows last, which
// is nil for the first one.
func checkVideo(au, last *media.AccessUnit) (problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if au.Codec == 0 {
		complain("no codec")
	}
	if au.PTS < au.DTS {
		complain("PTS %v is before DTS %v", au.PTS, au.DTS)
	}
	if last != nil && au.DTS <= last.DTS {
		complain("DTS %v is not after the last one, %v", au.DTS, last.DTS)
	}
	if au.ParameterSets == nil {
		complain("no parameter sets")
	}
	if len(au.NALUs) == 0 {
		complain("no NAL unit")
	}
	if au.Codec == media.H264 {
		problems = append(problems, checkNALUs(au)...)
	}
	return problems
}

// checkNALUs says what is wrong with the NAL units of an H.264 access unit
// (their types: ITU-T H.264 table 7-1).
func checkNALUs(au *media.AccessUnit) (problems []string) {
	var types []byte
	idr := false
	for i, n := range au.NALUs {
		if len(n) == 0 {
			return append(problems, fmt.Sprintf("NAL unit %d is empty", i))
		}
		t := n[0] & 0x1f
		types = append(types, t)
		idr = idr || t == 5
		if t == 9 || t == 12 {
			problems = append(problems, fmt.Sprintf("NAL unit %d is an access unit delimiter or filler data", i))
		}
	}
	if idr != au.IDR {
		problems = append(problems, fmt.Sprintf("IDR is %v with NAL unit types %v", au.IDR, types))
	}
	if au.IDR && types[0] != 7 {
		problems = append(problems, fmt.Sprintf("an IDR access unit does not begin with an SPS: NAL unit types %v", types))
	}
	return problems
}

// checkAudio says what is wrong with an audio frame that follows last, which
// is nil for the first one.
func checkAudio(f, last *media.AudioFrame) (problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if f.Codec == 0 {
		complain("no codec")
	}
	if len(f.Data) == 0 {
		complain("no data")
	}
	if f.Duration <= 0 {
		complain("duration %v", f.Duration)
	}
	if f.Config == nil {
		complain("no config")
	}
	if last != nil && f.PTS <= last.PTS {
		complain("PTS %v is not after the last one, %v", f.PTS, last.PTS)
	}
	return problems
}

// sealed remembers the bytes of a frame, to find later changes.
type sealed struct {
	name   string
	chunks [][]byte
	seed   maphash.Seed
	sum    uint64
}

func seal(name string, chunks ...[]byte) sealed {
	s := sealed{name: name, chunks: append([][]byte(nil), chunks...), seed: maphash.MakeSeed()}
	s.sum = s.hash()
	return s
}

func (s *sealed) broken() bool { return s.hash() != s.sum }

func (s *sealed) hash() uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, c := range s.chunks {
		_, _ = h.Write(c)
	}
	return h.Sum64()
}
