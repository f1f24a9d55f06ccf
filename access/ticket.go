package access

import (
	"context"
	"crypto/sha256"
	"sync"
)

// ticket is a viewer's token, to be held against rules.
type ticket struct {
	sum    [sha256.Size]byte
	claims func() *claims // of the JWT that it is; nil: it is none that is good
}

// ticket reads a token, as a JWT only where one is asked for, and once.
func (s state) ticket(ctx context.Context, token string) ticket {
	return ticket{
		sum: sha256.Sum256([]byte(token)),
		claims: sync.OnceValue(func() *claims {
			c, err := s.verifier.verify(ctx, token)
			if err != nil {
				return nil
			}
			return c
		}),
	}
}

// fits reports whether a rule lets the ticket's holder watch a stream.
func (t ticket) fits(w *Watch, stream string) bool {
	ok := false
	for i := range w.Tokens { // all, so that the time tells nothing
		ok = w.Tokens[i].of(t.sum) || ok
	}
	if ok || !w.JWT {
		return ok
	}
	c := t.claims()
	return c != nil && c.allows("play", stream)
}
