package whip

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/sluice-media/sluice/contribute"
	"github.com/sluice-media/sluice/egress"
)

const (
	// retrySoon is for a stream that may begin any moment.
	retrySoon = 2 // seconds
	// retryBusy is for a server that cannot take another viewer now.
	retryBusy = 10 // seconds
)

// problem is an error response (RFC 9457).
type problem struct {
	status     int
	detail     string
	retryAfter int // seconds; 0: the same request will fail again
}

func (p *problem) Error() string { return p.detail }

func refuse(status int, format string, args ...any) *problem {
	return &problem{status: status, detail: fmt.Sprintf(format, args...)}
}

// problemOf says what a client is told of err.
func problemOf(err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, egress.ErrNoStream):
		return &problem{http.StatusNotFound, "no such stream", retrySoon}
	case errors.Is(err, egress.ErrNotLive):
		return &problem{http.StatusConflict, "the stream is not live now", retrySoon}
	case errors.Is(err, egress.ErrTooManyViewers):
		return &problem{http.StatusServiceUnavailable, "no more viewers can be taken now", retryBusy}
	case errors.Is(err, contribute.ErrTaken):
		return &problem{http.StatusConflict, "the name is being published already", retrySoon}
	case errors.Is(err, contribute.ErrTooMany):
		return &problem{http.StatusServiceUnavailable, "no more publishers can be taken now", retryBusy}
	case errors.Is(err, egress.ErrClosed), errors.Is(err, contribute.ErrClosed):
		return &problem{http.StatusServiceUnavailable, "the server is shutting down", retryBusy}
	case errors.Is(err, egress.ErrBadOffer):
		return refuse(http.StatusBadRequest, "%v", err)
	case errors.Is(err, egress.ErrNoCommonCodec):
		return refuse(http.StatusUnprocessableEntity, "%v", err)
	default:
		return refuse(http.StatusInternalServerError, "the server could not do this")
	}
}

func (p *problem) write(w http.ResponseWriter) {
	title := http.StatusText(p.status)
	body, _ := json.Marshal(struct { // strings and an int: cannot fail
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		Error  string `json:"error"` // the member that MediaMTX's reader.js shows
	}{title, p.status, p.detail, p.detail})

	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}
