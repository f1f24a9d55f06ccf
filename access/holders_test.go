package access

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Who has a seat is listed and can be told to go; after Shut nobody sits down.
func TestHolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Seats
		begun := time.Now()
		e, err := publish(t, &s, laptop, dead)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		e.seat.Heard(time.Now(), 1200)
		e.seat.Heard(time.Now(), 34)
		want := Holder{Stream: "live/cam", Address: laptop, Since: begun, Bytes: 1234}
		if got := s.Holders(); len(got) != 1 || got[0] != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		s.Shut()
		if _, err := s.Take(t.Context(), Claim{Stream: "live/other"}); !errors.Is(err, ErrShut) {
			t.Errorf("after Shut: %v", err)
		}
		reason := errors.New("enough")
		if s.End("live/other", reason) {
			t.Error("a publication was ended that there is not")
		}
		if !s.End("live/cam", reason) || !errors.Is(context.Cause(e.ctx), reason) {
			t.Errorf("ended by %v", context.Cause(e.ctx))
		}
		synctest.Wait()
		if got := s.Holders(); len(got) != 0 {
			t.Errorf("still there: %+v", got)
		}
	})
}
