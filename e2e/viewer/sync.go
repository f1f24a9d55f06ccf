package viewer

import (
	"fmt"
	"time"
)

// LipSync compares the two tracks of a flash-and-beep source: for each flash,
// how much later (or, negative, earlier) its beep begins on the sender's
// clock. Both tracks must have been kept from after the join, when a replayed
// GOP still has squeezed timestamps.
func (v *Viewer) LipSync() ([]time.Duration, error) {
	flashes, err := flashes(v.Video.Packets())
	if err != nil {
		return nil, err
	}
	beeps, err := beeps(v.Audio.Packets())
	if err != nil {
		return nil, err
	}
	if len(beeps) == 0 {
		return nil, fmt.Errorf("%d flashes but no beep", len(flashes))
	}
	firstBeep, lastBeep := v.Audio.WallClock(beeps[0]), v.Audio.WallClock(beeps[len(beeps)-1])
	var offsets []time.Duration
	for _, f := range flashes {
		flash := v.Video.WallClock(f)
		if flash < firstBeep-time.Second/2 || flash > lastBeep+time.Second/2 {
			continue // its beep was not kept
		}
		offsets = append(offsets, nearest(flash, beeps, v.Audio.WallClock))
	}
	return offsets, nil
}

func nearest(flash time.Duration, beeps []uint32, wall func(uint32) time.Duration) time.Duration {
	best := wall(beeps[0]) - flash
	for _, b := range beeps[1:] {
		if d := wall(b) - flash; d.Abs() < best.Abs() {
			best = d
		}
	}
	return best
}

// flashes returns the RTP timestamps of white pictures after black ones.
func flashes(packets []Packet) ([]uint32, error) {
	units, err := AccessUnits(packets)
	if err != nil {
		return nil, err
	}
	for len(units) > 0 && !units[0].IDR() {
		units = units[1:]
	}
	luma, err := Luma(units)
	if err != nil {
		return nil, err
	}
	const middle = 128
	var found []uint32
	for i := 1; i < len(luma); i++ {
		if luma[i] > middle && luma[i-1] < middle {
			found = append(found, units[i].Timestamp)
		}
	}
	return found, nil
}

// beeps returns the RTP timestamps at which sound follows silence.
func beeps(packets []Packet) ([]uint32, error) {
	pcm, skip, err := samples(packets)
	if err != nil {
		return nil, err
	}
	const (
		loud  = 3000  // a tenth of the beep's amplitude: reached in its first period
		quiet = 24000 // samples of silence that must go before, half a second
	)
	var found []uint32
	silentSince := 0
	for i, s := range pcm {
		if s > -loud && s < loud {
			continue
		}
		if i-silentSince > quiet {
			found = append(found, packets[0].Timestamp+uint32(skip+i))
		}
		silentSince = i
	}
	return found, nil
}
