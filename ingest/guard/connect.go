package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// SendSize is the chunk size of what is sent to the peer: each reply fits in
// one chunk, so that one Write of go-rtmp is one chunk and ours can go between.
const SendSize = 4096

// Abilities are what one side of a connection says of itself in connect and its
// answer (Enhanced RTMP v2, "Enhancing NetConnection connect command").
type Abilities struct {
	// FourCCs are the codecs of fourCcList; "*" means all.
	FourCCs []string

	// VideoFourCCs and AudioFourCCs are what videoFourCcInfoMap and
	// audioFourCcInfoMap say of each codec: 1 decode, 2 encode, 4 forward.
	VideoFourCCs, AudioFourCCs map[string]uint32

	// Capabilities are the bits of capsEx: 1 reconnect, 2 multitrack,
	// 4 ModEx, 8 nanosecond timestamps.
	Capabilities uint32
}

// properties are the abilities as connect and its answer have them.
func (a Abilities) properties() amf0.Object {
	var list []any
	for _, f := range a.FourCCs {
		list = append(list, f)
	}
	infos := func(m map[string]uint32) (o amf0.Object) {
		for _, f := range slices.Sorted(maps.Keys(m)) {
			o = append(o, amf0.Property{Key: f, Value: float64(m[f])})
		}
		return o
	}
	return amf0.Object{
		{Key: "fourCcList", Value: list},
		{Key: "videoFourCcInfoMap", Value: infos(a.VideoFourCCs)},
		{Key: "audioFourCcInfoMap", Value: infos(a.AudioFourCCs)},
		{Key: "capsEx", Value: float64(a.Capabilities)},
	}
}

// Client returns what the connect command said. It belongs to the reading
// goroutine.
func (c *Conn) Client() Abilities { return c.client }

// connect passes the first connect on with the keys that matter, as strings:
// go-rtmp fails on Undefined, long strings and types that it does not expect.
func (c *Conn) connect(cl call) error {
	if c.progress.connected {
		return fmt.Errorf("%w: second connect on one connection", ErrProtocol)
	}
	v, err := cl.args.Next()
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	o, ok := v.(amf0.Object)
	if !ok {
		return fmt.Errorf("%w: connect without an object", ErrProtocol)
	}
	c.progress.connected, c.client = true, clientOf(o)
	c.send(csProtocol, chunk.Message{
		Type: chunk.SetChunkSize,
		Body: binary.BigEndian.AppendUint32(nil, SendSize),
	})
	var known amf0.Object
	for _, key := range []string{"app", "type", "flashVer", "tcUrl"} {
		known = append(known, amf0.Property{Key: key, Value: clean(o.String(key))})
	}
	c.passCommand(0, "connect", 1.0, known)
	return nil
}

func clientOf(o amf0.Object) Abilities {
	cl := Abilities{
		VideoFourCCs: fourCCMap(o.Get("videoFourCcInfoMap")),
		AudioFourCCs: fourCCMap(o.Get("audioFourCcInfoMap")),
		Capabilities: flags(o.Get("capsEx")),
	}
	list, _ := o.Get("fourCcList").([]any)
	for _, v := range list {
		if s, ok := v.(string); ok && isFourCC(s) {
			cl.FourCCs = append(cl.FourCCs, s)
		}
	}
	return cl
}

func fourCCMap(v any) map[string]uint32 {
	o, _ := v.(amf0.Object)
	if len(o) == 0 {
		return nil
	}
	m := make(map[string]uint32)
	for _, p := range o {
		if isFourCC(p.Key) {
			m[p.Key] = flags(p.Value)
		}
	}
	return m
}

func isFourCC(s string) bool { return len(s) == 4 || s == "*" }

// flags returns a number as bits; 0 for what is none.
func flags(v any) uint32 {
	f, _ := v.(float64)
	if !(f >= 0 && f < 1<<32) { // also not a number
		return 0
	}
	return uint32(f)
}

// clean makes a string valid UTF-8, without which go-rtmp fails.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// enhanced returns what go-rtmp writes to the peer, with the server's abilities
// added to the properties object of connect's _result, which go-rtmp cannot
// fill. It is the one write of a command before any other; what is not it, is
// returned as it is.
func (c *Conn) enhanced(p []byte) []byte {
	const header = 12 // of a chunk of type 0
	if c.answered || len(p) < header || p[0] != csCommand || chunk.Type(p[7]) != chunk.CommandAMF0 {
		return p
	}
	c.answered = true
	var values []any
	for r := amf0.NewReader(p[header:]); ; {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p
		}
		values = append(values, v)
	}
	if len(values) < 3 || values[0] != "_result" {
		return p
	}
	properties, ok := values[2].(amf0.Object)
	if !ok {
		return p
	}
	values[2] = append(properties, c.cfg.Abilities.properties()...)
	return chunk.Append(nil, csCommand, chunk.Message{
		Type:      chunk.CommandAMF0,
		Timestamp: uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3]),
		Body:      amf0.Append(nil, values...),
	})
}
