package ingest

import (
	"testing"

	"github.com/sluice-media/sluice/docs/docstest"
	"github.com/sluice-media/sluice/ingest/amf0"
)

// docs/limits.md has these.
func TestLimits(t *testing.T) {
	docstest.Says(t, "stream key, parameters of the URL", docstest.Bytes(max(maxKey, maxQuery))+" each")
}

// What is set reaches the guard.
func TestLimitsAreSet(t *testing.T) {
	c := Config{MaxCommand: 1, MaxMessage: 2, MaxChunkStreams: 3, AMF: amf0.Limits{Depth: 4, Values: 5}}
	g := c.guard(&session{}, nil)
	if l := g.Limits; l.Command != 1 || l.Message != 2 || l.Streams != 3 || g.AMF != c.AMF {
		t.Errorf("%+v, %+v", l, g.AMF)
	}
}
