package egress

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// arrive lets a guest in who leaves as soon as he is told to, and returns how
// he stands: "here", or the cause of his end.
func arrive(t *testing.T, h *Hub, patience time.Duration) (standing func() string) {
	t.Helper()
	g, err := h.admit(t.Context(), patience)
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(g.ctx, func() { h.release(g) })
	return func() string {
		synctest.Wait()
		if err := context.Cause(g.ctx); err != nil {
			return err.Error()
		}
		return "here"
	}
}

func TestGuests(t *testing.T) {
	ended := ErrStreamEnded.Error()
	type step struct {
		at   time.Duration
		do   string    // publish, unpublish, early (a guest with 10 s), patient (one with 100 s)
		want [2]string // how the early and the patient guest stand then
		over bool
	}
	for name, steps := range map[string][]step{
		"nobody comes": {
			{0, "early", [2]string{"here"}, false},
			{5 * time.Second, "patient", [2]string{"here", "here"}, false},
			{9 * time.Second, "", [2]string{"here", "here"}, false},
			{11 * time.Second, "", [2]string{ended, "here"}, false},
			{104 * time.Second, "", [2]string{ended, "here"}, false},
			{106 * time.Second, "", [2]string{ended, ended}, true},
		},
		"a publisher comes": {
			{0, "early", [2]string{"here"}, false},
			{9 * time.Second, "publish", [2]string{"here"}, false},
			{time.Hour, "", [2]string{"here"}, false},
			{time.Hour, "unpublish", [2]string{"here"}, false},
			{time.Hour + 59*time.Second, "", [2]string{"here"}, false},
			{time.Hour + 61*time.Second, "", [2]string{ended}, true},
		},
		"between publishers": {
			{0, "publish", [2]string{}, false},
			{time.Second, "early", [2]string{"here"}, false},
			{2 * time.Second, "unpublish", [2]string{"here"}, false},
			{50 * time.Second, "patient", [2]string{"here", "here"}, false},
			{61 * time.Second, "", [2]string{"here", "here"}, false},
			{63 * time.Second, "", [2]string{ended, "here"}, false},
			{149 * time.Second, "publish", [2]string{ended, "here"}, false},
			{time.Hour, "", [2]string{ended, "here"}, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var over atomic.Bool
				h := testHub(func() { over.Store(true) })
				var p *Publication
				none := func() string { return "" }
				guests, start := [2]func() string{none, none}, time.Now()
				for _, s := range steps {
					time.Sleep(s.at - time.Since(start))
					switch s.do {
					case "publish":
						p = mustPublish(t, h)
					case "unpublish":
						write(t, p.Close())
					case "early":
						guests[0] = arrive(t, h, 10*time.Second)
					case "patient":
						guests[1] = arrive(t, h, 100*time.Second)
					}
					if got := [2]string{guests[0](), guests[1]()}; got != s.want || over.Load() != s.over {
						t.Errorf("after %v: %q, over %t; want %q, %t", s.at, got, over.Load(), s.want, s.over)
					}
				}
				h.close()
			})
		})
	}
}

// A waiting room is gone with the last who waits in it.
func TestRoomEmpties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int32
		h := testHub(func() { ended.Add(1) })
		g, err := h.admit(t.Context(), time.Hour)
		write(t, err)
		other, err := h.admit(t.Context(), time.Hour)
		write(t, err)
		h.release(g)
		synctest.Wait()
		if ended.Load() != 0 || h.over() {
			t.Error("ended while somebody waits")
		}
		h.release(other)
		synctest.Wait()
		if ended.Load() != 1 || !h.over() {
			t.Error("not ended")
		}
		if _, err := h.admit(t.Context(), time.Hour); !errors.Is(err, ErrNotLive) {
			t.Errorf("admitted to an ended hub: %v", err)
		}
	})
}

func TestStatus(t *testing.T) {
	h := testHub(func() {})
	var p *Publication
	var g *guest
	for _, c := range []struct {
		what string
		do   func()
		want Status
	}{
		{"a viewer comes", func() { g, _ = h.admit(t.Context(), time.Hour) }, Status{false, 1}},
		{"a publisher comes", func() { p = mustPublish(t, h) }, Status{true, 1}},
		{"the viewer leaves", func() { h.release(g) }, Status{true, 0}},
		{"the publisher leaves", func() { write(t, p.Close()) }, Status{false, 0}},
	} {
		_, changed := h.status()
		c.do()
		select {
		case <-changed:
		default:
			t.Errorf("%s: nobody is told", c.what)
		}
		if got, _ := h.status(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
	h.close()
}
