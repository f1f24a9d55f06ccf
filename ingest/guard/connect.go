package guard

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/ingest/chunk"
)

// SendSize is the chunk size of what is sent to the peer: each reply fits in
// one chunk, so that one Write of go-rtmp is one chunk and ours can go between.
const SendSize = 4096

// Client is what the connect command said of the publisher's abilities
// (Enhanced RTMP v2, "Enhancing NetConnection connect command"). Nothing of it
// is advertised back yet.
type Client struct {
	// FourCCs are the codecs of fourCcList; "*" means all.
	FourCCs []string

	// VideoFourCCs and AudioFourCCs are what videoFourCcInfoMap and
	// audioFourCcInfoMap say of each codec: 1 decode, 2 encode, 4 forward.
	VideoFourCCs, AudioFourCCs map[string]uint32

	// Capabilities are the bits of capsEx: 1 reconnect, 2 multitrack,
	// 4 ModEx, 8 nanosecond timestamps.
	Capabilities uint32
}

// Client returns what the connect command said. It belongs to the reading
// goroutine.
func (c *Conn) Client() Client { return c.client }

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

func clientOf(o amf0.Object) Client {
	cl := Client{
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
