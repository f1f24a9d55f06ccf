package depacketize

// avcConfig is what an AVCDecoderConfigurationRecord says. Profile and level
// are also in the SPS, which is the truth.
type avcConfig struct {
	lengthSize int      // bytes in front of each NAL unit: 1, 2 or 4
	sets       [][]byte // SPS, then PPS
}

// parseAVCConfig reads an AVCDecoderConfigurationRecord. What follows the PPS
// (the fields of the High profiles, which some muxers leave out or get wrong,
// and junk) is not read. There may be no parameter sets: then they come in
// band, as in an avc3 track.
//
// Specification: ISO/IEC 14496-15 §5.3.3.1.2.
func parseAVCConfig(b []byte) (avcConfig, error) {
	if len(b) < 6 {
		return avcConfig{}, corrupt("AVC configuration of %d bytes", len(b))
	}
	if b[0] != 1 {
		return avcConfig{}, corrupt("AVC configuration version %d", b[0])
	}
	c := avcConfig{lengthSize: int(b[4]&3) + 1}
	if c.lengthSize == 3 {
		return avcConfig{}, corrupt("AVC configuration with NAL unit lengths of 3 bytes")
	}
	rest, err := c.cutSets(b[6:], int(b[5]&0x1f), naluSPS)
	if err != nil {
		return avcConfig{}, err
	}
	if len(rest) < 1 {
		return avcConfig{}, corrupt("AVC configuration ends before the PPS")
	}
	_, err = c.cutSets(rest[1:], int(rest[0]), naluPPS)
	return c, err
}

// cutSets reads n parameter sets of a NAL unit type, each behind its length in
// two bytes, and returns what follows.
func (c *avcConfig) cutSets(b []byte, n int, want byte) ([]byte, error) {
	for range n {
		set, rest, err := cutNALU(b, 2)
		if err != nil {
			return nil, err
		}
		if len(set) == 0 || naluType(set) != want {
			return nil, corrupt("AVC configuration with something else in place of parameter set type %d", want)
		}
		c.sets, b = append(c.sets, set), rest
	}
	return b, nil
}
