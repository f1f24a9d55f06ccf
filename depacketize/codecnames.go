package depacketize

import (
	"cmp"
	"fmt"
)

// fourCC is the codec name of Enhanced RTMP: four characters.
type fourCC uint32

// The ones that are served.
const (
	fourCCAVC  fourCC = 'a'<<24 | 'v'<<16 | 'c'<<8 | '1'
	fourCCHEVC fourCC = 'h'<<24 | 'v'<<16 | 'c'<<8 | '1'
	fourCCAV1  fourCC = 'a'<<24 | 'v'<<16 | '0'<<8 | '1'
	fourCCVP9  fourCC = 'v'<<24 | 'p'<<16 | '0'<<8 | '9'
	fourCCAAC  fourCC = 'm'<<24 | 'p'<<16 | '4'<<8 | 'a'
	fourCCMP3  fourCC = '.'<<24 | 'm'<<16 | 'p'<<8 | '3'
	fourCCOpus fourCC = 'O'<<24 | 'p'<<16 | 'u'<<8 | 's'
)

// VideoFourCCs and AudioFourCCs return the codecs of Enhanced RTMP that are
// served, as connect's answer has them.
func VideoFourCCs() []string {
	return []string{fourCCAVC.String(), fourCCHEVC.String(), fourCCAV1.String(), fourCCVP9.String()}
}

// AudioFourCCs is VideoFourCCs for sound.
func AudioFourCCs() []string {
	return []string{fourCCAAC.String(), fourCCMP3.String(), fourCCOpus.String()}
}

func (f fourCC) String() string {
	return string([]byte{byte(f >> 24), byte(f >> 16), byte(f >> 8), byte(f)})
}

// name returns what people call the codec, and its FourCC.
func (f fourCC) name() string {
	if n := f.known(); n != "" {
		return fmt.Sprintf("%s (%s)", n, f)
	}
	return f.common()
}

// common returns what people call the codec, or its FourCC.
func (f fourCC) common() string { return cmp.Or(f.known(), fmt.Sprintf("FourCC %q", f)) }

// known returns what people call the codec; empty: we do not know.
func (f fourCC) known() string {
	names := map[string]string{
		"avc1": "H.264", "hvc1": "H.265", "vvc1": "H.266", "av01": "AV1", "vp08": "VP8", "vp09": "VP9",
		"mp4a": "AAC", "Opus": "Opus", ".mp3": "MP3", "ac-3": "AC-3", "ec-3": "E-AC-3", "fLaC": "FLAC",
	}
	return names[f.String()]
}

// videoCodecName names an FLV video codec id. 8 and 9 (On2 VP8, VP9) and 12 to
// 14 are no part of the specification, but are sent by vendors' builds of
// ffmpeg and OBS.
func videoCodecName(id byte) string {
	names := [16]string{
		1: "JPEG", 2: "Sorenson H.263", 3: "Screen Video", 4: "VP6", 5: "VP6 with alpha", 6: "Screen Video 2", 7: "H.264",
		8: "VP8", 9: "VP9", 12: "H.265 (codec id 12)", 13: "AV1 (codec id 13)", 14: "H.266 (codec id 14)",
	}
	if n := names[id&0x0f]; n != "" {
		return n
	}
	return fmt.Sprintf("FLV video codec id %d", id)
}

// audioCodecName names an FLV sound format. 13 is no part of the
// specification, but sent by vendors' builds of ffmpeg.
func audioCodecName(format byte) string {
	names := [16]string{
		"PCM", "ADPCM", "MP3", "PCM", "Nellymoser", "Nellymoser", "Nellymoser", "G.711 A-law", "G.711 µ-law",
		10: "AAC", 11: "Speex", 13: "Opus (sound format 13)", 14: "MP3", 15: "device-specific sound",
	}
	if n := names[format&0x0f]; n != "" {
		return n
	}
	return fmt.Sprintf("FLV sound format %d", format)
}
