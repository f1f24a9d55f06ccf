package egress

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

// ViewerInfo is what an operator sees of a viewer.
type ViewerInfo struct {
	ID      string    `json:"id"`                // as in the log
	Stream  string    `json:"stream"`            // app/key
	State   string    `json:"state"`             // connecting, connected or restarting (ICE)
	Address string    `json:"address,omitempty"` // host:port of the media; none yet while connecting
	Since   time.Time `json:"since"`
	Codec   string    `json:"codec,omitempty"` // of the video; none: sound alone
	Bytes   uint64    `json:"bytes"`           // of RTP payload, as of the last sender report
	Packets uint64    `json:"packets"`         // of RTP, as of the same
	Lost    uint64    `json:"lost"`            // packets that never came, as the viewer says
	Loss    float64   `json:"loss"`            // share of the packets lost lately, 0 to 1; the worse track's
	RTT     float64   `json:"rttMs,omitempty"` // round trip in ms; none before the first report
}

// Viewers returns what is known of the viewers of all streams, by stream and
// age.
func (s *Server) Viewers() []ViewerInfo {
	s.mu.Lock()
	present := make(map[*Viewer]string, len(s.present))
	for v, stream := range s.present {
		present[v] = stream
	}
	s.mu.Unlock()
	list := make([]ViewerInfo, 0, len(present))
	for v, stream := range present {
		info := v.info()
		info.Stream = stream
		list = append(list, info)
	}
	slices.SortFunc(list, func(a, b ViewerInfo) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// EndViewer ends the viewer with an ID for ErrKicked, and reports whether there
// was one.
func (s *Server) EndViewer(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.present {
		if v.id == id {
			v.end(ErrKicked)
			return true
		}
	}
	return false
}

// forget takes a viewer that has ended off the list.
func (s *Server) forget(v *Viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.present, v)
}

// info returns what there is to say of the viewer, but for its stream.
func (v *Viewer) info() ViewerInfo {
	info := ViewerInfo{ID: v.id, State: v.state(), Since: v.joined}
	if v.peer.video != nil {
		info.Codec = v.peer.encoding.Codec.String()
	}
	if to := v.peer.Remote(); to.IsValid() {
		info.Address = to.String()
	}
	v.vitals.fill(&info)
	return info
}

func (v *Viewer) state() string {
	select {
	case <-v.connected:
	default:
		return "connecting"
	}
	if v.path.isOpen() {
		return "connected"
	}
	return "restarting"
}

// vitals are the figures of a viewer's sender and receiver reports, by SSRC.
// They cost nothing while packets are sent.
type vitals struct {
	mu     sync.Mutex
	tracks map[uint32]*trackVitals
	rtt    time.Duration
}

type trackVitals struct {
	packets, octets uint64
	lastOctets      uint32 // of the last sender report; wraps
	lastPackets     uint32
	lost            uint32
	fraction        uint8 // lost of 256, RFC 3550 §6.4.1
}

func (t *vitals) track(ssrc uint32) *trackVitals {
	if t.tracks == nil {
		t.tracks = make(map[uint32]*trackVitals)
	}
	if t.tracks[ssrc] == nil {
		t.tracks[ssrc] = &trackVitals{}
	}
	return t.tracks[ssrc]
}

// said takes note of reports that go to the viewer.
func (t *vitals) said(packets []rtcp.Packet) {
	for _, p := range packets {
		report, ok := p.(*rtcp.SenderReport)
		if !ok {
			continue
		}
		t.mu.Lock()
		k := t.track(report.SSRC)
		k.packets += uint64(report.PacketCount - k.lastPackets)
		k.octets += uint64(report.OctetCount - k.lastOctets)
		k.lastPackets, k.lastOctets = report.PacketCount, report.OctetCount
		t.mu.Unlock()
	}
}

// heard takes note of what the viewer reports. It may name any SSRC: only those
// of sender reports are known.
func (t *vitals) heard(p rtcp.Packet, now time.Time) {
	report, ok := p.(*rtcp.ReceiverReport)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range report.Reports {
		k := t.tracks[r.SSRC]
		if k == nil {
			continue
		}
		k.lost, k.fraction = r.TotalLost, r.FractionLost
		if r.LastSenderReport == 0 {
			continue // it has seen none
		}
		// In units of 1/65536 s; clocks that were set lately make it absurd.
		trip := uint32(ntpTime(now)>>16) - r.LastSenderReport - r.Delay
		if rtt := time.Duration(trip) * time.Second >> 16; rtt < time.Minute {
			t.rtt = rtt
		}
	}
}

func (t *vitals) fill(info *ViewerInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.tracks {
		info.Bytes += k.octets
		info.Packets += k.packets
		info.Lost += uint64(k.lost)
		info.Loss = max(info.Loss, float64(k.fraction)/256)
	}
	info.RTT = float64(t.rtt.Microseconds()) / 1000
}
