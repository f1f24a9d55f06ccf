package metrics

import "github.com/prometheus/client_golang/prometheus"

type ingestVecs struct {
	bytes            *prometheus.CounterVec
	frames           *prometheus.CounterVec
	keyframes        *prometheus.CounterVec
	keyframeInterval *prometheus.GaugeVec
	frameRate        *prometheus.GaugeVec
	jumps            *prometheus.CounterVec
	corrupt          *prometheus.CounterVec

	connections   *prometheus.CounterVec
	open          *prometheus.GaugeVec
	refusals      *prometheus.CounterVec
	publications  *prometheus.CounterVec
	lost          *prometheus.CounterVec
	requested     *prometheus.CounterVec
	keyframeAsked *prometheus.CounterVec
	acceptRetries *prometheus.CounterVec
}

func newIngestVecs(reg prometheus.Registerer) ingestVecs {
	s := series{reg, "ingest"}
	return ingestVecs{
		bytes:            s.counter("received_bytes_total", "Bytes of audio and video messages received from the publisher.", "stream", "kind"),
		frames:           s.counter("frames_total", "Access units and audio frames received from the publisher.", "stream", "kind"),
		keyframes:        s.counter("keyframes_total", "IDR access units received from the publisher.", "stream"),
		keyframeInterval: s.gauge("keyframe_interval_seconds", "Media time between the last two IDR access units.", "stream"),
		frameRate:        s.gauge("frame_rate_hertz", "Video frames a second over the last few seconds of media time.", "stream"),
		jumps:            s.counter("timestamp_jumps_total", "Jumps and resets of the publisher's timestamps that were made continuous.", "stream"),
		corrupt:          s.counter("corrupt_tags_total", "Audio and video messages that could not be parsed and were skipped.", "stream", "kind"),

		connections:  s.counter("connections_total", "RTMP connections accepted."),
		open:         s.gauge("connections", "RTMP connections now open."),
		refusals:     s.counter("refusals_total", "RTMP connections ended by Sluice, by reason.", "reason"),
		publications: s.counter("publications_total", "Publications begun, by the door they came through: rtmp or whip.", "door"),

		lost:          s.counter("lost_packets_total", "RTP packets of WHIP publishers that were lost for good.", "stream", "kind"),
		requested:     s.counter("requested_packets_total", "RTP packets that WHIP publishers were asked to send again; the same one may be asked for more than once.", "stream"),
		keyframeAsked: s.counter("keyframe_requests_total", "Keyframes that WHIP publishers were asked for.", "stream"),

		acceptRetries: s.counter("accept_errors_total", "Errors of the RTMP listener that were waited out."),
	}
}

// Ingest is the handle of one publication. The next publication of the same
// stream must not take its handle before this one is closed.
type Ingest struct {
	VideoBytes, AudioBytes     prometheus.Counter
	VideoFrames, AudioFrames   prometheus.Counter
	VideoCorrupt, AudioCorrupt prometheus.Counter
	Keyframes, Jumps           prometheus.Counter

	KeyframeInterval prometheus.Gauge // seconds
	FrameRate        prometheus.Gauge // frames a second

	close func()
}

// Ingest makes the series of one publication over RTMP.
func (m *Metrics) Ingest(stream string) *Ingest { return m.ingest.publication(stream, "rtmp") }

func (v *ingestVecs) publication(stream, door string) *Ingest {
	v.publications.WithLabelValues(door).Inc()
	return &Ingest{
		VideoBytes:       v.bytes.WithLabelValues(stream, "video"),
		AudioBytes:       v.bytes.WithLabelValues(stream, "audio"),
		VideoFrames:      v.frames.WithLabelValues(stream, "video"),
		AudioFrames:      v.frames.WithLabelValues(stream, "audio"),
		VideoCorrupt:     v.corrupt.WithLabelValues(stream, "video"),
		AudioCorrupt:     v.corrupt.WithLabelValues(stream, "audio"),
		Keyframes:        v.keyframes.WithLabelValues(stream),
		Jumps:            v.jumps.WithLabelValues(stream),
		KeyframeInterval: v.keyframeInterval.WithLabelValues(stream),
		FrameRate:        v.frameRate.WithLabelValues(stream),
		close: func() {
			deleteStream(stream, v.bytes, v.frames, v.corrupt, v.keyframes, v.jumps,
				v.keyframeInterval, v.frameRate)
		},
	}
}

// Close deletes the publication's series.
func (i *Ingest) Close() { i.close() }

// Contribution is the handle of one publication over WHIP.
type Contribution struct {
	*Ingest
	VideoLost, AudioLost        prometheus.Counter // packets
	Requested, KeyframeRequests prometheus.Counter
}

// Contribution makes the series of one publication over WHIP.
func (m *Metrics) Contribution(stream string) *Contribution {
	v := &m.ingest
	c := &Contribution{
		Ingest:           v.publication(stream, "whip"),
		VideoLost:        v.lost.WithLabelValues(stream, "video"),
		AudioLost:        v.lost.WithLabelValues(stream, "audio"),
		Requested:        v.requested.WithLabelValues(stream),
		KeyframeRequests: v.keyframeAsked.WithLabelValues(stream),
	}
	rest := c.close
	c.close = func() {
		rest()
		deleteStream(stream, v.lost, v.requested, v.keyframeAsked)
	}
	return c
}

// RTMP is the handle of the RTMP server as a whole.
type RTMP struct {
	Connections  prometheus.Counter
	Open         prometheus.Gauge
	AcceptErrors prometheus.Counter

	refusals *prometheus.CounterVec
}

// RTMP returns the handle of the RTMP server.
func (m *Metrics) RTMP() RTMP {
	return RTMP{
		Connections:  m.ingest.connections.WithLabelValues(),
		Open:         m.ingest.open.WithLabelValues(),
		AcceptErrors: m.ingest.acceptRetries.WithLabelValues(),
		refusals:     m.ingest.refusals,
	}
}

// Refused counts a connection that Sluice ended; reason is one of a small
// fixed set that the caller defines as constants.
func (r RTMP) Refused(reason string) { r.refusals.WithLabelValues(reason).Inc() }
