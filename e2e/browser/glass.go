package browser

import (
	_ "embed"
	"fmt"
	"math"
	"testing"
	"time"
)

//go:embed glass.js
var glassScript string

// Glass is a tab with players side by side, who note which numbered picture
// they show when.
type Glass struct{ page *Page }

// Watched is what a player showed. Times are milliseconds since 1970.
type Watched struct {
	Posted float64 // when the offer was sent
	Error  string
	Shown  []Shown
}

// Shown is one picture on the glass.
type Shown struct {
	At     float64
	Number int // -1 if it could not be read
}

// Reading is what the browser's getStats says of a player, since its join.
type Reading struct {
	Freezes          int
	FreezeSeconds    float64
	Decoded, Dropped int // pictures
	Lost             int // video packets
	NACKs, PLIs      int
	Repeated         int      // packets received over again
	Concealed        int      // samples
	Sync             *float64 // see AV
}

// AV is how many ms the picture is ahead of the sound; NaN while one of them
// does not play.
func (r Reading) AV() float64 {
	if r.Sync == nil {
		return math.NaN()
	}
	return *r.Sync
}

func (r Reading) String() string {
	return fmt.Sprintf("A-V %+.0f ms, %d freezes of %.2f s, %d decoded, %d dropped, %d lost, %d NACKs, %d repeated, %d PLIs, %d concealed",
		r.AV(), r.Freezes, r.FreezeSeconds, r.Decoded, r.Dropped, r.Lost, r.NACKs, r.Repeated, r.PLIs, r.Concealed)
}

// OpenGlass loads a page for the sake of its origin and makes it the glass.
func (c *Chromium) OpenGlass(tb testing.TB, url string) *Glass {
	tb.Helper()
	g := &Glass{page: c.Open(tb, url)}
	evaluate[bool](g.page, glassScript+";true")
	return g
}

// Join starts a player; a port that is not 0 takes the place of the server's.
func (g *Glass) Join(name, whep string, port int) {
	g.page.tb.Helper()
	evaluate[bool](g.page, fmt.Sprintf("glass.join(%q, %q, %d);true", name, whep, port))
}

// Watched returns what a player showed since a time.
func (g *Glass) Watched(name string, since time.Time) Watched {
	g.page.tb.Helper()
	w := evaluate[Watched](g.page, fmt.Sprintf("glass.watched(%q, %d)", name, since.UnixMilli()))
	if w.Error != "" {
		g.page.tb.Fatalf("player %s: %s", name, w.Error)
	}
	return w
}

// Reading reads getStats.
func (g *Glass) Reading(name string) Reading {
	g.page.tb.Helper()
	return evaluate[Reading](g.page, fmt.Sprintf("glass.reading(%q)", name))
}

// Likeness is how a player's pictures differ from those of the same numbers that
// another showed too.
type Likeness struct {
	Shown, Compared, Different int
	WorstPSNR                  float64 // dB; 0 for one without a number, at most 100
}

// Compare compares what a player showed since a time with what another, whose
// packets all came, has shown.
func (g *Glass) Compare(name, other string, since time.Time) Likeness {
	g.page.tb.Helper()
	return evaluate[Likeness](g.page, fmt.Sprintf("glass.compare(%q, %q, %d)", name, other, since.UnixMilli()))
}

// Leave ends a player.
func (g *Glass) Leave(name string) {
	g.page.tb.Helper()
	evaluate[bool](g.page, fmt.Sprintf("glass.leave(%q).then(() => true)", name))
}
