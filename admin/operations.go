package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/egress"
)

// drainTime is how long a drain may take if nothing is said.
const drainTime = 5 * time.Minute

// ErrEnded is what a publication ends with that the operator ended.
var ErrEnded = errors.New("ended by the operator")

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// nameOf returns the name of the stream that the URL is about.
func nameOf(r *http.Request) string { return r.PathValue("app") + "/" + r.PathValue("key") }

// list returns the streams with their publishers.
func (c Config) list() []Stream {
	publishers := map[string]*Publisher{}
	for _, h := range c.Seats.Holders() {
		p := &Publisher{Agent: h.Agent, Since: h.Since, Bytes: h.Bytes}
		if h.Address.IsValid() {
			p.Address = h.Address.Unmap().String()
		}
		publishers[h.Stream] = p
	}
	list := []Stream{} // [] and not null
	for _, s := range c.Server.Streams() {
		list = append(list, Stream{s, publishers[s.Name]})
	}
	return list
}

func (c Config) streams(*http.Request) (any, error) { return Streams{c.list()}, nil }

func (c Config) stream(r *http.Request) (any, error) {
	for _, s := range c.list() {
		if s.Name == nameOf(r) {
			return s, nil
		}
	}
	return nil, problem(http.StatusNotFound, "there is no stream %s", nameOf(r))
}

func (c Config) endPublisher(r *http.Request) (any, error) {
	if !c.Seats.End(nameOf(r), ErrEnded) {
		return nil, problem(http.StatusNotFound, "nobody publishes %s", nameOf(r))
	}
	return nil, nil
}

func (c Config) viewers(r *http.Request) (any, error) {
	wanted := r.URL.Query().Get("stream")
	list := []egress.ViewerInfo{} // [] and not null
	for _, v := range c.Server.Viewers() {
		if wanted == "" || v.Stream == wanted {
			list = append(list, v)
		}
	}
	return Viewers{list}, nil
}

func (c Config) endViewer(r *http.Request) (any, error) {
	if id := r.PathValue("id"); !c.Server.EndViewer(id) {
		return nil, problem(http.StatusNotFound, "there is no viewer %s", id)
	}
	return nil, nil
}

func (c Config) drain(r *http.Request) (any, error) {
	var body Drain
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		return nil, problem(http.StatusBadRequest, "the body is not the JSON of a drain: %v", err)
	}
	timeout := drainTime
	if body.Timeout != "" {
		var err error
		if timeout, err = time.ParseDuration(body.Timeout); err != nil || timeout < 0 {
			return nil, problem(http.StatusBadRequest, "timeout %q is not a time such as 10m", body.Timeout)
		}
	}
	until := time.Now().Add(timeout)
	c.Drain(until)
	return Draining{until, len(c.Seats.Holders()), len(c.Server.Viewers())}, nil
}
