package depacketize

import (
	"github.com/sluice-media/sluice/media"
)

// vp9Stream turns the VP9 packets of a publication into frames.
type vp9Stream struct {
	sets   *media.ParameterSets // of the last key frame; nil: none came yet
	synced bool                 // a key frame was emitted and nothing was lost since
}

// configure takes a VPCodecConfigurationRecord. It says nothing that key frames
// do not say.
func (s *vp9Stream) configure([]byte) error { return nil }

// accessUnit implements videoStream.
func (s *vp9Stream) accessUnit(data []byte) (*media.AccessUnit, error) {
	if len(data) == 0 {
		return nil, nil
	}
	h, err := parseVP9Header(data)
	if err != nil {
		return nil, err
	}
	if h.key {
		s.synced = true
		next := media.ParameterSets{Profile: h.profile, Width: h.width, Height: h.height, BitDepth: h.bitDepth}
		if p := s.sets; p == nil || p.Profile != next.Profile || p.Width != next.Width ||
			p.Height != next.Height || p.BitDepth != next.BitDepth {
			s.sets = &next
		}
	}
	if !s.synced {
		return nil, nil
	}
	return &media.AccessUnit{Codec: media.VP9, NALUs: [][]byte{data}, IDR: h.key, ParameterSets: s.sets}, nil
}

func (s *vp9Stream) lose() { s.synced = false }

// vp9Header is what Sluice wants to know from a frame's header.
type vp9Header struct {
	key           bool
	profile       uint8
	bitDepth      int // key frames only, as the following
	width, height int // pixels
}

// parseVP9Header reads the beginning of an uncompressed header: of a superframe,
// that of its first frame.
//
// Specification: VP9 Bitstream & Decoding Process §6.2 (uncompressed_header).
func parseVP9Header(data []byte) (vp9Header, error) {
	const syncCode = 0x498342
	r := &bitReader{data: data}
	if r.u(2) != 2 {
		r.fail("VP9 frame without the frame marker")
	}
	low, high := r.u(1), r.u(1)
	h := vp9Header{profile: uint8(high<<1 | low)}
	if h.profile == 3 {
		r.skip(1) // reserved_zero
	}
	if r.flag() { // show_existing_frame
		return h, r.err
	}
	if h.key = r.u(1) == 0; !h.key {
		return h, r.err
	}
	r.skip(2) // show_frame, error_resilient_mode
	if r.u(24) != syncCode {
		r.fail("VP9 key frame without the sync code")
	}
	h.readColor(r)
	h.width, h.height = int(r.u(16))+1, int(r.u(16))+1
	return h, r.err
}

// readColor reads color_config (§6.2.2).
func (h *vp9Header) readColor(r *bitReader) {
	const rgb = 7
	h.bitDepth = 8
	if h.profile >= 2 {
		h.bitDepth = 10 + 2*int(r.u(1))
	}
	subsampled := h.profile == 1 || h.profile == 3
	switch space := r.u(3); {
	case space != rgb && subsampled:
		r.skip(1 + 3) // color_range, subsampling, reserved_zero
	case space != rgb:
		r.skip(1)
	case subsampled:
		r.skip(1)
	}
}
