package depacketize

import (
	"bytes"
	"fmt"

	"github.com/sluice-media/sluice/media"
)

// maxASC is the largest AudioSpecificConfig taken: all elements and the
// longest comment of a program_config_element make 320 bytes, others have 2
// to 7.
const maxASC = 512

// Audio object types (ISO/IEC 14496-3 table 1.17).
const (
	objectMain = 1
	objectLC   = 2
	objectLTP  = 4
	objectSBR  = 5
	objectPS   = 29
)

// parseASC reads an AudioSpecificConfig of AAC Main, LC or LTP, with or
// without SBR (HE-AAC) and parametric stereo (HE-AAC v2), announced in front
// or, backward compatibly, behind.
//
// SBR and parametric stereo that are not announced at all show only in the
// frames, which are not looked into: such a stream is described by its core
// (LC, half the rate, mono). Times are the same: 1024 samples of the core last
// as long as 2048 of the output.
//
// Specification: ISO/IEC 14496-3 §1.6.2.1, §1.6.5.
func parseASC(asc []byte) (*media.AudioConfig, error) {
	if len(asc) > maxASC {
		return nil, corrupt("AudioSpecificConfig of %d bytes, at most %d make sense", len(asc), maxASC)
	}
	r := &bitReader{data: asc}
	a := ascReader{bitReader: r, object: readObjectType(r), coreRate: readSampleRate(r)}
	a.outputRate = a.coreRate
	layout := r.u(4)
	if a.object == objectSBR || a.object == objectPS {
		a.sbr, a.ps = true, a.object == objectPS
		a.outputRate = readSampleRate(r)
		a.object = readObjectType(r)
	}
	if r.err == nil && !a.supported() {
		return nil, unsupported("AAC " + objectName(a.object))
	}
	a.readGASpecificConfig(layout)
	if r.err == nil && !a.sbr {
		a.readSyncExtension()
	}
	if r.err != nil {
		return nil, fmt.Errorf("AudioSpecificConfig %x: %w", asc[:min(len(asc), 8)], r.err)
	}
	return a.config(asc)
}

// ascReader holds what was read of an AudioSpecificConfig.
type ascReader struct {
	*bitReader
	object               uint32 // of the core
	coreRate, outputRate int    // Hz
	channels             int
	short                bool // frames of 960 samples instead of 1024
	sbr, ps              bool
}

func (a *ascReader) supported() bool {
	return a.object == objectMain || a.object == objectLC || a.object == objectLTP
}

// readGASpecificConfig reads the configuration of the AAC family (ISO/IEC
// 14496-3 §4.4.1).
func (a *ascReader) readGASpecificConfig(layout uint32) {
	a.short = a.flag() // frameLengthFlag
	if a.flag() {      // dependsOnCoreCoder
		a.skip(14) // coreCoderDelay
	}
	a.skip(1) // extensionFlag: nothing follows it for these object types
	switch layout {
	case 0:
		a.channels = readProgramConfig(a.bitReader)
	case 1, 2, 3, 4, 5, 6:
		a.channels = int(layout)
	case 7, 12, 14:
		a.channels = 8
	case 11:
		a.channels = 7
	case 13:
		a.channels = 24
	default:
		a.fail("channel configuration %d", layout)
	}
}

// readSyncExtension reads the backward compatible signalling of SBR and
// parametric stereo behind the configuration, as OBS and ffmpeg send it to say
// that there is no SBR (56e500). What is no such thing is junk, and ignored.
func (a *ascReader) readSyncExtension() {
	ext := *a.bitReader // so that an error in it does not stick
	if ext.u(11) != 0x2b7 || readObjectType(&ext) != objectSBR || !ext.flag() {
		return
	}
	rate := readSampleRate(&ext)
	if ext.err != nil {
		return
	}
	a.sbr, a.outputRate = true, rate
	a.ps = ext.u(11) == 0x548 && ext.flag()
}

// config checks what was read and puts it into words.
func (a *ascReader) config(asc []byte) (*media.AudioConfig, error) {
	if a.outputRate != a.coreRate && a.outputRate != 2*a.coreRate {
		return nil, corrupt("AudioSpecificConfig with SBR from %d to %d Hz", a.coreRate, a.outputRate)
	}
	if a.channels > 8 {
		return nil, unsupported(fmt.Sprintf("AAC with %d channels", a.channels))
	}
	c := &media.AudioConfig{
		SampleRate: a.outputRate, Channels: a.channels, FrameSamples: 1024,
		Profile: objectName(a.object), ASC: bytes.Clone(asc),
	}
	if a.short {
		c.FrameSamples = 960
	}
	c.FrameSamples *= a.outputRate / a.coreRate
	if a.sbr {
		c.Profile = "HE"
	}
	if a.ps {
		c.Profile = "HEv2"
		if c.Channels == 1 {
			c.Channels = 2
		}
	}
	return c, nil
}

// readObjectType reads an audio object type (ISO/IEC 14496-3 §1.6.2.1,
// GetAudioObjectType).
func readObjectType(r *bitReader) uint32 {
	t := r.u(5)
	if t == 31 {
		t = 32 + r.u(6)
	}
	return t
}

// readSampleRate reads samplingFrequencyIndex, or the rate in Hz where that is
// 15 (ISO/IEC 14496-3 §1.6.3.3, table 1.18).
func readSampleRate(r *bitReader) int {
	rates := [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	i := int(r.u(4))
	if r.err != nil {
		return 0
	}
	if i < len(rates) {
		return rates[i]
	}
	if i != 15 {
		r.fail("sampling frequency index %d", i)
		return 0
	}
	rate := int(r.u(24))
	if rate < rates[len(rates)-1] || rate > rates[0] {
		r.fail("sampling frequency of %d Hz", rate)
		return 0
	}
	return rate
}

// objectName names an audio object type.
func objectName(t uint32) string {
	switch t {
	case objectMain:
		return "Main"
	case objectLC:
		return "LC"
	case 3:
		return "SSR"
	case objectLTP:
		return "LTP"
	case 23:
		return "LD"
	case 39:
		return "ELD"
	case 42:
		return "USAC (xHE-AAC)"
	default:
		return fmt.Sprintf("audio object type %d", t)
	}
}
