package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/access"
	"github.com/sluice-media/sluice/docs"
	"github.com/sluice-media/sluice/egress"
)

// maxBody is in bytes; a drain's has a few dozen.
const maxBody = 4 << 10

// Config says what the API works on. All fields are required.
type Config struct {
	Server *egress.Server
	Seats  *access.Seats

	// Drain lets nobody new in, and ends Sluice when its last publisher has
	// gone, at the latest at an instant.
	Drain func(until time.Time)
}

// route is one operation of the API.
type route struct {
	method, path string
	serve        func(*http.Request) (answer any, err error)
	status       int
	request      any // an example of the body, for the test of docs/openapi.yaml
	answer       any // the same; nil: none
}

// routes are all operations but that of the description itself.
func (c Config) routes() []route {
	return []route{
		{"GET", "/api/v1/streams", c.streams, http.StatusOK, nil, Streams{}},
		{"GET", "/api/v1/streams/{app}/{key}", c.stream, http.StatusOK, nil, Stream{}},
		{"DELETE", "/api/v1/streams/{app}/{key}/publisher", c.endPublisher, http.StatusNoContent, nil, nil},
		{"GET", "/api/v1/viewers", c.viewers, http.StatusOK, nil, Viewers{}},
		{"DELETE", "/api/v1/viewers/{id}", c.endViewer, http.StatusNoContent, nil, nil},
		{"POST", "/api/v1/drain", c.drain, http.StatusAccepted, Drain{}, Draining{}},
	}
}

// New returns the handler of /api/. Browsers cannot use it for the pages of
// others: what is open to a machine is not open to every page looked at on it.
func New(c Config) http.Handler {
	mux := http.NewServeMux()
	for _, r := range c.routes() {
		mux.Handle(r.method+" "+r.path, r)
	}
	mux.HandleFunc("GET /api/v1/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(docs.OpenAPI) // the client has gone: nobody is left to tell
	})
	mux.HandleFunc("GET /api/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, &Problem{Detail: "not in the API, see /api/v1/openapi.yaml"})
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

func (r route) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	answer, err := r.serve(req)
	var p *Problem
	switch {
	case errors.As(err, &p):
		write(w, p.Status, p)
	case err != nil:
		write(w, http.StatusInternalServerError, &Problem{Detail: err.Error()})
	default:
		write(w, r.status, answer)
	}
}

// write answers with JSON, or with the status alone. Of a problem it fills in
// what follows from the status.
func write(w http.ResponseWriter, status int, answer any) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	header.Set("Content-Type", "application/json")
	if p, ok := answer.(*Problem); ok {
		p.Status, p.Title = status, http.StatusText(status)
		header.Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client has gone: nobody is left to tell
}
