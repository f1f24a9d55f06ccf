package whip

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/sluice-media/sluice/egress"
)

// streamList is /api/streams.
func (h *Handler) streamList() http.Handler {
	return reading(func(r *http.Request) (any, error) {
		return map[string][]egress.StreamInfo{"streams": h.visible(r)}, nil
	})
}

// visible returns the streams that the request's maker may know of; never nil,
// which JSON would show as null.
func (h *Handler) visible(r *http.Request) []egress.StreamInfo {
	streams := append([]egress.StreamInfo{}, h.streams()...)
	if h.known == nil {
		return streams
	}
	var names []string
	for _, s := range streams {
		names = append(names, s.Name)
	}
	names = h.known(r.Context(), visit(r), names)
	return slices.DeleteFunc(streams, func(s egress.StreamInfo) bool { return !slices.Contains(names, s.Name) })
}

// streamOne is /api/streams/{app}/{key}.
func (h *Handler) streamOne() http.Handler {
	return reading(func(r *http.Request) (any, error) {
		streams := h.visible(r)
		i := slices.IndexFunc(streams, func(s egress.StreamInfo) bool { return s.Name == streamOf(r) })
		if i < 0 {
			return nil, egress.ErrNoStream
		}
		return streams[i], nil
	})
}

// reading answers GET and HEAD with what get returns, as JSON.
func reading(get func(*http.Request) (any, error)) http.Handler {
	do := func(w http.ResponseWriter, r *http.Request) error {
		v, err := get(r)
		if err != nil {
			return err
		}
		body, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode %s: %w", r.URL.Path, err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body) // the client has gone: nobody is left to tell
		return nil
	}
	return methods{http.MethodGet: do, http.MethodHead: do}
}
