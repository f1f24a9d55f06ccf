//go:build linux

package load

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/sluice-media/sluice/e2e/rtmp"
)

const (
	clipLength = 10 * time.Second // is what is encoded; Clip repeats it
	clipRate   = 30               // frames a second
)

// Clip is an endless publication, 1280x720 at 30 frames a second and
// 2.5 Mbit/s and stereo AAC, as FLV tags. Every access unit begins with a stamp.
type Clip struct {
	tags   []rtmp.Tag
	frames int // tags at the start of the clip that are not repeated
}

// NewClip has ffmpeg encode one with an IDR so often, which divides 10 s. The
// noise gives the encoder what to spend the bits on.
func NewClip(ctx context.Context, file string, gop time.Duration) (*Clip, error) {
	frames := fmt.Sprint(int(gop.Seconds() * clipRate))
	args := "-nostdin -hide_banner -loglevel error" +
		" -f lavfi -i testsrc2=size=1280x720:rate=" + fmt.Sprint(clipRate) + ",noise=alls=12:allf=t -f lavfi -i sine=frequency=440:sample_rate=48000" +
		" -c:v libx264 -preset superfast -tune zerolatency -x264-params sliced-threads=0 -pix_fmt yuv420p" +
		" -b:v 2500k -maxrate 2500k -bufsize 2500k -g " + frames + " -keyint_min " + frames + " -sc_threshold 0 -bf 0" +
		" -c:a aac -b:a 128k -ac 2 -t " + fmt.Sprint(clipLength.Seconds()) + " -f flv -y"
	out, err := exec.CommandContext(ctx, "ffmpeg", append(strings.Fields(args), file)...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("encode a clip: %w: %s", err, out)
	}
	return ReadClip(file)
}

// ReadClip reads what NewClip wrote.
func ReadClip(file string) (*Clip, error) {
	tags, err := rtmp.ReadFLV(file)
	if err != nil {
		return nil, err
	}
	c := &Clip{}
	var frames []rtmp.Tag
	for _, t := range tags {
		switch {
		case t.Timestamp == 0 && !t.Frame(): // what decoders need to know
			c.tags = append(c.tags, t)
		case !t.Frame(): // the end of the sequence
		case t.Timestamp < uint32(clipLength.Milliseconds()):
			frames = append(frames, t)
		}
	}
	c.frames = len(c.tags)
	c.tags = append(c.tags, frames...)
	return c, nil
}

// Play calls write with one tag after the other, at the pace of their
// timestamps, video with a stamp of the moment. It returns at the end of the
// context or with the first error of write.
func (c *Clip) Play(ctx context.Context, write func(rtmp.Tag) error) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var round uint32
	for tags := c.tags; ; tags = c.tags[c.frames:] {
		for _, t := range tags {
			t.Timestamp += round
			timer.Reset(time.Until(start.Add(time.Duration(t.Timestamp) * time.Millisecond)))
			select {
			case <-ctx.Done():
				return nil
			case <-timer.C:
			}
			if t.Type == rtmp.Video && t.Frame() {
				t.Body = stamped(t.Body, time.Now())
			}
			if err := write(t); err != nil {
				return err
			}
		}
		round += uint32(clipLength.Milliseconds())
	}
}

// Publish plays a clip to an RTMP server at host:port as app/key.
func (c *Clip) Publish(ctx context.Context, addr, app, key string) error {
	p, err := rtmp.Publish(addr, app, key)
	if err != nil {
		return err
	}
	defer p.Close()
	return c.Play(ctx, p.WriteTag)
}

// stampID marks our user data (ITU-T H.264 §D.1.7). It holds no zeros, and the
// time is in hexadecimal, so that nothing needs emulation prevention.
const stampID = "sluice-benchmark"

// seiSize is the size of the stamp's NAL unit: its type, payload type and
// payload size, then the payload and the trailing bits.
const seiSize = 3 + len(stampID) + 16 + 1

// stamped returns an FLV video tag's body with a stamp in front of its NAL
// units, whose sizes take 4 bytes (ISO/IEC 14496-15 §5.3.4).
func stamped(body []byte, now time.Time) []byte {
	const tagHeader = 5
	b := make([]byte, 0, len(body)+4+seiSize)
	b = append(b, body[:tagHeader]...)
	b = append(b, 0, 0, 0, byte(seiSize), 6, 5, byte(len(stampID)+16))
	b = append(b, stampID...)
	b = fmt.Appendf(b, "%016x", uint64(now.UnixNano()))
	b = append(b, 0x80)
	return append(b, body[tagHeader:]...)
}

// stampIn returns the time of the stamp in an RTP payload: the NAL unit as it
// is, or in a STAP-A.
func stampIn(payload []byte) (at time.Time, ok bool) {
	i := bytes.Index(payload[:min(len(payload), 256)], []byte(stampID))
	if i < 0 || len(payload) < i+len(stampID)+16 {
		return at, false
	}
	var ns [8]byte
	if _, err := hex.Decode(ns[:], payload[i+len(stampID):i+len(stampID)+16]); err != nil {
		return at, false
	}
	var n int64
	for _, b := range ns {
		n = n<<8 | int64(b)
	}
	return time.Unix(0, n), true
}
