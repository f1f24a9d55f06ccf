package depacketize

import (
	"math"
	"testing"
	"time"
)

// message is one that the clock sees, in ms; pts and dts are what is expected,
// relative to clockStart.
type message struct {
	kind      byte // 'v' or 'a'
	timestamp uint32
	offset    int64 // composition time
	arrival   int64
	pts, dts  int64
}

func TestClock(t *testing.T) {
	cases := []struct {
		name     string
		messages []message
		jumps    uint64
	}{
		{"audio and video", []message{
			{'v', 0, 66, 0, 66, 0}, {'a', 45, 0, 1, 45, 45}, {'v', 33, 166, 33, 199, 33}, {'a', 66, 0, 60, 66, 66}, {'v', 67, 0, 67, 67, 67},
		}, 0},
		{"first timestamp anywhere", []message{
			{'a', 7_000_000, 0, 0, 0, 0}, {'v', 6_999_990, 0, 10, -10, -10}, {'v', 7_000_023, 0, 43, 23, 23},
		}, 0},
		{"wrap, video first", []message{
			{'v', 0xfffff000, 0, 0, 0, 0},
			{'a', 0xfffff010, 0, 16, 16, 16},
			{'v', 0xffffffff, 0, 4095, 4095, 4095},
			{'v', 32, 0, 4128, 4128, 4128},
			{'a', 0xfffffff0, 0, 4129, 4080, 4080},
			{'a', 5, 0, 4140, 4101, 4101},
			{'v', 65, 0, 4161, 4161, 4161},
		}, 0},
		{"+15 s, video sees it first", []message{
			{'v', 1000, 0, 0, 0, 0},
			{'a', 1010, 0, 10, 10, 10},
			{'v', 1033, 0, 33, 33, 33},
			{'v', 16067, 0, 67, 67, 67},
			{'a', 1031, 0, 68, 31, 31},
			{'a', 16052, 0, 70, 52, 52},
			{'v', 16100, 0, 100, 100, 100},
			{'a', 16074, 0, 101, 74, 74},
		}, 1},
		{"+15 s, audio sees it first", []message{
			{'v', 1000, 0, 0, 0, 0},
			{'a', 1010, 0, 10, 10, 10},
			{'v', 1033, 0, 33, 33, 33},
			{'a', 16070, 0, 70, 70, 70},
			{'v', 1067, 0, 71, 67, 67},
			{'v', 16100, 0, 100, 100, 100},
			{'a', 16091, 0, 101, 91, 91},
		}, 1},
		{"+1 h", []message{
			{'v', 1000, 0, 0, 0, 0}, {'a', 1010, 0, 10, 10, 10}, {'v', 3601043, 0, 43, 43, 43}, {'a', 3601031, 0, 44, 31, 31},
		}, 1},
		{"-5 s", []message{
			{'v', 9000, 0, 0, 0, 0}, {'a', 9010, 0, 10, 10, 10}, {'v', 4033, 0, 33, 33, 33}, {'a', 4020, 0, 34, 20, 20}, {'a', 4041, 0, 55, 41, 41},
		}, 1},
		{"-1 s", []message{
			{'v', 9000, 0, 0, 0, 0}, {'a', 9010, 0, 10, 10, 10}, {'v', 8033, 0, 33, 33, 33}, {'a', 9031, 0, 34, 31, 31}, {'a', 8052, 0, 55, 52, 52},
		}, 1},
		{"reset to 0 after a pause of 4 s", []message{
			{'v', 900_000, 0, 0, 0, 0}, {'a', 900_010, 0, 10, 10, 10}, {'v', 0, 0, 4010, 4010, 4010}, {'a', 5, 0, 4012, 4015, 4015}, {'v', 33, 0, 4043, 4043, 4043},
		}, 1},
		{"reset to 0 in a burst: the frame interval counts", []message{
			{'v', 5000, 0, 0, 0, 0}, {'v', 5040, 0, 0, 40, 40}, {'v', 0, 0, 0, 80, 80}, {'v', 40, 0, 0, 120, 120},
		}, 1},
		{"pause of 20 s", []message{
			{'v', 1000, 0, 0, 0, 0}, {'a', 1010, 0, 10, 10, 10}, {'v', 21000, 0, 20000, 20000, 20000}, {'a', 21010, 0, 20010, 20010, 20010},
		}, 0},
		{"no audio for 10 minutes", []message{
			{'a', 0, 0, 0, 0, 0}, {'v', 1000, 0, 1000, 1000, 1000}, {'v', 601_000, 0, 601_000, 601_000, 601_000}, {'a', 601_010, 0, 601_011, 601_010, 601_010},
		}, 0},
		{"audio clock stood still for 10 minutes", []message{
			{'a', 0, 0, 0, 0, 0}, {'v', 1000, 0, 1000, 1000, 1000}, {'v', 601_000, 0, 601_000, 601_000, 601_000}, {'a', 21, 0, 601_011, 601_011, 601_011}, {'a', 42, 0, 601_032, 601_032, 601_032},
		}, 1},
		{"stall of 20 s: the first 2 s come late, the rest was dropped", []message{
			{'v', 1000, 0, 0, 0, 0}, {'v', 2000, 0, 20_000, 1000, 1000}, {'v', 3000, 0, 20_001, 2000, 2000}, {'v', 21_000, 0, 20_002, 20_000, 20_000}, {'v', 21_033, 0, 20_033, 20_033, 20_033},
		}, 0},
		{"a forgotten stall does not hide a jump", append(
			append([]message{{'v', 0, 0, 0, 0, 0}}, steady('v', 0, 10_000, 300, 1000)...),
			message{'v', 310_000, 0, 311_200, 301_200, 301_200},
		), 1},
		{"faster than real time", steadyFrom(message{'v', 1000, 0, 0, 0, 0}, 100, 1000, 0), 0},
		{"jitter of one track", []message{
			{'v', 100, 0, 0, 0, 0}, {'v', 163, 0, 33, 63, 63}, {'a', 140, 0, 40, 40, 40}, {'v', 167, 0, 67, 67, 67}, {'a', 161, 0, 61, 61, 61}, {'v', 230, 0, 100, 130, 130},
		}, 0},
		{"GStreamer: DTS rewritten, PTS right", []message{
			{'v', 0, 0, 0, 0, 0}, {'v', 171, -138, 33, 33, 33}, {'v', 171, -105, 67, 66, 33}, {'v', 180, -80, 100, 100, 42}, {'v', 190, -57, 133, 133, 52},
		}, 0},
		{"negative composition times with B-frames", []message{
			{'v', 80, -80, 0, -80, -80}, {'v', 120, 0, 40, 40, -40}, {'v', 160, -120, 80, -40, -40}, {'v', 200, -120, 120, 0, 0}, {'v', 240, 0, 160, 160, 40},
		}, 0},
		{"audio only", []message{{'a', 46, 0, 0, 0, 0}, {'a', 67, 0, 21, 21, 21}, {'a', 88, 0, 42, 42, 42}, {'a', 110, 0, 63, 64, 64}}, 0},
		{"audio only, reset", []message{{'a', 4600, 0, 0, 0, 0}, {'a', 4621, 0, 21, 21, 21}, {'a', 0, 0, 42, 42, 42}, {'a', 21, 0, 63, 63, 63}}, 1},
		{"audio 20 s late", []message{
			{'v', 0, 0, 0, 0, 0}, {'v', 19_990, 0, 19_990, 19_990, 19_990}, {'a', 20_005, 0, 20_006, 20_005, 20_005},
		}, 0},
		{"audio of another epoch", []message{
			{'v', 3_600_000, 0, 0, 0, 0}, {'a', 0, 0, 5, 5, 5}, {'v', 3_600_033, 0, 33, 33, 33}, {'a', 21, 0, 34, 26, 26}, {'v', 3_600_067, 0, 67, 67, 67}, {'a', 43, 0, 68, 48, 48},
		}, 1},
		{"one wild timestamp", []message{
			{'v', 0, 0, 0, 0, 0}, {'a', 5, 0, 5, 5, 5}, {'v', 1 << 31, 0, 33, 33, 33}, {'a', 27, 0, 34, 27, 27}, {'v', 67, 0, 67, 67, 67}, {'a', 48, 0, 68, 48, 48},
		}, 1},
		{"audio about 3 s behind", []message{
			{'v', 9000, 0, 0, 0, 0}, {'a', 6100, 0, 1, -2900, -2900}, {'v', 9200, 0, 200, 200, 200}, {'a', 6121, 0, 201, -2879, -2879}, {'v', 9400, 0, 400, 400, 400}, {'a', 6321, 0, 401, -2679, -2679},
		}, 0},
		{"-0.6 s, and audio is late: it follows video", []message{
			{'v', 9000, 0, 0, 0, 0}, {'a', 9000, 0, 0, 0, 0}, {'v', 8400, 0, 33, 33, 33}, {'a', 8740, 0, 373, 373, 373},
		}, 1},
		{"AV1 end of sequence at 0", []message{
			{'v', 8000, 0, 0, 0, 0}, {'a', 8005, 0, 5, 5, 5}, {'v', 0, 0, 33, 33, 33}, {'v', 8067, 0, 67, 67, 67}, {'a', 8048, 0, 68, 48, 48},
		}, 1},
		{"no arrival times", []message{{'v', 0, 0, 0, 0, 0}, {'v', 1000, 0, 0, 1000, 1000}, {'v', 2000, 0, 0, 2000, 2000}}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var clk clock
			for i, m := range c.messages {
				pts, dts := tell(&clk, m)
				// Only a tick at a time may be added, to keep frames apart.
				if d := (pts - ms(m.pts)).Abs() + (dts - ms(m.dts)).Abs(); d > 4*tick {
					t.Errorf("message %d (%c %d): PTS %v DTS %v, want %v %v", i, m.kind, m.timestamp, pts, dts, ms(m.pts), ms(m.dts))
				}
			}
			if clk.jumps != c.jumps {
				t.Errorf("%d jumps, want %d", clk.jumps, c.jumps)
			}
		})
	}
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// tell shows a message to the clock and returns its times from clockStart.
func tell(c *clock, m message) (pts, dts time.Duration) {
	arrival := time.Unix(100, 0).Add(ms(m.arrival))
	if m.kind == 'v' {
		pts, dts = c.video(m.timestamp, 0, ms(m.offset), arrival)
	} else {
		pts = c.audio(m.timestamp, 0, arrival)
		dts = pts
	}
	return pts - clockStart, dts - clockStart
}

// steady makes n messages after timestamp and arrival, a step of both apart.
func steady(kind byte, timestamp uint32, arrival int64, n int, step uint32) (all []message) {
	for i := range uint32(n) {
		at := timestamp + (i+1)*step
		all = append(all, message{kind, at, 0, arrival + int64((i+1)*step), int64(at), int64(at)})
	}
	return all
}

// steadyFrom makes n messages that go on after m, with other steps of
// timestamp and arrival.
func steadyFrom(m message, n int, step uint32, arrivalStep int64) []message {
	all := []message{m}
	for range n {
		m.timestamp += step
		m.arrival += arrivalStep
		m.pts += int64(step)
		m.dts += int64(step)
		all = append(all, m)
	}
	return all
}

// Where timestamps step back by less than a jump the track stands still, one
// tick after the other, until they have passed.
func TestClockSmallStepBack(t *testing.T) {
	var c clock
	rtp := make(map[int64]bool)
	var last time.Duration
	for i, timestamp := range []uint32{1000, 1000, 1033, 700, 733, 767, 800, 833, 867, 900, 933, 967, 1000, 1040, 1067} {
		pts, dts := tell(&c, message{'v', timestamp, 10, int64(i) * 33, 0, 0})
		if i > 0 && dts <= last || pts < dts {
			t.Errorf("PTS %v DTS %v after %v", pts, dts, last)
		}
		last = dts
		rtp[int64(math.Round((pts+clockStart).Seconds()*90000))] = true
		if timestamp == 1067 && pts != ms(77) {
			t.Errorf("PTS %v after the step, want 77ms", pts)
		}
	}
	if c.jumps != 0 || len(rtp) != 15 {
		t.Errorf("%d jumps, %d different RTP timestamps; want 0 and 15", c.jumps, len(rtp))
	}
}

func BenchmarkClock(b *testing.B) {
	var c clock
	epoch := time.Unix(1, 0)
	b.ReportAllocs()
	for i := range b.N {
		arrival := epoch.Add(ms(int64(i) * 33))
		c.video(uint32(i)*33, 0, 0, arrival)
		c.audio(uint32(i)*33+10, 0, arrival)
	}
}
