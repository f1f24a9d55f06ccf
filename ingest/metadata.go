package ingest

import (
	"math"
	"strings"

	"github.com/sluice-media/sluice/ingest/amf0"
	"github.com/sluice-media/sluice/media"
)

// What is kept of metadata, which anybody can see: publishers send 13 to 20
// entries, the longest the name of the encoder.
const (
	maxMetadata = 64
	maxWord     = 128 // bytes of a name or a text
)

// parseMetadata returns what a data message says of the stream; nil: it is
// another one, or malformed, which harms nobody.
//
// Specification: Adobe Flash Video File Format 10.1, E.5; encoders put
// @setDataFrame in front.
func parseMetadata(body []byte) media.Metadata {
	r := amf0.NewReader(body)
	name, err := r.String()
	if err == nil && name == "@setDataFrame" {
		name, err = r.String()
	}
	if err != nil || name != "onMetaData" {
		return nil
	}
	v, _ := r.Next()
	o, _ := v.(amf0.Object)
	m := make(media.Metadata)
	add(m, o)
	return m
}

// parseColor returns what a metadata packet says of the colours, without the
// names of its sections; nil: nothing.
//
// Specification: Enhanced RTMP v2, "Metadata Frame".
func parseColor(body []byte) media.Metadata {
	r := amf0.NewReader(body)
	if name, err := r.String(); err != nil || name != "colorInfo" {
		return nil
	}
	v, _ := r.Next()
	o, _ := v.(amf0.Object)
	var m media.Metadata
	for _, p := range o { // colorConfig, hdrCll, hdrMdcv
		if section, ok := p.Value.(amf0.Object); ok {
			if m == nil {
				m = make(media.Metadata)
			}
			add(m, section)
		}
	}
	return m
}

// add adds the properties of an object that can be shown to anybody.
func add(m media.Metadata, o amf0.Object) {
	for _, p := range o {
		if len(m) == maxMetadata || len(p.Key) > maxWord {
			continue
		}
		key := strings.ToValidUTF8(p.Key, "")
		switch v := p.Value.(type) {
		case bool:
			m[key] = v
		case float64:
			if !math.IsNaN(v) && !math.IsInf(v, 0) { // JSON has neither
				m[key] = v
			}
		case string:
			m[key] = strings.ToValidUTF8(v[:min(len(v), maxWord)], "")
		}
	}
}
